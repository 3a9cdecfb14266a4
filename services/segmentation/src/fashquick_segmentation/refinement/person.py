"""Skin beside and within a mask: telling a garment on a person from one that lies or hangs, and cutting skin away.

Skin has much the same hue on all people, and differs in lightness: Chai and Ngan, "Face segmentation using skin-color
map in videophone applications", IEEE TCSVT 9(4), 1999. Wood and beige walls have it too, so where the photo's rim does
nothing is said.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fashquick_segmentation.refinement.cleanup import open_mask

CR, CB = (133, 173), (77, 127)  # of YCrCb in 8 bits
RIM_SHARE = 0.04  # of the long side
RIM_SKIN_MAX = 0.1  # of the rim's ground; where more has that colour, the ground is wood or beige
NEAR_SHARE = 0.03  # of the long side; skin that the garment leaves bare begins no farther from it
PART_SHARE = 0.01  # of the garment's area; less is a label, a button, a finger
WORN_SHARE = 0.08  # of the garment's area: neck, arms and legs together; hands that hold it up are less
CLOTH_SKIN_MAX = 0.25  # of the garment; cloth of that colour tells nothing
INSIDE_SHARE = 0.003  # of the garment's area; less is a fold or a button
GRAIN_SHARE = 0.006  # of the long side; what is thinner is a seam


def has_skin_colour(photo: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return where a photo, HxWx3 uint8 sRGB, has the hue of skin; HxW bool."""
    _, cr, cb = cv2.split(cv2.cvtColor(photo, cv2.COLOR_RGB2YCrCb))
    return np.asarray((cr >= CR[0]) & (cr <= CR[1]) & (cb >= CB[0]) & (cb <= CB[1]))


def is_worn(photo: NDArray[np.uint8], mask: NDArray[np.bool_]) -> bool:
    """Tell whether a person seems to wear a garment: skin above it, and beside or below it.

    Args:
        photo: HxWx3 uint8, sRGB, at working size.
        mask: HxW bool: the garment.
    """
    skin = has_skin_colour(photo)
    area = np.count_nonzero(mask)
    if not area or skin[mask].mean() > CLOTH_SKIN_MAX or _ground_has_it(skin, mask):
        return False
    away = np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5))
    near = away <= NEAR_SHARE * max(mask.shape)
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    grain = max(1, round(GRAIN_SHARE * max(mask.shape)))
    bare = open_mask((skin & ~mask).astype(np.uint8), grain)
    count, labels, stats, middles = cv2.connectedComponentsWithStats(bare)
    parts = [
        part
        for part in range(1, count)
        if stats[part, cv2.CC_STAT_AREA] >= PART_SHARE * area and (near & (labels == part)).any()
    ]
    neck = [
        part
        for part in parts
        if stats[part, cv2.CC_STAT_TOP] < top + height / 8 and abs(middles[part, 0] - left - width / 2) < width / 4
    ]
    total = sum(int(stats[part, cv2.CC_STAT_AREA]) for part in parts)
    return bool(neck) and total >= WORN_SHARE * int(area)


def without_skin(photo: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Drop skin from the rim of a worn garment's mask; nothing of cloth that has that colour itself.

    Args:
        photo: HxWx3 uint8, sRGB, at working size.
        mask: HxW bool.

    Returns:
        HxW bool.
    """
    skin = has_skin_colour(photo) & mask
    area = np.count_nonzero(mask)
    if not area or np.count_nonzero(skin) > CLOTH_SKIN_MAX * area:
        return mask
    grain = max(1, round(GRAIN_SHARE * max(mask.shape)))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(open_mask(skin.astype(np.uint8), grain))
    beside = cv2.dilate((~mask).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    kept = mask.copy()
    for part in range(1, count):
        here = labels == part
        if stats[part, cv2.CC_STAT_AREA] >= INSIDE_SHARE * area and (here & beside).any():
            kept &= ~here
    return kept


def _ground_has_it(skin: NDArray[np.bool_], mask: NDArray[np.bool_]) -> bool:
    edge = max(1, round(RIM_SHARE * max(mask.shape)))
    rim = ~mask
    rim[edge:-edge, edge:-edge] = False
    return bool(rim.any() and skin[rim].mean() > RIM_SKIN_MAX)
