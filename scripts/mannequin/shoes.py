"""Plain low shoes with a slim toe and a flat sole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from mannequin.meshes import Faces, Points, even_sphere, smoothed

SHOE_LEATHER_M = 0.004
SHOE_POINTS = 900
SOLE_M = 0.014
COLLAR_M = 0.078
"""Height of the shoe's upper edge over the sole of the foot."""
TOE_FROM, TOE_SLIMMER = 0.55, 0.34
"""From where on a foot, as a share of its length, the shoe grows slimmer than it, and by how much at the tip."""
TOE_LONGER_M = 0.010


@dataclass(frozen=True, slots=True)
class Shoe:
    """A shoe made on one foot, that stretches with others.

    Attributes:
        foot: V bool, the foot's vertices.
        made_on: Nx3, where they were.
        points: Mx3, the shoe on that foot.
        faces: Fx3.
    """

    foot: NDArray[np.bool_]
    made_on: Points
    points: Points
    faces: Faces

    def on(self, vertices: Points) -> Points:
        """Mx3, the shoe on another body's foot: stretched, turned and moved as the foot is, without its details."""
        ones = np.ones(len(self.made_on))
        change, *_ = np.linalg.lstsq(np.c_[self.made_on, ones], vertices[self.foot], rcond=None)
        return np.c_[self.points, np.ones(len(self.points))] @ change


def shoe(vertices: Points, foot: NDArray[np.bool_]) -> Shoe:
    """Make a shoe.

    Args:
        vertices: Vx3.
        foot: V bool, the foot's vertices.
    """
    skin = vertices[foot]
    low = skin[:, 2].min()
    core = _slim_toe(skin[skin[:, 2] < low + COLLAR_M])
    sole = np.c_[core[:, :2], np.full(len(core), low - SOLE_M)]
    centre = np.r_[core[:, :2].mean(axis=0), low + 0.03]
    grown = np.concatenate([core, sole])
    grown = grown + SHOE_LEATHER_M * (grown - centre) / np.linalg.norm(grown - centre, axis=1, keepdims=True)
    planes = ConvexHull(grown).equations
    directions, faces = even_sphere(SHOE_POINTS)
    # A sphere squeezed to the foot's proportions spreads the points evenly over it.
    directions = directions * np.ptp(grown, axis=0)
    reach = -(planes[:, :3] @ centre + planes[:, 3])[:, None] / np.maximum(planes[:, :3] @ directions.T, 1e-9)
    reach[reach <= 0] = np.inf
    points = centre + directions * reach.min(axis=0)[:, None]
    loose = points[:, 2] > low - SOLE_M + 0.004
    return Shoe(foot, skin, np.where(loose[:, None], smoothed(points, faces, 3), points), faces)


def _slim_toe(skin: Points) -> Points:
    """The foot's points, drawn together and forward at the toes; feet point to negative y."""
    along = (skin[:, 1].max() - skin[:, 1]) / np.ptp(skin[:, 1])
    toe = np.clip((along - TOE_FROM) / (1 - TOE_FROM), 0, 1)
    ball = np.abs(along - TOE_FROM) < 0.1
    middle = (skin[ball, 0].min() + skin[ball, 0].max()) / 2
    tip = skin[along > 0.9, 0].mean()
    axis = middle + toe * (tip - middle) * 0.7
    out = skin.copy()
    out[:, 0] = axis + (skin[:, 0] - axis) * (1 - TOE_SLIMMER * toe**1.5)
    out[:, 1] -= TOE_LONGER_M * toe
    return out
