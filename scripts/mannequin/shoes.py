"""Plain slip-on shoes."""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull

from mannequin.meshes import Faces, Points, even_sphere, smoothed

SHOE_LEATHER_M = 0.004
SHOE_POINTS = 700
SOLE_M = 0.012


def shoe(foot: Points) -> tuple[Points, Faces]:
    """A plain slip-on around a foot, with a flat sole.

    Args:
        foot: Nx3, the foot below the ankle.

    Returns:
        Points and faces of a closed surface.
    """
    low = foot[:, 2].min()
    sole = np.c_[foot[:, :2], np.full(len(foot), low - SOLE_M)]
    centre = np.r_[foot[:, :2].mean(axis=0), low + 0.03]
    grown = np.concatenate([foot, sole])
    grown = grown + SHOE_LEATHER_M * (grown - centre) / np.linalg.norm(grown - centre, axis=1, keepdims=True)
    hull = ConvexHull(grown)
    directions, faces = even_sphere(SHOE_POINTS)
    # A sphere squeezed to the foot's proportions spreads the points evenly over it.
    directions = directions * np.ptp(grown, axis=0)
    planes = hull.equations
    reach = -(planes[:, :3] @ centre + planes[:, 3])[:, None] / np.maximum(planes[:, :3] @ directions.T, 1e-9)
    reach[reach <= 0] = np.inf
    points = centre + directions * reach.min(axis=0)[:, None]
    loose = points[:, 2] > low - SOLE_M + 0.004
    return np.where(loose[:, None], smoothed(points, faces, 3), points), faces
