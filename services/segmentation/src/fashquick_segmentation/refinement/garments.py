"""Telling a garment in several pieces from several garments.

A belt, a hand or a stripe that was missed cuts a garment in two: the pieces face each other across a narrow gap. Two
garments in a photo lie apart, or beside each other by a part of their sides only.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

GARMENT_SHARE = 0.3  # of the largest piece: a second garment is no smaller; a belt, a sock, a label is
GAP_SHARE = 0.08  # of the long side: pieces of one garment are no farther from each other, in the mean along the gap
FACING_SHARE = 0.6  # of the shorter piece's length along the gap that the other one faces


def apart(mask: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], ...]:
    """Part a mask into garments.

    Args:
        mask: HxW bool, clean: its pieces are cloth.

    Returns:
        HxW bool each, the largest first; together they are the mask. One for a garment in several pieces, and for an
        empty mask.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    pieces = sorted(range(1, count), key=lambda piece: -int(stats[piece, cv2.CC_STAT_AREA]))
    groups: list[NDArray[np.bool_]] = []
    for piece in (np.asarray(labels == number) for number in pieces):
        near = [_one_garment(group, piece) for group in groups]
        joined = np.logical_or.reduce([piece, *(group for group, is_near in zip(groups, near, strict=True) if is_near)])
        groups = [joined, *(group for group, is_near in zip(groups, near, strict=True) if not is_near)]
    if len(groups) < 2:
        return (mask,)
    groups.sort(key=lambda garment: -int(np.count_nonzero(garment)))
    least = GARMENT_SHARE * np.count_nonzero(groups[0])
    garments = [garment for garment in groups if np.count_nonzero(garment) >= least]
    crumbs = groups[len(garments) :]
    return (np.logical_or.reduce([garments[0], *crumbs]), *garments[1:])


def _one_garment(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> bool:
    """Whether two pieces face each other across a gap that is narrow all along, or one is within the other."""
    gaps = (_gap(one, other), _gap(one.T, other.T))
    return any(gap <= GAP_SHARE * max(one.shape) for gap in gaps)


def _gap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """The mean gap between two pieces along their rows; infinite where too few rows have both.

    Below 0 where they interlock.
    """
    rows_one, rows_other = one.any(1), other.any(1)
    both = rows_one & rows_other
    if np.count_nonzero(both) < FACING_SHARE * min(np.count_nonzero(rows_one), np.count_nonzero(rows_other)):
        return float("inf")
    (first_one, last_one), (first_other, last_other) = (_ends(piece[both]) for piece in (one, other))
    return float(np.maximum(first_one - last_other, first_other - last_one).mean())


def _ends(rows: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first and the last column of each row."""
    return rows.argmax(1), rows.shape[1] - 1 - rows[:, ::-1].argmax(1)
