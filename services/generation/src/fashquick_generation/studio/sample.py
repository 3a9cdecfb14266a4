"""A drawn T-shirt, for warming up and for trying the studio without a photo."""

from __future__ import annotations

import cv2
import numpy as np

from fashquick_common.garment import Category, CategoryGuess, Landmark, Passport
from fashquick_common.garment import LandmarkName as L
from fashquick_generation.engine import GarmentInput, GenerationJob

WIDTH, HEIGHT = 400, 420
_RIGHT_HALF = {
    L.NECK_LEFT: (238.0, 60.0),
    L.CUFF_LEFT_UPPER: (362.0, 132.0),
    L.CUFF_LEFT_LOWER: (330.0, 184.0),
    L.ARMPIT_LEFT: (290.0, 152.0),
    L.HEM_LEFT: (290.0, 372.0),
}
"""Corners of the wearer's left half, in pixels; the other half is its mirror image."""


def sample_landmarks() -> dict[L, Landmark]:
    """The drawn T-shirt's corners."""
    found = {}
    for name, (x, y) in _RIGHT_HALF.items():
        found[name] = Landmark(x, y, 1.0)
        found[L(name.value.replace("left", "right"))] = Landmark(WIDTH - x, y, 1.0)
    return found


def sample_garment(colour: tuple[int, int, int] = (180, 40, 50)) -> GarmentInput:
    """A plain T-shirt on a grey ground.

    Args:
        colour: sRGB of the cloth.
    """
    left = list(_RIGHT_HALF.values())
    right = [(WIDTH - x, y) for x, y in reversed(left)]
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillPoly(alpha, [np.round(np.array(left + right) - 0.5).astype(np.int32)], 255)
    photo = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    photo[alpha > 0] = colour
    passport = Passport(
        categories=(CategoryGuess(Category.T_SHIRT, 1.0),),
        landmarks=sample_landmarks(),
        palette=(),
        photo_width=WIDTH,
        photo_height=HEIGHT,
        coverage=float((alpha > 0).mean()),
    )
    return GarmentInput(photo, alpha, passport)


def sample_job() -> GenerationJob:
    """The smallest picture of the drawn T-shirt."""
    return GenerationJob((sample_garment(),), width=256, height=256)
