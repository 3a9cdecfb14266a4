"""Rows to denoise with the small networks, and networks that are watched or fail."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fashquick_generation.diffusion.denoising.embeddings import Embedding, PromptEncoder
from fashquick_generation.diffusion.denoising.loop import denoise
from fashquick_generation.diffusion.denoising.rows import Denoised, Row, UInt8
from fashquick_generation.diffusion.weights.networks import Networks

_encoder = PromptEncoder()


def noise_picture(seed: int, height: int = 32, width: int = 32) -> UInt8:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def disc(height: int = 32, width: int = 32) -> UInt8:
    """A mask of a disc in the middle."""
    y, x = np.mgrid[:height, :width]
    inside = (y - height / 2) ** 2 + (x - width / 2) ** 2 < (min(height, width) / 3) ** 2
    return np.where(inside, 255, 0).astype(np.uint8)


def prompt(networks: Networks, positive: str = "a photo of a woman, red dress", negative: str = "grey") -> Embedding:
    return _encoder.encode(positive, negative, networks).embedding


def small_row(networks: Networks, **changes: Any) -> Row:
    """A row of 32x32 pixels and three steps; `changes` replace its fields."""
    values: dict[str, Any] = {
        "image": noise_picture(1),
        "mask": None,
        "prompt": prompt(networks),
        "hints": {},
        "seed": 7,
        "steps": 4,
        "strength": 0.75,
        "guidance": 5.0,
    }
    return Row(**(values | changes))


def denoised(networks: Networks, row: Row, **options: Any) -> Denoised:
    (outcome,) = denoise(networks, [row], **options)
    assert isinstance(outcome, Denoised), outcome
    return outcome


def difference(a: UInt8, b: UInt8) -> int:
    """The greatest, in levels of 255."""
    return int(np.abs(a.astype(int) - b.astype(int)).max())


class Watched(nn.Module):
    """A UNet or ControlNet that notes how many entries it sees at each call, and may be made to fail.

    Attributes:
        entries: Of each call that began.
    """

    def __init__(self, network: nn.Module, spoil: Callable[[int, Tensor], Tensor] = lambda _, noise: noise) -> None:
        """Watch a network; `spoil` is given the number of the call, from 0, and what came out of it."""
        super().__init__()
        self._network = network
        self._spoil = spoil
        self.entries: list[int] = []

    def forward(self, sample: Tensor, *args: Any, **named: Any) -> tuple[Any, ...]:
        self.entries.append(len(sample))
        out = self._network(sample, *args, **named)
        return (self._spoil(len(self.entries) - 1, out[0]), *out[1:])


def _halved(network: Any) -> Any:
    return deepcopy(network).half()


def half_networks(networks: Networks) -> dict[str, Any]:
    """What to change in networks so that they compute in float16."""
    return {
        "unet": _halved(networks.unet),
        "vae": _halved(networks.vae),
        "controls": {condition: _halved(network) for condition, network in networks.controls.items()},
        "preview": _halved(networks.preview),
        "dtype": torch.float16,
    }
