"""Rows: what is denoised, and what becomes of it; plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from fashquick_common.cancel import CancelFlag
from fashquick_common.diffusion_limits import LATENT_PX, MAX_CONTROL, MAX_STEPS, MIN_STEPS
from fashquick_common.errors import BadField, BadMask, ModelNotInstalled, NotBuilt
from fashquick_generation.diffusion.denoising.embeddings import Embedding
from fashquick_generation.diffusion.weights.networks import Condition, Networks
from fashquick_generation.diffusion.weights.plan import Offload, Weights

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

    def seen_at(self, step: int, steps: int) -> bool:
        """Whether it has an effect on a step, counted from 0, of so many; as in diffusers' pipelines."""
        return self.scale != 0 and step / steps >= self.begin and (step + 1) / steps <= self.end


@dataclass(frozen=True, slots=True)
class ColourPull:
    """Where the picture is pulled towards colours.

    Attributes:
        mask: HxW uint8, 255 where.
        target: HxWx3 uint8, sRGB: the colours, such as the studio's picture.
        strength: 0 (not at all) to 1 (at each step as far as the step itself goes).
    """

    mask: UInt8
    target: UInt8
    strength: float


@dataclass(frozen=True, slots=True)
class Row:
    """A picture to denoise: what it starts from and all that is its own.

    Attributes:
        image: HxWx3 uint8, sRGB, what it starts from; both sides multiples of 8.
        mask: HxW uint8, from 128 where the picture may change; None: everywhere.
        prompt: What it should show, and what not.
        hints: What the ControlNets are shown.
        seed: Of its noise, not negative.
        steps: Of a whole run from noise, 1 to 100; `strength` takes the last share of them, at least one.
        strength: 0 (the image comes back as it is, bit for bit) to 1 (from as much noise as the scheduler knows).
        guidance: Scale of classifier-free guidance; up to 1 there is none.
        cancel: The row leaves at the next step when it is raised.
        on_step: Told after each step the steps done, the steps to do, and now and then an early look, HxWx3 uint8. The
            row ends with the `FashquickError` that it raises.
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

    @property
    def pulled(self) -> bool:
        """Whether colours pull at it."""
        return self.colour is not None and self.colour.strength > 0


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


def check_row(row: Row, networks: Networks) -> None:
    """Check that a row can be denoised.

    Raises:
        BadField: A number is outside its range, or arrays are not of one size whose sides are multiples of 8.
        BadMask: A mask is empty or of another size than the image.
        ModelNotInstalled: The profile has no ControlNet for a hint, or nothing to see colours with.
        NotBuilt: The memory plan allows no gradients, which colours pull by.
    """
    height, width = row.image.shape[:2]
    whole = all(side >= LATENT_PX and side % LATENT_PX == 0 for side in (height, width))
    if row.image.shape != (height, width, 3) or not whole:
        raise BadField(
            f"the picture is {width}x{height} pixels; diffusion takes colour pictures whose sides are multiples of "
            f"{LATENT_PX}",
            field="image",
        )
    if not MIN_STEPS <= row.steps <= MAX_STEPS:
        raise BadField(f"{row.steps} denoising steps; take {MIN_STEPS} to {MAX_STEPS}", field="steps")
    if not 0 <= row.strength <= 1:
        raise BadField(f"the strength {row.strength} is outside 0 to 1", field="strength")
    if not isfinite(row.guidance):
        raise BadField(f"the guidance {row.guidance} is no number", field="guidance")
    if row.mask is not None:
        _check_mask(row.mask, row, "mask")
    for condition, hint in row.hints.items():
        _check_hint(condition, hint, row, networks)
    if row.colour is not None:
        _check_colour(row.colour, row, networks)


def _check_mask(mask: UInt8, row: Row, name: str) -> None:
    if mask.shape != row.image.shape[:2]:
        raise BadMask(f"the {name} is {mask.shape}, the picture {row.image.shape[:2]}", field=name)
    if not (mask >= 128).any():
        raise BadMask(f"the {name} is empty: nothing could change", field=name)


def _check_hint(condition: Condition, hint: Hint, row: Row, networks: Networks) -> None:
    if hint.image.shape != row.image.shape:
        raise BadField(f"the {condition} map is {hint.image.shape}, the picture {row.image.shape}", field="hints")
    if not 0 <= hint.scale <= MAX_CONTROL:
        raise BadField(f"the ControlNet's scale {hint.scale} is outside 0 to {MAX_CONTROL:g}", field="hints")
    if not 0 <= hint.begin <= hint.end <= 1:
        raise BadField(
            f"a ControlNet looks from {hint.begin} to {hint.end}; these are shares of the steps, in order",
            field="hints",
        )
    if hint.scale and condition not in networks.controls:
        raise ModelNotInstalled(
            f"profile {networks.profile.name} has no ControlNet for {condition}; "
            f"run `fashquick models pull {networks.profile.name}`, or set its scale to 0"
        )


def _check_colour(pull: ColourPull, row: Row, networks: Networks) -> None:
    if not 0 <= pull.strength <= 1:
        raise BadField(f"the colour guidance {pull.strength} is outside 0 to 1", field="colour")
    if not row.pulled:
        return
    _check_mask(pull.mask, row, "colour mask")
    if pull.target.shape != row.image.shape:
        raise BadField(f"the colours are {pull.target.shape}, the picture {row.image.shape}", field="colour")
    if networks.preview is None:
        raise ModelNotInstalled(
            "colour guidance sees colours through the preview decoder, which is not installed; "
            f"run `fashquick models pull {networks.profile.name}`, or turn colour guidance off"
        )
    # Gradients need the weights as they were when they were used; these plans have changed them by then.
    if networks.plan.weights is not Weights.PLAIN or networks.plan.offload is Offload.GROUP:
        raise NotBuilt(
            f"colour guidance needs gradients, which the memory plan {networks.plan.name} does not give; "
            "turn it off, or serve with more video memory"
        )
