"""Folds: a height field over the shirt and the light on it."""

from __future__ import annotations

import cv2
import numpy as np

from samples.noise import Field, fractal, smooth
from samples.shirt import Mask, Points, Shirt, resample, stroke

LIGHT = np.array([-0.46, -0.52, 0.72])
"""Direction to the light: upper left, high."""

_MIN_LIGHT, _MAX_LIGHT = 0.42, 1.30
_WIDTHS = (6.0, 8.0, 10.0, 13.0)  # of creases, in pixels
_TRACE_WIDTH = 3.0  # of what is left of a fold
_LINE_PIXELS = 2
_RIM_HEIGHT, _RIM_WIDTH = 9.0, 11.0  # two layers of cloth rise from the ground, in pixels


def folds(shirt: Shirt, mask: Mask, to_pixels: Points, rng: np.random.Generator) -> Field:
    """Height of the cloth in pixels.

    Args:
        shirt: The shirt.
        mask: HxW, 0 to 1.
        to_pixels: 2x3 matrix from garment units to pixels.
        rng: Source of randomness.

    Returns:
        HxW float32.
    """
    shape = mask.shape[:2]
    size = (shape[0], shape[1])
    height: Field = 9.0 * fractal(size, (300, 190), 2, rng) + 1.6 * fractal(size, (95, 62), 2, rng)
    lines = _creases(shirt, rng)
    for width in sorted({width for _, _, width in lines}):
        ridges = np.zeros(size, np.float32)
        for line, depth, its_width in lines:
            if its_width == width:
                _draw_crease(ridges, line, depth, to_pixels, rng)
        # A line of two pixels, blurred, is a bell whose peak is this much lower.
        height += cv2.GaussianBlur(ridges, (0, 0), width) * float(width * np.sqrt(2 * np.pi) / _LINE_PIXELS)
    distance = cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    height += (_RIM_HEIGHT * (1 - np.exp(-distance / _RIM_WIDTH))).astype(np.float32)
    for seam in shirt.seams:
        furrow = stroke(seam, size, to_pixels, thickness=2)
        height -= 3.8 * cv2.GaussianBlur(furrow, (0, 0), 2.0)
    for stitches in shirt.stitches:
        furrow = stroke(stitches, size, to_pixels, thickness=2)
        height -= 1.1 * cv2.GaussianBlur(furrow, (0, 0), 1.4)
    return np.asarray(height, np.float32)


def shade(height: Field, rng: np.random.Generator) -> Field:
    """Light on the cloth, 1 where it lies flat: Lambert's law with some light kept from hollows."""
    soft = cv2.GaussianBlur(height, (0, 0), 1.2)
    slope_x, slope_y = cv2.Sobel(soft, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(soft, cv2.CV_32F, 0, 1) / 8
    normal_z = 1 / np.sqrt(1 + slope_x**2 + slope_y**2)
    lambert = (-slope_x * LIGHT[0] - slope_y * LIGHT[1] + LIGHT[2]) * normal_z / LIGHT[2]
    hollow = np.clip(cv2.GaussianBlur(height, (0, 0), 14) - height, 0, 8) / 8
    knit = 1 + 0.018 * smooth(height.shape, (5, 1.6), rng) + 0.012 * rng.normal(size=height.shape)
    lit = (0.32 + 0.68 * lambert) * (1 - 0.30 * hollow) * knit
    return np.asarray(np.clip(lit, _MIN_LIGHT, _MAX_LIGHT), np.float32)


def _creases(shirt: Shirt, rng: np.random.Generator) -> list[tuple[Points, float, float]]:
    """Lines, depths and widths in pixels: pulls from the armpits, drapes at the hem, traces of folding."""
    found: list[tuple[Points, float, float]] = []
    for side in shirt.sides:
        inward = -np.sign(side.neck[0])
        for reach in ((0.20, 0.10), (0.15, 0.24), (0.05, 0.34)):
            end = side.armpit + np.array([inward * reach[0], reach[1]]) + rng.normal(0, 0.03, 2)
            found.append((_curve(side.armpit, end, rng), rng.uniform(5.0, 9.5), rng.choice(_WIDTHS)))
        across = side.cuff_lower - side.cuff_upper
        for part in (0.3, 0.62):
            start = side.cuff_upper + part * across
            end = side.shoulder + (0.2 + 0.6 * part) * (side.armpit - side.shoulder)
            found.append((_curve(start, end, rng), rng.uniform(3.5, 7.0), rng.choice(_WIDTHS)))
        foot = side.hem + np.array([inward * rng.uniform(0.08, 0.2), -0.01])
        top = foot - np.array([inward * 0.05, rng.uniform(0.16, 0.3)])
        found.append((_curve(foot, top, rng), rng.uniform(5.0, 9.0), _WIDTHS[-1]))
    for _ in range(7):
        start = np.array([rng.uniform(-0.30, 0.30), rng.uniform(0.35, 0.92)])
        turn = rng.uniform(-0.7, 0.7)
        end = start + rng.uniform(0.12, 0.28) * np.array([np.cos(turn), np.sin(turn)])
        end[0] = np.clip(end[0], -0.33, 0.33)
        depth = rng.choice([-1, 1]) * rng.uniform(3.0, 7.0)
        found.append((_curve(start, end, rng), depth, rng.choice(_WIDTHS)))
    # It was folded in a drawer: in half across, and the sides in.
    traces = ((-0.17, 0.14, -0.17, 0.97), (0.17, 0.14, 0.17, 0.97), (-0.34, 0.55, 0.34, 0.55))
    found += [(_curve(np.array(t[:2]), np.array(t[2:]), rng, 0.01), 1.3, _TRACE_WIDTH) for t in traces]
    return found


def _curve(start: Points, end: Points, rng: np.random.Generator, bend: float = 0.12) -> Points:
    chord = end - start
    middle = (start + end) / 2 + np.array([chord[1], -chord[0]]) * rng.normal(0, bend)
    along = np.linspace(0, 1, 30)[:, None]
    return resample((1 - along) ** 2 * start + 2 * along * (1 - along) * middle + along**2 * end, 0.004)


def _draw_crease(canvas: Field, line: Points, depth: float, to_pixels: Points, rng: np.random.Generator) -> None:
    """Add a line that swells soon after its start and runs out slowly."""
    points = line @ to_pixels[:, :2].T + to_pixels[:, 2]
    along = np.linspace(0, 1, len(points))
    fade = np.minimum(along / 0.3, 1) ** 1.5 * (1 - along) ** 0.8 * (1 + 0.1 * rng.normal(size=len(points)))
    stretch = np.zeros_like(canvas)
    for first, second, strength in zip(points[:-1], points[1:], fade, strict=False):
        ends = [(round(float(x)), round(float(y))) for x, y in (first, second)]
        cv2.line(stretch, ends[0], ends[1], max(float(strength), 0.0) * depth, _LINE_PIXELS)
    canvas += stretch
