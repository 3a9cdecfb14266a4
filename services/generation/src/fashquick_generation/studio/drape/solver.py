"""Cloth dynamics: extended position-based dynamics with small substeps.

M. Macklin, M. Müller, N. Chentanez, "XPBD: position-based simulation of compliant constrained dynamics" (2016),
eq. 18, with one iteration a substep as in M. Macklin et al., "Small steps in physics simulation" (2019).
Constraints are solved one after another in a fixed order (Gauss-Seidel), so results repeat bit for bit.
"""

# ruff: noqa: PLR0917 - kernels are called by position: numba has no keyword-only arguments.

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numba
import numpy as np

from fashquick_generation.studio.arrays import Float64, Int32
from fashquick_generation.studio.drape.cloth import Cloth
from fashquick_generation.studio.drape.fabrics import Fabric

FRAME_S = 1 / 60
COLLAR_TENSION = 0.97
"""Length of a ribbed collar over the edge it is sewn to: what makes a collar lie close."""
FASTEST_M_S = 4.0
"""Speed limit; a point would pass through an arm between two looks at the body."""


@dataclass(frozen=True, slots=True)
class Threads:
    """What holds cloth in shape.

    Attributes:
        ends: Ex2 int32, edges.
        cut: E float64, their lengths in the pattern in metres.
        lengths: E float64, their lengths at rest, once the cloth has given way.
        across: Bx2 int32, vertices opposite of each other over an edge, which bending brings together.
        spans: B float64, their distances at rest.
        stretch: Compliance of the edges.
        bend: Compliance of the spans.
    """

    ends: Int32
    cut: Float64
    lengths: Float64
    across: Int32
    spans: Float64
    stretch: float
    bend: float

    def given_way(self, x: Float64, limit: float) -> Threads:
        """The threads, lengthened for good where `x` stretches them by more than `limit`.

        Args:
            x: Vx3 float64 metres.
            limit: Length over length at rest that is left.
        """
        return replace(self, lengths=np.maximum(self.lengths, self._now(x) / limit))

    def stretched(self, x: Float64) -> Float64:
        """E float64, length of each edge over its length in the pattern."""
        return self._now(x) / self.cut

    def tensed(self, x: Float64) -> Float64:
        """E float64, length of each edge over its length after the cloth has given way."""
        return self._now(x) / self.lengths

    def _now(self, x: Float64) -> Float64:
        now: Float64 = np.linalg.norm(x[self.ends[:, 0]] - x[self.ends[:, 1]], axis=1)
        return now


def threads_of(cloth: Cloth, fabric: Fabric) -> Threads:
    """Stretch constraints on all edges, bend constraints over all inner ones."""
    edges = cloth.edges
    at_rest = cloth.rest if cloth.shape is None else cloth.shape
    lengths = np.linalg.norm(at_rest[edges.ends[:, 0]] - at_rest[edges.ends[:, 1]], axis=1)
    typical = float(np.median(lengths))
    lengths[edges.border & cloth.neck_edge[edges.ends].all(axis=1)] *= COLLAR_TENSION
    inner = ~edges.border
    same = np.zeros(len(edges.ends), bool)
    same[inner] = cloth.back_face[edges.faces[inner, 0]] == cloth.back_face[edges.faces[inner, 1]]
    across = edges.opposite[inner]
    spans = np.linalg.norm(at_rest[across[:, 0]] - at_rest[across[:, 1]], axis=1)
    # Both sides of a seam lie on top of each other in a flat pattern; worn, the cloth goes straight over it.
    seam = ~same[inner] & (cloth.shape is None)
    spans[seam] = sum(_height_over(cloth.rest, edges.ends[inner][seam], across[seam, k]) for k in (0, 1))
    # In the mesh's own order an error would be swept from one side of the garment to the other.
    shuffle = np.random.default_rng(0)
    first, second = shuffle.permutation(len(lengths)), shuffle.permutation(len(spans))
    return Threads(
        edges.ends[first],
        lengths[first],
        lengths[first],
        across[second],
        spans[second],
        fabric.stretch_compliance(typical),
        fabric.bend_compliance(typical),
    )


def _height_over(rest: Float64, ends: Int32, corner: Int32) -> Float64:
    """Distance of a triangle's corner from the opposite edge."""
    base, arrow = rest[ends[:, 1]] - rest[ends[:, 0]], rest[corner] - rest[ends[:, 0]]
    area = np.abs(base[:, 0] * arrow[:, 1] - base[:, 1] * arrow[:, 0])
    height: Float64 = area / np.linalg.norm(base, axis=1)
    return height


@dataclass(frozen=True, slots=True)
class Contacts:
    """Planes that cloth points stay in front of during a frame; one plane a point.

    Attributes:
        points: Vx3 float64, on the body.
        normals: Vx3 float64 unit vectors.
        motion: Vx3 float64, how far the plane moves in this frame.
        clearance: V float64, metres to keep; negative where there is no plane.
    """

    points: Float64
    normals: Float64
    motion: Float64
    clearance: Float64

    @property
    def arrays(self) -> tuple[Float64, Float64, Float64, Float64]:
        """All four."""
        return self.points, self.normals, self.motion, self.clearance

    @staticmethod
    def none(count: int) -> Contacts:
        """No planes for `count` points."""
        zero = np.zeros((3, count, 3))
        return Contacts(zero[0], zero[1], zero[2], np.full(count, -1.0))


@dataclass(frozen=True, slots=True)
class Frame:
    """How one frame is solved.

    Attributes:
        substeps: Number of them.
        gravity: m/s^2.
        keep: Share of the speed that is left after a substep.
    """

    substeps: int
    gravity: float
    keep: float


