"""Work on triangle meshes: cutting along a line, smoothing, closed spheres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from fashquick_generation.studio.mesh import edges_of

Points = NDArray[np.float64]
Faces = NDArray[np.int64]

SNAP_SHARE = 0.2
"""A cut this near the end of an edge, as a share of it, goes through that end: no slivers."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A piece cut out of a surface.

    Attributes:
        faces: Fx3, over the piece's own points.
        share: MxV, what each point of the piece takes of each vertex of the surface.
    """

    faces: Faces
    share: sp.csr_matrix


def cut_out(faces: Faces, field: NDArray[np.float64]) -> Cut:
    """The part of a surface where a field that is linear over its faces is positive.

    Args:
        faces: Fx3.
        field: V, of each vertex; its zero is the edge of the piece.
    """
    field = _snapped(faces, field)
    kept: list[tuple[int, ...]] = []
    new: dict[tuple[int, int], int] = {}
    rows: list[tuple[int, int, float]] = []

    def crossing(a: int, b: int) -> int:
        key = (min(a, b), max(a, b))
        if key not in new:
            new[key] = len(field) + len(new)
            a, b = key
            t = field[a] / (field[a] - field[b])
            rows.extend([(new[key], a, 1 - t), (new[key], b, t)])
        return new[key]

    for face in faces[(field[faces] > 0).any(axis=1)].tolist():
        polygon = []
        for a, b in zip(face, face[1:] + face[:1], strict=True):
            if field[a] >= 0:
                polygon.append(a)
            if field[a] * field[b] < 0:
                polygon.append(crossing(a, b))
        kept += [(polygon[0], polygon[k], polygon[k + 1]) for k in range(1, len(polygon) - 1)]
    used, renumbered = np.unique(np.array(kept), return_inverse=True)
    whole = used[used < len(field)]
    rows += [(int(vertex), int(vertex), 1.0) for vertex in whole]
    number, vertex, share = (np.array(column) for column in zip(*rows, strict=True))
    shape = (len(used), len(field))
    matrix = sp.csr_matrix((share, (np.searchsorted(used, number), vertex)), shape=shape)
    return Cut(renumbered.reshape(-1, 3), matrix)


def _snapped(faces: Faces, field: NDArray[np.float64]) -> NDArray[np.float64]:
    field = field.copy()
    for a, b in edges_of(faces.astype(np.int32)).ends.tolist():
        if field[a] * field[b] < 0:
            t = field[a] / (field[a] - field[b])
            if t < SNAP_SHARE:
                field[a] = 0.0
            elif t > 1 - SNAP_SHARE:
                field[b] = 0.0
    return field


def smoothing(faces: Faces, count: int) -> sp.csr_matrix:
    """Matrix that moves each of `count` points half of the way to the middle of its neighbours.

    Points of the border stay on it: their neighbours are those of the border.
    """
    edges = edges_of(faces.astype(np.int32))
    border = np.zeros(count, bool)
    border[edges.ends[edges.border]] = True
    along = edges.border | ~border[edges.ends].any(axis=1)
    ends = np.concatenate([edges.ends[along], edges.ends[along][:, ::-1]])
    inward = edges.ends[~along]
    inward = np.concatenate([inward, inward[:, ::-1]])
    ends = np.concatenate([ends, inward[~border[inward[:, 0]]]])
    near = sp.csr_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(count, count))
    degree = np.maximum(np.asarray(near.sum(axis=1)).ravel(), 1)
    return (0.5 * sp.identity(count) + sp.diags(0.5 / degree) @ near).tocsr()


def smoothed(points: Points, faces: Faces, rounds: int) -> Points:
    """Points after `rounds` of `smoothing`."""
    matrix = smoothing(faces, len(points))
    for _ in range(rounds):
        points = matrix @ points
    return points


def border_edges(faces: Faces) -> NDArray[np.int64]:
    """Ex2, edges with one face, in the direction in which that face runs along them."""
    directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    key = directed.min(axis=1) * (faces.max() + 1) + directed.max(axis=1)
    _, inverse, times = np.unique(key, return_inverse=True, return_counts=True)
    return directed[times[inverse] == 1]


def strip(ends: NDArray[np.int64], count: int) -> tuple[Faces, NDArray[np.int64]]:
    """Faces that carry a surface of `count` points on beyond its border.

    Args:
        ends: Ex2, edges of the border, from `border_edges`.
        count: Points so far; those of the strip's far side are numbered from here.

    Returns:
        Faces, and the border point that each new point belongs to.
    """
    rim = np.unique(ends)
    far = np.searchsorted(rim, ends) + count
    # The face beyond an edge runs along it the other way round.
    faces = [(ends[:, 1], ends[:, 0], far[:, 0]), (ends[:, 1], far[:, 0], far[:, 1])]
    return np.concatenate([np.stack(corners, axis=1) for corners in faces]), rim


def even_sphere(count: int) -> tuple[Points, Faces]:
    """Points spread evenly over the unit sphere (Fibonacci lattice) and the faces of their hull."""
    i = np.arange(count) + 0.5
    z, azimuth = 1 - 2 * i / count, np.pi * (3 - np.sqrt(5)) * i
    ring = np.sqrt(1 - z * z)
    points = np.stack([ring * np.cos(azimuth), ring * np.sin(azimuth), z], axis=1)
    faces = ConvexHull(points).simplices
    a, b, c = (points[faces[:, k]] for k in range(3))
    inside_out = (np.cross(b - a, c - a) * a).sum(axis=1) < 0
    return points, np.where(inside_out[:, None], faces[:, ::-1], faces)
