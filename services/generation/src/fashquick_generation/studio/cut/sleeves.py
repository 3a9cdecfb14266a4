"""Sleeves in the pattern: which points are theirs, and where along and across a sleeve they lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut.pattern import Pattern, Role, Side

ARMPIT_BLEND_M = 0.03
"""Width of the border between sleeve and side at the armpit."""
ROOT_M = 0.10
"""Length from the armpit on over which the trunk turns into the sleeve."""


@dataclass(frozen=True, slots=True)
class Sleeve:
    """One sleeve in the pattern: straight, with its cuff at right angles.

    Attributes:
        upper: 2 float64, the cuff's upper corner.
        axis: 2 float64 unit vector along the sleeve, towards the cuff.
        under: 2 float64 unit vector across it, from the upper edge to the lower one.
        armpit: 2 float64.
        above: 2 float64 unit vector, across the line that halves the angle between sleeve and side seam at the
            armpit, towards the sleeve.
        stations: N float64, metres before the cuff (0 at the cuff, negative towards the body), rising.
        widths: N float64, metres, from the upper edge to the lower one there.
    """

    upper: Float64
    axis: Float64
    under: Float64
    armpit: Float64
    above: Float64
    stations: Float64
    widths: Float64

    @property
    def angle(self) -> float:
        """Degrees from hanging."""
        return float(np.degrees(np.arctan2(abs(self.axis[0]), -self.axis[1])))

    @property
    def length(self) -> float:
        """Metres from the armpit to the cuff."""
        return float((self.upper - self.armpit) @ self.axis)

    def share(self, points: Float64) -> Float64:
        """How much each point belongs to the sleeve: 0 on the body, 1 from `ROOT_M` on, smooth between."""
        t = np.clip((points - self.armpit) @ self.axis / ROOT_M + 0.25, 0, 1)
        # A flared side seam lies outward of the armpit, too, but on its other side.
        on_side = np.clip((points - self.armpit) @ self.above / ARMPIT_BLEND_M + 0.5, 0, 1)
        out: Float64 = t * t * (3 - 2 * t) * on_side
        return out

    def at(self, points: Float64) -> tuple[Float64, Float64, Float64]:
        """Where points lie in the sleeve.

        Args:
            points: Nx2 float64.

        Returns:
            Metres before the cuff, negative towards the body; metres from the upper edge; the sleeve's width there.
        """
        away = points - self.upper
        along = away @ self.axis
        return along, away @ self.under, np.interp(along, self.stations, self.widths)


def sleeves_of(pattern: Pattern) -> tuple[Sleeve, ...]:
    """The wearer's left and right sleeve of a top; none where it has armholes."""
    if pattern.stretch(Role.CUFF, Side.LEFT) is None:
        return ()

    def sleeve(side: Side) -> Sleeve:
        # Both halves are read inward along the underarm, as the left one runs.
        way = slice(None) if side is Side.LEFT else slice(None, None, -1)
        cuff, underarm, side_line = (pattern.line(role, side)[way] for role in (Role.CUFF, Role.UNDERARM, Role.SIDE))
        upper, lower, armpit = cuff[0], cuff[-1], underarm[-1]
        under = _unit(lower - upper)
        axis = np.array([-under[1], under[0]]) * (1.0 if side is Side.LEFT else -1.0)
        away = underarm[::-1] - upper
        halfway = _unit(_unit(lower - armpit) + _unit(side_line[-1] - armpit))
        above = np.array([-halfway[1], halfway[0]]) * (1.0 if side is Side.LEFT else -1.0)
        return Sleeve(upper, axis, under, armpit, above, np.maximum.accumulate(away @ axis), away @ under)

    return sleeve(Side.LEFT), sleeve(Side.RIGHT)


def _unit(arrow: Float64) -> Float64:
    unit: Float64 = arrow / np.linalg.norm(arrow)
    return unit
