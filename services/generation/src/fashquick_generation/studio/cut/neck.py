"""A top's neck in the photo: where the shoulder seams end, where the front panel ends, and what stands above.

A collar, turtleneck or hood lies above the shoulder line in a flat photo, and the passport's neck points are its
upper corners. The shoulder line is carried on under it; where it meets the collar is the neck point proper.
Positions are told in the garment's frame: u across, from 0 in the middle to 1 at the wearer's left armpit, v up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.ndimage import gaussian_filter1d

from fashquick_common.garment import Answer, Category, Neckline, Passport
from fashquick_common.garment import LandmarkName as L
from fashquick_generation.studio.arrays import Float64, UInt8
from fashquick_generation.studio.cut.neckline import SAMPLES, curve, front_edge, open_depth
from fashquick_generation.studio.cut.outline import resampled

STANDING = frozenset({Neckline.HIGH, Neckline.COLLAR, Neckline.HOOD})
"""Necks that something stands up from."""
SHOULDER_SPAN = (0.55, 0.92)
"""Part of the way from the middle to the shoulder's tip in which the shoulder line is seen: outside of collars."""
USUAL_TIP = 0.85
"""Distance of a shoulder's tip from the middle where the passport does not tell, in half chest widths."""
STEEPEST, FLATTEST = 0.70, 0.06
"""Fall of a shoulder line."""
USUAL_FALL = 0.36
USUAL_NECK = 0.37
"""Distance of a neck point from the middle, in half chest widths, where the photo does not tell: 9 cm of 48."""
NARROWEST, WIDEST = 0.24, 0.48
"""Limits of the same for necks that something stands up from; necklines may be wider."""
HOOD_NECK = 0.36
"""The same under a hood, which covers the neck points."""
WAISTED = 0.06
"""How much narrower the outline is between hood and shoulders than a hood that is as wide as they are."""
DEPARTURE = 0.05
"""Rise above the shoulder line that is a collar, not a crease, in half chest widths."""
STANDS = 0.10
"""Rise of the outline above the neck points from which something stands, in half chest widths: 2.4 cm."""
NECK_NEAR = 0.30
"""How far a neck point of the passport may lie off the shoulder line, in half chest widths."""
SURE = 0.55
"""Confidence from which the passport's answer is taken."""
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
BACK_DEPTH = 0.10
"""The same of the back panel."""
LEVELS = 120
"""Heights at which a hood's width is looked at."""
U = np.linspace(-1, 1, 201)
"""Where the outline's upper side is sampled."""


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


@dataclass(frozen=True, slots=True)
class _Frame:
    """The garment's frame: pixel = origin + half * (u * across - v * down)."""

    origin: Float64
    across: Float64
    half: float

    @property
    def down(self) -> Float64:
        return np.array([-self.across[1], self.across[0]])

    def inward(self, pixels: Float64) -> Float64:
        """Nx2 pixels to Nx2 (u, v)."""
        away = (pixels - self.origin) / self.half
        return np.stack([away @ self.across, -(away @ self.down)], axis=-1)

    def outward(self, uv: Float64) -> Float64:
        """Nx2 (u, v) to Nx2 pixels."""
        u, v = uv[..., :1], uv[..., 1:]
        pixels: Float64 = self.origin + self.half * (u * self.across - v * self.down)
        return pixels


def found(photo: UInt8, line: Float64, armpits: tuple[Float64, Float64], passport: Passport) -> Neck:
    """Look for the neck.

    Args:
        photo: HxWx3 uint8.
        line: Nx2 float64, pixels, the closed outline, clockwise.
        armpits: The wearer's right and left armpit, pixels.
        passport: Its neck landmarks and answers are used where it has them.
    """
    right, left = armpits
    width = max(float(np.linalg.norm(left - right)), 1e-6)
    frame = _Frame((right + left) / 2, (left - right) / width, width / 2)
    outline = frame.inward(line)
    marks = {name: frame.inward(np.array([mark.x, mark.y])) for name, mark in passport.landmarks.items()}
    answer = None if passport.geometry is None else passport.geometry.neckline
    upper = _upper_side(outline)
    sides = (_Side.seen(upper, marks, -1.0), _Side.seen(upper, marks, 1.0))
    kind = _kind(answer, outline, upper, sides)
    known, sureness = None, 0.0
    if L.COLLAR_BOTTOM in marks:
        known, sureness = frame.outward(marks[L.COLLAR_BOTTOM]), passport.landmarks[L.COLLAR_BOTTOM].confidence
    if kind in STANDING:
        return _standing(
            photo,
            frame,
            outline,
            ends=_base(outline, sides, kind),
            kind=kind,
            said=(answer, known, sureness),
            opens=kind is Neckline.COLLAR or passport.category in OPENS,
        )
    back_uv = _unhooked(_between(outline, *(side.end(outline) for side in sides)))
    back = frame.outward(back_uv)
    edge = front_edge(photo, back, answer, known, sureness)
    return Neck(back[0], back[-1], edge.line, back, None, kind, edge.confidence)


