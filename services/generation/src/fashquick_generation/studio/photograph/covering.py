"""What lies under cloth: moved in where it could show through, left out where it cannot be seen."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from fashquick_generation.studio.arrays import Bool, Float64, Int32

REACH_M = 0.045
"""Cloth farther away is not on this surface: it hangs loose, and what is under it may be seen."""
THROUGH_M = 0.014
"""How deep cloth may have sunk into what it covers and still lie over it."""
ASIDE_M = 0.011
"""How far beside a point cloth may be and still lie over it: a little more than its mesh is wide."""
ALIKE = 0.2
"""Least cosine between the outward directions of a point and the cloth over it."""
GAP_M = 0.007
"""Distance that covered points keep from the cloth: a coarse mesh cuts corners by a few millimetres."""
FARTHEST_IN_M = 0.016
"""Farthest that a point is moved in; thin parts would turn inside out."""
KEPT_RINGS = 2
"""Rings of covered faces that stay along the edge of what is covered."""


def pressed(points: Float64, normals: Float64, cloth: Float64, cloth_normals: Float64) -> tuple[Float64, Bool]:
    """Move what lies closely under cloth away from it.

    Args:
        points: Nx3 float64, metres.
        normals: Nx3 float64, outward.
        cloth: Mx3 float64.
        cloth_normals: Mx3 float64, outward.

    Returns:
        Nx3 float64 points; N bool, which of them are covered.
    """
    away, nearest = cKDTree(cloth, balanced_tree=False, compact_nodes=False).query(points, distance_upper_bound=REACH_M)
    near = np.flatnonzero(np.isfinite(away))
    arrow = cloth[nearest[near]] - points[near]
    gap = np.einsum("ij,ij->i", arrow, normals[near])
    aside = np.linalg.norm(arrow - gap[:, None] * normals[near], axis=1)
    alike = np.einsum("ij,ij->i", cloth_normals[nearest[near]], normals[near])
    over = (gap > -THROUGH_M) & (aside < ASIDE_M) & (alike > ALIKE)
    covered = np.zeros(len(points), bool)
    covered[near[over]] = True
    moved = points.copy()
    inward = np.clip(GAP_M - gap[over], 0, FARTHEST_IN_M)
    moved[near[over]] -= inward[:, None] * normals[near[over]]
    return moved, covered


def hidden(faces: Int32, covered: Bool) -> Bool:
    """Faces so far from all edges of the cover that they cannot be seen.

    Args:
        faces: Fx3 int32.
        covered: V bool.

    Returns:
        F bool.
    """
    inner = covered.copy()
    for _ in range(KEPT_RINGS):
        inner[faces[~inner[faces].all(axis=1)].ravel()] = False
    return np.asarray(inner[faces].all(axis=1))
