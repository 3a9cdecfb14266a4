"""Coarseness, directionality, contrast and sheen of a garment's cloth."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_features.texture.cloth import Cloth, Floats

LARGEST_OCTAVE = 4  # windows of 2 to 16 pixels; differences over 16 pixels see structure of a twentieth of the garment
NOISE = 0.006  # of the flattened lightness: differences below it are the sensor's and JPEG's
FULL_CONTRAST = 0.2  # Tamura contrast of the flattened lightness that counts as 1: black stitches on light cloth
HIGHLIGHT_SIGMA = 3.0  # pixels; finer gleams are threads and noise
HIGHLIGHT_STOPS = 0.3  # above the cloth around: lit folds of matt cloth stay mostly below
HARD_BORDER = 0.2  # change a pixel over mean height of a bright patch, from which on it is no highlight but a print
HIGHLIGHT_QUANTILE = 0.98
FULL_SHEEN = 1.0  # stops; shiny leather and satin reach it, matt cloth stays around a third
DARKEST = 0.01  # luminance, 0 to 1, added everywhere: ratios of black to black say nothing
EDGE_QUANTILE = 0.95  # gradients above are edges of prints, pockets and seams, and count as that much


@dataclass(frozen=True, slots=True)
class Measures:
    """What `fashquick_common.garment.Texture` holds besides the class, in its units."""

    coarseness: float
    directionality: float
    direction_deg: float
    contrast: float
    sheen: float


def measure(cloth: Cloth, cancel: CancelFlag) -> Measures:
    """Measure flattened cloth.

    Raises:
        Cancelled: `cancel` was raised.
        DeadlinePassed: Its deadline passed.
    """
    cancel.check()
    size = coarseness(cloth)
    cancel.check()
    directed, degrees = direction(cloth)
    cancel.check()
    return Measures(size, directed, degrees, contrast(cloth), sheen(cloth))


def coarseness(cloth: Cloth) -> float:
    """Tamura coarseness (Tamura, Mori, Yamawaki, "Textural features corresponding to visual perception", 1978, II.A).

    At each pixel the window size 2^k whose neighbouring averages differ most; the mean of k over the pixels, 0 for
    windows of 2 pixels, 1 for windows of 16. Pixels without any difference above the noise do not vote.
    """
    best = np.full(cloth.flat.shape, NOISE, np.float32)
    octave_of = np.full(cloth.flat.shape, -1, np.int8)
    for octave in range(1, LARGEST_OCTAVE + 1):
        side, half = 2**octave, 2 ** (octave - 1)
        mean = np.asarray(cv2.blur(cloth.flat, (side, side), borderType=cv2.BORDER_REPLICATE), np.float32)
        across, along = (_difference(mean, half, axis) for axis in (1, 0))
        apart = np.maximum(across, along)
        larger = apart > best
        best, octave_of = np.where(larger, apart, best), np.where(larger, np.int8(octave), octave_of)
    votes = octave_of[cloth.inner & (octave_of > 0)]
    return float((votes.mean() - 1) / (LARGEST_OCTAVE - 1)) if len(votes) else 0.0


def direction(cloth: Cloth) -> tuple[float, float]:
    """Coherence of the gradients' double angles (Bigün, Granlund, 1987), 0 to 1, and the lines' direction, degrees."""
    smooth = cv2.GaussianBlur(cloth.flat, (0, 0), 1.0)
    gx, gy = (np.asarray(cv2.Sobel(smooth, cv2.CV_32F, *order))[cloth.inner] for order in ((1, 0), (0, 1)))
    length = np.hypot(gx, gy)
    limit = float(np.quantile(length, EDGE_QUANTILE))
    shrink = np.minimum(1.0, limit / np.maximum(length, 1e-9))
    gx, gy = (gx * shrink).astype(np.float64), (-gy * shrink).astype(np.float64)  # y up
    along, across = float(gx @ gx - gy @ gy), float(2 * gx @ gy)
    power = float(gx @ gx + gy @ gy) + len(gx) * (4 * NOISE) ** 2  # Sobel weighs by about 4
    degrees = (np.rad2deg(np.arctan2(across, along)) / 2 + 90) % 180  # lines run across the gradient
    return min(1.0, float(np.hypot(along, across)) / power), float(degrees)


def contrast(cloth: Cloth) -> float:
    """Tamura contrast (1978, II.B) of the flattened lightness: deviation over the fourth root of the kurtosis.

    Of the middle eight tenths: what is darker or lighter is printed, or lies in a deep fold.
    """
    values = cloth.flat[cloth.inner]
    values = np.clip(values, *np.quantile(values, (0.1, 0.9))).astype(np.float64)
    square = (values - values.mean()) ** 2
    variance = float(square.mean())
    if variance < NOISE**2:
        return 0.0
    kurtosis = float((square * square).mean()) / variance**2
    return float(min(1.0, np.sqrt(variance) / kurtosis**0.25 / FULL_CONTRAST))


def sheen(cloth: Cloth) -> float:
    """By how many stops highlights outshine the cloth around, `FULL_SHEEN` stops being 1.

    Highlights end softly, prints do not: bright patches with a hard border are left out. What remains is the
    98th percentile of the luminance over its local mean, against the median: gloss skews it (Motoyoshi et al., "Image
    statistics and the perception of surface qualities", Nature, 2007).
    """
    # Luminance from L* by the cube-root branch (CIE 15:2004, 8.2.1), which is near enough in deep shadows.
    root = (cloth.lab[..., 0] + 16) / 116
    luminance = np.asarray(root * root * root, np.float32)
    bright = cv2.GaussianBlur(luminance, (0, 0), HIGHLIGHT_SIGMA)
    stops = np.log2((bright + DARKEST) / (cloth.averaged(luminance) + DARKEST))
    patches = ((stops > HIGHLIGHT_STOPS) & cloth.inner).astype(np.uint8)
    count, labels = cv2.connectedComponents(patches, connectivity=8)
    gx, gy = (cv2.Sobel(stops, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1)))
    border = (patches > 0) & (cv2.erode(patches, np.ones((3, 3), np.uint8), borderValue=0) == 0)
    at = labels[border]
    slope = np.bincount(at, np.hypot(gx, gy)[border], minlength=count) / np.maximum(np.bincount(at, minlength=count), 1)
    within = labels[cloth.inner]
    sizes = np.maximum(np.bincount(within, minlength=count), 1)
    height = np.bincount(within, stops[cloth.inner], minlength=count) / sizes
    hard = slope > HARD_BORDER * np.maximum(height, HIGHLIGHT_STOPS)
    hard[0] = False
    values = stops[cloth.inner][~hard[within]]
    if not len(values):
        return 0.0
    high, middle = (float(value) for value in np.quantile(values, (HIGHLIGHT_QUANTILE, 0.5)))
    return float(np.clip((high - middle) / FULL_SHEEN, 0.0, 1.0))


def _difference(mean: Floats, half: int, axis: int) -> Floats:
    """Difference of the averages `half` pixels before and after each pixel."""
    size = mean.shape[axis]
    index = np.arange(size)
    after, before = np.minimum(index + half, size - 1), np.maximum(index - half, 0)
    return np.asarray(np.abs(np.take(mean, after, axis) - np.take(mean, before, axis)))
