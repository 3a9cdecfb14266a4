"""Cloth with a known pattern, as a plane of colour numbers in the garment's own units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.drawn.colours import Colour, colour, colour_apart, mixed
from fashquick_common.garment import ColourRole, Repeat
from fashquick_common.image.spaces import lab_of_srgb

Labels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

HALF_WIDTH = 1.2  # garment units each side of the middle that a canvas holds
ABOVE, BELOW = 0.15, 1.35  # garment units above the neck's and below it
APART = 22.0  # CIE76 between a pattern and what it is on


@dataclass(frozen=True, slots=True)
class Canvas:
    """An empty piece of cloth.

    Attributes:
        unit: Canvas pixels a garment unit.
    """

    unit: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return round((ABOVE + BELOW) * self.unit), round(2 * HALF_WIDTH * self.unit)

    @property
    def units(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Garment units u (1 x columns) and v (rows x 1) of every canvas pixel."""
        rows, columns = self.shape
        u = (np.arange(columns, dtype=np.float32) + 0.5) / self.unit - HALF_WIDTH
        v = (np.arange(rows, dtype=np.float32) + 0.5) / self.unit - ABOVE
        return u[None], v[:, None]

    def px(self, points: Floats) -> Floats:
        """Nx2 garment units to canvas pixels."""
        return np.asarray((points + np.array([HALF_WIDTH, ABOVE])) * self.unit)

    def blank(self) -> Labels:
        """Cloth of colour 0."""
        return np.zeros(self.shape, np.uint8)

    def noise(self, cell: float, rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """Smooth noise of unit strength whose hills are about two cells (garment units) apart."""
        rows, columns = int((ABOVE + BELOW) / cell) + 2, int(2 * HALF_WIDTH / cell) + 2
        grid = rng.normal(0, 1, (rows, columns)).astype(np.float32)
        height, width = self.shape
        return np.asarray(cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


@dataclass(frozen=True, slots=True)
class Cloth:
    """Cloth with a known pattern.

    Attributes:
        label: Canvas of colour numbers.
        colours: sRGB of each number.
        roles: What each does.
        repeats: Directions in which it repeats; `period_px` and `period_share` in garment units.
        marks: Canvas of 0 where nothing is printed, n where line n of `words` is, 255 other print; or None.
        words: Lines of text.
        sleeve: Colour number of the sleeves, or None: as the rest.
    """

    label: Labels
    colours: tuple[Colour, ...]
    roles: tuple[ColourRole, ...]
    repeats: tuple[Repeat, ...] = ()
    marks: Labels | None = None
    words: tuple[str, ...] = field(default=())
    sleeve: int | None = None


def roles_of(count: int) -> tuple[ColourRole, ...]:
    """The first colour is the ground, the others are printed."""
    return (ColourRole.GROUND, *[ColourRole.PRINT] * (count - 1))


def solid(canvas: Canvas, rng: np.random.Generator) -> Cloth:
    """One colour, at times with a logo on the chest or a label so small that it makes no pattern."""
    base = colour(rng)
    label = canvas.blank()
    if rng.random() > 0.25:
        return Cloth(label, (base,), roles_of(1))
    centre = canvas.px(np.array([[rng.uniform(0.08, 0.16), rng.uniform(0.2, 0.3)]]))[0]
    size = rng.uniform(0.015, 0.03) * canvas.unit
    middle = (round(float(centre[0])), round(float(centre[1])))
    if rng.random() < 0.5:
        cv2.circle(label, middle, round(size * 0.6), 1, -1)
    else:
        axes = (max(1, round(size)), max(1, round(size / 2.5)))
        cv2.ellipse(label, middle, axes, 0.0, 0.0, 360.0, 1, -1)
    return Cloth(label, (base, colour_apart(rng, [base], APART)), roles_of(2))


def direction(rng: np.random.Generator, across: float) -> float:
    """Direction of lines in degrees: across the garment with chance `across`, along it, or slanting."""
    kind = rng.random()
    if kind < across:
        return 0.0
    return 90.0 if kind < across + 0.8 * (1 - across) else float(rng.choice([45.0, 135.0, rng.uniform(15, 165)]))


def phase(canvas: Canvas, angle: float, period: float, offset: float) -> npt.NDArray[np.float32]:
    """Position within a period, 0 to 1, of lines at `angle` degrees counter-clockwise from the horizontal."""
    u, v = canvas.units
    turn = np.deg2rad(angle)
    across = np.float32(np.sin(turn)) * u + np.float32(np.cos(turn)) * v
    return np.asarray(np.mod(across / np.float32(period) + np.float32(offset), 1.0), np.float32)


def duty(colours: tuple[Colour, ...] | list[Colour], widths: Floats) -> float:
    """Part of a period that is darker than half-way between its lightest and darkest band."""
    light = lab_of_srgb(np.array(colours, np.uint8))[:, 0]
    return float(widths[light < (light.min() + light.max()) / 2].sum())


def stripes(canvas: Canvas, rng: np.random.Generator) -> Cloth:
    """Bands of two to four colours, from pin stripes to broad ones."""
    bands = int(rng.choice([2, 2, 2, 3, 4]))
    angle = direction(rng, 0.55)
    period = float(np.exp(rng.uniform(np.log(0.02), np.log(0.17)))) * (1.0 if bands == 2 else 1.3)
    first = colour(rng)
    picked = [first, colour_apart(rng, [first], APART, darkness=14.0)]
    if bands == 2:
        share = float(rng.choice([0.5, rng.uniform(0.12, 0.88)]))
        widths = np.array([share, 1 - share])
        order = [0, 1]
    else:
        picked += [colour_apart(rng, picked, APART) for _ in range(int(rng.integers(0, bands - 1)))]
        order = [0, 1] + [
            int(rng.integers(2, len(picked))) if len(picked) > 2 else index % 2 for index in range(2, bands)
        ]
        order = order if order[-1] != order[0] else [*order, 1]
        widths = rng.uniform(0.3, 1.0, len(order))
        widths /= widths.sum()
    at = phase(canvas, angle, period, float(rng.random()))
    label = np.array(order, np.uint8)[np.searchsorted(np.cumsum(widths)[:-1], at, side="right")]
    dark = duty([picked[index] for index in order], widths)
    repeat = Repeat(period, period, angle, dark, 1.0)
    return Cloth(np.broadcast_to(label, canvas.shape).copy(), tuple(picked), roles_of(len(picked)), (repeat,))


def check(canvas: Canvas, rng: np.random.Generator) -> Cloth:
    """Gingham, tartan or windowpane, woven of the same bands both ways."""
    style = rng.choice(["gingham", "tartan", "windowpane"], p=[0.35, 0.4, 0.25])
    first = colour(rng)
    second = colour_apart(rng, [first], APART + 8, darkness=18.0)
    slant = float(rng.choice([0.0, 0.0, 0.0, 0.0, 45.0]))
    if style == "gingham":
        order, widths = [0, 1], np.array([0.5, 0.5])
        threads = [first, second]
        period = float(np.exp(rng.uniform(np.log(0.02), np.log(0.12))))
    elif style == "windowpane":
        thin = float(rng.uniform(0.06, 0.16))
        order, widths, threads = [0, 1], np.array([1 - thin, thin]), [first, second]
        period = float(rng.uniform(0.05, 0.16))
    else:
        threads = [first, second, *[colour_apart(rng, [first, second], APART) for _ in range(int(rng.integers(1, 3)))]]
        half = [0, 1, 0, *[int(rng.integers(1, len(threads))) for _ in range(int(rng.integers(1, 3)))]]
        order = half + half[-2:0:-1]
        half_widths = rng.uniform(0.15, 1.0, len(half)) * np.where(np.arange(len(half)) == 0, 1.6, 1.0)
        widths = np.concatenate([half_widths, half_widths[-2:0:-1]])
        widths /= widths.sum()
        period = float(rng.uniform(0.09, 0.24))
    stretch = float(rng.choice([1.0, rng.uniform(0.8, 1.25)]))
    edges = np.cumsum(widths)[:-1]
    ways = [
        np.array(order)[np.searchsorted(edges, phase(canvas, angle, length, float(rng.random())), side="right")]
        for angle, length in ((slant, period), (slant + 90, period * stretch))
    ]
    solid_cross = style == "windowpane"
    palette: list[Colour] = []
    table = np.zeros((len(threads), len(threads)), np.uint8)
    for i, one in enumerate(threads):
        for j, two in enumerate(threads):
            shown = mixed(one, two) if not solid_cross else threads[max(i, j)]
            if shown not in palette:
                palette.append(shown)
            table[i, j] = palette.index(shown)
    label = np.broadcast_to(table[ways[0], ways[1]], canvas.shape).copy()
    dark = duty([threads[index] for index in order], widths)
    repeats = (
        Repeat(period, period, slant, dark, 1.0),
        Repeat(period * stretch, period * stretch, slant + 90, dark, 1.0),
    )
    return Cloth(label, tuple(palette), roles_of(len(palette)), repeats)


def scatter(spacing: float, jitter: float, rng: np.random.Generator) -> Floats:
    """Nx2 garment units: positions about `spacing` apart all over the canvas, in random order."""
    rows, columns = int((ABOVE + BELOW) / spacing) + 1, int(2 * HALF_WIDTH / spacing) + 1
    v, u = np.mgrid[0:rows, 0:columns].astype(np.float64)
    u += 0.5 * (np.arange(rows) % 2)[:, None]
    points = np.stack([u.ravel(), v.ravel()], axis=1)
    points += rng.uniform(-jitter, jitter, points.shape)
    return np.asarray(rng.permutation(points * spacing - (HALF_WIDTH, ABOVE)))


def dots(canvas: Canvas, rng: np.random.Generator) -> Cloth:
    """Round dots, in rows or scattered."""
    base = colour(rng)
    kinds = int(rng.choice([1, 1, 1, 2, 3]))
    picked = [base, *(colour_apart(rng, [base], APART + 6, darkness=12.0) for _ in range(kinds))]
    spacing = float(np.exp(rng.uniform(np.log(0.022), np.log(0.13))))
    radius = spacing * float(rng.uniform(0.16, 0.36))
    label = canvas.blank()
    regular = rng.random() < 0.65
    repeats: tuple[Repeat, ...] = ()
    if regular:
        brick = rng.random() < 0.6
        u, v = canvas.units
        # Rows of a brick lattice stand half a spacing apart, so that its diagonals are at 45 degrees.
        step = spacing / 2 if brick else spacing
        row = np.round(v / np.float32(step))
        shift = 0.5 * np.mod(row, 2) if brick else np.zeros_like(row)
        column = np.round(u / np.float32(spacing) - shift)
        apart = np.hypot(u - (column + shift) * spacing, v - row * step)
        which = 1 + np.mod(7 * row + 3 * column, kinds).astype(np.int64)
        label = np.where(apart < radius * (0.7 if brick else 1.0), which, 0).astype(np.uint8)
        period, angle = (spacing / np.sqrt(2), 45.0) if brick else (spacing, 0.0)
        if kinds == 1:
            repeats = tuple(Repeat(float(period), float(period), turn, 0.5, 1.0) for turn in (angle, angle + 90))
    else:
        spread = float(rng.choice([0.0, 0.0, 0.4]))
        for place in canvas.px(scatter(spacing, 0.2, rng)):
            size = max(1.0, min(radius, 0.27 * spacing) * canvas.unit * (1 + rng.uniform(-spread, spread)))
            centre = (round(float(place[0]) * 16), round(float(place[1]) * 16))
            cv2.circle(label, centre, round(size * 16), int(rng.integers(1, kinds + 1)), -1, shift=4)
    return Cloth(label, tuple(picked), roles_of(len(picked)), repeats)


def colourblock(canvas: Canvas, rng: np.random.Generator) -> Cloth:
    """Panels: bands, halves, a yoke, side panels, a slanting cut or sleeves of another colour."""
    u, v = canvas.units
    style = rng.choice(["bands", "halves", "sides", "slant", "sleeves"], p=[0.45, 0.12, 0.13, 0.13, 0.17])
    first = colour(rng)
    picked = [first, colour_apart(rng, [first], APART + 6)]
    sleeve = None
    if style == "bands":
        cuts = np.sort(rng.choice(np.arange(0.2, 0.81, 0.12), int(rng.integers(1, 3)), replace=False))
        cuts = cuts + rng.uniform(-0.03, 0.03, len(cuts))
        if len(cuts) > 1:
            picked.append(colour_apart(rng, picked, APART + 6) if rng.random() < 0.7 else first)
        label = np.searchsorted(cuts, np.broadcast_to(v, canvas.shape)).astype(np.uint8)
    elif style == "halves":
        label = np.broadcast_to(u > rng.uniform(-0.04, 0.04), canvas.shape).astype(np.uint8)
    elif style == "sides":
        label = np.broadcast_to(np.abs(u) > rng.uniform(0.12, 0.22), canvas.shape).astype(np.uint8)
    elif style == "slant":
        slope = rng.uniform(0.4, 1.2) * rng.choice([-1.0, 1.0])
        label = (v + slope * u > rng.uniform(0.3, 0.7)).astype(np.uint8)
    else:
        label, sleeve = canvas.blank(), 1
        label[np.broadcast_to(v > rng.uniform(0.55, 0.8), canvas.shape)] = 1
    if rng.random() < 0.25 and style != "sleeves":
        sleeve = int(rng.integers(0, len(picked)))
    roles = (ColourRole.GROUND,) * len(picked)
    return Cloth(label, tuple(picked), roles, sleeve=sleeve)


Maker = Callable[[Canvas, np.random.Generator], Cloth]
