"""Masks at the size of the photo file. Needs the extra `images`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from fashquick_client.photos import MAX_PHOTO_BYTES
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
    """

    mask: bytes
    cutout: bytes


def make_cutout(photo: bytes, found: Segmentation) -> CutoutFiles:
    """Cut the garment out of its photo.

    Args:
        photo: The image file that was segmented.
        found: The result, at the server's working size.

    Raises:
        InvalidArgumentError: The photo cannot be read.
    """
    rgb = decode(photo, _ANY_PHOTO).rgb
    height, width = rgb.shape[:2]
    # Enlarged smoothly and cut again, the edge of a mask has no stairs.
    mask = np.where(_enlarge(found.mask.array(), width, height) >= FOREGROUND, np.uint8(255), np.uint8(0))
    alpha = _enlarge(found.alpha.array(), width, height)
    rgba = np.empty((height, width, 4), np.uint8)
    rgba[..., :3] = rgb
    rgba[..., 3] = alpha
    rgba[alpha == 0] = 0
    return CutoutFiles(encode(mask), encode(rgba))


def _enlarge(grey: Pixels, width: int, height: int) -> Pixels:
    if grey.shape == (height, width):
        return grey
    return np.asarray(Image.fromarray(grey).resize((width, height), Image.Resampling.BILINEAR))
