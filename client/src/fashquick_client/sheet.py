"""Pictures side by side, to see at a glance what became of a photo. Needs the extra `images`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from fashquick_client.pixels import PixelMap
from fashquick_common.image import decode, encode

Pixels = npt.NDArray[np.uint8]

SHEET_HEIGHT = 768  # Pixels of each picture: three of them fit on a screen.
_MARGIN = 12  # Pixels of white round and between the pictures.
_WHITE = 255


def make_sheet(photo: bytes, mask: PixelMap, picture: bytes) -> bytes:
    """Put photo, mask and picture side by side, at the same height, with white margins.

    Args:
        photo: The uploaded image file.
        mask: The garment's mask on the photo.
        picture: The image file that was made.

    Returns:
        A PNG file.

    Raises:
        InvalidArgumentError: A file cannot be read.
    """
    grey = mask.array()
    return encode(_side_by_side([decode(photo).rgb, np.dstack([grey, grey, grey]), decode(picture).rgb]))


def _side_by_side(pictures: Sequence[Pixels]) -> Pixels:
    margin = np.full((SHEET_HEIGHT, _MARGIN, 3), _WHITE, np.uint8)
    strips = [margin]
    for picture in pictures:
        strips += [_at_height(picture), margin]
    row = np.hstack(strips)
    edge = np.full((_MARGIN, row.shape[1], 3), _WHITE, np.uint8)
    return np.vstack([edge, row, edge])


def _at_height(rgb: Pixels) -> Pixels:
    height, width = rgb.shape[:2]
    size = max(1, round(width * SHEET_HEIGHT / height)), SHEET_HEIGHT
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS))
