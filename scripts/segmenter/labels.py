"""Labels for training: read, and freed of hangers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .drawing import Mask, Picture

PHOTO_SIDE_PX = 340  # Long side; a third more than the largest training picture.
TOP_SHARE = 0.12  # Of a garment's height: where hooks, bars and clips are.
THIN_SHARE = 0.035  # Of the long side: what an opening of this width removes is thin.
DARK = 75  # Lightness in OpenCV's Lab, 0 to 255, of black plastic and metal.
DARKER = 45  # By how much it is darker than the garment, so that dark straps of dark garments stay.
# Share of a garment's width that a clip or a hook takes at most; a waistband or a collar goes all the way.
CLIP_SHARE, HOOK_SHARE = 0.35, 0.15
LEAST_SHARE = 0.0015  # Of the garment: less is a seam in the shade.
CLIPPED = ("pants", "shorts", "skirt")  # What hangs by its waistband.


def photos(folder: Path) -> Iterator[tuple[str, Picture]]:
    """Yield the photos of `folder/<category>/<id>.jpg` as (category__id, RGB), reduced."""
    for path in sorted(folder.glob("*/*.jpg")):
        picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        scale = PHOTO_SIDE_PX / max(picture.shape[:2])
        reduced = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        yield f"{path.parent.name}__{path.stem}", np.asarray(reduced, np.uint8)


def read_label(path: Path, photo: Picture) -> tuple[Mask, bool]:
    """Read a mask <category>__<id>.pbm, white for garment, at the size of its photo.

    Returns:
        The label, 0 to 1, without what may be the hanger; and whether something was cut from it.
    """
    pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255
    label = np.asarray(cv2.resize(pixels, photo.shape[1::-1], interpolation=cv2.INTER_AREA), np.float32)
    parts = hanger_parts(photo, label > 0.5, clipped=path.name.startswith(CLIPPED))
    if np.count_nonzero(parts) < LEAST_SHARE * np.count_nonzero(label > 0.5):
        return label, False
    label[parts] = 0
    return label, True


def write_label(path: Path, label: NDArray[np.bool_]) -> None:
    """Write a mask, HxW bool, as `read_label` reads it, reduced to the size of the photos."""
    scale = PHOTO_SIDE_PX / max(label.shape)
    small = cv2.resize(label.astype(np.float32), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(path), np.where(np.asarray(small) > 0.5, np.uint8(255), np.uint8(0)), [cv2.IMWRITE_PXM_BINARY, 1])


def hanger_parts(photo: Picture, mask: NDArray[np.bool_], *, clipped: bool) -> NDArray[np.bool_]:
    """Find what of a mask is a hanger: dark parts at its top, on a garment that is lighter.

    Args:
        photo: HxWx3 uint8, sRGB.
        mask: HxW bool.
        clipped: Whether clips are looked for, which reach over the cloth; else only what is thin.

    Returns:
        HxW bool.
    """
    rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
    parts = np.zeros_like(mask)
    if len(rows) < 10:
        return parts
    light = cv2.cvtColor(photo, cv2.COLOR_RGB2LAB)[..., 0].astype(np.float32)
    dark = light < min(DARK, float(np.median(light[mask])) - DARKER)
    found = mask & dark
    if not clipped:
        radius = max(1, round(THIN_SHARE * max(mask.shape) / 2))
        disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        found &= cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disk) == 0
    found[round(rows[0] + TOP_SHARE * (rows[-1] - rows[0])) :] = False
    widest = (CLIP_SHARE if clipped else HOOK_SHARE) * (columns[-1] - columns[0])
    outside = cv2.dilate((~mask).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    count, labelled, stats, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8), connectivity=8)
    for number in range(1, count):
        part = labelled == number
        if stats[number, cv2.CC_STAT_WIDTH] <= widest and (part & outside).any():
            parts |= part
    near = cv2.dilate(parts.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0  # Its edge, half cloth.
    return parts | (near & mask)
