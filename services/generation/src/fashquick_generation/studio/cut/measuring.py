"""A top measured in its photo, both halves averaged: what a tailor would write down of it, in pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import PhotoNotUsable
from fashquick_common.garment import LandmarkName as L
from fashquick_common.garment import Neckline, SleeveLength
from fashquick_generation.engine import GarmentInput
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut import corners, gates, marks, neck, straps
from fashquick_generation.studio.cut.gates import LAY_FLAT
from fashquick_generation.studio.cut.marks import Corner, Edge, Frame, Loop, Mark
from fashquick_generation.studio.cut.outline import Outline, resampled, smooth_contour, solid
from fashquick_generation.studio.cut.shoulders import waist

STATIONS = 12
"""Places along a side or a sleeve at which widths are taken."""
CUFF_WIDTH = {SleeveLength.SHORT: 0.62, SleeveLength.LONG: 0.36}
"""Usual width of a cuff, in half chest widths."""
HANGING = frozenset({SleeveLength.LONG, SleeveLength.THREE_QUARTER})
"""Sleeves that may hang along the sides."""
SIDES_ALIKE = 1.2
"""A side this much farther out than the other one is not a side."""
HEM_DETOUR = 1.6
"""A wavy hem over the straight line between its ends."""
SLEEVE_DETOUR = 1.6
"""A bent sleeve's edge over the straight line between its ends."""
BELOW_HOOD = 0.3
"""Least distance of a corner below the narrowest place under a hood, in half chest widths: that place itself is often
taken for an armpit."""
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
        strap: Width of its straps, pixels; the neck points are where they are sewn on. None for a garment without.
    """

    outline: Outline
    frame: Frame
    left: Half
    right: Half
    hem: Edge
    neck: neck.Neck
    half: float
    strap: float | None = None


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
        strap: Width of the straps that the garment hangs from; None without. Then `neck` is the distance of their
            middles where they are sewn on, and heights are downward from their upper ends once they are worn.
    """

    neck: float
    tip: Float64
    armpit: Float64
    length: float
    widths: Float64
    sag: Float64
    sleeve: Sleeve | None
    strap: float | None = None


def seen(garment: GarmentInput, *, sleeves: SleeveLength, long: bool, cancel: CancelFlag) -> Seen:
    """Find a top's corners and edges in its photo.

    Args:
        garment: Photo, alpha and passport.
        sleeves: What sleeves it has.
        long: Whether it has a skirt, which is wider than the chest.
        cancel: Checked between steps.

    Raises:
        BadMask: The alpha is empty or full.
        PhotoNotUsable: Left and right are swapped.
    """
    mask, holes = solid(garment.alpha)
    cancel.check()
    line = smooth_contour(mask)
    gates.check_outline(line, mask)
    passport = garment.passport
    frame = marks.upright(line, passport.landmarks, None if passport.geometry is None else passport.geometry.tilt_deg)
    uv = frame.inward(line)
    found: tuple[marks.Marks, marks.Marks] = (
        marks.read(passport.landmarks, frame, "left"),
        marks.read(passport.landmarks, frame, "right"),
    )
    under_hood: tuple[Float64 | None, Float64 | None] = (None, None)
    if passport.geometry is not None and passport.geometry.neckline.value is Neckline.HOOD:
        under_hood = (_under_hood(uv, 1.0), _under_hood(uv, -1.0))
        found = (_below(found[0], under_hood[0], uv), _below(found[1], under_hood[1], uv))
    if frame.across[0] <= 0 or any(half and np.mean([mark.at[0] for mark in half.values()]) < 0 for half in found):
        raise PhotoNotUsable(f"the garment's left and right corners are swapped: {LAY_FLAT}")
    gates.check_symmetry(*marks.widths(uv)[:2])
    half = marks.half_chest(uv, found, sleeves_hang=sleeves in HANGING, long=long)
    bare = sleeves is SleeveLength.NONE
    hung = straps.found(garment.alpha, mask, frame, half, passport) if bare else None
    if hung is not None:
        mask, line, uv = hung.bodice, hung.line, frame.inward(hung.line)
    loops = Loop(uv, 1.0), Loop(uv * (-1, 1), -1.0)
    armpits = hung.armpits if hung else corners.armpits(loops, found, half, sleeveless=bare, under_hood=under_hood)
    half = float(np.mean([mark.at[0] for mark in armpits]))
    cancel.check()
    pixels = frame.outward(armpits[1].at, -1.0), frame.outward(armpits[0].at)
    if hung is None:
        at_neck = neck.found(garment.photo, mask, line, pixels, passport)
    else:
        at_neck = neck.between_straps(line, frame.outward(hung.sewn[1], -1.0), frame.outward(hung.sewn[0]))
    cancel.check()
    points = frame.inward(at_neck.left), frame.inward(at_neck.right, -1.0)
    tips = corners.tips(loops, found, points, armpits) if hung is None else hung.ends
    hems = corners.hems(loops, found, armpits, sleeves_hang=sleeves in HANGING)
    cuffs: list[tuple[Mark, Mark] | None] = [None, None]
    if sleeves is not SleeveLength.NONE:
        width = half * CUFF_WIDTH.get(sleeves, CUFF_WIDTH[SleeveLength.LONG])
        cuffs = corners.cuffs(loops, found, tips, (armpits, hems), width)
    halves = []
    for k in (0, 1):
        agreed = {Corner.SHOULDER: tips[k], Corner.ARMPIT: armpits[k], Corner.HEM: hems[k]}
        pair = cuffs[k]
        if pair is not None:
            agreed |= {Corner.CUFF_UPPER: pair[0], Corner.CUFF_LOWER: pair[1]}
        halves.append(_half(loops[k], points[k], agreed, half))
    halves = _agreeing(halves)
    hem = loops[0].edge(hems[0].at, hems[1].at * (-1, 1), marks.ON_OUTLINE * half, HEM_DETOUR)
    ends = {
        L.NECK_RIGHT: int(np.linalg.norm(line - at_neck.right, axis=1).argmin()),
        L.NECK_LEFT: int(np.linalg.norm(line - at_neck.left, axis=1).argmin()),
    }
    outline = Outline(mask, holes, line, ends)
    strap = None if hung is None else hung.width
    return Seen(outline, frame, halves[0], halves[1], hem, at_neck, half, strap)


