"""Numbers from which a pattern's kind is told: one vector a garment, whatever its size, colours and tilt."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fashquick_features.pattern.correlation import ANGLES, LEVELS, RADII, Likeness
from fashquick_features.pattern.flatten import Flat
from fashquick_features.pattern.layout import LAYOUT_LENGTH, layout
from fashquick_features.pattern.local import LOCAL_LENGTH, local
from fashquick_features.pattern.repeats import peaks

Vector = npt.NDArray[np.float32]

RINGS, SECTORS = 6, 6  # cells of each level's autocorrelation
PEAK_NUMBERS = 6
REPEAT_LENGTH = 2 * PEAK_NUMBERS + 1 + len(LEVELS) * (RINGS * SECTORS + 2 * RINGS + 1)
LENGTH = REPEAT_LENGTH + LOCAL_LENGTH + LAYOUT_LENGTH


def describe(flat: Flat, levels: tuple[Likeness, ...]) -> Vector:
    """Describe what is on a garment's cloth.

    Args:
        flat: The cloth.
        levels: Result of `correlation.likeness`.

    Returns:
        LENGTH float32, all finite: how the cloth repeats, what its edges and spots are like, and where on the
        garment its colours and edges are.
    """
    parts = [_repeating(flat, levels), local(flat), layout(flat)]
    vector = np.concatenate(parts).astype(np.float32)
    return np.nan_to_num(vector, nan=0.0, posinf=0.0, neginf=0.0)


def _repeating(flat: Flat, levels: tuple[Likeness, ...]) -> Vector:
    numbers: list[float] = []
    found = peaks(levels)
    for place in range(2):
        if place < len(found):
            peak = found[place]
            share = peak.period / max(flat.length_px, 1e-6)
            turn = np.deg2rad(2 * peak.normal)
            numbers += [peak.strength, float(np.log(max(share, 1e-3))) + 3.0, float(np.cos(turn)), float(np.sin(turn)),
                        float(np.cos(2 * turn)), 1.0]  # fmt: skip
        else:
            numbers += [0.0] * PEAK_NUMBERS
    numbers.append(found[1].strength / max(found[0].strength, 1e-6) if len(found) > 1 else 0.0)
    cells = [np.array(numbers, np.float32)]
    for level in levels:
        used = level.polar[:, 2 : 2 + (RADII - 4) // RINGS * RINGS]
        rings = used.reshape(ANGLES, RINGS, -1)
        grid = rings.reshape(SECTORS, ANGLES // SECTORS, RINGS, -1).mean(axis=(1, 3))
        by_angle = rings.mean(axis=2)
        cells += [grid.ravel(), by_angle.max(axis=0), by_angle.min(axis=0), np.array([np.log1p(level.contrast)])]
    return np.concatenate(cells).astype(np.float32)
