"""Colours that clothes have, chosen so that a pattern can be seen."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np

from fashquick_common.image.spaces import lab_of_srgb

Colour = tuple[int, int, int]

COLOURS: tuple[Colour, ...] = (
    (30, 36, 70),
    (200, 36, 44),
    (240, 240, 238),
    (28, 28, 30),
    (84, 140, 96),
    (236, 196, 70),
    (128, 128, 132),
    (176, 150, 200),
)
NEUTRALS: tuple[Colour, ...] = (
    (24, 24, 27),
    (238, 237, 233),
    (226, 214, 192),
    (34, 40, 66),
    (120, 122, 126),
    (176, 177, 180),
    (62, 62, 66),
    (96, 76, 60),
    (70, 92, 128),
)
NEUTRAL_SHARE = 0.5  # of what people wear
TRIES = 60


def colour(rng: np.random.Generator) -> Colour:
    """A colour of cloth."""
    if rng.random() < NEUTRAL_SHARE:
        base = np.array(NEUTRALS[int(rng.integers(len(NEUTRALS)))])
        return _triple(base + rng.normal(0, 6, 3))
    hue, saturation, value = rng.random(), rng.uniform(0.2, 0.8), rng.uniform(0.3, 0.9)
    saturation = min(saturation, 1.5 - value)  # dyes are no lamps
    return _triple(255 * np.array(colorsys.hsv_to_rgb(hue, saturation, value)))


def colour_apart(rng: np.random.Generator, others: Sequence[Colour], least: float, darkness: float = 0.0) -> Colour:
    """A colour at least `least` CIE76 from `others`, and `darkness` L* from the first; the farthest tried if none."""
    known = lab_of_srgb(np.array(others, np.uint8))
    best, farthest = others[0], -1.0
    for _ in range(TRIES):
        tried = colour(rng)
        lab = lab_of_srgb(np.array(tried, np.uint8))
        apart = float(np.linalg.norm(known - lab, axis=-1).min())
        if apart >= least and abs(float(lab[0] - known[0, 0])) >= darkness:
            return tried
        if apart > farthest:
            best, farthest = tried, apart
    return best


def mixed(one: Colour, two: Colour) -> Colour:
    """What two threads look like from afar."""
    return _triple((np.array(one, np.float64) + np.array(two)) / 2)


def _triple(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Colour:
    red, green, blue = (int(value) for value in np.clip(np.round(values), 0, 255))
    return red, green, blue
