"""Things drawn into training pictures: grounds, cloth, hangers, hands."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]  # SxSx3, sRGB
Mask = NDArray[np.float32]  # SxS, 0 to 1


def noise(rng: np.random.Generator, side: int, grain: float) -> Mask:
    """Smooth noise whose blotches are about `grain` pixels wide."""
    count = max(2, int(side / grain))
    coarse = rng.random((count, count), np.float32)
    return np.asarray(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)


def colour(rng: np.random.Generator) -> NDArray[np.float64]:
    """A colour as cloth and rooms have them: more often grey, dark or light than bright."""
    if rng.random() < 0.7:
        wild = rng.uniform(0, 255, 3)
        grey = wild.mean()
        return np.clip(grey + (wild - grey) * 1.6 * rng.random() ** 1.5, 0, 255)
    level = rng.choice([rng.uniform(190, 250), rng.uniform(5, 60), rng.uniform(80, 180)])
    return np.clip(level + rng.uniform(-8, 8, 3), 0, 255)


def surface(rng: np.random.Generator, side: int) -> Picture:
    """A floor, a wall or cloth: plain, planks, tiles, stripes, checks, carpet, dots or blotches."""
    y, x = np.mgrid[:side, :side].astype(np.float32)
    turn = rng.uniform(0, np.pi) if rng.random() < 0.5 else rng.choice([0, np.pi / 2])
    u, v = x * np.cos(turn) + y * np.sin(turn), -x * np.sin(turn) + y * np.cos(turn)
    first, second = colour(rng), colour(rng)
    if rng.random() < 0.5:
        second = first + (second - first) * rng.uniform(0.1, 0.5)
    period = rng.uniform(6, 60)
    share = _pattern(rng, side, (u, v), period)
    share = cv2.GaussianBlur(share.astype(np.float32), (0, 0), rng.uniform(0.4, 1.2))[..., None]
    light = (noise(rng, side, side / rng.uniform(1.5, 4)) - 0.5) * rng.uniform(0, 70)
    grain = rng.standard_normal((side, side, 1)) * rng.uniform(0, 9)
    return np.clip(first * (1 - share) + second * share + light[..., None] + grain, 0, 255).astype(np.uint8)


def _pattern(rng: np.random.Generator, side: int, uv: tuple[Mask, Mask], period: float) -> Mask:
    u, v = uv
    match rng.integers(8):
        case 0:  # Planks.
            share = np.abs(np.modf(np.abs(np.sin(np.floor(u / period) * 12.9) * 43.7))[0]) * 0.6
            share = share + 0.4 * cv2.blur(noise(rng, side, 2), (1, 15))
            share[np.mod(u, period) < 1.5] = 1.3
        case 1:  # Tiles.
            share = (np.mod(u, period * 1.5) < 2) | (np.mod(v, period * 1.5) < 2)
        case 2:  # Stripes.
            share = np.mod(u, period) < period * rng.uniform(0.2, 0.8)
        case 3:  # Checks.
            share = ((np.mod(u, period) < period / 2).astype(np.float32) + (np.mod(v, period) < period / 2)) / 2
        case 4:  # Carpet.
            share = noise(rng, side, rng.uniform(1, 3))
        case 5:  # Dots.
            distance = (np.mod(u, period) - period / 2) ** 2 + (np.mod(v, period) - period / 2) ** 2
            share = distance < (period * rng.uniform(0.15, 0.4)) ** 2
        case 6:  # Blotches.
            share = noise(rng, side, rng.uniform(8, 40)) > 0.5
        case _:
            share = np.zeros((side, side))
    return np.asarray(share, np.float32)


def blend(ground: Picture, layer: NDArray[np.floating] | Sequence[float] | Picture, share: Mask) -> Picture:
    """Put a layer over a ground where `share` says so."""
    part = share[..., None]
    return np.clip(ground * (1 - part) + np.asarray(layer, np.float64) * part, 0, 255).astype(np.uint8)


def extent(mask: Mask) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of a mask that is not empty."""
    rows, columns = np.nonzero(mask.max(1) > 0.5)[0], np.nonzero(mask.max(0) > 0.5)[0]
    return int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])


