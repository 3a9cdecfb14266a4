"""How much of the figure is in the picture, and where in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fashquick_generation.engine import Framing, View
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.photograph.camera import Camera, turntable
from fashquick_generation.studio.photograph.scene import Scene

HEADROOM = 0.055
"""Space over the head, as a share of the picture's height."""
FOOTROOM = 0.05
"""Floor under the feet."""
SIDEROOM = 0.07
"""Space on either side, as a share of the picture's width."""
HEM_ROOM_M = 0.10
"""What an upper picture shows under the garment's hem at least, so that the hem is seen to end."""
BELOW_HIP_M = 0.16
"""What an upper picture shows under the hip joints at least: hips and hands."""
ABOVE_WAIST_M = 0.26
"""What a lower picture shows over the hip joints at least: to the waist's narrowest."""
LONG_M = 0.24
"""A garment from the shoulders that ends this far under the hip joints is a dress or a coat."""


@dataclass(frozen=True, slots=True)
class _Crop:
    """What is in the picture from top to bottom.

    Attributes:
        low: Metres from the floor to the lowest that is shown of the figure.
        high: To the highest.
        above: Room over it, as a share of the picture's height.
        below: Room under it.
    """

    low: float
    high: float
    above: float
    below: float


def camera_for(view: View, world: Scene, width: int, height: int) -> Camera:
    """The camera that shows what a view asks for, the figure in its middle.

    Args:
        view: What is asked for.
        world: What is there.
        width: Pixels.
        height: Pixels.
    """
    crop = _crop(view.framing, world)
    shown = _shown(world, crop)
    yaw = np.radians(view.yaw_degrees)
    across, deep = shown @ np.array([np.cos(yaw), np.sin(yaw)]), shown @ np.array([-np.sin(yaw), np.cos(yaw)])
    side, away = (across.min() + across.max()) / 2, deep.mean()
    middle = np.array([side * np.cos(yaw) - away * np.sin(yaw), side * np.sin(yaw) + away * np.cos(yaw)])
    return _aimed(view.yaw_degrees, crop, middle, across_m=float(np.ptp(across)), width=width, height=height)


def cameras_around(framing: Framing, world: Scene, width: int, height: int, count: int) -> list[Camera]:
    """Cameras at even angles, from the front on, that show the figure turning in its place.

    Args:
        framing: How much of it.
        world: What is there.
        width: Pixels.
        height: Pixels.
        count: Of cameras.
    """
    crop = _crop(framing, world)
    shown = _shown(world, crop)
    middle = (shown.min(axis=0) + shown.max(axis=0)) / 2
    widest = 2 * float(np.linalg.norm(shown - middle, axis=1).max())
    return [_aimed(360 * k / count, crop, middle, across_m=widest, width=width, height=height) for k in range(count)]


def _aimed(yaw_degrees: float, crop: _Crop, middle: Float64, *, across_m: float, width: int, height: int) -> Camera:
    """A camera in whose picture `across_m` metres around `middle` fit, and the crop from top to bottom."""
    low, high, room = crop.low, crop.high, crop.above + crop.below
    span = (high - low) / (1 - room)
    needed = across_m / (1 - 2 * SIDEROOM) * height / width
    above = crop.above * span
    if needed > span:
        # What is gained in height goes above and below as room does.
        above += (needed - span) * (crop.above / room if room else 0.5)
        span = needed
    return turntable(yaw_degrees, np.array([*middle, high + above - span / 2]), span, width, height)


def _crop(framing: Framing, world: Scene) -> _Crop:
    cloth = _cloth(world)
    if framing is Framing.AUTO:
        framing = _chosen(world, cloth)
    hip = _height(world, "hip")
    low, high = 0.0, float(world.vertices[:, 2].max())
    above, below = HEADROOM, FOOTROOM
    # A picture that cuts the figure off goes right to the cut.
    if framing is Framing.UPPER:
        low = min(hip - BELOW_HIP_M, float(cloth.min()) - HEM_ROOM_M)
        low, below = (low, 0.0) if low > 0 else (0.0, FOOTROOM)
    elif framing is Framing.LOWER:
        cut = max(hip + ABOVE_WAIST_M, float(cloth.max()) + HEM_ROOM_M)
        high, above = (cut, 0.0) if cut < high else (high, HEADROOM)
    return _Crop(low, high, above, below)


def _chosen(world: Scene, cloth: Float64) -> Framing:
    """What the garments need, by where they are on the body."""
    hip, shoulder = _height(world, "hip"), _height(world, "shoulder")
    if cloth.max() < (hip + shoulder) / 2:
        return Framing.LOWER
    return Framing.FULL if cloth.min() < hip - LONG_M else Framing.UPPER


def _height(world: Scene, joint: str) -> float:
    points = world.body.keypoints
    return float(points[f"left_{joint}"][2] + points[f"right_{joint}"][2]) / 2


def _cloth(world: Scene) -> Float64:
    """Heights of the garments' points."""
    heights: Float64 = world.vertices[np.unique(world.faces[world.layer >= world.first_garment]), 2]
    return heights


def _shown(world: Scene, crop: _Crop) -> Float64:
    """Nx2 float64, places on the floor under what is in the picture."""
    heights = world.vertices[:, 2]
    places: Float64 = world.vertices[(heights > crop.low) & (heights < crop.high), :2]
    return places
