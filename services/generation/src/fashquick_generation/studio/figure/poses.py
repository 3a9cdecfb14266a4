"""The poses a figure can take, and the way from one to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from scipy.spatial.transform import Rotation

from fashquick_common.errors import BadField
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.figure.body import BodyModel

SHOULDER_SHARE = 0.18
"""Part of an upper arm's turn that the shoulder girdle makes, as in people (scapulohumeral rhythm)."""

Angles = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Arm:
    """Directions of one arm, each as (abduction, forward swing) in degrees; (0, 0) hangs straight down."""

    upper: Angles
    fore: Angles


@dataclass(frozen=True, slots=True)
class Pose:
    """What a figure does with its limbs.

    Attributes:
        left: The wearer's left arm.
        right: The wearer's right arm.
        turns: Further turns by bone name: Euler angles in degrees about the fixed x (to the wearer's left),
            y (backward) and z (up) axes.
    """

    left: Arm
    right: Arm
    turns: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)


def _both(arm: Arm, turns: Mapping[str, tuple[float, float, float]] | None = None) -> Pose:
    return Pose(arm, arm, turns or {})


_LEGS_APART = {"upperleg01.L": (0.0, 4.0, 0.0), "upperleg01.R": (0.0, -4.0, 0.0)}
_WEIGHT_ON_ONE_LEG = {
    "root": (0, 3.0, 0),
    "spine05": (0, -3.0, 0),
    "spine03": (0, -2.5, 0),
    "upperleg01.L": (-6, 4.0, 5),
    "lowerleg01.L": (12, 0, 0),
    "foot.L": (-6, 0, 6),
    "upperleg01.R": (0, -1.5, 0),
}

POSES: Mapping[str, Pose] = MappingProxyType(
    {
        "relaxed": _both(Arm((16, -2), (10, 12)), _LEGS_APART),
        "a-pose": _both(Arm((38, 2), (36, 10)), _LEGS_APART),
        "contrapposto": Pose(
            Arm((17, -5), (10, 15)),
            Arm((19, -4), (12, 18)),
            {**_WEIGHT_ON_ONE_LEG, "head": (0, 2.0, 8)},
        ),
        "hand-on-hip": Pose(
            Arm((44, -14), (-58, 20)),
            Arm((16, -3), (10, 14)),
            {**_WEIGHT_ON_ONE_LEG, "head": (0, 2.0, -8)},
        ),
        "three-quarter": Pose(
            Arm((16, -4), (11, 12)),
            Arm((17, -2), (11, 16)),
            {
                "root": (0, 0, 32),
                "spine03": (0, 0, -6),
                "head": (0, 0, -14),
                "upperleg01.L": (-5, 3.0, 4),
                "lowerleg01.L": (9, 0, 0),
                "upperleg01.R": (0, -3.0, 0),
            },
        ),
        "walk": Pose(
            Arm((16, 12), (11, 24)),
            Arm((16, -14), (12, -2)),
            {
                "upperleg01.L": (12, 3.0, 0),
                "lowerleg01.L": (8, 0, 0),
                "foot.L": (10, 0, 0),
                "upperleg01.R": (-14, -3.0, 0),
                "lowerleg01.R": (6, 0, 0),
                "spine03": (0, 0, -4),
                "root": (0, 0, 4),
            },
        ),
    }
)


def named(name: str) -> Pose:
    """The pose of that name.

    Raises:
        BadField: There is none.
    """
    pose = POSES.get(name)
    if pose is None:
        raise BadField(f"pose {name!r} is unknown; choose one of {', '.join(POSES)}", field="view.pose")
    return pose


def arms_out(abduction: float) -> Pose:
    """Straight arms at `abduction` degrees from hanging, the legs a little apart: how garments are put on."""
    return _both(Arm((abduction, 0), (abduction, 2)), _LEGS_APART)


def between(first: Pose, last: Pose, t: float) -> Pose:
    """The pose at `t` (0 to 1) on the way from `first` to `last`, angle by angle."""

    def pair(a: Angles, b: Angles) -> Angles:
        return (a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]))

    def arm(a: Arm, b: Arm) -> Arm:
        return Arm(pair(a.upper, b.upper), pair(a.fore, b.fore))

    still = (0.0, 0.0, 0.0)
    turns = {}
    for bone in sorted(set(first.turns) | set(last.turns)):
        a, b = first.turns.get(bone, still), last.turns.get(bone, still)
        turns[bone] = (a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), a[2] + t * (b[2] - a[2]))
    return Pose(arm(first.left, last.left), arm(first.right, last.right), turns)


def rotations(model: BodyModel, pose: Pose) -> Float64:
    """Turn of each bone against its parent, about the bone's head, in fixed axes.

    Returns:
        Bx3x3 rotation matrices.
    """
    turns = np.tile(np.eye(3), (len(model.bones), 1, 1))
    for side, mirror, arm in (("L", 1.0, pose.left), ("R", -1.0, pose.right)):
        shoulder, elbow, wrist = (
            model.heads[model.bones[f"{bone}.{side}"]] for bone in ("upperarm01", "lowerarm01", "wrist")
        )
        upper = _shortest_turn(elbow - shoulder, _direction(arm.upper, mirror))
        girdle = Rotation.from_rotvec(Rotation.from_matrix(upper).as_rotvec() * SHOULDER_SHARE).as_matrix()
        fore = _shortest_turn(upper @ (wrist - elbow), _direction(arm.fore, mirror))
        turns[model.bones[f"shoulder01.{side}"]] = girdle
        turns[model.bones[f"upperarm01.{side}"]] = girdle.T @ upper
        turns[model.bones[f"lowerarm01.{side}"]] = upper.T @ fore @ upper
    for bone, angles in pose.turns.items():
        index = model.bones[bone]
        turns[index] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ turns[index]
    return turns


def _direction(angles: Angles, mirror: float) -> Float64:
    abduction, forward = np.radians(angles)
    down = np.cos(abduction)
    return np.array([mirror * np.sin(abduction), -np.sin(forward) * down, -np.cos(forward) * down])


def _shortest_turn(a: Float64, b: Float64) -> Float64:
    """Rotation matrix that turns direction `a` into `b` the short way (Rodrigues' formula)."""
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    x, y, z = np.cross(a, b)
    k = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turn: Float64 = np.eye(3) + k + k @ k / (1.0 + a @ b)
    return turn
