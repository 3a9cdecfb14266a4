"""The back panel's outside, which no photo of the front shows."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import Category, PatternKind, TextureClass
from fashquick_generation.studio.arrays import Bool, Float32, Int
from fashquick_generation.studio.colour import LUMINANCE
from fashquick_generation.studio.texture.filling import continued_along_rows, filled

ALL_OVER = frozenset(
    {PatternKind.STRIPES, PatternKind.CHECK, PatternKind.DOTS, PatternKind.FLORAL, PatternKind.ALLOVER}
)
"""Patterns that go on around the garment."""
STRUCTURED = frozenset(
    {TextureClass.QUILTED, TextureClass.KNIT, TextureClass.RIBBED, TextureClass.CORDUROY, TextureClass.LACE}
)
"""Cloth whose relief goes on around the garment."""
SEAM_SHARE = 0.06
"""Width of the strips along the side seams, as a share of the garment's width, in which front passes into back."""
DETAIL_SHARE = 0.004
"""Reach of the cloth's weave, as a share of the image's diagonal: what is coarser are folds and trimmings."""
DETAIL_LIMIT = 0.06
"""Part of the light from which on a detail is not weave but a seam, a letter or a pocket."""
OTHER_COLOUR = 0.08
"""Difference of the roots of linear light from the row's cloth from which on a pixel shows something else."""
BAND_SHARE = 0.03
"""Height, as a share of the image's, of the narrowest band of another colour that goes around; seams are narrower."""
ROW_SAMPLES = 80
"""Pixels of a row that are enough to tell its usual colour."""
LEAST_ROW = 0.25
"""Part of a row that must show the bare cloth for its colour to be known."""
MIRRORED_SHARE = 0.12
"""Depth, as a share of the diagonal, of the cloth that is mirrored over a print or an opening."""
LEAST_SEEN = 30
"""Pixels of the inside that must be seen to know its colour."""
LINED = frozenset({Category.SHIRT, Category.JACKET, Category.COAT, Category.VEST})
"""Garments whose inside may be of any colour; that of all others is like their outside, and what is not is a hanger."""
UNLINED_AWAY = 0.3
"""Difference of the roots of linear light between such a garment's inside and outside."""
LABEL_AWAY = 0.12
"""Difference of the roots of linear light from the inside's usual colour from which on a pixel shows a label, a
hanger or what lies behind."""


def back_of(front: Float32, sure: Bool, cuts: Bool, *, alike: bool, cancel: CancelFlag) -> Float32:
    """The outside of a back panel.

    An all-over pattern goes on around the garment, without what is printed, buttoned or cut into the front. A plain
    cloth has in every row its usual colour there, which keeps bands at their height and leaves pockets, buttons and
    letters behind; sleeves and legs are alike in front and back.

    Args:
        front: HxWx3 float32, linear light of the front, carried on beyond the garment.
        sure: HxW, where the garment is surely seen.
        cuts: HxW, what only the front has: prints, the opening, the collar.
        alike: Whether front and back are alike beside that.
        cancel: Checked between steps.
    """
    whole = front
    if (sure & ~cuts).any():
        depth = round(MIRRORED_SHARE * float(np.hypot(*sure.shape))) + 1
        whole = np.where(cuts[..., None], continued_along_rows(front, sure & ~cuts, depth, cancel), front)
    if alike:
        return whole
    cancel.check()
    rows = np.flatnonzero(sure.any(axis=1))
    first, last = _trunk_columns(sure, rows)
    if last - first < 8:
        return whole
    body = slice(first, last + 1)
    plain = _rows(front[:, body], sure[:, body] & ~cuts[:, body])[:, None]
    cancel.check()
    columns = np.arange(front.shape[1])
    weave = _weave(whole, plain)
    cancel.check()
    seam = SEAM_SHARE * (last - first)
    # Sleeves, and what a wide hem has more than the body, stay as they are.
    share = np.clip(np.minimum(columns - first, last - columns) / seam, 0, 1).astype(np.float32)[None, :, None]
    return np.asarray(whole * (1 - share) + plain * weave * share, np.float32)


