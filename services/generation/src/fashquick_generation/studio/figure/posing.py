"""How a view's pose is taken by one body: joints within human limits, arms beside the body and not in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from fashquick_common.errors import BadField
from fashquick_generation.engine import View
from fashquick_generation.studio.figure.body import BodyModel, Part, PosedBody
from fashquick_generation.studio.figure.poses import Arm, Euler, Pose, named, rotations

Range = tuple[float, float]
LIMITS: tuple[tuple[tuple[str, ...], tuple[Range, Range, Range]], ...] = (
    (("root",), ((-45, 45), (-45, 45), (-180, 180))),
    (("spine",), ((-25, 25), (-20, 20), (-25, 25))),
    (("neck",), ((-25, 25), (-20, 20), (-30, 30))),
    (("head",), ((-40, 40), (-30, 30), (-60, 60))),
    (("eye", "clavicle", "shoulder"), ((-30, 30), (-30, 30), (-30, 30))),
    (("upperarm01",), ((-170, 50), (-170, 40), (-90, 90))),
    (("upperarm02", "lowerarm02"), ((-80, 80), (-80, 80), (-80, 80))),
    (("lowerarm01",), ((-150, 20), (-90, 90), (-90, 90))),
    (("wrist",), ((-70, 70), (-70, 70), (-80, 80))),
    (("metacarpal",), ((-20, 20), (-20, 20), (-20, 20))),
    (("finger",), ((-90, 90), (-90, 90), (-90, 90))),
    (("pelvis",), ((-10, 10), (-10, 10), (-10, 10))),
    (("upperleg01",), ((-120, 30), (-45, 25), (-30, 45))),
    (("upperleg02", "lowerleg02"), ((-20, 20), (-20, 20), (-20, 20))),
    (("lowerleg01",), ((-5, 140), (-8, 8), (-20, 20))),
    (("foot",), ((-30, 50), (-20, 20), (-25, 25))),
    (("toe",), ((-60, 40), (-15, 15), (-15, 15))),
)
"""Degrees that joints of adults reach about x, y and z beyond a pose, as for the wearer's left; the right mirrors them.

Rounded from the normal ranges of the American Academy of Orthopaedic Surgeons ("Joint Motion", 1965).
"""
BESIDE_SHOULDER_M = 0.24
"""Farther than this from the shoulder joint an arm is beside the body, not part of it."""
REACH_M = 0.10
"""Skin farther apart than this is not inside of the other."""
PRESSED_M = 0.014
"""How far a hand may press into soft skin."""
AWAY_M = 0.012
"""Room that hanging arms keep from the body, for what is worn between them."""
WIDER_DEGREES, WIDEST_DEGREES = 2.0, 30.0
"""Step and limit of how far fuller bodies hold their arms out."""
HANGING_DEGREES = -20.0
"""Forearms that point farther inward than this rest on the body on purpose."""


def posed_by(view: View, model: BodyModel) -> Pose:
    """The pose that a view asks for, as this body takes it.

    Args:
        view: Name of a pose, and further turns of joints.
        model: Who.

    Raises:
        BadField: There is no such pose or bone, an angle is not a number or beyond what people reach, or an arm or
            hand would be inside the body.
    """
    check_angles(view.angles, model)
    pose = _beside_body(named(view.pose), model)
    if not view.angles:
        return pose
    pose = replace(pose, further=dict(view.angles))
    depth = arm_depth(model.posed(rotations(model, pose)))
    if depth > PRESSED_M:
        raise BadField(
            f"these angles put an arm or hand {100 * depth:.1f} cm into the body, at most {100 * PRESSED_M:.1f} cm is "
            "taken for touch; turn the arm outward",
            field="view.angles",
        )
    return pose


def check_angles(angles: Mapping[str, Euler], model: BodyModel) -> None:
    """Return if joints can be turned so.

    Raises:
        BadField: A bone is unknown, or an angle is not a number or beyond what people reach.
    """
    for bone, turn in angles.items():
        if bone not in model.bones:
            raise BadField(f"bone {bone!r} is unknown; names are such as upperarm01.L or head", field="view.angles")
        for axis, angle, (low, high) in zip("xyz", turn, _limits(bone), strict=True):
            if not low <= angle <= high:
                raise BadField(
                    f"{bone} is turned by {angle:g} degrees about {axis}; give {low:g} to {high:g}", field="view.angles"
                )


def _limits(bone: str) -> tuple[Range, Range, Range]:
    x, y, z = next(ranges for names, ranges in LIMITS if bone.startswith(names))
    if bone.endswith(".R"):
        return x, (-y[1], -y[0]), (-z[1], -z[0])
    return x, y, z


def arm_depth(body: PosedBody) -> float:
    """How deep the deepest point of arms and hands is inside trunk or thighs, metres; negative for a distance.

    Distances beyond `REACH_M` count as that.
    """
    trunk = body.of(Part.TORSO, Part.HIPS, Part.THIGH_LEFT, Part.THIGH_RIGHT)
    tree, normals = cKDTree(body.vertices[trunk]), body.normals[trunk]
    deepest = -REACH_M
    for side, parts in (
        ("left", (Part.UPPER_ARM_LEFT, Part.FOREARM_LEFT, Part.HAND_LEFT)),
        ("right", (Part.UPPER_ARM_RIGHT, Part.FOREARM_RIGHT, Part.HAND_RIGHT)),
    ):
        arm = body.vertices[body.of(*parts)]
        arm = arm[np.linalg.norm(arm - body.keypoints[f"{side}_shoulder"], axis=1) > BESIDE_SHOULDER_M]
        away, nearest = tree.query(arm, distance_upper_bound=REACH_M)
        near = np.isfinite(away)
        arrow = arm[near] - tree.data[nearest[near]]
        inside = (arrow * normals[nearest[near]]).sum(axis=1) < 0
        deepest = max(deepest, float(np.where(inside, away[near], -away[near]).max(initial=-REACH_M)))
    return deepest


def _beside_body(pose: Pose, model: BodyModel) -> Pose:
    """The pose with its hanging arms held out as far as a full body needs."""
    for degrees in np.arange(0.0, WIDEST_DEGREES, WIDER_DEGREES):
        wide = replace(pose, left=_wider(pose.left, float(degrees)), right=_wider(pose.right, float(degrees)))
        resting = min(pose.left.fore[0], pose.right.fore[0]) < HANGING_DEGREES
        if arm_depth(model.posed(rotations(model, wide))) < (PRESSED_M if resting else -AWAY_M):
            break
    return wide


def _wider(arm: Arm, degrees: float) -> Arm:
    return replace(arm, upper=(arm.upper[0] + degrees, arm.upper[1]), fore=(arm.fore[0] + degrees, arm.fore[1]))
