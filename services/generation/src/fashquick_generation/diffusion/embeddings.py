"""Prompts as the UNet takes them: tokens encoded, however many there are, and kept by digest."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Embedding:
    """An encoded pair of prompts.

    Attributes:
        positive: 1 x tokens x width, tokens a multiple of 77.
        negative: Of the same shape.
    """

    positive: torch.Tensor
    negative: torch.Tensor
