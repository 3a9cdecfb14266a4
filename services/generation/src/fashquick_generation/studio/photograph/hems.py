"""Thickness at the open edges of cloth, where a bare mesh looks like paper."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from fashquick_generation.studio.arrays import Bool, Float64, Int32
from fashquick_generation.studio.mesh import edges_of

THICK_M = 0.0024
"""A folded hem of jersey."""
TURNED_IN_M = 0.012
"""Width of the cloth that is turned in at a hem; at most the first row of triangles, or it would stand out beyond a
collar's fold where that tapers out."""


@dataclass(frozen=True, slots=True)
class Hem:
    """Strips along the open edges, round from the outside to the inside.

    Attributes:
        vertices: Rx3 float64, further vertices.
        source: R int32, the vertex of the open edge that each belongs to.
        faces: Fx3 int32, over the cloth's vertices and then the further ones.
        beside: F int32, the face of the cloth that each lies along.
        inner: F bool, faces that show the cloth's inside.
    """

    vertices: Float64
    source: Int32
    faces: Int32
    beside: Int32
    inner: Bool


def hem(vertices: Float64, normals: Float64, faces: Int32) -> Hem:
    """Turn the open edges of a mesh in.

    Args:
        vertices: Vx3 float64, metres.
        normals: Vx3 float64, outward.
        faces: Fx3 int32.
    """
    edges = edges_of(faces)
    border = np.flatnonzero(edges.border)
    beside = edges.faces[border, 0]
    # Every edge as its face goes around it, the cloth to its left.
    which = np.argmax(edges.of_face[beside] == border[:, None], axis=1)
    start, end = faces[beside, which], faces[beside, (which + 1) % 3]
    edge_vertices, index = np.unique(np.r_[start, end], return_inverse=True)
    start_at, end_at = np.split(index, 2)
    tangent = vertices[end] - vertices[start]
    outward = np.zeros((len(edge_vertices), 3))
    for at in (start_at, end_at):
        np.add.at(outward, at, np.cross(tangent, normals[edge_vertices[at]]))
    outward /= np.linalg.norm(outward, axis=1, keepdims=True) + 1e-12
    arrow = vertices[faces[beside, (which + 2) % 3]] - vertices[start]
    high = np.linalg.norm(np.cross(tangent, arrow), axis=1) / (np.linalg.norm(tangent, axis=1) + 1e-12)
    turned_in = np.full(len(edge_vertices), TURNED_IN_M)
    for at in (start_at, end_at):
        np.minimum.at(turned_in, at, high)
    point, inward = vertices[edge_vertices], -normals[edge_vertices]
    rings = [
        point + 0.5 * THICK_M * (outward + inward),
        point + THICK_M * inward,
        point - turned_in[:, None] * outward + 0.6 * THICK_M * inward,
    ]
    count, first = len(edge_vertices), len(vertices)
    chain = [(start, end)] + [(first + k * count + start_at, first + k * count + end_at) for k in range(len(rings))]
    strips = []
    for (a, b), (c, d) in pairwise(chain):
        strips += [np.stack([b, a, c], axis=1), np.stack([b, c, d], axis=1)]
    return Hem(
        np.concatenate(rings),
        np.tile(edge_vertices, len(rings)).astype(np.int32),
        np.concatenate(strips).astype(np.int32),
        np.tile(beside, len(strips)).astype(np.int32),
        np.repeat(np.arange(len(strips)) >= len(strips) - 2, len(beside)),
    )
