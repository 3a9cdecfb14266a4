"""Directions in which the cloth repeats: period, direction, share of the darker band and strength."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fashquick_common.garment import Repeat
from fashquick_features.pattern.correlation import (
    ANGLE_STEP,
    ANGLES,
    RADIUS_STEP,
    WINDOW,
    Likeness,
)
from fashquick_features.pattern.flatten import Flat

Floats = npt.NDArray[np.float32]

LEAST_PERIOD = 3.0  # pixels of a level; what repeats faster is weave, or the camera's
FIRST_SHARE = 0.8  # a nearer peak counts as the repeat when it is this part of the highest
SAME_SHARE = 0.85  # peaks of at least this part of the strongest one's height lead to the same place of the pattern
SHALLOW_SHARE = 0.5  # of the highest strength that such a peak must have
AROUND = 7  # angle steps each side from which the direction is told
ACROSS = 5  # angle steps around the right angle in which a second repeat is looked for
MIN_STRENGTH = 0.35  # weaker ones are not told: folds and small prints reach that by chance
LEAST_SECOND = 0.25  # where one direction repeats, less tells of the other
MAX_SHARE = 0.25  # of the garment's length: what comes fewer than four times is no repeat, and folds are as wide
SECOND_SHARE = 0.5  # a second repeat is at least this part of the first
FAINT, CLEAR = 2.0, 5.0  # contrast (units of L*) at which a repeat counts as weave, and as pattern
FINER = 0.9  # a finer level wins with this part of a coarser one's strength


@dataclass(frozen=True, slots=True)
class Peak:
    """A step to which the cloth is like itself, in view pixels; `normal` is its direction in degrees, clockwise."""

    period: float
    normal: float
    strength: float


def find(flat: Flat, levels: tuple[Likeness, ...]) -> tuple[Repeat, ...]:
    """Find the directions in which a garment's cloth repeats.

    Args:
        flat: The cloth.
        levels: Result of `correlation.likeness`.

    Returns:
        At most two, strongest first; none where the cloth does not repeat.
    """
    repeats: list[Repeat] = []
    for peak in peaks(levels):
        least = LEAST_SECOND if repeats else MIN_STRENGTH
        if peak.strength < least or peak.period > MAX_SHARE * flat.length_px:
            continue
        period = peak.period * flat.scale
        repeats.append(
            Repeat(
                period_px=float(period),
                period_share=float(peak.period / max(flat.length_px, 1e-6)),
                angle_deg=float((90 - peak.normal) % 180),
                duty=_duty(flat, peak),
                strength=float(min(peak.strength, 1.0)),
            )
        )
    return tuple(repeats)


def peaks(levels: tuple[Likeness, ...]) -> tuple[Peak, ...]:
    """Find the strongest step and the one across it, whatever their strength; empty for cloth without any."""
    best: tuple[Peak, ...] = ()
    for level in reversed(levels):
        found = _of_level(level)
        if found and (not best or found[0].strength >= FINER * best[0].strength):
            best = found
    return best


def _of_level(level: Likeness) -> tuple[Peak, ...]:
    height, strength, column = _profiles(level.polar)
    strength = strength * float(np.clip((level.contrast - FAINT) / (CLEAR - FAINT), 0, 1))
    top = float(strength.max())
    if top <= 0:
        return ()
    first = _shortest(height, strength, column)
    found = [_refined(strength, column, first, level.shrink)]
    across = (first + ANGLES // 2 + np.arange(-ACROSS, ACROSS + 1)) % ANGLES
    second = int(across[_shortest(height[across], strength[across], column[across])])
    if strength[second] >= max(SECOND_SHARE * strength[first], 1e-6):
        found.append(_refined(strength, column, second, level.shrink, width=ACROSS - 1))
    return tuple(sorted(found, key=lambda peak: -peak.strength))


def _shortest(height: Floats, strength: Floats, column: Floats) -> int:
    """Index of the shortest step among those that lead to the same place of the pattern as the strongest one.

    The valley before a peak is deeper on a check's diagonal than along its lines, but the peak is no higher.
    """
    top = int(strength.argmax())
    near = (height >= SAME_SHARE * height[top]) & (strength >= SHALLOW_SHARE * strength[top])
    return int(np.where(near, column, np.inf).argmin())


def _profiles(polar: Floats) -> tuple[Floats, Floats, Floats]:
    """Height, strength and place (columns, fractional) of the first peak that counts, for every direction.

    The strength is the geometric mean of the peak's height and of half its rise from the valley before it.
    """
    start = round(LEAST_PERIOD / RADIUS_STEP)
    valley = np.minimum.accumulate(polar, axis=1)
    rise = np.clip((polar - valley) / 2, 0, None)
    score = np.sqrt(np.clip(polar, 0, None) * rise)
    score[:, :start] = 0
    score[:, -1] = 0
    middle = score[:, 1:-1]
    is_peak = (middle > 0) & (polar[:, 1:-1] >= polar[:, :-2]) & (polar[:, 1:-1] >= polar[:, 2:])
    heights = np.where(is_peak, middle, 0)
    highest = heights.max(axis=1)
    first = (heights >= FIRST_SHARE * np.maximum(highest, 1e-9)[:, None]).argmax(axis=1)
    rows = np.arange(len(polar))
    left, mid, right = (polar[rows, first + step] for step in (0, 1, 2))
    bend = left - 2 * mid + right
    sub = np.where(bend < -1e-9, 0.5 * (left - right) / np.minimum(bend, -1e-9), 0.0)
    place = first + 1 + np.clip(sub, -0.5, 0.5)
    strength = np.where(highest > 0, heights[rows, first], 0)
    height = np.where(strength > 0, polar[rows, first + 1], 0)
    return height.astype(np.float32), strength.astype(np.float32), place.astype(np.float32)


def _refined(strength: Floats, column: Floats, centre: int, shrink: int, width: int = AROUND) -> Peak:
    """Tell period and direction from the peaks of all directions near by.

    A step at the angle d to the lines' normal meets the next line after period / cos d: 1 / length is a sine of the
    direction, and a least-squares fit gives period and normal at once.
    """
    offsets = np.arange(-width, width + 1)
    rows = (centre + offsets) % ANGLES
    turn = np.deg2rad(ANGLE_STEP * (centre + offsets))
    length = np.maximum(column[rows] * RADIUS_STEP, 1e-3)
    base = float(length[width])
    # Beyond the true cosine's reach the peak belongs to another line.
    weight = np.where(
        (strength[rows] > 0.5 * strength[centre]) & (length < 1.4 * base) & (length > base / 1.4), 1.0, 0.0
    )
    weight = weight * strength[rows].astype(np.float64) ** 2
    design = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    normal_matrix = (design * weight[:, None]).T @ design + 1e-9 * np.eye(2)
    cosine, sine = np.linalg.solve(normal_matrix, (design * weight[:, None]).T @ (1 / length))
    frequency = float(np.hypot(cosine, sine))
    normal = float(np.rad2deg(np.arctan2(sine, cosine)))
    away = (normal - ANGLE_STEP * centre + 90) % 180 - 90
    if not np.isfinite(frequency) or abs(away) > ANGLE_STEP * width or not 0.6 < frequency * base < 1.6:
        return Peak(base * shrink, float(ANGLE_STEP * centre % 180), float(strength[centre]))
    return Peak(shrink / frequency, normal % 180, float(strength[centre]))


def _duty(flat: Flat, peak: Peak) -> float:
    """Part of a period that is darker than half-way between its lightest and darkest part.

    Lines are followed through windows of about a period and a half, so that folds do not blur them together.
    """
    side = int(np.clip(2.5 * peak.period, 16, max(flat.inside.shape)))
    turn = np.deg2rad(peak.normal)
    step = max(1.0, peak.period / 24)
    ys, xs = np.mgrid[0:side, 0:side]
    bin_of = ((xs * np.cos(turn) + ys * np.sin(turn)) / step).astype(np.int64)
    bin_of -= bin_of.min()
    dark = weight = 0.0
    for top, left in _windows(flat.inside, side):
        window = (slice(top, top + side), slice(left, left + side))
        inside = flat.inside[window]
        bins = bin_of[: inside.shape[0], : inside.shape[1]][inside]
        count = np.bincount(bins)
        light = np.bincount(bins, weights=flat.even[window][..., 0][inside]) / np.maximum(count, 1)
        light = light[count >= max(2, side // 4)]
        if len(light) * step < peak.period:
            continue
        low, high = np.percentile(light, (4, 96))
        dark += float(high - low) * float(np.mean(light < (low + high) / 2))
        weight += float(high - low)
    return float(np.clip(dark / weight, 0, 1)) if weight > 0 else 0.5


def _windows(inside: npt.NDArray[np.bool_], side: int, most: int = 24) -> list[tuple[int, int]]:
    """Top left corners of windows that hold cloth, at most `most`."""
    height, width = inside.shape
    grid = [
        (top, left)
        for top in range(0, max(height - side, 0) + 1, max(side // 2, WINDOW // 4))
        for left in range(0, max(width - side, 0) + 1, max(side // 2, WINDOW // 4))
        if np.count_nonzero(inside[top : top + side, left : left + side]) > 0.6 * min(side, height) * min(side, width)
    ]
    picks = np.unique(np.linspace(0, max(len(grid) - 1, 0), min(most, len(grid))).round().astype(int))
    return [grid[index] for index in picks]
