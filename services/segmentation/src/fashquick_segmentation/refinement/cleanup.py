"""Taking away what is not garment from a mask: specks, pinholes and what the garment hangs on.

Holes that a person would see (inside a neckline, between a sleeve and the body) stay.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

PINHOLE_SHARE = 0.0006  # of the picture; a hole of this size is 11 px wide at 512 px: noise, print, a button
THREAD_SHARE = 0.012  # of the long side; anything thinner is a hook, a string or a shadow's edge
EDGE_SHARE = 0.008  # of the long side; a matte's edge is not softer than this
BELIEVED = 0.8  # mean probability of a hole that is print; gaps between sleeve and body were seen up to 0.77
PIECE_SHARE = 0.12  # of the largest piece; a smaller piece is another thing (the other half of a set is larger)


def clean(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fill pinholes, then keep the large pieces and only what is thick enough to be cloth.

    Args:
        mask: HxW bool.

    Returns:
        HxW bool; the mask with its pinholes filled when nothing in it is thick.
    """
    filled = _fill_pinholes(mask)
    radius = max(1, round(THREAD_SHARE * max(mask.shape) / 2))
    opened = open_mask(filled, radius)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened)
    if count < 2:
        return filled.astype(np.bool_)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    core = (areas > PIECE_SHARE * areas.max())[labels].astype(np.uint8)
    grown = np.asarray(cv2.dilate(core, disc(1)))
    kept: NDArray[np.bool_] = (filled > 0) & (grown > 0)
    return kept


def fill_believed(mask: NDArray[np.bool_], probability: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Fill holes that the network takes for garment: prints in the ground's colours.

    Args:
        mask: HxW bool.
        probability: HxW float32, 0 to 1.

    Returns:
        HxW bool; a hole stays unless its mean probability is above `BELIEVED`.
    """
    labels, sizes, inside = _ground_parts(mask)
    belief = np.bincount(labels.ravel(), probability.ravel(), len(sizes)) / np.maximum(sizes, 1)
    filled: NDArray[np.bool_] = mask | (inside & (belief > BELIEVED))[labels]
    return filled


def drop_specks(alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Clear what a matte shows apart from its large pieces.

    Args:
        alpha: HxW uint8.

    Returns:
        HxW uint8: `alpha` within a soft edge's reach of a large piece, 0 elsewhere.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats((alpha >= 128).astype(np.uint8))
    if count < 2:
        return np.zeros_like(alpha)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    large = areas > PIECE_SHARE * areas.max()
    small = ~large
    small[0] = False
    side = 2 * max(1, round(EDGE_SHARE * max(alpha.shape))) + 1
    near = cv2.dilate(large[labels].astype(np.uint8), np.ones((side, side), np.uint8))
    cleared = alpha.copy()
    cleared[small[labels] | (np.asarray(near) == 0)] = 0
    return cleared


def _fill_pinholes(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Fill ground of less than `PINHOLE_SHARE` that garment encloses."""
    labels, sizes, inside = _ground_parts(mask)
    return np.asarray(mask | (inside & (sizes < PINHOLE_SHARE * mask.size))[labels], np.uint8)


def _ground_parts(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]]:
    """The connected parts of the ground: labels (HxW, 0 for garment), and by label sizes and whether it is a hole.

    A notch at the picture's border is no hole: nobody knows what lies beyond.
    """
    height, width = mask.shape
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=4)
    left, top = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_TOP]
    right, bottom = left + stats[:, cv2.CC_STAT_WIDTH], top + stats[:, cv2.CC_STAT_HEIGHT]
    inside = (left > 0) & (top > 0) & (right < width) & (bottom < height)
    inside[0] = False
    return np.asarray(labels, np.int32), np.asarray(stats[:, cv2.CC_STAT_AREA], np.int32), inside


def open_mask(mask: NDArray[np.uint8], radius: int) -> NDArray[np.uint8]:
    """Open a mask by a disc, with the garment going on beyond the picture's border.

    Args:
        mask: HxW uint8, 0 or 1.
        radius: Of the disc in pixels.

    Returns:
        HxW uint8, 0 or 1: what is thicker than the disc.
    """
    padded = cv2.copyMakeBorder(mask, radius, radius, radius, radius, cv2.BORDER_REPLICATE)
    opened = cv2.morphologyEx(padded, cv2.MORPH_OPEN, disc(radius))
    return np.asarray(opened, np.uint8)[radius:-radius, radius:-radius]


def disc(radius: int) -> NDArray[np.uint8]:
    """A filled disc as a structuring element, `2 * radius + 1` pixels wide."""
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)), np.uint8)
