"""Prompts of any length become what the UNet takes; none is encoded twice."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionImg2ImgPipeline

from fashquick_common.errors import BytesExhausted, FashquickError, InternalError
from fashquick_generation.diffusion.denoising.embeddings import MAX_CHUNKS, PromptEncoder
from fashquick_generation.diffusion.weights.networks import Networks
from tests.support.diffusion import small_networks


class Counted(torch.nn.Module):
    """A text encoder that notes how many pieces it reads at each call."""

    def __init__(self, networks: Networks) -> None:
        super().__init__()
        self._network = networks.text_encoder
        self.read: list[int] = []

    def forward(self, tokens: torch.Tensor) -> tuple[torch.Tensor, ...]:
        self.read.append(len(tokens))
        return tuple(self._network(tokens).to_tuple())


def counted() -> tuple[Networks, Counted]:
    networks = small_networks()
    text_encoder = Counted(networks)
    return replace(networks, text_encoder=text_encoder), text_encoder


@pytest.mark.parametrize(
    ("positive", "negative"),
    [("a photo of a woman wearing a red dress, studio light", "grey, blue"), ("", ""), ("Ünïcode ☃", "(black:1.2)")],
)
def test_short_prompts_are_encoded_as_by_diffusers(positive: str, negative: str) -> None:
    networks = small_networks()
    pipeline = StableDiffusionImg2ImgPipeline(
        vae=networks.vae,
        text_encoder=networks.text_encoder,
        tokenizer=networks.tokenizer,
        unet=networks.unet,
        scheduler=networks.scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    theirs = pipeline.encode_prompt(positive, "cpu", 1, True, negative)
    ours = PromptEncoder().encode(positive, negative, networks)
    assert torch.equal(ours.embedding.positive, theirs[0])
    assert torch.equal(ours.embedding.negative, theirs[1])
    assert (ours.cut, ours.cut_negative) == ("", "")


def test_long_prompts_are_read_in_pieces_that_break_at_commas_and_the_other_is_filled() -> None:
    networks = small_networks()
    encoder = PromptEncoder()
    phrase = ", ".join(["a photo of a woman wearing red"] * 5)  # 16 tokens each, with the comma
    whole = encoder.encode(phrase, "grey", networks).embedding
    assert whole.positive.shape == whole.negative.shape == (1, 154, 32)
    first, second = (", ".join(["a photo of a woman wearing red"] * count) for count in (4, 1))
    for half, text in ((slice(0, 77), f"{first},"), (slice(77, 154), second)):
        alone = encoder.encode(text, "grey", networks).embedding.positive
        assert torch.allclose(whole.positive[:, half], alone, atol=1e-5)
    nothing = encoder.encode("", "", networks).embedding.positive
    assert torch.equal(whole.negative[:, 77:], nothing)


def test_words_are_not_cut_where_there_is_no_comma() -> None:
    networks = small_networks()
    encoder = PromptEncoder()
    words = ["red"] * 37 + ["zzz", "blue"]  # two tokens each, three of "zzz": one of them would still fit
    whole = encoder.encode(" ".join(words), "", networks).embedding.positive
    assert torch.allclose(
        whole[:, :77], encoder.encode(" ".join(words[:37]), "", networks).embedding.positive, atol=1e-5
    )


def test_what_has_no_room_is_told() -> None:
    networks, text_encoder = counted()
    text = ", ".join(["red dress"] * 48 + ["white", "a black coat"])
    encoded = PromptEncoder().encode(text, "", networks)
    assert encoded.embedding.positive.shape == (1, 77 * MAX_CHUNKS, 32)
    assert encoded.cut.startswith("white")
    assert encoded.cut.endswith("a black coat")
    assert len(PromptEncoder().encode(text * 9, "", networks).cut) == 200
    assert encoded.cut_negative == ""
    assert text_encoder.read[:2] == [MAX_CHUNKS, 1]


@pytest.mark.parametrize(
    "text",
    ["a" * 100_000, "red, " * 20_000, "\x00\x07\x1b" * 30_000, "\ud800" * 1000, "é" * 100_000, " " * 100_000],
    ids=["one word", "commas", "controls", "surrogates", "accents", "spaces"],
)
def test_hostile_prompts_take_no_time(text: str) -> None:
    begin = time.monotonic()
    encoded = PromptEncoder().encode(text, text, small_networks())
    assert encoded.embedding.positive.shape[1] <= 77 * MAX_CHUNKS
    assert encoded.embedding.positive.isfinite().all()
    assert time.monotonic() - begin < 5


def test_kept_prompts_are_not_encoded_again() -> None:
    networks, text_encoder = counted()
    encoder = PromptEncoder()
    first = encoder.encode("red", "grey", networks)
    again = encoder.encode("red", "grey", networks)
    assert text_encoder.read == [1, 1]
    assert torch.equal(first.embedding.positive, again.embedding.positive)
    encoder.encode("red", "grey", replace(networks, digest="6" * 64))  # other weights
    assert text_encoder.read == [1, 1, 1, 1]


def test_the_prompts_used_last_are_kept() -> None:
    networks, text_encoder = counted()
    encoder = PromptEncoder(kept=2)
    encoder.encode("red", "grey", networks)
    encoder.encode("red", "blue", networks)  # "grey" goes
    encoder.encode("red", "blue", networks)
    assert len(text_encoder.read) == 3
    encoder.encode("grey", "blue", networks)
    assert len(text_encoder.read) == 4


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), BytesExhausted),
        (torch.AcceleratorError("CUDA error: unspecified launch failure"), InternalError),
    ],
)
def test_a_device_that_fails_is_told_and_nothing_is_kept(failure: Exception, error: type[FashquickError]) -> None:
    class Failing(torch.nn.Module):
        def forward(self, tokens: torch.Tensor) -> Any:
            raise failure

    networks, encoder = small_networks(), PromptEncoder()
    with pytest.raises(error):
        encoder.encode("red", "", replace(networks, text_encoder=Failing()))
    assert encoder.encode("red", "", networks).embedding.positive.shape == (1, 77, 32)


def test_several_threads_may_encode_at_once() -> None:
    networks = small_networks()
    encoder = PromptEncoder(kept=3)
    texts = [f"red dress {number}" for number in range(6)]
    expected = [PromptEncoder().encode(text, "", networks).embedding.positive for text in texts]
    found: list[bool] = []

    def encode() -> None:
        for text, tensor in zip(texts * 3, expected * 3, strict=True):
            found.append(torch.equal(encoder.encode(text, "", networks).embedding.positive, tensor))

    threads = [threading.Thread(target=encode) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 72
