"""A shop mannequin's head in place of the face."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.special import sph_harm_y

from mannequin.meshes import Faces, Points, border_edges, even_sphere, strip

HEAD_DEGREE = 9
HEAD_SMOOTHING = 1.5e-7
HEAD_POINTS = 2000
STUMP_SHARE = 0.7
"""How far the neck goes on inside the head, as a share of the way to its middle."""


def abstract_head(skin: Points) -> tuple[Points, Faces]:
    """A closed surface around the head.

    The head's outermost radius as a function of direction is fitted with real spherical harmonics of low degree,
    which leaves brow, nose and chin as soft hints and no eyes, mouth or ears.

    Args:
        skin: Nx3, the head's vertices.
    """
    low, high = skin.min(axis=0), skin.max(axis=0)
    centre = np.array([0.0, low[1] + 0.56 * (high[1] - low[1]), low[2] + 0.50 * (high[2] - low[2])])
    arrow = skin - centre
    radius = np.linalg.norm(arrow, axis=1)
    directions = arrow / radius[:, None]
    near = cKDTree(directions).query_ball_point(directions, 0.10)
    outermost = np.array([radius[i] >= 0.985 * radius[k].max() for i, k in enumerate(near)])
    ear = (np.abs(directions[:, 0]) > 0.80) & (np.abs(directions[:, 2]) < 0.5) & (directions[:, 1] > -0.35)
    neck = directions[:, 2] < -0.80
    keep = outermost & ~ear & ~neck
    basis, ridge = _harmonics(directions[keep])
    fit = np.linalg.solve(basis.T @ basis + np.diag(ridge) * keep.sum(), basis.T @ radius[keep])
    sphere, faces = even_sphere(HEAD_POINTS)
    basis, _ = _harmonics(sphere)
    return centre + sphere * (basis @ fit)[:, None], faces


def _harmonics(directions: Points) -> tuple[Points, Points]:
    """Real spherical harmonics that are even in x, and a ridge that grows with the fourth power of the degree."""
    polar = np.arccos(np.clip(directions[:, 2], -1, 1))
    azimuth = np.arctan2(directions[:, 0], -directions[:, 1])
    columns, ridge = [], []
    for n in range(HEAD_DEGREE + 1):
        for m in range(n + 1):
            columns.append(np.real(sph_harm_y(n, m, polar, azimuth)))
            ridge.append(HEAD_SMOOTHING * (n * (n + 1)) ** 2)
    return np.stack(columns, axis=1), np.array(ridge)


def neck_stump(vertices: Points, faces: Faces, top: Points) -> tuple[Faces, NDArray[np.int64]]:
    """Faces that close the neck's open top inside the head.

    Args:
        vertices: Vx3.
        faces: Fx3, without the head.
        top: Point inside the head.

    Returns:
        Faces whose indices count on from `vertices`, and the vertex of the rim that each new point hangs on.
    """
    ends = border_edges(faces)
    ends = ends[vertices[ends].mean(axis=1)[:, 2] > top[2] - 0.25]
    return strip(ends, len(vertices))
