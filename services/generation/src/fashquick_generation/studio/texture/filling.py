"""What is not seen of a cloth, filled by what belongs there."""

from __future__ import annotations

import cv2
import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_generation.studio.arrays import Bool, Float32

STEADY_SHARE = 0.02
"""Reach, as a share of the image's diagonal, over which neighbours agree on the border they are mirrored at."""
AGREE = 0.4
"""Distance of neighbours' mean place on the border from a pixel's own, against its distance from it, within which
they look at the same border."""
HARDLY_KNOWN = 0.98
"""Mirrored pixels that are known to less than this would bring unknown colours along."""


def filled(image: Float32, known: Bool, cancel: CancelFlag) -> Float32:
    """Carry the known pixels' colours on into the rest, smoothly (pull-push on an image pyramid).

    S. J. Gortler et al., "The lumigraph" (1996), section 3.4.

    Args:
        image: HxWx3 float32.
        known: HxW bool, at least one true.
        cancel: Checked between steps.
    """
    cancel.check()
    weight = known.astype(np.float32)
    colour = image * weight[..., None]
    if min(weight.shape) <= 2:
        mean = colour.reshape(-1, 3).sum(axis=0) / max(float(weight.sum()), 1e-9)
        return np.where(known[..., None], image, mean).astype(np.float32)
    half = (-(-weight.shape[1] // 2), -(-weight.shape[0] // 2))
    small_weight = np.asarray(cv2.resize(weight, half, interpolation=cv2.INTER_AREA), np.float32)
    cancel.check()
    total = np.asarray(cv2.resize(colour, half, interpolation=cv2.INTER_AREA), np.float32)
    mean_colour = (total / np.maximum(small_weight, 1e-9)[..., None]).astype(np.float32)
    below = filled(mean_colour, small_weight > 0, cancel)
    cancel.check()
    spread = cv2.resize(below, (weight.shape[1], weight.shape[0]), interpolation=cv2.INTER_LINEAR)
    cancel.check()
    return _chosen(known, image, np.asarray(spread, np.float32))


def continued(image: Float32, known: Bool, depth: float, cancel: CancelFlag) -> Float32:
    """Carry the known cloth on into the rest with its weave and pattern: mirrored at its border.

    Args:
        image: HxWx3 float32.
        known: HxW bool, at least one true.
        depth: Pixels from the border that are mirrored, to and fro where the unknown reaches farther; what lies
            deeper inside, a print for example, is never repeated.
        cancel: Checked between steps.
    """
    smooth = filled(image, known, cancel)
    if known.all():
        return smooth
    away, nearest = _border(known, cancel)
    cancel.check()
    distance = np.hypot(away[..., 0], away[..., 1])
    folded = depth - np.abs(np.mod(distance, 2 * depth) - depth)
    inward = (-folded / np.maximum(distance, 1e-6))[..., None] * away
    places = np.where(known[..., None], nearest, nearest + inward).astype(np.float32)
    cancel.check()
    x, y = np.ascontiguousarray(places[..., 0]), np.ascontiguousarray(places[..., 1])
    mirrored = cv2.remap(smooth, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    sure = cv2.remap(known.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    cancel.check()
    usable = (np.asarray(sure) >= HARDLY_KNOWN) & ~known
    return _chosen(usable, np.asarray(mirrored, np.float32), smooth)


def _chosen(first: Bool, image: Float32, other: Float32) -> Float32:
    """`image` where `first` is true, else `other`, in whose place it is made."""
    np.copyto(other, image, where=first[..., None])
    return other


def continued_along_rows(image: Float32, known: Bool, depth: int, cancel: CancelFlag) -> Float32:
    """Carry the known cloth on into gaps of every row, mirrored at their ends: stripes stay at their height.

    Rows that know nothing are filled along columns.

    Args:
        image: HxWx3 float32.
        known: HxW bool, at least one true.
        depth: Pixels beside a gap that are mirrored, to and fro in wider gaps.
        cancel: Checked between steps.
    """
    across, is_across = _along_rows(image, known, depth, cancel)
    cancel.check()
    seen = known | is_across
    rows = _chosen(known, image, across)
    down, is_down = _along_rows(rows.transpose(1, 0, 2), seen.T, depth, cancel)
    rest = filled(image, known, cancel)
    cancel.check()
    rest = _chosen(is_down.T, down.transpose(1, 0, 2), rest)
    cancel.check()
    return _chosen(seen, rows, rest)


def _along_rows(image: Float32, known: Bool, depth: int, cancel: CancelFlag) -> tuple[Float32, Bool]:
    """Every row's gaps mirrored, and where that was possible."""
    width = known.shape[1]
    columns, far = np.broadcast_to(np.arange(width), known.shape), 2 * width
    left = np.maximum.accumulate(np.where(known, columns, -far), axis=1)
    right = np.minimum.accumulate(np.where(known, columns, far)[:, ::-1], axis=1)[:, ::-1]
    cancel.check()
    from_left = columns - left <= right - columns
    distance = np.minimum(columns - left, right - columns)
    folded = depth - np.abs(np.mod(distance, 2 * depth) - depth)
    cancel.check()
    take = np.where(from_left, left - folded, right + folded)
    cancel.check()
    inside = (take >= 0) & (take < width)
    take = np.clip(take, 0, width - 1)
    rows = np.arange(len(known))[:, None]
    return image[rows, take], inside & known[rows, take]


def _border(known: Bool, cancel: CancelFlag) -> tuple[Float32, Float32]:
    """HxWx2 way from the nearest known pixel, and that pixel's place; neighbours agree on it."""
    unknown = (~known).astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(unknown, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    cancel.check()
    rows, columns = np.nonzero(known)
    numbered = np.zeros((int(labels.max()) + 1, 2), np.float32)
    numbered[labels[rows, columns]] = np.stack([columns, rows], axis=1)
    cancel.check()
    nearest = numbered[labels]
    cancel.check()
    side = 2 * round(STEADY_SHARE * float(np.hypot(*known.shape)) / 2) + 1
    weight = cv2.blur(unknown.astype(np.float32), (side, side))
    steady = cv2.blur(nearest * unknown[..., None], (side, side))
    cancel.check()
    steady /= np.maximum(weight, 1e-6)[..., None]
    cancel.check()
    y, x = np.mgrid[: known.shape[0], : known.shape[1]].astype(np.float32)
    here = np.stack([x, y], axis=2)
    cancel.check()
    # Halfway between two borders their mean is on neither.
    away, apart = here - nearest, steady - nearest
    agrees = np.hypot(apart[..., 0], apart[..., 1]) < AGREE * np.hypot(away[..., 0], away[..., 1]) + 2
    cancel.check()
    nearest = np.where((agrees & ~known)[..., None], steady, nearest).astype(np.float32)
    return here - nearest, nearest
