"""A top's corners and edges in its photo: seen, mirrored from the other side, or estimated.

Everything is told in the garment's own frame, pixels with u outward from its middle line and v up, so that both
halves can be compared: the wearer's right half is mirrored. Photos show sleeves that hang, lie on the garment or
behind it, hems in waves, hangers and floors; a corner that is missing or that the other side contradicts is
mirrored, and one that is missing on both sides is put where garments of the kind usually have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from fashquick_common.garment import Landmark
from fashquick_common.garment import LandmarkName as L
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut.outline import resampled

UNSURE = 0.15
"""Confidence of a landmark under which it is looked for anew."""
DISAGREE = 0.22
"""Difference between the sides, in half chest widths, from which one of them must be wrong."""
ON_OUTLINE = 0.10
"""Distance, in half chest widths, within which a corner lies on the outline."""
DETOUR = 1.3
"""An edge longer than this many times the straight line between its corners is not that edge alone."""
HANGING_CHEST = 0.75
"""Half chest width over the outline's half width where long sleeves hang along the sides and hide them."""
LEAST_OF_OUTER, LEAST_OF_TRUNK, MOST_OF_OUTER = 0.45, 0.75, 1.3
"""An armpit's distance from the middle over the outline's half width: least where sleeves or a skirt are in it, least
where it is the trunk's, and most."""
TRUNK_ROWS, LONG_ROWS = (0.50, 0.80), (0.22, 0.40)
"""Part of the garment's height that shows the trunk's width, and that of a dress or coat."""
LEVELS = 120
"""Rows in which the outline's width is taken."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The garment's upright frame in the photo.

    Attributes:
        origin: 2 float64, pixels, on the middle line.
        across: 2 float64 unit vector in the photo, towards the wearer's left.
        unit: Pixels of one of u and v.
    """

    origin: Float64
    across: Float64
    unit: float = 1.0

    def inward(self, pixels: Float64, sign: float = 1.0) -> Float64:
        """Nx2 pixels to Nx2 (u, v); `sign` -1 mirrors, for the wearer's right half."""
        away = (np.asarray(pixels, np.float64) - self.origin) / self.unit
        x, y = self.across
        return np.stack([sign * (away @ self.across), away @ np.array([y, -x])], axis=-1)

    def outward(self, uv: Float64, sign: float = 1.0) -> Float64:
        """Nx2 (u, v) to Nx2 pixels."""
        x, y = self.across
        away = sign * uv[..., :1] * self.across + uv[..., 1:] * np.array([y, -x])
        pixels: Float64 = self.origin + self.unit * away
        return pixels


class Corner(StrEnum):
    """Corners of half a top, in the order of its outline from the neck on."""

    SHOULDER = "shoulder"
    CUFF_UPPER = "cuff-upper"
    CUFF_LOWER = "cuff-lower"
    ARMPIT = "armpit"
    HEM = "hem"


@dataclass(frozen=True, slots=True)
class Mark:
    """A corner's place.

    Attributes:
        at: 2 float64, (u, v).
        sureness: 0 to 1.
        seen: Whether this half of the photo shows it.
    """

    at: Float64
    sureness: float
    seen: bool = True


Marks = Mapping[Corner, Mark]


@dataclass(frozen=True, slots=True)
class Edge:
    """A line of half a top.

    Attributes:
        line: Mx2 float64, (u, v).
        seen: Whether the photo shows it; else it goes straight from corner to corner.
    """

    line: Float64
    seen: bool

    @property
    def length(self) -> float:
        """Pixels."""
        return float(np.linalg.norm(np.diff(self.line, axis=0), axis=1).sum())


