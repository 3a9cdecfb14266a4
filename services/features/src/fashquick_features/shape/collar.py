"""The front neckline of a garment that was photographed flat or hung.

Above the front's edge one sees the inside of the back, in its own shade. The edge runs as a sagging curve from
shoulder to shoulder; among square, round and pointed curves of all depths and a few widths the one is taken across
which the colour changes most and most evenly. Lengths are in half-widths of the neck: the neck points lie at
x = -1 and x = 1, y grows towards the hem.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from fashquick_common.image.spaces import Floats, linear_of_srgb, oklab_of_linear
from fashquick_features.shape.outline import OPAQUE, Plane, Points

UNIT_PX = 40  # raster pixels a half-width, about as many as a photo of 400 px has
LEFT, TOP, RIGHT, BOTTOM = -1.2, -0.3, 1.2, 2.6
BLUR = 0.025  # sigma of the smoothing: threads and noise
STEP = 0.08  # distance either side of the curve at which colours are compared
RIM = 0.10  # what lies closer to the garment's outline mixes with the background

DEPTHS: Final = np.linspace(0.2, 2.3, 71)
WIDTHS: Final = (0.8, 0.9, 1.0)  # the neck points may lie on the collar's outer corners
BENDS: Final = ((4.0, 1.0), (2.5, 1.0), (2.0, 0.6), (2.0, 1.0), (1.4, 1.0), (1.0, 1.0))  # _curves: square to pointed
USUAL_DEPTH, DEPTH_SPREAD = 0.65, 0.65  # median and spread of ln(depth): crew necks .4 to .9, V-necks to 1.8
USED = 0.88  # |x| up to which a curve is compared; beyond it the shoulder seams begin
SAMPLES = 49
MIN_VISIBLE = 0.7  # part of a curve that must lie inside the garment
SAME_WAY = 0.35  # of the mean change: what a sample must change at least to count as part of the edge
SURE_CONTRAST = 0.05  # OKLab change across an edge beyond doubt
MIN_CONFIDENCE = 0.2

_X: Final = np.linspace(-USED, USED, SAMPLES)


@dataclass(frozen=True, slots=True)
class Neckline:
    """The front's upper edge.

    Attributes:
        bottom: Photo position (x, y) of its lowest point.
        confidence: 0 to 1.
    """

    bottom: Points
    confidence: float


def find_neckline(photo: npt.NDArray[np.uint8], alpha: Plane, left: Points, right: Points) -> Neckline | None:
    """Find the front neckline.

    Args:
        photo: HxWx3 uint8, sRGB.
        alpha: HxW uint8, the garment's alpha.
        left: Photo position (x, y) of the neck point on the photo's left.
        right: The same on its right.

    Returns:
        The neckline; None where no edge stands out.
    """
    across = (right - left) / 2
    if float(np.hypot(*across)) < 4:  # under 8 px between the neck points there is no edge to be seen
        return None
    down = np.array([-across[1], across[0]])
    middle = (left + right) / 2
    lab, inside = _unrolled(photo, alpha, middle, across, down)
    widths, bends, depths = (grid.ravel() for grid in np.meshgrid(WIDTHS, np.arange(len(BENDS)), DEPTHS, indexing="ij"))
    x, y = widths[:, None] * _X, _curves(_X, bends, depths)
    usual_depth = np.exp(-((np.log(depths / USUAL_DEPTH) / DEPTH_SPREAD) ** 2) / 2)
    contrast = usual_depth * _contrasts(lab, inside, x, y)
    best = int(contrast.argmax())
    # An edge stands out against all the other curves; texture changes across each of them.
    usual = float(np.median(contrast[contrast > 0])) if (contrast > 0).any() else 0.0
    strength = min(1.0, float(contrast[best]) / SURE_CONTRAST)
    confidence = strength * float(np.clip((contrast[best] / max(usual, 1e-9) - 1.5) / 2.5, 0, 1))
    if confidence < MIN_CONFIDENCE:
        return None
    return Neckline(middle + depths[best] * down, confidence)


def _curves(x: Points, bends: npt.NDArray[np.intp], depths: Floats) -> Floats:
    """Depths (KxN) at x of the curves d * (1 - |x|^p)^q, (p, q) from BENDS: a V at (1, 1), round at (2, .6)."""
    power, root = np.array(BENDS)[bends].T
    return np.asarray(depths[:, None] * (1 - np.abs(x) ** power[:, None]) ** root[:, None])


def _contrasts(lab: npt.NDArray[np.float32], inside: npt.NDArray[np.float32], x: Floats, y: Floats) -> Floats:
    """Colour change across each of K curves (KxN points), 0 where too little of a curve lies on the garment."""
    slope = np.gradient(y, axis=1) / np.gradient(x, axis=1)
    length = np.hypot(1, slope)
    step_x, step_y = -STEP * slope / length, STEP / length
    upper, lower = _sample(lab, x - step_x, y - step_y), _sample(lab, x + step_x, y + step_y)
    visible = np.minimum(_sample(inside, x - step_x, y - step_y), _sample(inside, x + step_x, y + step_y)) > 0.5
    weight = visible / np.maximum(visible.sum(axis=1, keepdims=True), 1)
    change = (lower - upper) * visible[..., None]
    mean = (change * weight[..., None]).sum(axis=1)
    size = np.sqrt((mean**2).sum(axis=1))
    along = (change * (mean / np.maximum(size, 1e-9)[:, None])[:, None]).sum(axis=2)
    part_of_edge = ((along > SAME_WAY * size[:, None]) * weight).sum(axis=1)
    return np.asarray(size * part_of_edge**2 * (visible.mean(axis=1) >= MIN_VISIBLE))


def _sample(raster: npt.NDArray[np.float32], x: Floats, y: Floats) -> Floats:
    u, v = ((x - LEFT) * UNIT_PX).astype(np.float32), ((y - TOP) * UNIT_PX).astype(np.float32)
    return np.asarray(cv2.remap(raster, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float64)


def _unrolled(
    photo: npt.NDArray[np.uint8], alpha: Plane, middle: Points, across: Points, down: Points
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The neck's surroundings on an upright raster: OKLab, and 1 well inside the garment, 0 elsewhere."""
    size = (round((RIGHT - LEFT) * UNIT_PX), round((BOTTOM - TOP) * UNIT_PX))
    corners = np.array([[LEFT, TOP], [RIGHT, TOP], [LEFT, BOTTOM]])
    source = middle + corners[:, :1] * across + corners[:, 1:] * down - 0.5
    target = (corners - (LEFT, TOP)) * UNIT_PX
    # Shrink first, so that the warp does not skip pixels.
    shrink = min(1.0, 1.5 * UNIT_PX / float(np.hypot(*across)))
    if shrink < 1:
        photo = np.asarray(cv2.resize(photo, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8)
        alpha = np.asarray(cv2.resize(alpha, photo.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8)
    warp = cv2.getAffineTransform((source * shrink).astype(np.float32), target.astype(np.float32))
    upright = np.asarray(cv2.warpAffine(photo, warp, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    mask = np.asarray(cv2.warpAffine(alpha, warp, size, borderMode=cv2.BORDER_CONSTANT), np.uint8)
    lab = oklab_of_linear(linear_of_srgb(upright)).astype(np.float32)
    rim = 2 * round(RIM * UNIT_PX) + 1
    inner = cv2.erode((mask >= OPAQUE).astype(np.float32), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (rim, rim)))
    return np.asarray(cv2.GaussianBlur(lab, (0, 0), BLUR * UNIT_PX), np.float32), np.asarray(inner, np.float32)
