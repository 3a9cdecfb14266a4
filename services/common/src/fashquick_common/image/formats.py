"""What a file is, told from its first bytes and never from its name."""

from __future__ import annotations

import codecs
import string
from enum import StrEnum

from fashquick_common.errors import NotAnImage

Buffer = bytes | bytearray | memoryview
"""Encoded bytes, as they came."""

SNIFF_BYTES = 512
"""How much of the beginning is looked at; enough for an `ftyp` box with many brands and for an XML preamble."""


class ImageFormat(StrEnum):
    """Formats that are read."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    AVIF = "avif"
    HEIC = "heic"


_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_RAW_BRANDS = frozenset({b"crx "})

# Files that people upload by mistake: (first bytes, offset, what to call it).
_OTHERS: tuple[tuple[bytes, int, str], ...] = (
    (b"%PDF", 0, "a PDF document"),
    (b"GIF87a", 0, "a GIF picture"),
    (b"GIF89a", 0, "a GIF picture"),
    (b"II*\x00", 0, "a TIFF or camera raw picture"),
    (b"MM\x00*", 0, "a TIFF or camera raw picture"),
    (b"BM", 0, "a BMP picture"),
    (b"\x00\x00\x00\x0cJXL ", 0, "a JPEG XL picture"),
    (b"\xff\x0a", 0, "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cjP  ", 0, "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", 0, "a JPEG 2000 picture"),
    (b"8BPS", 0, "a Photoshop document"),
    (b"%!PS", 0, "a PostScript document"),
    (b"\x00\x00\x01\x00", 0, "an icon file"),
    (b"PK\x03\x04", 0, "a ZIP archive or an office document"),
    (b"\x1f\x8b", 0, "a gzip archive"),
    (b"\x1aE\xdf\xa3", 0, "a video"),
    (b"AVI ", 8, "a video"),
    (b"WAVE", 8, "a sound file"),
)


def identify(data: Buffer) -> ImageFormat:
    """Say which format the bytes are in.

    Args:
        data: The encoded file, or at least its first `SNIFF_BYTES`.

    Returns:
        The format that the first bytes announce; whether the rest keeps the promise is for the decoder to find.

    Raises:
        NotAnImage: The bytes are in no format that is read here; the message names what they seem to be.
    """
    head = bytes(data[:SNIFF_BYTES])
    if head.startswith(b"\xff\xd8\xff"):
        return ImageFormat.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return ImageFormat.PNG
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return ImageFormat.WEBP
    brands = _brands(head)
    if brands & _AVIF_BRANDS:
        return ImageFormat.AVIF
    if brands & _HEIC_BRANDS:
        return ImageFormat.HEIC
    raise NotAnImage(
        f"The file seems to be {_describe(head, brands)}, not a photo in a format that is read here; "
        "save or export the photo as JPEG, PNG, WebP, AVIF or HEIC and send that file."
    )


def _brands(head: bytes) -> frozenset[bytes]:
    """Major and compatible brands of an ISO base media file (ISO/IEC 14496-12, 4.3); empty if it is none."""
    if head[4:8] != b"ftyp":
        return frozenset()
    size = min(int.from_bytes(head[:4], "big"), len(head))
    compatible = (head[at : at + 4] for at in range(16, size - 3, 4))
    return frozenset({head[8:12], *compatible})


def _describe(head: bytes, brands: frozenset[bytes]) -> str:
    if not head:
        return "empty (0 bytes)"
    if brands:
        return "a camera raw picture" if brands & _RAW_BRANDS else "a video or another media file"
    for magic, offset, name in _OTHERS:
        if head[offset : offset + len(magic)] == magic:
            return name
    return _describe_text(head) or "of no known kind"


def _describe_text(head: bytes) -> str | None:
    """Name a text file by how it begins; None when the bytes are not text."""
    try:
        # Incremental, because a character may be cut in two at the end of what was read.
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return None
    if not text or any(ord(letter) < ord(" ") and letter not in string.whitespace for letter in text):
        return None
    lowered = text.lower()
    if "<svg" in lowered:
        return "an SVG drawing"
    if "<html" in lowered or "<!doctype html" in lowered:
        return "a web page"
    return "a text file"
