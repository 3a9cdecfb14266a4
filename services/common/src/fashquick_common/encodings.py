"""Raw pixels between services: RGB8, GRAY8 and BITS1.

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

Pixels = npt.NDArray[np.uint8]
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
