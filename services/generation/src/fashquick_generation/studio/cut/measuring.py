"""A top measured in its photo, both halves averaged: what a tailor would write down of it, in pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import PhotoNotUsable
from fashquick_common.garment import LandmarkName as L
from fashquick_common.garment import SleeveLength
from fashquick_generation.engine import GarmentInput
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut import marks, neck
from fashquick_generation.studio.cut.gates import LAY_FLAT
from fashquick_generation.studio.cut.marks import Corner, Edge, Frame, Loop, Mark
from fashquick_generation.studio.cut.outline import Outline, resampled, smooth_contour, solid

STATIONS = 12
"""Places along a side or a sleeve at which widths are taken."""
SLEEVE_OUT = 1.10
"""Distance from the middle, in half chest widths, beyond which an outline beside the trunk is a sleeve's."""
CUFF_WIDTH = {SleeveLength.SHORT: 0.62, SleeveLength.LONG: 0.36}
"""Usual width of a cuff, in half chest widths."""
CUFF_RANGE = (0.6, 1.3)
"""Width of a cuff over the usual one, when it is looked for."""
WIDEST_CUFF = 1.25
"""A cuff wider than this many times the usual is none."""
SLEEVE_DETOUR = 1.6
"""A bent sleeve's edge over the straight line between its ends."""
DEGREE = 3
"""Of the polynomial that a side's widths are smoothed by."""


@dataclass(frozen=True, slots=True)
class Half:
    """Half of a top in its photo, (u, v) in pixels, u outward.

    Attributes:
        neck: 2 float64, where shoulder seam and neckline meet.
        corners: Where its corners are; no cuffs for a garment without sleeves, or whose sleeve is hidden.
        shoulder: From the neck to the shoulder's tip.
        over: From the tip to the cuff; None without one.
        cuff: From its upper to its lower corner.
        under: From there to the armpit; without a sleeve from the shoulder's tip: the armhole.
        side: From the armpit to the hem.
    """

    neck: Float64
    corners: marks.Marks
    shoulder: Edge
    over: Edge | None
    cuff: Edge | None
    under: Edge
    side: Edge


@dataclass(frozen=True, slots=True)
class Seen:
    """A top as its photo shows it.

    Attributes:
        outline: In pixels, with its neck points.
        frame: The garment's.
        left: The wearer's left half.
        right: The right one, mirrored.
        hem: From the left hem corner to the right one, in the left half's frame.
        neck: What is at the neck.
        half: Half the chest's width, pixels.
    """

    outline: Outline
    frame: Frame
    left: Half
    right: Half
    hem: Edge
    neck: neck.Neck
    half: float


@dataclass(frozen=True, slots=True)
class Sleeve:
    """A sleeve's measures, pixels.

    Attributes:
        length: Along its upper edge.
        under: Along its lower edge.
        widths: `STATIONS` float64, from the armhole to the cuff, across its middle line.
    """

    length: float
    under: float
    widths: Float64


@dataclass(frozen=True, slots=True)
class Shape:
    """A top's measures, pixels; heights are downward from the neck points.

    Attributes:
        neck: Half the distance between the neck points.
        tip: 2 float64, of a shoulder's tip: from the middle, and down.
        armpit: Likewise.
        length: Down to the hem's corners.
        widths: `STATIONS` float64, from the middle to the side seam, evenly from the armpit to the hem.
        sag: 2 float64: how far the hem is lower than its corners: (1 - x^2)(sag[0] + sag[1] x^2), x from -1 to 1.
        sleeve: None where there is none or none can be measured.
    """

    neck: float
    tip: Float64
    armpit: Float64
    length: float
    widths: Float64
    sag: Float64
    sleeve: Sleeve | None


