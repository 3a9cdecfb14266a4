"""Prompts as the UNet takes them: tokens encoded, however many there are, and kept by digest.

CLIP reads 77 tokens at a time, two of them the beginning's and the end's. A longer prompt is read in pieces, whose
outputs stand one after the other, as most programs around Stable Diffusion do; the UNet's attention takes any number.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING

import torch

from fashquick_generation.diffusion.denoising.failures import told

if TYPE_CHECKING:
    from transformers import CLIPTokenizer

    from fashquick_generation.diffusion.weights.networks import Networks

MAX_CHUNKS = 4
"""Pieces of a prompt that are read: 300 tokens, some 200 words."""
MAX_CHARACTERS = 8000
"""Characters that are looked at: more than 300 tokens of English have; what a tokeniser is given must end somewhere."""
KEPT_PROMPTS = 128  # of 236 KiB to 946 KiB each
_BREAK_TOKENS = 20  # how far back from a piece's end a comma is looked for


@dataclass(frozen=True, slots=True)
class Embedding:
    """An encoded pair of prompts.

    Attributes:
        positive: 1 x tokens x width, tokens a multiple of 77.
        negative: Of the same shape.
    """

    positive: torch.Tensor
    negative: torch.Tensor


@dataclass(frozen=True, slots=True)
class EncodedPrompts:
    """Prompts as the UNet takes them, and what had no room.

    Attributes:
        embedding: Both, in main memory.
        cut: The end of the positive prompt that was left out, as the tokeniser writes it, at most 200 characters;
            empty if nothing was.
        cut_negative: That of the negative one.
    """

    embedding: Embedding
    cut: str
    cut_negative: str


@dataclass(frozen=True, slots=True)
class _Text:
    """One encoded prompt: chunks x 77 x width in main memory, and what was cut off."""

    chunks: torch.Tensor
    cut: str


class PromptEncoder:
    """Encodes prompts and keeps those that were used last; thread-safe."""

    def __init__(self, kept: int = KEPT_PROMPTS) -> None:
        """Make it; `kept` is the number of prompts that are kept, at least 1."""
        self._kept = kept
        self._texts: OrderedDict[bytes, _Text] = OrderedDict()
        self._lock = Lock()

    def encode(self, positive: str, negative: str, networks: Networks) -> EncodedPrompts:
        """Encode a pair of prompts; the shorter is filled with empty pieces.

        Args:
            positive: What the picture should show.
            negative: What not.
            networks: Whose tokeniser and text encoder; the latter is not called for prompts that are kept.

        Raises:
            BytesExhausted: The text encoder does not fit.
            InternalError: The device is lost.
        """
        texts = [self._text(text, networks) for text in (positive, negative)]
        most = max(len(text.chunks) for text in texts)
        filled = []
        for text in texts:
            empty = [self._text("", networks).chunks for _ in range(most - len(text.chunks))]
            filled.append(torch.cat([text.chunks, *empty]).flatten(0, 1)[None])
        return EncodedPrompts(Embedding(*filled), texts[0].cut, texts[1].cut)

    def _text(self, text: str, networks: Networks) -> _Text:
        key = sha256(f"{networks.digest}\0{text}".encode(errors="replace")).digest()
        with self._lock:
            if key in self._texts:
                self._texts.move_to_end(key)
                return self._texts[key]
        encoded = _encoded(text, networks)
        with self._lock:
            self._texts[key] = encoded
            self._texts.move_to_end(key)
            while len(self._texts) > self._kept:
                self._texts.popitem(last=False)
        return encoded


def _encoded(text: str, networks: Networks) -> _Text:
    tokenizer = networks.tokenizer
    # Tokenisers take no half of a surrogate pair.
    head, tail = text[:MAX_CHARACTERS].encode(errors="replace").decode(), text[MAX_CHARACTERS:]
    tokens: list[int] = tokenizer(head, add_special_tokens=False, verbose=False).input_ids
    size = tokenizer.model_max_length - 2
    chunks, rest = _chunks(tokens, size, tokenizer)
    cut = (tokenizer.decode(rest[:200]) + tail[:200]).strip()
    ends = [
        [tokenizer.bos_token_id, *chunk, tokenizer.eos_token_id, *[tokenizer.pad_token_id] * (size - len(chunk))]
        for chunk in chunks
    ]
    # Colour guidance takes gradients beside it, which inference_mode's tensors do not pass.
    with told(networks.device), torch.no_grad():
        states = networks.text_encoder(torch.tensor(ends, device=networks.device))[0].to("cpu")
    return _Text(states, cut[:200])


def _chunks(tokens: list[int], size: int, tokenizer: CLIPTokenizer) -> tuple[list[list[int]], list[int]]:
    """Cut tokens into pieces of at most so many, at commas where one is near; also returns what is left over."""
    chunks: list[list[int]] = []
    rest = tokens
    while len(chunks) < MAX_CHUNKS and (rest or not chunks):
        length = len(rest) if len(rest) <= size else _break(rest[:size], tokenizer)
        chunks.append(rest[:length])
        rest = rest[length:]
    return chunks, rest


def _break(tokens: list[int], tokenizer: CLIPTokenizer) -> int:
    """Where to end a full piece: after a comma near its end, else after a word, else at its end."""
    written: list[str] = tokenizer.convert_ids_to_tokens(tokens[-_BREAK_TOKENS:])
    for end in (",</w>", "</w>"):  # CLIP marks the tokens that end a word
        for back, piece in enumerate(reversed(written)):
            if piece.endswith(end):
                return len(tokens) - back
    return len(tokens)
