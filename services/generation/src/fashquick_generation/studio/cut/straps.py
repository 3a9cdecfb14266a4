"""Straps: the narrow pieces that a bodice hangs from, and the bodice without them.

In a photo straps lie crooked, are folded behind, or are too thin to be in the mask at all. So the bodice is measured
without them, and they are drafted: from where they are sewn on straight up to the shoulder, as wide as they are seen.
Positions are (u, v) in pixels, u outward from the middle line, as in `marks`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from fashquick_common.garment import Category, Neckline, Passport
from fashquick_generation.studio.arrays import Float64, UInt8
from fashquick_generation.studio.cut import inside
from fashquick_generation.studio.cut.marks import Frame, Loop, Mark, farthest_from_chord
from fashquick_generation.studio.cut.outline import largest_piece, smooth_contour

WIDEST = 0.27
"""Width of a strap, in half chest widths: 6.5 cm. What is wider is a shoulder."""
SHORTEST = 0.30
"""Length of a strap that is seen, likewise."""
THINNEST = 0.02
"""Width of a cord, likewise."""
UNSEEN_WIDTH = 0.05
"""Width of straps that the mask has lost, likewise: only thin ones are lost."""
LOWEST = 0.9
"""How far under a bodice's top a strap may end, likewise."""
SPREAD = 1.25
"""Distance of a strap from the middle, likewise."""
FLAT = 0.65
"""Least height of shoulders over the armholes' ends, likewise: a bodice without its straps is lower."""
NARROWEST = 0.7
"""Least distance of the armholes' ends from the middle, likewise: where they seem nearer, they were not found."""
SIDE_SPAN = 0.9
"""Height below a strap in which an armhole ends, likewise."""
OUTWARD = 0.5
"""How much farther out a bodice's upper corner may be for each step that it is lower."""
ARMHOLE = 0.85
"""Height of a strap's upper end over the armhole's, in half chest widths: 20 cm, as high as the armpit."""
FARTHEST = 0.55
"""Distance from the middle at which a strap is worn, likewise: one that is sewn on at the side slips off."""
LEAST_RISE = 0.3
"""Least height, likewise, of a bodice's upper edge over its armholes' ends: it may have no more than a corner."""
SURE = 0.5
"""How sure the corners of a bodice are."""
HAVE = frozenset({Category.DRESS, Category.SLEEVELESS_TOP})
"""Garments that may have straps."""
DIP_NEAR = 0.08
"""Half the width in which it is lowest, over half the garment's width."""
DEEP = 0.8
"""Depth, likewise, of a neckline between shoulders: a bodice's upper edge dips less."""
TOLD = 0.55
"""Confidence from which the passport's answer is taken."""
SEWN_PX = 5
"""Gap between a strap and the bodice that the smoothing of the latter leaves."""


@dataclass(frozen=True, slots=True)
class Straps:
    """A bodice with straps.

    Attributes:
        bodice: HxW uint8, 1 on the front without straps.
        line: Nx2 float64, pixels: its outline, clockwise.
        sewn: Where straps are sewn on, 2 float64, on the left half and on the right one.
        armpits: Lower ends of the armholes, likewise.
        width: Of a strap, pixels.
    """

    bodice: UInt8
    line: Float64
    sewn: tuple[Float64, Float64]
    armpits: tuple[Mark, Mark]
    width: float

    @property
    def ends(self) -> tuple[Mark, Mark]:
        """`sewn` as corners, for the shoulders that a bodice does not have."""
        left, right = (Mark(at, SURE) for at in self.sewn)
        return left, right


