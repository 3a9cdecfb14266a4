"""Where a waistband sits on a figure, and how it is held there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fashquick_common.errors import SimulationFailed
from fashquick_generation.studio.arrays import Bool, Float64, Int32
from fashquick_generation.studio.cut.pattern import Pattern, Role, Side
from fashquick_generation.studio.drape.cloth import Cloth
from fashquick_generation.studio.drape.placing.contract import Pin
from fashquick_generation.studio.drape.placing.pins import pinned
from fashquick_generation.studio.drape.placing.sections import crossing, girth, ring
from fashquick_generation.studio.figure.body import Part, PosedBody

BLEND_M = 0.07
"""Depth under its upper edge over which a waistband's own girth turns into the garment's."""
LOWER_BODY = (
    Part.TORSO,
    Part.HIPS,
    Part.THIGH_LEFT,
    Part.THIGH_RIGHT,
    Part.SHIN_LEFT,
    Part.SHIN_RIGHT,
)
HIGHEST_ABOVE_HIPS_M, LOWEST_ABOVE_HIPS_M = 0.24, 0.12
"""Where waistbands sit, over the hip joints: from the waist down to the upper end of the hips."""
STEP_M = 0.01
LOWER_END_M = 0.04
"""Height of the lower end of a pattern that is looked at once it is worn."""
LEAST_HANG = 0.6
"""Share of its length that a garment hangs down at least: cloth on bent legs, not cloth that has been caught."""
WORN_LOOSE = 1.02
"""Girth of a waistband over that of the body in it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What a garment from the waist down goes around.

    Attributes:
        points: Nx3 float64, skin of trunk and legs with what is worn on it.
        faces: Fx3 int32.
        hip: Height of the hip joints.
    """

    points: Float64
    faces: Int32
    hip: float

    @staticmethod
    def of(body: PosedBody) -> Figure:
        """Take a figure as it stands."""
        mine = np.concatenate([body.of(*LOWER_BODY), np.ones(len(body.solid) - len(body.vertices), bool)])
        faces = body.model.solid_faces
        return Figure(body.solid, faces[mine[faces].all(axis=1)], float(body.keypoints["left_hip"][2]))

    def ring(self, height: float) -> Float64:
        """A ring around both legs or the trunk; see `sections.ring`."""
        return ring(crossing(self.points, self.faces, height))


def height(figure: Figure, girth_m: float) -> float:
    """Height at which a waistband of that girth sits: where the body is as wide, within limits."""
    heights = figure.hip + np.arange(LOWEST_ABOVE_HIPS_M, HIGHEST_ABOVE_HIPS_M, STEP_M)[::-1]
    girths = np.array([girth(figure.ring(float(z))) for z in heights])
    wide = np.flatnonzero(girths * WORN_LOOSE >= girth_m)
    return float(heights[wide[0]] if len(wide) else heights[-1])


def pins(cloth: Cloth, upper: Bool, places: Float64, body: PosedBody) -> tuple[Pin, ...]:
    """Hold all of the waist's edge."""
    edge = np.unique(cloth.edges.ends[cloth.edges.border])
    own = edge[upper[edge]]
    return pinned(own, places[own], body, (Part.TORSO, Part.HIPS))


def check(pattern: Pattern, cloth: Cloth, x: Float64, body: PosedBody) -> dict[str, float]:
    """Refuse a garment that does not hang down from its waistband.

    Returns:
        The measures, as facts of the picture.

    Raises:
        SimulationFailed: Its lower end has risen.
    """
    lower = cloth.rest[:, 1] < cloth.rest[:, 1].min() + LOWER_END_M
    waist = float(x[cloth.corner[Role.WAIST, Side.MIDDLE], 2])
    hangs = (waist - float(np.median(x[lower, 2]))) / float(np.ptp(pattern.border[:, 1]))
    if hangs < LEAST_HANG:
        raise SimulationFailed(
            f"the garment hangs {hangs:.0%} of its length down from the waist; lay it flat and smooth, or choose "
            "another pose",
            metadata={"hang_share": f"{hangs:.3f}"},
        )
    return {"hang_share": hangs, "waist_above_hips_m": waist - float(body.keypoints["left_hip"][2])}
