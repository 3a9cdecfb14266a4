"""The back panel's outside, which no photo of the front shows."""

from __future__ import annotations

import cv2
import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import PatternKind
from fashquick_generation.studio.arrays import Bool, Float32, Int
from fashquick_generation.studio.texture.filling import continued, filled

ALL_OVER = frozenset(
    {PatternKind.STRIPES, PatternKind.CHECK, PatternKind.DOTS, PatternKind.FLORAL, PatternKind.ALLOVER}
)
"""Patterns that go on around the garment."""
SIDE_SHARE = 0.14
"""Width of the strips along the side seams, as a share of the garment's width, where prints are rare."""
DETAIL_SHARE = 0.004
"""Reach of the cloth's weave, as a share of the image's diagonal: what is coarser are folds and trimmings."""
DETAIL_LIMIT = 0.2
"""Largest part of a weave's light that is its detail; what stands out more are seams, letters and pockets."""
PRINT_DEPTH_SHARE = 0.05
"""Depth, as a share of the diagonal, of cloth beside a print that is mirrored over it."""
LEAST_SEEN = 30
"""Pixels of the inside that must be seen to know its colour."""
LABEL_AWAY = 0.12
"""Difference of the roots of linear light from the inside's usual colour from which on a pixel shows a label, a
hanger or what lies behind."""


def back_of(front: Float32, mask: Bool, cuts: Bool, *, all_over: bool, cancel: CancelFlag) -> Float32:
    """The outside of a back panel.

    An all-over pattern goes on around the garment, without what is printed, buttoned or cut into the front. A plain
    cloth goes evenly from that at one side seam to that at the other, which keeps stripes at their height and leaves
    pockets, buttons and letters behind; sleeves are alike in front and back.

    Args:
        front: HxWx3 float32, linear light of the front, carried on beyond the garment.
        mask: HxW, the garment.
        cuts: HxW, what only the front has: prints, the opening, the collar.
        all_over: Whether the pattern goes on around the garment.
        cancel: Checked between steps.
    """
    whole = front
    if cuts.any() and not cuts.all():
        whole = continued(front, ~cuts, PRINT_DEPTH_SHARE * float(np.hypot(*mask.shape)))
    if all_over:
        return whole
    cancel.check()
    rows = np.flatnonzero(mask.any(axis=1))
    first, last = _trunk_columns(mask, rows)
    strip = max(round(SIDE_SHARE * (last - first)), 4)
    if last - first < 3 * strip:
        return whole
    low, high = first + strip // 3, last - strip // 3
    plain = _across(whole, low, high, strip)
    cancel.check()
    plain *= _weave(whole, low, high, strip)
    # Sleeves, and what a wide hem has more than the body, stay as they are.
    columns = np.arange(front.shape[1])
    share = np.clip(np.minimum(columns - low, high - columns) / (strip / 2), 0, 1).astype(np.float32)[None, :, None]
    return np.asarray(whole * (1 - share) + plain * share, np.float32)


def _across(cloth: Float32, low: int, high: int, strip: int) -> Float32:
    """Every row evenly from its colour at the left to that at the right."""
    ends = [np.median(cloth[:, part], axis=1).astype(np.float32) for part in _strips(low, high, strip)]
    left, right = (cv2.GaussianBlur(end, (1, 5), 0)[:, None] for end in ends)
    t = np.clip((np.arange(cloth.shape[1]) - low) / (high - low), 0, 1).astype(np.float32)[None, :, None]
    return np.asarray(left * (1 - t) + right * t, np.float32)


def _weave(cloth: Float32, low: int, high: int, strip: int) -> Float32:
    """HxWx1 float32 around 1: the weave of the strips at both sides, mirrored to and fro until they meet."""
    light = cloth.mean(axis=2) + 1e-3
    sigma = DETAIL_SHARE * float(np.hypot(*light.shape))
    detail = np.clip(light / cv2.GaussianBlur(light, (0, 0), sigma) - 1, -DETAIL_LIMIT, DETAIL_LIMIT)
    columns = np.arange(cloth.shape[1])
    middle = (low + high) / 2
    from_left = low + strip - 1 - np.abs(np.mod(columns - low, 2 * strip - 2) - (strip - 1))
    from_right = high - strip + 1 + np.abs(np.mod(high - columns, 2 * strip - 2) - (strip - 1))
    take = np.where(columns < middle, from_left, from_right)
    return np.asarray(1 + detail[:, np.clip(take, 0, cloth.shape[1] - 1)], np.float32)[..., None]


def _strips(low: int, high: int, strip: int) -> tuple[slice, slice]:
    return slice(low, low + strip), slice(high - strip, high)


def _trunk_columns(mask: Bool, rows: Int) -> tuple[int, int]:
    """First and last column of the garment's body between armpits and hem."""
    lower = mask[rows[0] + (len(rows) * 3) // 5 : rows[-1] - len(rows) // 12]
    inside = np.flatnonzero(lower.mean(axis=0) > 0.8)
    return (int(inside[0]), int(inside[-1])) if len(inside) else (0, mask.shape[1] - 1)


def reverse_of(lit: Float32, seen: Bool, front: Float32) -> Float32:
    """The cloth's inside: what the photo shows of it in the neck, carried on; else the outside's mean colour.

    Args:
        lit: HxWx3 float32, linear light.
        seen: HxW, where the photo shows the inside.
        front: HxWx3 float32, the outside.
    """
    if seen.sum() < LEAST_SEEN:
        return np.broadcast_to(front.mean(axis=(0, 1)), front.shape).astype(np.float32)
    usual = np.median(lit[seen], axis=0)
    away = np.linalg.norm(np.sqrt(lit) - np.sqrt(usual), axis=2)
    return filled(lit, seen & (away <= max(LABEL_AWAY, float(np.median(away[seen])))))
