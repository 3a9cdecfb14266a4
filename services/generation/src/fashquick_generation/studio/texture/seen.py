"""Which pixels of the photo surely show the garment."""

from __future__ import annotations

import cv2
import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_generation.studio.arrays import Bool, Float32, Float64
from fashquick_generation.studio.texture.filling import filled

EDGE_SHARE = 0.004
"""Pixels this close to the outline, as a share of the diagonal, are mixed with what lies behind the garment."""
FRINGE_SHARE = 0.02
"""Pixels this close may be background that a loose mask took along."""
MIXED = 0.2
"""Part of the ground in a mixture from which on it shows."""
OFF_MIXTURE = 0.6
"""Distance of a mixture from the line between garment and ground, against its way along it: trimmings lie farther."""
DYED = 0.35
"""Distance from a colour of the garment's, against that from the ground, up to which a pixel surely shows it."""
LEAST_APART = 0.08
"""Difference of the roots of linear light below which garment and ground cannot be told apart, nor need to be."""
DEEP_SHARE = 0.04
"""Pixels farther inside than this are garment without doubt."""


def surely_garment(light: Float32, mask: Bool, holes: Bool, dyes: Float32, cancel: CancelFlag) -> Bool:
    """The mask without its rim, without background along it, and without holes that show the floor.

    Args:
        light: HxWx3 float32, linear light.
        mask: HxW, the garment without holes.
        holes: HxW, where the mask had some.
        dyes: Kx3 float32, linear light of the garment's main colours in the photo; none where they are not known.
        cancel: Checked between steps.
    """
    diagonal = float(np.hypot(np.ptp(np.flatnonzero(mask.any(axis=0))), np.ptp(np.flatnonzero(mask.any(axis=1)))))
    rim = max(EDGE_SHARE * diagonal, 1.2)
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    sure = depth > rim
    outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5) > rim
    if not outside.any():
        return sure
    cancel.check()
    root = np.sqrt(light).astype(np.float32)  # distances close to those that eyes see
    near_hole = cv2.dilate(holes.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    inner = (depth > DEEP_SHARE * diagonal) & ~near_hole
    if not inner.any():
        return sure
    garment = filled(root, inner, cancel)
    ground = filled(root, outside, cancel)
    cancel.check()
    like_ground = _like_ground(root, garment, ground, cancel)
    cancel.check()
    like_ground &= ~_dyed(root, ground, np.sqrt(dyes))
    doubtful = (depth < FRINGE_SHARE * diagonal) | near_hole
    cancel.check()
    kept: Bool = sure & ~(doubtful & like_ground)
    return kept if kept.any() else sure


def _like_ground(root: Float32, garment: Float32, ground: Float32, cancel: CancelFlag) -> Bool:
    """Whether a pixel looks like the ground around the garment, or like a mixture of both, as on soft rims."""
    way, away = ground - garment, root - garment
    length = np.maximum(_square(way), LEAST_APART**2)
    cancel.check()
    part = np.einsum("ijk,ijk->ij", away, way) / length
    off = np.maximum(_square(away) - part * part * length, 0)
    mixed = (part > MIXED) & (off < (OFF_MIXTURE * part) ** 2 * length)
    out: Bool = (part > 0.5) | mixed
    return out


def _dyed(root: Float32, ground: Float32, dyes: Float32) -> Bool:
    """Whether a pixel shows a colour of the garment's pattern, which may be far from the cloth around it."""
    limit = DYED**2 * _square(root - ground)
    shown = np.zeros(root.shape[:2], bool)
    for dye in dyes:
        shown |= _square(root - dye) < limit
    return shown


def _square(away: Float32) -> Float32:
    return np.asarray(np.einsum("ijk,ijk->ij", away, away), np.float32)


def above(line: Float64, shape: tuple[int, int]) -> Bool:
    """Pixels between a line across the garment, Mx2 with centres at half-integers, and the image's top."""
    area = np.zeros(shape, np.uint8)
    top = np.array([[line[-1, 0], -10.0], [line[0, 0], -10.0]])
    cv2.fillPoly(area, [np.round(np.concatenate([line, top]) - 0.5).astype(np.int32)], 1)
    return area > 0
