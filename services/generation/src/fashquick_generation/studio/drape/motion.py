"""A body that moves in its clothes: each garment collides with the body and with the garments underneath."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_generation.studio.arrays import Bool, Float64, Int32
from fashquick_generation.studio.drape import gates
from fashquick_generation.studio.drape.collision import Collider, Shape, Surface, surface_of
from fashquick_generation.studio.drape.fabrics import Fabric
from fashquick_generation.studio.drape.placing.contract import CLEARANCE_M, Placed
from fashquick_generation.studio.drape.placing.pins import held
from fashquick_generation.studio.drape.solver import Contacts, Frame, State, Threads, advanced, threads_of
from fashquick_generation.studio.figure.body import BodyModel, Part, PosedBody
from fashquick_generation.studio.figure.poses import Pose, between, rotations
from fashquick_generation.studio.mesh import vertex_normals

ARM_FROM_SHOULDER_M = 0.11
"""Beyond this distance from the shoulder joint an arm counts as a neighbour of the torso, not as part of it."""


@dataclass(frozen=True, slots=True)
class Worn:
    """A garment at one moment; nothing changes it.

    Attributes:
        placed: How it was put on.
        fabric: What it is made of.
        threads: What holds it in shape.
        state: Where it is and how fast it moves.
    """

    placed: Placed
    fabric: Fabric
    threads: Threads
    state: State


class Motion:
    """A body that moves in its clothes.

    Attributes:
        pose: That the body is in.
        body: In that pose.
        worn: Its garments, innermost first.
    """

    def __init__(
        self,
        model: BodyModel,
        pose: Pose,
        worn: tuple[Worn, ...],
        *,
        on_frame: Callable[[], None],
        cancel: CancelFlag,
    ) -> None:
        """Start to move.

        Args:
            model: Who moves.
            pose: That the body begins in.
            worn: Its garments, as they hang on it in that pose.
            on_frame: Called after each frame.
            cancel: Checked in each frame.
        """
        self.pose, self.body = pose, model.posed(rotations(model, pose))
        self.worn: tuple[Worn, ...] = ()
        self._on_frame, self._cancel = on_frame, cancel
        self._surroundings: list[_Surroundings] = []
        self._still: tuple[Shape, Shape] | None = None
        for garment in worn:
            self._wear(garment)

    @property
    def under(self) -> Float64:
        """Nx3 float64, points of all garments."""
        return np.concatenate([np.zeros((0, 3)), *(garment.state.x for garment in self.worn)])

    def put_on(self, placed: Placed, fabric: Fabric) -> None:
        """Put another garment over those that are worn."""
        self._wear(
            Worn(placed, fabric, threads_of(placed.cloth, fabric), State(placed.start, np.zeros_like(placed.start)))
        )

    def give_way(self, limit: float) -> None:
        """Lengthen for good what is stretched by more than `limit` in the outermost garment."""
        *inner, last = self.worn
        self.worn = (*inner, replace(last, threads=last.threads.given_way(last.state.x, limit)))

    def hold(self, frames: int, frame: Frame) -> None:
        """Let the clothes move while the body stands."""
        for _ in range(frames):
            self._follow(self.body, frame)

    def rest(self, least: int, most: int, frame: Frame, speed_m_s: float) -> None:
        """Let the clothes move while the body stands, until their typical speed is low.

        Args:
            least: Frames at least.
            most: Frames at most.
            frame: How.
            speed_m_s: Under which they rest.
        """
        for done in range(most):
            if done >= least and max(garment.state.speed for garment in self.worn) < speed_m_s:
                return
            self._follow(self.body, frame)

    def move(self, pose: Pose, frames: int, frame: Frame) -> None:
        """Go into another pose: slow, fast, slow, as people move."""
        model, first = self.body.model, self.pose
        for t in (1 - np.cos(np.linspace(0, np.pi, frames + 1)[1:])) / 2:
            self._follow(model.posed(rotations(model, between(first, pose, float(t)))), frame)
        self.pose = pose

    def _wear(self, garment: Worn) -> None:
        self._surroundings.append(_Surroundings(garment, self.body, self.worn))
        self.worn = (*self.worn, garment)

    def _follow(self, body: PosedBody, frame: Frame) -> None:
        """One frame in which the body goes into another pose, and the garments, from the inside out, with it."""
        solid, skin = self._shapes(body)
        layers = [solid]
        moved = []
        for garment, around in zip(self.worn, self._surroundings, strict=True):
            self._cancel.check()
            x = garment.state.x
            contacts = around.contacts(x, _stacked(layers), skin)
            self._cancel.check()
            friction = garment.fabric.friction
            state = advanced(garment.state, garment.threads, around.held(body), contacts, friction, frame)
            gates.check_motion(state.x)
            layers.append(Shape(x, vertex_normals(x, garment.placed.cloth.faces), state.x - x))
            moved.append(replace(garment, state=state))
        self.worn, self.body = tuple(moved), body
        self._on_frame()

    def _shapes(self, body: PosedBody) -> tuple[Shape, Shape]:
        """What shows of body and companions, and all of the skin, on their way from the last pose to `body`."""
        if self._still is not None and body is self.body:
            return self._still
        last = self.body
        points = last.solid
        motion = body.solid - points
        solid = Shape(points, vertex_normals(points, body.model.solid_faces), motion)
        skin = Shape(last.vertices, last.normals, motion[: len(last.vertices)])
        self._still = (solid, skin) if body is last else None
        return solid, skin


def _stacked(layers: list[Shape]) -> Shape:
    if len(layers) == 1:
        return layers[0]
    return Shape(
        np.concatenate([layer.points for layer in layers]),
        np.concatenate([layer.normals for layer in layers]),
        np.concatenate([layer.motion for layer in layers]),
    )


class _Surroundings:
    """What a garment collides with: body, companion clothes and the garments underneath."""

    def __init__(self, garment: Worn, body: PosedBody, under: tuple[Worn, ...]) -> None:
        free = body.of(Part.HEAD, Part.HAND_LEFT, Part.HAND_RIGHT)
        model_faces, shown = body.model.body.faces, body.model.solid_faces
        points, count = len(body.vertices), len(body.solid)
        skin = model_faces[~free[model_faces].any(axis=1)]
        free = np.concatenate([free, np.zeros(count - points, bool)])
        solid = shown[~free[shown].any(axis=1)]
        arms, trunk = _arm_vertices(body), body.of(Part.TORSO, Part.HIPS)
        placed = garment.placed
        near = np.full(len(placed.start), CLEARANCE_M + garment.fabric.thickness_m / 2)
        # What keeps a gap from the arms need not touch them: between arm and trunk it lies on the trunk.
        beside = placed.from_arms >= 0
        on_arms = np.concatenate([arms, np.zeros(count - points, bool)])[solid].all(axis=1)
        self._solids = [
            Collider(_with_layers(solid, count, under, sleeves=True), np.where(beside, -1.0, near)),
            Collider(_with_layers(solid[~on_arms], count, under, sleeves=False), np.where(beside, near, -1.0)),
        ]
        reaching = model_faces[(arms | body.of(Part.HAND_LEFT, Part.HAND_RIGHT))[model_faces].all(axis=1)]
        self._arms = Collider(surface_of(reaching, points), placed.from_arms)
        self._trunk = Collider(surface_of(skin[trunk[skin].all(axis=1)], points), placed.from_trunk)
        self._pins = placed.pins

    def contacts(self, x: Float64, solid: Shape, skin: Shape) -> tuple[Contacts, Contacts]:
        """Contacts with everything solid, and the gaps to keep from arms or trunk."""
        near, gap = Contacts.none(len(x)), Contacts.none(len(x))
        for collider in self._solids:
            collider.touch(x, solid, near)
        self._arms.touch(x, skin, gap)
        self._trunk.touch(x, skin, gap)
        return near, gap

    def held(self, body: PosedBody) -> dict[int, Float64]:
        """Where the body holds the garment."""
        return held(self._pins, body)


def _with_layers(solid: Int32, count: int, under: tuple[Worn, ...], *, sleeves: bool) -> Surface:
    """Body and garments underneath, as sleeves or all the rest of a garment meet them.

    Sleeve lies on sleeve and trunk on trunk: in the armpit, where all layers are close, the nearest may be a wrong one.
    """
    meshes, first = [solid], count
    for inner in under:
        placed = inner.placed
        other = placed.from_arms >= 0 if sleeves else placed.from_trunk >= 0
        faces = placed.cloth.faces
        meshes.append(faces[~other[faces].all(axis=1)] + np.int32(first))
        first += len(placed.start)
    return surface_of(np.concatenate(meshes), first)


def _arm_vertices(body: PosedBody) -> Bool:
    arms = np.zeros(len(body.vertices), bool)
    for side, upper, fore in (
        ("left", Part.UPPER_ARM_LEFT, Part.FOREARM_LEFT),
        ("right", Part.UPPER_ARM_RIGHT, Part.FOREARM_RIGHT),
    ):
        away = np.linalg.norm(body.vertices - body.keypoints[f"{side}_shoulder"], axis=1)
        arms |= body.of(upper, fore) & (away > ARM_FROM_SHOULDER_M)
    return arms