@numba.njit(nogil=True, cache=True)
def _pull(x: Float64, w: Float64, ends: Int32, lengths: Float64, compliance: float, slack: float) -> None:
    """One pass over distance constraints; compression is `slack` times as soft as stretch."""
    for c in range(ends.shape[0]):
        i, j = ends[c, 0], ends[c, 1]
        dx, dy, dz = x[i, 0] - x[j, 0], x[i, 1] - x[j, 1], x[i, 2] - x[j, 2]
        length = np.sqrt(dx * dx + dy * dy + dz * dz) + 1e-12
        error = length - lengths[c]
        weight = w[i] + w[j]
        if weight == 0.0:
            continue
        soft = compliance if error > 0.0 else compliance * slack
        k = -error / (weight + soft) / length
        x[i, 0] += w[i] * k * dx
        x[i, 1] += w[i] * k * dy
        x[i, 2] += w[i] * k * dz
        x[j, 0] -= w[j] * k * dx
        x[j, 1] -= w[j] * k * dy
        x[j, 2] -= w[j] * k * dz


@numba.njit(nogil=True, cache=True)
def _push(
    x: Float64,
    before: Float64,
    w: Float64,
    points: Float64,
    normals: Float64,
    motion: Float64,
    clearance: Float64,
    part: float,
    share: float,
    friction: float,
) -> None:
    """Put points back in front of their planes and hold them there by Coulomb's friction.

    M. Müller, M. Macklin, N. Chentanez et al., "Detailed rigid body simulation with extended position based dynamics"
    (2020), section 3.5: sliding stops where it is less than `friction` times the way a point was pushed.
    """
    for i in range(x.shape[0]):
        if clearance[i] < 0.0 or w[i] == 0.0:
            continue
        depth = clearance[i]
        for k in range(3):
            depth -= (x[i, k] - points[i, k] - motion[i, k] * part) * normals[i, k]
        if depth <= 0.0:
            continue
        along = 0.0
        for k in range(3):
            x[i, k] += depth * normals[i, k]
            along += (x[i, k] - before[i, k] - motion[i, k] * share) * normals[i, k]
        slide = 0.0
        for k in range(3):
            slide += (x[i, k] - before[i, k] - motion[i, k] * share - along * normals[i, k]) ** 2
        stopped = friction * depth
        stopped = 1.0 if slide <= stopped * stopped else stopped / np.sqrt(slide)
        for k in range(3):
            x[i, k] -= stopped * (x[i, k] - before[i, k] - motion[i, k] * share - along * normals[i, k])


@numba.njit(nogil=True, cache=True)
def _step(
    x: Float64,
    v: Float64,
    w: Float64,
    held: Float64,
    ends: Int32,
    lengths: Float64,
    across: Int32,
    spans: Float64,
    stretch: float,
    bend: float,
    skin: tuple[Float64, Float64, Float64, Float64],
    gap: tuple[Float64, Float64, Float64, Float64],
    substeps: int,
    gravity: float,
    keep: float,
    friction: float,
) -> None:
    dt = FRAME_S / substeps
    before = x.copy()
    for s in range(substeps):
        part, share = (s + 1.0) / substeps, 1.0 / substeps
        for i in range(x.shape[0]):
            v[i, 2] -= gravity * dt
            for k in range(3):
                v[i, k] *= keep
                before[i, k] = x[i, k]
                if w[i] > 0.0:
                    x[i, k] += v[i, k] * dt
                else:
                    # A held point goes to its place evenly over what is left of the frame.
                    x[i, k] += (held[i, k] - x[i, k]) / (substeps - s)
        _pull(x, w, ends, lengths, stretch / (dt * dt), 4.0)
        _pull(x, w, across, spans, bend / (dt * dt), 1.0)
        _push(x, before, w, gap[0], gap[1], gap[2], gap[3], part, share, 0.0)
        _push(x, before, w, skin[0], skin[1], skin[2], skin[3], part, share, friction)
        for i in range(x.shape[0]):
            speed = 0.0
            for k in range(3):
                v[i, k] = (x[i, k] - before[i, k]) / dt
                speed += v[i, k] * v[i, k]
            if speed > FASTEST_M_S * FASTEST_M_S:
                slower = FASTEST_M_S / np.sqrt(speed)
                for k in range(3):
                    v[i, k] *= slower


@dataclass(frozen=True, slots=True)
class State:
    """Cloth at one moment.

    Attributes:
        x: Vx3 float64, positions in metres.
        v: Vx3 float64, speeds in m/s.
    """

    x: Float64
    v: Float64

    @property
    def speed(self) -> float:
        """Root mean square of the speeds."""
        return float(np.sqrt((self.v * self.v).sum(axis=1).mean()))


def advanced(
    state: State,
    threads: Threads,
    held: Mapping[int, Float64],
    contacts: tuple[Contacts, Contacts],
    friction: float,
    frame: Frame,
) -> State:
    """Solve one frame of 1/60 s.

    Args:
        state: At its start.
        threads: What holds the cloth in shape.
        held: Vertices whose place at the end of the frame is given, with that place.
        contacts: With the solid surface next to each point, and with what to stay farther away from, without friction.
        friction: Coefficient of friction on the solid surface.
        frame: How.
    """
    x, v, w, goal = state.x.copy(), state.v.copy(), np.ones(len(state.x)), state.x.copy()
    for vertex, place in held.items():
        w[vertex], goal[vertex] = 0.0, place
    t = threads
    _step(
        x,
        v,
        w,
        goal,
        t.ends,
        t.lengths,
        t.across,
        t.spans,
        t.stretch,
        t.bend,
        contacts[0].arrays,
        contacts[1].arrays,
        frame.substeps,
        frame.gravity,
        frame.keep,
        friction,
    )
    return State(x, v)
