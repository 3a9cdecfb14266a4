"""A palette as numbers, for searching: a soft histogram in OKLab."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from fashquick_common.garment import PaletteColour
from fashquick_common.image.spaces import Floats, linear_of_lab, linear_of_oklab, oklab_of_linear

LIGHTNESS_STEP = 0.2  # OKLab L between layers of bins: about one stop in the middle of the scale
TINGE_STEP = 0.07  # OKLab a and b between bins of a layer: navy and royal blue are about two bins apart
REACH = 0.8  # sigma in steps: a colour fills its own bin and its neighbours, so that small shifts move little
OUTSIDE = 0.01  # linear light by which a bin's centre may lie outside sRGB: its colours may still be inside


def _centres() -> Floats:
    """Bin centres (Kx3 OKLab) on a lattice, where sRGB has colours."""
    light = np.arange(0.16, 1.0, LIGHTNESS_STEP)
    side = np.arange(-5, 6) * TINGE_STEP
    lattice = np.stack(np.meshgrid(light, side, side, indexing="ij"), axis=-1).reshape(-1, 3)
    linear = linear_of_oklab(lattice)
    return np.asarray(lattice[((linear >= -OUTSIDE) & (linear <= 1 + OUTSIDE)).all(axis=1)])


CENTRES: Final = _centres()
LENGTH: Final = len(CENTRES)  # numbers in a descriptor


def describe(palette: Sequence[PaletteColour]) -> npt.NDArray[np.float32]:
    """Turn a palette into a vector.

    Each colour spreads its share over the bins around it by a Gaussian; the square root of the sums (Hellinger's
    distance) keeps a small second colour visible beside a large first one.

    Args:
        palette: At least one colour; the corrected colours count where there are any.

    Returns:
        `LENGTH` float32, not negative, of length 1: the more alike two palettes, the larger the dot product.
    """
    lab = np.array([(colour.corrected or colour).lab for colour in palette], np.float64)
    share = np.array([colour.share for colour in palette], np.float64)
    away = oklab_of_linear(np.clip(linear_of_lab(lab), 0, 1))[:, None] - CENTRES
    steps = (away / np.array([LIGHTNESS_STEP, TINGE_STEP, TINGE_STEP]) / REACH) ** 2
    total = steps.sum(axis=-1)
    # The nearest bin counts 1 whatever its distance, so that no colour is far from all.
    spread = np.exp(-(total - total.min(axis=1, keepdims=True)) / 2)
    filled = np.sqrt(share @ (spread / spread.sum(axis=1, keepdims=True)))
    return np.asarray(filled / max(float(np.linalg.norm(filled)), 1e-12), np.float32)