def hanger(rng: np.random.Generator, mask: Mask) -> tuple[Mask, Mask]:
    """A hanger for the garment of a mask.

    Returns:
        What lies behind the garment: hook, neck, shoulders, bar; and what lies before it: clips. Both SxS, 0 to 1.
    """
    side = mask.shape[0]
    top, bottom, left, right = extent(mask)
    width, height = right - left, bottom - top
    centre = int((left + right) / 2 + rng.uniform(-0.04, 0.04) * width)
    behind, before = np.zeros((side, side), np.uint8), np.zeros((side, side), np.uint8)
    base = top + int(rng.uniform(-0.02, 0.08) * height)
    thick = max(1, int(side * rng.uniform(0.006, 0.03)))
    half = int(width * rng.uniform(0.15, 0.5))
    if rng.random() < 0.35:  # A straight bar with two clips: skirts, trousers.
        base = top - int(rng.uniform(0.0, 0.05) * side)
        cv2.line(behind, (centre - half, base), (centre + half, base), 255, thick, cv2.LINE_AA)
        clip = max(2, int(side * rng.uniform(0.015, 0.04)))
        for at in (centre - int(0.8 * half), centre + int(0.8 * half)):
            reach = top + int(rng.uniform(0.01, 0.06) * side)
            cv2.rectangle(before, (at - clip // 2, base), (at + clip // 2, reach), 255, -1)
    else:
        drop = int(rng.uniform(0.05, 0.3) * half)
        steps = np.linspace(-1, 1, 21)
        curve = base + drop * np.abs(steps) ** rng.uniform(1.0, 1.8)
        points = np.stack([centre + half * steps, curve], 1).astype(np.int32)
        cv2.polylines(behind, [points], False, 255, thick, cv2.LINE_AA)
        if rng.random() < 0.5:
            bar = int(curve[0]) + int(rng.uniform(0, 0.02) * side)
            cv2.line(behind, (centre - half, bar), (centre + half, bar), 255, max(1, thick // 2), cv2.LINE_AA)
    hook, wire = int(side * rng.uniform(0.03, 0.1)), max(1, thick // rng.integers(1, 4))
    cv2.line(behind, (centre, base), (centre, base - hook), 255, wire, cv2.LINE_AA)
    turn = int(hook * rng.uniform(0.25, 0.5))
    way = int(rng.choice([-1, 1]))
    cv2.ellipse(behind, (centre + way * turn, base - hook), (turn, turn), 0, 150, 400, 255, wire, cv2.LINE_AA)
    return behind.astype(np.float32) / 255, before.astype(np.float32) / 255


def hanger_colour(rng: np.random.Generator) -> NDArray[np.float64]:
    """Black plastic, white plastic, wood, metal, or anything."""
    kinds = [rng.uniform(5, 60) * np.ones(3), rng.uniform(200, 250) * np.ones(3), rng.uniform(110, 190) * np.ones(3)]
    wood = np.array([1.0, 0.72, 0.45]) * rng.uniform(120, 220)
    kinds += [wood, colour(rng)]
    return kinds[rng.choice(len(kinds), p=[0.4, 0.15, 0.15, 0.2, 0.1])]


def hand(rng: np.random.Generator, side: int, at: tuple[int, int]) -> tuple[Mask, NDArray[np.float64]]:
    """A hand that comes from the picture's edge to a point; its shape, 0 to 1, and its colour."""
    shape = np.zeros((side, side), np.uint8)
    angle = rng.uniform(0, 2 * np.pi)
    away = np.array([np.cos(angle), np.sin(angle)])
    palm = np.array(at) + away * side * rng.uniform(0.03, 0.08)
    thick = int(side * rng.uniform(0.05, 0.1))
    cv2.line(shape, tuple(palm.astype(int)), tuple((palm + away * 2 * side).astype(int)), 255, thick, cv2.LINE_AA)
    for spread in rng.uniform(-0.7, 0.7, rng.integers(2, 5)):
        direction = np.array([np.cos(angle + np.pi + spread), np.sin(angle + np.pi + spread)])
        tip = palm + direction * side * rng.uniform(0.06, 0.13)
        cv2.line(shape, tuple(palm.astype(int)), tuple(tip.astype(int)), 255, max(2, thick // 3), cv2.LINE_AA)
    skin = np.array([1.0, rng.uniform(0.68, 0.82), rng.uniform(0.5, 0.7)]) * rng.uniform(70, 240)
    return shape.astype(np.float32) / 255, skin
