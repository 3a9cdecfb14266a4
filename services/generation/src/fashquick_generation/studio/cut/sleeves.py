"""Sleeves in the pattern: which points are theirs, and where along and across a sleeve they lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import cKDTree

from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut.outline import resampled
from fashquick_generation.studio.cut.pattern import Pattern, Role, Side

ARMPIT_BLEND_M = 0.03
"""Width of the border between sleeve and side at the armpit."""
STATIONS = 40
"""Points of a sleeve's middle line."""


@dataclass(frozen=True, slots=True)
class Sleeve:
    """One sleeve in the pattern.

    Attributes:
        root: 2 float64, middle of the line from armpit to shoulder.
        outward: 2 float64 unit vector, across that line, away from the body.
        axis: 2 float64 unit vector, from the root to the middle of the cuff.
        length: Metres along it.
        middle: STATIONSx2 float64, the line halfway between the sleeve's edges, from the root to the cuff.
        armpit: 2 float64.
        above: 2 float64 unit vector, across the line that halves the angle between sleeve and side seam at the
            armpit, towards the sleeve.
    """

    root: Float64
    outward: Float64
    axis: Float64
    length: float
    middle: Float64
    armpit: Float64
    above: Float64

    @property
    def angle(self) -> float:
        """Degrees from hanging."""
        return float(np.degrees(np.arctan2(abs(self.axis[0]), -self.axis[1])))

    def share(self, points: Float64) -> Float64:
        """How much each point belongs to the sleeve: 0 on the body, 1 from half its length on, smooth between."""
        t = np.clip((points - self.root) @ self.outward / max(0.5 * self.length, 1e-6), 0, 1)
        # A flared side seam lies outward of the shoulder, too, but on the armpit's other side.
        on_side = np.clip((points - self.armpit) @ self.above / ARMPIT_BLEND_M + 0.5, 0, 1)
        out: Float64 = t * t * (3 - 2 * t) * on_side
        return out

    def along(self, points: Float64) -> tuple[Float64, Float64]:
        """Each point's distance from the root along the middle line, and its distance to the left of that line."""
        steps = np.gradient(self.middle, axis=0)
        tangents = gaussian_filter1d(steps, 2.0, axis=0, mode="nearest")
        tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
        travelled = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(self.middle, axis=0), axis=1))]
        nearest = cKDTree(self.middle).query(points)[1]
        away, tangent = points - self.middle[nearest], tangents[nearest]
        left = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
        return travelled[nearest] + (away * tangent).sum(axis=1), (away * left).sum(axis=1)

    def shortened(self, points: Float64, reach_m: float) -> Float64:
        """Points of the pattern with a sleeve longer than `reach_m` cut down to it along its middle line."""
        total = float(np.linalg.norm(np.diff(self.middle, axis=0), axis=1).sum())
        if total <= reach_m:
            return points
        nearest = cKDTree(self.middle).query(points)[1]
        moved = points - (1 - reach_m / total) * (self.middle[nearest] - self.root)
        out: Float64 = points + self.share(points)[:, None] * (moved - points)
        return out


def sleeves_of(pattern: Pattern) -> tuple[Sleeve, Sleeve]:
    """The wearer's left and right sleeve of a top that has sleeves."""

    def sleeve(side: Side, mirror: float) -> Sleeve:
        # Both halves are read outward along the shoulder and inward along the underarm, as the left one runs.
        way = slice(None) if side is Side.LEFT else slice(None, None, -1)
        seam, cuff_line, underarm, side_line = (
            pattern.line(role, side)[way] for role in (Role.SHOULDER, Role.CUFF, Role.UNDERARM, Role.SIDE)
        )
        upper, lower, armpit, hem = cuff_line[0], cuff_line[-1], underarm[-1], side_line[-1]
        start = int(np.abs(seam[:, 0] - 0.97 * armpit[0]).argmin())
        shoulder, over, lower_edge = seam[start], seam[start:], underarm[::-1]
        middle = (resampled(over, STATIONS) + resampled(lower_edge, STATIONS)) / 2
        root, cuff = (armpit + shoulder) / 2, (upper + lower) / 2
        line = shoulder - armpit
        outward = mirror * np.array([line[1], -line[0]]) / np.linalg.norm(line)
        length = float(np.linalg.norm(cuff - root))
        halfway = _unit(_unit(lower - armpit) + _unit(hem - armpit))
        above = mirror * np.array([-halfway[1], halfway[0]])
        return Sleeve(root, outward, (cuff - root) / length, length, middle, armpit, above)

    return sleeve(Side.LEFT, 1.0), sleeve(Side.RIGHT, -1.0)


def _unit(arrow: Float64) -> Float64:
    unit: Float64 = arrow / np.linalg.norm(arrow)
    return unit
