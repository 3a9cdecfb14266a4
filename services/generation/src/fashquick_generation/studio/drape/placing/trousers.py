"""Trousers and shorts: a tube around the trunk that parts into one around each leg.

A flat pair of trousers says how wide and how long it is, but not how its crotch goes from the front under the body to
the back: in the photo that part is folded away. So the garment's own shape is built around the standing figure, with
the girths and lengths of the pattern, and its lengths at rest are taken from there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fashquick_generation.studio.arrays import Bool, Float64
from fashquick_generation.studio.cut.pattern import Pattern, Role, Side
from fashquick_generation.studio.drape.cloth import Cloth
from fashquick_generation.studio.drape.placing import waistband
from fashquick_generation.studio.drape.placing.contract import Placed
from fashquick_generation.studio.drape.placing.sections import girth, on_ring, widened
from fashquick_generation.studio.drape.placing.waistband import Figure, Hanging
from fashquick_generation.studio.figure.body import PosedBody
from fashquick_generation.studio.figure.poses import Pose, arms_out

ARMS_DEGREES = 40.0
LEGS_DEGREES = 7.0
"""How far each leg is turned out while the trousers are put on."""
ROOM_M = 0.007
"""Least distance of the cloth from the body."""
BELOW_CROTCH_M = 0.012
"""How far the crotch hangs below the body's."""
SEAT_M = 0.11
"""Height over the crotch at which the trunk begins to part."""
MIDDLE_GAP_M = 0.004
"""Least distance of a leg's cloth from the middle line."""
UPRIGHT_INSEAM_M = 0.30
"""Legs longer than this end level, shorter ones may be cut higher at the side."""
OVER_FLOOR_M = 0.025
MOST_SLANT_M = 0.04
"""How much higher the hem of shorts may be at the side than between the legs."""
ROWS, COLUMNS = 40, 25
"""Of the form's pieces."""


class TrouserPlacer(Hanging):
    """Trousers and shorts of any width and length."""

    def first(self, pattern: Pattern) -> Pose:  # noqa: ARG002
        """Arms away from the hips, legs from each other; see `Placer`."""
        return arms_out(ARMS_DEGREES, LEGS_DEGREES)

    def place(self, pattern: Pattern, cloth: Cloth, body: PosedBody, under: Float64) -> Placed:  # noqa: ARG002
        """Build the garment around the body; see `Placer`."""
        half = _Half.of(pattern)
        figure = Figure.of(body)
        form = _Form.of(half, figure)
        on_left = cloth.rest[:, 0] >= 0
        mirror = np.where(on_left, 1.0, -1.0)
        level, across, on_leg = half.shares(np.stack([mirror * cloth.rest[:, 0], cloth.rest[:, 1]], axis=1))
        shape = form.at(level, across, on_leg, cloth.panel)
        shape[:, 0] *= mirror
        still = np.full(len(shape), -1.0)
        return Placed(
            cloth=replace(cloth, shape=shape),
            start=shape,
            pins=waistband.pins(cloth, ~on_leg, shape, body),
            from_trunk=still,
            from_arms=still,
        )


