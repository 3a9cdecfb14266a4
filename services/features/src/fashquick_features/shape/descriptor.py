"""A fixed-length description of a garment's shape and coarse inner structure, for classifying its category.

Everything is measured in the garment's upright frame, so tilt, place and size in the photo do not matter. The
inner structure is a histogram of oriented gradients (Dalal and Triggs, CVPR 2005) of the lightness inside the
garment: front openings, collars, waistbands and seams show there, colour does not.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from fashquick_features.shape.contour import pockets
from fashquick_features.shape.outline import Outline, Plane, Points, UprightFrame

RASTER = 72  # side of the square on which shape and gradients are sampled
SHAPE_CELLS = 24  # side of the coarse silhouette
CELLS = 9  # gradient histograms a side
ORIENTATIONS = 8
PROFILE_ROWS = 24
POCKETS = 6  # deepest bays described
MARGIN = 0.04  # free border around the garment on the raster, so that nothing is cut off

Vector = npt.NDArray[np.float32]


def describe(photo: npt.NDArray[np.uint8], outline: Outline, frame: UprightFrame) -> Vector:
    """Describe a garment.

    Args:
        photo: HxWx3 uint8, sRGB.
        outline: The garment's outline on it.
        frame: The outline's upright frame.

    Returns:
        Finite float32 vector of `LENGTH` values of order one.
    """
    points = frame.to_frame(outline.points)
    mask, light = _rasters(photo, points, frame)
    parts = (
        _proportions(points, frame),
        _bays(points),
        _profile(points),
        cv2.resize(mask.astype(np.float32), (SHAPE_CELLS, SHAPE_CELLS), interpolation=cv2.INTER_AREA).ravel(),
        _gradients(light, mask),
    )
    joined = np.concatenate([np.ravel(part) for part in parts])
    return np.asarray(np.nan_to_num(joined), np.float32)


def _rasters(
    photo: npt.NDArray[np.uint8], points: Points, frame: UprightFrame
) -> tuple[Plane, npt.NDArray[np.float32]]:
    """Silhouette (0 or 1) and lightness (float32, 0 to 1) of the upright garment, both RASTER x RASTER."""
    half = max(float(np.abs(points[:, 0]).max()), 0.5) * (1 + 2 * MARGIN)
    unit = 2 * half / RASTER
    grid = points / unit + (RASTER / 2, (RASTER - 1 / unit) / 2)
    mask = np.zeros((RASTER, RASTER), np.uint8)
    cv2.fillPoly(mask, [np.round((grid - 0.5) * 16).astype(np.int32)], 1, shift=4)
    # Shrink first, so that the warp does not skip pixels.
    shrink = min(1.0, 1.5 / (unit * frame.height_px))
    small = cv2.resize(photo, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) if shrink < 1 else photo
    light = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    corners = (np.array([[0.0, 0.0], [RASTER, 0.0], [0.0, RASTER]]) - (RASTER / 2, (RASTER - 1 / unit) / 2)) * unit
    source = frame.to_photo(corners) * (small.shape[1] / photo.shape[1], small.shape[0] / photo.shape[0]) - 0.5
    target = np.array([[0.0, 0.0], [RASTER, 0.0], [0.0, RASTER]]) - 0.5
    warp = cv2.getAffineTransform(source.astype(np.float32), target.astype(np.float32))
    upright = cv2.warpAffine(light, warp, (RASTER, RASTER), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return mask, np.asarray(upright / 255.0, np.float32)


def _proportions(points: Points, frame: UprightFrame) -> Points:
    width = float(np.ptp(points[:, 0]))
    hull = cv2.convexHull(points.astype(np.float32))
    area, hull_area = (float(cv2.contourArea(curve)) for curve in (points.astype(np.float32), hull))
    length = float(np.hypot(*(points - np.roll(points, 1, axis=0)).T).sum())
    return np.array(
        [np.log(max(width, 1e-3)), area / max(hull_area, 1e-6), area / max(width, 1e-6), length / 4, frame.symmetry]
    )


def _bays(points: Points) -> Points:
    """Place and depth of the deepest bays, deepest first, by the distance to the axis, and the bay between the legs."""
    found = np.zeros((POCKETS, 4))
    for row, pocket in zip(found, pockets(points), strict=False):
        u, v = points[pocket.deepest]
        row[:] = 4 * pocket.depth, abs(u), v, float(points[pocket.start, 0] > points[pocket.end, 0])
    return found


def _profile(points: Points) -> Points:
    """Outer half-width and garment-filled half-width at evenly spaced heights, and top and bottom by column."""
    raster = np.zeros((PROFILE_ROWS * 4, PROFILE_ROWS * 8), np.uint8)
    grid = points * raster.shape[0] + (raster.shape[1] / 2, 0)
    cv2.fillPoly(raster, [np.round((grid - 0.5) * 16).astype(np.int32)], 1, shift=4)
    filled = raster.sum(axis=1).reshape(PROFILE_ROWS, 4).mean(axis=1) / raster.shape[1]
    columns = np.arange(raster.shape[1])
    first = np.where(raster.any(axis=1), raster.argmax(axis=1), 0)
    last = np.where(raster.any(axis=1), columns[-1] - raster[:, ::-1].argmax(axis=1), 0)
    outer = (last - first).reshape(PROFILE_ROWS, 4).mean(axis=1) / raster.shape[1]
    return np.concatenate([2 * filled, 2 * outer])


def _gradients(light: npt.NDArray[np.float32], mask: Plane) -> npt.NDArray[np.float32]:
    """CELLS x CELLS x ORIENTATIONS histograms of gradient directions inside the garment."""
    inner = cv2.erode(mask, np.ones((5, 5), np.uint8)) > 0
    if not inner.any():
        return np.zeros((CELLS, CELLS, ORIENTATIONS), np.float32)
    gx, gy = cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)
    strength = np.hypot(gx, gy) * inner
    direction = np.mod(np.arctan2(gy, gx) / np.pi, 1.0) * ORIENTATIONS
    lower = np.floor(direction)
    share = direction - lower
    histogram = np.zeros((CELLS, CELLS, ORIENTATIONS), np.float32)
    side = RASTER // CELLS
    for bin_, part in ((lower, 1 - share), (lower + 1, share)):
        index = bin_.astype(np.intp) % ORIENTATIONS
        for orientation in range(ORIENTATIONS):
            energy = np.where(index == orientation, strength * part, 0.0)
            histogram[..., orientation] += energy.reshape(CELLS, side, CELLS, side).sum(axis=(1, 3))
    usual = float(histogram.sum()) / max(int(np.count_nonzero(histogram.sum(axis=2))), 1)
    return np.asarray(np.sqrt(histogram / max(usual, 1e-6)), np.float32)


LENGTH = 5 + POCKETS * 4 + 2 * PROFILE_ROWS + SHAPE_CELLS**2 + CELLS**2 * ORIENTATIONS
