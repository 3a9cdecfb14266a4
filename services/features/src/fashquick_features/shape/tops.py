"""Landmarks of garments for the upper body: T-shirts, long sleeves, sleeveless tops, dresses, coats.

Both sides are read by the same code: the wearer's left on the contour, the wearer's right on its mirror
image. Where several points could be the armpit or the neck, the pair that mirrors best wins. Lengths are in
units of the garment's height along its axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from fashquick_common.garment import LandmarkName as Name
from fashquick_features.shape.contour import Indices, Pocket, arc, chord_distance, corner_pair, mirrored, pockets
from fashquick_features.shape.outline import Points

ARMPIT_ZONE = (0.06, 0.78)  # v: under the shoulder line and above the hem of the shortest crop top
NEAREST_ARMPIT = 0.05  # |u|: nearer to the axis lies the neck or a slit in the hem
MIN_ARMPIT_DEPTH = 0.015  # a shallower bay is a crease
MIN_BEND_DEPTH = 0.007  # the same for a bay within a bay
SURE_ARMPIT_DEPTH = 0.05
SECOND_BEND = 0.3  # part of a bay's depth at which its upper flank counts as a bay of its own (dress with a waist)
STEEPEST_CHORD = 0.7  # outward run of a bay's chord per length: beyond it the bay lies on the shoulder, by the collar
ASYMMETRY_WEIGHT = 0.5  # depth that a pair of armpits loses per unit by which they fail to mirror each other
DEEPER_WEIGHT = 0.3  # part of the deeper bay's depth that counts beside the shallower one's

NECK_ZONE = (0.16, 0.74)  # |u| in armpit half-widths where a neck point can lie
SHOULDER_START = 0.84  # the same for the inner end of the shoulder's rounding
SURE_NECK = 0.02  # height over the chord from which a neck corner is beyond doubt
NECK_ASYMMETRY_WEIGHT = 0.15

SHOULDER_ZONE = (0.66, 1.15)  # |u| over the armpit's where a sleeve can begin
USUAL_SHOULDER = 0.9  # the same where it usually does
SHOULDER_PULL = 0.1  # height over the chord that a bend loses per unit away from the usual place

SLEEVELESS_REACH = 0.15  # in armpit half-widths: shorter sleeves are shoulder caps
SIDE_LENGTH = 0.4  # v from an armhole's deepest point within which its lower end lies
LONG_SLEEVE_REACH = 0.9  # in armpit half-widths: farther cuffs belong to long sleeves
SHORT_CUFF, LONG_CUFF = 0.25, 0.1  # least opening of a cuff, as a part of the height from armpit to neck
LOW_CUFF = 0.25  # in armpit half-widths below the armpit: where the end of a long sleeve lies
OVER_ARMPIT = 0.97  # |u| over the armpit's from which on a short sleeve's corners are looked for
FAR_END = 0.8  # of the greatest distance from the armpit: where a long sleeve's cuff is looked for
SHORTEST_ARC = 6  # contour points that an arc needs to have corners
SYMMETRY_SCALE = 0.08  # mismatch between mirrored points at which confidence falls to 1/e

FAINT_BEND_DEPTH = 0.003  # bend that is looked at only because the other side has one at that place
BEND_BONUS = 0.02  # depth that a clear bend is worth
FAINT_COST = 0.02, 0.06  # depth that a faint bend costs in a shallow and in a deep bay
USUAL_ARMHOLE, ARMHOLE_SPREAD = 1.5, 0.8  # neck to armpit in half-widths: 19 of 20 tops are within; doubt grows beyond
DEEP_BAY = 0.1  # bay depth from which on its deepest point is the armpit however low it lies: a sleeve along the side
LOW_COST = 0.1  # depth that an armpit loses per half-width by which it lies too low
LEAST_PLAUSIBLE = 0.2  # confidence factor of an armpit as low as a waist

Found = dict[Name, tuple[Points, float]]


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a top, as indices into the contour it was read from.

    Attributes:
        neck: Corner between collar and shoulder.
        shoulder: Point over the armpit where the sleeve begins, or the strap's outer corner.
        armpit: Where sleeve and side seam meet, or the armhole's lower end.
        cuff: Upper and lower corner of the sleeve's end; None without a sleeve.
    """

    neck: int
    shoulder: int
    armpit: int
    cuff: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class _Armpit:
    """A candidate: contour index, its own depth, its bay's depth, and what it gains or loses as a second bend."""

    index: int
    depth: float
    bay: float
    bonus: float


