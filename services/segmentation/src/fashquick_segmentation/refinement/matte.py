"""From a small mask to a soft matte at the photo's size whose edge follows the photo.

The guided filter (He, Sun and Tang, "Guided image filtering", IEEE TPAMI 35(6), 2013) explains the mask, window
by window, as a linear function of the photo's colours: alpha = a . colour + b. As in "Fast guided filter" (He and
Sun, arXiv:1505.00996) a and b are found on a smaller picture and applied to the full one, so that memory and time
hardly grow with the photo.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fashquick_common.cancel import CancelFlag

FIT_SIDE_PX = 768  # long side at which a and b are found; it keeps 20 planes of sums under 50 MB
RADIUS_SHARE = 1 / 128  # window radius over the long side: wider than the mask's error, narrower than a strap
RIDGE = 1e-4  # eps of the paper, for colours from 0 to 1: edges of less than 1 % contrast are not followed
SOFT_SHARE = 1 / 64  # alpha may be soft only this far (over the long side) from the mask's outline
CONTRAST = 1.8  # a garment is opaque: a wide ramp comes from a faint edge, not from cloth that lets light through
STRIP_ROWS = 128  # rows of the full picture at a time: bounds memory and the time between cancel checks


def matte(photo: NDArray[np.uint8], mask: NDArray[np.bool_], cancel: CancelFlag) -> NDArray[np.uint8]:
    """Soften and sharpen a mask's outline by the photo.

    Args:
        photo: HxWx3 uint8, sRGB.
        mask: hxw bool of the same scene at any smaller or equal size.
        cancel: Checked before the fit and before each strip.

    Returns:
        HxW uint8: 255 inside, 0 outside, between them only near the mask's outline.
    """
    cancel.check()
    small = reduced(photo)
    size = small.shape[1::-1]
    coarse = np.asarray(cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_LINEAR), np.float32)
    limits = _limits(coarse > 0.5, max(2, round(SOFT_SHARE * max(size))))
    return follow(photo, small, coarse, limits, cancel, radius=max(2, round(RADIUS_SHARE * max(size))))


def reduced(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The photo at the size of the fit, at most `FIT_SIDE_PX`; hxwx3 float32, 0 to 1."""
    height, width = photo.shape[:2]
    scale = min(1.0, FIT_SIDE_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.float32) / np.float32(255)


def follow(
    photo: NDArray[np.uint8],
    small: NDArray[np.float32],
    coarse: NDArray[np.float32],
    limits: NDArray[np.float32],
    cancel: CancelFlag,
    *,
    radius: int,
    contrast: float = CONTRAST,
) -> NDArray[np.uint8]:
    """Carry a small mask or matte to the photo's size, along the photo's colours.

    Args:
        photo: HxWx3 uint8, sRGB.
        small: hxwx3 float32, what `reduced` made of it.
        coarse: hxw float32, 0 to 1.
        limits: hxwx2 float32, the least and the greatest alpha of each pixel; where both are equal nothing is fitted.
        cancel: Checked before the fit and before each strip.
        radius: Of the fit's square window in pixels of `small`.
        contrast: How much steeper the ramp between 0 and 1 is made, about its middle.

    Returns:
        HxW uint8.
    """
    height, width = photo.shape[:2]
    cancel.check()
    fit = _fit(small, coarse, limits, radius)
    alpha = np.empty((height, width), np.uint8)
    for top in range(0, height, STRIP_ROWS):
        cancel.check()
        strip = slice(top, min(height, top + STRIP_ROWS))
        value = (_apply(strip_of(fit, strip, (width, height)), photo[strip]) - 0.5) * contrast + 0.5
        lowest, highest = cv2.split(strip_of(limits, strip, (width, height)))
        alpha[strip] = np.rint(np.clip(value, lowest, highest) * np.float32(255)).astype(np.uint8)
    return alpha


def _limits(mask: NDArray[np.bool_], reach: int) -> NDArray[np.float32]:
    """The least and the greatest alpha of each pixel: equal to the mask but within `reach` of its outline."""
    solid = mask.astype(np.float32)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.dstack([cv2.erode(solid, disc, borderType=cv2.BORDER_REPLICATE), cv2.dilate(solid, disc)])


def _fit(
    guide: NDArray[np.float32], mask: NDArray[np.float32], limits: NDArray[np.float32], radius: int
) -> NDArray[np.float32]:
    """Find a and b of each pixel (equations 14, 15 and 16 of the paper, on its colour guide).

    Args:
        guide: HxWx3, 0 to 1.
        mask: HxW, 0 to 1.
        limits: HxWx2; where both are equal the mask alone decides (a = 0), and no system is solved.
        radius: Of the square window, in pixels.

    Returns:
        HxWx4: a for red, green and blue, then b; means over the windows that cover the pixel.
    """
    mean_guide, mean_mask = _mean(guide, radius), _mean(mask, radius)
    open_pixels = np.asarray(cv2.dilate(limits[..., 1] - limits[..., 0], np.ones((2 * radius + 1,) * 2))) > 0
    colour = mean_guide[open_pixels]
    covariance = np.empty((len(colour), 3, 3), np.float32)
    cross = np.empty((len(colour), 3, 1), np.float32)
    for i in range(3):
        cross[:, i, 0] = _mean(guide[..., i] * mask, radius)[open_pixels] - colour[:, i] * mean_mask[open_pixels]
        for j in range(i, 3):
            product = _mean(guide[..., i] * guide[..., j], radius)[open_pixels]
            covariance[:, i, j] = covariance[:, j, i] = product - colour[:, i] * colour[:, j]
    slope = np.linalg.solve(covariance + RIDGE * np.eye(3, dtype=np.float32), cross)[..., 0]
    fit = np.dstack([np.zeros_like(guide), mask])
    fit[open_pixels, :3] = slope
    fit[open_pixels, 3] = mean_mask[open_pixels] - (slope * colour).sum(axis=1)
    return _mean(fit, radius)


def _apply(fit: NDArray[np.float32], photo: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Alpha from a, b and the photo's colours."""
    guide = photo.astype(np.float32) / np.float32(255)
    return np.asarray((fit[..., :3] * guide).sum(axis=2) + fit[..., 3], np.float32)


def strip_of(planes: NDArray[np.float32], rows: slice, full_size: tuple[int, int]) -> NDArray[np.float32]:
    """Enlarge planes of the whole photo, but only the given rows of the result.

    Args:
        planes: hxw or hxwxC float32.
        rows: Of the enlarged planes; start and stop within them.
        full_size: Width and height of the enlarged planes.
    """
    height, width = planes.shape[:2]
    across, down = width / full_size[0], height / full_size[1]
    to_source = np.array([[across, 0, (across - 1) / 2], [0, down, (rows.start + 0.5) * down - 0.5]])
    return np.asarray(
        cv2.warpAffine(
            planes,
            to_source,
            (full_size[0], rows.stop - rows.start),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.float32,
    )


def _mean(planes: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    side = 2 * radius + 1
    return np.asarray(cv2.boxFilter(planes, cv2.CV_32F, (side, side), borderType=cv2.BORDER_REFLECT_101), np.float32)
