"""Dressing: the cloth is sewn around the body, falls, and follows the arms into the pose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_generation.studio.arrays import Bool, Float64
from fashquick_generation.studio.cut.pattern import Family, Pattern
from fashquick_generation.studio.drape import gates
from fashquick_generation.studio.drape.cloth import Cloth, sewn
from fashquick_generation.studio.drape.collision import Collider, surface_of
from fashquick_generation.studio.drape.placing.contract import Placed, Placer
from fashquick_generation.studio.drape.placing.tops import TopPlacer
from fashquick_generation.studio.drape.solver import GRAVITY, Contacts, Frame, Simulation, threads_of
from fashquick_generation.studio.figure.body import BodyModel, Part, PosedBody
from fashquick_generation.studio.figure.poses import Pose, between, rotations

CLEARANCE_M = 0.0045
"""Distance of cloth from the body: what a coarse mesh needs in order not to cut through a round surface."""
MAX_TENSION = 1.08
"""Stretch from which knitted cloth gives way, so that a narrow sleeve fits an arm."""
ARM_FROM_SHOULDER_M = 0.11
"""Beyond this distance from the shoulder joint an arm counts as a neighbour of the torso, not as part of it."""
PLACERS: Mapping[Family, Placer] = MappingProxyType({Family.TOP: TopPlacer()})
"""Who lays what on the body."""


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
    """Put a garment on a body.

    Args:
        model: Who wears it.
        pose: How they stand.
        pattern: The garment's.
        effort: How fine and long to simulate.
        on_frame: Told the number of frames done, after each.
        cancel: Checked before each frame.

    Raises:
        PhotoNotUsable: The garment would not dress the figure.
        SimulationFailed: The cloth did not come to rest in a plausible shape.
    """
    placer = PLACERS[pattern.family]
    cloth = sewn(pattern, effort.grid_m)
    texture = pattern.warp.to_photo(cloth.rest)
    cancel.check()
    laid = placer.place(pattern, cloth, model, pose)
    cancel.check()
    run = _Run(laid, model.posed(rotations(model, laid.first)), on_frame=on_frame, cancel=cancel)
    run.hold(effort.sew, Frame(effort.substeps, 0.0, 0.92, 0.1))
    run.simulation.give_way(MAX_TENSION)
    run.hold(effort.fall, Frame(effort.substeps, GRAVITY, 0.996, 0.06))
    run.simulation.give_way(MAX_TENSION)
    # Slow, fast, slow, as arms move.
    for t in (1 - np.cos(np.linspace(0, np.pi, effort.move + 1)[1:])) / 2:
        body = model.posed(rotations(model, between(laid.first, pose, float(t))))
        run.follow(body, Frame(effort.substeps, GRAVITY, 0.996, 0.12))
    run.hold(effort.settle, Frame(effort.substeps, GRAVITY, 0.985, 0.25))
    facts = gates.check_stretch(run.simulation.stretch(), run.simulation.tension(), most=placer.most_stretch(pattern))
    cancel.check()
    facts |= placer.check(pattern, laid.cloth, run.simulation.x, run.body)
    facts["cloth_vertices"] = float(len(cloth.rest))
    return Dressed(run.body, laid.cloth, run.simulation.x, texture, facts)


class _Run:
    """The cloth's way from flat to worn."""

    def __init__(
        self,
        laid: Placed,
        body: PosedBody,
        *,
        on_frame: Callable[[int], None],
        cancel: CancelFlag,
    ) -> None:
        self.body = body
        self.simulation = Simulation(threads_of(laid.cloth), laid.start)
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
        self._near_skin = np.full(len(laid.cloth.rest), CLEARANCE_M)
        self._from_trunk, self._from_arms = laid.from_trunk, laid.from_arms
        self._pins = laid.pins
        self.simulation.w[[pin.vertex for pin in self._pins]] = 0.0

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
        for pin in self._pins:
            self.simulation.held[pin.vertex] = body.vertices[pin.on_body] + CLEARANCE_M * normals[pin.on_body]
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
