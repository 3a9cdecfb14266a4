"""Horizontal sections through a standing figure, and tubes of given girths around them."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import ConvexHull

from fashquick_generation.studio.arrays import Float64, Int32

POINTS = 96
"""Points of a ring."""
SMOOTHING = 2.0
"""Standard deviation, in points, of a ring's smoothing: cloth spans hollows and does not show single vertices."""


def crossing(points: Float64, faces: Int32, heights: Float64, level: float) -> Float64:
    """Where a mesh's edges cross a level.

    Args:
        points: Nx3 float64.
        faces: Fx3 int32.
        heights: Fx3 float64, of the faces' corners.
        level: Height.

    Returns:
        Nx2 float64, x and y; often none.
    """
    above = heights > level
    corners = points[faces[above.any(axis=1) & ~above.all(axis=1)]]
    first, second = corners, np.roll(corners, -1, axis=1)
    crosses = (first[..., 2] > level) != (second[..., 2] > level)
    first, second = first[crosses], second[crosses]
    share = (level - first[:, 2]) / (second[:, 2] - first[:, 2])
    out: Float64 = first[:, :2] + share[:, None] * (second - first)[:, :2]
    return out


def ring(section: Float64) -> Float64:
    """A smooth closed line around a section, as tight as cloth lies.

    Args:
        section: Nx2 float64.

    Returns:
        POINTSx2 float64 at equal distances: from the middle of the front over the wearer's left side, the back's
        middle at half the way.
    """
    hull = section[ConvexHull(section).vertices]
    if _turn(hull) < 0:
        hull = hull[::-1]
    line = _from_front(hull)
    smooth = gaussian_filter1d(line, SMOOTHING, axis=0, mode="wrap")
    # Smoothing draws a ring in.
    return widened(smooth, girth(line))


def girth(line: Float64) -> float:
    """Length of a closed line."""
    return float(np.linalg.norm(line - np.roll(line, -1, axis=0), axis=1).sum())


def widened(line: Float64, wanted: float) -> Float64:
    """A ring moved outward, or inward, everywhere by the same distance until it has the wanted girth."""
    tangent = np.roll(line, -1, axis=0) - np.roll(line, 1, axis=0)
    outward = np.stack([tangent[:, 1], -tangent[:, 0]], axis=1)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True) + 1e-12
    out: Float64 = line + (wanted - girth(line)) / (2 * np.pi) * outward
    return out


def around(rings: Float64, level: Float64, share: Float64) -> Float64:
    """Points on a stack of rings.

    Args:
        rings: LxPOINTSx2 float64.
        level: N float64, number of the ring, fractions between two.
        share: N float64, of the way around, from the front over the left; any real number.

    Returns:
        Nx2 float64.
    """
    low = np.clip(np.floor(level).astype(int), 0, len(rings) - 2)
    up = np.clip(level - low, 0, 1)[:, None]
    place = (share % 1.0) * rings.shape[1]
    first = np.floor(place).astype(int) % rings.shape[1]
    second, part = (first + 1) % rings.shape[1], (place - np.floor(place))[:, None]
    lower = rings[low, first] * (1 - part) + rings[low, second] * part
    upper = rings[low + 1, first] * (1 - part) + rings[low + 1, second] * part
    out: Float64 = lower * (1 - up) + upper * up
    return out


def on_ring(line: Float64, share: Float64) -> Float64:
    """Nx2 float64, points of one ring at shares of the way around, any real numbers."""
    return around(np.stack([line, line]), np.zeros(len(share)), share)


def _turn(polygon: Float64) -> float:
    x, y = polygon.T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))


def _from_front(polygon: Float64) -> Float64:
    """A polygon, counter-clockwise from above, as POINTS points from the front's middle on.

    The half over the left runs from the foremost to the hindmost point of the middle line, and both halves are cut
    into equally many parts.
    """
    middle = (polygon[:, 0].min() + polygon[:, 0].max()) / 2
    closed = np.concatenate([polygon, polygon[:1]])
    along = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))]
    side = closed[:, 0] - middle
    at = []
    for k in np.flatnonzero((side[:-1] < 0) != (side[1:] < 0)):
        share = side[k] / (side[k] - side[k + 1])
        at.append(
            (closed[k, 1] + share * (closed[k + 1, 1] - closed[k, 1]), along[k] + share * (along[k + 1] - along[k]))
        )
    front, back = min(at)[1], max(at)[1]
    total = along[-1]
    half = POINTS // 2
    first = front + np.linspace(0, 1, half, endpoint=False) * ((back - front) % total)
    second = back + np.linspace(0, 1, POINTS - half, endpoint=False) * ((front - back) % total)
    where = np.concatenate([first, second]) % total
    return np.stack([np.interp(where, along, closed[:, k]) for k in (0, 1)], axis=1)
