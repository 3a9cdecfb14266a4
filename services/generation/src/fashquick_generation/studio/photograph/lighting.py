"""Studio light: a large soft box, a fill, rims and a bright room, seen from a set of directions fixed to the figure.

The directions do not turn with the camera; only how bright each is does. So what hides what is found once for a
figure, and serves every view and every frame of a turntable.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from fashquick_generation.studio.arrays import Float64

DIRECTIONS = 88
"""Directions that sample all light; each stands for a cone of `CONE` around it, so that shadows have no steps."""
LOWEST = -0.62
"""Height of the lowest direction, as a unit vector's z: light from below is weak and even."""
CONE = float(np.sqrt(2 * (1 - LOWEST) / DIRECTIONS))
"""Radius of a direction's cone at distance 1: the cones' areas add up to that of the sampled sphere."""


@dataclass(frozen=True, slots=True)
class Lamp:
    """A soft source of light.

    Attributes:
        towards: Where it stands as seen from the figure: right and up in the picture, and towards the camera.
        focus: How small it is: brightness falls as exp(focus (cos angle - 1)).
        level: What a surface that faces it receives, against what one that faces the camera receives in all.
    """

    towards: tuple[float, float, float]
    focus: float
    level: float


KEY = Lamp((-0.85, 0.45, 1.0), 6.0, 0.52)
"""A large soft box, high on the left."""
LAMPS = (
    KEY,
    Lamp((0.75, 0.05, 1.0), 2.5, 0.30),  # fill, a reflector on the right
    Lamp((0.0, 1.0, 0.1), 5.0, 0.06),  # top
    Lamp((-0.95, 0.3, -0.6), 9.0, 0.12),  # rims, from behind on both sides
    Lamp((0.95, 0.3, -0.6), 9.0, 0.16),
)
ROOM = 0.34
"""What the bright room gives, in the unit of a lamp's level; its wall towards the camera is the brightest."""
ROOM_BEHIND = 0.35
"""Brightness of the wall behind the figure against that of the one before it."""
FLOOR = 0.75
"""Brightness of what comes from the floor against that of the room."""


@functools.cache
def directions() -> Float64:
    """DIRECTIONSx3 float64 unit vectors towards the light, spread evenly (a Fibonacci lattice)."""
    i = np.arange(DIRECTIONS) + 0.5
    z = 1 - (1 - LOWEST) * i / DIRECTIONS
    ring, angle = np.sqrt(1 - z * z), np.pi * (3 - np.sqrt(5)) * i
    out = np.stack([ring * np.cos(angle), ring * np.sin(angle), z], axis=1)
    out.setflags(write=False)
    return out


def powers(yaw: float) -> Float64:
    """What each direction sends, with the lamps fixed to a camera.

    Args:
        yaw: The camera's, in radians.

    Returns:
        DIRECTIONS float64; a surface that faces the camera unshadowed receives 1 in all.
    """
    c, s = np.cos(yaw), np.sin(yaw)
    towards = directions()
    right = towards @ np.array([c, s, 0.0])
    front = towards @ np.array([s, -c, 0.0])
    up = towards[:, 2]
    room = ROOM_BEHIND + (1 - ROOM_BEHIND) * (0.5 + 0.5 * front)
    total = ROOM * _spread(room * np.where(up < 0, FLOOR, 1.0), front)
    for lamp in LAMPS:
        x, y, z = np.array(lamp.towards) / np.linalg.norm(lamp.towards)
        cosine = x * right + y * up + z * front
        total += lamp.level * _spread(np.exp(lamp.focus * (cosine - 1)), cosine)
    out: Float64 = total / (total * np.clip(front, 0, None)).sum()
    return out


def _spread(brightness: Float64, cosine: Float64) -> Float64:
    """Brightness scaled so that a surface whose normal has these cosines receives 1."""
    scaled: Float64 = brightness / (brightness * np.clip(cosine, 0, None)).sum()
    return scaled