def found(alpha: UInt8, mask: UInt8, frame: Frame, half: float, passport: Passport) -> Straps | None:
    """Look for straps.

    Args:
        alpha: HxW uint8.
        mask: HxW uint8, 1 on the garment, in one piece.
        frame: The garment's.
        half: Half the chest's width, pixels, roughly.
        passport: Its areas of the inside are no part of the front; where it says that there are straps, they need not
            be seen.

    Returns:
        None where the garment has shoulders, or is of a kind without straps.
    """
    if passport.category not in HAVE:
        return None
    answer = None if passport.geometry is None else passport.geometry.neckline
    told = answer is not None and answer.value is Neckline.STRAPS and answer.confidence >= TOLD
    covered = (alpha >= 128).astype(np.uint8)
    size = round(WIDEST * half) | 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    broad = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc), np.uint8)
    pieces = _pieces(covered & (1 - broad), broad, frame, half) if broad.any() else []
    if not pieces and (not told or _dips(frame.inward(smooth_contour(mask))) > DEEP * half):
        return None
    bodice = mask & (1 - inside.shown(passport, mask))
    for piece, _, _ in pieces:
        bodice &= 1 - piece
    bodice = largest_piece(bodice)
    line = smooth_contour(bodice)
    uv = frame.inward(line)
    loops = Loop(uv, 1.0), Loop(uv * (-1, 1), -1.0)
    seen = [[at for _, at, _ in pieces if sign * at[0] > 0] for sign in (1.0, -1.0)]
    ends = [
        _sewn(loop, [at * (sign, 1) for at in of], half) for loop, of, sign in zip(loops, seen, (1, -1), strict=True)
    ]
    for k in (0, 1):
        if pieces and not seen[k]:
            ends[k] = loops[k].points[loops[k].nearest(ends[1 - k])]
    armpits = [_armhole_end(loop, end, half) for loop, end in zip(loops, ends, strict=True)]
    narrow = float(np.mean([armpit[0] for armpit in armpits])) < NARROWEST * half
    rise = float(np.mean([end[1] - armpit[1] for end, armpit in zip(ends, armpits, strict=True)]))
    if narrow or (not pieces and rise > FLAT * half):
        return None
    ends = [_inward(loop, end, FARTHEST * half) for loop, end in zip(loops, ends, strict=True)]
    armpits = [
        armpit
        if end[1] - armpit[1] > LEAST_RISE * half
        else np.array(loop.down_to(armpit, float(end[1]) - LEAST_RISE * half)[-1])
        for loop, end, armpit in zip(loops, ends, armpits, strict=True)
    ]
    width = float(np.mean([width for _, _, width in pieces])) if pieces else UNSEEN_WIDTH * half
    left, right = (Mark(armpit, SURE) for armpit in armpits)
    return Straps(bodice, line, (ends[0], ends[1]), (left, right), width)


def _pieces(thin: UInt8, broad: UInt8, frame: Frame, half: float) -> list[tuple[UInt8, Float64, float]]:
    """Straps among what is thin: their pixels, where they are sewn on (u to the left), and their widths."""
    top = _places(broad, frame)[:, 1].max()
    near = cv2.dilate(broad, np.ones((2 * SEWN_PX + 1, 2 * SEWN_PX + 1), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(thin)
    out = []
    for label in range(1, count):
        if stats[label, cv2.CC_STAT_AREA] < THINNEST * SHORTEST * half**2:
            continue
        piece = (labels == label).astype(np.uint8)
        uv = _places(piece, frame)
        length = float(np.hypot(*np.ptp(uv, axis=0)))
        touching = _places(piece & near, frame)
        width = len(uv) / max(length, 1.0)
        narrow = length > SHORTEST * half and width < WIDEST * half
        if not (narrow and len(touching) and abs(uv[:, 0].mean()) < SPREAD * half):
            continue
        at = touching.mean(axis=0)
        if at[1] > top - LOWEST * half and uv[:, 1].max() > at[1] + 0.5 * SHORTEST * half:
            out.append((piece, at, width))
    return out


def _places(mask: UInt8, frame: Frame) -> Float64:
    """Nx2 (u, v) of a mask's pixels, u to the left."""
    rows, columns = np.nonzero(mask)
    return frame.inward(np.stack([columns, rows], axis=1).astype(np.float64) + 0.5)


def _dips(uv: Float64) -> float:
    """How far an outline (Nx2) dips in the middle under its upper corners."""
    upper = uv[:, 1] > np.median(uv[:, 1])
    middle = upper & (np.abs(uv[:, 0]) < DIP_NEAR * np.abs(uv[:, 0]).max())
    sides = [uv[upper & (sign * uv[:, 0] > 0), 1].max(initial=-np.inf) for sign in (1, -1)]
    return float(min(sides) - uv[middle, 1].max(initial=-np.inf))


def _sewn(loop: Loop, seen: list[Float64], half: float) -> Float64:
    """Where a half's strap is sewn on: the outline's point next to one that is seen, or the bodice's upper corner."""
    if seen:
        return np.array(loop.points[loop.nearest(np.mean(seen, axis=0))])
    u, v = loop.points.T
    above = (u > 0.2 * half) & (v > np.median(v))
    return np.array(loop.points[int(np.where(above, v + OUTWARD * u, -np.inf).argmax())])


def _inward(loop: Loop, end: Float64, most: float) -> Float64:
    """The point of the upper edge, from `end` towards the middle, that is at most so far out."""
    before = np.roll(loop.points, -loop.nearest(end) - 1, axis=0)[::-1]
    return np.array(before[np.argmax(before[:, 0] <= most)]) if end[0] > most else end


def _armhole_end(loop: Loop, end: Float64, half: float) -> Float64:
    """The corner between armhole and side below a strap that is sewn on at `end`."""
    return farthest_from_chord(loop.down_to(end, float(end[1]) - SIDE_SPAN * half))