def _rows(cloth: Float32, bare: Bool) -> Float32:
    """Hx3 float32, the usual colour of every row's bare cloth; that of rows nearby where there is little."""
    step = max(bare.shape[1] // ROW_SAMPLES, 1)
    cloth, bare = cloth[:, ::step], bare[:, ::step]
    count = bare.sum(axis=1)
    known = np.flatnonzero(count >= LEAST_ROW * bare.shape[1])
    if not len(known):
        return np.broadcast_to(np.median(cloth, axis=(0, 1)), (len(cloth), 3)).astype(np.float32)
    ordered = np.sort(np.where(bare[known, :, None], cloth[known], np.inf), axis=1)
    usual = ordered[np.arange(len(known)), count[known] // 2]
    every = np.arange(len(cloth))
    spread = np.stack([np.interp(every, known, usual[:, k]) for k in range(3)], axis=1)
    band = BAND_SHARE * len(cloth)
    steady = median_filter(spread, (2 * round(band / 2) + 1, 1), mode="nearest")
    return np.asarray(gaussian_filter1d(steady, band / 4, axis=0, mode="nearest"), np.float32)


def _weave(cloth: Float32, plain: Float32) -> Float32:
    """HxWx1 float32 around 1: the cloth's fine structure without lines, edges and what has another colour."""
    light = cloth @ LUMINANCE + np.float32(1e-3)
    diagonal = float(np.hypot(*light.shape))
    detail = light / cv2.GaussianBlur(light, (0, 0), DETAIL_SHARE * diagonal) - 1
    away = np.sqrt(cloth) - np.sqrt(plain)
    other = (np.einsum("ijk,ijk->ij", away, away) > OTHER_COLOUR**2).astype(np.float32)
    reach = 2 * round(2 * DETAIL_SHARE * diagonal) + 1
    bare = 1 - cv2.blur(cv2.dilate(other, np.ones((reach, reach), np.uint8)), (reach, reach))
    faint = np.clip(2 - np.abs(detail) / DETAIL_LIMIT, 0, 1)
    return np.asarray(1 + detail * faint * bare, np.float32)[..., None]


def _trunk_columns(mask: Bool, rows: Int) -> tuple[int, int]:
    """First and last column of the garment's body between armpits and hem."""
    lower = mask[rows[0] + (len(rows) * 3) // 5 : rows[-1] - len(rows) // 12]
    inside = np.flatnonzero(lower.mean(axis=0) > 0.8)
    return (int(inside[0]), int(inside[-1])) if len(inside) else (0, mask.shape[1] - 1)


def reverse_of(lit: Float32, seen: Bool, front: Float32, *, lined: bool, cancel: CancelFlag) -> Float32:
    """The cloth's inside: what the photo shows of it in the neck, carried on; else the outside's mean colour.

    Args:
        lit: HxWx3 float32, linear light.
        seen: HxW, where the photo shows the inside.
        front: HxWx3 float32, the outside.
        lined: Whether the inside may be of another colour than the outside.
        cancel: Checked between steps.
    """
    if not lined:
        like = np.sqrt(front.reshape(-1, 3).mean(axis=0))
        seen = seen & (np.linalg.norm(np.sqrt(lit) - like, axis=2) <= UNLINED_AWAY)
        cancel.check()
    if seen.sum() < LEAST_SEEN:
        return np.broadcast_to(front.reshape(-1, 3).mean(axis=0), front.shape).astype(np.float32, order="C")
    usual = np.median(lit[seen], axis=0)
    away = np.linalg.norm(np.sqrt(lit) - np.sqrt(usual), axis=2)
    return filled(lit, seen & (away <= max(LABEL_AWAY, float(np.median(away[seen])))), cancel)
