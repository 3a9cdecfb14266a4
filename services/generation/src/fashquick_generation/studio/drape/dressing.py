"""Dressing: cloth is sewn around the body, falls, and follows the body into its pose.

`fallen` does what does not depend on the pose, `posed` the rest, so that further poses of the same garments are
cheap, and further views of the same pose cost nothing. Garments of an outfit are put on one after another, innermost
first; each collides with the body and with all garments underneath.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import MappingProxyType

import cv2
import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut.pattern import Family, Pattern
from fashquick_generation.studio.drape import gates
from fashquick_generation.studio.drape.cloth import Cloth, sewn
from fashquick_generation.studio.drape.collar import with_collar
from fashquick_generation.studio.drape.fabrics import GRAVITY, Fabric
from fashquick_generation.studio.drape.motion import Motion, Worn
from fashquick_generation.studio.drape.placing.contract import Placed, Placer
from fashquick_generation.studio.drape.placing.skirts import SkirtPlacer
from fashquick_generation.studio.drape.placing.tops import TopPlacer
from fashquick_generation.studio.drape.placing.trousers import TrouserPlacer
from fashquick_generation.studio.drape.refining import Refinement, refinement
from fashquick_generation.studio.drape.solver import Frame, Threads, threads_of
from fashquick_generation.studio.figure.body import BodyModel, PosedBody
from fashquick_generation.studio.figure.poses import Pose

MAX_TENSION = 1.08
"""Stretch from which knitted cloth gives way, so that a narrow sleeve fits an arm."""
HANGS_M_S = 0.01
"""Typical speed under which a garment hangs well enough to be moved."""
FALLING_FRAMES = 6
"""Frames in which cloth that begins still has begun to fall."""
SETTLING_FRAMES = 6
"""Frames that folds need to come up on the fine mesh."""
CALM_M_S = 0.08
"""Typical speed under which the fine mesh takes over."""
STILL_M_S = 0.018
"""Typical speed under which a garment is photographed: less than a third of a millimetre a frame."""
MOST_POINTS = 8000
"""Vertices of a garment: a T-shirt has 6000 at the usual edge length, and wider coats show no finer folds."""
CHANGE_FRAMES = 12
"""Frames in which a dressed body goes from the start pose of one garment to that of the next."""
PLACERS: Mapping[Family, Placer] = MappingProxyType(
    {Family.TOP: TopPlacer(), Family.SKIRT: SkirtPlacer(), Family.TROUSERS: TrouserPlacer()}
)
"""Who lays what on the body."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How fine and how long to simulate.

    Attributes:
        grid_m: Edge length of the cloth's mesh.
        coarser: How many times that length it has until it settles.
        sew: Frames without gravity in which the panels close around the body.
        fall: Most frames with gravity in the start pose.
        move: Frames from the start pose into the wanted one.
        calm: Most frames in the wanted pose before the mesh gets fine.
        settle: Most frames in the wanted pose after that.
        substeps: A frame's.
    """

    grid_m: float = 0.013
    coarser: float = 2.0
    sew: int = 16
    fall: int = 30
    move: int = 28
    calm: int = 12
    settle: int = 30
    substeps: int = 14

    @property
    def safer(self) -> Effort:
        """Smaller steps and slower movement, for cloth that flew apart."""
        return replace(self, substeps=2 * self.substeps, sew=2 * self.sew, move=2 * self.move, calm=2 * self.calm)

    def frames(self, garments: int, poses: int) -> int:
        """Most frames of an outfit that is shown in some poses."""
        dressing = garments * (self.sew + self.fall) + (garments - 1) * CHANGE_FRAMES
        return dressing + poses * (self.move + self.calm + self.settle)


@dataclass(frozen=True, slots=True)
class Piece:
    """A garment as it comes from the cutting table.

    Attributes:
        pattern: Its cut.
        fabric: What it is made of.
    """

    pattern: Pattern
    fabric: Fabric


@dataclass(frozen=True, slots=True)
class Garment:
    """A garment on a body.

    Attributes:
        cloth: Its mesh.
        x: Vx3 float64 metres, where its vertices are.
        texture: Vx2 float64, their pixels in the garment's photo.
    """

    cloth: Cloth
    x: Float64
    texture: Float64


@dataclass(frozen=True, slots=True)
class Dressed:
    """A body in an outfit.

    Attributes:
        body: In its pose.
        garments: Innermost first.
        facts: Measures of the fit, each of the garment on which it is largest.
    """

    body: PosedBody
    garments: tuple[Garment, ...]
    facts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Fine:
    """A garment's fine mesh.

    Attributes:
        placed: How it would be put on.
        threads: What holds it in shape.
        refinement: Where its points are on the coarse mesh.
        texture: Vx2 float64, their pixels in the garment's photo.
    """

    placed: Placed
    threads: Threads
    refinement: Refinement
    texture: Float64


@dataclass(frozen=True, slots=True)
class Fallen:
    """An outfit that hangs on the body in its start pose; nothing changes it.

    Attributes:
        model: Who wears it.
        pose: That the body is in.
        pieces: Of the garments, innermost first.
        worn: The garments, on their coarse meshes.
        fine: How the fine meshes of the same garments are put on.
        effort: How fine and long to simulate.
    """

    model: BodyModel
    pose: Pose
    pieces: tuple[Piece, ...]
    worn: tuple[Worn, ...]
    fine: tuple[Fine, ...]
    effort: Effort


def fallen(
    model: BodyModel,
    pieces: Sequence[Piece],
    *,
    effort: Effort,
    on_frame: Callable[[], None],
    cancel: CancelFlag,
) -> Fallen:
    """Put garments on a body, in a pose that suits them.

    Args:
        model: Who wears them.
        pieces: At least one, innermost first.
        effort: How fine and long to simulate.
        on_frame: Called after each frame.
        cancel: Checked before each frame.

    Raises:
        SimulationFailed: The cloth flew apart, with safer settings too.
    """
    try:
        return _fallen(model, pieces, effort, on_frame, cancel)
    except gates.Unstable:
        return _fallen(model, pieces, effort.safer, on_frame, cancel)


def _fallen(
    model: BodyModel, pieces: Sequence[Piece], effort: Effort, on_frame: Callable[[], None], cancel: CancelFlag
) -> Fallen:
    motion = Motion(model, _placer(pieces[0]).first(pieces[0].pattern), (), on_frame=on_frame, cancel=cancel)
    fine = []
    for piece in pieces:
        placer, pattern = _placer(piece), piece.pattern
        if motion.worn:
            motion.move(placer.first(pattern), CHANGE_FRAMES, Frame(effort.substeps, GRAVITY, 0.99))
        grid_m = _grid(pattern, effort)
        coarse = placer.place(pattern, sewn(pattern, effort.coarser * grid_m), motion.body, motion.under)
        cancel.check()
        # The fine mesh is made on another core while the coarse one falls.
        with ThreadPoolExecutor(1, thread_name_prefix="sewing") as beside:
            finer = beside.submit(_fine, piece, grid_m, coarse.cloth, motion.body, under=motion.under, cancel=cancel)
            motion.put_on(coarse, piece.fabric)
            motion.hold(effort.sew, Frame(effort.substeps, 0.0, 0.92))
            motion.give_way(MAX_TENSION)
            motion.rest(FALLING_FRAMES, effort.fall, Frame(effort.substeps, GRAVITY, 0.99), HANGS_M_S)
            motion.give_way(MAX_TENSION)
            fine.append(finer.result())
    return Fallen(model, motion.pose, tuple(pieces), motion.worn, tuple(fine), effort)


def _grid(pattern: Pattern, effort: Effort) -> float:
    """Edge length at which a garment of any size has a bounded number of vertices."""
    border = np.ascontiguousarray(pattern.border, np.float32)
    panels_m2 = 2 * float(cv2.contourArea(border))
    return max(effort.grid_m, float(np.sqrt(panels_m2 / (MOST_POINTS * np.sqrt(3) / 2))))


def _fine(piece: Piece, grid_m: float, coarse: Cloth, body: PosedBody, *, under: Float64, cancel: CancelFlag) -> Fine:
    cloth = sewn(piece.pattern, grid_m)
    cancel.check()
    texture = piece.pattern.warp.to_photo(cloth.rest)
    cancel.check()
    placed = _placer(piece).place(piece.pattern, cloth, body, under)
    cancel.check()
    return Fine(placed, threads_of(placed.cloth, piece.fabric), refinement(coarse, placed.cloth), texture)


def _placer(piece: Piece) -> Placer:
    return PLACERS[piece.pattern.family]


def posed(outfit: Fallen, pose: Pose, *, on_frame: Callable[[], None], cancel: CancelFlag) -> Dressed:
    """Bring a dressed body into a pose; the outfit can be posed again.

    Args:
        outfit: What `fallen` made.
        pose: How the body shall stand.
        on_frame: Called after each frame.
        cancel: Checked before each frame.

    Raises:
        PhotoNotUsable: A garment would not dress the figure.
        SimulationFailed: The cloth did not come to rest in a plausible shape, with safer settings neither.
    """
    try:
        return _posed(outfit, pose, outfit.effort, on_frame, cancel)
    except gates.Unstable:
        return _posed(outfit, pose, outfit.effort.safer, on_frame, cancel)


def _posed(outfit: Fallen, pose: Pose, effort: Effort, on_frame: Callable[[], None], cancel: CancelFlag) -> Dressed:
    motion = Motion(outfit.model, outfit.pose, outfit.worn, on_frame=on_frame, cancel=cancel)
    motion.move(pose, effort.move, Frame(effort.substeps, GRAVITY, 0.996))
    motion.rest(0, effort.calm, Frame(effort.substeps, GRAVITY, 0.985), CALM_M_S)
    settled = _refined(outfit.fine, motion)
    motion = Motion(outfit.model, pose, settled, on_frame=on_frame, cancel=cancel)
    motion.rest(SETTLING_FRAMES, effort.settle, Frame(effort.substeps, GRAVITY, 0.95), STILL_M_S)
    garments: list[Garment] = []
    facts: dict[str, float] = {}
    for piece, fine, worn in zip(outfit.pieces, outfit.fine, motion.worn, strict=True):
        placer, cloth, pattern = _placer(piece), worn.placed.cloth, piece.pattern
        found = gates.check_stretch(
            worn.threads.stretched(worn.state.x), worn.threads.tensed(worn.state.x), most=placer.most_stretch(pattern)
        )
        cancel.check()
        found |= placer.check(pattern, cloth, worn.state.x, motion.body)
        found["cloth_vertices"] = float(len(cloth.rest))
        facts |= {name: max(value, facts.get(name, value)) for name, value in found.items()}
        garments.append(Garment(*with_collar(pattern, cloth, worn.state.x, fine.texture, motion.body)))
    return Dressed(motion.body, tuple(garments), facts)


def _refined(fine: tuple[Fine, ...], motion: Motion) -> tuple[Worn, ...]:
    out = []
    for mesh, worn in zip(fine, motion.worn, strict=True):
        state = mesh.refinement.applied(worn.state)
        out.append(Worn(mesh.placed, worn.fabric, mesh.threads.given_way(state.x, MAX_TENSION), state))
    return tuple(out)
