"""A piece of cloth within a closed border, as triangles."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.spatial import Delaunay

from fashquick_generation.studio.arrays import Bool, Float64, Int32

RASTER_M = 0.002
"""Cell of the raster that tells what lies inside the border."""
CLEAR = 0.6
"""Share of a grid cell that the grid keeps from the border, whose points are about a cell apart."""
SLIVER = 0.05
"""Triangles of less than this share of a grid cell lie along the border and only make it ragged."""


def grid_inside(border: Float64, grid_m: float) -> Float64:
    """A hexagonal grid inside a border, not too close to it.

    Args:
        border: Nx2 float64, metres, closed.
        grid_m: Distance of neighbours.

    Returns:
        Mx2 float64, metres.
    """
    low, high = border.min(axis=0) - grid_m, border.max(axis=0) + grid_m
    ys = np.arange(low[1], high[1], grid_m * np.sqrt(3) / 2)
    rows = [np.arange(low[0] + (k % 2) * grid_m / 2, high[0], grid_m) for k in range(len(ys))]
    grid = np.concatenate([np.stack([row, np.full(len(row), y)], axis=1) for row, y in zip(rows, ys, strict=True)])
    size = np.ceil((high - low) / RASTER_M).astype(int) + 1
    raster = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillPoly(raster, [np.round((border - low) / RASTER_M).astype(np.int32)], 1)
    depth = cv2.distanceTransform(raster, cv2.DIST_L2, 5) * RASTER_M
    cell = np.round((grid - low) / RASTER_M).astype(int)
    kept: Float64 = grid[depth[cell[:, 1], cell[:, 0]] > CLEAR * grid_m]
    return kept


def triangles_inside(points: Float64, border: Float64, grid_m: float) -> Int32:
    """Triangles between points, as far as they lie inside a border.

    Args:
        points: Nx2 float64, metres; the border's among them.
        border: Mx2 float64, metres, closed.
        grid_m: Usual distance of neighbours.

    Returns:
        Tx3 int32, counter-clockwise with y up, so that a front panel's normals point towards the camera.
    """
    triangles = Delaunay(points).simplices
    a, b, c = (points[triangles[:, k]] for k in range(3))
    area = ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
    kept = contains(border, (a + b + c) / 3) & (np.abs(area) > SLIVER * grid_m**2)
    ordered = np.where(area[:, None] > 0, triangles, triangles[:, [0, 2, 1]])
    return np.asarray(ordered[kept], np.int32)


def contains(polygon: Float64, points: Float64) -> Bool:
    """Which points (Nx2) a closed polygon (Mx2) contains: even-odd rule, exact, O(N M), a few milliseconds here."""
    x, y = points.T
    inside = np.zeros(len(points), bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        crosses = (y0 > y) != (y1 > y)
        if y0 != y1:
            inside ^= crosses & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return inside
