#!/usr/bin/env python3
"""A small set of random weights of Stable Diffusion's true classes, for tests and for trying the diffusion backend.

Its pictures are noise where diffusion may change them; everything else (loading, progress, previews, cancel, batches,
repair, the garment's own pixels) is as with real weights.
"""

from __future__ import annotations

from itertools import pairwise

from transformers import CLIPTokenizer

_VOCABULARY = 1024
_WORDS = (
    "a photo of woman man wearing the shirt dress trousers skirt jacket coat sweater red blue green white black grey "
    "cotton denim knit studio light fashion model standing plain striped checked sleeve short long neck crew collar"
)


def small_tokenizer() -> CLIPTokenizer:
    """CLIP's tokenizer with a vocabulary of 1,024: all bytes, and the pairs in fashion's commonest words."""
    letters = _byte_letters()
    ends = [f"{letter}</w>" for letter in letters]
    merges = list(
        dict.fromkeys(pair for word in _WORDS.split() for pair in [*pairwise([*word[:-1], f"{word[-1]}</w>"])])
    )
    merged = list(dict.fromkeys(a + b for a, b in merges))
    tokens = [*letters, *ends, *merged]
    filled = [f"<unused{index}>" for index in range(_VOCABULARY - 2 - len(tokens))]
    tokens = [*tokens, *filled, "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77)


def _byte_letters() -> list[str]:
    """The letters that byte-level BPE writes bytes as, as in GPT-2 (Radford et al., 2019)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(len(others))]
