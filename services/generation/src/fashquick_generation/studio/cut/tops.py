"""Patterns of garments that hang from the shoulders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import Category
from fashquick_common.garment import LandmarkName as L
from fashquick_generation.engine import GarmentInput
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut import gates
from fashquick_generation.studio.cut.neck import found
from fashquick_generation.studio.cut.outline import Outline, trace
from fashquick_generation.studio.cut.pattern import Family, Pattern, Role, Side, Stretch
from fashquick_generation.studio.figure.measures import Measures

CORNERS = (
    L.NECK_RIGHT,
    L.NECK_LEFT,
    L.CUFF_LEFT_UPPER,
    L.CUFF_LEFT_LOWER,
    L.ARMPIT_LEFT,
    L.HEM_LEFT,
    L.HEM_RIGHT,
    L.ARMPIT_RIGHT,
    L.CUFF_RIGHT_LOWER,
    L.CUFF_RIGHT_UPPER,
)
"""Corners of a top with sleeves in clockwise order in the photo; the wearer's left is the photo's right."""
STRETCHES = (
    (Role.NECK, Side.MIDDLE),
    (Role.SHOULDER, Side.LEFT),
    (Role.CUFF, Side.LEFT),
    (Role.UNDERARM, Side.LEFT),
    (Role.SIDE, Side.LEFT),
    (Role.HEM, Side.MIDDLE),
    (Role.SIDE, Side.RIGHT),
    (Role.UNDERARM, Side.RIGHT),
    (Role.CUFF, Side.RIGHT),
    (Role.SHOULDER, Side.RIGHT),
)
"""What begins at each of `CORNERS`."""
CHEST_EASE = 1.14
"""Girth of a T-shirt over the girth of the chest in it."""
HIP_STRETCH = 1.04
"""How much a knitted hem may be stretched over the hips."""
HIP_BELOW_NECK_M = 0.55
"""Tops shorter than this end above the hips."""
SIZE_UP = 1.10
LONGEST_M = 0.80
"""Longest T-shirt from neck to hem; photos taken at a slant make longer ones, which are shortened to this."""
SHORTEST_M = 0.42


@dataclass(frozen=True, slots=True)
class Flat:
    """Where a pixel of the photo lies on the cloth.

    Pattern coordinates are metres: x to the wearer's left, y upward, 0 in the middle between the neck points.

    Attributes:
        origin: 2 float64, pixels.
        axes: 2x2 float64: pattern = axes @ (pixel - origin).
        bend_y: Height of the armpits; below it lengths are multiplied by `shorten`.
        shorten: Factor for lengths below the armpits; 1 for most photos.
    """

    origin: Float64
    axes: Float64
    bend_y: float
    shorten: float

    @property
    def pixel_m(self) -> float:
        """Metres a pixel of the photo."""
        return float(np.linalg.norm(self.axes[0]))

    def from_photo(self, pixels: Float64) -> Float64:
        """Nx2 pixels to Nx2 metres."""
        out: Float64 = (pixels - self.origin) @ self.axes.T
        below = np.minimum(out[:, 1] - self.bend_y, 0)
        out[:, 1] += below * (self.shorten - 1)
        return out

    def to_photo(self, metres: Float64) -> Float64:
        """Nx2 metres to Nx2 pixels."""
        straight = metres.copy()
        below = np.minimum(metres[:, 1] - self.bend_y, 0)
        straight[:, 1] += below * (1 / self.shorten - 1)
        pixels: Float64 = straight @ np.linalg.inv(self.axes).T + self.origin
        return pixels


def drafted(garment: GarmentInput, category: Category, measures: Measures, cancel: CancelFlag) -> Pattern:
    """The pattern of a top with sleeves.

    Args:
        garment: Photo, alpha and passport.
        category: A top's.
        measures: The body's.
        cancel: Checked between steps.

    Raises:
        BadMask: The alpha is empty or full.
        PhotoNotUsable: The garment's shape in this photo cannot be worn.
    """
    outline = trace(garment.alpha, garment.passport.landmarks, CORNERS, cancel)
    gates.check_proportions(outline, category)
    armpits = outline.at(L.ARMPIT_RIGHT), outline.at(L.ARMPIT_LEFT)
    neck = found(garment.photo, outline.points, armpits, garment.passport)
    cancel.check()
    flat = fitted(outline, measures.chest_girth_m, measures.hip_girth_m)
    stretches = tuple(
        Stretch(role, side, flat.from_photo(outline.between(first, last)))
        for (role, side), first, last in zip(STRETCHES, CORNERS, (*CORNERS[1:], CORNERS[0]), strict=True)
    )
    return Pattern(Family.TOP, stretches, flat.from_photo(neck.front_edge), outline, flat, flat.pixel_m)


def fitted(outline: Outline, chest_girth_m: float, hip_girth_m: float) -> Flat:
    """The pattern whose chest fits a body, or up to a size larger where its hem is narrow for the hips.

    Args:
        outline: A top's.
        chest_girth_m: Of the body.
        hip_girth_m: Of the body.
    """
    neck = (outline.at(L.NECK_LEFT) + outline.at(L.NECK_RIGHT)) / 2
    hem = (outline.at(L.HEM_LEFT) + outline.at(L.HEM_RIGHT)) / 2
    across = outline.at(L.ARMPIT_LEFT) - outline.at(L.ARMPIT_RIGHT)
    scale = chest_girth_m * CHEST_EASE / 2 / float(np.linalg.norm(across))
    hem_girth = 2 * scale * float(np.linalg.norm(outline.at(L.HEM_LEFT) - outline.at(L.HEM_RIGHT)))
    if np.linalg.norm(hem - neck) * scale > HIP_BELOW_NECK_M:
        scale *= float(np.clip(hip_girth_m / HIP_STRETCH / hem_girth, 1.0, SIZE_UP))
    # The middle line and the chest line each tell how the garment is turned; neither is exact.
    down = (hem - neck) / np.linalg.norm(hem - neck)
    level = across / np.linalg.norm(across)
    right = level + np.array([down[1], -down[0]])
    right /= np.linalg.norm(right)
    axes = scale * np.array([right, [right[1], -right[0]]])
    straight = Flat(neck, axes, 0.0, 1.0)
    armpits = straight.from_photo(np.stack([outline.at(L.ARMPIT_LEFT), outline.at(L.ARMPIT_RIGHT)]))[:, 1].mean()
    hem_y = straight.from_photo(hem[None])[0, 1]
    wanted = np.clip(-hem_y, SHORTEST_M, LONGEST_M)
    shorten = (wanted + armpits) / (armpits - hem_y)
    return Flat(neck, axes, float(armpits), float(shorten))
