"""Sizes that a file declares, read by walking its bytes.

No decoder is called, so that a bomb is refused before any library allocates for it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from fashquick_common.image.formats import Buffer, ImageFormat

_JPEG_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # all but DHT, JPG and DAC (ITU T.81, table B.1)
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers with no length: TEM, RSTn, SOI
_JPEG_SOS = 0xDA
_CONTAINERS = frozenset({b"meta", b"iprp", b"ipco"})
_MAX_BOX_DEPTH = 4


def declared_size(data: Buffer, image_format: ImageFormat) -> tuple[int, int] | None:
    """Read the size that the header declares.

    Args:
        data: The whole encoded file.
        image_format: What `identify` found.

    Returns:
        Stored width and height in pixels, before any rotation; of several (HEIC and AVIF have one an item) the
        one with most pixels. None when the header does not reach that far.
    """
    view = memoryview(data)
    try:
        match image_format:
            case ImageFormat.PNG:
                return struct.unpack_from(">II", view, 16)
            case ImageFormat.JPEG:
                return _jpeg_size(view)
            case ImageFormat.WEBP:
                return _webp_size(view)
            case ImageFormat.AVIF | ImageFormat.HEIC:
                return max(_item_sizes(view, 0), key=lambda size: size[0] * size[1], default=None)
    except struct.error:
        return None


def jpeg_scans(data: Buffer) -> int:
    """Count the start-of-scan markers of a JPEG, an upper bound of the passes its decoder makes.

    Entropy-coded data never holds the two bytes (ITU T.81, B.1.1.5); a thumbnail or a profile may add a few.
    """
    return bytes(data).count(bytes((0xFF, _JPEG_SOS)))


def _jpeg_size(view: memoryview) -> tuple[int, int] | None:
    at = 2
    while at < len(view):
        if view[at] != 0xFF:
            at += 1
            continue
        marker = view[at + 1] if at + 1 < len(view) else 0xFF
        if marker == 0xFF:
            at += 1
        elif marker in _JPEG_BARE or marker == 0:
            at += 2
        elif marker in _JPEG_SOF:
            height, width = struct.unpack_from(">HH", view, at + 5)
            return width, height
        elif marker == _JPEG_SOS:
            return None
        else:
            at += 2 + struct.unpack_from(">H", view, at + 2)[0]
    return None


def _webp_size(view: memoryview) -> tuple[int, int] | None:
    """RFC 9649: VP8X section 2.7.1, VP8L section 3.4, VP8 by RFC 6386 section 9.1."""
    match bytes(view[12:16]):
        case b"VP8X":
            return _u24(view, 24) + 1, _u24(view, 27) + 1
        case b"VP8L":
            bits = struct.unpack_from("<I", view, 21)[0]
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", view, 26)
            return width & 0x3FFF, height & 0x3FFF
    return None


def _u24(view: memoryview, at: int) -> int:
    low, high = struct.unpack_from("<HB", view, at)
    return int(low | high << 16)


def _item_sizes(view: memoryview, depth: int) -> Iterator[tuple[int, int]]:
    """Sizes in the `ispe` properties of an ISO base media file (ISO/IEC 23008-12, 6.5.3)."""
    at = 0
    while at + 8 <= len(view):
        size, kind = struct.unpack_from(">I4s", view, at)
        head = 8
        if size == 1:
            size, head = struct.unpack_from(">Q", view, at + 8)[0], 16
        end = len(view) if size == 0 else min(at + size, len(view))
        if end < at + head:
            return
        if kind == b"ispe":
            yield struct.unpack_from(">II", view, at + head + 4)
        elif kind in _CONTAINERS and depth < _MAX_BOX_DEPTH:
            skip = 4 if kind == b"meta" else 0  # a full box: version and flags come first
            yield from _item_sizes(view[at + head + skip : end], depth + 1)
        at = end
