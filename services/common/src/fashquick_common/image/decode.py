"""From an uploaded file to the picture that every stage works on: sRGB, upright, bounded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from fashquick_common.errors import ImageBlank
from fashquick_common.image.colour import to_srgb
from fashquick_common.image.formats import Buffer, ImageFormat, identify
from fashquick_common.image.limits import DEFAULT_LIMITS, ImageLimits
from fashquick_common.image.probe import (
    check_pixels,
    frame_count,
    open_picture,
    orientation_of,
    reading,
    upright,
)
from fashquick_common.image.resize import fit, resize

_BLANK_RANGE = 2  # of 255: what JPEG leaves of a single colour

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes the stored pixels upright, by EXIF orientation (Exif 2.32, tag 0x0112)."""


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """A picture as all stages see it; nothing of the file's metadata is left.

    Attributes:
        rgb: HxWx3 uint8, sRGB, upright; where the file is transparent, laid on white.
        alpha: HxW uint8, a hint where the garment is, when the file had an alpha channel that is not fully
            opaque; else None.
        format: Format it came in, such as "jpeg", or "rgb8" for pixels between services.
        source_width: Width in pixels of the upright picture before resizing.
        source_height: Height in pixels of the upright picture before resizing.
        warnings: What a person should know, such as that only the first frame was used; plain words.
    """

    rgb: npt.NDArray[np.uint8]
    alpha: npt.NDArray[np.uint8] | None
    format: str
    source_width: int
    source_height: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Raster:
    """Pixels at the working size, upright, in the file's own colours.

    Attributes:
        colour: Mode L, RGB, CMYK or LAB.
        alpha: Mode L, or None.
        profile: ICC profile, or None.
        format: Format of the file.
        source_size: Upright width and height before resizing.
        frames: Number of frames in the file.
    """

    colour: Image.Image
    alpha: Image.Image | None
    profile: bytes | None
    format: ImageFormat
    source_size: tuple[int, int]
    frames: int


def decode(data: Buffer, limits: ImageLimits = DEFAULT_LIMITS) -> DecodedImage:
    """Decode a photo and bring it to sRGB, upright, at the working size.

    Peak memory is foretold by `probe`; a large JPEG is decoded at a half, a quarter or an eighth of its size.

    Args:
        data: The whole encoded file.
        limits: What is accepted, and the working size.

    Returns:
        The picture.

    Raises:
        NotAnImage: The bytes are in none of the formats that are read.
        ImageTooLarge: More bytes or pixels than allowed.
        ImageTooSmall: The short side is too short.
        ImageDamaged: The file is broken or cut short.
        ImageBlank: The picture is one colour or fully transparent.
    """
    raster = load_raster(data, limits)
    rgb, warnings = to_srgb(raster.colour, raster.profile)
    if raster.frames > 1:
        warnings += (f"the picture has {raster.frames} frames, only the first was used",)
    if raster.alpha is not None:
        if _range(raster.alpha)[1] == 0:
            raise ImageBlank("The picture is fully transparent; export it with its background or its subject visible.")
        rgb = Image.composite(rgb, Image.new("RGB", rgb.size, "white"), raster.alpha)
    _check_blank(rgb, raster.alpha)
    width, height = raster.source_size
    alpha = None if raster.alpha is None else np.array(raster.alpha)
    return DecodedImage(np.array(rgb), alpha, raster.format, width, height, warnings)


def load_raster(data: Buffer, limits: ImageLimits) -> Raster:
    """Decode a file at the working size and turn it upright, colours untouched.

    Raises:
        NotAnImage: The bytes are in none of the formats that are read.
        ImageTooLarge: More bytes or pixels than allowed.
        ImageTooSmall: The short side is too short.
        ImageDamaged: The file is broken or cut short.
    """
    image_format = identify(data)
    with open_picture(data, image_format, limits) as picture:
        stored_size = picture.size
        target = fit(stored_size, limits.working_side)
        frames = frame_count(picture, image_format)
        with reading(image_format, len(data)):
            # A JPEG decoder then skips detail that the resize would throw away.
            drafted = picture.draft(None, target)
            picture.load()
        check_pixels(picture.size, limits)
        turn = orientation_of(picture, picture.info.get("exif"))
        with reading(image_format, len(data)):
            extent = picture.size if drafted is None else drafted[1][2:]
            pixels = resize(picture, target, extent)
        profile = picture.info.get("icc_profile")
    if turn in _TURNS:
        pixels = pixels.transpose(_TURNS[turn])
    alpha = pixels.getchannel("A") if pixels.mode in {"LA", "RGBA"} else None
    if alpha is not None:
        pixels = pixels.convert(pixels.mode[:-1])
        alpha = None if _range(alpha)[0] == 255 else alpha
    return Raster(pixels, alpha, profile, image_format, upright(stored_size, turn), frames)


def _check_blank(rgb: Image.Image, alpha: Image.Image | None) -> None:
    """Refuse one colour, unless transparency gives it a shape: a white shirt cut out and laid on white."""
    bands = [*rgb.split(), *([] if alpha is None else [alpha])]
    ranges = [_range(band) for band in bands]
    if all(high - low <= _BLANK_RANGE for low, high in ranges):
        colour = ", ".join(str(low) for low, _ in ranges[:3])
        raise ImageBlank(f"The whole picture is one colour (about {colour}); send a photo that shows the garment.")


def _range(band: Image.Image) -> tuple[int, int]:
    """Least and largest value of a single 8-bit band."""
    low, high = band.getextrema()
    if not isinstance(low, int) or not isinstance(high, int):
        raise TypeError(f"mode {band.mode} has no single 8-bit band")
    return low, high
