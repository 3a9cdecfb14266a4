"""Landmarks of garments for the lower body: trousers, shorts, skirts.

Lengths are in units of the garment's height along its axis.
"""

from __future__ import annotations

import numpy as np

from fashquick_common.garment import LandmarkName as Name
from fashquick_features.shape.clips import without_clips
from fashquick_features.shape.contour import (
    arc,
    axis_crossing,
    corner_pair,
    farthest_from_chord,
    mirrored,
    opened,
    pockets,
)
from fashquick_features.shape.outline import Points

WAIST_ZONE = 0.30  # v above which the waistband's corners lie, on shorts too
CROTCH_ZONE = (0.15, 0.97)  # v between which legs part
CROTCH_REACH = 0.5  # of the half width: how far from the axis legs can part
LEG_GAP = (0.0, 0.4)  # of the half width from the axis: where holes lie between the legs
MIN_CROTCH_DEPTH = 0.02  # shallower bays are a curved hem
SURE_CROTCH_DEPTH = 0.10
LONG_LEG = 1.7  # inseam in widths from crotch to side seam from which on a leg's end lies far from the crotch
LEG_END = 0.8  # of the greatest distance from the crotch: where a long leg's corners are looked for
MIN_TIP = 0.03  # by which a crotch that is the lowest point of very short shorts hangs below their side seams
TIP_REACH = 0.3  # of the half width: how far from the axis it can lie
CLOSED_LEGS = 0.5  # confidence of the side seams' ends on shorts whose legs do not part
HIP_RISE = 0.62  # of the way from waist to crotch: where a body is widest
SKIRT_HIPS = 0.5  # of the waist's width: how far below it a body's hips are, about 20 cm
SKIRT_HIP_CONFIDENCE = 0.6  # nothing on a skirt's outline marks its hips
SYMMETRY_SCALE = 0.08  # mismatch between mirrored points at which confidence falls by a third
SHORTEST_ARC = 8  # contour points that an arc needs to have corners

Found = dict[Name, tuple[Points, float]]
Names = tuple[Name, Name]


def find_trousers(points: Points, holes: tuple[Points, ...] = ()) -> Found:
    """Find waist, hips, crotch and leg corners of trousers or shorts.

    Args:
        points: Nx2 contour in the upright frame, clockwise.
        holes: Outlines of its holes, counter-clockwise; a gap between legs that touch farther down.

    Returns:
        Frame position and confidence by name. Without a visible parting of the legs only the waist, and on shorts
        that end at the crotch the side seams' ends.
    """
    points = opened(without_clips(points), holes, LEG_GAP)
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
        return _find_closed_legs(sides, tops, half)
    crotch = parting[0].deepest
    sure = min(1.0, parting[0].depth / SURE_CROTCH_DEPTH)
    _add(found, sides, (Name.WAIST_LEFT, Name.WAIST_RIGHT), tops, max(0.5, sure))
    found[Name.CROTCH] = (points[crotch], sure)
    legs, hips = [], []
    for side, top, fork in zip(sides, tops, (crotch, count - 1 - crotch), strict=True):
        way = arc(count, top, fork)
        if len(way) < SHORTEST_ARC:
            return found
        legs.append(_leg_corners(side, top, fork))
        level = side[top, 1] + HIP_RISE * (side[fork, 1] - side[top, 1])
        outer = arc(count, top, legs[-1][0])
        hips.append(int(outer[np.abs(side[outer, 1] - level).argmin()]))
    _add(found, sides, (Name.HIP_LEFT, Name.HIP_RIGHT), (hips[0], hips[1]), 0.8 * sure)
    _add(found, sides, (Name.LEG_LEFT_OUTER, Name.LEG_RIGHT_OUTER), (legs[0][0], legs[1][0]), sure)
    _add(found, sides, (Name.LEG_LEFT_INNER, Name.LEG_RIGHT_INNER), (legs[0][1], legs[1][1]), sure)
    return found


def find_skirt(points: Points, holes: tuple[Points, ...] = ()) -> Found:  # noqa: ARG001 - one signature for all finders
    """Find a skirt's waistband, hips and hem corners; arguments and result as for `find_trousers`."""
    points = without_clips(points)
    count = len(points)
    waist = _waist(points)
    if waist is None:
        return {}
    sides = (points, mirrored(points))
    tops = (waist[1], count - 1 - waist[0])
    bottoms = (axis_crossing(points), count - 1 - axis_crossing(points))
    width = float(np.hypot(*(points[waist[0]] - points[waist[1]])))
    hems, hips = [], []
    for side, top, bottom in zip(sides, tops, bottoms, strict=True):
        way = arc(count, top, bottom)
        if len(way) < SHORTEST_ARC:
            return {}
        hems.append(farthest_from_chord(side, way[len(way) // 4 :]))
        outer = arc(count, top, hems[-1])
        hips.append(int(outer[np.abs(side[outer, 1] - side[top, 1] - SKIRT_HIPS * width).argmin()]))
    found: Found = {}
    _add(found, sides, (Name.WAIST_LEFT, Name.WAIST_RIGHT), tops, 0.9)
    if all(side[hip, 1] < side[hem, 1] - 0.05 for side, hip, hem in zip(sides, hips, hems, strict=True)):
        _add(found, sides, (Name.HIP_LEFT, Name.HIP_RIGHT), (hips[0], hips[1]), SKIRT_HIP_CONFIDENCE)
    _add(found, sides, (Name.HEM_LEFT, Name.HEM_RIGHT), (hems[0], hems[1]), 0.9)
    return found


def _leg_corners(points: Points, top: int, fork: int) -> tuple[int, int]:
    """Outer and inner corner of the right leg's end."""
    way = arc(len(points), top, fork)
    reach = np.hypot(*(points[way] - points[fork]).T)
    below = points[way, 1] > points[fork, 1]
    across = abs(float(points[way[below.argmax()], 0] - points[fork, 0]))  # to the side seam at the crotch's height
    if below.any() and reach[below].max() > LONG_LEG * across:
        far = np.nonzero(below & (reach > LEG_END * reach[below].max()))[0]
        end = way[max(0, far[0] - 1) : far[-1] + 2]
        if len(end) >= SHORTEST_ARC:
            return corner_pair(points, end)
    return corner_pair(points, way)


def _find_closed_legs(sides: tuple[Points, Points], tops: tuple[int, int], half: float) -> Found:
    """The waist and, on shorts whose crotch hangs lowest, crotch and side seams' ends."""
    points, count = sides[0], len(sides[0])
    found: Found = {}
    _add(found, sides, (Name.WAIST_LEFT, Name.WAIST_RIGHT), tops, CLOSED_LEGS)
    tip = int(points[:, 1].argmax())
    if abs(points[tip, 0]) > TIP_REACH * half:
        return found
    ends = []
    for side, top, bottom in zip(sides, tops, (tip, count - 1 - tip), strict=True):
        way = arc(count, top, bottom)
        if len(way) < SHORTEST_ARC:
            return found
        ends.append(farthest_from_chord(side, way))
    if max(float(side[end, 1]) for side, end in zip(sides, ends, strict=True)) < points[tip, 1] - MIN_TIP:
        found[Name.CROTCH] = (points[tip], CLOSED_LEGS)
        _add(found, sides, (Name.LEG_LEFT_OUTER, Name.LEG_RIGHT_OUTER), (ends[0], ends[1]), CLOSED_LEGS)
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
