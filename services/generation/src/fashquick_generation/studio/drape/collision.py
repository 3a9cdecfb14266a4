"""Which piece of the body lies next to each point of the cloth."""

# ruff: noqa: PLR0917 - kernels are called by position: numba has no keyword-only arguments.

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from scipy.spatial import cKDTree

from fashquick_generation.studio.arrays import Bool, Float64, Int32
from fashquick_generation.studio.drape.solver import Contacts
from fashquick_generation.studio.mesh import edges_of, vertex_normals

REACH_M = 0.12
"""Cloth farther from the body than this cannot touch it within a frame."""
FRESH_FRAMES = 5
"""Frames between searches over the whole surface; in between the nearest vertex is followed over edges."""


@dataclass(frozen=True, slots=True)
class Surface:
    """A mesh to collide with.

    Attributes:
        faces: Fx3 int32.
        first_neighbour: V+1 int32, where a vertex's neighbours begin in `neighbours`.
        neighbours: Int32.
        first_face: V+1 int32, where a vertex's faces begin in `around`.
        around: Int32.
        rim: V bool, vertices on the mesh's border, where "in front of" means little.
        used: Int32, vertices that faces use.
    """

    faces: Int32
    first_neighbour: Int32
    neighbours: Int32
    first_face: Int32
    around: Int32
    rim: Bool
    used: Int32


def surface_of(faces: Int32, count: int) -> Surface:
    """Prepare a mesh of `count` vertices."""
    edges = edges_of(faces)
    both = np.concatenate([edges.ends, edges.ends[:, ::-1]])
    both = both[np.lexsort((both[:, 1], both[:, 0]))]
    owner = faces.T.ravel()
    order = np.argsort(owner, kind="stable")
    rim = np.zeros(count, bool)
    rim[edges.ends[edges.border]] = True
    numbers = np.arange(count + 1)
    return Surface(
        faces,
        np.searchsorted(both[:, 0], numbers).astype(np.int32),
        both[:, 1].astype(np.int32),
        np.searchsorted(owner[order], numbers).astype(np.int32),
        (order % len(faces)).astype(np.int32),
        rim,
        np.unique(faces).astype(np.int32),
    )


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
def _follow(x: Float64, nearest: Int32, vertices: Float64, first: Int32, neighbours: Int32) -> None:
    """Walk from each point's vertex over edges to a nearer one, until none is."""
    for i in range(x.shape[0]):
        at = nearest[i]
        best = 0.0
        for k in range(3):
            best += (x[i, k] - vertices[at, k]) ** 2
        moved = True
        while moved:
            moved = False
            for n in range(first[at], first[at + 1]):
                other = neighbours[n]
                away = 0.0
                for k in range(3):
                    away += (x[i, k] - vertices[other, k]) ** 2
                if away < best:
                    best, at, moved = away, other, True
                    break
        nearest[i] = at


@numba.njit(nogil=True, cache=True)
def _touch(  # noqa: C901 - kernels are one function a pass
    x: Float64,
    nearest: Int32,
    vertices: Float64,
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
    for i in range(x.shape[0]):
        out_clearance[i] = -1.0
        if wanted[i] < 0.0:
            continue
        at = nearest[i]
        best, face, w1, w2 = REACH_M * REACH_M, -1, 0.0, 0.0
        for n in range(first[at], first[at + 1]):
            f = around[n]
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            u, v = _closest(x[i], vertices[a], vertices[b], vertices[c])
            away = 0.0
            for k in range(3):
                point = (1.0 - u - v) * vertices[a, k] + u * vertices[b, k] + v * vertices[c, k]
                away += (x[i, k] - point) ** 2
            if away < best:
                best, face, w1, w2 = away, f, u, v
        if face < 0:
            continue
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        length = height = 0.0
        for k in range(3):
            out_points[i, k] = (1.0 - w1 - w2) * vertices[a, k] + w1 * vertices[b, k] + w2 * vertices[c, k]
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

    def __init__(self, surface: Surface) -> None:
        """Collide with `surface`."""
        self._surface = surface
        self._nearest: Int32 | None = None
        self._age = 0

    def contacts(self, x: Float64, now: Float64, then: Float64, clearance: Float64) -> Contacts:
        """The surface next to each point of the cloth.

        Args:
            x: Nx3 float64, the cloth.
            now: Vx3 float64, the surface's vertices at the start of the frame.
            then: Vx3 float64, at its end.
            clearance: N float64, metres to keep; negative for points that do not touch this surface.
        """
        s = self._surface
        if self._nearest is None or self._age % FRESH_FRAMES == 0:
            tree = cKDTree(now[s.used], balanced_tree=False, compact_nodes=False)
            self._nearest = s.used[tree.query(x)[1]].astype(np.int32)
        else:
            _follow(x, self._nearest, now, s.first_neighbour, s.neighbours)
        self._age += 1
        out = Contacts(np.zeros_like(x), np.zeros_like(x), np.zeros_like(x), np.empty(len(x)))
        _touch(
            x,
            self._nearest,
            now,
            vertex_normals(now, s.faces),
            then - now,
            s.faces,
            s.first_face,
            s.around,
            s.rim,
            clearance,
            out.points,
            out.normals,
            out.motion,
            out.clearance,
        )
        return out
