"""Denoising: rows of latents through the shared networks, several at a time, each with its own everything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import FashquickError
from fashquick_generation.diffusion.embeddings import Embedding
from fashquick_generation.diffusion.networks import Condition, Networks

UInt8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Hint:
    """What a ControlNet is shown.

    Attributes:
        image: HxWx3 uint8, of the row's size.
        scale: 0 (as if it were not there) to 2.
        begin: Share of the row's steps at which it begins to look, 0 to 1.
        end: Share at which it has stopped.
    """

    image: UInt8
    scale: float
    begin: float = 0.0
    end: float = 1.0


@dataclass(frozen=True, slots=True)
class ColourPull:
    """Where the picture is pulled towards colours.

    Attributes:
        mask: HxW uint8, 255 where.
        target: HxWx3 uint8, sRGB: the colours, such as the studio's picture.
        strength: 0 (not at all) to 1.
    """

    mask: UInt8
    target: UInt8
    strength: float


@dataclass(frozen=True, slots=True)
class Row:
    """A picture to denoise: what it starts from and all that is its own.

    Attributes:
        image: HxWx3 uint8, sRGB, what it starts from; both sides multiples of 8.
        mask: HxW uint8, 255 where the picture may change; None: everywhere.
        prompt: What it should show, and what not.
        hints: What the ControlNets are shown.
        seed: Of its noise.
        steps: Of a whole run from noise; `strength` takes the last share of them.
        strength: 0 (the image comes back as it is, bit for bit) to 1 (from pure noise).
        guidance: Scale of classifier-free guidance; 1 is none.
        cancel: The row leaves at the next step when it is raised.
        on_step: Told after each step the steps done, the steps to do, and now and then an early look, HxWx3 uint8.
        preview_every: Steps between early looks; 0: none.
        colour: Where it is pulled towards colours; None: nowhere.
    """

    image: UInt8
    mask: UInt8 | None
    prompt: Embedding
    hints: Mapping[Condition, Hint]
    seed: int
    steps: int
    strength: float
    guidance: float
    cancel: CancelFlag = field(default_factory=CancelFlag)
    on_step: Callable[[int, int, UInt8 | None], None] = lambda _, __, ___: None
    preview_every: int = 0
    colour: ColourPull | None = None


@dataclass(frozen=True, slots=True)
class Denoised:
    """A row's end.

    Attributes:
        image: HxWx3 uint8, sRGB; outside of the row's mask whatever the VAE made of it.
        together: Most rows that shared one of its steps.
        precision: Of the computation, such as "float16".
    """

    image: UInt8
    together: int
    precision: str


def denoise(networks: Networks, rows: Sequence[Row], *, alone: bool = False) -> list[Denoised | FashquickError]:
    """Denoise rows, those of one size and number of steps together.

    Args:
        networks: Shared; not changed.
        rows: In any mixture of sizes and steps.
        alone: Whether each row is computed by itself, so that it repeats bit for bit whatever it comes with.

    Returns:
        What became of each row, in order: `Cancelled` and `DeadlinePassed` of a row's own flag, `BytesExhausted` where
        even one row does not fit, `InternalError` where the model gives NaN in float32 too or the device is lost.
    """
    raise NotImplementedError
