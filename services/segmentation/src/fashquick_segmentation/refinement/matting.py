"""From a mask to a soft matte and to the garment's own colours, for every backend.

Along a garment's outline a pixel's colour is a mixture: colour = alpha x garment + (1 - alpha) x ground. A trimap says
where that may be, a matte how much of each pixel is garment, and the foreground what colour the garment has there, so
that no rim of the ground's colour reaches the picture.

There are two mattes: the guided filter of `refinement.matte`, and closed-form matting, which costs more and follows
hair-fine and half-transparent edges. The latter is solved here without its matrix, by box filters: libraries that
build it bring a compiler along that is larger than all else in the service.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from fashquick_common.cancel import CancelFlag
from fashquick_segmentation.refinement.matte import STRIP_ROWS, follow, matte, reduced, strip_of

BAND_SHARE = 1 / 128  # of the long side: half the width of the open band where the mask is sure of its outline
DOUBT_SHARE = 1 / 32  # the same where it is not: fringes, fur, faint edges
DOUBTFUL = (0.1, 0.9)  # probabilities between which a pixel is in doubt

WINDOW_RADIUS_PX = 1  # of closed-form matting; the paper's windows are 3 pixels wide
WINDOW_RIDGE = 1e-5  # its epsilon, for colours from 0 to 1; the paper's 1e-7 follows the noise of a phone's camera
FOLLOW_RADIUS_PX = 2  # of the windows in which the solved matte is carried to the photo's size
START_WEIGHT = 0.03  # of the difference from the mask, against the paper's own cost: it settles where colours do not,
# lest alpha follows the photo's noise; on drawn garments the mean error is a third less than without it
ITERATIONS_MAX = 60  # of conjugate gradients; drawn garments need 25 to 40
RESIDUAL = 1e-3  # over that of the start, at which they end

FAR_SHARE = 1 / 16  # of the long side: radius within which garment and ground colours are first looked for
NEAR_SHARE = 1 / 256  # and then; the paper's radii are 90 and 6 pixels
TINY = 1e-4  # of a window's weight; below it there is nothing of that side in the window

GROUND, OPEN, GARMENT = 0, 128, 255  # values of a trimap


class Method(StrEnum):
    """How a matte is made."""

    FAST = "fast"
    QUALITY = "quality"


def trimap_of(mask: NDArray[np.bool_], probability: NDArray[np.float32] | None = None) -> NDArray[np.uint8]:
    """Mark the band along a mask's outline in which alpha is open.

    The band reaches `BAND_SHARE` of the long side to both sides of the outline, and up to `DOUBT_SHARE` where the
    probability is in doubt.

    Args:
        mask: HxW bool.
        probability: HxW float32, 0 to 1, or None when nothing is known about the mask's doubts.

    Returns:
        HxW uint8: `GROUND`, `OPEN` or `GARMENT`. An empty or a full mask leaves nothing open.
    """
    trimap = np.where(mask, GARMENT, GROUND).astype(np.uint8)
    if mask.all() or not mask.any():
        return trimap
    inside = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    away = np.asarray(inside, np.float32) + np.asarray(outside, np.float32)  # one of them is 0
    long_side = max(mask.shape)
    band = away <= max(2.0, BAND_SHARE * long_side)
    if probability is not None:
        doubtful = (probability > DOUBTFUL[0]) & (probability < DOUBTFUL[1])
        band |= doubtful & (away <= DOUBT_SHARE * long_side)
    trimap[band] = OPEN
    return trimap


def soft_alpha(
    photo: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    probability: NDArray[np.float32] | None,
    method: Method,
    cancel: CancelFlag,
) -> NDArray[np.uint8]:
    """Turn a mask into a matte whose edge follows the photo.

    Args:
        photo: HxWx3 uint8, sRGB.
        mask: hxw bool of the same scene at any size.
        probability: Of garment, float32, 0 to 1, of the whole photo at any size; or None.
        method: `FAST`, or `QUALITY` for closed-form matting.
        cancel: Checked between steps.

    Returns:
        HxW uint8: 255 inside, 0 outside, between them only in the band of `trimap_of`.
    """
    if method is Method.FAST:
        return matte(photo, mask, cancel)
    cancel.check()
    small = reduced(photo)
    size = small.shape[1::-1]
    coarse = np.asarray(cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_LINEAR), np.float32)
    fitted = None if probability is None else np.asarray(cv2.resize(probability, size), np.float32)
    trimap = trimap_of(coarse > 0.5, fitted)
    limits = np.dstack([trimap == GARMENT, trimap != GROUND]).astype(np.float32)
    alpha = closed_form(small, trimap, coarse, cancel)
    return follow(photo, small, alpha, limits, cancel, radius=FOLLOW_RADIUS_PX, contrast=1.0)


def closed_form(
    guide: NDArray[np.float32], trimap: NDArray[np.uint8], start: NDArray[np.float32], cancel: CancelFlag
) -> NDArray[np.float32]:
    """Solve for the alpha that is, window by window, closest to a linear function of the colours.

    Levin, Lischinski and Weiss, "A closed-form solution to natural image matting", IEEE TPAMI 30(2), 2008, with the
    known pixels taken out of the unknowns and a term that holds them near the start (Wang and Cohen, "Optimized color
    sampling for robust matting", CVPR 2007). The matting Laplacian is not built: it is applied by box filters (He, Sun
    and Tang, "Fast matting using large kernel matting Laplacian matrices", CVPR 2010), inside conjugate gradients.

    Args:
        guide: HxWx3 float32, 0 to 1.
        trimap: HxW uint8, as `trimap_of` makes it.
        start: HxW float32, 0 to 1: what the open pixels are where colours tell nothing.
        cancel: Checked before the solver is set up and before each iteration; one takes 10 to 20 ms at 768 pixels.

    Returns:
        HxW float32, 0 to 1: 0 and 1 exactly where the trimap says ground and garment.
    """
    alpha = np.where(trimap == OPEN, start, trimap == GARMENT).astype(np.float32)
    if not (trimap == OPEN).any():
        return alpha
    left, top, width, height = cv2.boundingRect((trimap == OPEN).astype(np.uint8))
    edge = 2 * WINDOW_RADIUS_PX
    part = np.s_[max(0, top - edge) : top + height + edge, max(0, left - edge) : left + width + edge]
    free = np.asarray(trimap[part] == OPEN)
    cancel.check()
    laplacian = _laplacian(guide[part], free)
    solved = alpha[part].copy()

    def applied(values: NDArray[np.float32]) -> NDArray[np.float32]:
        plane = np.zeros(free.shape, np.float32)
        plane[free] = values
        found: NDArray[np.float32] = laplacian(plane)[free] + np.float32(START_WEIGHT) * values
        return found

    # At the start the added term is 0, and the known pixels' part of the equations is in the Laplacian.
    residual = -laplacian(solved)[free]
    values, step = solved[free], residual
    square = float(np.dot(residual, residual))
    enough = square * RESIDUAL**2
    for _ in range(ITERATIONS_MAX):
        if square <= enough:
            break
        cancel.check()
        through = applied(step)
        curvature = float(np.dot(step, through))
        if curvature <= 0:  # all that is left is rounding
            break
        values = values + np.float32(square / curvature) * step
        residual = residual - np.float32(square / curvature) * through
        before, square = square, float(np.dot(residual, residual))
        step = residual + np.float32(square / before) * step
    solved[free] = np.clip(values, 0, 1)
    alpha[part] = solved
    return alpha


def _laplacian(
    guide: NDArray[np.float32], free: NDArray[np.bool_]
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """The matting Laplacian as a function: right on the pixels that are free, without meaning on the others.

    Of each window, the best linear function of the colours is what the guided filter finds; a plane's distance from
    it, summed over the windows of a pixel, is the Laplacian's row.
    """
    side = 2 * WINDOW_RADIUS_PX + 1
    windows = np.asarray(cv2.dilate(free.astype(np.uint8), np.ones((side, side), np.uint8))) > 0
    count = _sum(np.ones(free.shape, np.float32))[windows][:, np.newaxis]
    covering = _sum(windows.astype(np.float32))
    colour = _sum(guide)[windows] / count
    covariance = np.empty((len(colour), 3, 3), np.float32)
    for i in range(3):
        for j in range(i, 3):
            product = _sum(guide[..., i] * guide[..., j])[windows] / count[:, 0]
            covariance[:, i, j] = covariance[:, j, i] = product - colour[:, i] * colour[:, j]
    ridge = np.eye(3, dtype=np.float32) * (WINDOW_RIDGE / count[:, :, np.newaxis])
    inverse = np.linalg.inv(covariance + ridge)
    fit = np.zeros((*free.shape, 4), np.float32)

    def apply(plane: NDArray[np.float32]) -> NDArray[np.float32]:
        sums = _sum(np.dstack([guide * plane[..., np.newaxis], plane]))[windows] / count
        cross = sums[:, :3] - colour * sums[:, 3:]
        slope = np.einsum("nij,nj->ni", inverse, cross)
        fit[windows, :3] = slope
        fit[windows, 3] = sums[:, 3] - np.einsum("ni,ni->n", slope, colour)
        spread = _sum(fit)
        explained = np.einsum("yxc,yxc->yx", spread[..., :3], guide) + spread[..., 3]
        return np.asarray(covering * plane - explained, np.float32)

    return apply


def _sum(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum over each pixel's window; beyond the border is nothing."""
    side = (2 * WINDOW_RADIUS_PX + 1,) * 2
    total = cv2.boxFilter(planes, cv2.CV_32F, side, normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(total, np.float32)


def foreground(photo: NDArray[np.uint8], alpha: NDArray[np.uint8], cancel: CancelFlag) -> NDArray[np.uint8]:
    """Take the ground's colour out of a garment's edge.

    Forte, "Approximate fast foreground colour estimation", ICIP 2021: garment and ground near a pixel are means
    weighted by alpha, and what the mixture of both leaves unexplained goes to the garment; once in a wide window, on a
    smaller picture, and once more in a narrow one.

    Args:
        photo: HxWx3 uint8, sRGB.
        alpha: HxW uint8, its matte.
        cancel: Checked before each strip of rows.

    Returns:
        HxWx3 uint8: the photo where alpha is 255, the garment's colour where it is less. Where no garment is near,
        the photo too.
    """
    height, width = alpha.shape
    cancel.check()
    small = reduced(photo)
    small_alpha = np.asarray(cv2.resize(alpha, small.shape[1::-1], interpolation=cv2.INTER_AREA), np.float32)
    small_alpha /= np.float32(255)
    radius = max(2, round(FAR_SHARE * max(small.shape)))
    garment, ground = _mean(small, small_alpha, radius), _mean(small, 1 - small_alpha, radius)
    reached = np.asarray(cv2.boxFilter(small_alpha, cv2.CV_32F, (2 * radius + 1,) * 2) > TINY, np.float32)
    near = max(1, round(NEAR_SHARE * max(height, width)))
    clean = np.empty_like(photo)
    for top in range(0, height, STRIP_ROWS):
        cancel.check()
        rows = slice(top, min(height, top + STRIP_ROWS))
        wide = slice(max(0, top - near), min(height, rows.stop + near))
        inner = slice(top - wide.start, rows.stop - wide.start)
        colour, share = (plane[wide].astype(np.float32) / np.float32(255) for plane in (photo, alpha))
        far_garment, far_ground = (strip_of(plane, wide, (width, height)) for plane in (garment, ground))
        guess = _unmixed(colour, share, far_garment, far_ground)
        found = _unmixed(colour, share, _mean(guess, share, near), _mean(far_ground, 1 - share, near))[inner]
        as_bytes = np.rint(np.clip(found, 0, 1) * np.float32(255)).astype(np.uint8)
        near_garment = strip_of(reached, rows, (width, height))[..., np.newaxis] > 0
        clean[rows] = np.where(near_garment, as_bytes, photo[rows])
    return clean


def _unmixed(
    colour: NDArray[np.float32], share: NDArray[np.float32], garment: NDArray[np.float32], ground: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The garment's colour where `share` of a pixel is garment (equation 7 of Forte's paper)."""
    alpha = share[..., np.newaxis]
    return np.asarray(garment + alpha * (colour - alpha * garment - (1 - alpha) * ground), np.float32)


def _mean(colour: NDArray[np.float32], weight: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    """Weighted mean of colours over each pixel's window; the colour itself where the window has no weight."""
    side = (2 * radius + 1,) * 2
    total = np.asarray(cv2.boxFilter(weight, cv2.CV_32F, side))[..., np.newaxis]
    mean = np.asarray(cv2.boxFilter(colour * weight[..., np.newaxis], cv2.CV_32F, side)) / np.maximum(total, TINY)
    return np.asarray(np.where(total > TINY, mean, colour), np.float32)