def _standing(
    photo: UInt8,
    frame: _Frame,
    outline: Float64,
    *,
    ends: Float64,
    kind: Neckline,
    said: tuple[Answer[Neckline] | None, Float64 | None, float],
    opens: bool,
) -> Neck:
    """A neck whose shoulder seams meet a collar or hood at `ends` (2x2, right and left)."""
    points = frame.outward(ends)
    back = curve(points[0], points[1], BACK_DEPTH * float(np.linalg.norm(points[1] - points[0])), 2.0)
    if kind is Neckline.HOOD:
        first, last = (int(np.linalg.norm(outline - end, axis=1).argmin()) for end in ends)
        rim = frame.outward(resampled(_between(outline, first, last), SAMPLES))
        seam = _seam(ends, BASE_DEPTH[kind] * float(np.linalg.norm(ends[1] - ends[0])))
        return Neck(points[0], points[1], frame.outward(seam), back, rim, kind, 0.0)
    edge = front_edge(photo, frame.outward(_between(outline, *_corners(outline, ends))), *said)
    width, level = float(np.linalg.norm(ends[1] - ends[0])), ends[:, 1].mean()
    rim = frame.inward(edge.line)
    opening = open_depth(photo, edge.line[0], edge.line[-1]) if opens else None
    across = float(np.linalg.norm(edge.line[-1] - edge.line[0]))
    if kind is Neckline.HIGH and opening is not None and opening < WIDEST_OPEN * across:
        rim = frame.inward(curve(edge.line[0], edge.line[-1], opening, OPEN_STAND))
    depth = max(BASE_DEPTH[kind] * width, float(level - rim[:, 1].min()))
    if kind is Neckline.COLLAR:
        known = said[1]
        lowest = HIDDEN_DEPTH * width if known is None else level - frame.inward(known)[1] + UNDER_LABEL * width
        if opening is not None:
            lowest = opening / frame.half - float(rim[[0, -1], 1].mean() - level)
        depth = max(depth, float(lowest))
    seam = _seam(ends, min(depth, DEEPEST_SEAM * width))
    if kind is Neckline.COLLAR:
        # It does not close in front: what is seen there is its inside and the back's.
        along = np.linspace(0, 1, SAMPLES)
        rim = seam + np.clip(1 - np.minimum(along, 1 - along) / TAPER, 0, 1)[:, None] * (rim - seam)
    return Neck(points[0], points[1], frame.outward(seam), back, frame.outward(rim), kind, edge.confidence)


@dataclass(frozen=True, slots=True)
class _Side:
    """One half of the upper outline: v = height - fall * |u| along the shoulder.

    Attributes:
        sign: -1 on the wearer's right, 1 on the left.
        height: Of the shoulder line in the middle.
        fall: Of the shoulder line.
        departs: |u| where the outline leaves it upward; None where it does not.
        mark: The passport's neck point as (u, v), if it has one.
    """

    sign: float
    height: float
    fall: float
    departs: float | None
    mark: Float64 | None

    @classmethod
    def seen(cls, upper: Float64, marks: Mapping[L, Float64], sign: float) -> Self:
        """Fit the shoulder line of one half."""
        side = "LEFT" if sign > 0 else "RIGHT"
        u = U[U >= 0]
        v = np.interp(sign * u, U, upper)
        tip = marks.get(L[f"SHOULDER_{side}"])
        reach = USUAL_TIP if tip is None else float(np.clip(abs(tip[0]), 0.5, 1.1))
        low, high = (share * reach for share in SHOULDER_SPAN)
        span = (u >= low) & (u <= high)
        steps = np.diff(v[span]) / np.diff(u[span])
        fall = float(np.clip(-np.median(steps), FLATTEST, STEEPEST))
        height = float(np.median(v[span] + fall * u[span]))
        above = np.flatnonzero((u <= low) & (v - (height - fall * u) > DEPARTURE))
        departs = float(u[above[-1]]) if len(above) else None
        return cls(sign, height, fall, departs, marks.get(L[f"NECK_{side}"]))

    def on_line(self, distance: float) -> Float64:
        """(u, v) on the shoulder line."""
        return np.array([self.sign * distance, self.height - self.fall * distance])

    def end(self, outline: Float64) -> int:
        """The outline's point at which a neckline without a collar ends."""
        wanted = self.on_line(USUAL_NECK)
        if self.mark is not None and abs(self.mark[1] - self.on_line(abs(self.mark[0]))[1]) < NECK_NEAR:
            wanted = self.mark
        elif self.departs is not None:
            wanted = self.on_line(self.departs)
        return int(np.linalg.norm(outline - wanted, axis=1).argmin())