def seen(garment: GarmentInput, *, sleeves: SleeveLength, cancel: CancelFlag) -> Seen:
    """Find a top's corners and edges in its photo.

    Args:
        garment: Photo, alpha and passport.
        sleeves: What sleeves it has.
        cancel: Checked between steps.

    Raises:
        BadMask: The alpha is empty or full.
        PhotoNotUsable: Left and right are swapped.
    """
    mask, holes = solid(garment.alpha)
    cancel.check()
    line = smooth_contour(mask)
    passport = garment.passport
    frame = marks.upright(line, passport.landmarks, None if passport.geometry is None else passport.geometry.tilt_deg)
    uv = frame.inward(line)
    found = (marks.read(passport.landmarks, frame, "left"), marks.read(passport.landmarks, frame, "right"))
    if frame.across[0] <= 0 or any(half and np.mean([mark.at[0] for mark in half.values()]) < 0 for half in found):
        raise PhotoNotUsable(f"the garment's left and right corners are swapped: {LAY_FLAT}")
    loops = Loop(uv, 1.0), Loop(uv * (-1, 1), -1.0)
    half = marks.half_chest(uv, found, sleeves_hang=sleeves is SleeveLength.LONG)
    armpits = _armpits(uv, found, half, sleeves)
    half = float(np.mean([mark.at[0] for mark in armpits]))
    pixels = frame.outward(armpits[1].at, -1.0), frame.outward(armpits[0].at)
    at_neck = neck.found(garment.photo, line, pixels, passport)
    cancel.check()
    points = frame.inward(at_neck.left), frame.inward(at_neck.right, -1.0)
    tips = _tips(loops, found, points, armpits, half)
    hems = _hems(uv, found, half, armpits)
    cuffs: list[tuple[Mark, Mark] | None] = [None, None]
    if sleeves is not SleeveLength.NONE:
        cuffs = _cuffs(loops, found, tips, armpits, half * CUFF_WIDTH.get(sleeves, CUFF_WIDTH[SleeveLength.LONG]))
    halves = []
    for k in (0, 1):
        corners = {Corner.SHOULDER: tips[k], Corner.ARMPIT: armpits[k], Corner.HEM: hems[k]}
        pair = cuffs[k]
        if pair is not None:
            corners |= {Corner.CUFF_UPPER: pair[0], Corner.CUFF_LOWER: pair[1]}
        halves.append(_half(loops[k], points[k], corners, half))
    hem = Loop(uv, 1.0).edge(hems[0].at, hems[1].at * (-1, 1), marks.ON_OUTLINE * half)
    ends = {
        L.NECK_RIGHT: int(np.linalg.norm(line - at_neck.right, axis=1).argmin()),
        L.NECK_LEFT: int(np.linalg.norm(line - at_neck.left, axis=1).argmin()),
    }
    outline = Outline(mask, holes, line, ends, None, 0.0)
    return Seen(outline, frame, halves[0], halves[1], hem, at_neck, half)


def measured(top: Seen) -> Shape:
    """Take a top's measures."""
    halves = (top.left, top.right)

    def mean(corner: Corner) -> Float64:
        below = [half.neck[1] - half.corners[corner].at[1] for half in halves]
        return np.array([np.mean([half.corners[corner].at[0] for half in halves]), np.mean(below)])

    tip, armpit, hem = mean(Corner.SHOULDER), mean(Corner.ARMPIT), mean(Corner.HEM)
    return Shape(
        neck=float(np.mean([half.neck[0] for half in halves])),
        tip=tip,
        armpit=armpit,
        length=float(hem[1]),
        widths=_widths(halves, armpit[0], hem[0]),
        sag=_sag(top.hem),
        sleeve=_sleeve(halves),
    )


def _armpits(
    uv: Float64, found: tuple[marks.Marks, marks.Marks], half: float, sleeves: SleeveLength
) -> tuple[Mark, Mark]:
    top = _shoulder_level(uv, half)
    low, high = marks.ARMPIT_DEPTH

    def plausible(of: marks.Marks) -> marks.Marks:
        mark = of.get(Corner.ARMPIT)
        fine = mark is not None and low * half < top - mark.at[1] < high * half and 0.6 < mark.at[0] / half < 1.4
        return of if fine else {corner: mark for corner, mark in of.items() if corner is not Corner.ARMPIT}

    usual = np.array([half, top - marks.USUAL_ARMPIT * half])
    if sleeves is SleeveLength.NONE:
        usual = _armhole_end(uv, half, top)
    agreed = marks.settled((plausible(found[0]), plausible(found[1])), Corner.ARMPIT, half, usual)
    assert agreed is not None
    return agreed


def _shoulder_level(uv: Float64, half: float) -> float:
    """Height of the outline's upper side beside the neck, where neither collar nor sleeve is."""
    near = (np.abs(np.abs(uv[:, 0]) - 0.5 * half) < 0.1 * half) & (uv[:, 1] > np.median(uv[:, 1]))
    return float(np.median(uv[near, 1])) if near.any() else float(uv[:, 1].max())


