"""Points of the cloth that the body holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from fashquick_generation.studio.arrays import Float64, Int
from fashquick_generation.studio.drape.placing.contract import Pin
from fashquick_generation.studio.figure.body import Part, PosedBody


def pinned(vertices: Int, places: Float64, body: PosedBody, parts: tuple[Part, ...]) -> tuple[Pin, ...]:
    """Hold points of the cloth where they are, as if each were glued to the piece of skin next to it.

    Args:
        vertices: N of the cloth.
        places: Nx3 float64 metres, where they are.
        body: In the same pose.
        parts: Of the body that may hold them.
    """
    faces = body.model.body.faces
    own = faces[body.of(*parts)[faces].all(axis=1)]
    nearest = own[cKDTree(body.vertices[own].mean(axis=1)).query(places)[1]]
    local = np.linalg.solve(_frames(body.vertices, nearest), (places - body.vertices[nearest[:, 0]])[..., None])[..., 0]
    return tuple(
        Pin(int(vertex), (int(a), int(b), int(c)), (float(u), float(v), float(w)))
        for vertex, (a, b, c), (u, v, w) in zip(vertices, nearest, local, strict=True)
    )


def held(pins: Sequence[Pin], body: PosedBody) -> dict[int, Float64]:
    """Where a body holds its pins."""
    if not pins:
        return {}
    corners = np.array([pin.corners for pin in pins])
    local = np.array([pin.local for pin in pins])
    places = body.vertices[corners[:, 0]] + (_frames(body.vertices, corners) @ local[..., None])[..., 0]
    return {pin.vertex: place for pin, place in zip(pins, places, strict=True)}


def _frames(points: Float64, corners: Int) -> Float64:
    """Nx3x3 float64: two edges of each face and its unit normal, as columns."""
    a, b, c = (points[corners[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    return np.stack([b - a, c - a, normal], axis=-1)