def _upper_side(outline: Float64) -> Float64:
    """Largest v of the outline over each of `U`."""
    u, v = _dense(outline)
    cell = np.round((u + 1) / 2 * (len(U) - 1)).astype(int)
    inside = (cell >= 0) & (cell < len(U))
    top = np.full(len(U), -np.inf)
    np.maximum.at(top, cell[inside], v[inside])
    seen = np.isfinite(top)
    smooth: Float64 = gaussian_filter1d(np.interp(U, U[seen], top[seen]), 1.0, mode="nearest")
    return smooth


def _dense(outline: Float64) -> tuple[Float64, Float64]:
    """A closed outline's u and v at eight times as many points."""
    closed = np.concatenate([outline, outline[:1]])
    steps = np.linspace(0, len(outline), 8 * len(outline), endpoint=False)
    u, v = (np.interp(steps, np.arange(len(closed)), closed[:, k]) for k in (0, 1))
    return u, v


def _kind(answer: Answer[Neckline] | None, outline: Float64, upper: Float64, sides: tuple[_Side, _Side]) -> Neckline:
    """The passport's answer, unless it is unsure or nothing stands where it should."""
    level = np.mean([side.on_line(USUAL_NECK)[1] for side in sides])
    rise = float(np.percentile(upper[np.abs(U) < USUAL_NECK], BELOW_HOOK) - level)
    said = answer.value if answer is not None and answer.confidence >= SURE else None
    if said is Neckline.HOOD and any(_waist(outline, side.sign) is not None for side in sides):
        return said
    if said in STANDING:
        return said if said is Neckline.COLLAR or rise > DEPARTURE else Neckline.CREW
    return said or (Neckline.HIGH if rise > STANDS else Neckline.CREW)


def _base(outline: Float64, sides: tuple[_Side, _Side], kind: Neckline) -> Float64:
    """2x2: where shoulder lines and collar meet, right and left."""
    if kind is Neckline.HOOD:
        waists = [_waist(outline, side.sign) for side in sides]
        return np.stack(
            [
                side.on_line(HOOD_NECK)
                if waist is None
                else np.array([side.sign * HOOD_NECK, waist[1] + USUAL_FALL * max(waist[0] - HOOD_NECK, 0)])
                for side, waist in zip(sides, waists, strict=True)
            ]
        )
    seen = [side.departs for side in sides if side.departs is not None and NARROWEST < side.departs < WIDEST]
    other = float(np.mean(seen)) if seen else USUAL_NECK
    return np.stack([side.on_line(side.departs if side.departs in seen else other) for side in sides])


def _waist(outline: Float64, sign: float) -> Float64 | None:
    """|u| and v of the narrowest place between a hood and the shoulder; None where the outline only widens."""
    u, v = _dense(outline)
    above = (sign * u > 0) & (v > 0)
    if not above.any():
        return None
    heights = np.linspace(float(v[above].max()), 0, LEVELS)
    level = np.clip(np.searchsorted(-heights, -v[above]), 0, LEVELS - 1)
    width = np.zeros(LEVELS)
    np.maximum.at(width, level, np.abs(u[above]))
    widest_yet = np.maximum.accumulate(width)
    narrower = np.where(width > 0, widest_yet - width, 0)
    at = int(narrower.argmax())
    return np.array([width[at], heights[at]]) if narrower[at] > WAISTED else None


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
