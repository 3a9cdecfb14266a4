"""What can be measured of a photo once its garment is known: its outline, its symmetry, its light, its sharpness."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

EDGE_DE = 5.0  # CIE76 across the outline, from which on a person sees an edge; the least noticeable is 2.3
EDGE_SIGMA_PX = 2.0  # at working size: how far to either side of the outline colours are taken
BURNT_OUT, BLACK = 254, 1  # from which on, and up to which, all three channels have lost the colour
SYMMETRY_SIDE_PX = 96
SYMMETRY_STEP_DEG = 5
SHARP_SIDE_PX = 512  # long side of the garment at which sharpness is judged; what is lost above, no picture shows
BLUR_WIDTH_PX = 9


@dataclass(frozen=True, slots=True)
class Measures:
    """Numbers about a photo's garment.

    Attributes:
        symmetry: 0 to 1, see `symmetry`.
        boundary_confidence: 0 to 1, see `boundary_confidence`.
        sharpness: 0 to 1, see `sharpness`.
        lightness: Median CIE L* of the garment, 0 to 100.
        clipped: Share of the garment's pixels that are burnt out or black, 0 to 1.
    """

    symmetry: float
    boundary_confidence: float
    sharpness: float
    lightness: float
    clipped: float


def measure(photo: NDArray[np.uint8], small: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Measures:
    """Measure a garment.

    Args:
        photo: HxWx3 uint8, sRGB.
        small: hxwx3 uint8: the same at working size.
        mask: hxw bool, not empty.
    """
    lab = lab_of(small)
    garment = small[mask]
    lost = (garment >= BURNT_OUT).all(1) | (garment <= BLACK).all(1)
    return Measures(
        symmetry=symmetry(mask),
        boundary_confidence=boundary_confidence(lab, mask),
        sharpness=sharpness(photo, mask),
        lightness=float(np.median(lab[mask][:, 0])),
        clipped=float(lost.mean()),
    )


def intersection_over_union(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Compare two masks of one size: 1 for equal ones, also for two empty ones."""
    union = int(np.count_nonzero(a | b))
    return float(np.count_nonzero(a & b) / union) if union else 1.0


def symmetry(mask: NDArray[np.bool_]) -> float:
    """The largest intersection over union of a mask and its mirror image, over all axes through its middle.

    Args:
        mask: HxW bool, not empty.

    Returns:
        0 to 1; 1 for a shape that is its own mirror image, whichever way it is turned.
    """
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    crop = mask[top : top + height, left : left + width].astype(np.uint8)
    moments = cv2.moments(crop, binaryImage=True)
    middle = np.array([moments["m10"], moments["m01"]]) / moments["m00"]
    scale = SYMMETRY_SIDE_PX / (2 * np.hypot(width, height))
    half = np.full(2, SYMMETRY_SIDE_PX / 2)
    size = (SYMMETRY_SIDE_PX, SYMMETRY_SIDE_PX)
    upright = np.hstack([np.eye(2) * scale, (half - scale * middle)[:, np.newaxis]])
    shape = np.asarray(cv2.warpAffine(crop, upright, size, flags=cv2.INTER_AREA)) > 0
    agreements = []
    for angle in np.deg2rad(np.arange(0, 180, SYMMETRY_STEP_DEG)):
        mirror = scale * np.array([[np.cos(2 * angle), np.sin(2 * angle)], [np.sin(2 * angle), -np.cos(2 * angle)]])
        mirrored = np.hstack([mirror, (half - mirror @ middle)[:, np.newaxis]])
        other = np.asarray(cv2.warpAffine(crop, mirrored, size, flags=cv2.INTER_AREA)) > 0
        agreements.append(intersection_over_union(shape, other))
    return max(agreements)


def boundary_confidence(lab: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    """The share of a mask's outline along which the photo's colours differ from one side to the other.

    Args:
        lab: HxWx3 float32, CIE Lab, at working size.
        mask: HxW bool.

    Returns:
        0 to 1; 1 for a mask without an outline inside the photo.
    """
    solid = mask.astype(np.uint8)
    outline = (cv2.morphologyEx(solid, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0) & mask
    outline[[0, -1]] = False
    outline[:, [0, -1]] = False
    if not outline.any():
        return 1.0
    inside, outside = (_mean_beside(lab, side)[outline] for side in (mask, ~mask))
    return float((np.linalg.norm(inside - outside, axis=1) > EDGE_DE).mean())


def sharpness(photo: NDArray[np.uint8], mask: NDArray[np.bool_]) -> float:
    """How much of a garment's detail a further blur would take away.

    One minus the blur effect (Crété-Roffet, Dolmiere, Ladret and Nicolas, "The blur effect: perception and estimation
    with a new no-reference perceptual blur metric", SPIE Electronic Imaging 2007), within the mask and on its outline.

    Args:
        photo: HxWx3 uint8, sRGB.
        mask: hxw bool, of the whole photo at any size, not empty.

    Returns:
        0 to 1; 0 for a garment without any detail.
    """
    height, width = mask.shape
    left, top, across, down = cv2.boundingRect(mask.astype(np.uint8))
    rows = slice(top * photo.shape[0] // height, -(-(top + down) * photo.shape[0] // height))
    columns = slice(left * photo.shape[1] // width, -(-(left + across) * photo.shape[1] // width))
    crop = photo[rows, columns]
    scale = min(1.0, SHARP_SIDE_PX / max(crop.shape[:2]))
    size = max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale))
    grey = cv2.cvtColor(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY).astype(np.float32)
    part = cv2.resize(
        mask[top : top + down, left : left + across].astype(np.uint8), size, interpolation=cv2.INTER_NEAREST
    )
    near = cv2.dilate(part, np.ones((BLUR_WIDTH_PX, BLUR_WIDTH_PX), np.uint8)) > 0
    sharp = [_kept_variation(grey, near), _kept_variation(grey.T, near.T)]
    return float(np.clip(min(sharp), 0, 1))


def _kept_variation(grey: NDArray[np.float32], near: NDArray[np.bool_]) -> float:
    """The share of the variation down the columns that a blur down the columns takes away."""
    blurred = cv2.blur(np.ascontiguousarray(grey), (1, BLUR_WIDTH_PX))
    before, after = (np.abs(np.diff(values, axis=0))[near[1:]] for values in (grey, blurred))
    total = float(before.sum(dtype=np.float64))
    return float(np.clip(before - after, 0, None).sum(dtype=np.float64)) / total if total > 0 else 0.0


def _mean_beside(lab: NDArray[np.float32], side: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The mean colour of one side near each pixel."""
    share = side.astype(np.float32)
    weight = np.asarray(cv2.GaussianBlur(share, (0, 0), EDGE_SIGMA_PX))
    total = np.asarray(cv2.GaussianBlur(lab * share[..., np.newaxis], (0, 0), EDGE_SIGMA_PX))
    return np.asarray(total / np.maximum(weight, 1e-6)[..., np.newaxis], np.float32)


def lab_of(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the CIE Lab colours of a photo, HxWx3 uint8 sRGB; HxWx3 float32, L from 0 to 100."""
    return np.asarray(cv2.cvtColor(photo.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB), np.float32)