class Loop:
    """The closed outline of a garment, read from the neck down one half."""

    def __init__(self, outline: Float64, sign: float) -> None:
        """Take an outline (Nx2, clockwise in the photo) in a half's frame."""
        self.points = outline if sign > 0 else np.ascontiguousarray(outline[::-1])

    def nearest(self, point: Float64) -> int:
        """Index of the point next to `point`."""
        return int(np.linalg.norm(self.points - point, axis=1).argmin())

    def away(self, point: Float64) -> float:
        """Distance of the outline from `point`."""
        return float(np.linalg.norm(self.points - point, axis=1).min())

    def arc(self, first: Float64, last: Float64) -> Float64:
        """Mx2, the outline from the point next to `first` to that next to `last`."""
        i, j, count = self.nearest(first), self.nearest(last), len(self.points)
        line: Float64 = self.points[np.arange(i, (j if j >= i else j + count) + 1) % count]
        return line

    def down_to(self, first: Float64, height: float) -> Float64:
        """Mx2, the outline from the point next to `first` to where it first is lower than `height`."""
        line = np.roll(self.points, -self.nearest(first), axis=0)
        lower = np.flatnonzero(line[:, 1] < height)
        return line[: int(lower[0]) + 1] if len(lower) else line

    def edge(self, first: Float64, last: Float64, near: float, detour: float = DETOUR) -> Edge:
        """The outline between two corners, or a straight line where it does not go from one to the other."""
        straight = np.stack([first, last])
        if self.away(first) > near or self.away(last) > near:
            return Edge(resampled(straight, 20), False)
        found = Edge(self.arc(first, last), True)
        if len(found.line) < 2 or found.length > detour * float(np.linalg.norm(last - first)) + near:
            return Edge(resampled(straight, 20), False)
        return found