@dataclass(frozen=True, slots=True)
class _Half:
    """The left half of the pattern in coordinates of its own.

    Attributes:
        waist: Kx2 float64, share of the half's width from the middle, and height over the waist's corner.
        trunk: ROWSx2 float64, the side from the waist to the thigh.
        rise: From the waist's corner down to the crotch.
        across: 2 float64 unit vector, from the crotch to the thigh.
        along: 2 float64 unit vector, down the leg.
        inner: ROWS float64, place of the inseam along `across` from the crotch, at equal steps down the leg.
        outer: ROWS float64, of the side.
        inseam: Length down the leg.
    """

    waist: Float64
    trunk: Float64
    rise: float
    across: Float64
    along: Float64
    inner: Float64
    outer: Float64
    inseam: float

    @staticmethod
    def of(pattern: Pattern) -> _Half:
        """Take a pattern's left half."""
        side, cuff, inseam = (pattern.line(role, Side.LEFT) for role in (Role.SIDE, Role.CUFF, Role.INSEAM))
        crotch = inseam[-1]
        across = (cuff[0] - cuff[-1]) / np.linalg.norm(cuff[0] - cuff[-1])
        along = np.array([across[1], -across[0]])
        length = float((cuff[0] - crotch) @ along)
        down = np.linspace(0, length, ROWS)
        (outer_down, outer), (inner_down, inner) = (
            ((line - crotch) @ np.stack([along, across]).T).T for line in (side, inseam)
        )
        first = int(np.flatnonzero(outer_down >= -1e-9)[0])
        trunk = side[: first + 1]
        share = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(trunk, axis=0), axis=1))]
        rows = np.linspace(0, share[-1], ROWS)
        line = pattern.line(Role.WAIST)
        line = line[line[:, 0] >= 0]
        return _Half(
            waist=np.stack([line[:, 0] / side[0, 0], line[:, 1] - side[0, 1]], axis=1),
            trunk=np.stack([np.interp(rows, share, trunk[:, k]) for k in (0, 1)], axis=1) - (0.0, side[0, 1]),
            rise=float(side[0, 1] - crotch[1]),
            across=across,
            along=along,
            inner=np.interp(down, inner_down[::-1], inner[::-1]),
            outer=np.interp(down, outer_down[first:], outer[first:]),
            inseam=length,
        )

    def shares(self, points: Float64) -> tuple[Float64, Float64, Bool]:
        """Where points with x >= 0 lie in the garment.

        Returns:
            Share of the way down the trunk or the leg; share of the way across from the middle or the inseam to the
            side; whether they are on the leg.
        """
        crotch = np.array([0.0, -self.rise])
        down, aside = (points - crotch) @ self.along, (points - crotch) @ self.across
        on_leg = down > 0
        rows = np.linspace(0, 1, ROWS)
        leg = np.clip(down / self.inseam, 0, 1)
        low, high = (np.interp(leg, rows, line) for line in (self.inner, self.outer))
        leg_across = np.clip((aside - low) / (high - low), 0, 1)
        level, across = np.clip(-points[:, 1] / self.rise, 0, 1), np.zeros(len(points))
        for _ in range(8):
            across = np.clip(points[:, 0] / np.interp(level, rows, self.trunk[:, 0]), 0, 1)
            top = np.interp(across, *self.waist.T)
            # Levels run from the middle to the side, whose lengths differ.
            bottom = -self.rise + across * (self.trunk[-1, 1] + self.rise)
            level = np.clip((top - points[:, 1]) / (top - bottom), 0, 1)
        return np.where(on_leg, leg, level), np.where(on_leg, leg_across, across), on_leg


@dataclass(frozen=True, slots=True)
class _Form:
    """The left half of the garment around a figure.

    Attributes:
        trunk: 2xROWSxCx3 float64, front and back of the trunk: rows from waist to crotch, columns from the middle to
            the side.
        leg: 2xROWSxCx3 float64, front and back of the leg: columns from the inseam to the side.
    """

    trunk: Float64
    leg: Float64

    @staticmethod
    def of(half: _Half, figure: Figure) -> _Form:
        """Build it with the pattern's girths, at least the figure's."""
        crotch = figure.crotch - BELOW_CROTCH_M
        seat = crotch + SEAT_M
        # The crotch lies about under the middle of the seat.
        under = _quarter_ellipse(SEAT_M, float(np.ptp(figure.ring(seat)[:, 1])) / 2)
        waist = waistband.limited(seat + half.rise - under, figure)
        slant = waist + float(half.trunk[-1, 1]) - crotch if half.inseam < UPRIGHT_INSEAM_M else 0.0
        leg = _leg(half, figure, crotch, float(np.clip(slant, 0.0, MOST_SLANT_M)))
        return _Form(_trunk(half, figure, leg[:, 0], waist, seat), leg)

    def at(self, down: Float64, across: Float64, on_leg: Bool, panel: Float64) -> Float64:
        """Nx3 float64, points of the form; `panel` is 0 on the front, 1 on the back and between on seams."""
        front, back = (
            np.where(on_leg[:, None], _sampled(self.leg[k], down, across), _sampled(self.trunk[k], down, across))
            for k in (0, 1)
        )
        out: Float64 = front + panel[:, None] * (back - front)
        return out


def _leg(half: _Half, figure: Figure, crotch: float, slant: float) -> Float64:
    """The leg's front and back, 2xROWSxCOLUMNSx3."""
    length = min(half.inseam, crotch - OVER_FLOOR_M)
    across = np.linspace(0, 1, COLUMNS)
    out = np.empty((2, ROWS, COLUMNS, 3))
    rows = crotch - length * np.linspace(0, 1, ROWS)
    legs = figure.leg_rings(np.minimum(rows + slant / 2, figure.crotch - ROOM_M))
    for k, (low, skin) in enumerate(zip(rows, legs, strict=True)):
        ring = widened(skin, max(2 * float(half.outer[k] - half.inner[k]), girth(skin) + 2 * np.pi * ROOM_M))
        ring[:, 0] += max(MIDDLE_GAP_M - float(ring[:, 0].min()), 0.0)
        for side, sign in ((0, 0.5), (1, -0.5)):
            line = on_ring(ring, 0.75 + sign * across)
            lateral = (line[:, 0] - line[0, 0]) / (line[-1, 0] - line[0, 0])
            out[side, k] = np.concatenate([line, (low + slant * lateral)[:, None]], axis=1)
    return out


