"""Pictures that arrive as blobs, whatever their encoding, as arrays; arrays as blobs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fashquick.common.v1 import blob_pb2
from fashquick_common import encodings
from fashquick_common.errors import BadField, BadMask, ImageTooLarge, ImageTooSmall
from fashquick_common.image import DecodedImage, ImageLimits, check_mask, decode, decode_mask, probe
from fashquick_common.rpc.blobs import (
    ENCODING_BITS1,
    ENCODING_FILE,
    ENCODING_GRAY8,
    ENCODING_RGB8,
    ENCODING_RGBA8,
    ENCODING_UV16,
    Blob,
    make_blob,
)

_BYTES_PER_PIXEL = {ENCODING_RGB8: 3, ENCODING_RGBA8: 4, ENCODING_UV16: encodings.UV16_DECODE_BYTES}
_FILES = (blob_pb2.ENCODING_UNSPECIFIED, ENCODING_FILE)


def decode_bytes(blob: Blob, limits: ImageLimits) -> int:
    """Return the memory in bytes that reading a picture takes at its peak, from its header alone.

    Raises:
        InvalidArgumentError: What `fashquick_common.image.probe` raises for a file.
    """
    header = blob.header
    if header.encoding in _FILES:
        return probe(blob.data, limits).decode_bytes
    return _BYTES_PER_PIXEL.get(header.encoding, 1) * header.width * header.height


def read_photo(blob: Blob, limits: ImageLimits) -> DecodedImage:
    """Return a photo: a file through the image edge, RGB8 as it is.

    Raises:
        BadField: The encoding is not one for photos, or the bytes do not fit the size.
        ImageTooLarge: A raw photo is larger than the working size.
        ImageTooSmall: A raw photo is smaller than the least side.
        InvalidArgumentError: What `fashquick_common.image.decode` raises for a file.
    """
    header = blob.header
    if header.encoding in _FILES:
        return decode(blob.data, limits)
    if header.encoding != ENCODING_RGB8:
        raise _wrong_encoding(blob, "a file or RGB8")
    _check_raw_size(header, limits)
    rgb = encodings.decode_rgb8(blob.data, header.width, header.height, field=blob.part)
    return DecodedImage(
        rgb=rgb, alpha=None, format="rgb8", source_width=header.width, source_height=header.height, warnings=()
    )


def read_mask(blob: Blob, photo: DecodedImage, limits: ImageLimits) -> npt.NDArray[np.uint8]:
    """Return a photo's mask: HxW uint8 of the photo's size, 255 garment.

    Raises:
        BadField: The encoding is not one for masks, or the bytes do not fit the size.
        BadMask: The mask has another size than its photo, or is empty or full.
        InvalidArgumentError: What `fashquick_common.image.decode_mask` raises for a file.
    """
    header = blob.header
    if header.encoding in _FILES:
        return decode_mask(blob.data, photo, limits)
    height, width = photo.rgb.shape[:2]
    if header.encoding not in (ENCODING_GRAY8, ENCODING_BITS1):
        raise _wrong_encoding(blob, "a file, GRAY8 or BITS1")
    if (header.width, header.height) != (width, height):
        raise BadMask(
            f"part {blob.part!r}: the mask has {header.width} x {header.height} pixels, its photo {width} x {height}",
            field=blob.part,
        )
    if header.encoding == ENCODING_BITS1:
        bits = encodings.decode_bits1(blob.data, width, height, field=blob.part)
        mask = np.where(bits, np.uint8(255), np.uint8(0))
    else:
        mask = encodings.decode_gray8(blob.data, width, height, field=blob.part)
    check_mask(mask)
    return mask


def read_uv(blob: Blob, picture: DecodedImage, limits: ImageLimits) -> npt.NDArray[np.float32]:
    """Return where in a photo each pixel of a picture comes from.

    Args:
        blob: UV16, of the picture's size before or after it was reduced to the working size.
        picture: The picture.
        limits: The limits that the picture was read with.

    Returns:
        HxWx2 float32 at the size of `picture.rgb`: u and v, 0 to 1 of the photo's width and height; NaN where a pixel
        shows nothing of the photo.

    Raises:
        BadField: The encoding is another one, the size is not the picture's, or the bytes do not fit the size.
    """
    header = blob.header
    if header.encoding != ENCODING_UV16:
        raise _wrong_encoding(blob, "UV16")
    height, width = picture.rgb.shape[:2]
    source_size = picture.source_width, picture.source_height
    if (header.width, header.height) not in {source_size, (width, height)}:
        raise BadField(
            f"part {blob.part!r}: the UV map has {header.width} x {header.height} pixels, "
            f"its picture {source_size[0]} x {source_size[1]}",
            field=blob.part,
        )
    uv = encodings.decode_uv16(blob.data, header.width, header.height, field=blob.part, max_pixels=limits.max_pixels)
    if uv.shape[:2] == (height, width):
        return uv
    # Positions of neighbours cannot be mixed across a seam: each pixel takes the nearest one's.
    return uv[_nearest(header.height, height)[:, None], _nearest(header.width, width)]


def rgb8_blob(part: str, rgb: npt.NDArray[np.uint8]) -> Blob:
    """Return HxWx3 uint8 as an RGB8 blob."""
    height, width = rgb.shape[:2]
    return make_blob(part, encodings.encode_rgb8(rgb), ENCODING_RGB8, width=width, height=height)


def rgba8_blob(part: str, rgba: npt.NDArray[np.uint8]) -> Blob:
    """Return HxWx4 uint8, the last channel a straight alpha, as an RGBA8 blob."""
    height, width = rgba.shape[:2]
    return make_blob(part, encodings.encode_rgba8(rgba), ENCODING_RGBA8, width=width, height=height)


def gray8_blob(part: str, gray: npt.NDArray[np.uint8]) -> Blob:
    """Return HxW uint8 as a GRAY8 blob."""
    height, width = gray.shape
    return make_blob(part, encodings.encode_gray8(gray), ENCODING_GRAY8, width=width, height=height)


def bits1_blob(part: str, mask: npt.NDArray[np.bool_]) -> Blob:
    """Return HxW bool as a BITS1 blob."""
    height, width = mask.shape
    return make_blob(part, encodings.encode_bits1(mask), ENCODING_BITS1, width=width, height=height)


def uv16_blob(part: str, uv: npt.NDArray[np.float32]) -> Blob:
    """Return HxWx2 float32, as `read_uv` gives it, as a UV16 blob."""
    height, width = uv.shape[:2]
    return make_blob(part, encodings.encode_uv16(uv), ENCODING_UV16, width=width, height=height)


def _nearest(source: int, target: int) -> npt.NDArray[np.intp]:
    """Return for each of `target` pixels the one of `source` whose centre is nearest."""
    return ((np.arange(target) + 0.5) * (source / target)).astype(np.intp)


def _wrong_encoding(blob: Blob, wanted: str) -> BadField:
    name = (
        blob_pb2.Encoding.Name(blob.header.encoding)
        if blob.header.encoding in blob_pb2.Encoding.values()
        else blob.header.encoding
    )
    return BadField(f"part {blob.part!r} is {name}, it must be {wanted}", field="blobs.encoding")


def _check_raw_size(header: blob_pb2.BlobHeader, limits: ImageLimits) -> None:
    size = f"part {header.part!r} has {header.width} x {header.height} pixels"
    if max(header.width, header.height) > limits.working_side:
        raise ImageTooLarge(
            f"{size}, a raw photo may have at most {limits.working_side} on its long side; reduce it or send a file",
            field=header.part,
        )
    if min(header.width, header.height) < limits.min_side:
        raise ImageTooSmall(f"{size}, at least {limits.min_side} on its short side are needed", field=header.part)
