"""Dressing: the cloth is sewn around the body, falls, and follows the arms into the pose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_generation.studio.arrays import Bool, Float64
from fashquick_generation.studio.cut.pattern import Pattern, Role, Side
from fashquick_generation.studio.cut.sleeves import Sleeve, sleeves_of
from fashquick_generation.studio.drape import gates
from fashquick_generation.studio.drape.cloth import Cloth, sewn
from fashquick_generation.studio.drape.collision import Collider, surface_of
from fashquick_generation.studio.drape.coverage import bare_chest_share, bare_share
from fashquick_generation.studio.drape.placement import arm_reach, placed, start_angle
from fashquick_generation.studio.drape.solver import GRAVITY, Contacts, Frame, Simulation, threads_of
from fashquick_generation.studio.figure.body import BodyModel, Part, PosedBody
from fashquick_generation.studio.figure.poses import Pose, arms_out, between, rotations

CLEARANCE_M = 0.0045
"""Distance of cloth from the body: what a coarse mesh needs in order not to cut through a round surface."""
LAYER_GAP_M = 0.013
"""Distance of a sleeve from the torso and of the body panels from the arms, so that both layers of cloth that
lie between arm and torso keep their order without cloth colliding with cloth."""
LONG_SLEEVE_M = 0.32
"""Sleeves longer than this reach the elbow, which can break through; short and cap sleeves may leave skin bare."""
ON_SLEEVE = 0.5
"""Share from which a point counts as the sleeve's own."""
MAX_TENSION = 1.08
"""Stretch from which knitted cloth gives way, so that a narrow sleeve fits an arm."""
ARM_FROM_SHOULDER_M = 0.11
"""Beyond this distance from the shoulder joint an arm counts as a neighbour of the torso, not as part of it."""

NECK_POINTS = ((Role.SHOULDER, Side.LEFT), (Role.NECK, Side.MIDDLE))
"""Where the shoulder seams meet the neck."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How fine and how long to simulate.

    Attributes:
        grid_m: Edge length of the cloth's mesh.
        sew: Frames without gravity in which the panels close around the body.
        fall: Frames with gravity in the start pose.
        move: Frames from the start pose into the wanted one.
        settle: Frames in the wanted pose.
        substeps: A frame's.
    """

    grid_m: float = 0.013
    sew: int = 16
    fall: int = 30
    move: int = 36
    settle: int = 30
    substeps: int = 16

    @property
    def frames(self) -> int:
        """Frames in all."""
        return self.sew + self.fall + self.move + self.settle


@dataclass(frozen=True, slots=True)
class Dressed:
    """A body in a garment.

    Attributes:
        body: In its pose.
        cloth: The garment's mesh.
        x: Vx3 float64, where its vertices are.
        texture: Vx2 float64, their pixels in the photo.
        facts: Measures of the fit.
    """

    body: PosedBody
    cloth: Cloth
    x: Float64
    texture: Float64
    facts: dict[str, float]


def dress(
    model: BodyModel,
    pose: Pose,
    pattern: Pattern,
    *,
    effort: Effort,
    on_frame: Callable[[int], None],
    cancel: CancelFlag,
) -> Dressed:
    """Put a top on a body.

    Args:
        model: Who wears it.
        pose: How they stand.
        pattern: A top's with sleeves.
        effort: How fine and long to simulate.
        on_frame: Told the number of frames done, after each.
        cancel: Checked before each frame.

    Raises:
        SimulationFailed: The cloth did not come to rest in a plausible shape.
    """
    cloth = sewn(pattern, effort.grid_m)
    cancel.check()
    sleeves = sleeves_of(pattern)
    first = arms_out(start_angle(sleeves), pose)
    start = model.posed(rotations(model, first))
    texture = pattern.warp.to_photo(cloth.rest)
    for sleeve, side in zip(sleeves, ("left", "right"), strict=True):
        cloth = replace(cloth, rest=sleeve.shortened(cloth.rest, arm_reach(start, sleeve, side)))
    seam = np.concatenate([pattern.line(Role.SHOULDER, side) for side in (Side.LEFT, Side.RIGHT)])
    cloth_run = _Run(cloth, sleeves, placed(cloth, sleeves, seam, start), start, on_frame=on_frame, cancel=cancel)
    cloth_run.hold(effort.sew, Frame(effort.substeps, 0.0, 0.92, 0.1))
    cloth_run.simulation.give_way(MAX_TENSION)
    cloth_run.hold(effort.fall, Frame(effort.substeps, GRAVITY, 0.996, 0.06))
    cloth_run.simulation.give_way(MAX_TENSION)
    # Slow, fast, slow, as arms move.
    for t in (1 - np.cos(np.linspace(0, np.pi, effort.move + 1)[1:])) / 2:
        cloth_run.follow(
            model.posed(rotations(model, between(first, pose, float(t)))), Frame(effort.substeps, GRAVITY, 0.996, 0.12)
        )
    cloth_run.hold(effort.settle, Frame(effort.substeps, GRAVITY, 0.985, 0.25))
    facts = gates.check_stretch(
        cloth_run.simulation.stretch(),
        cloth_run.simulation.tension(),
        long_sleeves=any(sleeve.length > LONG_SLEEVE_M for sleeve in sleeves),
    )
    bare = [0.0]
    for sleeve, side in zip(sleeves, ("left", "right"), strict=True):
        cancel.check()
        if sleeve.length > LONG_SLEEVE_M:
            own = sleeve.share(cloth.rest) > ON_SLEEVE
            bare.append(bare_share(cloth_run.simulation.x, own, cloth_run.body, side))
    facts |= gates.check_sleeves(max(bare))
    cancel.check()
    facts |= gates.check_chest(bare_chest_share(cloth_run.simulation.x, cloth_run.body))
    shoulders_m = min(float(cloth_run.simulation.x[cloth.corner[corner], 2]) for corner in NECK_POINTS)
    facts |= gates.check_collar(float(cloth_run.simulation.x[:, 2].max()) - shoulders_m)
    facts["cloth_vertices"] = float(len(cloth.rest))
    return Dressed(cloth_run.body, cloth, cloth_run.simulation.x, texture, facts)


