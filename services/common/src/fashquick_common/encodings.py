"""Raw pixels between services: RGB8, RGBA8, GRAY8, BITS1 and UV16.

Both ends know width and height from the blob's header, so the bytes carry no size. zlib level 1: higher levels cost
more time than the network saves.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fashquick_common.errors import BadField

_ZLIB_LEVEL = 1

MAX_PIXELS = 64_000_000
"""Most pixels of a raw picture unless a decoder is told otherwise; that of the image edge."""

UV16_DECODE_BYTES = 16
"""Most bytes a pixel while UV16 is decoded: 4 on the wire, 8 as floats, the rest for what shows nothing."""

_UV_STEPS = 65_534  # Of u and v from one edge of the photo to the other.
_UV_NONE = 65_535  # Of u where a pixel shows nothing of the photo.

Pixels = npt.NDArray[np.uint8]
UvMap = npt.NDArray[np.float32]
Bytes = bytes | bytearray | memoryview


def encode_rgb8(rgb: Pixels) -> bytes:
    """Encode HxWx3 uint8 as its bytes, row by row."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise ValueError(f"expected HxWx3 uint8, got {rgb.dtype} {rgb.shape}")
    return rgb.tobytes()


def decode_rgb8(data: Bytes, width: int, height: int, *, field: str = "", max_pixels: int = MAX_PIXELS) -> Pixels:
    """Decode RGB8.

    Args:
        data: 3 x width x height bytes.
        width: Pixels a row.
        height: Rows.
        field: Name of the part, for the error.
        max_pixels: Most pixels accepted.

    Returns:
        HxWx3 uint8, read-only, sharing memory with `data`.

    Raises:
        BadField: The size is outside its limits or does not fit the bytes.
    """
    announced = _Announced(width, height, "RGB8", field, max_pixels)
    announced.check_size()
    announced.check_length(len(data), 3 * width * height)
    return _pixels(data).reshape(height, width, 3)


def encode_rgba8(rgba: Pixels) -> bytes:
    """Encode HxWx4 uint8, the last channel a straight alpha, as zlib-compressed rows."""
    if rgba.dtype != np.uint8 or rgba.ndim != 3 or rgba.shape[2] != 4:
        raise ValueError(f"expected HxWx4 uint8, got {rgba.dtype} {rgba.shape}")
    return zlib.compress(np.ascontiguousarray(rgba).data, _ZLIB_LEVEL)


def decode_rgba8(data: Bytes, width: int, height: int, *, field: str = "", max_pixels: int = MAX_PIXELS) -> Pixels:
    """Decode RGBA8.

    Args:
        data: zlib stream of 4 x width x height bytes.
        width: Pixels a row.
        height: Rows.
        field: Name of the part, for the error.
        max_pixels: Most pixels accepted.

    Returns:
        HxWx4 uint8, read-only, the last channel a straight alpha.

    Raises:
        BadField: The size is outside its limits, does not fit the bytes, or the stream is broken.
    """
    announced = _Announced(width, height, "RGBA8", field, max_pixels)
    announced.check_size()
    return _pixels(announced.inflate(data, 4 * width * height)).reshape(height, width, 4)


def encode_gray8(grey: Pixels) -> bytes:
    """Encode HxW uint8 as zlib-compressed rows."""
    if grey.dtype != np.uint8 or grey.ndim != 2:
        raise ValueError(f"expected HxW uint8, got {grey.dtype} {grey.shape}")
    return zlib.compress(np.ascontiguousarray(grey).data, _ZLIB_LEVEL)


def decode_gray8(data: Bytes, width: int, height: int, *, field: str = "", max_pixels: int = MAX_PIXELS) -> Pixels:
    """Decode GRAY8.

    Args:
        data: zlib stream of width x height bytes.
        width: Pixels a row.
        height: Rows.
        field: Name of the part, for the error.
        max_pixels: Most pixels accepted.

    Returns:
        HxW uint8, read-only.

    Raises:
        BadField: The size is outside its limits, does not fit the bytes, or the stream is broken.
    """
    announced = _Announced(width, height, "GRAY8", field, max_pixels)
    announced.check_size()
    return _pixels(announced.inflate(data, width * height)).reshape(height, width)


def encode_bits1(mask: npt.NDArray[np.bool_] | Pixels) -> bytes:
    """Encode an HxW mask, bool or uint8 with any value but 0 set, as zlib-compressed rows of packed bits.

    The first pixel of a row is the highest bit of its first byte; each row starts on a byte.
    """
    if mask.dtype not in (np.bool_, np.uint8) or mask.ndim != 2:
        raise ValueError(f"expected HxW bool or uint8, got {mask.dtype} {mask.shape}")
    return zlib.compress(np.packbits(mask, axis=1).data, _ZLIB_LEVEL)


