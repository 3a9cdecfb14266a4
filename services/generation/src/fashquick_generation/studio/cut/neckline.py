"""The edge of the front panel at the neck.

In a photo of a T-shirt lying flat the outline between the neck points is the back panel's edge; the front panel's
lies below it, inside the garment, and between the two the inside of the back is seen. The edge is looked for as
the curve of a small family (round to V, shallow to deep) along which colours change most, in the spirit of
Daugman's integro-differential operator ("High confidence visual recognition of persons by a test of statistical
independence", 1993, eq. 2). What the passport says of the neckline tells how deep and how pointed it should be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np

from fashquick_common.garment import Answer, Neckline
from fashquick_generation.studio.arrays import Float32, Float64, UInt8
from fashquick_generation.studio.cut.outline import resampled

SAMPLES = 61
"""Points along a candidate curve."""
ROUNDNESS = (2.6, 2.0, 1.6, 1.3, 1.05)
"""Exponents of |x|^p + y^p = 1: boxier than an ellipse, an ellipse, two between, almost a V."""
DEEPEST = 1.35
"""Depth of a neckline under the line between the neck points, as a share of the neck's width."""
BELOW_BACK = 0.12
"""Least distance between the back's edge and the front's, in the same measure: less is the rim of one panel."""
CUT_OUT = 0.33
"""An outline that sags more than this already is the front's edge: the mask leaves out the inside of the back."""
AROUND = 0.3
"""Margin around the searched region, in the same measure."""
DEPTHS = 52
CLEAR_EDGE = 1.6
"""An edge counts if colours change this much more along it than along the middle one of all candidates."""
AGREEING = 35
"""Percentile along a curve that counts: most of it must show the change, and a label's edge is only a piece."""
KNOWN_SHARE = 0.12
"""How exact the passport's lowest point is, as a share of the neck's width."""
KNOWN_WEIGHT = 0.6
"""By how much edges near that point count more. It is often the lower edge of the label instead."""
STEP_SHARE = 0.05
"""Distance between the two sides that are compared, as a share of the neck's width."""
STRONG_CHANGE = 0.15
"""Colour change (of 1) from which a stronger one does not count more, so that print does not win over cloth."""
FAINTEST_CHANGE = 0.012
"""Colour change that is no more than the cloth's own texture."""
UNLIKELY = 0.12
"""How much an edge counts that lies where the passport expects none, when the passport is sure."""


FALLS_OPEN = np.linspace(0.3, 2.1, 25)
"""Depths under its corners, in the same measure, at which the two sides of a collar may meet."""
OPEN_FROM = 0.7
"""Depth from which a collar is open; what lies higher is the inside's own seam."""
OPEN_SHAPES = (1.3, 1.6)
"""Roundness of its edges."""
OPEN_ASIDE = (-0.15, 0.0, 0.15)
"""How far to the side they may meet, in the same measure."""
OPEN_SHARE = 0.35
"""How strong the edges must be against the strongest of all depths."""
OPEN_FAINTEST = 0.008
"""Colour change along them that is no more than the cloth's own texture."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What necklines of one kind are like.

    Attributes:
        depth: Usual depth, as a share of the neck's width.
        spread: Standard deviation of it.
        trust: How readily each of `ROUNDNESS` is believed.
    """

    depth: float
    spread: float
    trust: tuple[float, float, float, float, float]


EXPECTED: Mapping[Neckline | None, Expected] = MappingProxyType(
    {
        Neckline.CREW: Expected(0.36, 0.16, (0.9, 1.0, 0.95, 0.5, 0.2)),
        Neckline.SCOOP: Expected(0.55, 0.25, (0.9, 1.0, 0.95, 0.5, 0.3)),
        Neckline.V: Expected(0.80, 0.30, (0.3, 0.45, 0.7, 1.0, 1.0)),
        Neckline.COLLAR: Expected(0.45, 0.25, (0.8, 1.0, 1.0, 0.9, 0.8)),
        Neckline.HIGH: Expected(0.25, 0.20, (0.9, 1.0, 1.0, 0.8, 0.7)),
        Neckline.HOOD: Expected(0.45, 0.25, (0.8, 1.0, 1.0, 0.9, 0.7)),
        Neckline.STRAPS: Expected(0.60, 0.30, (1.0, 1.0, 1.0, 0.8, 0.7)),
        None: Expected(0.42, 0.25, (0.9, 1.0, 0.95, 0.7, 0.5)),
    }
)
"""Depth and shape by the passport's answer."""


