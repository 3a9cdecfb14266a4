"""What stands out from a garment's ground: colour and lightness against the cloth around, whatever the light on it.

Light multiplies linear values. Where CIE L*a*b* follows the cube root, it therefore scales L* + 16, a* and b* alike: a*
and b* over L* + 16 stay, and the logarithm of L* + 16 moves by the same amount everywhere that the light does.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from fashquick_common.cancel import CancelFlag
from fashquick_features.shape.outline import OPAQUE
from fashquick_features.shape.upright import Upright

WORKING_PX = 448  # long side looked at: small logos on the chest, 3 % of the garment, are then a dozen pixels wide
RIM_SHARE = 0.012  # of the long side: pixels at the rim, mixed with the background
GROUND_SHARE = 0.07  # of the long side: sigma over which the light on the ground is averaged
MODE_RANGE = 0.35  # of log(L* + 16) around the commonest lightness: ground to begin with, in light and shade
STAND_OUT = 0.15  # of log(L* + 16): step of lightness that counts; folds make as much, but softly
COLOUR_STEP = 9.0  # of CIE a*, b* at the darker lightness of the two: step of colour that counts
ROUNDS = 3  # the ground is where nothing stands out, and what stands out is told against it
SHRINK = 4  # the ground is looked for on a copy this much smaller
# Cells and their smoothing in the histograms of log(L* + 16), a* and b* over it, whose tops start the search.
MODE = ((0.02, 3.0), (0.01, 3.0), (0.01, 3.0))

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Surface:
    """A garment's surface against its ground.

    Attributes:
        inside: hxw bool, the garment.
        inner: hxw bool, the garment without its rim.
        step: hxw float32, how far a pixel stands out: 1 is just enough to count.
        light: hxw float32, signed step of log(L* + 16) against the ground.
        colour: hxw float32, step of colour, in units of CIE a*, b*.
        slope: hxw float32, change of `step` from one pixel to the next.
        factor: View pixels a surface pixel, in x and y.
    """

    inside: Mask
    inner: Mask
    step: Floats
    light: Floats
    colour: Floats
    slope: Floats
    factor: tuple[float, float]


def surface_of(view: Upright, cancel: CancelFlag) -> Surface:
    """Tell what stands out from the ground.

    Raises:
        Cancelled: `cancel` was raised.
        DeadlinePassed: Its deadline passed.
    """
    height, width = view.alpha.shape
    scale = min(1.0, WORKING_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    rgb, alpha = (cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in (view.rgb, view.alpha))
    inside = np.asarray(alpha >= OPAQUE)
    side = 2 * max(1, round(RIM_SHARE * max(size))) + 1
    inner = cv2.erode(inside.astype(np.uint8), np.ones((side, side), np.uint8), borderValue=0) > 0
    smooth = cv2.GaussianBlur(rgb, (0, 0), 0.7).astype(np.float32) / 255
    lab = np.asarray(cv2.cvtColor(smooth, cv2.COLOR_RGB2Lab), np.float32)
    root = np.maximum(lab[..., 0] + 16, 16)
    planes = np.dstack([np.log(root), lab[..., 1] / root, lab[..., 2] / root])
    cancel.check()
    ground = _ground(planes, np.asarray(inner), cancel)
    off = planes - ground
    off[..., 1:] *= np.minimum(root, np.exp(ground[..., 0]))[..., None]
    light, colour = off[..., 0], np.hypot(off[..., 1], off[..., 2])
    cancel.check()
    off /= np.array([STAND_OUT, COLOUR_STEP, COLOUR_STEP], np.float32)
    step = np.sqrt(np.einsum("ijk,ijk->ij", off, off))
    along = [cv2.Sobel(off, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1))]
    slope = np.sqrt(sum(np.einsum("ijk,ijk->ij", part, part) for part in along))
    factor = width / size[0], height / size[1]
    return Surface(inside, np.asarray(inner), step, light, colour, slope, factor)


def _ground(planes: Floats, inner: Mask, cancel: CancelFlag) -> Floats:
    """Log lightness and tint of the ground at each pixel (hxwx3), from a small copy: they change slowly."""
    height, width = inner.shape
    size = max(1, round(width / SHRINK)), max(1, round(height / SHRINK))
    small = np.asarray(cv2.resize(planes, size, interpolation=cv2.INTER_AREA), np.float32)
    within = cv2.resize(inner.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.99
    if not within.any():
        return np.broadcast_to(planes.reshape(-1, 3).mean(axis=0), planes.shape)
    usual = np.array([_mode(small[..., axis][within], *MODE[axis]) for axis in range(3)], np.float32)
    off = small - usual
    ground = within & (np.abs(off[..., 0]) < MODE_RANGE) & (_colour_step(small, off) < 2 * COLOUR_STEP)
    for _ in range(ROUNDS):
        cancel.check()
        local = _averaged(small, ground, usual)
        off = small - local
        ground = within & (np.abs(off[..., 0]) < STAND_OUT) & (_colour_step(small, off) < COLOUR_STEP)
    return np.asarray(cv2.resize(local, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _colour_step(planes: Floats, off: Floats) -> Floats:
    return np.asarray(np.hypot(off[..., 1], off[..., 2]) * np.exp(planes[..., 0]), np.float32)


def _averaged(planes: Floats, ground: Mask, usual: Floats) -> Floats:
    """Gaussian average over the ground only; far from any ground the usual values."""
    weight = ground.astype(np.float32)
    sigma = GROUND_SHARE * WORKING_PX / SHRINK
    low, mass = (
        cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
        for plane in (planes * weight[..., None], weight)
    )
    trust = 0.01  # of the usual values, against the ground around: decides where there is none within 3 sigma
    return np.asarray((low + trust * usual) / (mass + trust)[..., None], np.float32)


def _mode(values: Floats, width: float, sigma: float) -> float:
    """Commonest value: top of a smoothed histogram of cells of one width."""
    low = float(values.min())
    counts = np.bincount(((values - low) / width).astype(np.intp)).astype(np.float64)
    return low + (int(gaussian_filter1d(counts, sigma, mode="constant").argmax()) + 0.5) * width
