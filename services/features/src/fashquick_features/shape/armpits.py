"""Where the arms of a top begin: bays of the outline, gaps beside the body, or the mirror image of the other side.

Every bend of the contour that could be an armpit is a candidate on its side; the pair that lies deepest and mirrors
best wins. Lengths are in units of the garment's height along its axis.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import cv2
import numpy as np

from fashquick_features.shape.contour import Pocket, arc, axis_crossing, chord_distance, pockets
from fashquick_features.shape.outline import Points

ARMPIT_ZONE = (0.06, 0.78)  # v: under the shoulder line and above the hem of the shortest crop top
NEAREST_ARMPIT = 0.05  # |u|: nearer to the axis lies the neck or a slit in the hem
MIN_ARMPIT_DEPTH = 0.015  # a shallower bay is a crease
MIN_BEND_DEPTH = 0.007  # the same for a bay within a bay
SECOND_BEND = 0.3  # part of a bay's depth at which its upper flank counts as a bay of its own (dress with a waist)
STEEPEST_CHORD = 0.7  # outward run of a bay's chord per length: beyond it the bay lies on the shoulder, by the collar
ASYMMETRY_WEIGHT = 0.5  # depth that a pair of armpits loses per unit by which they fail to mirror each other
DEEPER_WEIGHT = 0.3  # part of the deeper bay's depth that counts beside the shallower one's
SHORTEST_BAY = 6  # contour points

FAINT_BEND_DEPTH = 0.003  # bend that is looked at only because the other side has one at that place
BEND_BONUS = 0.02  # depth that a clear bend is worth
FAINT_COST = 0.02, 0.06  # depth that a faint bend costs in a shallow and in a deep bay
USUAL_ARMHOLE = 1.5  # neck to armpit in half-widths: 19 of 20 tops are within
DEEP_BAY = 0.1  # bay depth from which on its deepest point is the armpit however low it lies: a sleeve along the side
LOW_COST = 0.1  # depth that an armpit loses per half-width by which it lies too low

UNEVEN = 0.06  # v by which one armpit lies lower than the other: there the sleeve lies on the body
SURE_BAY = 0.12  # bay depth from which on one side alone tells where the other's armpit is


@dataclass(frozen=True, slots=True)
class Armpit:
    """An armpit or a candidate for one.

    Attributes:
        index: Contour index where the sleeve's way ends and the side seam's begins.
        at: Position (u, v) on its side; that of the contour point unless it lies hidden under the sleeve.
        depth: How deep it lies in its bay by itself.
        bay: Depth of the whole bay.
        bonus: What it gains or loses as a second bend.
        seen: Whether it lies on the outline; else it is the mirror image of the other side's.
        sleeve_seen: Whether the outline shows where the sleeve ends.
    """

    index: int
    at: Points
    depth: float
    bay: float
    bonus: float = 0.0
    seen: bool = True
    sleeve_seen: bool = True


def find_armpits(sides: tuple[Points, Points], flare: float) -> tuple[Armpit, Armpit] | None:
    """The two armpits: bends that lie in deep bays and mirror each other best.

    Where a sleeve lies on the body on one side only, that side's armpit is the mirror image of the other's.

    Args:
        sides: Contour in the upright frame, clockwise, and its mirror image.
        flare: Width below an armpit, in widths between the armpits, that such a garment does not exceed. What does
            lies between a hood and the shoulders.

    Returns:
        The armpit on the right of either contour; None where neither side shows one.
    """
    candidates = (_armpit_candidates(sides[0], flare), _armpit_candidates(sides[1], flare))
    best, chosen = -np.inf, None
    for left, right in product(*candidates):
        apart = float(np.abs(left.at - right.at).sum())
        shallow, deep = sorted((left.bay, right.bay))
        score = shallow + DEEPER_WEIGHT * deep + left.bonus + right.bonus - ASYMMETRY_WEIGHT * apart
        if score > best:
            best, chosen = score, (left, right)
    if chosen is None:
        alone = [max(side, key=lambda armpit: armpit.bay + armpit.bonus, default=None) for side in candidates]
        one, two = alone
        if one is not None and one.bay > SURE_BAY and _within(sides[1], one.at):
            return one, _behind_sleeve(sides[1], one)
        if two is not None and two.bay > SURE_BAY and _within(sides[0], two.at):
            return _behind_sleeve(sides[0], two), two
        return None
    left, right = chosen
    if left.at[1] > right.at[1] + UNEVEN and right.bay > SURE_BAY and _within(sides[0], right.at):
        left = replace(left, at=right.at, seen=False)
    elif right.at[1] > left.at[1] + UNEVEN and left.bay > SURE_BAY and _within(sides[1], left.at):
        right = replace(right, at=left.at, seen=False)
    return left, right


def _within(points: Points, place: Points) -> bool:
    return cv2.pointPolygonTest(points.astype(np.float32), (float(place[0]), float(place[1])), measureDist=False) > 0


def _behind_sleeve(points: Points, other: Armpit) -> Armpit:
    """The mirror image of the other side's armpit; the side seam comes to light at the hem below it."""
    below = np.nonzero((points[:, 1] > other.at[1]) & (points[:, 0] > 0))[0]
    hem = below[np.abs(points[below, 0] - other.at[0]).argmin()] if len(below) else int(points[:, 1].argmax())
    return Armpit(int(hem), other.at, other.depth, other.bay, seen=False, sleeve_seen=False)


