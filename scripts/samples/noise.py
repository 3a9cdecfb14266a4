"""Smooth random fields, the stuff of cloth, wood and stone."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]


def smooth(shape: tuple[int, int], scale: tuple[float, float], rng: np.random.Generator) -> Field:
    """Noise of one size.

    Args:
        shape: Height and width.
        scale: Size of a blob in pixels, down and across.
        rng: Source of randomness.

    Returns:
        HxW float32 with mean 0 and standard deviation 1.
    """
    rows, columns = (max(4, int(side / size) + 3) for side, size in zip(shape, scale, strict=True))
    coarse = rng.normal(size=(rows, columns)).astype(np.float32)
    # Drawn with a margin and cut, so that the field does not flatten at the border.
    grown = (int(rows * scale[0]), int(columns * scale[1]))
    field = cv2.resize(coarse, (max(grown[1], shape[1]), max(grown[0], shape[0])), interpolation=cv2.INTER_CUBIC)
    field = field[: shape[0], : shape[1]]
    return np.asarray((field - field.mean()) / (field.std() + 1e-6), np.float32)


def fractal(shape: tuple[int, int], scale: tuple[float, float], octaves: int, rng: np.random.Generator) -> Field:
    """Sum of noise of halving size and strength, scaled to standard deviation 1."""
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        size = (max(scale[0] / 2**octave, 1.0), max(scale[1] / 2**octave, 1.0))
        total += smooth(shape, size, rng) / 2**octave
    return np.asarray(total / total.std(), np.float32)
