"""The garment's outline in the photo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from fashquick_common.errors import BadMask
from fashquick_common.garment import LandmarkName
from fashquick_generation.studio.arrays import Float64, UInt8

POINTS = 800
"""Points of a resampled outline: finer than the cloth's grid, coarser than the mask's steps."""
SMOOTHING_SHARE = 1 / 500
"""Standard deviation of the outline's smoothing as a share of its length: takes away the mask's steps."""
SPECKLE_SHARE = 1 / 150
"""Threads, tags and hooks thinner than this share of the garment's diagonal are not its outline."""


@dataclass(frozen=True, slots=True)
class Outline:
    """A closed line around a garment.

    Attributes:
        mask: HxW uint8, 1 on the garment, in one piece and without holes.
        holes: HxW uint8, 1 where the mask had a hole.
        points: Nx2 float64, clockwise in the photo, pixels with centres at half-integers.
        corners: Landmark to index in `points`, clockwise.
    """

    mask: UInt8
    holes: UInt8
    points: Float64
    corners: Mapping[LandmarkName, int]

    def at(self, name: LandmarkName) -> Float64:
        """Corner's position in pixels."""
        point: Float64 = self.points[self.corners[name]]
        return point

    def between(self, first: LandmarkName, last: LandmarkName) -> Float64:
        """Mx2 float64, the points from one corner clockwise to another, both included."""
        i, j, count = self.corners[first], self.corners[last], len(self.points)
        line: Float64 = self.points[np.arange(i, (j if j >= i else j + count) + 1) % count]
        return line


def solid(alpha: UInt8) -> tuple[UInt8, UInt8]:
    """The garment as one piece without holes or threads, and its holes.

    Args:
        alpha: HxW uint8.

    Returns:
        Two HxW uint8 of 0 and 1.

    Raises:
        BadMask: Nothing is covered, or everything.
    """
    covered = (alpha >= 128).astype(np.uint8)
    if not covered.any():
        raise BadMask("the mask is empty: it marks no pixel as garment", field="alpha")
    if covered.all():
        raise BadMask("the mask is full: it marks every pixel as garment, so there is no outline", field="alpha")
    piece = largest_piece(covered)
    size = 2 * round(np.hypot(*np.ptp(np.argwhere(piece), axis=0)) * SPECKLE_SHARE / 2) + 1
    # The border is closed by what lies outside the photo, so that opening does not eat a garment that touches it.
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    opened = np.asarray(cv2.morphologyEx(piece, cv2.MORPH_OPEN, disc), np.uint8)
    piece = largest_piece(opened) if opened.any() else piece
    contours, _ = cv2.findContours(piece, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros_like(piece)
    cv2.drawContours(filled, [max(contours, key=cv2.contourArea)], -1, 1, cv2.FILLED)
    return filled, (filled & (1 - covered)).astype(np.uint8)


def largest_piece(mask: UInt8) -> UInt8:
    """HxW uint8, 1 on the largest of a mask's pieces."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    return np.asarray(labels == largest, np.uint8)


def smooth_contour(mask: UInt8) -> Float64:
    """POINTSx2 float64, clockwise in the photo: the outer border of a mask in one piece."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    line = max(contours, key=cv2.contourArea).reshape(-1, 2).astype(np.float64) + 0.5
    line = resampled_loop(line, 4 * POINTS)
    line = gaussian_filter1d(line, 4 * POINTS * SMOOTHING_SHARE, axis=0, mode="wrap")
    line = resampled_loop(line, POINTS)
    x, y = line.T
    clockwise = np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) > 0
    return line if clockwise else np.ascontiguousarray(line[::-1])


def resampled_loop(line: Float64, count: int) -> Float64:
    """`count` points at equal distances along a closed line."""
    closed = np.concatenate([line, line[:1]])
    along = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))]
    where = np.linspace(0, along[-1], count, endpoint=False)
    return np.stack([np.interp(where, along, closed[:, k]) for k in (0, 1)], axis=1)


def resampled(line: Float64, count: int) -> Float64:
    """`count` points at equal distances along an open line, its ends included."""
    along = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))]
    where = np.linspace(0, along[-1], count)
    return np.stack([np.interp(where, along, line[:, k]) for k in (0, 1)], axis=1)
