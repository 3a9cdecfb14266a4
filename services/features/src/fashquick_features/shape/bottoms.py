"""Landmarks of garments for the lower body: trousers, shorts, skirts.

Lengths are in units of the garment's height along its axis.
"""

from __future__ import annotations

import numpy as np

from fashquick_common.garment import LandmarkName as Name
from fashquick_features.shape.contour import arc, corner_pair, mirrored, pockets
from fashquick_features.shape.outline import Points

WAIST_ZONE = 0.30  # v above which the waistband's corners lie, on shorts too
CROTCH_ZONE = (0.15, 0.97)  # v between which legs part
CROTCH_REACH = 0.5  # of the half width: how far from the axis legs can part
MIN_CROTCH_DEPTH = 0.02  # shallower bays are a curved hem
SURE_CROTCH_DEPTH = 0.10
HIP_RISE = 0.62  # of the way from waist to crotch: where a body is widest
SYMMETRY_SCALE = 0.08  # mismatch between mirrored points at which confidence falls by a third

Found = dict[Name, tuple[Points, float]]
Names = tuple[Name, Name]


def find_trousers(points: Points) -> Found:
    """Find waist, hips, crotch and leg corners of trousers or shorts.

    Args:
        points: Nx2 contour in the upright frame, clockwise.

    Returns:
        Frame position and confidence by name. Without a visible parting of the legs only the waist.
    """
    count = len(points)
    waist = _waist(points)
    found: Found = {}
    if waist is None:
        return found
    sides = (points, mirrored(points))
    tops = (waist[1], count - 1 - waist[0])
    half = 0.5 * float(np.ptp(points[:, 0]))
    parting = [
        pocket
        for pocket in pockets(points)
        if CROTCH_ZONE[0] < points[pocket.deepest, 1] < CROTCH_ZONE[1]
        and abs(points[pocket.deepest, 0]) < CROTCH_REACH * half
        and pocket.depth > MIN_CROTCH_DEPTH
        and points[pocket.start, 0] > points[pocket.end, 0]
    ]
    if not parting:
        _add(found, sides, (Name.WAIST_LEFT, Name.WAIST_RIGHT), tops, 0.5)
        return found
    crotch = parting[0].deepest
    sure = min(1.0, parting[0].depth / SURE_CROTCH_DEPTH)
    _add(found, sides, (Name.WAIST_LEFT, Name.WAIST_RIGHT), tops, sure)
    found[Name.CROTCH] = (points[crotch], sure)
    legs, hips = [], []
    for side, top, fork in zip(sides, tops, (crotch, count - 1 - crotch), strict=True):
        way = arc(count, top, fork)
        if len(way) < 8:
            return found
        legs.append(corner_pair(side, way))
        level = side[top, 1] + HIP_RISE * (side[fork, 1] - side[top, 1])
        outer = arc(count, top, legs[-1][0])
        hips.append(int(outer[np.abs(side[outer, 1] - level).argmin()]))
    _add(found, sides, (Name.HIP_LEFT, Name.HIP_RIGHT), (hips[0], hips[1]), 0.8 * sure)
    _add(found, sides, (Name.LEG_LEFT_OUTER, Name.LEG_RIGHT_OUTER), (legs[0][0], legs[1][0]), sure)
    _add(found, sides, (Name.LEG_LEFT_INNER, Name.LEG_RIGHT_INNER), (legs[0][1], legs[1][1]), sure)
    return found


def find_skirt(points: Points) -> Found:
    """Find the corners of a skirt's waistband and hem; arguments and result as for `find_trousers`."""
    count = len(points)
    waist = _waist(points)
    if waist is None:
        return {}
    sides = (points, mirrored(points))
    middles = _crossings(points, 0.5)
    if middles is None:
        return {}
    hem = corner_pair(points, arc(count, middles[1], middles[0]))
    found: Found = {}
    _add(found, sides, (Name.WAIST_LEFT, Name.WAIST_RIGHT), (waist[1], count - 1 - waist[0]), 0.9)
    _add(found, sides, (Name.HEM_LEFT, Name.HEM_RIGHT), (hem[0], count - 1 - hem[1]), 0.9)
    return found


def _waist(points: Points) -> tuple[int, int] | None:
    """Contour indices of the waistband's corners, the photo's left one first."""
    ends = _crossings(points, WAIST_ZONE)
    if ends is None:
        return None
    over = arc(len(points), *ends)
    return corner_pair(points, over) if len(over) >= 6 else None


def _crossings(points: Points, level: float) -> tuple[int, int] | None:
    """Where the contour's way over the top comes up through v = `level` on the left and goes down on the right."""
    top = int(points[:, 1].argmin())
    count = len(points)
    order = arc(count, top, (top - 1) % count)
    below = np.nonzero(points[order, 1] > level)[0]
    if not len(below):
        return None
    return int(order[below[-1]]), int(order[below[0]])


def _add(found: Found, sides: tuple[Points, Points], names: Names, indices: tuple[int, int], confidence: float) -> None:
    """Put a pair of points under its names; the less it mirrors, the less it is trusted."""
    one, two = (side[index] for side, index in zip(sides, indices, strict=True))
    sure = confidence * float(np.exp(-((float(np.hypot(*(one - two))) / SYMMETRY_SCALE) ** 2) / 2))
    found[names[0]] = (one, sure)
    found[names[1]] = (two * (-1.0, 1.0), sure)
