"""Lengths and girths of a figure, for cutting clothes to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull

from fashquick_generation.studio.arrays import Float64, Int32
from fashquick_generation.studio.figure.body import Part, PosedBody

ARMPIT_BELOW_SHOULDER_M = 0.105
"""An armpit's height under the shoulder joint."""
HAND_BREADTH_M = 0.10
WAIST_ABOVE_HIPS_M = (0.12, 0.30)
"""Where a trunk is narrowest, over the hip joints."""
HIPS_AROUND_JOINTS_M = (-0.12, 0.06)
"""Where hips are widest, over the hip joints."""
TIP_BEYOND_JOINT_M = 0.018
"""How far the tip of the shoulder (acromion), from which sleeves hang, is outside of the shoulder joint."""
BETWEEN_LEGS_M = 0.012
"""Half width of the strip in the middle in which the legs part."""
LOWEST_CROTCH = 0.84
"""Least height of the crotch over the hip joints'; thighs that touch hide where the legs part."""
THIGH_BELOW_CROTCH_M = 0.03
ANKLE_ABOVE_JOINT_M = 0.03
"""A leg is thinnest a little above the ankle joint."""
NECK_ABOVE_NAPE_M = 0.035
"""Where the neck's girth is taken, over its first joint."""
_TRUNK = (Part.TORSO, Part.HIPS)
_THIGHS = (Part.THIGH_LEFT, Part.THIGH_RIGHT)
_LEG = (Part.THIGH_LEFT, Part.SHIN_LEFT)


@dataclass(frozen=True, slots=True)
class Measures:
    """Measures of the bare body, metres; heights are over the floor that its shoes stand on.

    Attributes:
        chest_girth_m: Largest girth of the trunk in the hand's breadth under the armpits.
        waist_girth_m: Smallest girth of the trunk.
        hip_girth_m: Largest girth around the hip joints and the seat.
        neck_girth_m: Of the neck above its base.
        thigh_girth_m: Of a leg under the crotch.
        knee_girth_m: Of a leg at the knee.
        ankle_girth_m: Of a leg where it is thinnest, above the ankle.
        shoulder_width_m: Between the tips of the shoulders.
        arm_length_m: From the tip of the shoulder over the elbow to the wrist.
        back_length_m: From the nape to the waist.
        shoulder_height_m: Height of the shoulder joints.
        waist_height_m: Height of the waist's girth.
        hip_height_m: Height of the hip joints.
        crotch_height_m: Height of the lowest point between the legs.
        knee_height_m: Height of the knee joints.
        ankle_height_m: Height of the ankle joints: hems that end above are free of foot and shoe.
    """

    chest_girth_m: float
    waist_girth_m: float
    hip_girth_m: float
    neck_girth_m: float
    thigh_girth_m: float
    knee_girth_m: float
    ankle_girth_m: float
    shoulder_width_m: float
    arm_length_m: float
    back_length_m: float
    shoulder_height_m: float
    waist_height_m: float
    hip_height_m: float
    crotch_height_m: float
    knee_height_m: float
    ankle_height_m: float


def measured(body: PosedBody) -> Measures:
    """Measure a body that stands upright with its arms away from it."""
    hip, knee, ankle = (float(body.keypoints[f"left_{joint}"][2]) for joint in ("hip", "knee", "ankle"))
    shoulder, elbow, wrist = (body.keypoints[f"left_{joint}"] for joint in ("shoulder", "elbow", "wrist"))
    nape = body.joints[body.model.bones["neck01"]]
    shoulders = shoulder_height(body)
    trunk, leg = _faces(body, *_TRUNK), _faces(body, *_LEG)
    seat, neck = _faces(body, *_TRUNK, *_THIGHS), _faces(body, Part.NECK, *_TRUNK)
    armpit = shoulders - ARMPIT_BELOW_SHOULDER_M
    waist_girth, waist = min(_girths(body, trunk, hip + np.linspace(*WAIST_ABOVE_HIPS_M, 13)))
    crotch = _crotch_height(body, hip)
    return Measures(
        chest_girth_m=max(_girths(body, trunk, np.linspace(armpit - HAND_BREADTH_M, armpit, 6)))[0],
        waist_girth_m=waist_girth,
        hip_girth_m=max(_girths(body, seat, hip + np.linspace(*HIPS_AROUND_JOINTS_M, 10)))[0],
        neck_girth_m=_girth(body, neck, float(nape[2]) + NECK_ABOVE_NAPE_M),
        thigh_girth_m=_girth(body, leg, crotch - THIGH_BELOW_CROTCH_M),
        knee_girth_m=_girth(body, leg, knee),
        ankle_girth_m=_girth(body, leg, ankle + ANKLE_ABOVE_JOINT_M),
        shoulder_width_m=2 * (abs(float(shoulder[0])) + TIP_BEYOND_JOINT_M),
        arm_length_m=TIP_BEYOND_JOINT_M + float(np.linalg.norm(elbow - shoulder) + np.linalg.norm(wrist - elbow)),
        back_length_m=float(nape[2]) - waist,
        shoulder_height_m=shoulders,
        waist_height_m=waist,
        hip_height_m=hip,
        crotch_height_m=crotch,
        knee_height_m=knee,
        ankle_height_m=ankle,
    )


def shoulder_height(body: PosedBody) -> float:
    """Height of the shoulder joints, metres."""
    return float((body.keypoints["left_shoulder"][2] + body.keypoints["right_shoulder"][2]) / 2)


def _faces(body: PosedBody, *parts: Part) -> Int32:
    faces = body.model.body.faces
    own: Int32 = faces[body.of(*parts)[faces].all(axis=1)]
    return own


def _girths(body: PosedBody, faces: Int32, heights: Float64) -> list[tuple[float, float]]:
    """Girth and height of each level."""
    return [(_girth(body, faces, float(height)), float(height)) for height in heights]


def _girth(body: PosedBody, faces: Int32, height: float) -> float:
    """Length of a tape around a surface at a height: the perimeter of the section's convex hull."""
    corners = body.vertices[faces]
    above = corners[..., 2] > height
    corners = corners[above.any(axis=1) & ~above.all(axis=1)]
    first, second = corners, np.roll(corners, -1, axis=1)
    crosses = (first[..., 2] > height) != (second[..., 2] > height)
    first, second = first[crosses], second[crosses]
    share = (height - first[:, 2]) / (second[:, 2] - first[:, 2])
    section = first[:, :2] + share[:, None] * (second - first)[:, :2]
    return float(ConvexHull(section).area)  # in two dimensions `area` is the perimeter


def _crotch_height(body: PosedBody, hip: float) -> float:
    skin = body.vertices[body.of(*_TRUNK, *_THIGHS)]
    lowest = float(skin[np.abs(skin[:, 0]) < BETWEEN_LEGS_M, 2].min())
    return max(lowest, LOWEST_CROTCH * hip)