def _armpit_candidates(points: Points, flare: float) -> list[Armpit]:
    bottom = axis_crossing(points)
    return [
        armpit
        for pocket in _bays(points)
        if pocket.depth > MIN_ARMPIT_DEPTH and not _on_shoulder(points, pocket)
        for armpit in _bends(points, pocket)
        if points[armpit.index, 0] > NEAREST_ARMPIT
        and ARMPIT_ZONE[0] < points[armpit.index, 1] < ARMPIT_ZONE[1]
        and points[arc(len(points), armpit.index, bottom), 0].max() < flare * points[armpit.index, 0]
    ]


def _bays(points: Points) -> list[Pocket]:
    """The contour's bays; one that runs from cuff to cuff under a short body is halved at the axis."""
    found = []
    for pocket in pockets(points):
        start, end = points[pocket.start], points[pocket.end]
        if not start[0] > 0 > end[0]:
            found.append(pocket)
            continue
        way = arc(len(points), pocket.start, pocket.end)
        half = way[: int(np.argmax(points[way, 0] < 0))]
        if len(half) < SHORTEST_BAY:
            continue
        depth = chord_distance(points[half], start, end)
        deepest = int(depth.argmax())
        found.append(Pocket(pocket.start, int(half[-1]), int(half[deepest]), float(depth[deepest])))
    return found


def _on_shoulder(points: Points, pocket: Pocket) -> bool:
    along = points[pocket.end] - points[pocket.start]
    return bool(along[0] > STEEPEST_CHORD * np.hypot(*along))


def _bends(points: Points, pocket: Pocket) -> list[Armpit]:
    """A bay's deepest point and the bends above it: a dress is deepest at its waist, the armpit lies higher."""
    found = [
        Armpit(
            pocket.deepest,
            points[pocket.deepest],
            pocket.depth,
            pocket.depth,
            -_low_cost(points[pocket.deepest], pocket.depth),
        )
    ]
    while True:
        flank = arc(len(points), pocket.start, found[-1].index)
        depth = chord_distance(points[flank], points[flank[0]], points[flank[-1]])
        bend = int(depth.argmax())
        clear = depth[bend] > max(SECOND_BEND * found[-1].depth, MIN_BEND_DEPTH)
        if clear or depth[bend] > FAINT_BEND_DEPTH:
            faint = -float(np.interp(shallow(pocket.depth), (0.0, 1.0), FAINT_COST[::-1]))
            bonus = (BEND_BONUS if clear else faint) - _low_cost(points[flank[bend]], pocket.depth)
            found.append(Armpit(int(flank[bend]), points[flank[bend]], float(depth[bend]), pocket.depth, bonus))
        if not clear:
            return found


def _low_cost(place: Points, bay: float) -> float:
    """What a candidate in a shallow bay loses for lying as low as a waist, seen from the garment's top."""
    u, v = place
    return LOW_COST * shallow(bay) * max(0.0, float(v) / max(float(u), NEAREST_ARMPIT) - USUAL_ARMHOLE)


def shallow(bay: float) -> float:
    """1 for a bay without depth, 0 from DEEP_BAY on."""
    return max(0.0, 1 - bay / DEEP_BAY)
