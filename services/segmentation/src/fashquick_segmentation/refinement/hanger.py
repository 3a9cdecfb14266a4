"""Taking a hanger's hook, bar and clips off the top of a mask.

The network was taught by masks in which hangers hang on to their garments, so it takes them along. Most differ
from straps, collars and waistbands: they are thin, at the top, and of another colour than the cloth. A black
hanger in a black dress stays, and so does one that closes a neckline: shape alone cannot tell them from straps.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fashquick_segmentation.refinement.cleanup import disc, open_mask

TOP_SHARE = 0.25  # of the mask's height: hangers are above the chest, clips at the waistband
THIN_SHARE = 0.08  # of the mask's box (mean of its sides): bars and clips are thinner, legs and most sleeves wider
CORNER_PX = 2  # what an opening rounds off at corners of collars and shoulders is given back
PART_SHARE = 0.002  # of the mask's area: less is a seam, a label, a shadow in a fold
FOREIGN_THIN_SHARE = 0.4  # of a part of another colour: less is a collar, a yoke, a print
OTHER_COLOUR_DE = 22.0  # CIE76 distance in Lab from each of the cloth's main colours
CLOTH_COLOURS = 5
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
    if not thin.any() or not mask[below:].any():
        return mask
    area = float(np.count_nonzero(mask))
    kept = mask.copy()
    for part in _parts(_foreign(photo, mask, below), PART_SHARE * area):
        if np.count_nonzero(part & thin) > FOREIGN_THIN_SHARE * np.count_nonzero(part):
            kept &= ~part
    return kept


def _foreign(photo: NDArray[np.uint8], mask: NDArray[np.bool_], below: int) -> NDArray[np.bool_]:
    """Where the mask's top has none of the colours that the garment has from row `below` on."""
    lab = np.asarray(cv2.cvtColor(photo.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB), np.float32)
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