def _under_hood(uv: Float64, sign: float) -> Float64 | None:
    """A half's narrowest place under a hood, (u, v); None where the outline only widens."""
    middle, unit = _middle_and_unit(uv)
    narrow = waist((uv - middle) / unit, sign)
    return None if narrow is None else middle + unit * narrow


def _below(found: marks.Marks, under_hood: Float64 | None, uv: Float64) -> marks.Marks:
    """A half's corners without those that lie on a hood that is as wide as the shoulders."""
    if under_hood is None:
        return found
    lowest = under_hood[1] - BELOW_HOOD * _middle_and_unit(uv)[1]
    return {corner: mark for corner, mark in found.items() if mark.at[1] < lowest}


def _middle_and_unit(uv: Float64) -> tuple[Float64, float]:
    """The outline's middle height, as (0, v), and roughly half the chest's width."""
    middle: Float64 = (uv.min(axis=0) + uv.max(axis=0)) / 2 * (0, 1)
    return middle, marks.half_chest(uv, ({}, {}), sleeves_hang=False, long=False)


def measured(top: Seen) -> Shape:
    """Take a top's measures."""
    halves = (top.left, top.right)

    def mean(corner: Corner) -> Float64:
        below = [half.neck[1] - half.corners[corner].at[1] for half in halves]
        return np.array([np.mean([half.corners[corner].at[0] for half in halves]), np.mean(below)])

    tip, armpit, hem = mean(Corner.SHOULDER), mean(Corner.ARMPIT), mean(Corner.HEM)
    if top.strap is not None:
        # However long the straps are, they are let out or taken in until the bodice is where it belongs.
        down = np.array([0.0, straps.ARMHOLE * armpit[0] - armpit[1]])
        tip, armpit, hem = tip + down, armpit + down, hem + down
    return Shape(
        neck=float(np.mean([half.neck[0] for half in halves])),
        tip=tip,
        armpit=armpit,
        length=float(hem[1]),
        widths=_widths(halves, armpit[0], hem[0]),
        sag=_sag(top.hem),
        sleeve=_sleeve(halves),
        strap=top.strap,
    )


def _half(loop: Loop, point: Float64, agreed: marks.Marks, half: float) -> Half:
    near = marks.ON_OUTLINE * half
    tip, armpit, hem = (agreed[corner].at for corner in (Corner.SHOULDER, Corner.ARMPIT, Corner.HEM))
    over = cuff = None
    under = loop.edge(tip, armpit, near, SLEEVE_DETOUR)
    if Corner.CUFF_UPPER in agreed:
        upper, lower = agreed[Corner.CUFF_UPPER].at, agreed[Corner.CUFF_LOWER].at
        over = loop.edge(tip, upper, near, SLEEVE_DETOUR)
        cuff = loop.edge(upper, lower, near, SLEEVE_DETOUR)
        under = loop.edge(lower, armpit, near, SLEEVE_DETOUR)
    return Half(point, agreed, loop.edge(point, tip, near), over, cuff, under, loop.edge(armpit, hem, near))


def _agreeing(halves: list[Half]) -> list[Half]:
    """Both halves; a side that reaches much farther out than the other has taken a sleeve along and is not believed."""
    reach = [float(np.mean(half.side.line[:, 0])) for half in halves]
    out = []
    for half, own, other in zip(halves, reach, reach[::-1], strict=True):
        straight = resampled(half.side.line[[0, -1]], len(half.side.line))
        out.append(replace(half, side=Edge(straight, False)) if own > SIDES_ALIKE * other else half)
    return out


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
