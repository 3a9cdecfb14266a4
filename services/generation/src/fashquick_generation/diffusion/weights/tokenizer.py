"""CLIP's tokenizer from its two published files, checked against the text encoder's vocabulary."""

from __future__ import annotations

import json
from typing import Any

from transformers import CLIPTokenizer

from fashquick_common.errors import ModelNotInstalled
from fashquick_generation.diffusion.weights.tensors import ADVICE, WeightsFile

MAX_TOKENS = 77
"""Of one pass through the text encoder, the two ends with them."""
_MAX_BYTES = 4 * 1024 * 1024  # CLIP's have 1.1 and 0.5 MB.
_ENDS = ("<|startoftext|>", "<|endoftext|>")


def read_tokenizer(vocabulary: WeightsFile, merges: WeightsFile, size: int) -> CLIPTokenizer:
    """Read a tokenizer.

    Args:
        vocabulary: `vocab.json`: an object of tokens and their numbers.
        merges: `merges.txt`: a pair of tokens each line, the most frequent first.
        size: Tokens that the text encoder knows.

    Raises:
        ModelNotInstalled: A file is missing, damaged, or does not fit the other or the text encoder.
    """
    tokens = _read_vocabulary(vocabulary, size)
    pairs = _read_merges(merges)
    strange = next((a + b for a, b in pairs if not {a, b, a + b} <= tokens.keys()), None)
    if strange is not None:
        raise ModelNotInstalled(
            f"{merges.name} merges to {strange[:80]!r}, which {vocabulary.name} does not have: they are of different "
            f"tokenizers; {ADVICE}"
        )
    return CLIPTokenizer(vocab=tokens, merges=pairs, model_max_length=MAX_TOKENS)


def _read_vocabulary(file: WeightsFile, size: int) -> dict[str, int]:
    try:
        tokens: Any = json.loads(_text(file))
    except (ValueError, RecursionError) as error:
        raise ModelNotInstalled(f"{file.name} is no vocabulary: {str(error)[:100]}; {ADVICE}") from error
    if not isinstance(tokens, dict) or not all(type(number) is int for number in tokens.values()):
        raise ModelNotInstalled(f"{file.name} is no vocabulary: it has not a number for each token; {ADVICE}")
    if sorted(tokens.values()) != list(range(len(tokens))) or len(tokens) > size:
        raise ModelNotInstalled(
            f"{file.name} has {len(tokens)} tokens that are not numbered from 0, or more than the {size} that the "
            f"text encoder knows: it is of another model; {ADVICE}"
        )
    missing = next((end for end in _ENDS if end not in tokens), None)
    if missing is not None:
        raise ModelNotInstalled(f"{file.name} lacks the token {missing}: it is not CLIP's; {ADVICE}")
    return tokens


def _read_merges(file: WeightsFile) -> list[tuple[str, str]]:
    pairs = []
    for number, line in enumerate(_text(file).split("\n"), start=1):
        if not line.strip() or (number == 1 and line.startswith("#version")):
            continue
        first, blank, second = line.partition(" ")
        if not (first and blank and second) or " " in second:
            raise ModelNotInstalled(f"{file.name}: line {number} is not two tokens and a blank; {ADVICE}")
        pairs.append((first, second))
    return pairs


def _text(file: WeightsFile) -> str:
    try:
        with file.path.open("rb") as opened:
            content = opened.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise ModelNotInstalled(f"{file.name} has more than {_MAX_BYTES} bytes: no tokenizer's; {ADVICE}")
        return content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelNotInstalled(f"{file.name} cannot be read: {type(error).__name__}; {ADVICE}") from error
