"""The garment turned upright and brought to a known size: what pattern, texture and prints are read from."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from fashquick_features.shape.outline import OPAQUE, Plane, Points, UprightFrame

MARGIN = 0.04  # free border around the garment, as a part of its longer side


@dataclass(frozen=True, slots=True)
class Upright:
    """A garment turned upright.

    Attributes:
        rgb: hxwx3 uint8, sRGB; outside the photo its edge goes on.
        alpha: hxw uint8, 0 background to 255 garment.
        scale: Photo pixels a view pixel: below 1 where the photo was enlarged.
        length_px: Length of the garment along its axis, in view pixels.
        to_photo: 2x3 float64; takes view positions (x, y, 1), pixel centres at half-integers, to the photo.
    """

    rgb: npt.NDArray[np.uint8]
    alpha: Plane
    scale: float
    length_px: float
    to_photo: npt.NDArray[np.float64]

    @property
    def inside(self) -> npt.NDArray[np.bool_]:
        """HxW bool: the garment."""
        return np.asarray(self.alpha >= OPAQUE)

    def places(self, points: Points) -> Points:
        """Take Nx2 view positions to the photo."""
        return np.asarray(np.asarray(points, np.float64) @ self.to_photo[:, :2].T + self.to_photo[:, 2])


def upright_view(
    photo: npt.NDArray[np.uint8],
    alpha: Plane,
    points: Points,
    frame: UprightFrame,
    long_side: int,
    *,
    upper: float = np.inf,
) -> Upright:
    """Turn a garment upright.

    Args:
        photo: HxWx3 uint8, sRGB.
        alpha: HxW uint8, garment where >= `outline.OPAQUE`.
        points: Nx2 outline of the garment on the photo.
        frame: The outline's upright frame.
        long_side: Pixels of the view's longer side.
        upper: Only the upper part of the garment: as much of its length as this part of its width.

    Returns:
        The view, just large enough for the garment and `MARGIN`.
    """
    placed = frame.to_frame(points)
    low, high = placed.min(axis=0), placed.max(axis=0)
    high[1] = min(high[1], low[1] + upper * (high[0] - low[0]))
    longer = float((high - low).max())
    unit = longer * (1 + 2 * MARGIN) / long_side  # frame units a view pixel
    low, high = low - MARGIN * longer, high + MARGIN * longer
    width, height = (max(1, round(float(side))) for side in (high - low) / unit)
    scale = unit * frame.height_px
    # Shrink by areas first, so that the warp skips no pixels.
    shrink = 2.0 ** -max(0, int(np.floor(np.log2(max(scale, 1e-9)))))
    if shrink < 1:
        photo = np.asarray(cv2.resize(photo, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8)
        alpha = np.asarray(cv2.resize(alpha, photo.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8)
    corners = np.array([[0.0, 0.0], [width, 0.0], [0.0, height]])
    on_photo = frame.to_photo(low + corners * unit)
    matrix = np.column_stack([(on_photo[1] - on_photo[0]) / width, (on_photo[2] - on_photo[0]) / height, on_photo[0]])
    sampled = shrink * matrix
    # OpenCV counts pixel centres as integers.
    sampled[:, 2] += 0.5 * (sampled[:, 0] + sampled[:, 1]) - 0.5
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    rgb = cv2.warpAffine(photo, sampled, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    seen = cv2.warpAffine(alpha, sampled, (width, height), flags=flags, borderMode=cv2.BORDER_CONSTANT)
    return Upright(np.asarray(rgb, np.uint8), np.asarray(seen, np.uint8), scale, 1 / unit, matrix)