def _trunk(half: _Half, figure: Figure, thigh: Float64, waist: float, seat: float) -> Float64:
    """The trunk's front and back, 2xROWSxCOLUMNSx3.

    Args:
        half: The pattern's.
        figure: Around whom.
        thigh: 2xCOLUMNSx3 float64, where the leg begins.
        waist: Height of the upper edge.
        seat: Height at which the trunk begins to part.
    """
    heights = np.linspace(waist, seat, ROWS)
    side = waist - float(thigh[0, -1, 2])
    rings = []
    for z, skin in zip(heights, figure.rings(heights), strict=True):
        least = girth(skin) + 2 * np.pi * ROOM_M
        wanted = 4 * float(np.interp((waist - z) / side, np.linspace(0, 1, ROWS), half.trunk[:, 0]))
        rings.append(widened(skin, waistband.eased(least, wanted, waist - float(z))))
    across = np.linspace(0, 1, COLUMNS)
    out = np.empty((2, ROWS, COLUMNS, 3))
    for k, share in enumerate((across / 4, 0.5 - across / 4)):
        upper = np.stack(
            [
                np.concatenate([on_ring(ring, share), np.full((COLUMNS, 1), z)], axis=1)
                for ring, z in zip(rings, heights, strict=True)
            ]
        )
        whole = np.concatenate([upper, _patch(upper[-1], thigh[k])[1:]])
        for c in range(COLUMNS):
            out[k, :, c] = _evenly(whole[:, c])
    return waistband.tilted(out, waist - out[..., 2])


def _patch(top: Float64, bottom: Float64) -> Float64:
    """Surface between two lines whose first points are joined under the body, and whose last ones straight down.

    S. A. Coons, "Surfaces for computer-aided design of space forms" (1967): the bilinearly blended patch.

    Args:
        top: Cx3 float64, around the seat from the middle to the side.
        bottom: Cx3 float64, around the thigh from the crotch to the side.

    Returns:
        ROWSxCx3 float64.
    """
    down, across = np.linspace(0, 1, ROWS)[:, None, None], np.linspace(0, 1, len(top))[None, :, None]
    # Under the body cloth goes straight down first and level at last: a quarter of an ellipse.
    turn = down[:, 0] * np.pi / 2
    level, plumb = 1 - np.cos(turn), np.sin(turn)
    middle = top[0] + (bottom[0] - top[0]) * np.concatenate([level, level, plumb], axis=1)
    side = top[-1] + (bottom[-1] - top[-1]) * down[:, 0]
    ruled = (1 - down) * top + down * bottom + (1 - across) * middle[:, None] + across * side[:, None]
    corners = (1 - down) * ((1 - across) * top[0] + across * top[-1]) + down * (
        (1 - across) * bottom[0] + across * bottom[-1]
    )
    out: Float64 = ruled - corners
    return out


def _quarter_ellipse(a: float, b: float) -> float:
    """Length of a quarter of an ellipse, S. Ramanujan's first approximation (1914)."""
    return float(np.pi * (3 * (a + b) - np.sqrt((3 * a + b) * (a + 3 * b)))) / 4


def _evenly(line: Float64) -> Float64:
    """ROWS points at equal distances along a line in space."""
    along = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))]
    where = np.linspace(0, along[-1], ROWS)
    return np.stack([np.interp(where, along, line[:, k]) for k in range(3)], axis=1)


def _sampled(grid: Float64, down: Float64, across: Float64) -> Float64:
    """Nx3 float64, a grid of points between its rows and columns."""
    rows, columns = grid.shape[0] - 1, grid.shape[1] - 1
    i, j = (np.minimum((share * count).astype(int), count - 1) for share, count in ((down, rows), (across, columns)))
    u, v = (down * rows - i)[:, None], (across * columns - j)[:, None]
    upper = grid[i, j] * (1 - v) + grid[i, j + 1] * v
    lower = grid[i + 1, j] * (1 - v) + grid[i + 1, j + 1] * v
    out: Float64 = upper * (1 - u) + lower * u
    return out
