"""Training pictures: garments turned upright as the service turns them, changed in ways that change no answer."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fashquick_features.recognition.network import GREY, SIDE, square

Picture = NDArray[np.uint8]

STORED_SIDE = 320  # pixels; turned and cut from it the picture still has SIDE pixels of detail
TURN_DEG = 10.0
SCALE = (0.84, 1.08)
STRETCH = 0.07
SHIFT = 0.05


def stored(rgb: Picture, alpha: Picture) -> tuple[Picture, Picture]:
    """Centre an upright view whose longer side is STORED_SIDE on a square of grey."""
    return square(rgb, alpha, STORED_SIDE)


def plain(rgb: Picture, alpha: Picture) -> Picture:
    """The picture that the network sees in use: SIDE x SIDE x 3, the garment on grey."""
    share = alpha[..., None].astype(np.float32) / 255
    on_grey = rgb * share + GREY * (1 - share)
    return np.asarray(np.round(cv2.resize(on_grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)), np.uint8)


def varied(rgb: Picture, alpha: Picture, rng: np.random.Generator) -> Picture:
    """A changed picture: turned, scaled, mirrored, in other light, its mask a little wrong, on other ground."""
    rgb, alpha = _moved(rgb, _worn(alpha, rng), rng)
    if rng.random() < 0.5:
        rgb, alpha = rgb[:, ::-1], alpha[:, ::-1]
    share = alpha[..., None].astype(np.float32) / 255
    kind = rng.random()
    if kind < 0.7:
        ground: NDArray[np.float32] = np.full_like(rgb, GREY, np.float32)
    elif kind < 0.85:
        ground = np.ones(rgb.shape, np.float32) * rng.uniform(0, 255, 3).astype(np.float32)
    else:
        ground = rgb.astype(np.float32)
    mixed = _relit(rgb.astype(np.float32), rng) * share + ground * (1 - share)
    if rng.random() < 0.15:
        mixed = cv2.GaussianBlur(mixed, (0, 0), float(rng.uniform(0.5, 1.2)))
    mixed += rng.normal(0, float(rng.uniform(0, 5)), mixed.shape).astype(np.float32)
    return np.asarray(mixed.clip(0, 255), np.uint8)


def _worn(alpha: Picture, rng: np.random.Generator) -> Picture:
    """A mask that is a little too large, too small, or lacks a bite."""
    kind = rng.random()
    if kind < 0.25:
        side = int(rng.integers(3, 9))
        change = cv2.erode if rng.random() < 0.5 else cv2.dilate
        return np.asarray(change(alpha, np.ones((side, side), np.uint8)), np.uint8)
    if kind < 0.35:
        bitten = alpha.copy()
        centre = tuple(int(value) for value in rng.integers(0, alpha.shape[0], 2))
        axes = tuple(int(value) for value in rng.integers(8, 45, 2))
        cv2.ellipse(bitten, centre, axes, float(rng.uniform(0, 180)), 0, 360, 0, -1)
        return bitten
    return alpha


def _moved(rgb: Picture, alpha: Picture, rng: np.random.Generator) -> tuple[Picture, Picture]:
    turn = np.deg2rad(rng.normal(0, TURN_DEG / 2))
    scale = float(rng.uniform(*SCALE)) * SIDE / STORED_SIDE
    stretch = np.exp(rng.uniform(-STRETCH, STRETCH) * np.array([1, -1]))
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * stretch
    shift = SIDE / 2 + rng.uniform(-SHIFT, SHIFT, 2) * SIDE - linear @ np.array([STORED_SIDE / 2, STORED_SIDE / 2])
    matrix = np.column_stack([linear, shift])
    size = (SIDE, SIDE)
    moved = cv2.warpAffine(rgb, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(GREY, GREY, GREY))
    return np.asarray(moved, np.uint8), np.asarray(
        cv2.warpAffine(alpha, matrix, size, flags=cv2.INTER_LINEAR), np.uint8
    )


def _relit(rgb: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    gain = np.exp(rng.normal(0, 0.06, 3) + rng.normal(0, 0.12)).astype(np.float32)
    contrast, offset = float(np.exp(rng.normal(0, 0.12))), float(rng.normal(0, 8))
    middle = float(rgb.mean())
    return np.asarray(((rgb * gain - middle) * contrast + middle + offset).clip(0, 255), np.float32)
