"""Lengths and girths of a figure, for cutting clothes to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull

from fashquick_generation.studio.figure.body import Part, PosedBody

ARMPIT_BELOW_SHOULDER_M = 0.105
"""An armpit's height under the shoulder joint."""


@dataclass(frozen=True, slots=True)
class Measures:
    """A body's measures, metres.

    Attributes:
        chest_girth_m: Largest girth of the torso in the hand's breadth under the armpits.
        hip_girth_m: Largest girth of the trousers in the hand's breadth around the hip joints.
    """

    chest_girth_m: float
    hip_girth_m: float


def measured(body: PosedBody) -> Measures:
    """Measure a body that stands upright with its arms away from it."""
    return Measures(_chest_girth(body), _hip_girth(body))


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
