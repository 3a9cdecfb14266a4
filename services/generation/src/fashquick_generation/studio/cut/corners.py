"""Where a top's corners are: the passport's where they are plausible and both sides agree, else looked for.

All positions are (u, v) in pixels, u outward from the middle line, as in `marks`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut.marks import (
    LEVELS,
    ON_OUTLINE,
    Corner,
    Loop,
    Mark,
    Marks,
    farthest_from_chord,
    settled,
    widths,
)
from fashquick_generation.studio.cut.outline import resampled

Pair = tuple[Mark, Mark]

ARMPIT_DEPTH = (0.55, 1.65)
"""Depth of an armpit under the neck points, in half chest widths: raglan to bat sleeves, photos at a slant."""
HIGH_ARMHOLE, HOODED = 0.30, 2.2
"""Least and most depth of an armhole that is looked for: straps may lie flat, and a hood rises over the shoulders."""
WIDE_ENOUGH = 0.8
"""Distance of an armhole's end from the middle over half the trunk's width: farther out than a hood's corners."""
USUAL_ARMPIT = 1.05
"""The same of most garments."""
ARMPIT_RANGE = (0.6, 1.4)
"""Distance of an armpit from the middle over what the outline's width says."""
TURN_STEP = 4
"""Steps of a hundredth of the outline before and after a point, over which its turn is taken."""
HOLLOW_DEGREES = 8.0
"""Least turn inward of an armhole."""
CORNER_DEGREES = 14.0
"""Least turn outward at an armhole's lower end."""
ARMHOLE_SPAN = (0.06, 0.62)
"""Part of the outline from neck to hem in which an armhole ends."""
TIP_RANGE = (0.50, 1.25)
"""A shoulder tip's distance from the middle, in half chest widths."""
USUAL_TIP = (0.93, 0.25)
"""The same where it cannot be told, and its depth under the neck points."""
SLEEVE_OUT = 1.10
"""Distance from the middle, in half chest widths, beyond which an outline beside the trunk is a sleeve's."""
CUFF_RANGE = (0.6, 1.3)
"""Width of a cuff over the usual one, when it is looked for."""
WIDEST_CUFF = 0.74
"""Widest cuff, in half chest widths."""
SHORTEST_OVER = 0.55
"""Least length of a sleeve from the shoulder's tip to its cuff, over the cuff's width."""
NARROWEST_HEM, WIDEST_HEM = 0.6, 2.2
"""Narrowest and widest hem over the chest: what is farther in is the edge of a fold, what is farther
out a ribbon."""
HEM_MIDDLE = 0.75
"""Part of half the chest's width in which the outline's lower side is the hem, not a cuff."""
SNAP = 0.3
"""Distance, in half chest widths, over which a corner that was mirrored or estimated is moved to the outline."""
ALIKE = 0.5
"""Difference of the cuffs' places, in half chest widths, from which only one of them is believed."""
LOOKED_FOR = 0.1
"""How sure a corner is that was not the passport's."""


def armpits(
    loops: tuple[Loop, Loop],
    found: tuple[Marks, Marks],
    half: float,
    *,
    sleeveless: bool,
    under_hood: tuple[Float64 | None, Float64 | None],
) -> Pair:
    """The armpits, or the lower ends of the armholes.

    Args:
        loops: The outline, as each half sees it.
        found: The passport's corners of both halves.
        half: Half the chest's width as far as it can be told before.
        sleeveless: Whether there are armholes.
        under_hood: Each half's narrowest place between a hood and the shoulders.
    """
    top = _shoulder_level(loops, half, under_hood)
    low, high = ARMPIT_DEPTH
    near, far = ARMPIT_RANGE
    near = WIDE_ENOUGH if sleeveless else near
    kept = []
    for loop, of, narrow in zip(loops, found, under_hood, strict=True):
        marks = dict(of)
        mark = marks.get(Corner.ARMPIT)
        if mark is None or not (low * half < top - mark.at[1] < high * half and near < mark.at[0] / half < far):
            marks.pop(Corner.ARMPIT, None)
            end = _armhole_end(loop, WIDE_ENOUGH * half, narrow) if sleeveless else None
            if end is not None and HIGH_ARMHOLE * end[0] < top - end[1] < HOODED * end[0]:
                marks[Corner.ARMPIT] = Mark(end, LOOKED_FOR)
        kept.append(marks)
    agreed = settled((kept[0], kept[1]), Corner.ARMPIT, half, np.array([half, top - USUAL_ARMPIT * half]))
    assert agreed is not None
    return agreed


