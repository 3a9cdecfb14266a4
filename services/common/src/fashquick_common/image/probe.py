"""Opening a file: what it is, how large, whether it may be decoded at all."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pi_heif.as_plugin import HeifImageFile
from PIL import ExifTags, Image, ImageFile

from fashquick_common.errors import ImageDamaged, ImageTooLarge, ImageTooSmall
from fashquick_common.image.formats import Buffer, ImageFormat, identify
from fashquick_common.image.header import declared_size, jpeg_scans
from fashquick_common.image.limits import DEFAULT_LIMITS, ImageLimits

_MIB = 1024 * 1024
_MAX_JPEG_SCANS = 200  # encoders write 1 to about 12; each further one costs a pass over the whole picture
_SIDEWAYS = frozenset({5, 6, 7, 8})  # EXIF orientations that swap width and height

# Peak bytes a declared pixel, measured at 48 MP with benchmarks/image_edge.py and rounded up for 4:4:4 and 16 bits.
# libwebp keeps two RGBA canvases beside the picture and its copy.
_BYTES_PER_PIXEL = {
    ImageFormat.JPEG: 5.0,
    ImageFormat.PNG: 5.0,
    ImageFormat.WEBP: 16.0,
    ImageFormat.AVIF: 14.0,
    ImageFormat.HEIC: 12.0,
}
_PROGRESSIVE_BYTES_PER_PIXEL = 6.0  # on top: all coefficients are kept, two bytes each, whatever the scale
# The picture at working size and its copies, and the bands in which it is read: whatever its size, then by pixel.
_WORKING_BYTES = 4 * _MIB
_WORKING_BYTES_PER_PIXEL = 15.0

_PILLOW_FORMATS = {
    ImageFormat.JPEG: "JPEG",
    ImageFormat.PNG: "PNG",
    ImageFormat.WEBP: "WEBP",
    ImageFormat.AVIF: "AVIF",
}

DECODER_FAILURES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
"""What Pillow, its plugins and pi-heif raise for bad bytes: they document no narrower set and have none."""


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What is known of a picture before it is decoded.

    Attributes:
        format: Format, from the content.
        width: Width in pixels once upright.
        height: Height in pixels once upright.
        orientation: EXIF orientation that the stored pixels need, 1 to 8.
        frames: Number of frames; more than 1 for an animation.
        mode: Pillow's name of the stored pixels, such as RGB, L, P, CMYK, RGBA, I;16.
        decode_bytes: About how much memory `decode` takes at its peak, for whoever has to reserve it.
    """

    format: ImageFormat
    width: int
    height: int
    orientation: int
    frames: int
    mode: str
    decode_bytes: int


def probe(data: Buffer, limits: ImageLimits = DEFAULT_LIMITS) -> ImageHeader:
    """Read a picture's header; decode no pixel.

    Args:
        data: The whole encoded file.
        limits: What is accepted.

    Returns:
        The header. A PNG may carry its orientation behind the pixels; then only `decode` knows it.

    Raises:
        NotAnImage: The bytes are in none of the formats that are read.
        ImageTooLarge: More bytes or declared pixels than allowed.
        ImageTooSmall: The short side is too short.
        ImageDamaged: The header is broken.
    """
    image_format = identify(data)
    with open_picture(data, image_format, limits) as picture:
        turn = orientation_of(picture, picture.info.get("exif"))
        width, height = upright(picture.size, turn)
        return ImageHeader(
            format=image_format,
            width=width,
            height=height,
            orientation=turn,
            frames=frame_count(picture, image_format),
            mode=picture.mode,
            decode_bytes=_decode_bytes(picture, image_format, limits),
        )


def open_picture(data: Buffer, image_format: ImageFormat, limits: ImageLimits) -> ImageFile.ImageFile:
    """Open a file of a known format within the limits, pixels not yet decoded.

    Args:
        data: The whole encoded file.
        image_format: What `identify` found.
        limits: What is accepted.

    Returns:
        The opened picture; the caller closes it.

    Raises:
        ImageTooLarge: More bytes or declared pixels than allowed.
        ImageTooSmall: The short side is too short.
        ImageDamaged: The header is broken.
    """
    if len(data) > limits.max_bytes:
        raise ImageTooLarge(
            f"The file has {len(data) / _MIB:.1f} MiB, at most {limits.max_bytes / _MIB:.0f} MiB are read; "
            "save it as JPEG or at a smaller size."
        )
    declared = declared_size(data, image_format)
    if declared is not None:
        check_pixels(declared, limits)
    if image_format is ImageFormat.JPEG and jpeg_scans(data) > _MAX_JPEG_SCANS:
        raise ImageDamaged(
            f"The JPEG has {jpeg_scans(data)} scans, at most {_MAX_JPEG_SCANS} are read; save it again as JPEG."
        )
    with reading(image_format, len(data)):
        if image_format is ImageFormat.HEIC:
            # Pillow's registry stays as it is: other code in the process opens what it always opened.
            picture: ImageFile.ImageFile = HeifImageFile(io.BytesIO(data))
        else:
            picture = Image.open(io.BytesIO(data), formats=(_PILLOW_FORMATS[image_format],))
    check_pixels(picture.size, limits)
    _check_shape(picture.size, limits)
    return picture


