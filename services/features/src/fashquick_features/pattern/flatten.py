"""The garment's cloth without the light's slow changes: what patterns are read from."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from fashquick_features.shape.upright import Upright

Floats = npt.NDArray[np.float32]

RIM_SHARE = 0.012  # of the garment's length left out along the outline: hems, shadows and what the mask got wrong
SLOW_SHARE = 0.09  # sigma, as a part of the garment's length, of what counts as light and not as pattern
DARK = 16.0  # L* + 16 is proportional to the cube root of the light (CIE 15:2004), and keeps black's noise small
SLOW_SHRINK = 8  # the slow part is computed on a picture this much smaller


@dataclass(frozen=True, slots=True)
class Flat:
    """The cloth with even light.

    Attributes:
        lab: hxwx3 float32, CIE L*a*b* as photographed.
        even: hxwx3 float32: L*, a* and b* less what changes slowly; L* is relative to the light, in per cent.
        inside: hxw bool: cloth, without a rim.
        length_px: Length of the garment in pixels of the view.
        scale: Photo pixels a view pixel.
    """

    lab: Floats
    even: Floats
    inside: npt.NDArray[np.bool_]
    length_px: float
    scale: float


def flatten(view: Upright) -> Flat:
    """Even out the light on a garment.

    Args:
        view: The garment, upright.

    Returns:
        The cloth; finite everywhere, `inside` holds at least one pixel if `view.inside` does.
    """
    lab = np.asarray(cv2.cvtColor(view.rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)
    solid = view.inside.astype(np.uint8)
    radius = max(1, round(RIM_SHARE * view.length_px))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    inside = cv2.erode(solid, disc, borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0
    if np.count_nonzero(inside) < 0.3 * np.count_nonzero(solid):  # straps and other narrow things are all rim
        inside = solid > 0
    slow = _slow(lab, inside, SLOW_SHARE * view.length_px)
    even = lab - slow
    even[..., 0] *= 100 / (slow[..., 0] + DARK)
    even[~inside] = 0
    return Flat(lab, even, inside, view.length_px, view.scale)


def _slow(lab: Floats, inside: npt.NDArray[np.bool_], sigma: float) -> Floats:
    """Mean of the cloth's colours around every pixel (Gaussian, `sigma` pixels), the background left out."""
    height, width = inside.shape
    small = (max(1, width // SLOW_SHRINK), max(1, height // SLOW_SHRINK))
    weight = inside.astype(np.float32)
    mass = cv2.resize(weight, small, interpolation=cv2.INTER_AREA)
    total = cv2.resize(lab * weight[..., None], small, interpolation=cv2.INTER_AREA)
    spread = max(sigma / SLOW_SHRINK, 0.5)
    mass = cv2.GaussianBlur(mass, (0, 0), spread)
    total = cv2.GaussianBlur(total, (0, 0), spread)
    mean = np.asarray(total / np.maximum(mass, 1e-4)[..., None], np.float32)
    return np.asarray(cv2.resize(mean, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