def tips(loops: tuple[Loop, Loop], found: tuple[Marks, Marks], necks: tuple[Float64, Float64], armpits: Pair) -> Pair:
    """The tips of the shoulders.

    Args:
        loops: The outline, as each half sees it.
        found: The passport's corners of both halves.
        necks: The neck points.
        armpits: The armpits.
    """
    half = float(np.mean([mark.at[0] for mark in armpits]))
    low, high = TIP_RANGE
    kept = []
    for loop, of, point, armpit in zip(loops, found, necks, armpits, strict=True):
        marks = dict(of)
        mark = marks.get(Corner.SHOULDER)
        if mark is None or not (low < mark.at[0] / half < high and mark.at[1] > armpit.at[1] + 0.2 * half):
            marks.pop(Corner.SHOULDER, None)
            at = farthest_from_chord(loop.down_to(point, float(armpit.at[1])))
            if low < at[0] / half < high and at[1] > armpit.at[1] + 0.3 * half:
                marks[Corner.SHOULDER] = Mark(at, LOOKED_FOR)
        kept.append(marks)
    across, down = USUAL_TIP
    usual = np.array([across * half, float(np.mean([point[1] for point in necks])) - down * half])
    agreed = settled((kept[0], kept[1]), Corner.SHOULDER, half, usual)
    assert agreed is not None
    return _snapped(loops[0], agreed[0], half), _snapped(loops[1], agreed[1], half)


def hems(loops: tuple[Loop, Loop], found: tuple[Marks, Marks], armpits: Pair, *, sleeves_hang: bool) -> Pair:
    """The hem's corners.

    Args:
        loops: The outline, as each half sees it.
        found: The passport's corners of both halves.
        armpits: The armpits.
        sleeves_hang: Whether sleeves may reach down to the hem.
    """
    half = float(np.mean([mark.at[0] for mark in armpits]))
    points = loops[0].points
    middle = points[(np.abs(points[:, 0]) < HEM_MIDDLE * half) & (points[:, 1] < armpits[0].at[1])]
    bottom = float(np.median(middle[:, 1])) if len(middle) else float(points[:, 1].min())
    usual = np.array([half, bottom])
    if not sleeves_hang:
        low = [points[points[:, 1] < bottom + half] * (sign, 1) for sign in (1, -1)]
        usual = np.mean([side[int((side[:, 0] - side[:, 1]).argmax())] for side in low], axis=0)
        usual[0] = np.clip(usual[0], 0.7 * half, WIDEST_HEM * half)
    left, right = (
        {Corner.HEM: of[Corner.HEM]} if Corner.HEM in of and of[Corner.HEM].at[0] > NARROWEST_HEM * half else {}
        for of in found
    )
    agreed = settled((left, right), Corner.HEM, half, usual)
    assert agreed is not None
    return _snapped(loops[0], agreed[0], half), _snapped(loops[1], agreed[1], half)


def _snapped(loop: Loop, mark: Mark, half: float) -> Mark:
    """A corner that this half does not show, moved to the outline if that is near."""
    if mark.seen or loop.away(mark.at) > SNAP * half:
        return mark
    return replace(mark, at=loop.points[loop.nearest(mark.at)])


def cuffs(
    loops: tuple[Loop, Loop], found: tuple[Marks, Marks], tips: Pair, ends: tuple[Pair, Pair], width: float
) -> list[Pair | None]:
    """The cuffs.

    Args:
        loops: The outline, as each half sees it.
        found: The passport's corners of both halves.
        tips: The shoulders' tips.
        ends: The armpits and the hem's corners.
        width: A usual cuff's.

    Returns:
        Upper and lower corner of the left and the right one; None for a sleeve that is hidden.
    """
    known = [(of.get(Corner.CUFF_UPPER), of.get(Corner.CUFF_LOWER)) for of in found]
    half = float(np.mean([mark.at[0] for mark in ends[0]]))
    # The outer edge of a sleeve that hangs may be taken for its cuff, mostly on both sides.
    for (upper, lower), tip in zip(known, tips, strict=True):
        if upper is None or lower is None:
            continue
        width_px, over = (float(np.linalg.norm(upper.at - other.at)) for other in (lower, tip))
        if width_px > WIDEST_CUFF * half or over < SHORTEST_OVER * width_px:
            known = [(None, None), (None, None)]
            break
    # A sleeve that lies against the trunk hides the armpit: it ends somewhere before the hem's corner.
    merged = [loop.away(armpit.at) > ON_OUTLINE * half for loop, armpit in zip(loops, ends[0], strict=True)]
    arms = [loops[k].arc(tips[k].at, ends[int(merged[k])][k].at) for k in (0, 1)]
    pairs: list[Pair | None] = []
    trust = []
    for k, (above, below) in enumerate(known):
        pairs.append((above, below) if above and below else _cuff(arms[k], ends[0][k].at, half, width))
        trust.append(2 if above and below else 1 - int(merged[k]))
    left, right = pairs
    if left is None or right is None or trust[0] == trust[1]:
        return pairs
    if max(float(np.linalg.norm(left[k].at - right[k].at)) for k in (0, 1)) > ALIKE * half:
        worse = int(trust[1] < trust[0])
        better = pairs[1 - worse]
        assert better is not None
        nearest = [arms[worse][int(np.linalg.norm(arms[worse] - mark.at, axis=1).argmin())] for mark in better]
        pairs[worse] = (Mark(nearest[0], LOOKED_FOR), Mark(nearest[1], LOOKED_FOR))
    return pairs