@dataclass(frozen=True, slots=True)
class Edge:
    """The front panel's edge.

    Attributes:
        line: `SAMPLES` x 2 float64, pixels, from the wearer's right neck point to the left one.
        confidence: 0 (what is usual for the kind) to 1 (clearly seen).
    """

    line: Float64
    confidence: float


def front_edge(
    photo: UInt8, back: Float64, answer: Answer[Neckline] | None, known: Float64 | None = None, sureness: float = 0.0
) -> Edge:
    """The front panel's edge.

    Args:
        photo: HxWx3 uint8.
        back: Mx2 float64, pixels, the outline from the wearer's right neck point to the left one.
        answer: The passport's, if there is one.
        known: 2 float64, pixels, the passport's lowest point of the neckline, if it has one.
        sureness: Its confidence, 0 to 1.
    """
    right, left = back[0], back[-1]
    width = max(float(np.linalg.norm(left - right)), 1.0)
    kind = None if answer is None else answer.value
    fall = sag(back)
    if fall > CUT_OUT * width:
        return Edge(resampled(back, SAMPLES), 1.0)
    likely = EXPECTED.get(kind, EXPECTED[None])
    sure = 0.5 if answer is None or answer.value is None else answer.confidence
    least = fall + BELOW_BACK * width
    depths = np.linspace(least, max(DEEPEST * width, 1.3 * least), DEPTHS)
    change = _changes(photo, right, left, width, depths)
    weight = (1 - sure) + sure * np.maximum(_bump(depths / width, likely.depth, likely.spread), UNLIKELY)
    if known is not None:
        depth = float((known - right) @ _down(right, left))
        weight = weight * (1 + KNOWN_WEIGHT * sureness * _bump(depths, depth, KNOWN_SHARE * width))
    scored = change * np.array(likely.trust)[:, None] * weight
    shape, deep = np.unravel_index(int(scored.argmax()), scored.shape)
    clear = float(scored.max()) / max(CLEAR_EDGE * float(np.median(scored)), FAINTEST_CHANGE)
    if clear < 1:
        usual = max(likely.depth * width, least)
        return Edge(curve(right, left, usual, ROUNDNESS[int(np.argmax(likely.trust))]), 0.0)
    found = curve(right, left, float(depths[deep]), ROUNDNESS[int(shape)])
    return Edge(found, float(np.clip((clear - 1) / 2, 0.1, 1)))


def level_edge(back: Float64) -> Float64:
    """The front's edge where nothing is seen between it and the back's: as low as the outline, or just under it.

    Args:
        back: Mx2 float64, pixels, the outline from the wearer's right neck point to the left one.
    """
    width = float(np.linalg.norm(back[-1] - back[0]))
    if sag(back) > BELOW_BACK * width:
        return resampled(back, SAMPLES)
    return curve(back[0], back[-1], BELOW_BACK * width, ROUNDNESS[1])


def closed_edge(back: Float64, kind: Neckline) -> Float64:
    """The edge of a front that hangs open, when it is closed: as is usual for the neckline.

    Args:
        back: Mx2 float64, pixels, the outline from the wearer's right neck point to the left one.
        kind: Of the neckline.
    """
    likely = EXPECTED.get(kind, EXPECTED[None])
    depth = likely.depth * float(np.linalg.norm(back[-1] - back[0]))
    return curve(back[0], back[-1], depth, ROUNDNESS[int(np.argmax(likely.trust))])


def opened(edge: Float64) -> float | None:
    """How deep a collar whose front ends at `edge` is open, pixels; None if it is closed."""
    depth = sag(edge)
    return depth if depth > OPEN_FROM * float(np.linalg.norm(edge[-1] - edge[0])) else None


