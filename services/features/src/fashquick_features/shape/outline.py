"""The garment's silhouette as one clean closed curve, and the upright frame in which its parts are looked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.fft import irfft, next_fast_len, rfft
from scipy.ndimage import gaussian_filter1d

from fashquick_common.errors import BadMask

Points = npt.NDArray[np.float64]
Plane = npt.NDArray[np.uint8]

OPAQUE = 128  # alpha from which on a pixel belongs to the garment
MIN_GARMENT_PX = 64  # a silhouette of fewer pixels has no shape to speak of
FULL_SHARE = 0.999  # a mask that covers more than this says nothing about the garment's outline
OUTLINE_POINTS = 480  # about 5 mm between neighbours on a T-shirt's 2.4 m outline
WORKING_PX = 640  # long side at which the silhouette is cleaned; finer detail is smoothed away anyhow
THREAD_SHARE = 0.008  # of the garment's extent: what is thinner (threads, hooks, slits) is no part of the shape
MIN_HOLE_SHARE = 0.0008  # of the garment's area: smaller holes are buttonholes and faults of the mask
SMOOTHING = 1.2  # sigma in outline points of the final smoothing; removes the pixel staircase, keeps corners

MAX_TILT_DEG = 32  # tilts looked at; beyond it a photo counts as turned and left and right would be guesses
COARSE_STEP_DEG = 2.0
FINE_STEP_DEG = 0.5
TILT_PENALTY = 0.03  # symmetry that a garment at MAX_TILT_DEG must win over an upright one; people shoot upright
SYMMETRY_PX = 96  # rows of the raster on which mirror symmetry is measured


@dataclass(frozen=True, slots=True)
class Outline:
    """Closed outer boundary of a garment.

    Attributes:
        points: Nx2 float64, pixels of the photo, pixel centres at half-integers; clockwise as seen on the
            screen (y down), evenly spaced by arc length.
        area_px: Pixels inside the outline at the photo's size.
        holes: Outlines of the holes that are closed in `points`, as Nx2 float64, counter-clockwise: gaps between a
            sleeve and the body, or between trouser legs, that touch again farther down.
    """

    points: Points
    area_px: float
    holes: tuple[Points, ...] = ()


@dataclass(frozen=True, slots=True)
class UprightFrame:
    """Similarity transform between the photo and the garment's own upright frame.

    In the frame the garment's mirror axis is u = 0, its top v = 0 and its bottom v = 1; u grows to the right
    of the photo.

    Attributes:
        origin: Photo position (x, y) in pixels of u = v = 0.
        tilt: Clockwise turn of the garment in the photo, radians.
        height_px: Length of the garment along its axis in pixels.
        symmetry: Overlap of the silhouette with its mirror image, 0 to 1.
    """

    origin: tuple[float, float]
    tilt: float
    height_px: float
    symmetry: float

    def to_frame(self, points: Points) -> Points:
        """Take Nx2 photo positions into the frame."""
        shifted = np.asarray(points, np.float64) - self.origin
        return shifted @ _rotation(self.tilt) / self.height_px

    def to_photo(self, points: Points) -> Points:
        """Take Nx2 frame positions back to the photo."""
        turned = np.asarray(points, np.float64) @ _rotation(self.tilt).T
        return np.asarray(turned * self.height_px + np.asarray(self.origin))


def check_alpha(alpha: Plane, height: int, width: int) -> None:
    """Refuse an alpha plane that holds no garment shape.

    Args:
        alpha: HxW uint8.
        height: Rows of the photo.
        width: Columns of the photo.

    Raises:
        BadMask: Wrong size or type, empty, full, or fewer than `MIN_GARMENT_PX` pixels.
    """
    if alpha.ndim != 2 or alpha.dtype != np.uint8:
        raise BadMask(f"the mask is {alpha.dtype} of shape {alpha.shape}; send one 8-bit plane", field="alpha")
    if alpha.shape != (height, width):
        raise BadMask(
            f"the mask is {alpha.shape[1]} x {alpha.shape[0]} pixels, its photo {width} x {height}; "
            "send a mask of the photo's size",
            field="alpha",
        )
    inside = int(np.count_nonzero(alpha >= OPAQUE))
    if inside < MIN_GARMENT_PX:
        raise BadMask(
            f"the mask marks {inside} pixels as garment, at least {MIN_GARMENT_PX} are needed; segment the photo again",
            field="alpha",
        )
    if inside > FULL_SHARE * alpha.size:
        raise BadMask("the mask marks the whole photo as garment; segment the photo again", field="alpha")


def trace(alpha: Plane) -> Outline:
    """Trace the largest part of the garment.

    Threads, hanger hooks and slits thinner than `THREAD_SHARE` of the garment are smoothed away, holes are closed.

    Args:
        alpha: HxW uint8, garment where >= `OPAQUE`.

    Returns:
        The outline, `OUTLINE_POINTS` points.

    Raises:
        BadMask: No part of the mask is large enough to have a shape.
    """
    scale = min(1.0, WORKING_PX / max(alpha.shape))
    small = cv2.resize(alpha, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else alpha
    solid = _largest_part((small >= OPAQUE).astype(np.uint8))
    ys, xs = np.nonzero(solid)
    if not len(ys):  # dots that vanish when the mask is brought to the working size
        raise _shapeless()
    extent = max(int(np.ptp(ys)), int(np.ptp(xs))) + 1
    opened = _largest_part(_without_threads(solid, extent))
    if np.count_nonzero(opened):
        solid = opened
    contours, levels = cv2.findContours(solid, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    outer = [contour for contour, level in zip(contours, levels[0], strict=True) if level[3] < 0]
    longest = max(outer, key=cv2.contourArea).reshape(-1, 2).astype(np.float64)
    area = float(cv2.contourArea(longest.astype(np.float32)))
    if len(longest) < 8 or area < MIN_GARMENT_PX / 4 * scale**2:
        raise _shapeless()
    # Sizes may round differently along the two axes: scale each by its own factor.
    factors = np.array([alpha.shape[1] / small.shape[1], alpha.shape[0] / small.shape[0]])
    points = resample((longest + 0.5) * factors, OUTLINE_POINTS)
    points = gaussian_filter1d(points, SMOOTHING, axis=0, mode="wrap")
    if signed_area(points) < 0:
        points = points[::-1].copy()
    inner = [contour for contour, level in zip(contours, levels[0], strict=True) if level[3] >= 0]
    return Outline(points, area / scale**2, _holes(inner, factors, MIN_HOLE_SHARE * area))


def resample(points: Points, count: int) -> Points:
    """Space `count` points evenly by arc length along the closed polygon `points` (Nx2)."""
    closed = np.vstack([points, points[:1]])
    lengths = np.hypot(*np.diff(closed, axis=0).T)
    position = np.concatenate([[0.0], np.cumsum(lengths)])
    wanted = np.linspace(0.0, position[-1], count, endpoint=False)
    return np.stack([np.interp(wanted, position, closed[:, axis]) for axis in (0, 1)], axis=1)


def signed_area(points: Points) -> float:
    """Shoelace area of a closed Nx2 polygon; positive when clockwise on a screen whose y points down."""
    x, y = points[:, 0], points[:, 1]
    return float(0.5 * np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))


def upright_frame(outline: Outline) -> UprightFrame:
    """Find the garment's mirror axis.

    The tilt within `MAX_TILT_DEG` at which the silhouette overlaps best with its own mirror image, slightly
    in favour of an upright garment.
    """
    coarse = np.arange(-MAX_TILT_DEG, MAX_TILT_DEG + 1, COARSE_STEP_DEG)
    best = max((_symmetry(outline.points, np.deg2rad(angle)) for angle in coarse), key=_preference)
    around = np.rad2deg(best.tilt) + np.arange(-COARSE_STEP_DEG, COARSE_STEP_DEG + 0.1, FINE_STEP_DEG)
    return max((_symmetry(outline.points, np.deg2rad(angle)) for angle in around), key=_preference)


def _rotation(tilt: float) -> Points:
    """Matrix R: row vectors times R undo a clockwise turn by `tilt`, row vectors times its transpose make it."""
    cos, sin = np.cos(tilt), np.sin(tilt)
    return np.array([[cos, -sin], [sin, cos]])


def _preference(frame: UprightFrame) -> float:
    return float(frame.symmetry - TILT_PENALTY * (frame.tilt / np.deg2rad(MAX_TILT_DEG)) ** 2)


def _symmetry(points: Points, tilt: float) -> UprightFrame:
    """Frame of the best mirror axis at one tilt: the shift comes from correlating each row with its mirror image."""
    turned = points @ _rotation(tilt)
    low, high = turned.min(axis=0), turned.max(axis=0)
    height = max(float(high[1] - low[1]), 1e-6)
    unit = max(height, float(high[0] - low[0])) / SYMMETRY_PX
    grid = np.round((turned - low) / unit * 16).astype(np.int32)
    rows, columns = (int(np.ceil(value / 16)) + 1 for value in grid.max(axis=0)[::-1])
    raster = np.zeros((rows, columns), np.uint8)
    cv2.fillPoly(raster, [grid], 1, shift=4)
    length = next_fast_len(2 * columns, real=True)
    spectrum = rfft(raster.astype(np.float64), length, axis=1)
    # The product of a row's spectrum with itself is its convolution with itself: overlap with the mirror image.
    overlap = irfft((spectrum**2).sum(axis=0), length)
    peak = int(overlap.argmax())
    before, after = overlap[peak - 1], overlap[(peak + 1) % len(overlap)]
    bend = before - 2 * overlap[peak] + after
    sub = 0.5 * (before - after) / bend if bend < 0 else 0.0
    axis = low[0] + 0.5 * (peak + sub) * unit
    origin = np.array([axis, low[1]]) @ _rotation(tilt).T
    symmetry = float(overlap[peak] / max(raster.sum(), 1))
    return UprightFrame((float(origin[0]), float(origin[1])), float(tilt), height, min(symmetry, 1.0))


def _holes(contours: Sequence[npt.NDArray[Any]], factors: Points, least_area: float) -> tuple[Points, ...]:
    """Outlines on the photo of the holes that are large enough, counter-clockwise, largest first."""
    large = sorted((c for c in contours if cv2.contourArea(c) > least_area), key=cv2.contourArea, reverse=True)
    found = []
    for contour in large:
        points = (contour.reshape(-1, 2).astype(np.float64) + 0.5) * factors
        found.append(points if signed_area(points) < 0 else points[::-1].copy())
    return tuple(found)


def _shapeless() -> BadMask:
    return BadMask("the mask is a line or a scatter of dots; segment the photo again", field="alpha")


def _largest_part(mask: Plane) -> Plane:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    if count <= 1:
        return mask
    return np.asarray(labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())).astype(np.uint8)


def _without_threads(mask: Plane, extent: int) -> Plane:
    radius = max(1, round(THREAD_SHARE * extent / 2))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc), np.uint8)
