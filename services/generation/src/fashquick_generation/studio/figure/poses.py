"""The poses a figure can take, and the way from one to another."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from scipy.spatial.transform import Rotation

from fashquick_common.errors import BadField
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.figure.body import KEPT_BODIES, BodyModel

SHOULDER_SHARE = 0.18
"""Part of an upper arm's turn that the shoulder girdle makes, as in people (scapulohumeral rhythm)."""
FINGER_CURL_DEGREES = (4.0, 14.0, 8.0)
"""Bend of a relaxed finger's three joints, beginning at the knuckle."""
THUMB_CURL_DEGREES = (0.0, 6.0, 6.0)
FINGERS_TOGETHER, THUMB_TOGETHER = 1.0, 0.45
"""How much of the spread of fingers and thumb a relaxed hand takes back."""

Angles = tuple[float, float]
Euler = tuple[float, float, float]
STILL: Euler = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Arm:
    """Directions of one arm, each as (abduction, forward swing) in degrees; (0, 0) hangs straight down.

    Attributes:
        upper: Of the upper arm.
        fore: Of the forearm.
        twist: Degrees that the thumb is turned outward from where anny has it, between front and body.
    """

    upper: Angles
    fore: Angles
    twist: float = 15.0


@dataclass(frozen=True, slots=True)
class Leg:
    """Directions of one leg in the figure's own front, as those of an arm, whatever the hips do.

    Attributes:
        upper: Of the thigh.
        lower: Of the shin.
        out: Degrees that the toes point outward.
        heel: Degrees that the heel is raised.
    """

    upper: Angles
    lower: Angles
    out: float = 7.0
    heel: float = 0.0


@dataclass(frozen=True, slots=True)
class Pose:
    """What a figure does with its limbs; left is the wearer's.

    Attributes:
        left: Arm.
        right: Arm.
        left_leg: Leg.
        right_leg: Leg.
        turns: Turns of the other bones by name: Euler angles in degrees about the fixed x (to the wearer's left),
            y (backward) and z (up) axes.
        further: Turns of any bones on top of all that, likewise.
    """

    left: Arm
    right: Arm
    left_leg: Leg
    right_leg: Leg
    turns: Mapping[str, Euler] = field(default_factory=dict)
    further: Mapping[str, Euler] = field(default_factory=dict)


_ARM_BONES = ("shoulder01", "upperarm01", "lowerarm01", "lowerarm02", "wrist")
_UPRIGHT: Mapping[str, Euler] = MappingProxyType({"neck01": (-5, 0, 0), "head": (5, 0, 0)})
"""anny's neck leans forward; shop mannequins hold theirs up."""
_STAND = Leg((0.0, 0.0), (0.5, -1.5))
_APART = Leg((6.0, 0.0), (6.0, -1.0))
_BEARING = Leg((-1.5, -1.0), (-0.5, -3.0), out=4.0)
_FREE = Leg((6.0, 9.0), (6.5, -7.0), out=16.0)
_WEIGHT_ON_RIGHT: Mapping[str, Euler] = MappingProxyType(
    {
        "root": (0, 3.5, 0),
        "spine05": (0, -3.0, 0),
        "spine03": (0, -3.0, 0),
        "neck01": (-5, 1.0, 0),
    }
)