def _cuff(arm: Float64, armpit: Float64, half: float, width: float) -> Pair | None:
    """The two points, about `width` apart, that span the largest sleeve with the tip of the shoulder and the armpit.

    Args:
        arm: Mx2 float64, the outline from the tip on.
        armpit: 2 float64.
        half: Half the chest's width.
        width: A usual cuff's.

    Returns:
        Upper and lower corner; None where the outline shows no sleeve.
    """
    out = arm[arm[:, 0] > half]
    if len(out) < 4 or float(out[:, 0].max()) < SLEEVE_OUT * half:
        return None
    low, high = CUFF_RANGE
    apart = np.linalg.norm(out[:, None] - out, axis=2) / width
    # Twice the area of the quadrilateral, by its diagonals.
    one, other = out[None] - arm[0], armpit - out[:, None]
    area = np.abs(one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0])
    order = np.arange(len(out))
    area[(apart < low) | (apart > high) | (order[:, None] >= order)] = 0
    upper, lower = np.unravel_index(int(area.argmax()), area.shape)
    return (Mark(out[upper], LOOKED_FOR), Mark(out[lower], LOOKED_FOR)) if area.max() > 0 else None


def _shoulder_level(loops: tuple[Loop, Loop], half: float, under_hood: tuple[Float64 | None, Float64 | None]) -> float:
    """Height of the outline's upper side beside the neck, where neither collar, hood nor sleeve is."""
    heights = []
    for loop, narrow in zip(loops, under_hood, strict=True):
        u, v = loop.points.T
        near = (np.abs(u - 0.5 * half) < 0.1 * half) & (v > np.median(v))
        if narrow is not None:
            near &= v <= narrow[1]
        heights.append(v[near])
    beside = np.concatenate(heights)
    return float(np.median(beside)) if len(beside) else float(loops[0].points[:, 1].max())


def _armhole_end(loop: Loop, least: float, under_hood: Float64 | None) -> Float64 | None:
    """Lower end of an armhole: the first sharp turn outward after one inward, `least` from the middle or farther.

    The outline is followed from its top, or from its narrowest place under a hood, down to the hem.
    """
    left, _, level = widths(loop.points)
    top, bottom = loop.points[loop.points[:, 1].argmax()], level[LEVELS // 10]
    line = loop.down_to(top if under_hood is None else under_hood, float(bottom))
    if len(line) < 2 * TURN_STEP or not np.isfinite(left).any():
        return None
    line = resampled(line, 101)
    before, after = (
        line[TURN_STEP:-TURN_STEP] - line[: -2 * TURN_STEP],
        line[2 * TURN_STEP :] - line[TURN_STEP:-TURN_STEP],
    )
    turn = np.degrees(np.arctan2(after[:, 0] * before[:, 1] - after[:, 1] * before[:, 0], (before * after).sum(axis=1)))
    first, last = (int(share * 100) - TURN_STEP for share in ARMHOLE_SPAN)
    hollow = np.minimum.accumulate(turn)[first:last] < -HOLLOW_DEGREES
    sharp = np.r_[0.0, np.where(hollow, turn[first:last], 0.0), 0.0]
    wide = line[first + TURN_STEP : last + TURN_STEP, 0] > least
    peaks = wide & (sharp[1:-1] > CORNER_DEGREES) & (sharp[1:-1] >= sharp[:-2]) & (sharp[1:-1] > sharp[2:])
    ends = np.flatnonzero(peaks)
    return line[first + int(ends[0]) + TURN_STEP] if len(ends) else None
