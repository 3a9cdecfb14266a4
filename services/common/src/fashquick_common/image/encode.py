"""From pixels to a file."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, PngImagePlugin

from fashquick_common.errors import BadField

OutputFormat = Literal["png", "jpeg", "webp"]

DEFAULT_QUALITY = 92
"""JPEG and WebP quality: no visible loss on cloth texture; PNG is lossless and ignores it."""

_PNG_LEVEL = 1
_WEBP_METHOD = 2
_FULL_CHROMA_QUALITY = 90  # from here on fine coloured stripes and prints keep their full chroma resolution
_SRGB_PERCEPTUAL = b"\x00"


def encode(
    pixels: npt.NDArray[np.uint8],
    image_format: OutputFormat = "png",
    *,
    quality: int = DEFAULT_QUALITY,
    xmp: bytes | None = None,
) -> bytes:
    """Encode a picture.

    Args:
        pixels: HxWx3 (sRGB), HxWx4 (sRGB and straight alpha) or HxW (grey or mask) uint8.
        image_format: Format of the file.
        quality: 1 to 100, for JPEG and WebP.
        xmp: An XMP packet to embed.

    Returns:
        The encoded file.

    Raises:
        BadField: Unknown format, quality out of range, or JPEG asked for with transparency.
        ValueError: `pixels` has another shape or type.
    """
    if pixels.dtype != np.uint8 or pixels.size == 0 or not _is_picture(pixels.shape):
        raise ValueError(f"pixels are {pixels.dtype} {pixels.shape}, expected uint8 HxW, HxWx3 or HxWx4")
    if not 1 <= quality <= 100:
        raise BadField(f"quality is {quality}, it must be between 1 and 100", field="quality")
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    out = io.BytesIO()
    match image_format:
        case "png":
            picture.save(out, "PNG", compress_level=_PNG_LEVEL, pnginfo=_png_chunks(xmp))
        case "jpeg":
            if picture.mode == "RGBA":
                raise BadField("JPEG has no transparency; ask for PNG or WebP", field="format")
            subsampling = "4:4:4" if quality >= _FULL_CHROMA_QUALITY else "4:2:0"
            picture.save(out, "JPEG", quality=quality, subsampling=subsampling, **_packet(xmp))
        case "webp":
            picture.save(out, "WEBP", quality=quality, method=_WEBP_METHOD, **_packet(xmp))
        case _:
            raise BadField(f"format is {image_format!r}, it must be png, jpeg or webp", field="format")
    return out.getvalue()


def _is_picture(shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 or (len(shape) == 3 and shape[2] in {3, 4})


def _packet(xmp: bytes | None) -> dict[str, bytes]:
    return {} if xmp is None else {"xmp": xmp}


def _png_chunks(xmp: bytes | None) -> PngImagePlugin.PngInfo:
    chunks = PngImagePlugin.PngInfo()
    chunks.add(b"sRGB", _SRGB_PERCEPTUAL)
    if xmp is not None:
        chunks.add_itxt("XML:com.adobe.xmp", xmp.decode())
    return chunks
