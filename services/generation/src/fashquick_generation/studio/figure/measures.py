"""Lengths and girths of a figure, for cutting clothes to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull

from fashquick_generation.studio.figure.body import Part, PosedBody

WAIST_ABOVE_HIPS_M = (0.14, 0.32)
"""Where a trunk is narrowest, over the hip joints."""
BETWEEN_LEGS_M = 0.015
"""Half width of the strip in the middle in which the legs part."""
LOWEST_CROTCH = 0.87
"""Least height of the crotch over the hip joints'; thighs that touch hide where the legs part."""
ARMPIT_BELOW_SHOULDER_M = 0.105
"""An armpit's height under the shoulder joint."""


@dataclass(frozen=True, slots=True)
class Measures:
    """A body's measures, metres.

    Attributes:
        chest_girth_m: Largest girth of the torso in the hand's breadth under the armpits.
        hip_girth_m: Largest girth of the trousers in the hand's breadth around the hip joints.
        waist_girth_m: Smallest girth of the trunk.
        waist_height_m: Height of that girth over the soles.
        hip_height_m: Height of the hip joints.
        crotch_height_m: Height of the lowest point between the legs.
    """

    chest_girth_m: float
    hip_girth_m: float
    waist_girth_m: float
    waist_height_m: float
    hip_height_m: float
    crotch_height_m: float


def measured(body: PosedBody) -> Measures:
    """Measure a body that stands upright with its arms away from it."""
    waist, girth = _waist(body)
    hip = float(body.keypoints["left_hip"][2])
    return Measures(_chest_girth(body), _hip_girth(body), girth, waist, hip, _crotch_height(body))


def shoulder_height(body: PosedBody) -> float:
    """Height of the shoulder joints, metres."""
    return float((body.keypoints["left_shoulder"][2] + body.keypoints["right_shoulder"][2]) / 2)


def _chest_girth(body: PosedBody) -> float:
    """Largest girth of the torso in the hand's breadth under the armpits, metres."""
    top = shoulder_height(body) - ARMPIT_BELOW_SHOULDER_M
    torso = body.vertices[body.of(Part.TORSO, Part.HIPS)]
    girths = []
    for z in np.linspace(top - 0.10, top, 6):
        slab = torso[np.abs(torso[:, 2] - z) < 0.012][:, :2]
        girths.append(ConvexHull(slab).area)  # in two dimensions `area` is the perimeter
    return float(max(girths))


def _hip_girth(body: PosedBody) -> float:
    """Largest girth of the trousers in the hand's breadth around the hip joints, metres."""
    hip = float(body.keypoints["left_hip"][2])
    girths = []
    for z in np.linspace(hip - 0.06, hip + 0.06, 6):
        slab = body.trousers[np.abs(body.trousers[:, 2] - z) < 0.015][:, :2]
        girths.append(ConvexHull(slab).area)
    return float(max(girths))


def _waist(body: PosedBody) -> tuple[float, float]:
    """Height and girth of the trunk's narrowest place."""
    hip = float(body.keypoints["left_hip"][2])
    torso = body.vertices[body.of(Part.TORSO, Part.HIPS)]
    found = []
    for z in hip + np.linspace(*WAIST_ABOVE_HIPS_M, 12):
        slab = torso[np.abs(torso[:, 2] - z) < 0.015][:, :2]
        if len(slab) > 2:
            found.append((float(ConvexHull(slab).area), float(z)))
    girth, height = min(found)
    return height, girth


def _crotch_height(body: PosedBody) -> float:
    """Height of the lowest point between the legs."""
    skin = body.vertices[body.of(Part.TORSO, Part.HIPS, Part.THIGH_LEFT, Part.THIGH_RIGHT)]
    points = np.concatenate([skin, body.trousers])
    lowest = float(points[np.abs(points[:, 0]) < BETWEEN_LEGS_M, 2].min())
    return max(lowest, LOWEST_CROTCH * float(body.keypoints["left_hip"][2]))