def open_depth(photo: UInt8, right: Float64, left: Float64) -> float | None:
    """How deep under its upper corners the sides of a collar meet, pixels; None where that is not seen.

    Args:
        photo: HxWx3 uint8.
        right: 2 float64, pixels, the collar's corner on the wearer's right.
        left: The left one.
    """
    width = max(float(np.linalg.norm(left - right)), 1.0)
    smooth, corner = _region(photo, right, left, width, FALLS_OPEN[-1] * width)
    lines = np.array(
        [[curve(right - corner, left - corner, depth, p) for p in OPEN_SHAPES] for depth in FALLS_OPEN * width]
    )
    fallen = (lines - lines[..., :1, :]) @ _down(right, left) / (FALLS_OPEN * width)[:, None, None]
    moved = np.array([lines + aside * fallen[..., None] * (left - right) for aside in OPEN_ASIDE])
    both = _agreement(smooth, moved, STEP_SHARE * width / 2, parts=2).min(axis=-1)
    found = both.max(axis=(0, 2))
    deep = FALLS_OPEN >= OPEN_FROM
    best = float(found[deep].max())
    if best < max(OPEN_SHARE * float(found.max()), OPEN_FAINTEST):
        return None
    return float(FALLS_OPEN[deep][int(found[deep].argmax())]) * width


def curve(right: Float64, left: Float64, depth: float, roundness: float) -> Float64:
    """A neckline: |x|^p + y^p = 1 between the neck points, `depth` pixels deep."""
    angle = np.linspace(np.pi, 0, SAMPLES)
    x = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (2 / roundness)
    y = np.sin(angle) ** (2 / roundness)
    half = (left - right) / 2
    line: Float64 = (left + right) / 2 + x[:, None] * half + depth * y[:, None] * _down(right, left)
    return line


def _bump(x: Float64, middle: float, spread: float) -> Float64:
    out: Float64 = np.exp(-0.5 * ((x - middle) / spread) ** 2)
    return out


def _down(right: Float64, left: Float64) -> Float64:
    across = left - right
    unit: Float64 = np.array([-across[1], across[0]]) / max(float(np.linalg.norm(across)), 1e-9)
    return unit


def sag(back: Float64) -> float:
    """How far a line lies under the straight one between its ends at most, pixels."""
    return float(((back - back[0]) @ _down(back[0], back[-1])).max())


def _changes(photo: UInt8, right: Float64, left: Float64, width: float, depths: Float64) -> Float64:
    """Change of colour along every candidate: a row a roundness, a column a depth."""
    smooth, corner = _region(photo, right, left, width, DEEPEST * width)
    lines = np.array([[curve(right - corner, left - corner, depth, p) for depth in depths] for p in ROUNDNESS])
    return _agreement(smooth, lines, STEP_SHARE * width / 2, parts=1)[..., 0]


def _region(photo: UInt8, right: Float64, left: Float64, width: float, depth: float) -> tuple[Float32, Float64]:
    """The smoothed photo around a neckline, 0 to 1, and its first pixel."""
    corner = np.maximum(np.floor(np.minimum(right, left) - AROUND * width).astype(int), 0)
    last = np.ceil(np.maximum(right, left) + AROUND * width + depth).astype(int)
    region = photo[corner[1] : last[1], corner[0] : last[0]]
    smooth = cv2.GaussianBlur(region, (0, 0), max(0.006 * width, 0.6))
    return np.asarray(smooth, np.float32) / np.float32(255), corner.astype(np.float64)


def _agreement(photo: Float32, lines: Float64, step: float, parts: int) -> Float64:
    """Colour difference between two sides that is the same along each part of a line, its ends left out.

    Args:
        photo: HxWx3 float32, 0 to 1.
        lines: ...xSx2 float64, pixels.
        step: Distance of either side from the line.
        parts: Pieces of equal length that a line is cut to.

    Returns:
        ...x`parts` float64, 0 to `STRONG_CHANGE`.
    """
    tangent = np.gradient(lines, axis=-2)
    normal = np.stack([-tangent[..., 1], tangent[..., 0]], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-9
    inner, outer = (_colours(photo, lines + sign * step * normal) for sign in (-1.0, 1.0))
    away = (inner - outer)[..., SAMPLES // 10 : -(SAMPLES // 10), :]
    found = []
    for part in np.array_split(away, parts, axis=-2):
        usual = np.median(part, axis=-2, keepdims=True)
        along = (part * usual).sum(axis=-1) / (np.linalg.norm(usual, axis=-1) + 1e-9)
        found.append(np.clip(np.percentile(along, AGREEING, axis=-1), 0, STRONG_CHANGE))
    return np.stack(found, axis=-1)


def _colours(photo: Float32, pixels: Float64) -> Float32:
    at = (pixels.reshape(-1, SAMPLES, 2) - 0.5).astype(np.float32)
    colours = cv2.remap(photo, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(colours, np.float32).reshape(*pixels.shape[:-1], 3)