def upright(outline: Float64, landmarks: Mapping[L, Landmark], tilt_degrees: float | None) -> Frame:
    """The frame of a garment.

    Args:
        outline: Nx2 float64, pixels.
        landmarks: The passport's.
        tilt_degrees: Clockwise turn of the garment in the photo, if the passport tells it.
    """
    pairs = [
        (landmarks[left], landmarks[right])
        for left, right in (
            (L.NECK_LEFT, L.NECK_RIGHT),
            (L.ARMPIT_LEFT, L.ARMPIT_RIGHT),
            (L.HEM_LEFT, L.HEM_RIGHT),
        )
        if left in landmarks and right in landmarks
    ]
    turn = 0.0 if tilt_degrees is None else np.radians(tilt_degrees)
    if tilt_degrees is None and pairs:
        # The median, since one of them may be wrong.
        turn = float(np.median([np.arctan2(a.y - b.y, a.x - b.x) for a, b in pairs]))
    across = np.array([np.cos(turn), np.sin(turn)])
    rough = Frame(outline.mean(axis=0), across)
    left, right, _ = widths(rough.inward(outline))
    middles = [float(np.median((left - right)[LEVELS // 10 : -LEVELS // 10]) / 2)]
    for a, b in pairs:
        ends = rough.inward(np.array([[a.x, a.y], [b.x, b.y]]))
        middles += [float(ends[:, 0].mean())] * (1 if min(a.confidence, b.confidence) < 0.5 else 2)
    return Frame(rough.outward(np.array([float(np.median(middles)), 0.0])), across)


def widths(outline: Float64) -> tuple[Float64, Float64, Float64]:
    """How far an outline (Nx2, u and v) reaches to the left and to the right in `LEVELS` rows, and the rows' v."""
    closed = np.concatenate([outline, outline[:1]])
    dense = np.stack(
        [
            np.interp(np.linspace(0, len(outline), 8 * len(outline)), np.arange(len(closed)), closed[:, k])
            for k in (0, 1)
        ],
        axis=1,
    )
    low, high = dense[:, 1].min(), dense[:, 1].max()
    row = np.clip(((dense[:, 1] - low) / max(high - low, 1e-9) * LEVELS).astype(int), 0, LEVELS - 1)
    left, right = np.full(LEVELS, -np.inf), np.full(LEVELS, -np.inf)
    np.maximum.at(left, row, dense[:, 0])
    np.maximum.at(right, row, -dense[:, 0])
    return left, right, low + (np.arange(LEVELS) + 0.5) / LEVELS * (high - low)


def read(landmarks: Mapping[L, Landmark], frame: Frame, side: str) -> dict[Corner, Mark]:
    """The passport's corners of one half.

    Args:
        landmarks: The passport's.
        frame: The garment's.
        side: "left" or "right", the wearer's.
    """
    names = {
        Corner.SHOULDER: L(f"shoulder-{side}"),
        Corner.CUFF_UPPER: L(f"cuff-{side}-upper"),
        Corner.CUFF_LOWER: L(f"cuff-{side}-lower"),
        Corner.ARMPIT: L(f"armpit-{side}"),
        Corner.HEM: L(f"hem-{side}"),
    }
    found = {corner: landmarks[name] for corner, name in names.items() if name in landmarks}
    sign = 1.0 if side == "left" else -1.0
    return {
        corner: Mark(frame.inward(np.array([mark.x, mark.y]), sign), mark.confidence)
        for corner, mark in found.items()
        if mark.confidence >= UNSURE
    }


def half_chest(outline: Float64, halves: tuple[Marks, Marks], *, sleeves_hang: bool, long: bool) -> float:
    """Half the chest's width in pixels: from the armpits, or from the outline where none is seen.

    Args:
        outline: Nx2 float64, (u, v).
        halves: Corners as read.
        sleeves_hang: Whether long sleeves may hide the sides.
        long: Whether the garment has a skirt.
    """
    left, right, _ = widths(outline)
    rows = slice(*(int(LEVELS * (1 - share)) for share in reversed(LONG_ROWS if long else TRUNK_ROWS)))
    outer = float(np.median((left + right)[rows])) / 2
    armpits = [half[Corner.ARMPIT] for half in halves if Corner.ARMPIT in half]
    least = LEAST_OF_OUTER if sleeves_hang or long else LEAST_OF_TRUNK
    seen = [float(mark.at[0]) for mark in armpits if least * outer < mark.at[0] < MOST_OF_OUTER * outer]
    if seen:
        return float(np.mean(seen))
    hems = [float(half[Corner.HEM].at[0]) for half in halves if Corner.HEM in half]
    if armpits and hems and not long:
        # Sleeves that are spread out widely make the outline wide; the hem tells what the trunk is like.
        return min(float(np.mean(hems)), outer)
    return outer * (HANGING_CHEST if sleeves_hang else 1.0)


def settled(marks: tuple[Marks, Marks], corner: Corner, half: float, usual: Float64 | None) -> tuple[Mark, Mark] | None:
    """A corner of both halves, agreed.

    Args:
        marks: Of the left and the right half.
        corner: Which.
        half: Half the chest's width, pixels.
        usual: 2 float64, (u, v) for a corner that is missing on both sides.

    Returns:
        Left and right; None where it is missing and nothing is usual.
    """
    left, right = marks[0].get(corner), marks[1].get(corner)
    if left is not None and right is not None:
        if float(np.abs(left.at - right.at).max()) <= DISAGREE * half:
            return left, right
        better = left if left.sureness >= right.sureness else right
        if usual is not None and left.sureness == right.sureness:
            better = min((left, right), key=lambda mark: float(np.linalg.norm(mark.at - usual)))
        return (left, replace(left, seen=False)) if better is left else (replace(right, seen=False), right)
    if left is not None:
        return left, replace(left, seen=False)
    if right is not None:
        return replace(right, seen=False), right
    if usual is None:
        return None
    guess = Mark(usual, 0.0, False)
    return guess, guess


def farthest_from_chord(line: Float64) -> Float64:
    """The point of a line (Mx2) farthest outward (to the left, going along it upright) of the chord of its ends."""
    chord = line[-1] - line[0]
    outward = np.array([-chord[1], chord[0]]) / max(float(np.linalg.norm(chord)), 1e-9)
    point: Float64 = line[int(((line - line[0]) @ outward).argmax())]
    return point