def find_top(points: Points) -> Found:
    """Find the landmarks of a top.

    Args:
        points: Nx2 contour in the upright frame, clockwise.

    Returns:
        Frame position and confidence by name; without the points that are not there. Empty if no pair of
        armpits or armholes can be made out.
    """
    count = len(points)
    sides = (points, mirrored(points))
    armpits = _armpit_pair(sides)
    if armpits is None:
        return {}
    half = 0.5 * sum(float(side[armpit.index, 0]) for side, armpit in zip(sides, armpits, strict=True))
    necks = _neck_pair(sides, (armpits[0].index, armpits[1].index), half)
    if necks is None:
        return {}
    read = [
        _read_side(side, armpit.index, neck, half) for side, armpit, neck in zip(sides, armpits, necks[:2], strict=True)
    ]
    if (read[0].cuff is None) != (read[1].cuff is None):
        read = [
            _read_side(side, armpit.index, neck, half, sleeved=True)
            for side, armpit, neck in zip(sides, armpits, necks[:2], strict=True)
        ]
    under = arc(count, read[0].armpit, count - 1 - read[1].armpit)
    if len(under) < SHORTEST_ARC:
        return {}
    hem = corner_pair(points, under)
    return _gather(sides, (read[0], read[1]), hem, armpits, necks[2])


def _armpit_pair(sides: tuple[Points, Points]) -> tuple[_Armpit, _Armpit] | None:
    """The two bends under the arms that lie in deep bays and mirror each other best."""
    best, chosen = -np.inf, None
    for left, right in product(_armpit_candidates(sides[0]), _armpit_candidates(sides[1])):
        apart = float(np.abs(sides[0][left.index] - sides[1][right.index]).sum())
        shallow, deep = sorted((left.bay, right.bay))
        score = shallow + DEEPER_WEIGHT * deep + left.bonus + right.bonus - ASYMMETRY_WEIGHT * apart
        if score > best:
            best, chosen = score, (left, right)
    return chosen


def _armpit_candidates(points: Points) -> list[_Armpit]:
    return [
        armpit
        for pocket in pockets(points)
        if pocket.depth > MIN_ARMPIT_DEPTH and not _on_shoulder(points, pocket)
        for armpit in _bends(points, pocket)
        if points[armpit.index, 0] > NEAREST_ARMPIT and ARMPIT_ZONE[0] < points[armpit.index, 1] < ARMPIT_ZONE[1]
    ]


def _on_shoulder(points: Points, pocket: Pocket) -> bool:
    along = points[pocket.end] - points[pocket.start]
    return bool(along[0] > STEEPEST_CHORD * np.hypot(*along))


def _bends(points: Points, pocket: Pocket) -> list[_Armpit]:
    """A bay's deepest point and the bends above it: a dress is deepest at its waist, the armpit lies higher."""
    found = [_Armpit(pocket.deepest, pocket.depth, pocket.depth, -_low_cost(points[pocket.deepest], pocket.depth))]
    while True:
        flank = arc(len(points), pocket.start, found[-1].index)
        depth = chord_distance(points[flank], points[flank[0]], points[flank[-1]])
        bend = int(depth.argmax())
        clear = depth[bend] > max(SECOND_BEND * found[-1].depth, MIN_BEND_DEPTH)
        if clear or depth[bend] > FAINT_BEND_DEPTH:
            faint = -float(np.interp(_shallow(pocket.depth), (0.0, 1.0), FAINT_COST[::-1]))
            bonus = (BEND_BONUS if clear else faint) - _low_cost(points[flank[bend]], pocket.depth)
            found.append(_Armpit(int(flank[bend]), float(depth[bend]), pocket.depth, bonus))
        if not clear:
            return found


