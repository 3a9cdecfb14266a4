"""What the shirts lie on; each HxWx3 float32, linear light."""

from __future__ import annotations

import cv2
import numpy as np

from samples.noise import Field, fractal, smooth

PLANK_PIXELS = 176
_THREAD_PIXELS = 5.0


def planks(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """Oak boards with grain, gaps and butt joints."""
    height, width = shape
    dark, light = np.array([0.16, 0.085, 0.042], np.float32), np.array([0.44, 0.27, 0.15], np.float32)
    x = np.arange(width)[None, :] + np.zeros((height, 1))
    board = (x // PLANK_PIXELS).astype(int)
    tone, shift = rng.normal(0, 0.10, board.max() + 1), rng.uniform(0, 900, board.max() + 1)
    figure = fractal(shape, (700, 34), 3, rng)
    rings = np.sin((x / 13.0) + 2.6 * figure + shift[board])
    pores = smooth(shape, (38, 1.6), rng)
    mix = (
        0.48
        + tone[board]
        + 0.09 * rings
        + 0.08 * figure
        - 0.05 * np.maximum(pores, 0)
        + 0.03 * fractal(shape, (260, 9), 3, rng)
    )
    picture = dark + (light - dark) * np.clip(mix, 0, 1)[..., None].astype(np.float32)
    y = np.arange(height)[:, None] + np.zeros((1, width))
    joints = np.abs((y + shift[board] * 3) % 1500 - 750) < 1.5
    gaps = np.minimum(x % PLANK_PIXELS, PLANK_PIXELS - x % PLANK_PIXELS) < 1.6
    seam = cv2.GaussianBlur((joints | gaps).astype(np.float32), (0, 0), 1.3)
    return np.asarray(picture * (1 - 0.8 * np.clip(seam * 1.5, 0, 1))[..., None], np.float32)


def linen(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """A slate-blue sheet with slubs and soft folds."""
    height, width = shape
    base = np.array([0.115, 0.165, 0.225], np.float32)
    bend = 1.4 * smooth(shape, (160, 160), rng)
    warp = np.sin(2 * np.pi * (np.arange(width)[None, :] + bend) / _THREAD_PIXELS)
    weft = np.sin(2 * np.pi * (np.arange(height)[:, None] + bend) / _THREAD_PIXELS)
    slubs = 0.5 * smooth(shape, (90, 2.2), rng) + 0.5 * smooth(shape, (2.2, 90), rng)
    weave = 1 + 0.10 * warp * weft + 0.07 * slubs + 0.03 * rng.normal(size=shape)
    folds = fractal(shape, (420, 300), 3, rng)
    slope = cv2.Sobel(folds, cv2.CV_32F, 1, 0, ksize=5) - 0.6 * cv2.Sobel(folds, cv2.CV_32F, 0, 1, ksize=5)
    light = 1 + 0.16 * np.tanh(cv2.GaussianBlur(slope, (0, 0), 8) / (2 * slope.std()))
    return np.asarray(base * (weave * light)[..., None], np.float32)


def concrete(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """Polished grey concrete with clouds, pores and a hairline crack."""
    base = np.array([0.36, 0.355, 0.34], np.float32)
    clouds = 0.09 * fractal(shape, (420, 420), 5, rng) + 0.02 * rng.normal(size=shape)
    pores = np.clip(smooth(shape, (6, 6), rng) - 2.5, 0, 1) * 0.5
    walk = np.cumsum(rng.normal(0, 7, 60)) + shape[1] * 0.16
    crack = np.zeros(shape, np.uint8)
    line = np.stack([walk, np.linspace(0, shape[0], 60)], axis=1)
    cv2.polylines(crack, [line.astype(np.int32)], isClosed=False, color=255, thickness=2, lineType=cv2.LINE_AA)
    tint = 1 + clouds - pores - 0.3 * cv2.GaussianBlur(crack, (0, 0), 0.8).astype(np.float32) / 255
    return np.asarray(base * np.clip(tint, 0.3, 1.6)[..., None], np.float32)