def _armhole_end(uv: Float64, half: float, top: float) -> Float64:
    """Lower end of an armhole: where the trunk, going up, begins to get narrow."""
    left, right, level = marks.widths(uv)
    wide = (left + right) / 2
    trunk = (level < top - 0.6 * half) & (level > top - 2.0 * half) & np.isfinite(wide)
    if not trunk.any():
        return np.array([half, top - marks.USUAL_ARMPIT * half])
    narrow = (level > top - 1.4 * half) & (level < top - 0.5 * half) & (wide < marks.ARMHOLE_TOP * wide[trunk].max())
    height = float(level[narrow].min()) if narrow.any() else top - 0.9 * half
    return np.array([float(np.interp(height - 0.1 * half, level, wide)), height])


def _tips(
    loops: tuple[Loop, Loop],
    found: tuple[marks.Marks, marks.Marks],
    necks: tuple[Float64, Float64],
    armpits: tuple[Mark, Mark],
    half: float,
) -> tuple[Mark, Mark]:
    low, high = marks.TIP_RANGE
    kept = []
    for k in (0, 1):
        of = dict(found[k])
        mark = of.get(Corner.SHOULDER)
        if mark is None or not low < mark.at[0] / half < high or mark.at[1] < armpits[k].at[1] + 0.2 * half:
            of.pop(Corner.SHOULDER, None)
            at = marks.farthest_from_chord(loops[k].arc(necks[k], armpits[k].at))
            if low < at[0] / half < high and at[1] > armpits[k].at[1] + 0.3 * half:
                of[Corner.SHOULDER] = Mark(at, 0.1)
        kept.append(of)
    usual = np.array([marks.USUAL_TIP * half, float(np.mean([point[1] for point in necks])) - 0.25 * half])
    agreed = marks.settled((kept[0], kept[1]), Corner.SHOULDER, half, usual)
    assert agreed is not None
    return agreed


def _hems(
    uv: Float64, found: tuple[marks.Marks, marks.Marks], half: float, armpits: tuple[Mark, Mark]
) -> tuple[Mark, Mark]:
    middle = (np.abs(uv[:, 0]) < 0.6 * half) & (uv[:, 1] < armpits[0].at[1])
    bottom = float(np.median(uv[middle, 1])) if middle.any() else float(uv[:, 1].min())
    usual = np.array([half, bottom])
    agreed = marks.settled(found, Corner.HEM, half, usual)
    assert agreed is not None
    return agreed


def _cuffs(
    loops: tuple[Loop, Loop],
    found: tuple[marks.Marks, marks.Marks],
    tips: tuple[Mark, Mark],
    armpits: tuple[Mark, Mark],
    width: float,
) -> list[tuple[Mark, Mark] | None]:
    """Upper and lower corner of each cuff, usually `width` pixels apart; None for one that is hidden."""
    known = [(of.get(Corner.CUFF_UPPER), of.get(Corner.CUFF_LOWER)) for of in found]
    # The outer edge of a sleeve that hangs may be taken for its cuff, mostly on both sides.
    if any(a and b and float(np.linalg.norm(a.at - b.at)) > WIDEST_CUFF * width for a, b in known):
        known = [(None, None), (None, None)]
    half = float(np.mean([mark.at[0] for mark in armpits]))
    arms = [loops[k].arc(tips[k].at, armpits[k].at) for k in (0, 1)]
    pairs: list[tuple[Mark, Mark] | None] = [
        (above, below) if above and below else _cuff(arm, half, width)
        for (above, below), arm in zip(known, arms, strict=True)
    ]
    for k in (0, 1):
        other = pairs[1 - k]
        if None in known[k] and None not in known[1 - k] and other is not None and pairs[k] is not None:
            nearest = [arms[k][int(np.linalg.norm(arms[k] - mark.at, axis=1).argmin())] for mark in other]
            pairs[k] = (Mark(nearest[0], 0.1), Mark(nearest[1], 0.1))
    return pairs


