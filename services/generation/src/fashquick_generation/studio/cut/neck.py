"""A top's neck in the photo: where the shoulder seams end, where the front panel ends, and what stands above.

A collar, turtleneck or hood lies above the shoulder line in a flat photo, and the passport's neck points are its
upper corners. The shoulder line is carried on under it; where it meets the collar is the neck point proper.
Positions are told in the garment's frame: u across, from 0 in the middle to 1 at the wearer's left armpit, v up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fashquick_common.garment import Answer, Category, Neckline, Passport
from fashquick_common.garment import LandmarkName as L
from fashquick_generation.studio.arrays import Float64, UInt8
from fashquick_generation.studio.cut import inside
from fashquick_generation.studio.cut.marks import Frame
from fashquick_generation.studio.cut.neckline import (
    SAMPLES,
    Edge,
    closed_edge,
    curve,
    front_edge,
    level_edge,
    open_depth,
    opened,
    sag,
)
from fashquick_generation.studio.cut.outline import resampled
from fashquick_generation.studio.cut.shoulders import DEPARTURE, USUAL_NECK, Shoulder, U, upper_side, waist

STANDING = frozenset({Neckline.HIGH, Neckline.COLLAR, Neckline.HOOD})
"""Necks that something stands up from."""
ROUND = frozenset({Neckline.CREW, Neckline.SCOOP})
"""Necks whose front has no point."""
CLOSED_UNDER, BUTTONED_UNDER = 1.5, 0.9
"""Depth, as a share of the neck's width, of no neckline: a front that hangs open so far is worn closed up to the usual
depth. The second is that of garments that open in front and have no collar."""
USUAL_FALL = 0.36
"""Fall of a shoulder line where a hood hides it."""
NARROWEST, WIDEST = 0.24, 0.48
"""Limits of the same for necks that something stands up from; necklines may be wider."""
HOOD_NECK = 0.36
"""The same under a hood, which covers the neck points."""
STANDS = 0.10
"""Rise of the outline above the neck points from which something stands, in half chest widths: 2.4 cm."""
SURE = 0.55
"""Confidence from which the passport's answer is taken."""
SURE_OF_HOOD = 0.95
"""Confidence from which a hood is believed that the outline does not show: it hangs behind the neck."""
HANGER = 0.03
"""Rise of the back's edge over its neck points that a rim can have; what rises more is a hanger or a label."""
HOOK = 0.08
"""Half of the width in the middle that may be a hanger's hook."""
BELOW_HOOK = 70
"""Percentile of the heights between the neck points that a hook, which is narrow, does not change."""
OUTWARD = 0.5
"""How much farther out a collar's corner may be for each step that it is lower."""
BASE_DEPTH = {Neckline.COLLAR: 0.25, Neckline.HIGH: 0.40, Neckline.HOOD: 0.40}
"""Least depth of the seam between front panel and collar, as a share of the distance between the neck points. Shirt
collars meet at the throat."""
HIDDEN_DEPTH = 0.40
"""The same of a shirt collar or lapel whose lowest point the passport does not know."""
UNDER_LABEL = 0.08
"""How far the front of an open collar lies below the passport's lowest point, which is often the label's edge."""
DEEPEST_SEAM = 0.95
"""Largest depth of that seam."""
OPENS = frozenset({Category.JACKET, Category.COAT, Category.VEST})
"""Garments whose standing collar may be open in front."""
WIDEST_OPEN = 1.75
"""Depth of an open standing collar against its width; what is deeper is a zip or a crease."""
OPEN_STAND = 1.4
"""Roundness of its opening."""
TAPER = 0.3
"""Part of the way along the seam over which an open collar ends at the front."""
SHOULDERS = 0.9
"""Half the width of the part in which an opening is looked for, in half chest widths."""
END_QUANTILES = (0.004, 0.996)
"""Of what is seen of the inside across: some of its ends may be a shoulder's crease."""
NARROW_OPENING = 0.18
"""Least distance of an opening's end from the middle, in half chest widths: what is narrower is a slit or a label."""
BACK_DEPTH = 0.10
"""The same of the back panel."""


