"""Taking a hanger's hook, bar and clips off the top of a mask.

The network was taught by masks in which some hangers hang on to their garments, so it takes some along. Most differ
from straps, collars and waistbands: they are thin, at the top, and of another colour than the cloth. One that closes a
neckline makes the mask thick there; a black one is found by its own thinness, and cut where that takes off what stands
out of the garment. A black hanger in a black dress stays: nothing tells it from a strap.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fashquick_segmentation.refinement.cleanup import clean, disc, open_mask
from fashquick_segmentation.refinement.measures import lab_of

TOP_SHARE = 0.25  # of the mask's height: hangers are above the chest, clips at the waistband
THIN_SHARE = 0.08  # of the mask's box (mean of its sides): bars and clips are thinner, legs and most sleeves wider
CORNER_PX = 2  # what an opening rounds off at corners of collars and shoulders is given back
PART_SHARE = 0.002  # of the mask's area: less is a seam, a label, a shadow in a fold
FOREIGN_THIN_SHARE = 0.4  # of a part of another colour: less is a collar, a yoke, a print
OTHER_COLOUR_DE = 22.0  # CIE76 distance in Lab from each of the cloth's main colours
CLOTH_COLOURS = 5
BLACK_L, BLACK_CHROMA = 40.0, 15.0  # CIE Lab of black plastic and of metal in the shade
BLACK_SHARE = 0.0005  # of the mask's area; less is a button, a seam
BLACK_HALF_WIDTH = 0.012  # of the mask's box (mean of its sides); collars, yokes and prints are wider
STANDS_OUT_SHARE = 0.03  # of the mask's height; trimmings of necklines stand out less
DROPPED_SHARE = 0.05  # of the mask's area that goes with the lines; more is a hood behind a dark seam
SAMPLES_MAX = 4000  # cloth pixels that the main colours are found from
RNG_SEED = 1


def without_hanger(photo: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Drop thin parts at the top that are not cloth.

    Sets the seed of OpenCV's random numbers in the calling thread.

    Args:
        photo: HxWx3 uint8, sRGB, at working size.
        mask: HxW bool.

    Returns:
        HxW bool; what hung on the dropped parts is left as loose pieces.
    """
    solid = mask.astype(np.uint8)
    _, top, width, height = cv2.boundingRect(solid)
    below = top + round(TOP_SHARE * height)
    radius = max(2, round(THIN_SHARE * (width + height) / 4))
    thin = mask & (np.asarray(cv2.dilate(open_mask(solid, radius), disc(CORNER_PX))) == 0)
    thin[below:] = False
    if not mask[below:].any():
        return mask
    area = float(np.count_nonzero(mask))
    lab = lab_of(photo)
    foreign = _foreign(lab, mask, below)
    kept = mask.copy()
    for part in _parts(foreign, PART_SHARE * area):
        if np.count_nonzero(part & thin) > FOREIGN_THIN_SHARE * np.count_nonzero(part):
            kept &= ~part
    return _without_black(lab, kept, foreign & kept, (width + height) / 2)


def _without_black(
    lab: NDArray[np.float32], mask: NDArray[np.bool_], foreign: NDArray[np.bool_], side: float
) -> NDArray[np.bool_]:
    """Drop black lines of another colour than the cloth, where that takes off what stands out of the garment."""
    black = foreign & (lab[..., 0] < BLACK_L) & (np.hypot(lab[..., 1], lab[..., 2]) < BLACK_CHROMA)
    depth = np.asarray(cv2.distanceTransform(black.astype(np.uint8), cv2.DIST_L2, 5))
    lines = np.zeros_like(mask)
    for part in _parts(black, BLACK_SHARE * np.count_nonzero(mask)):
        if depth[part].max() <= BLACK_HALF_WIDTH * side + 1:
            lines |= part
    if not lines.any():
        return mask
    # With the soft edge of the lines, and the clips' shadows.
    near = np.asarray(cv2.dilate(lines.astype(np.uint8), disc(2))) > 0
    without = clean(mask & ~near)
    _, top, _, _ = cv2.boundingRect(without.astype(np.uint8))
    _, before, _, height = cv2.boundingRect(mask.astype(np.uint8))
    stands_out = top - before >= STANDS_OUT_SHARE * height
    dropped = np.count_nonzero(mask & ~without)
    return mask & without if stands_out and dropped <= DROPPED_SHARE * np.count_nonzero(mask) else mask


def _foreign(lab: NDArray[np.float32], mask: NDArray[np.bool_], below: int) -> NDArray[np.bool_]:
    """Where the mask's top has none of the colours that the garment has from row `below` on."""
    colours = _main_colours(lab[below:][mask[below:]])
    foreign = np.zeros_like(mask)
    upper = mask[:below]
    foreign[:below][upper] = _distance(lab[:below][upper], colours) > OTHER_COLOUR_DE
    return foreign


def _parts(mask: NDArray[np.bool_], area_min: float) -> list[NDArray[np.bool_]]:
    """The connected parts of a mask that are larger than `area_min` pixels."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return [labels == part for part in range(1, count) if stats[part, cv2.CC_STAT_AREA] > area_min]


def _main_colours(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    samples = np.ascontiguousarray(lab[:: len(lab) // SAMPLES_MAX + 1])
    cv2.setRNGSeed(RNG_SEED)
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 10, 1.0)
    count = min(CLOTH_COLOURS, len(samples))
    _, _, centres = cv2.kmeans(samples, count, np.zeros((0,), np.int32), stop, 1, cv2.KMEANS_PP_CENTERS)
    return np.asarray(centres, np.float32)


def _distance(lab: NDArray[np.float32], colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far each pixel is from the nearest of the colours."""
    return np.asarray(np.linalg.norm(lab[:, np.newaxis] - colours, axis=2).min(axis=1), np.float32)
