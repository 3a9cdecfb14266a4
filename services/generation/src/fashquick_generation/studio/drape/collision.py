"""Which piece of a surface lies next to each point of the cloth."""

# ruff: noqa: PLR0917 - kernels are called by position: numba has no keyword-only arguments.

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from scipy.spatial import cKDTree

from fashquick_generation.studio.arrays import Bool, Float64, Int32
from fashquick_generation.studio.drape.solver import Contacts

REACH_M = 0.12
"""Cloth farther from the body than this cannot touch it within a frame."""
FRESH_FRAMES = 6
"""Frames between searches over the whole surface; in between the nearest vertex is followed over edges."""


@dataclass(frozen=True, slots=True)
class Surface:
    """A mesh to collide with.

    Attributes:
        faces: Fx3 int32.
        first: V+1 int32, where a vertex's faces begin in `around`.
        around: Int32, faces.
        rim: V bool, vertices on the mesh's border, where "in front of" means little.
        used: Int32, vertices that faces use.
    """

    faces: Int32
    first: Int32
    around: Int32
    rim: Bool
    used: Int32


@dataclass(frozen=True, slots=True)
class Shape:
    """Where a mesh is in a frame.

    Attributes:
        points: Vx3 float64 metres, at its start.
        normals: Vx3 float64 unit vectors, outward.
        motion: Vx3 float64, how far each point moves in the frame.
    """

    points: Float64
    normals: Float64
    motion: Float64


def surface_of(faces: Int32, count: int) -> Surface:
    """Prepare a mesh of `count` vertices."""
    first, around = _fans(faces, count)
    rim = _rim(faces, first, around)
    return Surface(faces, first, around, rim, np.flatnonzero(np.diff(first)).astype(np.int32))


@numba.njit(nogil=True, cache=True)
def _fans(faces: Int32, count: int) -> tuple[Int32, Int32]:
    first = np.zeros(count + 1, np.int32)
    for f in range(faces.shape[0]):
        for k in range(3):
            first[faces[f, k] + 1] += 1
    first = np.cumsum(first).astype(np.int32)
    filled = first[:-1].copy()
    around = np.empty(faces.size, np.int32)
    for f in range(faces.shape[0]):
        for k in range(3):
            at = faces[f, k]
            around[filled[at]] = f
            filled[at] += 1
    return first, around


@numba.njit(nogil=True, cache=True)
def _rim(faces: Int32, first: Int32, around: Int32) -> Bool:
    """Vertices on the border: around an inner one every neighbour is met in two faces."""
    count = first.shape[0] - 1
    rim = np.zeros(count, np.bool_)
    met = np.zeros(count, np.int8)
    for at in range(count):
        fan = faces[around[first[at] : first[at + 1]]].ravel()
        for other in fan:
            met[other] += 1
        for other in fan:
            if other != at and met[other] == 1:
                rim[at] = True
        for other in fan:
            met[other] = 0
    return rim


@numba.njit(nogil=True, cache=True)
def _closest(p: Float64, a: Float64, b: Float64, c: Float64) -> tuple[float, float]:  # noqa: PLR0911 - a region each
    """Weights of b and c at the point of a triangle closest to p.

    C. Ericson, "Real-time collision detection" (2005), section 5.1.5.
    """
    d1 = d2 = d3 = d4 = d5 = d6 = 0.0
    for k in range(3):
        ab, ac = b[k] - a[k], c[k] - a[k]
        d1 += ab * (p[k] - a[k])
        d2 += ac * (p[k] - a[k])
        d3 += ab * (p[k] - b[k])
        d4 += ac * (p[k] - b[k])
        d5 += ab * (p[k] - c[k])
        d6 += ac * (p[k] - c[k])
    if d1 <= 0.0 and d2 <= 0.0:
        return 0.0, 0.0
    if d3 >= 0.0 and d4 <= d3:
        return 1.0, 0.0
    vc = d1 * d4 - d3 * d2
    if vc <= 0.0 and d1 >= 0.0 and d3 <= 0.0:
        return d1 / (d1 - d3), 0.0
    if d6 >= 0.0 and d5 <= d6:
        return 0.0, 1.0
    vb = d5 * d2 - d1 * d6
    if vb <= 0.0 and d2 >= 0.0 and d6 <= 0.0:
        return 0.0, d2 / (d2 - d6)
    va = d3 * d6 - d5 * d4
    if va <= 0.0 and d4 - d3 >= 0.0 and d5 - d6 >= 0.0:
        w = (d4 - d3) / ((d4 - d3) + (d5 - d6))
        return 1.0 - w, w
    total = va + vb + vc
    if total == 0.0:
        return 0.0, 0.0
    return vb / total, vc / total


