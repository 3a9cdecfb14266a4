"""What a family of garments says of its way onto the body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut.pattern import Pattern
from fashquick_generation.studio.drape.cloth import Cloth
from fashquick_generation.studio.figure.body import PosedBody
from fashquick_generation.studio.figure.poses import Pose

CLEARANCE_M = 0.0045
"""Distance of cloth from the body: what a coarse mesh needs in order not to cut through a round surface."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A point of the cloth that stays where it is on the body.

    Attributes:
        vertex: Of the cloth.
        corners: Body vertices of the face that it follows.
        local: Its place from the first corner, along the edges to the second and third (in their lengths) and along
            the face's unit normal (in metres).
    """

    vertex: int
    corners: tuple[int, int, int]
    local: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Placed:
    """Cloth before it falls.

    Attributes:
        cloth: With its shape at rest.
        start: Vx3 float64 metres, where its vertices begin.
        pins: Points that the body holds.
        from_trunk: V float64, metres that a vertex keeps from the trunk, -1 for those that need not: with
            `from_arms`, how layers of cloth between arm and trunk keep their order.
        from_arms: V float64, likewise from the arms.
    """

    cloth: Cloth
    start: Float64
    pins: tuple[Pin, ...]
    from_trunk: Float64
    from_arms: Float64


class Placer(Protocol):
    """How garments of one family get onto a body."""

    def first(self, pattern: Pattern) -> Pose:
        """Pose in which the body meets the cloth; it depends on the garment alone, not on the pose it ends in."""
        ...

    def place(self, pattern: Pattern, cloth: Cloth, body: PosedBody, under: Float64) -> Placed:
        """Lay the cloth around the body.

        Args:
            pattern: The garment's.
            cloth: Sewn from it.
            body: In the pose `first`.
            under: Nx3 float64 metres, points of garments that are worn underneath; often none.
        """
        ...

    def most_stretch(self, pattern: Pattern) -> float:
        """Largest 99th percentile of an edge's length over its length in the pattern that the garment bears."""
        ...

    def check(self, pattern: Pattern, cloth: Cloth, x: Float64, body: PosedBody) -> dict[str, float]:
        """Measure the garment in its last place.

        Args:
            pattern: The garment's.
            cloth: As placed.
            x: Vx3 float64 metres, where its vertices are.
            body: In its pose.

        Returns:
            The measures, as facts of the picture.

        Raises:
            PhotoNotUsable: The figure would not be dressed.
            SimulationFailed: The cloth did not come to rest in a plausible shape.
        """
        ...
