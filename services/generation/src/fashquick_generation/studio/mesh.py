"""Triangle meshes: normals and smooth subdivision."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from fashquick_generation.studio.arrays import Bool, Float64, Int32


@numba.njit(nogil=True, cache=True)
def vertex_normals(vertices: Float64, faces: Int32) -> Float64:
    """Unit normals, averaged over the faces around a vertex and weighted by their areas.

    Args:
        vertices: Vx3 float64.
        faces: Fx3 int32, counter-clockwise from outside.

    Returns:
        Vx3 float64; zero for a vertex without faces.
    """
    normals = np.zeros((vertices.shape[0], 3))
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ux, uy, uz = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1], vertices[b, 2] - vertices[a, 2]
        vx, vy, vz = vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1], vertices[c, 2] - vertices[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for k in (a, b, c):
            normals[k, 0] += nx
            normals[k, 1] += ny
            normals[k, 2] += nz
    for i in range(normals.shape[0]):
        length = np.sqrt(normals[i, 0] ** 2 + normals[i, 1] ** 2 + normals[i, 2] ** 2)
        if length > 0.0:
            normals[i] /= length
    return normals


@dataclass(frozen=True, slots=True)
class Edges:
    """The edges of a mesh.

    Attributes:
        ends: Ex2 int32, lower index first.
        opposite: Ex2 int32, third vertex of the faces on either side, -1 where there is none.
        faces: Ex2 int32, those faces.
        of_face: Fx3 int32, edge from each corner of a face to its next.
    """

    ends: Int32
    opposite: Int32
    faces: Int32
    of_face: Int32

    @property
    def border(self) -> Bool:
        """E bool, edges with a face on one side only."""
        border: Bool = self.opposite[:, 1] < 0
        return border


def edges_of(faces: Int32) -> Edges:
    """All edges of a mesh whose edges have one or two faces.

    Args:
        faces: Fx3 int32.
    """
    count = len(faces)
    start, end = faces.T.ravel(), np.roll(faces, -1, axis=1).T.ravel()
    third = np.roll(faces, -2, axis=1).T.ravel()
    owner = np.tile(np.arange(count), 3)
    # One number an edge: many times faster to sort than pairs.
    points = int(faces.max(initial=0)) + 1
    numbers = np.minimum(start, end).astype(np.int64) * points + np.maximum(start, end)
    distinct, inverse = np.unique(numbers, return_inverse=True)
    ends = np.stack(np.divmod(distinct, points), axis=1)
    opposite = np.full((len(ends), 2), -1, np.int32)
    sides = np.full((len(ends), 2), -1, np.int32)
    order = np.argsort(inverse, kind="stable")
    first = np.r_[True, np.diff(inverse[order]) > 0]
    opposite[inverse[order[first]], 0] = third[order[first]]
    sides[inverse[order[first]], 0] = owner[order[first]]
    opposite[inverse[order[~first]], 1] = third[order[~first]]
    sides[inverse[order[~first]], 1] = owner[order[~first]]
    return Edges(ends.astype(np.int32), opposite, sides, inverse.reshape(3, count).T.astype(np.int32))


def subdivided(vertices: Float64, faces: Int32, attributes: Float64) -> tuple[Float64, Int32, Float64]:
    """One step of Loop's subdivision (C. Loop, "Smooth subdivision surfaces based on triangles", 1987).

    Args:
        vertices: Vx3 float64.
        faces: Fx3 int32.
        attributes: VxA float64, interpolated linearly.

    Returns:
        Vertices, 4F faces (those of the face f are f, F + f, 2F + f and 3F + f), attributes.
    """
    edges = edges_of(faces)
    a, b = edges.ends.T
    middle = (vertices[a] + vertices[b]) / 2
    inner = ~edges.border
    at_edge = middle.copy()
    at_edge[inner] = 0.75 * middle[inner] + vertices[edges.opposite[inner]].sum(axis=1) / 8
    moved = _loop_vertices(vertices, edges)
    e = edges.of_face + np.int32(len(vertices))
    corners = [(faces[:, 0], e[:, 0], e[:, 2]), (e[:, 0], faces[:, 1], e[:, 1]), (e[:, 2], e[:, 1], faces[:, 2])]
    corners.append((e[:, 0], e[:, 1], e[:, 2]))
    finer = np.concatenate([np.stack(corner, axis=1) for corner in corners]).astype(np.int32)
    return (
        np.concatenate([moved, at_edge]),
        finer,
        np.concatenate([attributes, (attributes[a] + attributes[b]) / 2]),
    )


def _loop_vertices(vertices: Float64, edges: Edges) -> Float64:
    degree, around = _neighbour_sums(vertices, edges.ends)
    k = np.maximum(degree, 3)
    beta = (5 / 8 - (3 / 8 + np.cos(2 * np.pi / k) / 4) ** 2) / k
    moved = vertices * (1 - degree * beta)[:, None] + around * beta[:, None]
    border_degree, border_around = _neighbour_sums(vertices, edges.ends[edges.border])
    smooth = border_degree == 2
    moved[smooth] = 0.75 * vertices[smooth] + border_around[smooth] / 8
    corner = (border_degree > 0) & ~smooth
    moved[corner] = vertices[corner]
    return moved


def _neighbour_sums(vertices: Float64, ends: Int32) -> tuple[Float64, Float64]:
    degree = np.bincount(ends.ravel(), minlength=len(vertices)).astype(np.float64)
    total = np.stack(
        [
            np.bincount(ends[:, 0], vertices[ends[:, 1], k], len(vertices))
            + np.bincount(ends[:, 1], vertices[ends[:, 0], k], len(vertices))
            for k in range(3)
        ],
        axis=1,
    )
    return degree, total