@dataclass(frozen=True, slots=True)
class Neck:
    """What a photo shows at the neck.

    Attributes:
        right: 2 float64, pixels: where the wearer's right shoulder seam meets the neckline or the collar.
        left: Likewise on the left.
        front_edge: Mx2 float64, pixels, from `right` to `left`: where the front panel ends; a collar is sewn on
            there.
        back_edge: Mx2 float64, pixels, likewise of the back panel; hidden under the front where a collar stands.
        rim: Mx2 float64, pixels, one point for each of `front_edge`: how far the outside of what stands there
            reaches in the photo (a stand's or turtleneck's upper edge, a shirt collar's fold); the outline of a
            hood; None where nothing stands.
        kind: Of the neck.
        confidence: 0 to 1, how clearly the photo shows the front edge.
    """

    right: Float64
    left: Float64
    front_edge: Float64
    back_edge: Float64
    rim: Float64 | None
    kind: Neckline
    confidence: float


def found(photo: UInt8, mask: UInt8, line: Float64, armpits: tuple[Float64, Float64], passport: Passport) -> Neck:
    """Look for the neck.

    Args:
        photo: HxWx3 uint8.
        mask: HxW uint8, 1 on the garment.
        line: Nx2 float64, pixels, the closed outline, clockwise.
        armpits: The wearer's right and left armpit, pixels.
        passport: Its neck landmarks and answers are used where it has them.
    """
    right, left = armpits
    width = max(float(np.linalg.norm(left - right)), 1e-6)
    frame = Frame((right + left) / 2, (left - right) / width, width / 2)
    outline = frame.inward(line)
    marks = {name: frame.inward(np.array([mark.x, mark.y])) for name, mark in passport.landmarks.items()}
    answer = None if passport.geometry is None else passport.geometry.neckline
    upper = upper_side(outline)
    sides = (Shoulder.seen(upper, marks, -1.0), Shoulder.seen(upper, marks, 1.0))
    told = None if passport.inside is None else inside.shown(passport, mask)
    kind = _kind(answer, outline, upper, sides)
    known, sureness = None, 0.0
    if L.COLLAR_BOTTOM in marks:
        known, sureness = frame.outward(marks[L.COLLAR_BOTTOM]), passport.landmarks[L.COLLAR_BOTTOM].confidence
    if kind is Neckline.HOOD:
        return _hooded(frame, outline, _base(outline, sides, kind), told)
    closed_under = BUTTONED_UNDER if passport.category in OPENS and kind not in STANDING else CLOSED_UNDER
    said = _Said(answer, known, sureness, told, closed_under)
    if kind in STANDING:
        opens = kind is Neckline.COLLAR or passport.category in OPENS
        return _collared(photo, frame, outline, ends=_base(outline, sides, kind), kind=kind, said=said, opens=opens)
    ends = None if told is None else _ends_of(told, frame, outline)
    back_uv = _unhooked(_between(outline, *(ends or [side.end_of_neckline(outline) for side in sides])))
    back = frame.outward(back_uv)
    edge = _edge(photo, back, kind, said)
    return Neck(back[0], back[-1], edge.line, back, None, kind, edge.confidence)


def between_straps(line: Float64, right: Float64, left: Float64) -> Neck:
    """The upper edge of a bodice between its straps.

    Args:
        line: Nx2 float64, pixels, the bodice's closed outline, clockwise.
        right: 2 float64, pixels: where the wearer's right strap is sewn on.
        left: Likewise on the left.
    """
    first, last = (int(np.linalg.norm(line - end, axis=1).argmin()) for end in (right, left))
    edge = resampled(_between(line, first, last), SAMPLES)
    return Neck(edge[0], edge[-1], edge, edge, None, Neckline.STRAPS, 1.0)


@dataclass(frozen=True, slots=True)
class _Said:
    """What the passport says of the neck.

    Attributes:
        answer: Its kind.
        lowest: 2 float64, pixels, the neckline's lowest point.
        sureness: Of that point, 0 to 1.
        inside: HxW uint8, 1 where the photo shows the inside; None where the passport does not say.
        closed_under: Depth of the inside, as a share of the neck's width, from which on it shows an open front.
    """

    answer: Answer[Neckline] | None
    lowest: Float64 | None
    sureness: float
    inside: UInt8 | None
    closed_under: float


