"""The shoulders of a top in its photo, and what departs from their line.

Positions are told in the garment's frame: u across, from 0 in the middle to 1 at the wearer's left armpit, v up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.ndimage import gaussian_filter1d

from fashquick_common.garment import LandmarkName as L
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut.marks import widths

SHOULDER_SPAN = (0.55, 0.92)
"""Part of the way from the middle to the shoulder's tip in which the shoulder line is seen: outside of collars."""
USUAL_TIP = 0.85
"""Distance of a shoulder's tip from the middle where the passport does not tell, in half chest widths."""
STEEPEST, FLATTEST = 0.70, 0.06
"""Fall of a shoulder line."""
DEPARTURE = 0.05
"""Rise above the shoulder line that is a collar, not a crease, in half chest widths."""
WAISTED = 0.06
"""How much narrower the outline is between hood and shoulders than a hood that is as wide as they are."""
WIDEST_WAIST = 0.70
"""How far out that place is at most, in half chest widths: a hood that lies on the shoulders ends farther out."""
NECK_NEAR = 0.30
"""How far a neck point of the passport may lie off the shoulder line, in half chest widths."""
U = np.linspace(-1, 1, 201)
"""Where the outline's upper side is sampled."""
USUAL_NECK = 0.37
"""Distance of a neck point from the middle, in half chest widths, where the photo does not tell: 9 cm of 48."""


@dataclass(frozen=True, slots=True)
class Shoulder:
    """One half of the upper outline: v = height - fall * |u| along the shoulder.

    Attributes:
        sign: -1 on the wearer's right, 1 on the left.
        height: Of the shoulder line in the middle.
        fall: Of the shoulder line.
        departs: |u| where the outline leaves it upward; None where it does not.
        mark: The passport's neck point as (u, v), if it has one.
    """

    sign: float
    height: float
    fall: float
    departs: float | None
    mark: Float64 | None

    @classmethod
    def seen(cls, upper: Float64, marks: Mapping[L, Float64], sign: float) -> Self:
        """Fit the shoulder line of one half."""
        side = "LEFT" if sign > 0 else "RIGHT"
        u = U[U >= 0]
        v = np.interp(sign * u, U, upper)
        tip = marks.get(L[f"SHOULDER_{side}"])
        reach = USUAL_TIP if tip is None else float(np.clip(abs(tip[0]), 0.5, 1.1))
        low, high = (share * reach for share in SHOULDER_SPAN)
        span = (u >= low) & (u <= high)
        steps = np.diff(v[span]) / np.diff(u[span])
        fall = float(np.clip(-np.median(steps), FLATTEST, STEEPEST))
        height = float(np.median(v[span] + fall * u[span]))
        above = np.flatnonzero((u <= low) & (v - (height - fall * u) > DEPARTURE))
        departs = float(u[above[-1]]) if len(above) else None
        return cls(sign, height, fall, departs, marks.get(L[f"NECK_{side}"]))

    def on_line(self, distance: float) -> Float64:
        """(u, v) on the shoulder line."""
        return np.array([self.sign * distance, self.height - self.fall * distance])

    def end_of_neckline(self, outline: Float64) -> int:
        """The outline's point at which a neckline without a collar ends."""
        wanted = self.on_line(USUAL_NECK)
        if self.mark is not None and abs(self.mark[1] - self.on_line(abs(self.mark[0]))[1]) < NECK_NEAR:
            wanted = self.mark
        elif self.departs is not None:
            wanted = self.on_line(self.departs)
        return int(np.linalg.norm(outline - wanted, axis=1).argmin())


def upper_side(outline: Float64) -> Float64:
    """Largest v of the outline over each of `U`."""
    closed = np.concatenate([outline, outline[:1]])
    steps = np.linspace(0, len(outline), 8 * len(outline), endpoint=False)
    u, v = (np.interp(steps, np.arange(len(closed)), closed[:, k]) for k in (0, 1))
    cell = np.round((u + 1) / 2 * (len(U) - 1)).astype(int)
    inside = (cell >= 0) & (cell < len(U))
    top = np.full(len(U), -np.inf)
    np.maximum.at(top, cell[inside], v[inside])
    seen = np.isfinite(top)
    smooth: Float64 = gaussian_filter1d(np.interp(U, U[seen], top[seen]), 1.0, mode="nearest")
    return smooth


def waist(outline: Float64, sign: float) -> Float64 | None:
    """|u| and v of the narrowest place between a hood and the shoulder; None where the hood lies on the shoulders.

    Args:
        outline: Nx2 float64, (u, v), v = 0 below the shoulders.
        sign: -1 for the wearer's right half, 1 for the left.
    """
    left, right, rows = widths(outline)
    width = left if sign > 0 else right
    above = (rows > 0) & np.isfinite(width)
    if not above.any():
        return None
    downward, heights = width[above][::-1], rows[above][::-1]
    narrower = np.maximum.accumulate(downward) - downward
    at = int(narrower.argmax())
    hooded = narrower[at] > WAISTED and downward[at] < WIDEST_WAIST
    return np.array([downward[at], heights[at]]) if hooded else None
