"""Clips and hooks of a hanger that a mask kept.

They stand on a waistband or over a neck as narrow bumps. An opening with a horizontal line finds what is narrow; only
what is also as tall as a clip is cut off, so that the corners of a sagging waistband stay.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from fashquick_features.shape.outline import SMOOTHING, Points, resample, signed_area

RASTER_PX = 400  # rows a garment: a quarter of a per cent of its height
TOP = 0.22  # v above which clips are looked for
LEVEL = 0.22  # v at which the width is taken that a clip's is compared with
CLIP_WIDTH = 0.2  # of that width: a wider bump is the waistband's own
HOOK_WIDTH = 0.06  # the same for the hook over a neck
HOOK_REACH = 0.3  # of the half width: farther from the axis it is a strap
MIN_CLIP = 0.02  # height of a bump from which on it is a clip, not the end of a sagging waistband


def without_clips(points: Points) -> Points:
    """Cut clips off a waistband.

    Args:
        points: Nx2 contour in the upright frame, clockwise.

    Returns:
        The contour without them, as many points; `points` itself where there is none.
    """
    return _without_bumps(points, CLIP_WIDTH, np.inf)


def without_hook(points: Points) -> Points:
    """Cut a hook off a neck; argument and result as for `without_clips`."""
    return _without_bumps(points, HOOK_WIDTH, HOOK_REACH * 0.5 * float(np.ptp(points[:, 0])))


def _without_bumps(points: Points, width: float, reach: float) -> Points:
    low = points.min(axis=0)
    columns, rows = (int(np.ceil(side * RASTER_PX)) + 3 for side in np.ptp(points, axis=0))
    if columns > 4 * RASTER_PX:
        return points
    raster = np.zeros((rows, columns), np.uint8)
    cv2.fillPoly(raster, [np.round(((points - low) * RASTER_PX + 1) * 16).astype(np.int32)], 1, shift=4)
    level = min(rows - 1, round((LEVEL - low[1]) * RASTER_PX))
    line = round(width * float(raster[max(0, level)].sum()))
    if line < 3:
        return points
    narrow = raster - np.asarray(cv2.morphologyEx(raster, cv2.MORPH_OPEN, np.ones((1, line), np.uint8)), np.uint8)
    narrow[max(0, round((TOP - low[1]) * RASTER_PX)) :] = 0
    _, labels, stats, centres = cv2.connectedComponentsWithStats(narrow, connectivity=8)
    away = np.abs((centres[:, 0] - 1) / RASTER_PX + low[0])
    bumps = (stats[:, cv2.CC_STAT_HEIGHT] >= MIN_CLIP * RASTER_PX) & (away <= reach)
    bumps[0] = False
    if not bumps.any():
        return points
    raster[bumps[labels]] = 0
    contours, _ = cv2.findContours(raster, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    longest = max(contours, key=cv2.contourArea).reshape(-1, 2).astype(np.float64)
    if len(longest) < len(points) // 4:
        return points
    cut = gaussian_filter1d(resample((longest - 1) / RASTER_PX + low, len(points)), SMOOTHING, axis=0, mode="wrap")
    return np.asarray(cut if signed_area(cut) > 0 else cut[::-1].copy())
