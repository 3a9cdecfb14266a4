"""Skirts: a cone around hips and legs that hangs from the waistband."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut.pattern import Pattern, Role, Side
from fashquick_generation.studio.drape.cloth import Cloth
from fashquick_generation.studio.drape.placing import waistband
from fashquick_generation.studio.drape.placing.contract import Placed
from fashquick_generation.studio.drape.placing.sections import around, girth, widened
from fashquick_generation.studio.drape.placing.waistband import Figure, Hanging
from fashquick_generation.studio.figure.body import PosedBody
from fashquick_generation.studio.figure.poses import Pose, arms_out

ARMS_DEGREES = 40.0
"""Arms out of the way of a wide skirt."""
ROOM_M = 0.008
"""Least distance of the cone from the body."""
LEAST_DROP = 0.5
"""Height of a cone over its side's length: circle skirts are put on half spread."""
OVER_FLOOR_M = 0.05
"""Least height of a hem."""


class SkirtPlacer(Hanging):
    """Skirts of any width and length."""

    def first(self, pattern: Pattern) -> Pose:  # noqa: ARG002
        """Arms away from the hips; see `Placer`."""
        return arms_out(ARMS_DEGREES)

    def place(self, pattern: Pattern, cloth: Cloth, body: PosedBody, under: Float64) -> Placed:  # noqa: ARG002
        """Lay the cloth around the body; see `Placer`."""
        panel = _Panel.of(pattern)
        u, v = panel.shares(cloth.rest)
        figure = Figure.of(body)
        top = waistband.height(figure, 4 * panel.half_widths[0])
        levels, rings = _cone(figure, panel, top)
        start = np.concatenate(
            [
                around(rings, v * (len(rings) - 1), np.where(cloth.panel > 0.5, 0.5 - u / 4, u / 4)),
                np.interp(v, panel.levels, levels)[:, None],
            ],
            axis=1,
        )
        start = waistband.tilted(start, top - start[:, 2])
        still = np.full(len(start), -1.0)
        return Placed(
            # Flat panels are longer along curved sides than in the middle, which darts make up for in a skirt.
            cloth=replace(cloth, shape=start),
            start=start,
            pins=waistband.pins(cloth, v < 0.5, start, body),
            from_trunk=still,
            from_arms=still,
        )


@dataclass(frozen=True, slots=True)
class _Panel:
    """A skirt's panel in coordinates of its own: across from seam to seam, and down from waist to hem.

    Attributes:
        levels: M float64, 0 to 1 from waist to hem.
        half_widths: M float64, metres at these levels.
        seam_y: M float64, height of the side seam there.
        waist: Kx2 float64, u and the waist's height over its corners.
        hem: Kx2 float64, likewise.
    """

    levels: Float64
    half_widths: Float64
    seam_y: Float64
    waist: Float64
    hem: Float64

    @staticmethod
    def of(pattern: Pattern) -> _Panel:
        side = pattern.line(Role.SIDE, Side.LEFT)
        y = np.minimum.accumulate(side[:, 1])
        levels = np.linspace(0, 1, 60)
        seam_y = y[0] + levels * (y[-1] - y[0])
        widths = np.interp(-seam_y, -y, side[:, 0])

        def edge(role: Role, half: float, corner_y: float) -> Float64:
            line = pattern.line(role)
            line = line[np.argsort(line[:, 0])]
            return np.stack([line[:, 0] / half, line[:, 1] - corner_y], axis=1)

        return _Panel(levels, widths, seam_y, edge(Role.WAIST, widths[0], y[0]), edge(Role.HEM, widths[-1], y[-1]))

    def shares(self, points: Float64) -> tuple[Float64, Float64]:
        """Each point's place across, -1 on the right seam to 1 on the left one, and down, 0 to 1."""
        length = self.seam_y[0] - self.seam_y[-1]
        v = np.clip((self.seam_y[0] - points[:, 1]) / length, 0, 1)
        u = np.zeros(len(points))
        for _ in range(6):
            u = np.clip(points[:, 0] / np.interp(v, self.levels, self.half_widths), -1, 1)
            high = np.interp(u, *self.waist.T)
            low = np.interp(u, *self.hem.T) - length
            v = np.clip((high + self.seam_y[0] - points[:, 1]) / (high - low), 0, 1)
        return u, v


def _cone(figure: Figure, panel: _Panel, top: float) -> tuple[Float64, Float64]:
    """Heights and rings of the cone's levels, from the waist down.

    The cone's sides are as long as the panel is between its waist and hem, on average of middle and seam.
    """
    length = panel.seam_y[0] - panel.seam_y[-1]
    middle = length + float(np.interp(0.0, *panel.waist.T) - np.interp(0.0, *panel.hem.T))
    flare = panel.half_widths[-1] - panel.half_widths[0]
    sides = (middle + float(np.hypot(length, flare))) / 2
    # A girth that grows by 4 dx moves a ring outward by 2/pi dx.
    drop = float(np.sqrt(max(sides**2 - (2 / np.pi * flare) ** 2, (LEAST_DROP * sides) ** 2)))
    heights = top - min(drop, top - OVER_FLOOR_M) * panel.levels
    rings = []
    for height, skin, half_width in zip(heights, figure.rings(heights), panel.half_widths, strict=True):
        least = girth(skin) + 2 * np.pi * ROOM_M
        rings.append(widened(skin, waistband.eased(least, 4 * float(half_width), top - float(height))))
    return heights, np.array(rings)