def _cuff(arm: Float64, half: float, width: float) -> tuple[Mark, Mark] | None:
    """The two points, about `width` apart, that span the largest sleeve on an outline from tip to armpit.

    Args:
        arm: Mx2 float64, (u, v).
        half: Half the chest's width.
        width: A usual cuff's.

    Returns:
        Upper and lower corner; None where the outline shows no sleeve.
    """
    if len(arm) < 4 or float(arm[:, 0].max()) < SLEEVE_OUT * half:
        return None
    low, high = CUFF_RANGE
    apart = np.linalg.norm(arm[:, None] - arm, axis=2) / width
    # Twice the area of tip, upper corner, lower corner, armpit.
    first, last = arm[0], arm[-1]
    diagonal, other = arm[None] - first, last - arm[:, None]
    area = np.abs(diagonal[..., 0] * other[..., 1] - diagonal[..., 1] * other[..., 0])
    order = np.arange(len(arm))
    area[(apart < low) | (apart > high) | (order[:, None] >= order)] = 0
    upper, lower = np.unravel_index(int(area.argmax()), area.shape)
    return (Mark(arm[upper], 0.1), Mark(arm[lower], 0.1)) if area.max() > 0 else None


def _half(loop: Loop, point: Float64, corners: marks.Marks, half: float) -> Half:
    near = marks.ON_OUTLINE * half
    tip, armpit, hem = (corners[corner].at for corner in (Corner.SHOULDER, Corner.ARMPIT, Corner.HEM))
    over = cuff = None
    under = loop.edge(tip, armpit, near, SLEEVE_DETOUR)
    if Corner.CUFF_UPPER in corners:
        upper, lower = corners[Corner.CUFF_UPPER].at, corners[Corner.CUFF_LOWER].at
        over = loop.edge(tip, upper, near, SLEEVE_DETOUR)
        cuff = loop.edge(upper, lower, near, SLEEVE_DETOUR)
        under = loop.edge(lower, armpit, near, SLEEVE_DETOUR)
    return Half(point, corners, loop.edge(point, tip, near), over, cuff, under, loop.edge(armpit, hem, near))


def _widths(halves: tuple[Half, Half], chest: float, hem: float) -> Float64:
    """Both sides' distances from the middle, smoothed; the straight line where neither is seen."""
    t = np.linspace(0, 1, STATIONS)
    rows = []
    for half in halves:
        if half.side.seen:
            line = half.side.line[np.argsort(-half.side.line[:, 1], kind="stable")]
            fall = (line[0, 1] - line[:, 1]) / max(float(line[0, 1] - line[-1, 1]), 1e-9)
            rows.append(np.interp(t, fall, line[:, 0]))
    if not rows:
        return chest + t * (hem - chest)
    smooth: Float64 = np.polynomial.Polynomial.fit(t, np.mean(rows, axis=0), DEGREE)(t)
    return smooth


def _sag(hem: Edge) -> Float64:
    if not hem.seen:
        return np.zeros(2)
    first, last = hem.line[0], hem.line[-1]
    x = 2 * (hem.line[:, 0] - first[0]) / min(float(last[0] - first[0]), -1e-9) - 1
    low = first[1] + (x + 1) / 2 * (last[1] - first[1]) - hem.line[:, 1]
    inside = np.abs(x) <= 1
    basis = np.stack([1 - x**2, (1 - x**2) * x**2], axis=1)[inside]
    sag: Float64 = np.linalg.lstsq(basis, low[inside], rcond=None)[0]
    return sag


def _sleeve(halves: tuple[Half, Half]) -> Sleeve | None:
    """The mean of both sleeves, or the longer one where the other must be folded."""
    found = [
        Sleeve(half.over.length, half.under.length, _across(half))
        for half in halves
        if half.over is not None and half.over.seen
    ]
    if not found:
        return None
    longest = max(sleeve.length for sleeve in found)
    whole = [sleeve for sleeve in found if sleeve.length > 0.82 * longest]
    return Sleeve(
        float(np.mean([sleeve.length for sleeve in whole])),
        float(np.mean([sleeve.under for sleeve in whole])),
        np.mean([sleeve.widths for sleeve in whole], axis=0),
    )


def _across(half: Half) -> Float64:
    """Widths of a sleeve across its middle line, smoothed to a straight taper with one bend."""
    assert half.over is not None
    over, under = resampled(half.over.line, STATIONS), resampled(half.under.line[::-1], STATIONS)
    middle = (over + under) / 2
    tangent = np.gradient(middle, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    wide = np.abs(((over - under) * normal).sum(axis=1))
    t = np.linspace(0, 1, STATIONS)
    smooth: Float64 = np.polynomial.Polynomial.fit(t, wide, 2)(t)
    return smooth