def _edge(photo: UInt8, back: Float64, kind: Neckline, said: _Said) -> Edge:
    """The front's edge: under the inside where the passport tells of it, else looked for in the photo."""
    if said.inside is None:
        return front_edge(photo, back, said.answer, said.lowest, said.sureness)
    told = inside.edge_below(said.inside, back, pointed=kind not in ROUND)
    if told is not None and sag(told) > said.closed_under * float(np.linalg.norm(back[-1] - back[0])):
        return Edge(closed_edge(back, kind), 1.0)
    if told is not None:
        return Edge(resampled(told, SAMPLES), 1.0)
    return Edge(level_edge(back), 0.5)


def _ends_of(told: UInt8, frame: Frame, outline: Float64) -> tuple[int, int] | None:
    """The outline's points at the right and left end of the opening that the inside is seen through; None without one.

    Args:
        told: HxW uint8, 1 where the photo shows the inside.
        frame: Of the garment.
        outline: Nx2 float64, (u, v).
    """
    rows, columns = np.nonzero(told)
    uv = frame.inward(np.stack([columns, rows], axis=1).astype(np.float64) + 0.5)
    uv = uv[(np.abs(uv[:, 0]) < SHOULDERS) & (uv[:, 1] > 0)]
    if not len(uv):
        return None
    right, left = np.quantile(uv[:, 0], END_QUANTILES)
    if right > -NARROW_OPENING or left < NARROW_OPENING:
        return None
    above = outline[:, 1] > 0
    first, last = (int(np.where(above, np.abs(outline[:, 0] - end), np.inf).argmin()) for end in (right, left))
    return first, last


def _hooded(frame: Frame, outline: Float64, ends: Float64, told: UInt8 | None) -> Neck:
    """A neck whose shoulder seams meet a hood at `ends` (2x2, right and left), open as far as the inside is seen."""
    first, last = (int(np.linalg.norm(outline - end, axis=1).argmin()) for end in ends)
    rim = frame.outward(resampled(_between(outline, first, last), SAMPLES))
    width = float(np.linalg.norm(ends[1] - ends[0]))
    depth = BASE_DEPTH[Neckline.HOOD] * width
    edge = None if told is None else inside.edge_below(told, frame.outward(ends), pointed=True)
    if edge is not None:
        depth = float(np.clip(ends[:, 1].mean() - frame.inward(edge)[:, 1].min(), depth, DEEPEST_SEAM * width))
    seam = frame.outward(_seam(ends, depth))
    return Neck(seam[0], seam[-1], seam, _back(seam), rim, Neckline.HOOD, 0.0)


def _collared(
    photo: UInt8, frame: Frame, outline: Float64, *, ends: Float64, kind: Neckline, said: _Said, opens: bool
) -> Neck:
    """A neck whose shoulder seams meet a collar at `ends` (2x2, right and left)."""
    behind = frame.outward(_between(outline, *_corners(outline, ends)))
    edge = _edge(photo, behind, kind, said)
    opening = None
    if opens and said.inside is None:
        opening = open_depth(photo, behind[0], behind[-1])
    elif opens:
        opening = opened(edge.line)
    rim = frame.inward(edge.line)
    across = float(np.linalg.norm(behind[-1] - behind[0]))
    if kind is Neckline.HIGH and opening is not None and opening < WIDEST_OPEN * across:
        rim = frame.inward(curve(behind[0], behind[-1], opening, OPEN_STAND))
    width, level = float(np.linalg.norm(ends[1] - ends[0])), float(ends[:, 1].mean())
    depth = max(BASE_DEPTH[kind] * width, level - float(rim[:, 1].min()))
    if kind is Neckline.COLLAR:
        lowest = HIDDEN_DEPTH * width
        if opening is not None:
            lowest = opening / frame.unit - (float(rim[[0, -1], 1].mean()) - level)
        elif said.lowest is not None:
            lowest = level - float(frame.inward(said.lowest)[1]) + UNDER_LABEL * width
        depth = max(depth, lowest)
    seam = _seam(ends, min(depth, DEEPEST_SEAM * width))
    if kind is Neckline.COLLAR:
        # It does not close in front: what is seen there is its inside and the back's.
        along = np.linspace(0, 1, SAMPLES)
        rim = seam + np.clip(1 - np.minimum(along, 1 - along) / TAPER, 0, 1)[:, None] * (rim - seam)
    edge_px = frame.outward(seam)
    return Neck(edge_px[0], edge_px[-1], edge_px, _back(edge_px), frame.outward(rim), kind, edge.confidence)


