"""Where the legs of trousers and shorts part and end in the photo."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from fashquick_common.errors import PhotoNotUsable
from fashquick_common.garment import Landmark
from fashquick_common.garment import LandmarkName as L
from fashquick_generation.studio.arrays import Float64, UInt8
from fashquick_generation.studio.cut import waisted
from fashquick_generation.studio.cut.outline import solid
from fashquick_generation.studio.cut.waisted import Frame

CORNERS = (
    L.WAIST_RIGHT,
    L.WAIST_LEFT,
    L.LEG_LEFT_OUTER,
    L.LEG_LEFT_INNER,
    L.CROTCH,
    L.LEG_RIGHT_INNER,
    L.LEG_RIGHT_OUTER,
)
"""Clockwise in the photo. Where the legs lie close together, the crotch is only where they part."""
MIDDLE_SHARE = 0.22
"""Half width of the strip in the middle in which the legs part, as a share of the garment's width."""
NOTCH_SHARE = 0.02
"""Least height of the gap between the legs, as a share of the garment's, for it to say where the crotch is."""
CLOSED_SHARE, BESIDE_SHARE = 0.12, 0.08
"""A gap lower than this share of the garment's height is only that between its hems, whose inner corners are no farther
from it than this share of its width."""
GAP_SHARE = 0.12
"""Least height of a hole in the mask for it to be the gap between legs whose hems touch."""
LEAST_POINTS = 8
"""Of the outline along the lower edge, for two hems and a parting."""
CHANNEL_SHARE = 0.006
"""Half width of the cut that opens it, as a share of the garment's width."""


def parted(alpha: UInt8) -> UInt8:
    """The mask with a gap between legs whose hems touch opened downward.

    Args:
        alpha: HxW uint8.

    Raises:
        BadMask: Nothing is covered, or everything.
    """
    mask, holes = solid(alpha)
    _, labels, stats, centres = cv2.connectedComponentsWithStats(holes)
    if len(stats) < 2:
        return alpha
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    height, width = np.ptp(rows), np.ptp(columns)
    gap = 1 + int(stats[1:, cv2.CC_STAT_HEIGHT].argmax())
    aside = abs(centres[gap][0] - (columns[0] + columns[-1]) / 2)
    if stats[gap, cv2.CC_STAT_HEIGHT] < GAP_SHARE * height or aside > MIDDLE_SHARE * width:
        return alpha
    lowest = np.argwhere(labels == gap)[-1]
    half = max(round(CHANNEL_SHARE * width), 1)
    out = alpha.copy()
    out[lowest[0] :, lowest[1] - half : lowest[1] + half + 1] = 0
    return out


def leg_corners(points: Float64, frame: Frame, landmarks: Mapping[L, Landmark]) -> dict[L, int]:
    """Crotch and hem corners, by their landmarks if there are all, else from the outline.

    Args:
        points: Nx2 float64, the outline in pixels, clockwise.
        frame: How the garment is turned.
        landmarks: From the passport.

    Returns:
        The corners of `CORNERS` from the left leg on, as indices of `points`.

    Raises:
        PhotoNotUsable: There is no lower edge between the hems' outer corners.
    """
    names = CORNERS[2:]
    outward = ((1.0, -0.8), (-0.5, -1.0), (0.0, 1.0), (0.5, -1.0), (-1.0, -0.8))
    if all(name in landmarks for name in names):
        found = [waisted.snapped(points, frame, landmarks[n], way) for n, way in zip(names, outward, strict=True)]
        known = {name: number for name, number in zip(names, found, strict=True) if number is not None}
        order = (np.array(list(known.values())) - next(iter(known.values()), 0)) % len(points)
        if len(known) == len(names) and (np.diff(order) > 0).all():
            return known
    upright = frame.from_photo(points)
    size = np.ptp(upright, axis=0)
    shares = upright / size
    outer = [int((side * shares[:, 0] - shares[:, 1]).argmax()) for side in (1.0, -1.0)]
    arc = (outer[0] + np.arange((outer[1] - outer[0]) % len(points) + 1)) % len(points)
    if len(arc) < LEAST_POINTS:
        raise PhotoNotUsable(f"the garment ends in a point, where two legs should be: {waisted.LAY_FLAT}")
    parting = _parting(upright[arc], float(size[1]))
    inner = [
        arc[_inner_corner(upright[arc[: parting + 1]], size)],
        arc[len(arc) - 1 - _inner_corner(upright[arc[: parting - 1 : -1]] * (-1.0, 1.0), size)],
    ]
    numbers = (outer[0], int(inner[0]), int(arc[parting]), int(inner[1]), outer[1])
    return dict(zip(names, numbers, strict=True))


def _parting(lower: Float64, height: float) -> int:
    """Where the legs part: the highest point of the gap between them, else the middle of the lower edge.

    Args:
        lower: Mx2 float64, upright, the outline from the left hem's outer corner to the right one's.
        height: The garment's.
    """
    gap = lower[:, 1] - np.maximum(np.minimum.accumulate(lower[:, 1]), np.minimum.accumulate(lower[::-1, 1])[::-1])
    middle = (lower[0, 0] + lower[-1, 0]) / 2
    near = np.abs(lower[:, 0] - middle) < MIDDLE_SHARE * abs(lower[0, 0] - lower[-1, 0])
    gap = np.where(near, gap, -np.inf)
    best = int(gap.argmax())
    if gap[best] < NOTCH_SHARE * height:
        best = int(np.abs(lower[:, 0] - middle).argmin())
    return int(np.clip(best, 2, len(lower) - 3))


def _inner_corner(line: Float64, size: Float64) -> int:
    """The hem's inner corner: the point farthest below the chord from the hem's outer corner to the parting.

    Args:
        line: Mx2 float64, upright, of the left leg.
        size: The garment's width and height.
    """
    chord = line[-1] - line[0]
    below = (line - line[0]) @ np.array([-chord[1], chord[0]]) / (np.linalg.norm(chord) + 1e-9)
    if line[-1, 1] - line[:, 1].min() < CLOSED_SHARE * size[1]:
        # Legs that touch have no inseam to be seen: their hems end beside the parting, however they are curved.
        below = np.where(np.abs(line[:, 0] - line[-1, 0]) < BESIDE_SHARE * size[0], -line[:, 1], -np.inf)
    return int(np.clip(below.argmax(), 1, len(line) - 2))