def decode_bits1(
    data: Bytes, width: int, height: int, *, field: str = "", max_pixels: int = MAX_PIXELS
) -> npt.NDArray[np.bool_]:
    """Decode BITS1.

    Args:
        data: zlib stream of height rows of ceil(width / 8) bytes.
        width: Pixels a row.
        height: Rows.
        field: Name of the part, for the error.
        max_pixels: Most pixels accepted.

    Returns:
        HxW bool.

    Raises:
        BadField: The size is outside its limits, does not fit the bytes, or the stream is broken.
    """
    announced = _Announced(width, height, "BITS1", field, max_pixels)
    announced.check_size()
    stride = (width + 7) // 8
    packed = _pixels(announced.inflate(data, stride * height)).reshape(height, stride)
    return np.unpackbits(packed, axis=1, count=width).view(np.bool_)


def encode_uv16(uv: UvMap) -> bytes:
    """Encode where in a photo each pixel comes from, as zlib-compressed rows of 16-bit pairs.

    Args:
        uv: HxWx2 float32, u then v: 0 to 1 of the photo's width from its left edge and of its height from its top
            edge; both NaN where a pixel shows nothing of the photo.

    Raises:
        ValueError: The array has another shape or type, or a number is outside 0 to 1, or one of a pair is NaN.
    """
    if uv.dtype != np.float32 or uv.ndim != 3 or uv.shape[2] != 2:
        raise ValueError(f"expected HxWx2 float32, got {uv.dtype} {uv.shape}")
    none = np.isnan(uv)
    if not np.array_equal(none[..., 0], none[..., 1]):
        raise ValueError("expected u and v to be NaN at the same pixels, one of a pair is a number")
    shown = np.where(none, np.float32(0), uv)
    if shown.size and not (shown.min() >= 0 and shown.max() <= 1):
        raise ValueError(f"expected u and v of 0 to 1, got {shown.min()} to {shown.max()}")
    steps = np.rint(shown * np.float32(_UV_STEPS)).astype("<u2")
    steps[none] = _UV_NONE
    return zlib.compress(steps.data, _ZLIB_LEVEL)


def decode_uv16(data: Bytes, width: int, height: int, *, field: str = "", max_pixels: int = MAX_PIXELS) -> UvMap:
    """Decode UV16.

    Args:
        data: zlib stream of width x height pairs of 16 bits, the low byte first.
        width: Pixels a row.
        height: Rows.
        field: Name of the part, for the error.
        max_pixels: Most pixels accepted.

    Returns:
        HxWx2 float32, u then v, as `encode_uv16` takes it; exact to half of 1/65534.

    Raises:
        BadField: The size is outside its limits, does not fit the bytes, the stream is broken, or a v is no position.
    """
    announced = _Announced(width, height, "UV16", field, max_pixels)
    announced.check_size()
    steps = np.frombuffer(announced.inflate(data, 4 * width * height), "<u2").reshape(height, width, 2)
    none = steps[..., 0] == _UV_NONE
    if np.any((steps[..., 1] == _UV_NONE) & ~none):
        raise announced.error(f"a v is {_UV_NONE}, at most {_UV_STEPS} is a position on the photo")
    uv = steps.astype(np.float32)
    uv /= np.float32(_UV_STEPS)
    uv[none] = np.nan
    return uv


@dataclass(frozen=True, slots=True)
class _Announced:
    """What the blob's header says about a part."""

    width: int
    height: int
    encoding: str
    field: str
    max_pixels: int

    def check_size(self) -> None:
        if self.width < 1 or self.height < 1 or self.width * self.height > self.max_pixels:
            raise self.error(f"both sides must be at least 1 and the area at most {self.max_pixels} pixels")

    def check_length(self, length: int, expected: int) -> None:
        if length != expected:
            raise self.error(f"that takes {expected} bytes, there are {length}")

    def inflate(self, data: Bytes, expected: int) -> bytes:
        """Inflate `expected` bytes; one more is asked for, so that a bomb shows without being inflated."""
        inflater = zlib.decompressobj()
        try:
            raw = inflater.decompress(data, expected + 1)
        except zlib.error as error:
            raise self.error("the bytes are not a zlib stream") from error
        if len(raw) > expected:
            raise self.error(f"that takes {expected} bytes, the zlib stream inflates to more")
        self.check_length(len(raw), expected)
        if not inflater.eof or inflater.unused_data:
            raise self.error("the zlib stream is cut short or has bytes behind its end")
        return raw

    def error(self, reason: str) -> BadField:
        subject = self.field or "the picture"
        return BadField(
            f"{subject} is announced as {self.width} x {self.height} pixels of {self.encoding}: {reason}",
            field=self.field,
        )


def _pixels(data: Bytes) -> Pixels:
    pixels = np.frombuffer(data, np.uint8)
    pixels.flags.writeable = False
    return pixels