def _back(seam: Float64) -> Float64:
    """The back panel's edge under a collar."""
    return curve(seam[0], seam[-1], BACK_DEPTH * float(np.linalg.norm(seam[-1] - seam[0])), 2.0)


def _kind(
    answer: Answer[Neckline] | None, outline: Float64, upper: Float64, sides: tuple[Shoulder, Shoulder]
) -> Neckline:
    """The passport's answer, unless it is unsure or nothing stands where it should."""
    level = np.mean([side.on_line(USUAL_NECK)[1] for side in sides])
    rise = float(np.percentile(upper[np.abs(U) < USUAL_NECK], BELOW_HOOK) - level)
    said = answer.value if answer is not None and answer.confidence >= SURE else None
    if said is Neckline.HOOD and (
        (answer is not None and answer.confidence >= SURE_OF_HOOD)
        or any(waist(outline, side.sign) is not None for side in sides)
    ):
        return said
    if said in STANDING:
        return said if said is Neckline.COLLAR or rise > DEPARTURE else Neckline.CREW
    return said or (Neckline.HIGH if rise > STANDS else Neckline.CREW)


def _base(outline: Float64, sides: tuple[Shoulder, Shoulder], kind: Neckline) -> Float64:
    """2x2: where shoulder lines and collar meet, right and left."""
    if kind is Neckline.HOOD:
        waists = [waist(outline, side.sign) for side in sides]
        return np.stack(
            [
                side.on_line(HOOD_NECK)
                if narrow is None
                else np.array([side.sign * HOOD_NECK, narrow[1] + USUAL_FALL * max(narrow[0] - HOOD_NECK, 0)])
                for side, narrow in zip(sides, waists, strict=True)
            ]
        )
    found = [side.departs for side in sides if side.departs is not None]
    if len(found) == len(sides) and NARROWEST < float(np.mean(found)) < WIDEST:
        # Where a garment hangs turned, its neck is not midway between its armpits.
        return np.stack([side.on_line(departs) for side, departs in zip(sides, found, strict=True)])
    seen = [departs for departs in found if NARROWEST < departs < WIDEST]
    other = float(np.mean(seen)) if seen else USUAL_NECK
    return np.stack([side.on_line(side.departs if side.departs in seen else other) for side in sides])


def _corners(outline: Float64, ends: Float64) -> list[int]:
    """The outline's points at the upper right and left corner of what stands over `ends`."""
    middle = ends[:, 0].mean()
    corners = []
    for end, sign in zip(ends, (-1.0, 1.0), strict=True):
        u, v = outline.T
        half = (sign * (u - middle) > HOOK) & (sign * (u - end[0]) < DEPARTURE) & (v > end[1] - DEPARTURE)
        if half.any():
            half &= v > end[1] + 0.5 * (v[half].max() - end[1])
        score = np.where(half, v + OUTWARD * sign * u, -np.inf)
        corners.append(int(score.argmax()) if half.any() else int(np.linalg.norm(outline - end, axis=1).argmin()))
    return corners


def _seam(ends: Float64, depth: float) -> Float64:
    """Where a collar is sewn to the front panel: round if shallow, pointed if deep."""
    pointed = float(np.interp(depth / float(np.linalg.norm(ends[1] - ends[0])), (0.4, 0.9), (2.0, 1.2)))
    mirrored = ends * (1, -1)
    return curve(mirrored[0], mirrored[1], depth, pointed) * (1, -1)


def _between(outline: Float64, first: int, last: int) -> Float64:
    """The outline's points from one clockwise to another."""
    count = len(outline)
    return outline[np.arange(first, (last if last > first else last + count) + 1) % count]


def _unhooked(back: Float64) -> Float64:
    """The back's edge without a hanger's hook or a label that stands over it."""
    along = np.linspace(0, 1, len(back))
    chord = back[0, 1] + along * (back[-1, 1] - back[0, 1])
    out = back.copy()
    hooked = back[:, 1] > chord + HANGER
    out[hooked, 1] = chord[hooked]
    return resampled(out, SAMPLES)
