"""The part of a photo that holds a garment, at the size that the texture needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np

from fashquick_generation.studio.arrays import Float32, Float64, Int, UInt8
from fashquick_generation.studio.cut.pattern import Pattern

Pixels = TypeVar("Pixels", UInt8, Float32)

MARGIN_SHARE = 0.02
"""Room around garment and pattern, as a share of the diagonal, for filters that look around."""
LARGEST_PX = 1600
"""Longest side of a texture: a texel a pixel in the largest picture, and no step on it longer than 100 ms."""


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of the photo, which may reach beyond it, and the size at which it is worked on.

    Averaging comes first and interpolating last, so that no step works on more pixels than are needed.

    Attributes:
        low: 2 int, left and top, pixels of the photo.
        high: 2 int, right and bottom.
        size: Width and height in texels while worked on; never more than the photo has pixels.
        full: Width and height of the texture.
    """

    low: Int
    high: Int
    size: tuple[int, int]
    full: tuple[int, int]

    @property
    def scale(self) -> float:
        """Texels a pixel of the photo while worked on."""
        return self.size[0] / float((self.high - self.low)[0])

    @property
    def full_scale(self) -> float:
        """Texels a pixel of the photo in the end."""
        return self.full[0] / float((self.high - self.low)[0])

    @property
    def diagonal(self) -> float:
        """Length in texels while worked on, by which the reach of filters is stated."""
        return float(np.hypot(*self.size))

    def cut(self, image: UInt8) -> UInt8:
        """The rectangle of a photo, its border carried on."""
        return resized(self._padded(image, cv2.BORDER_REPLICATE), self.size)

    def cut_flags(self, flags: UInt8) -> UInt8:
        """The rectangle of an image of 0 and 1, as 0 to 255; 0 beyond its border."""
        return resized(np.asarray(255 * self._padded(flags, cv2.BORDER_CONSTANT), np.uint8), self.size)

    def place(self, pixels: Float64) -> Float64:
        """Texels while worked on, centres at half-integers, of Nx2 pixels of the photo."""
        texels: Float64 = (pixels - self.low) * self.scale
        return texels

    def _padded(self, image: UInt8, border: int) -> UInt8:
        height, width = image.shape[:2]
        (left, top), (right, bottom) = self.low, self.high
        part = image[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
        above, below = int(max(-top, 0)), int(max(bottom - height, 0))
        before, after = int(max(-left, 0)), int(max(right - width, 0))
        return np.asarray(cv2.copyMakeBorder(part, above, below, before, after, border), np.uint8)


def window_of(pattern: Pattern, scale: float) -> Window:
    """The window of a garment.

    Args:
        pattern: The garment's.
        scale: Texels wanted a pixel of the photo: less than 1 averages, more interpolates.
    """
    reach = np.concatenate([pattern.outline.points, pattern.warp.to_photo(pattern.border)])
    margin = round(MARGIN_SHARE * float(np.linalg.norm(np.ptp(reach, axis=0)))) + 2
    low = np.floor(reach.min(axis=0)).astype(np.int64) - margin
    high = np.ceil(reach.max(axis=0)).astype(np.int64) + margin
    width, height = (int(side) for side in high - low)
    scale = min(scale, LARGEST_PX / max(width, height))
    small = min(scale, 1.0)
    size = (max(round(width * small), 2), max(round(height * small), 2))
    full = (max(round(width * scale), 2), max(round(height * scale), 2))
    return Window(low, high, size, full)


def resized(image: Pixels, size: tuple[int, int]) -> Pixels:
    """An image in another size (width, height): averaged if smaller, interpolated if larger."""
    if (image.shape[1], image.shape[0]) == size:
        return image
    how = cv2.INTER_AREA if size[0] < image.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=how), image.dtype)
