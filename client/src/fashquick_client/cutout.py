"""Masks at the size of the photo file. Needs the extra `images`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from fashquick_client.options import Box
from fashquick_client.photos import MAX_PHOTO_BYTES
from fashquick_client.pixels import PixelMap
from fashquick_client.results import Segmentation
from fashquick_common.image import DEFAULT_LIMITS, FOREGROUND, ImageLimits, decode, encode

Pixels = npt.NDArray[np.uint8]

_MAX_SIDE = 65_535  # No picture format in use goes beyond it: every photo keeps its size.
# What a photo must be was decided by the server, which has accepted it.
_ANY_PHOTO = ImageLimits(
    max_pixels=Image.MAX_IMAGE_PIXELS or DEFAULT_LIMITS.max_pixels,
    max_bytes=MAX_PHOTO_BYTES,
    min_side=1,
    working_side=_MAX_SIDE,
    max_aspect=_MAX_SIDE,
)


@dataclass(frozen=True, slots=True)
class CutoutFiles:
    """Files made from a segmentation, at the upright size of the photo.

    Attributes:
        mask: PNG, 8-bit grey, 0 or 255.
        cutout: PNG, RGBA; colour is 0 where alpha is 0.
        candidates: PNG, as `mask`, of other masks.
        width: Pixels a row.
        height: Rows.
    """

    mask: bytes
    cutout: bytes
    candidates: tuple[bytes, ...]
    width: int
    height: int


def make_cutout(photo: bytes, found: Segmentation, candidates: int = 0) -> CutoutFiles:
    """Cut the garment out of its photo.

    Along the soft edge the cut-out has the garment's own colours where the server sent them; the photo's are mixed with
    the ground's there.

    Args:
        photo: The image file that was segmented.
        found: The result, at the server's working size.
        candidates: Most other masks to write.

    Raises:
        InvalidArgumentError: The photo cannot be read.
    """
    rgb = decode(photo, _ANY_PHOTO).rgb
    height, width = rgb.shape[:2]
    alpha = _enlarge(found.alpha.array(), width, height)
    rgba = np.empty((height, width, 4), np.uint8)
    rgba[..., :3] = rgb
    if found.foreground is not None:
        soft = (alpha > 0) & (alpha < 255)
        rgba[soft, :3] = _enlarge(found.foreground.array(), width, height)[soft]
    rgba[..., 3] = alpha
    rgba[alpha == 0] = 0
    return CutoutFiles(
        mask=_mask_file(found.mask, width, height),
        cutout=encode(rgba),
        candidates=tuple(_mask_file(each.mask, width, height) for each in found.candidates[:candidates]),
        width=width,
        height=height,
    )


def box_round(mask: PixelMap, width: int, height: int) -> Box | None:
    """Return the box round a mask, in pixels of a photo of the size given; None for an empty mask.

    Args:
        mask: A mask of the photo at working size.
        width: Pixels a row of the photo.
        height: Rows of the photo.
    """
    inside = mask.array() > 0
    columns, rows = np.flatnonzero(inside.any(axis=0)), np.flatnonzero(inside.any(axis=1))
    if not len(rows):
        return None
    across, down = width / mask.width, height / mask.height
    return Box(
        left=float(columns[0] * across),
        top=float(rows[0] * down),
        right=float((columns[-1] + 1) * across),
        bottom=float((rows[-1] + 1) * down),
    )


def _mask_file(mask: PixelMap, width: int, height: int) -> bytes:
    # Enlarged smoothly and cut again, the edge of a mask has no stairs.
    return encode(np.where(_enlarge(mask.array(), width, height) >= FOREGROUND, np.uint8(255), np.uint8(0)))


def _enlarge(pixels: Pixels, width: int, height: int) -> Pixels:
    if pixels.shape[:2] == (height, width):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR))
