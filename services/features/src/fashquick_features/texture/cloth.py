"""The cloth at a known size with the light's changes taken out: what all texture measures are read from."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from fashquick_features.shape.outline import OPAQUE, Plane
from fashquick_features.shape.upright import Upright

# Long side to which the view is brought. A garment covers some 400 pixels in a usual shop photo: finer structure is
# in few photos, and a descriptor that needs it would compare cameras, not cloths.
WORKING_PX = 448
RIM_SHARE = 0.02  # of the long side: rim left out, where seams, hems and background are
LIGHT_SHARE = 0.045  # of the long side: sigma of the low-pass that is taken for light; about a twentieth of the garment
MIN_LIGHT = 4.0  # of CIE L* 0 to 100: below, a ratio would blow up the sensor's noise
MAX_RATIO = 2.0  # of lightness to light: what is brighter is a print, no texture
MIN_INNER = 0.2  # part of the garment that must be left within the rim; narrower garments keep their rim

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Cloth:
    """A garment's surface, cropped to the garment.

    Attributes:
        flat: hxw float32, lightness over light: 1 on even cloth, 0 to `MAX_RATIO`; 1 outside the garment.
        lab: hxwx3 float32, CIE L*a*b*.
        inner: hxw bool, the garment without its rim; never empty.
    """

    flat: Floats
    lab: Floats
    inner: Mask

    def averaged(self, plane: Floats) -> Floats:
        """Mean of a plane (hxw float32) around each pixel of the garment, over as much as is taken for light."""
        return _averaged(plane, self.inner)


def cloth_of(view: Upright) -> Cloth:
    """Bring a view to the known size and flatten its light.

    Args:
        view: Any size, the garment not empty.

    Returns:
        The cloth, at most `WORKING_PX` in both directions, at least one pixel.
    """
    rgb, alpha = _resized(view)
    inside = alpha >= OPAQUE
    if not inside.any():
        inside = alpha == alpha.max()
    rows, columns = np.nonzero(inside.any(axis=1))[0], np.nonzero(inside.any(axis=0))[0]
    crop = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    rgb, inside = rgb[crop], inside[crop]
    lab = np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2Lab), np.float32)
    light = np.maximum(_averaged(lab[..., 0], inside), MIN_LIGHT)
    flat = np.where(inside, np.clip(np.maximum(lab[..., 0], MIN_LIGHT) / light, 0, MAX_RATIO), np.float32(1))
    return Cloth(np.asarray(flat, np.float32), lab, _inner(inside))


def _resized(view: Upright) -> tuple[npt.NDArray[np.uint8], Plane]:
    height, width = view.alpha.shape
    factor = WORKING_PX / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    if size == (width, height):
        return view.rgb, view.alpha
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    rgb, alpha = (cv2.resize(plane, size, interpolation=how) for plane in (view.rgb, view.alpha))
    return np.asarray(rgb, np.uint8), np.asarray(alpha, np.uint8)


def _inner(inside: Mask) -> Mask:
    side = 2 * max(1, round(RIM_SHARE * WORKING_PX)) + 1
    kernel = np.ones((side, side), np.uint8)
    plane = inside.astype(np.uint8)
    eroded = cv2.erode(plane, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0
    return np.asarray(eroded if np.count_nonzero(eroded) > MIN_INNER * np.count_nonzero(inside) else inside)


def _averaged(plane: Floats, inside: Mask) -> Floats:
    """Gaussian low-pass of what is inside, on a quarter of the pixels: it holds nothing finer."""
    height, width = plane.shape
    size = max(1, width // 4), max(1, height // 4)
    weight = inside.astype(np.float32)
    sums = []
    for values in (plane * weight, weight):
        small = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
        sums.append(cv2.GaussianBlur(small, (0, 0), LIGHT_SHARE * WORKING_PX / 4, borderType=cv2.BORDER_CONSTANT))
    mean = sums[0] / np.maximum(sums[1], 1e-3)
    return np.asarray(cv2.resize(mean, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