def _low_cost(place: Points, bay: float) -> float:
    """What a candidate in a shallow bay loses for lying as low as a waist, seen from the garment's top."""
    u, v = place
    return LOW_COST * _shallow(bay) * max(0.0, float(v) / max(float(u), NEAREST_ARMPIT) - USUAL_ARMHOLE)


def _shallow(bay: float) -> float:
    """1 for a bay without depth, 0 from DEEP_BAY on."""
    return max(0.0, 1 - bay / DEEP_BAY)


def _neck_pair(sides: tuple[Points, Points], armpits: tuple[int, int], half: float) -> tuple[int, int, float] | None:
    """Corners between collar and shoulders: those that stand out most and mirror each other; their prominence last."""
    count = len(sides[0])
    centre = _top_centre(sides[0], arc(count, count - 1 - armpits[1], armpits[0]))
    candidates = []
    for points, armpit, start in zip(sides, armpits, (centre, count - 1 - centre), strict=True):
        way = arc(count, start, armpit)
        outward = points[way, 0] / half
        beyond = np.nonzero(outward > SHOULDER_START)[0]
        way = way[: beyond[0] + 1] if len(beyond) else way
        if len(way) < SHORTEST_ARC:
            return None
        height = -chord_distance(points[way], points[way[0]], points[way[-1]])
        ratio = points[way, 0] / half
        usable = (ratio > NECK_ZONE[0]) & (ratio < NECK_ZONE[1])
        if not usable.any():
            return None
        candidates.append((way[usable], height[usable], points[way[usable]]))
    (one, one_height, one_at), (two, two_height, two_at) = candidates
    apart = np.abs(one_at[:, None] - two_at[None]).sum(axis=2)
    score = one_height[:, None] + two_height[None] - NECK_ASYMMETRY_WEIGHT * apart
    i, j = np.unravel_index(int(score.argmax()), score.shape)
    return int(one[i]), int(two[j]), float(min(one_height[i], two_height[j]))


def _top_centre(points: Points, over: Indices) -> int:
    """Highest of the contour's crossings of the mirror axis on the way over the shoulders."""
    right = points[over, 0] >= 0
    crossings = over[1:][right[1:] & ~right[:-1]]
    if not len(crossings):
        return int(over[np.abs(points[over, 0]).argmin()])
    return int(crossings[points[crossings, 1].argmin()])


def _read_side(points: Points, armpit: int, neck: int, half: float, *, sleeved: bool = False) -> Side:
    """Find cuff and shoulder of the right side of a contour."""
    way = arc(len(points), neck, armpit)
    distance = np.hypot(*(points[way] - points[armpit]).T)
    outward = points[way, 0]
    reach = (float(outward.max()) - points[armpit, 0]) / half
    if reach < SLEEVELESS_REACH and not sleeved:
        return _sleeveless_side(points, armpit, neck, way)
    low = points[way, 1] > points[armpit, 1] + LOW_CUFF * half
    long = bool(low.any() and distance[low].max() > LONG_SLEEVE_REACH * half)
    if long:
        far = np.nonzero(low & (distance > FAR_END * distance[low].max()))[0]
        end = way[max(0, far[0] - 1) : far[-1] + 2]
    else:
        over_armpit = np.nonzero(outward > OVER_ARMPIT * points[armpit, 0])[0]
        end = way[over_armpit[0] :]
    if len(end) < SHORTEST_ARC:
        end = way
    if len(end) < SHORTEST_ARC:
        return Side(neck, neck, armpit, None)
    armhole = points[armpit, 1] - points[neck, 1]
    cuff = corner_pair(points, end, (LONG_CUFF if long else SHORT_CUFF) * armhole)
    return Side(neck, _shoulder(points, neck, cuff[0], armpit), armpit, cuff)


