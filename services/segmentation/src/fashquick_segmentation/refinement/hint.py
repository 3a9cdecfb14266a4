"""Transparency of an uploaded cut-out: whether it is a garment's matte, and what it decides then."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

COVERAGE_MIN, COVERAGE_MAX = 0.02, 0.95  # outside: a speck, or a photo with round corners
SOFT_MAX = 0.3  # share of half-transparent pixels; a matte is nearly all 0 or 255, a fade or a watermark is not
BORDER_MAX = 0.5  # share of the border that is opaque; a cut-out stands free
TRUST = 0.5  # what transparency alone makes of a pixel that the network takes for ground: undecided, colours tell
EDGE_SHARE = 1 / 64  # of the long side: how far from the answer's outline the hint's own soft edge is taken over


def is_matte(hint: NDArray[np.uint8]) -> bool:
    """Tell the matte of a cut-out garment from other uses of transparency.

    Args:
        hint: HxW uint8, 0 transparent.

    Returns:
        Whether it shows one free-standing, mostly opaque shape.
    """
    opaque = hint >= 128
    border = np.concatenate([opaque[0], opaque[-1], opaque[:, 0], opaque[:, -1]])
    soft = np.count_nonzero((hint > 16) & (hint < 240)) / hint.size
    return bool(COVERAGE_MIN < opaque.mean() < COVERAGE_MAX and soft < SOFT_MAX and border.mean() < BORDER_MAX)


def as_prior(hint: NDArray[np.uint8], probability: NDArray[np.float32]) -> NDArray[np.float32]:
    """Let a cut-out's transparency say where the garment is.

    What is transparent is ground. What is opaque is garment, the surer the more the network says so too; where
    it does not, the pixel stays free, so that the cut can drop a rim of ground along a rough cut-out.

    Args:
        hint: HxW uint8 at the photo's size.
        probability: hxw float32, the network's answer.

    Returns:
        hxw float32, 0 to 1.
    """
    opacity = np.asarray(cv2.resize(hint, probability.shape[::-1], interpolation=cv2.INTER_AREA), np.float32) / 255
    return (opacity * (TRUST + (1 - TRUST) * np.maximum(probability, 0.02))).astype(np.float32)


def keep_edge(hint: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Put the cut-out's own soft edge in place of the computed one, wherever both follow the same outline.

    Args:
        hint: HxW uint8.
        alpha: HxW uint8, the computed matte.

    Returns:
        HxW uint8.
    """
    reach = max(1, round(EDGE_SHARE * max(alpha.shape)))
    near = cv2.dilate(alpha, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    return np.minimum(hint, np.asarray(near, np.uint8))
