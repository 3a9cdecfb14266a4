"""From a coarse mesh, on which cloth falls and moves, to the fine one that is photographed.

On a mesh twice as coarse a frame costs a quarter and cloth finds its place in fewer of them; folds that only the fine
mesh can show come in the last frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from fashquick_generation.studio.arrays import Bool, Float64, Int32
from fashquick_generation.studio.drape.cloth import Cloth
from fashquick_generation.studio.drape.solver import State

CANDIDATES = 8
"""Coarse triangles that are tried for a point: those with the nearest centres."""
INWARD = 0.2
"""How far, of the way to the middle of its own triangles, a point moves to tell which side of a slit it is on."""
BEYOND = -0.5
"""Smallest weight of a corner: a fine border may lie outside of the coarse one, by less than half a triangle."""


@dataclass(frozen=True, slots=True)
class Refinement:
    """Where the points of a fine mesh are on a coarse one.

    Attributes:
        corners: Vx3 int32, coarse vertices.
        weights: Vx3 float64, their shares; rows add up to 1.
    """

    corners: Int32
    weights: Float64

    def applied(self, state: State) -> State:
        """The fine cloth where the coarse one is, and as fast."""
        share = self.weights[:, :, None]
        return State((share * state.x[self.corners]).sum(axis=1), (share * state.v[self.corners]).sum(axis=1))


def refinement(coarse: Cloth, fine: Cloth) -> Refinement:
    """Find each fine vertex in the coarse mesh of the same pattern, panel by panel."""
    corners, weights = np.zeros((len(fine.rest), 3), np.int32), np.zeros((len(fine.rest), 3))
    inward = _middle_of_own_faces(fine)
    for back in (False, True):
        here = fine.panel == 1 if back else fine.panel < 1
        faces = coarse.faces[coarse.back_face == back]
        corners[here], weights[here] = _located(coarse.rest, faces, fine.rest[here], inward[here])
    return Refinement(corners, weights)


def _middle_of_own_faces(cloth: Cloth) -> Float64:
    """Middle of the faces around each vertex, those of the front where it has some."""
    middles = np.zeros_like(cloth.rest)
    for back in (True, False):
        faces = cloth.faces[cloth.back_face == back]
        centres = np.repeat(cloth.rest[faces].mean(axis=1), 3, axis=0)
        count = np.bincount(faces.ravel(), minlength=len(cloth.rest))
        used: Bool = count > 0
        for k in range(2):
            total = np.bincount(faces.ravel(), centres[:, k], len(cloth.rest))
            middles[used, k] = total[used] / count[used]
    return middles


def _located(rest: Float64, faces: Int32, points: Float64, inward: Float64) -> tuple[Int32, Float64]:
    towards = points + INWARD * (inward - points)
    _, near = cKDTree(rest[faces].mean(axis=1)).query(towards, k=min(CANDIDATES, len(faces)))
    near = near.reshape(len(points), -1)
    a, b, c = (rest[faces[near, k]] for k in range(3))
    inside = _weights(towards[:, None], a, b, c).min(axis=-1)
    best = inside.argmax(axis=1)
    rows = np.arange(len(points))
    chosen = faces[near[rows, best]]
    weights = np.maximum(_weights(points, *(rest[chosen[:, k]] for k in range(3))), BEYOND)
    return chosen, weights / weights.sum(axis=1, keepdims=True)


def _weights(p: Float64, a: Float64, b: Float64, c: Float64) -> Float64:
    """Barycentric coordinates."""

    def cross(u: Float64, v: Float64) -> Float64:
        out: Float64 = u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
        return out

    area = cross(b - a, c - a)
    return np.stack([cross(b - p, c - p), cross(c - p, a - p), cross(a - p, b - p)], axis=-1) / area[..., None]
