"""From the outline in the photo to a sewing pattern in metres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fashquick_common.garment import LandmarkName as L
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.outline import Outline

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
class Pattern:
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


def fitted(outline: Outline, chest_girth_m: float, hip_girth_m: float) -> Pattern:
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
    straight = Pattern(neck, axes, 0.0, 1.0)
    armpits = straight.from_photo(np.stack([outline.at(L.ARMPIT_LEFT), outline.at(L.ARMPIT_RIGHT)]))[:, 1].mean()
    hem_y = straight.from_photo(hem[None])[0, 1]
    wanted = np.clip(-hem_y, SHORTEST_M, LONGEST_M)
    shorten = (wanted + armpits) / (armpits - hem_y)
    return Pattern(neck, axes, float(armpits), float(shorten))