POSES: Mapping[str, Pose] = MappingProxyType(
    {
        "relaxed": Pose(Arm((13, -3), (8, 14)), Arm((13, -3), (8, 14)), _STAND, _STAND, _UPRIGHT),
        "a-pose": Pose(Arm((36, 2), (33, 12)), Arm((36, 2), (33, 12)), _APART, _APART, _UPRIGHT),
        "contrapposto": Pose(
            Arm((14, -7), (7, 14)),
            Arm((16, -3), (10, 20)),
            _FREE,
            _BEARING,
            {**_WEIGHT_ON_RIGHT, "head": (5, 2.0, 10)},
        ),
        "hand-on-hip": Pose(
            Arm((57, -14), (-40, 18), -10.0),
            Arm((14, -4), (9, 14)),
            _FREE,
            _BEARING,
            {**_WEIGHT_ON_RIGHT, "head": (5, 2.0, -8)},
        ),
        "three-quarter": Pose(
            Arm((13, -8), (8, 14)),
            Arm((15, 0), (9, 20)),
            Leg((3.0, 8.0), (3.0, -9.0), out=12.0),
            _STAND,
            {**_UPRIGHT, "root": (0, 2.5, 32), "spine05": (0, -2.5, 0), "spine03": (0, 0, -6), "head": (5, 0, -14)},
        ),
        "walk": Pose(
            Arm((12, 14), (8, 28)),
            Arm((12, -16), (8, -4)),
            Leg((1.0, -11.0), (1.0, -32.0), out=6.0, heel=22.0),
            Leg((1.0, 14.0), (1.0, 6.0), out=6.0, heel=-13.0),
            {**_UPRIGHT, "root": (0, 0, 5), "spine03": (0, 0, -9)},
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


def arms_out(abduction: float, legs_apart: float = 5.0) -> Pose:
    """Straight arms at `abduction` degrees from hanging, each leg at `legs_apart`: how garments are put on."""
    arm, leg = Arm((abduction, 0), (abduction, 2)), Leg((legs_apart, 0.0), (legs_apart, -1.0))
    return Pose(arm, arm, leg, leg)


def between(first: Pose, last: Pose, t: float) -> Pose:
    """The pose at `t` (0 to 1) on the way from `first` to `last`, angle by angle."""

    def mix(a: float, b: float) -> float:
        return a + t * (b - a)

    def pair(a: Angles, b: Angles) -> Angles:
        return (mix(a[0], b[0]), mix(a[1], b[1]))

    def euler(a: Euler, b: Euler) -> Euler:
        return (mix(a[0], b[0]), mix(a[1], b[1]), mix(a[2], b[2]))

    def arm(a: Arm, b: Arm) -> Arm:
        return Arm(pair(a.upper, b.upper), pair(a.fore, b.fore), mix(a.twist, b.twist))

    def leg(a: Leg, b: Leg) -> Leg:
        return Leg(pair(a.upper, b.upper), pair(a.lower, b.lower), mix(a.out, b.out), mix(a.heel, b.heel))

    def bones(a: Mapping[str, Euler], b: Mapping[str, Euler]) -> dict[str, Euler]:
        return {bone: euler(a.get(bone, STILL), b.get(bone, STILL)) for bone in sorted(set(a) | set(b))}

    return Pose(
        arm(first.left, last.left),
        arm(first.right, last.right),
        leg(first.left_leg, last.left_leg),
        leg(first.right_leg, last.right_leg),
        bones(first.turns, last.turns),
        bones(first.further, last.further),
    )


def rotations(model: BodyModel, pose: Pose) -> Float64:
    """Turn of each bone against its parent, about the bone's head, in fixed axes.

    Returns:
        Bx3x3 rotation matrices.
    """
    turns = _hands_relaxed(model).copy()
    turns[[model.bones[bone] for bone in pose.turns]] = _matrices(list(pose.turns.values()))
    front = _matrix((0.0, 0.0, pose.turns.get("root", STILL)[2]))
    for side, arm, leg in (("L", pose.left, pose.left_leg), ("R", pose.right, pose.right_leg)):
        _turn_arm(model, turns, side, arm)
        _turn_leg(model, turns, side, leg, front)
    for bone, angles in pose.further.items():
        turns[model.bones[bone]] = _matrix(angles) @ turns[model.bones[bone]]
    return turns


def _turn_arm(model: BodyModel, turns: Float64, side: str, arm: Arm) -> None:
    mirror = 1.0 if side == "L" else -1.0
    bone = {name: model.bones[f"{name}.{side}"] for name in _ARM_BONES}
    shoulder, elbow, wrist = (model.heads[bone[name]] for name in ("upperarm01", "lowerarm01", "wrist"))
    upper = _shortest_turn(elbow - shoulder, _direction(arm.upper, mirror))
    girdle = Rotation.from_rotvec(Rotation.from_matrix(upper).as_rotvec() * SHOULDER_SHARE).as_matrix()
    fore = _shortest_turn(upper @ (wrist - elbow), _direction(arm.fore, mirror))
    turns[bone["shoulder01"]] = girdle
    turns[bone["upperarm01"]] = girdle.T @ upper
    turns[bone["lowerarm01"]] = upper.T @ fore @ upper
    axis = (wrist - elbow) / np.linalg.norm(wrist - elbow)
    # Half of the twist in the forearm, half in the wrist: skin that turns at one place only collapses there.
    half = Rotation.from_rotvec(np.radians(-mirror * arm.twist / 2) * axis).as_matrix()
    turns[bone["lowerarm02"]] = turns[bone["wrist"]] = half


@functools.lru_cache(maxsize=KEPT_BODIES)
def _hands_relaxed(model: BodyModel) -> Float64:
    """Bx3x3, the reference pose with relaxed hands; nothing changes it."""
    turns = np.tile(np.eye(3), (len(model.bones), 1, 1))
    for side in ("L", "R"):
        _turn_hand(model, turns, side)
    turns.setflags(write=False)
    return turns


def _turn_hand(model: BodyModel, turns: Float64, side: str) -> None:
    """Relax the hand, whose fingers are straight and spread in the reference pose."""

    def joint(finger: int, number: int) -> Float64:
        at: Float64 = model.heads[model.bones[f"finger{finger}-{number}.{side}"]]
        return at

    wrist = model.heads[model.bones[f"wrist.{side}"]]
    middle = joint(3, 1) - wrist
    # Fingers bend about the line of the knuckles, towards the palm.
    across = joint(5, 1) - joint(2, 1)
    across *= (1.0 if side == "L" else -1.0) / np.linalg.norm(across)
    palm = np.cross(across, middle)
    palm /= np.linalg.norm(palm)
    ray = joint(3, 3) - joint(3, 1)
    for finger in range(1, 6):
        along = joint(finger, 3) - joint(finger, 1)
        spread = np.arctan2(np.cross(along, ray) @ palm, along @ ray)
        curl, together = (FINGER_CURL_DEGREES, FINGERS_TOGETHER) if finger > 1 else (THUMB_CURL_DEGREES, THUMB_TOGETHER)
        for number, degrees in enumerate(curl, start=1):
            bend = Rotation.from_rotvec(np.radians(degrees) * across)
            if number == 1:
                bend = bend * Rotation.from_rotvec(together * spread * palm)
            turns[model.bones[f"finger{finger}-{number}.{side}"]] = bend.as_matrix()


def _turn_leg(model: BodyModel, turns: Float64, side: str, leg: Leg, front: Float64) -> None:
    mirror = 1.0 if side == "L" else -1.0
    bone = {name: model.bones[f"{name}.{side}"] for name in ("upperleg01", "lowerleg01", "foot")}
    hip, knee, ankle = (model.heads[bone[name]] for name in ("upperleg01", "lowerleg01", "foot"))
    hips = turns[model.bones["root"]] @ turns[model.bones[f"pelvis.{side}"]]
    thigh = front @ _shortest_turn(knee - hip, _direction(leg.upper, mirror))
    shin = _shortest_turn(thigh @ (ankle - knee), front @ _direction(leg.lower, mirror)) @ thigh
    turns[bone["upperleg01"]] = hips.T @ thigh
    turns[bone["lowerleg01"]] = thigh.T @ shin
    turns[bone["foot"]] = shin.T @ front @ _matrix((leg.heel, 0.0, mirror * leg.out))


def _matrix(angles: Euler) -> Float64:
    matrix: Float64 = _matrices([angles])[0]
    return matrix


def _matrices(angles: Sequence[Euler]) -> Float64:
    """Nx3x3."""
    matrices: Float64 = Rotation.from_euler("xyz", np.reshape(angles, (-1, 3)), degrees=True).as_matrix()
    return matrices


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
