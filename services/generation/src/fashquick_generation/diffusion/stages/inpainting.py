"""Stage 4, regional inpainting: garment, face and hands once more, each as a crop at the model's own size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fashquick_common.cancel import CancelFlag
from fashquick_common.models.profiles import Profile
from fashquick_generation.diffusion import regions
from fashquick_generation.diffusion.choices import Choices
from fashquick_generation.diffusion.denoising.embeddings import Embedding
from fashquick_generation.diffusion.denoising.rows import ColourPull, Row
from fashquick_generation.diffusion.hints import hints_for
from fashquick_generation.diffusion.regions import Region
from fashquick_generation.diffusion.stages.conditions import Conditions
from fashquick_generation.engine import UInt8Array
from fashquick_generation.wishes import RegionKind

_STRENGTHS = {
    RegionKind.GARMENT: "garment",
    RegionKind.FACE: "face",
    RegionKind.HAND_LEFT: "hand",
    RegionKind.HAND_RIGHT: "hand",
    RegionKind.REPAIR: "garment",
}


@dataclass(frozen=True, slots=True)
class Spot:
    """A region of a picture to make again.

    Attributes:
        picture: HxWx3 uint8, sRGB, as it is so far.
        region: Where.
        conditions: Of the picture.
        prompt: Of the region.
        seed: Of its noise.
        cancel: As in `Row`.
        on_step: Likewise.
    """

    picture: UInt8Array
    region: Region
    conditions: Conditions
    prompt: Embedding
    seed: int
    cancel: CancelFlag
    on_step: Callable[[int, int, UInt8Array | None], None]


def row_of(spot: Spot, profile: Profile, choices: Choices) -> Row:
    """Return what is denoised for a region: its crop, with the crops of what the ControlNets look at.

    Args:
        spot: Which region, of which picture.
        profile: Says how far a region may leave the picture and how the ControlNets look.
        choices: How it is denoised.
    """
    region, conditions = spot.region, spot.conditions
    mask = regions.crop(region.mask, region)
    strength = strength_of(region.kind, profile)
    pull = choices.colour_guidance if region.kind in (RegionKind.GARMENT, RegionKind.REPAIR) else 0.0
    return Row(
        image=regions.crop(spot.picture, region),
        mask=mask,
        prompt=spot.prompt,
        hints=hints_for(
            regions.crop(conditions.pose, region),
            regions.crop(conditions.depth, region),
            profile,
            choices.control,
            choices.steps_at(strength),
        ),
        seed=spot.seed,
        steps=choices.steps,
        strength=strength,
        guidance=choices.guidance,
        cancel=spot.cancel,
        on_step=spot.on_step,
        colour=ColourPull(mask, regions.crop(conditions.base, region), pull) if pull else None,
    )


def strength_of(kind: RegionKind, profile: Profile) -> float:
    """Return how far a profile lets a region leave the picture, 0 to 1."""
    return profile.strengths[_STRENGTHS[kind]]
