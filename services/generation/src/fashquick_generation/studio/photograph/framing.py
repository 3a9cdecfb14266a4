"""How much of the figure is in the picture, and where in it."""

from __future__ import annotations

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
ABOVE_WAIST_M = 0.30
"""What a lower picture shows over the hip joints at least: to the waist's narrowest."""
LONG_M = 0.30
"""A garment from the shoulders that ends this far under the hip joints is a dress or a coat."""


def camera_for(view: View, world: Scene, width: int, height: int) -> Camera:
    """The camera that shows what a view asks for.

    Args:
        view: What is asked for.
        world: What is there.
        width: Pixels.
        height: Pixels.
    """
    framing = _chosen(world) if view.framing is Framing.AUTO else view.framing
    cloth = _cloth(world)
    hip = (world.body.keypoints["left_hip"][2] + world.body.keypoints["right_hip"][2]) / 2
    top = float(world.vertices[:, 2].max())
    low, high = 0.0, top
    if framing is Framing.UPPER:
        low = max(min(hip - BELOW_HIP_M, float(cloth[:, 2].min()) - HEM_ROOM_M), 0.0)
    elif framing is Framing.LOWER:
        high = min(max(hip + ABOVE_WAIST_M, float(cloth[:, 2].max()) + HEM_ROOM_M), top)
    # A picture that cuts the figure off goes right to the cut.
    room_above = HEADROOM if high == top else 0.0
    room_below = FOOTROOM if low == 0.0 else 0.0
    span = (high - low) / (1 - room_above - room_below)
    shown = world.vertices[(world.vertices[:, 2] > low) & (world.vertices[:, 2] < high)]
    yaw = np.radians(view.yaw_degrees)
    across = shown @ np.array([np.cos(yaw), np.sin(yaw), 0.0])
    left, right = float(across.min()), float(across.max())
    needed = (right - left) / (1 - 2 * SIDEROOM) * height / width
    if needed > span:
        # What is gained in height goes above and below as if it were room.
        share = room_above / (room_above + room_below) if room_above + room_below else 0.5
        high, low = high + (needed - span) * share, low - (needed - span) * (1 - share)
        span = needed
    middle = high + room_above * span - span / 2
    centre = (left + right) / 2
    deep = float((shown @ np.array([-np.sin(yaw), np.cos(yaw), 0.0])).mean())
    target = np.array([centre * np.cos(yaw) - deep * np.sin(yaw), centre * np.sin(yaw) + deep * np.cos(yaw), middle])
    return turntable(view.yaw_degrees, target, span, width, height)


def _chosen(world: Scene) -> Framing:
    """What the garments need, by where they are on the body."""
    cloth, points = _cloth(world)[:, 2], world.body.keypoints
    hip = (points["left_hip"][2] + points["right_hip"][2]) / 2
    shoulder = (points["left_shoulder"][2] + points["right_shoulder"][2]) / 2
    from_shoulders, to_legs = cloth.max() > (hip + shoulder) / 2, cloth.min() < hip - LONG_M
    if from_shoulders:
        return Framing.FULL if to_legs else Framing.UPPER
    return Framing.LOWER


def _cloth(world: Scene) -> Float64:
    garment = world.faces[world.layer >= world.first_garment]
    points: Float64 = world.vertices[np.unique(garment)]
    return points
