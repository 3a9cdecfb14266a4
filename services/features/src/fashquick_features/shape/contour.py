"""Measurements on a closed clockwise contour in the upright frame: arcs, pockets, corners, mirrored sides.

All functions take Nx2 float64 contours as `outline.trace` orders them: clockwise on a screen whose y points
down, so that from the top centre one comes to the right side (the wearer's left), the hem, the left side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull, QhullError

from fashquick_features.shape.outline import Points, resample

LONGEST_BRIDGE = 0.3  # of the garment's height: what hangs together for longer is one piece

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Pocket:
    """A bay of the contour under its convex hull.

    Attributes:
        start: Index of the hull point before the bay, clockwise.
        end: Index of the hull point after it.
        deepest: Index of the point farthest from the hull's edge.
        depth: Its distance to that edge.
    """

    start: int
    end: int
    deepest: int
    depth: float


def arc(count: int, first: int, last: int) -> Indices:
    """Indices from `first` clockwise to `last`, both included, on a contour of `count` points."""
    return np.arange(first, first + (last - first) % count + 1) % count


def mirrored(points: Points) -> Points:
    """The contour's mirror image at u = 0, again clockwise: point i becomes point N - 1 - i."""
    return (points * (-1.0, 1.0))[::-1].copy()


def chord_distance(points: Points, start: Points, end: Points) -> npt.NDArray[np.float64]:
    """Signed distance of points to the line start-end; positive on the right of the way, inside the contour."""
    along = end - start
    length = float(np.hypot(*along))
    if length < 1e-9:
        return np.asarray(np.hypot(*(points - start).T))
    offset = points - start
    return np.asarray((along[0] * offset[:, 1] - along[1] * offset[:, 0]) / length)


def pockets(points: Points) -> list[Pocket]:
    """All bays of the contour under its convex hull, deepest first."""
    try:
        hull = np.sort(ConvexHull(points).vertices)
    except QhullError:
        return []
    found = []
    for start, end in zip(hull, np.roll(hull, -1), strict=True):
        between = arc(len(points), int(start), int(end))
        if len(between) < 4:
            continue
        depth = chord_distance(points[between], points[start], points[end])
        deepest = int(depth.argmax())
        found.append(Pocket(int(start), int(end), int(between[deepest]), float(depth[deepest])))
    return sorted(found, key=lambda pocket: -pocket.depth)


def opened(points: Points, holes: tuple[Points, ...], reach: tuple[float, float]) -> Points:
    """Let holes run out into the open where they come nearest to the hem, as if what touches there lay apart.

    Args:
        points: Contour in the upright frame.
        holes: Outlines of holes, counter-clockwise, in the same frame.
        reach: Distances from the axis, as parts of the half width, between which a hole's centre must lie.

    Returns:
        A contour of as many points that runs around those holes, too.
    """
    half = 0.5 * float(np.ptp(points[:, 0]))
    joined = points
    for hole in holes:
        if not reach[0] * half < abs(float(hole[:, 0].mean())) < reach[1] * half:
            continue
        low = int(hole[:, 1].argmax())
        apart = np.hypot(*(joined - hole[low]).T)
        # A gap opens downwards; above its lower end the way to the outside leads through the sleeve.
        apart[joined[:, 1] < hole[low, 1]] = np.inf
        near = int(apart.argmin())
        if apart[near] < LONGEST_BRIDGE:
            around = np.roll(hole, -low, axis=0)
            joined = np.vstack([joined[: near + 1], around, around[:1], joined[near:]])
    return joined if joined is points else resample(joined, len(points))


def axis_crossing(points: Points) -> int:
    """Index of the lowest point at which the contour crosses the axis on its way from the right to the left."""
    right = points[:, 0] >= 0
    crossings = np.nonzero(right & ~np.roll(right, -1))[0]
    if not len(crossings):
        return int(points[:, 1].argmax())
    return int(crossings[points[crossings, 1].argmax()])


def farthest_from_chord(points: Points, between: Indices) -> int:
    """Index of an arc's corner: the point that lies farthest outside the line between its ends."""
    height = -chord_distance(points[between], points[between[0]], points[between[-1]])
    return int(between[height.argmax()])


def corner_pair(points: Points, between: Indices, least: float = 0.0) -> tuple[int, int]:
    """The two corners of an arc: the pair that spans the largest quadrilateral with the arc's two ends.

    Args:
        points: Contour.
        between: Indices of the arc, at least four.
        least: Distance that the corners must have, where the arc is long enough for it.

    Returns:
        Contour indices of the first and the second corner.
    """
    chain = points[between]
    first, last = chain[0], chain[-1]
    a, b = chain[1:-1, None], chain[None, 1:-1]
    area = np.abs(_cross(first, a) + _cross(a, b) + _cross(b, last) + _cross(last, first))
    near = np.hypot(*(a - b).transpose(2, 0, 1)) < least
    area = np.where(np.tri(len(chain) - 2, dtype=bool), -1.0, np.where(near, 0.0, area))
    one, two = np.unravel_index(int(area.argmax()), area.shape)
    return int(between[one + 1]), int(between[two + 1])


def _cross(p: Points, q: Points) -> npt.NDArray[np.float64]:
    return np.asarray(p[..., 0] * q[..., 1] - p[..., 1] * q[..., 0])
