"""Landmarks of garments for the upper body: T-shirts, long sleeves, sleeveless tops, dresses, coats.

Both sides are read by the same code: the wearer's left on the contour, the wearer's right on its mirror
image. Where several points could be the armpit or the neck, the pair that mirrors best wins. Lengths are in
units of the garment's height along its axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fashquick_common.garment import LandmarkName as Name
from fashquick_features.shape.armpits import USUAL_ARMHOLE, Armpit, find_armpits, shallow
from fashquick_features.shape.clips import without_hook
from fashquick_features.shape.contour import (
    Indices,
    arc,
    axis_crossing,
    chord_distance,
    corner_pair,
    farthest_from_chord,
    mirrored,
    opened,
)
from fashquick_features.shape.outline import Points
from fashquick_features.shape.waist import waist_and_hips

SLEEVE_GAP = (0.3, 1.0)  # of the half width from the axis: where holes lie between sleeve and body
USUAL_FLARE, DRESS_FLARE = 1.6, 4.0  # width below the armpits in widths between them; skirts of dresses flare
MIN_CORNER_HEIGHT = 0.007  # over the chord: a lower one is no corner
SURE_ARMPIT_DEPTH = 0.05

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
SYMMETRY_SCALE = 0.08  # mismatch between mirrored points at which confidence falls by a third
COVERED_BODY = 0.7  # of a top's half width where sleeves lie on its sides: the body's
MIN_COVERED_NECK = 0.01  # height over the chord of a neck corner by which a shape is a top at all
COVERED_CONFIDENCE = 0.38  # under what a renderer relies on: sleeves hide where the body ends
HIDDEN_ARMPIT = 0.5  # confidence factor of an armpit that was taken over from the other side
LONGER_SLEEVE = 0.5  # least confidence factor of the longer of two sleeves that disagree: the other one is folded

ARMHOLE_SPREAD = 0.8  # half-widths beyond the usual depth of an armhole over which doubt grows
DEEP_DOUBT = 0.8  # part of that doubt in deep bays: a sleeve that lies on the body down to there hides the armpit
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


def find_coat(points: Points, holes: tuple[Points, ...] = ()) -> Found:
    """Find the landmarks of a coat: those of a top, waist and hips; see `find_top`."""
    return find_top(points, holes, below_waist=True)


def find_sleeveless(points: Points, holes: tuple[Points, ...] = ()) -> Found:
    """Find the landmarks of a vest or a sleeveless top, which can flare like a dress; see `find_top`."""
    return find_top(points, holes, flare=DRESS_FLARE)


def find_dress(points: Points, holes: tuple[Points, ...] = ()) -> Found:
    """Find the landmarks of a dress: those of a top, waist and hips; see `find_top`."""
    return find_top(points, holes, below_waist=True, flare=DRESS_FLARE)


def find_top(
    points: Points, holes: tuple[Points, ...] = (), *, below_waist: bool = False, flare: float = USUAL_FLARE
) -> Found:
    """Find the landmarks of a top.

    Args:
        points: Nx2 contour in the upright frame, clockwise.
        holes: Outlines of its holes, counter-clockwise; gaps under sleeves that touch the body farther down.
        below_waist: Whether to look for waist and hips.
        flare: How much wider than the chest it can be farther down.

    Returns:
        Frame position and confidence by name; without the points that are not there. Where both sleeves lie on the
        body only neck, shoulders and hem, at low confidence; empty if not even a neck can be made out.
    """
    points = opened(without_hook(points), holes, SLEEVE_GAP)
    count, bottom = len(points), axis_crossing(points)
    low = (bottom, count - 1 - bottom)
    sides = (points, mirrored(points))
    armpits = find_armpits(sides, flare)
    if armpits is None:
        return _find_covered(sides)
    half = 0.5 * sum(float(armpit.at[0]) for armpit in armpits)
    necks = _neck_pair(sides, (armpits[0].index, armpits[1].index), half)
    if necks is None:
        return {}
    read = _read_sides(sides, armpits, necks[:2], half)
    seams = (arc(count, read[0].armpit, low[0]), arc(count, read[1].armpit, low[1]))
    if min(len(seam) for seam in seams) < SHORTEST_ARC:
        return {}
    hems = [farthest_from_chord(side, seam[len(seam) // 3 :]) for side, seam in zip(sides, seams, strict=True)]
    found = _gather(sides, read, (hems[0], hems[1]), armpits, necks[2])
    if below_waist:
        sewn = [side[arc(count, r.armpit, hem)] for side, r, hem in zip(sides, read, hems, strict=True)]
        found |= waist_and_hips((sewn[0], sewn[1]), found)
    return found


def _read_sides(
    sides: tuple[Points, Points], armpits: tuple[Armpit, Armpit], necks: tuple[int, int], half: float
) -> tuple[Side, Side]:
    """Read both sides; where one has a sleeve, the other is read as having one, too."""
    one, two = (_read_side(*each, half) for each in zip(sides, armpits, necks, strict=True))
    if all(armpit.sleeve_seen for armpit in armpits) and (one.cuff is None) != (two.cuff is None):
        one, two = (_read_side(*each, half, sleeved=True) for each in zip(sides, armpits, necks, strict=True))
    return one, two


def _find_covered(sides: tuple[Points, Points]) -> Found:
    """What the outline of a top tells whose sleeves lie on its body or behind it: neck, shoulders, lower corners."""
    points, count = sides[0], len(sides[0])
    widest = [int(side[:, 0].argmax()) for side in sides]
    half = COVERED_BODY * 0.5 * sum(float(side[index, 0]) for side, index in zip(sides, widest, strict=True))
    necks = _neck_pair(sides, (widest[0], widest[1]), half) if half > 0 else None
    if necks is None or necks[2] < MIN_COVERED_NECK:
        return {}
    shoulders = []
    for side, neck, far in zip(sides, necks[:2], widest, strict=True):
        way = arc(count, neck, far)
        height = -chord_distance(side[way], side[neck], side[far])
        shoulders.append(int(way[height.argmax()]))
    under = arc(count, widest[0], count - 1 - widest[1])
    if len(under) < SHORTEST_ARC:
        return {}
    hem = corner_pair(points, under)
    found: Found = {}
    for names, places in (
        ((Name.NECK_LEFT, Name.NECK_RIGHT), necks[:2]),
        ((Name.SHOULDER_LEFT, Name.SHOULDER_RIGHT), (shoulders[0], shoulders[1])),
        ((Name.HEM_LEFT, Name.HEM_RIGHT), (hem[0], count - 1 - hem[1])),
    ):
        _add_pair(found, names, [side[place] for side, place in zip(sides, places, strict=True)], COVERED_CONFIDENCE)
    return found


def _add_pair(found: Found, names: tuple[Name, Name], at: list[Points], confidence: float) -> None:
    """Put a pair of points under its names; the less it mirrors, the less it is trusted."""
    apart = float(np.hypot(*(at[0] - at[1])))
    sure = confidence * float(np.exp(-((apart / SYMMETRY_SCALE) ** 2) / 2))
    found[names[0]] = (at[0], sure)
    found[names[1]] = (at[1] * (-1.0, 1.0), sure)


def _neck_pair(sides: tuple[Points, Points], ends: tuple[int, int], half: float) -> tuple[int, int, float] | None:
    """Corners between collar and shoulders: those that stand out most and mirror each other; their prominence last."""
    count = len(sides[0])
    centre = _top_centre(sides[0], arc(count, count - 1 - ends[1], ends[0]))
    candidates = []
    for points, end, start in zip(sides, ends, (centre, count - 1 - centre), strict=True):
        way = arc(count, start, end)
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


def _read_side(points: Points, armpit: Armpit, neck: int, half: float, *, sleeved: bool = False) -> Side:
    """Find cuff and shoulder of the right side of a contour."""
    way = arc(len(points), neck, armpit.index)
    if not armpit.sleeve_seen:
        return Side(neck, _shoulder(points, way, armpit.at[0]), armpit.index, None)
    distance = np.hypot(*(points[way] - armpit.at).T)
    outward = points[way, 0]
    reach = (float(outward.max()) - armpit.at[0]) / half
    if reach < SLEEVELESS_REACH and not sleeved:
        return _sleeveless_side(points, armpit.index, neck, way)
    low = points[way, 1] > armpit.at[1] + LOW_CUFF * half
    long = bool(low.any() and distance[low].max() > LONG_SLEEVE_REACH * half)
    if long:
        far = np.nonzero(low & (distance > FAR_END * distance[low].max()))[0]
        end = way[max(0, far[0] - 1) : far[-1] + 2]
    else:
        over_armpit = np.nonzero(outward > OVER_ARMPIT * armpit.at[0])[0]
        end = way[over_armpit[0] :]
    if len(end) < SHORTEST_ARC:
        end = way
    if len(end) < SHORTEST_ARC:
        return Side(neck, neck, armpit.index, None)
    armhole = armpit.at[1] - points[neck, 1]
    cuff = corner_pair(points, end, (LONG_CUFF if long else SHORT_CUFF) * armhole)
    return Side(neck, _shoulder(points, arc(len(points), neck, cuff[0]), armpit.at[0]), armpit.index, cuff)


def _sleeveless_side(points: Points, armhole: int, neck: int, way: Indices) -> Side:
    """The strap's outer corner and the armhole's lower end, the corner between the armhole and the side seam."""
    count = len(points)
    side = arc(count, armhole, (armhole + count // 3) % count)
    below = np.nonzero(points[side, 1] > points[armhole, 1] + SIDE_LENGTH)[0]
    side = side[: below[0] + 1] if len(below) else side
    corner = -chord_distance(points[side], points[side[0]], points[side[-1]])
    armpit = int(side[corner.argmax()]) if corner.max() > MIN_CORNER_HEIGHT else armhole
    height = -chord_distance(points[way], points[neck], points[armpit])
    return Side(neck, int(way[height.argmax()]), armpit, None)


def _shoulder(points: Points, way: Indices, armpit_u: float) -> int:
    """Where the sleeve begins on the way down it: the bend over the armpit, or the point straight above that."""
    ratio = points[way, 0] / armpit_u
    near = np.nonzero((ratio > SHOULDER_ZONE[0]) & (ratio < SHOULDER_ZONE[1]))[0]
    if not len(near):
        return int(way[np.abs(ratio - USUAL_SHOULDER).argmin()])
    height = -chord_distance(points[way[near]], points[way[0]], points[way[-1]])
    straight = np.abs(ratio[near] - USUAL_SHOULDER)
    return int(way[near[(height - SHOULDER_PULL * straight).argmax()]])


def _gather(
    sides: tuple[Points, Points],
    read: tuple[Side, Side],
    hems: tuple[int, int],
    armpits: tuple[Armpit, Armpit],
    prominence: float,
) -> Found:
    """Put positions and confidences under their names."""
    clear = [min(1.0, armpit.depth / SURE_ARMPIT_DEPTH) for armpit in armpits]
    pits = [side[r.armpit] if armpit.seen else armpit.at for side, r, armpit in zip(sides, read, armpits, strict=True)]
    drop = sum(float(pit[1] - side[r.neck, 1]) for side, r, pit in zip(sides, read, pits, strict=True))
    width = sum(float(pit[0]) for pit in pits)
    low = np.clip((drop / max(width, 1e-6) - USUAL_ARMHOLE) / ARMHOLE_SPREAD, 0.0, 1 - LEAST_PLAUSIBLE)
    plausible = 1 - float(low) * max(DEEP_DOUBT, *(shallow(armpit.bay) for armpit in armpits))
    quality = plausible * min(clear)
    found: Found = {}

    def add(names: tuple[Name, Name], places: tuple[int, int], confidence: float) -> None:
        _add_pair(found, names, [side[place] for side, place in zip(sides, places, strict=True)], confidence)

    neck = quality * min(1.0, 0.3 + 0.7 * prominence / SURE_NECK)
    add((Name.NECK_LEFT, Name.NECK_RIGHT), (read[0].neck, read[1].neck), neck)
    add((Name.SHOULDER_LEFT, Name.SHOULDER_RIGHT), (read[0].shoulder, read[1].shoulder), 0.7 * quality)
    _add_pair(found, (Name.ARMPIT_LEFT, Name.ARMPIT_RIGHT), pits, quality)
    for name, armpit in zip((Name.ARMPIT_LEFT, Name.ARMPIT_RIGHT), armpits, strict=True):
        if not armpit.seen:
            found[name] = (found[name][0], HIDDEN_ARMPIT * quality)
    add((Name.HEM_LEFT, Name.HEM_RIGHT), hems, quality)
    _add_cuffs(found, sides, read, pits, quality)
    return found


def _add_cuffs(
    found: Found, sides: tuple[Points, Points], read: tuple[Side, Side], pits: list[Points], quality: float
) -> None:
    """Put the cuffs under their names.

    Sleeves lie at different angles: what must agree is their length from the armpit. A sleeve without its like on
    the other side is trusted less; of two that disagree the shorter one is folded.
    """
    names = (
        (Name.CUFF_LEFT_UPPER, Name.CUFF_LEFT_LOWER),
        (Name.CUFF_RIGHT_UPPER, Name.CUFF_RIGHT_LOWER),
    )
    cuffs = [None if r.cuff is None else side[list(r.cuff)] for side, r in zip(sides, read, strict=True)]
    reach = [np.zeros(2) if cuff is None else np.hypot(*(cuff - pit).T) for cuff, pit in zip(cuffs, pits, strict=True)]
    agree = np.exp(-(((reach[0] - reach[1]) / SYMMETRY_SCALE) ** 2) / 2)
    for index, cuff in enumerate(cuffs):
        if cuff is None:
            continue
        longer = reach[index].sum() >= reach[1 - index].sum()
        factor = np.maximum(agree, LONGER_SLEEVE) if longer else agree
        for name, place, sure in zip(names[index], cuff, quality * factor, strict=True):
            found[name] = (place * (1.0 if index == 0 else -1.0, 1.0), float(sure))
