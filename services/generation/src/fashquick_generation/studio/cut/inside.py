"""Where the photo shows a garment's inside, as its passport tells, and where its front ends below that."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d, grey_opening

from fashquick_common.errors import PhotoNotUsable
from fashquick_common.garment import Passport
from fashquick_generation.studio.arrays import Float64, UInt8
from fashquick_generation.studio.cut.outline import resampled

REACH_SHARE = 0.015
"""How far from the outline an area may end, as a share of the mask's diagonal, to be seen through an opening there:
what lies farther inside is a print or a pocket."""
MOST_SHOWN = 0.3
"""Part of the mask that may show the inside: an unzipped vest shows 17 %, a coat that hangs wide open 38 %."""
COLUMNS = 121
"""Places across an opening at which its depth is taken."""
RASTER = 200
"""Cells of the opening's width in the raster that areas are drawn on."""
ABOVE, BELOW = 0.6, 3.5
"""Height and depth of that raster, in the opening's width."""
LEAST_SEEN = 0.3
"""Part of the columns that must show the inside."""
GAP = 0.1
"""Distance from the back's edge, in the opening's width, at which an area may begin."""
TAG = 0.25
"""Width, in the opening's, of what hangs over a round edge: a tag, not the edge's own shape."""
SMOOTHING = 0.015
"""Standard deviation of the edge's smoothing, in the opening's width: takes away the network's steps."""
BEYOND = 0.25
"""Part of the opening's width on either side in which areas still belong to it."""


def shown(passport: Passport, mask: UInt8) -> UInt8:
    """HxW uint8, 1 where the photo shows the inside through an opening at the mask's outline; within the mask.

    Args:
        passport: The garment's.
        mask: HxW uint8, 1 on the garment.

    Raises:
        PhotoNotUsable: Most of what would be the front is inside.
    """
    out = np.zeros_like(mask)
    if not passport.inside:
        return out
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    reach = 2 * round(REACH_SHARE * float(np.hypot(np.ptp(rows), np.ptp(columns)))) + 3
    ground = np.asarray(cv2.dilate(1 - mask, np.ones((reach, reach), np.uint8)), np.uint8)
    for area in passport.inside:
        corners = np.array(area.corners)
        left, top = np.floor(corners.min(axis=0)).astype(int).clip(0)
        right, bottom = np.ceil(corners.max(axis=0)).astype(int)
        box = np.s_[top : bottom + 1, left : right + 1]
        one = np.zeros_like(mask[box])
        _draw(one, corners - (left, top))
        if (one & ground[box]).any():
            out[box] |= one
    out &= mask
    share = float(out.sum() / max(int(mask.sum()), 1))
    if share > MOST_SHOWN:
        raise PhotoNotUsable(
            f"{share:.0%} of the garment in the photo is its inside (at most {MOST_SHOWN:.0%}): close it and take the "
            "photo of its front",
            metadata={"inside": f"{share:.3f}"},
        )
    return out


def without(passport: Passport, alpha: UInt8) -> UInt8:
    """The alpha without what it shows of the inside: what is left ends where the front does.

    Args:
        passport: The garment's.
        alpha: HxW uint8.

    Raises:
        PhotoNotUsable: Most of what would be the front is inside.
    """
    inside = shown(passport, (alpha >= 128).astype(np.uint8))
    return np.where(inside > 0, 0, alpha).astype(np.uint8) if inside.any() else alpha


def edge_below(inside: UInt8, back: Float64, *, pointed: bool) -> Float64 | None:
    """The front's edge under the inside that is seen between it and the back's edge.

    Args:
        inside: HxW uint8, 1 where the inside is seen.
        back: Mx2 float64, pixels: the back's edge, from the wearer's right to the left, its ends on the front's too.
        pointed: Whether the edge may come to a point, as a V-neck's or an open collar's.

    Returns:
        `COLUMNS`x2 float64, pixels, with the same ends; None where too little of the inside is seen.
    """
    right, left = back[0], back[-1]
    across = left - right
    width = float(np.linalg.norm(across))
    if width < 2:
        return None
    size = (round((1 + 2 * BEYOND) * RASTER), round((ABOVE + BELOW) * RASTER))
    along, down = across / width, np.array([-across[1], across[0]]) / width
    cell = width / RASTER
    corner = right - BEYOND * across - ABOVE * width * down
    matrix = np.column_stack([cell * along, cell * down, corner + 0.5 * cell * (along + down) - 0.5])
    seen = cv2.warpAffine(inside, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    where = np.linspace(0, 1, COLUMNS)
    line = (back - right) @ np.column_stack([along, down]) / width
    behind = np.interp(where, *line[np.argsort(line[:, 0])].T)
    _, labels = cv2.connectedComponents(np.asarray(seen, np.uint8))
    near = np.clip(((behind + ABOVE) * RASTER).astype(int), 0, size[1] - 1)
    columns = ((where + BEYOND) * RASTER).clip(0, size[0] - 1).astype(int)
    reached = np.arange(size[1])[:, None] <= near + GAP * RASTER
    opening = np.unique(labels[:, columns][reached])
    within = np.isin(labels[:, columns], opening[opening > 0])
    if within.any(axis=0).mean() < LEAST_SEEN:
        return None
    lowest = size[1] - within[::-1].argmax(axis=0)
    depth = np.where(within.any(axis=0), lowest / RASTER - ABOVE, behind)
    if not pointed:
        depth = grey_opening(depth, size=round(TAG * COLUMNS), mode="nearest")
    depth = np.maximum(gaussian_filter1d(depth, SMOOTHING * COLUMNS, mode="nearest"), behind)
    depth[[0, -1]] = 0.0
    edge: Float64 = right + width * (where[:, None] * along + depth[:, None] * down)
    return resampled(edge, COLUMNS)


def _draw(plane: UInt8, corners: Float64) -> None:
    cv2.fillPoly(plane, [np.round(16 * corners - 8).astype(np.int32)], 1, shift=4)