def _sleeveless_side(points: Points, armhole: int, neck: int, way: Indices) -> Side:
    """The strap's outer corner and the armhole's lower end, the corner between the armhole and the side seam."""
    count = len(points)
    side = arc(count, armhole, (armhole + count // 3) % count)
    below = np.nonzero(points[side, 1] > points[armhole, 1] + SIDE_LENGTH)[0]
    side = side[: below[0] + 1] if len(below) else side
    corner = -chord_distance(points[side], points[side[0]], points[side[-1]])
    armpit = int(side[corner.argmax()]) if corner.max() > MIN_BEND_DEPTH else armhole
    height = -chord_distance(points[way], points[neck], points[armpit])
    return Side(neck, int(way[height.argmax()]), armpit, None)


def _shoulder(points: Points, neck: int, cuff: int, armpit: int) -> int:
    """Where the sleeve begins: the bend between neck and cuff over the armpit, or the point straight above it."""
    way = arc(len(points), neck, cuff)
    ratio = points[way, 0] / points[armpit, 0]
    near = np.nonzero((ratio > SHOULDER_ZONE[0]) & (ratio < SHOULDER_ZONE[1]))[0]
    if not len(near):
        return int(way[np.abs(ratio - USUAL_SHOULDER).argmin()])
    height = -chord_distance(points[way[near]], points[neck], points[cuff])
    straight = np.abs(ratio[near] - USUAL_SHOULDER)
    return int(way[near[(height - SHOULDER_PULL * straight).argmax()]])


def _gather(
    sides: tuple[Points, Points],
    read: tuple[Side, Side],
    hem: tuple[int, int],
    armpits: tuple[_Armpit, _Armpit],
    prominence: float,
) -> Found:
    """Put positions and confidences under their names."""
    count = len(sides[0])
    hems = (hem[0], count - 1 - hem[1])
    clear = [min(1.0, armpit.depth / SURE_ARMPIT_DEPTH) for armpit in armpits]
    one, two = read
    drop = sum(float(side[r.armpit, 1] - side[r.neck, 1]) for side, r in zip(sides, read, strict=True))
    width = sum(float(side[r.armpit, 0]) for side, r in zip(sides, read, strict=True))
    low = np.clip((drop / width - USUAL_ARMHOLE) / ARMHOLE_SPREAD, 0.0, 1 - LEAST_PLAUSIBLE)
    plausible = 1 - float(low) * max(_shallow(armpit.bay) for armpit in armpits)
    quality = plausible * min(clear)
    found: Found = {}

    def add(
        names: tuple[Name, Name], places: tuple[int, int], confidence: float, origins: tuple[int, int] | None = None
    ) -> None:
        one, two = (side[place] for side, place in zip(sides, places, strict=True))
        if origins is None:
            apart = float(np.hypot(*(one - two)))
        else:
            reach = [np.hypot(*(side[a] - side[b])) for side, a, b in zip(sides, places, origins, strict=True)]
            apart = abs(float(reach[0] - reach[1]))
        sure = confidence * float(np.exp(-((apart / SYMMETRY_SCALE) ** 2) / 2))
        found[names[0]] = (one, sure)
        found[names[1]] = (two * (-1.0, 1.0), sure)

    neck = quality * min(1.0, 0.3 + 0.7 * prominence / SURE_NECK)
    pits = (one.armpit, two.armpit)
    add((Name.NECK_LEFT, Name.NECK_RIGHT), (one.neck, two.neck), neck)
    add((Name.SHOULDER_LEFT, Name.SHOULDER_RIGHT), (one.shoulder, two.shoulder), 0.7 * quality)
    add((Name.ARMPIT_LEFT, Name.ARMPIT_RIGHT), pits, quality)
    add((Name.HEM_LEFT, Name.HEM_RIGHT), hems, quality)
    if one.cuff is not None and two.cuff is not None:
        # Sleeves lie at different angles: what must agree is their length from the armpit.
        add((Name.CUFF_LEFT_UPPER, Name.CUFF_RIGHT_UPPER), (one.cuff[0], two.cuff[0]), quality, pits)
        add((Name.CUFF_LEFT_LOWER, Name.CUFF_RIGHT_LOWER), (one.cuff[1], two.cuff[1]), quality, pits)
    return found
