"""Surfaces of one chromaticity in a photo, on the ground and on the garment: what its light is told by."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from fashquick_common.image.spaces import LUMINANCE, Floats, lab_of_linear, linear_of_srgb
from fashquick_features.shape.outline import OPAQUE, Plane

Flags = npt.NDArray[np.bool_]

WORKING_PX = 192  # long side at which surfaces are looked for; averages sensor noise away
MID_GREY_L = 50.0  # L* at which a chromaticity is stated as a*, b*
MID_GREY_Y = ((MID_GREY_L + 16) / 116) ** 3
CLIPPED = 250  # of 255: from here on a channel no longer says how much light there was
DARKEST = 4  # of 255: below it a channel is mostly rounding and noise
RIM_SHARE = 0.02  # of the picture: around the outline, garment and ground mix
BIN = 0.03  # log ratio: cell of the histogram, about one just noticeable difference of a white
BLUR_BINS = 1.2
LOWEST, CELLS = (-0.9, -2.4), (90, 120)  # the histogram: log R/G -0.9 to 1.8, log B/G -2.4 to 1.2
REACH = 0.075  # log ratio: pixels this near to a peak are one surface
PEAKS = 4  # surfaces looked for on the ground and on the garment each
GROUND_SHARE, GARMENT_SHARE = 0.12, 0.06  # of their region: smaller ones are labels, hangers, shadows
EVEN = 0.045  # log ratio: median deviation within a surface; wood, carpets and prints vary more
MIN_PX = 12  # fewer pixels have no peak to speak of


@dataclass(frozen=True, slots=True)
class Surface:
    """Pixels of one chromaticity.

    Attributes:
        at: log R/G and log B/G of linear light.
        ab: CIE a*, b* of a mid grey (L* 50) of this chromaticity.
        luminance: Upper quartile, 0 to 1.
        tones: Ratio between its bright and its dark parts.
        even: Whether it has hardly any structure in colour.
        share: Part of the photo that it covers, 0 to 1.
        ground: Whether it lies around the garment.
    """

    at: Floats
    ab: Floats
    luminance: float
    tones: float
    even: bool
    share: float
    ground: bool

    @property
    def chroma(self) -> float:
        """Distance of `ab` from neutral."""
        return float(np.hypot(self.ab[0], self.ab[1]))


@dataclass(frozen=True, slots=True)
class Scene:
    """A photo as the surfaces in it.

    Attributes:
        surfaces: On the ground and on the garment, largest first.
        brightest: Luminance that a twentieth of the photo exceeds.
        burnt: Part of the ground that is white to the limit in all channels.
    """

    surfaces: tuple[Surface, ...]
    brightest: float
    burnt: float


def survey(photo: npt.NDArray[np.uint8], alpha: Plane) -> Scene:
    """Find the surfaces.

    Args:
        photo: HxWx3 uint8, sRGB.
        alpha: HxW uint8, garment where >= `outline.OPAQUE`.

    Returns:
        The scene; without surfaces where the photo shows none.
    """
    scale = min(1.0, WORKING_PX / max(photo.shape[:2]))
    size = (max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale)))
    small = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
    cover = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.uint8)
    rim = np.ones((2 * max(1, round(RIM_SHARE * max(size))) + 1,) * 2, np.uint8)
    garment = np.asarray(cv2.erode((cover >= OPAQUE).astype(np.uint8), rim) > 0)
    ground = np.asarray(cv2.dilate((cover >= OPAQUE // 4).astype(np.uint8), rim) == 0)
    linear = linear_of_srgb(small)
    light, dark = small.max(axis=2), small.min(axis=2)
    usable = np.asarray((light < CLIPPED) & (dark >= DARKEST))
    found = [
        *_of_region(linear, ground, usable, GROUND_SHARE, ground=True),
        *_of_region(linear, garment, usable, GARMENT_SHARE, ground=False),
    ]
    burnt = float(np.mean(dark[ground] >= CLIPPED)) if ground.any() else 0.0
    brightest = float(np.percentile(linear @ LUMINANCE, 95))
    return Scene(tuple(sorted(found, key=lambda surface: -surface.share)), brightest, burnt)


def _of_region(linear: Floats, region: Flags, usable: Flags, least: float, *, ground: bool) -> list[Surface]:
    """Take surfaces off a region, peak by peak."""
    seen = linear[region & usable]
    whole = int(np.count_nonzero(region))
    found: list[Surface] = []
    at = np.log(seen[:, [0, 2]] / seen[:, [1]])
    while len(found) < PEAKS and len(seen) >= max(MIN_PX, least * whole):
        peak = _peak(at)
        near = np.hypot(*(at - peak).T) < REACH
        count = int(np.count_nonzero(near))
        if count < max(MIN_PX, least * whole):
            break
        found.append(_surface(seen[near], at[near], count / region.size, ground=ground))
        # What lies around a surface's core is its own slope, not another surface.
        rest = np.hypot(*(at - peak).T) >= 2 * REACH
        seen, at = seen[rest], at[rest]
    return found


def _peak(at: Floats) -> Floats:
    """Commonest chromaticity."""
    cell = np.floor((at - LOWEST) / BIN).astype(np.intp)
    cell = np.clip(cell, 0, np.array(CELLS) - 1)
    count = np.bincount(np.ravel_multi_index(tuple(cell.T), CELLS), minlength=CELLS[0] * CELLS[1])
    smooth = gaussian_filter(count.reshape(CELLS).astype(np.float64), BLUR_BINS, mode="constant")
    top = np.array(np.unravel_index(int(smooth.argmax()), CELLS))
    near = np.hypot(*(at - ((top + 0.5) * BIN + LOWEST)).T) < REACH
    return np.median(at[near], axis=0) if near.any() else np.median(at, axis=0)


def _surface(seen: Floats, at: Floats, share: float, *, ground: bool) -> Surface:
    middle = np.median(at, axis=0)
    colour = np.array([np.exp(middle[0]), 1.0, np.exp(middle[1])])
    lab = lab_of_linear(MID_GREY_Y * colour / (colour @ LUMINANCE))
    luminance = seen @ LUMINANCE
    dark, lit, bright = np.percentile(luminance, [8, 75, 92])
    even = float(np.median(np.abs(at - middle), axis=0).max()) < EVEN
    return Surface(middle, lab[1:], float(lit), float(bright / max(dark, 1e-6)), even, share, ground)
