"""Where a waistband sits on a figure, and how it is held there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fashquick_common.errors import SimulationFailed
from fashquick_generation.studio.arrays import Bool, Float64, Int32
from fashquick_generation.studio.cut.pattern import Pattern, Role, Side
from fashquick_generation.studio.drape import gates
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
    Part.FOOT_LEFT,
    Part.FOOT_RIGHT,
)
HIGHEST_ABOVE_HIPS_M, LOWEST_ABOVE_HIPS_M = 0.24, 0.12
"""Where waistbands sit, over the hip joints: from the waist down to the upper end of the hips."""
TILT_M, TILT_BLEND_M = 0.010, 0.15
"""How much lower a waistband sits in front, and higher behind; and the depth under it at which that is made up for."""
STEP_M = 0.01
RING_STEP_M = 0.025
"""Distance of the sections through the figure; between them it is smooth."""
LOWER_END_M = 0.04
"""Height of the lower end of a pattern that is looked at once it is worn."""
LEAST_HANG = 0.6
"""Share of its length that a garment hangs down at least: cloth on bent legs, not cloth that has been caught."""
BETWEEN_LEGS_M = 0.004
"""Half width of the strip in the middle in which the legs part."""
LOWEST_CROTCH = 0.90
"""Least height of the crotch over the hip joints'; thighs that touch hide where the legs part."""
ON_SHOE_M = 0.05
"""Height from which a shoe narrows upward, so that a hem can rest on it."""
WORN_LOOSE = 1.02
"""Girth of a waistband over that of the body in it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What a garment from the waist down goes around.

    Attributes:
        points: Nx3 float64, skin of trunk and legs with what is worn on it.
        faces: Fx3 int32.
        heights: Fx3 float64, of the faces' corners.
        hip: Height of the hip joints.
        crotch: Height of the lowest point between the legs.
    """

    points: Float64
    faces: Int32
    heights: Float64
    hip: float
    crotch: float

    @staticmethod
    def of(body: PosedBody) -> Figure:
        """Take a figure as it stands."""
        skin, shown = body.model.body.faces, body.model.solid_faces
        # Skin under a companion, too: between a shoe and what shows of the leg there is a gap.
        companions = shown[shown[:, 0] >= len(body.vertices)]
        faces = np.concatenate([skin[body.of(*LOWER_BODY)[skin].all(axis=1)], companions])
        hip = float(body.keypoints["left_hip"][2])
        used = body.solid[np.unique(faces)]
        lowest = float(used[np.abs(used[:, 0]) < BETWEEN_LEGS_M, 2].min())
        return Figure(body.solid, faces, body.solid[:, 2][faces], hip, max(lowest, LOWEST_CROTCH * hip))

    def ring(self, height: float) -> Float64:
        """A ring around both legs or the trunk; see `sections.ring`."""
        return ring(crossing(self.points, self.faces, self.heights, height))

    def rings(self, heights: Float64) -> Float64:
        """Lx...x2 float64, rings around both legs or the trunk at heights in order."""
        return _between(self.ring, heights)

    def leg_rings(self, heights: Float64) -> Float64:
        """Lx...x2 float64, rings around the left leg or, below it, the shoe at heights in order."""
        return _between(self._leg_ring, np.maximum(heights, ON_SHOE_M))

    def _leg_ring(self, height: float) -> Float64:
        section = crossing(self.points, self.faces, self.heights, height)
        return ring(section[section[:, 0] > 0])


def _between(ring_at: Callable[[float], Float64], heights: Float64) -> Float64:
    """Rings at some heights, from those that are `RING_STEP_M` apart."""
    low, high = float(heights.min()), float(heights.max())
    knots = np.linspace(low, high, max(round((high - low) / RING_STEP_M), 1) + 1)
    known = np.stack([ring_at(float(z)) for z in knots])
    place = (heights - low) / max(high - low, 1e-9) * (len(knots) - 1)
    first = np.minimum(place.astype(int), len(knots) - 2)
    share = (place - first)[:, None, None]
    out: Float64 = known[first] * (1 - share) + known[first + 1] * share
    return out


def tilted(points: Float64, below_m: Float64) -> Float64:
    """Points around a figure with the upper edge lowered in front and raised behind, as waistbands sit.

    Args:
        points: ...x3 float64.
        below_m: ... float64, depth of each under the upper edge.
    """
    y = points[..., 1]
    behind = 2 * (y - y.min()) / max(float(np.ptp(y)), 1e-9) - 1
    out = points.copy()
    out[..., 2] += TILT_M * behind * np.clip(1 - below_m / TILT_BLEND_M, 0, 1)
    return out


def limited(height_m: float, figure: Figure) -> float:
    """A waistband's height, within the limits of the body."""
    return float(np.clip(height_m, figure.hip + LOWEST_ABOVE_HIPS_M, figure.hip + HIGHEST_ABOVE_HIPS_M))


def eased(body_m: float, garment_m: float, below_m: float) -> float:
    """Girth of a garment under its waistband, which is held close to the body.

    Args:
        body_m: Least girth around the body there.
        garment_m: The pattern's.
        below_m: Depth under the upper edge.
    """
    held = float(np.clip(1 - below_m / BLEND_M, 0, 1))
    return held * body_m + (1 - held) * max(garment_m, body_m)


def height(figure: Figure, girth_m: float) -> float:
    """Height at which a waistband of that girth sits: where the body is as wide, within limits."""
    heights = figure.hip + np.arange(LOWEST_ABOVE_HIPS_M, HIGHEST_ABOVE_HIPS_M, STEP_M)[::-1]
    girths = np.array([girth(line) for line in figure.rings(heights)])
    wide = np.flatnonzero(girths * WORN_LOOSE >= girth_m)
    return float(heights[wide[0]] if len(wide) else heights[-1])


def pins(cloth: Cloth, upper: Bool, places: Float64, body: PosedBody) -> tuple[Pin, ...]:
    """Hold all of the waist's edge.

    Args:
        cloth: The garment.
        upper: V bool, its part in which no edge but the waist's is open.
        places: Vx3 float64 metres, where it is.
        body: In the same pose.
    """
    edge = np.unique(cloth.edges.ends[cloth.edges.border])
    own = edge[upper[edge]]
    return pinned(own, places[own], body, (Part.TORSO, Part.HIPS))


class Hanging:
    """Of a `Placer`, what is the same for all garments that hang from a waistband."""

    def most_stretch(self, pattern: Pattern) -> float:  # noqa: ARG002
        """Stretch that the garment bears; see `Placer`."""
        return gates.MAX_STRETCH_P99_LONG

    def check(self, pattern: Pattern, cloth: Cloth, x: Float64, body: PosedBody) -> dict[str, float]:
        """Refuse a garment that does not hang down from its waistband; see `Placer`.

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