class _Run:
    """The cloth's way from flat to worn."""

    def __init__(
        self,
        cloth: Cloth,
        sleeves: tuple[Sleeve, Sleeve],
        start: Float64,
        body: PosedBody,
        *,
        on_frame: Callable[[int], None],
        cancel: CancelFlag,
    ) -> None:
        self.body = body
        self.simulation = Simulation(threads_of(cloth), start)
        self._on_frame, self._cancel, self._done = on_frame, cancel, 0
        self._solid = _collidable(body)
        parts, faces = body.model.parts, body.model.body.faces
        count = len(self._solid)
        hidden = np.isin(parts, [Part.HEAD, Part.HAND_LEFT, Part.HAND_RIGHT, Part.FOOT_LEFT, Part.FOOT_RIGHT])
        skin = faces[~hidden[faces].any(axis=1)]
        all_faces = np.concatenate([skin, body.model.trousers.faces + np.int32(len(body.vertices))])
        arms = _arm_vertices(body)
        trunk = np.isin(parts, [Part.TORSO, Part.HIPS])
        self._skin = Collider(surface_of(all_faces, count))
        self._arms = Collider(surface_of(skin[arms[skin].all(axis=1)], count))
        self._trunk = Collider(surface_of(skin[trunk[skin].all(axis=1)], count))
        sleeve = sleeves[0].share(cloth.rest) + sleeves[1].share(cloth.rest)
        self._near_skin = np.full(len(cloth.rest), CLEARANCE_M)
        self._from_trunk = np.where(sleeve > 0.05, LAYER_GAP_M * sleeve, -1.0)
        self._from_arms = np.where(sleeve < 0.05, LAYER_GAP_M, -1.0)
        self._pins = _neck_pins(cloth, body)
        self.simulation.w[[vertex for vertex, _ in self._pins]] = 0.0

    def hold(self, frames: int, frame: Frame) -> None:
        """Let the cloth move while the body stands."""
        for _ in range(frames):
            self.follow(self.body, frame)

    def follow(self, body: PosedBody, frame: Frame) -> None:
        """One frame in which the body goes into another pose."""
        self._cancel.check()
        now, then = self._solid, _collidable(body)
        x = self.simulation.x
        normals = body.normals
        for vertex, on_body in self._pins:
            self.simulation.held[vertex] = body.vertices[on_body] + CLEARANCE_M * normals[on_body]
        skin = self._skin.contacts(x, now, then, self._near_skin)
        trunk = self._trunk.contacts(x, now, then, self._from_trunk)
        arms = self._arms.contacts(x, now, then, self._from_arms)
        self._cancel.check()
        self.simulation.advance(skin, _merged(trunk, arms), frame)
        self.body, self._solid = body, then
        self._done += 1
        self._on_frame(self._done)


def _collidable(body: PosedBody) -> Float64:
    return np.concatenate([body.vertices, body.trousers])


def _arm_vertices(body: PosedBody) -> Bool:
    arms = np.zeros(len(body.vertices), bool)
    for side, upper, fore in (
        ("left", Part.UPPER_ARM_LEFT, Part.FOREARM_LEFT),
        ("right", Part.UPPER_ARM_RIGHT, Part.FOREARM_RIGHT),
    ):
        away = np.linalg.norm(body.vertices - body.keypoints[f"{side}_shoulder"], axis=1)
        arms |= body.of(upper, fore) & (away > ARM_FROM_SHOULDER_M)
    return arms


def _merged(first: Contacts, second: Contacts) -> Contacts:
    """Contacts of points that touch one surface or the other, never both."""
    use = (first.clearance >= 0)[:, None]
    return Contacts(
        np.where(use, first.points, second.points),
        np.where(use, first.normals, second.normals),
        np.where(use, first.motion, second.motion),
        np.where(use[:, 0], first.clearance, second.clearance),
    )


def _neck_pins(cloth: Cloth, body: PosedBody) -> list[tuple[int, int]]:
    """Cloth vertex and body vertex of the two neck points, which rest beside the neck."""
    pins = []
    trunk = body.of(Part.TORSO, Part.NECK, Part.UPPER_ARM_LEFT, Part.UPPER_ARM_RIGHT)
    shoulders = (body.keypoints["left_shoulder"] + body.keypoints["right_shoulder"]) / 2
    for corner in NECK_POINTS:
        vertex = cloth.corner[corner]
        x = float(np.sign(cloth.rest[vertex, 0]) * np.clip(abs(cloth.rest[vertex, 0]), 0.065, 0.095))
        near = trunk & (np.abs(body.vertices[:, 0] - x) < 0.012) & (np.abs(body.vertices[:, 1] - shoulders[1]) < 0.09)
        candidates = np.flatnonzero(near)
        pins.append((vertex, int(candidates[body.vertices[candidates, 2].argmax()])))
    return pins
