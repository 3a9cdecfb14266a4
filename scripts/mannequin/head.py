"""A shop mannequin's head in place of the face: a smooth egg, as large as the skull it replaces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mannequin.meshes import Faces, Points, even_sphere

HEAD_POINTS = 1400
TAPER = 0.15
"""How much narrower the egg is towards the chin."""
LEAN = 0.13
"""How far the crown is behind the chin, as a share of half the depth: skulls reach back, chins forward."""
WIDTH_SHARE, DEPTH_SHARE, HEIGHT_SHARE = 0.97, 0.96, 0.99
"""The egg's size over the skull's: a little smaller reads as more elegant."""
TEMPLES, FOREHEAD = 0.72, 0.70
"""Heights of the marks over the chin, as shares of the head's height; ears are lower than temples."""
CUT_UNDER_CHIN_M = 0.024
CUT_SLOPE = 0.40
"""Rise of the cut through the neck, from under the chin to the back of the skull."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Vertices that say how large a head is and where: the same on all bodies, so that heads mix as bodies do.

    Attributes:
        crown: Highest.
        chin: Lowest of the face.
        front: On the forehead.
        back: Hindmost.
        left: Temple.
        right: Temple.
    """

    crown: int
    chin: int
    front: int
    back: int
    left: int
    right: int


def marks(vertices: Points, head: NDArray[np.bool_]) -> Marks:
    """Find the marks on one body.

    Args:
        vertices: Vx3.
        head: V bool, the head's vertices.
    """
    own = np.flatnonzero(head)
    x, y, z = vertices[own].T
    face = y < np.median(y)
    crown, chin = own[z.argmax()], own[np.where(face, z, np.inf).argmin()]
    share = (z - vertices[chin, 2]) / (vertices[crown, 2] - vertices[chin, 2])
    temples, forehead = np.abs(share - TEMPLES) < 0.04, (np.abs(share - FOREHEAD) < 0.04) & (np.abs(x) < 0.01)
    return Marks(
        crown=int(crown),
        chin=int(chin),
        front=int(own[np.where(forehead, y, np.inf).argmin()]),
        back=int(own[y.argmax()]),
        left=int(own[np.where(temples, x, -np.inf).argmax()]),
        right=int(own[np.where(temples, x, np.inf).argmin()]),
    )


def egg(vertices: Points, at: Marks) -> tuple[Points, Faces]:
    """A closed surface in place of the head.

    A sphere whose level rings grow towards the crown and lean back with it.

    Args:
        vertices: Vx3.
        at: Which of them mark the head.
    """
    sphere, faces = even_sphere(HEAD_POINTS)
    level = sphere[:, 2]
    ring = 1 + TAPER * level
    widest = (np.sqrt(1 - level**2) * ring).max()
    low, high = vertices[at.chin, 2], vertices[at.crown, 2]
    front, back = vertices[at.front, 1], vertices[at.back, 1]
    wide = (vertices[at.left, 0] - vertices[at.right, 0]) / 2 * WIDTH_SHARE / widest
    deep = (back - front) / 2 * DEPTH_SHARE / widest
    points = np.stack(
        [
            sphere[:, 0] * ring * wide,
            (front + back) / 2 + (sphere[:, 1] * ring + LEAN * (level - FOREHEAD / 2)) * deep,
            high - (1 - level) / 2 * (high - low) * HEIGHT_SHARE,
        ],
        axis=1,
    )
    return points, faces


def below_cut(vertices: Points, at: Marks) -> NDArray[np.float64]:
    """Distance of each vertex under the plane through the neck above which the egg takes over."""
    behind = vertices[:, 1] - vertices[at.chin, 1]
    cut: NDArray[np.float64] = vertices[at.chin, 2] - CUT_UNDER_CHIN_M + CUT_SLOPE * behind - vertices[:, 2]
    return cut