@contextmanager
def reading(image_format: ImageFormat, size_bytes: int) -> Iterator[None]:
    """Turn a decoder's failure inside the block into an error that says what to do.

    Raises:
        ImageDamaged: The decoder refused the bytes.
        ImageTooLarge: There was no memory for the picture.
    """
    try:
        yield
    except DECODER_FAILURES as error:
        raise ImageDamaged(
            f"The {image_format.upper()} file of {size_bytes} bytes is damaged or was cut short; "
            "send it again, or open it in a picture viewer and export it anew."
        ) from error
    except MemoryError as error:
        raise ImageTooLarge(
            f"There was no memory to decode the {image_format.upper()} file; send it at a smaller size."
        ) from error


def check_pixels(size: tuple[int, int], limits: ImageLimits) -> None:
    """Refuse a size with too many or no pixels.

    Raises:
        ImageTooLarge: More pixels than `limits.max_pixels`.
        ImageDamaged: A side is zero.
    """
    width, height = size
    if width < 1 or height < 1:
        raise ImageDamaged(f"The picture declares {width} x {height} pixels; export it anew.")
    if width * height > limits.max_pixels:
        raise ImageTooLarge(
            f"The picture has {width} x {height} pixels ({width * height / 1e6:.1f} megapixels), at most "
            f"{limits.max_pixels / 1e6:g} megapixels are read; resize it, a long side of {limits.working_side} "
            "pixels is enough."
        )


def _check_shape(size: tuple[int, int], limits: ImageLimits) -> None:
    width, height = size
    if min(size) < limits.min_side:
        raise ImageTooSmall(
            f"The picture has {width} x {height} pixels, each side needs at least {limits.min_side}; "
            "send the original photo instead of a thumbnail."
        )
    if max(size) > limits.max_aspect * min(size):
        raise ImageTooSmall(
            f"The picture has {width} x {height} pixels, its long side may be at most {limits.max_aspect:g} times "
            "its short side; crop it to the garment."
        )


def orientation_of(picture: Image.Image, exif: bytes | None) -> int:
    """EXIF orientation of the stored pixels, 1 to 8; 1 where it is absent, broken, or out of range."""
    tags = Image.Exif()
    try:
        if exif:
            tags.load(exif)
        value = tags.get(ExifTags.Base.Orientation) or _xmp_orientation(picture)
    except DECODER_FAILURES:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _xmp_orientation(picture: Image.Image) -> int:
    """Orientation from XMP, where editors put it when the file has no EXIF; 1 where it is absent."""
    xmp = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
    raw = xmp.encode() if isinstance(xmp, str) else bytes(xmp)
    found = re.search(rb'tiff:Orientation(?:="|>)([1-8])', raw)
    return int(found[1]) if found else 1


def upright(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Width and height after the turn that an EXIF orientation asks for."""
    return (size[1], size[0]) if orientation in _SIDEWAYS else size


def _decode_bytes(picture: ImageFile.ImageFile, image_format: ImageFormat, limits: ImageLimits) -> int:
    pixels = picture.width * picture.height
    working = _WORKING_BYTES + int(_WORKING_BYTES_PER_PIXEL * min(pixels, limits.working_side**2))
    if image_format is not ImageFormat.JPEG:
        return working + int(_BYTES_PER_PIXEL[image_format] * pixels)
    # The decoder halves the sides as often as the working size allows, three times at most.
    halvings = min(3, max(1, max(picture.size) // limits.working_side).bit_length() - 1)
    coefficients = _PROGRESSIVE_BYTES_PER_PIXEL * pixels if picture.info.get("progressive") else 0.0
    return working + int(_BYTES_PER_PIXEL[image_format] * pixels / 4**halvings + coefficients)


def frame_count(picture: ImageFile.ImageFile, image_format: ImageFormat) -> int:
    """Frames of an animation.

    A JPEG or HEIC with several pictures is no animation: the others are previews, depth or gain maps.
    """
    if image_format in {ImageFormat.JPEG, ImageFormat.HEIC}:
        return 1
    return int(getattr(picture, "n_frames", 1))
