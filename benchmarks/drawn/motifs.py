"""Outlines of what is printed on clothes: flowers, leaves, hearts and other figures."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
Labels = npt.NDArray[np.uint8]

FINE = 16  # parts of a pixel that OpenCV draws to


def fill(label: Labels, points: Points, value: int) -> None:
    """Fill a polygon of canvas pixels."""
    cv2.fillPoly(label, [np.round((points - 0.5) * FINE).astype(np.int32)], value, shift=4)


def line(label: Labels, points: Points, value: int, width: float, *, closed: bool) -> None:
    """Draw a line through canvas pixels."""
    corners = np.round((points - 0.5) * FINE).astype(np.int32)
    cv2.polylines(label, [corners], closed, value, max(1, round(width)), shift=4)


def placed(shape: Points, centre: Points, size: float, turn: float) -> Points:
    """Move a shape of about unit radius to a place, `turn` radians clockwise."""
    cos, sin = np.cos(turn), np.sin(turn)
    return np.asarray(shape @ np.array([[cos, sin], [-sin, cos]]) * size + centre)


def petals(count: int, depth: float, tip: float) -> Points:
    """A flower of `count` petals cut in by `depth` (0 to 1); `tip` above 1 makes them pointed."""
    turn = np.linspace(0, 2 * np.pi, 14 * count, endpoint=False)
    wave = np.abs(np.cos(count * turn / 2)) ** tip
    radius = 1 - depth + depth * wave
    return np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)


def leaf(slim: float) -> Points:
    """A leaf along the horizontal."""
    x = np.linspace(-1, 1, 12)
    y = slim * (1 - x**2) * (1 + 0.3 * x)
    return np.concatenate([np.stack([x, y], axis=1), np.stack([x[::-1], -y[::-1]], axis=1)])


def heart() -> Points:
    """A heart, its point down."""
    t = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
    return np.stack([x, y], axis=1) / 17


def star(points: int, inner: float) -> Points:
    """A star."""
    turn = np.linspace(0, 2 * np.pi, 2 * points, endpoint=False) - np.pi / 2
    radius = np.where(np.arange(2 * points) % 2 == 0, 1.0, inner)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)


def drop() -> Points:
    """A paisley drop with a bent tip."""
    t = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    x = 0.62 * np.sin(t) * np.sin(t / 2) ** 1.2
    y = -np.cos(t)
    bend = 0.45 * np.clip(-y, 0, 1) ** 2
    return np.stack([x + bend, -y], axis=1)


def moon() -> Points:
    """A crescent."""
    t = np.linspace(-2.2, 2.2, 16)
    outer = np.stack([np.cos(t), np.sin(t)], axis=1)
    inner = np.stack([0.75 * np.cos(t[::-1]) + 0.35, 0.8 * np.sin(t[::-1])], axis=1)
    return np.concatenate([outer, inner])


def bird() -> Points:
    """A bird in flight."""
    half = np.array([[0, 0.15], [0.25, -0.3], [0.6, -0.45], [1.0, -0.3], [0.6, -0.2], [0.35, 0.05], [0.12, 0.4]])
    return np.concatenate([half, half[::-1] * (-1.0, 1.0)])


def cat() -> Points:
    """A cat's head."""
    t = np.linspace(0.15, np.pi - 0.15, 12)
    chin = np.stack([0.9 * np.cos(t), 0.75 * np.sin(t)], axis=1)
    ears = np.array([[-0.9, -0.1], [-0.85, -0.95], [-0.4, -0.5], [0.4, -0.5], [0.85, -0.95], [0.9, -0.1]])
    return np.concatenate([chin, ears])


def anchor() -> Points:
    """An anchor."""
    right = np.array(
        [[0.12, -1], [0.12, -0.6], [0.5, -0.6], [0.5, -0.4], [0.12, -0.4], [0.12, 0.6], [0.55, 0.35], [0.5, 0.1],
         [0.95, 0.15], [0.85, 0.6], [0.7, 0.5], [0.4, 0.85], [0.0, 1.0]]
    )  # fmt: skip
    return np.concatenate([right, right[::-1] * (-1.0, 1.0)])


def blob(rng: np.random.Generator, wobble: float) -> Points:
    """A round shape with a few random bulges."""
    turn = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    radius = np.ones_like(turn)
    for order in (2, 3, 4, 5):
        radius += wobble / order * rng.normal() * np.cos(order * turn + rng.uniform(0, 2 * np.pi))
    radius = np.clip(radius, 0.25, 2.0)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)


FIGURES: tuple[Callable[[], Points], ...] = (
    heart,
    lambda: star(5, 0.42),
    lambda: star(4, 0.3),
    lambda: star(3, 0.5),
    moon,
    bird,
    cat,
    anchor,
    lambda: star(4, 0.71),
    lambda: leaf(0.4),
)
