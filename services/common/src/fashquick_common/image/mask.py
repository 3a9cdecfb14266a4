"""A garment mask that a caller sends along with the photo."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from fashquick_common.errors import BadMask
from fashquick_common.image.decode import DecodedImage, load_raster
from fashquick_common.image.formats import Buffer
from fashquick_common.image.limits import DEFAULT_LIMITS, ImageLimits

FOREGROUND = 128
"""From this value on a mask pixel belongs to the garment."""


def decode_mask(data: Buffer, photo: DecodedImage, limits: ImageLimits = DEFAULT_LIMITS) -> npt.NDArray[np.uint8]:
    """Decode the mask of a photo.

    Where the file has transparency, that is the mask; else its brightness is, white for the garment.

    Args:
        data: The whole encoded mask, of the photo's size before or after resizing.
        photo: The decoded photo that the mask belongs to.
        limits: The limits that the photo was decoded with.

    Returns:
        HxW uint8 at the size of `photo.rgb`; 255 is garment, values between are soft edges.

    Raises:
        NotAnImage: The bytes are in none of the formats that are read.
        ImageTooLarge: More bytes or pixels than allowed.
        ImageTooSmall: The short side is too short.
        ImageDamaged: The file is broken or cut short.
        BadMask: The mask is of another size than the photo, or marks nothing or everything.
    """
    raster = load_raster(data, limits)
    height, width = photo.rgb.shape[:2]
    source_size = (photo.source_width, photo.source_height)
    if raster.source_size not in {source_size, (width, height)}:
        raise BadMask(
            "The mask has {} x {} pixels, the photo {} x {}; make the mask at the photo's upright size.".format(
                *raster.source_size, *source_size
            )
        )
    grey = raster.alpha if raster.alpha is not None else raster.colour.convert("L")
    if grey.size != (width, height):
        grey = grey.resize((width, height), Image.Resampling.BOX)
    mask = np.array(grey)
    check_mask(mask)
    return mask


def check_mask(mask: npt.NDArray[np.uint8]) -> None:
    """Refuse a mask that says nothing.

    Args:
        mask: HxW uint8.

    Raises:
        BadMask: No pixel is garment, or every pixel is.
    """
    share = float(np.mean(mask >= FOREGROUND))
    if share in {0.0, 1.0}:
        marked = "nothing" if share == 0.0 else "the whole photo"
        raise BadMask(
            f"The mask marks {marked} as garment; paint the garment white ({FOREGROUND} to 255) and all else black, "
            "or leave the mask out."
        )
