"""The figure's key points, as numbers and as OpenPose draws them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import cv2
import numpy as np

from fashquick_generation.engine import KeyPoint, Visibility
from fashquick_generation.studio.arrays import Float32, Float64, UInt8
from fashquick_generation.studio.figure.body import PosedBody
from fashquick_generation.studio.photograph.camera import Camera

OPENPOSE_POINTS = (
    "nose",
    "neck",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_hip",
    "left_knee",
    "left_ankle",
    "right_eye",
    "left_eye",
    "right_ear",
    "left_ear",
)
OPENPOSE_LIMBS = (
    (1, 2),
    (1, 5),
    (2, 3),
    (3, 4),
    (5, 6),
    (6, 7),
    (1, 8),
    (8, 9),
    (9, 10),
    (1, 11),
    (11, 12),
    (12, 13),
    (1, 0),
    (0, 14),
    (14, 16),
    (0, 15),
    (15, 17),
)
OPENPOSE_COLOURS = (
    (255, 0, 0),
    (255, 85, 0),
    (255, 170, 0),
    (255, 255, 0),
    (170, 255, 0),
    (85, 255, 0),
    (0, 255, 0),
    (0, 255, 85),
    (0, 255, 170),
    (0, 255, 255),
    (0, 170, 255),
    (0, 85, 255),
    (0, 0, 255),
    (85, 0, 255),
    (170, 0, 255),
    (255, 0, 255),
    (255, 0, 170),
    (255, 0, 85),
)
LIMB_DIM = 0.6
"""Brightness of limbs against joints, as OpenPose's renderer draws them."""
LINE_SHARE = 1 / 130
"""Half a limb's width as a share of the picture's shorter side."""

NECK = "neck"
"""OpenPose's point between the shoulders, which COCO lacks."""
DEEP_M = 0.05
"""Flesh in front of a joint of the head, elbows, wrists and ankles at most."""
DEEPER_M = 0.13
"""Likewise of shoulders, hips, knees and neck."""
_DEEPER = frozenset({NECK, "left_shoulder", "right_shoulder", "left_hip", "right_hip", "left_knee", "right_knee"})


def key_points(body: PosedBody, camera: Camera, depth: Float32) -> tuple[KeyPoint, ...]:
    """OpenPose's 18 key points, in its order.

    Args:
        body: The figure.
        camera: The picture's.
        depth: HxW float32, metres along the view to what each pixel shows.
    """
    found = []
    for name, (x, y, away) in zip(OPENPOSE_POINTS, camera.project(_joints(body)), strict=True):
        column, row = int(np.floor(x)), int(np.floor(y))
        visibility = Visibility.OUTSIDE
        if 0 <= column < camera.width and 0 <= row < camera.height:
            before = float(away - depth[row, column])
            deep = DEEPER_M if name in _DEEPER else DEEP_M
            visibility = Visibility.HIDDEN if before > deep else Visibility.VISIBLE
        found.append(KeyPoint(name, float(x), float(y), visibility))
    return tuple(found)


def _joints(body: PosedBody) -> Float64:
    """18x3 float64, metres."""
    middle = (body.keypoints["left_shoulder"] + body.keypoints["right_shoulder"]) / 2
    return np.array([middle if name == NECK else body.keypoints[name] for name in OPENPOSE_POINTS])


def skeleton(body: PosedBody, camera: Camera) -> UInt8:
    """HxWx3 uint8: the 18-point skeleton as OpenPose draws it."""
    at = camera.project(_joints(body))[:, :2]
    points = {name: (float(x), float(y)) for name, (x, y) in zip(OPENPOSE_POINTS, at, strict=True)}
    return drawing(points, camera.width, camera.height)


def drawing(points: Mapping[str, tuple[float, float]], width: int, height: int) -> UInt8:
    """A skeleton as OpenPose draws it, limbs only between points that are given.

    Args:
        points: Names of `OPENPOSE_POINTS` to x and y in pixels, inside the picture or not.
        width: Pixels.
        height: Pixels.

    Returns:
        height x width x 3 uint8.
    """
    image = np.zeros((height, width, 3), np.uint8)
    half = max(round(min(width, height) * LINE_SHARE), 2)
    for colour, limb in zip(OPENPOSE_COLOURS, OPENPOSE_LIMBS, strict=False):
        names = [OPENPOSE_POINTS[end] for end in limb]
        if not all(name in points for name in names):
            continue
        (from_x, from_y), (to_x, to_y) = (points[name] for name in names)
        turn = round(math.degrees(math.atan2(to_y - from_y, to_x - from_x)))
        size = (round(math.hypot(to_x - from_x, to_y - from_y) / 2), half)
        centre = (round((from_x + to_x) / 2), round((from_y + to_y) / 2))
        outline = cv2.ellipse2Poly(centre, size, turn, 0, 360, 5)
        cv2.fillConvexPoly(image, np.array(outline, np.int32), tuple(LIMB_DIM * value for value in colour))
    for colour, name in zip(OPENPOSE_COLOURS, OPENPOSE_POINTS, strict=True):
        if name in points:
            x, y = points[name]
            cv2.circle(image, (round(x), round(y)), half, colour, cv2.FILLED)
    return image