@numba.njit(nogil=True, cache=True)
def _follow(
    x: Float64, which: Int32, nearest: Int32, points: Float64, faces: Int32, first: Int32, around: Int32
) -> None:
    """Walk from each point's vertex over faces to a nearer one, until none is."""
    for m in range(which.shape[0]):
        i, at = which[m], nearest[m]
        best = 0.0
        for k in range(3):
            best += (x[i, k] - points[at, k]) ** 2
        moved = True
        while moved:
            moved = False
            here = at
            for n in range(first[here], first[here + 1]):
                for corner in range(3):
                    other = faces[around[n], corner]
                    away = 0.0
                    for k in range(3):
                        away += (x[i, k] - points[other, k]) ** 2
                    if away < best:
                        best, at, moved = away, other, True
        nearest[m] = at


@numba.njit(nogil=True, cache=True)
def _touch(
    x: Float64,
    which: Int32,
    nearest: Int32,
    points: Float64,
    normals: Float64,
    motion: Float64,
    faces: Int32,
    first: Int32,
    around: Int32,
    rim: Bool,
    wanted: Float64,
    out_points: Float64,
    out_normals: Float64,
    out_motion: Float64,
    out_clearance: Float64,
) -> None:
    for m in range(which.shape[0]):
        i, at = which[m], nearest[m]
        best, face, w1, w2 = REACH_M * REACH_M, -1, 0.0, 0.0
        for n in range(first[at], first[at + 1]):
            f = around[n]
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            u, v = _closest(x[i], points[a], points[b], points[c])
            away = 0.0
            for k in range(3):
                point = (1.0 - u - v) * points[a, k] + u * points[b, k] + v * points[c, k]
                away += (x[i, k] - point) ** 2
            if away < best:
                best, face, w1, w2 = away, f, u, v
        if face < 0:
            continue
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        length = height = 0.0
        for k in range(3):
            out_points[i, k] = (1.0 - w1 - w2) * points[a, k] + w1 * points[b, k] + w2 * points[c, k]
            out_motion[i, k] = (1.0 - w1 - w2) * motion[a, k] + w1 * motion[b, k] + w2 * motion[c, k]
            out_normals[i, k] = (1.0 - w1 - w2) * normals[a, k] + w1 * normals[b, k] + w2 * normals[c, k]
            length += out_normals[i, k] ** 2
        if length < 1e-12:
            continue
        for k in range(3):
            out_normals[i, k] /= np.sqrt(length)
            height += (x[i, k] - out_points[i, k]) * out_normals[i, k]
        # Beside a border the closest point is no sign of being in front of or behind the surface.
        if rim[at] and height * height < 0.25 * best:
            continue
        out_clearance[i] = wanted[i]


class Collider:
    """A moving surface and the contacts of cloth with it."""

    def __init__(self, surface: Surface, wanted: Float64) -> None:
        """Collide with `surface`.

        Args:
            surface: A mesh.
            wanted: N float64, metres that points of the cloth keep from it; negative for those that need not.
        """
        self._surface, self._wanted = surface, wanted
        self._which = np.flatnonzero(wanted >= 0).astype(np.int32)
        self._nearest = np.zeros(len(self._which), np.int32)
        self._age = 0
        self._searched: Float64 | None = None
        self._tree: cKDTree | None = None

    def touch(self, x: Float64, shape: Shape, out: Contacts) -> None:
        """Find the surface next to each point of the cloth.

        Args:
            x: Nx3 float64, the cloth.
            shape: Where the surface is.
            out: Gets the planes of the points that are to keep from this surface.
        """
        if len(self._which) == 0:
            return
        s = self._surface
        if self._age % FRESH_FRAMES == 0:
            # A body that stands still is searched in the same tree again.
            if self._tree is None or self._searched is not shape.points:
                self._tree = cKDTree(shape.points[s.used], balanced_tree=False, compact_nodes=False)
                self._searched = shape.points
            self._nearest = s.used[self._tree.query(x[self._which])[1]].astype(np.int32)
        else:
            _follow(x, self._which, self._nearest, shape.points, s.faces, s.first, s.around)
        self._age += 1
        _touch(
            x,
            self._which,
            self._nearest,
            shape.points,
            shape.normals,
            shape.motion,
            s.faces,
            s.first,
            s.around,
            s.rim,
            self._wanted,
            out.points,
            out.normals,
            out.motion,
            out.clearance,
        )
