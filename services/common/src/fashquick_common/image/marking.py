"""Saying inside the file that a picture is synthetic: IPTC Digital Source Type, as XMP.

IPTC Photo Metadata Standard 2023.2, property `Iptc4xmpExt:DigitalSourceType`; terms of
http://cv.iptc.org/newscodes/digitalsourcetype/ (September 2024).
"""

from __future__ import annotations

import io
import re
from enum import StrEnum
from xml.sax.saxutils import quoteattr

from PIL import Image

from fashquick_common.image.formats import Buffer
from fashquick_common.image.probe import DECODER_FAILURES

_VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"

_XMP_FLAG = 0x04


class DigitalSourceType(StrEnum):
    """Terms that fit pictures made here, by their URI."""

    COMPOSITE_SYNTHETIC = _VOCABULARY + "compositeSynthetic"
    """A composite with at least one synthetic element: a photo's own pixels on a rendered figure in a rendered
    scene. The plain term `composite` would leave open whether anything in it is synthetic."""

    COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA = _VOCABULARY + "compositeWithTrainedAlgorithmicMedia"
    """A picture edited by a generative model: a region of a rendered picture or photo that diffusion repaired."""

    TRAINED_ALGORITHMIC_MEDIA = _VOCABULARY + "trainedAlgorithmicMedia"
    """Made by a generative model as a whole: diffusion."""

    ALGORITHMIC_MEDIA = _VOCABULARY + "algorithmicMedia"
    """Made by an algorithm alone, from no photo and no trained model: condition maps, drawn samples."""


def synthetic_media_xmp(software: str, source_type: DigitalSourceType = DigitalSourceType.COMPOSITE_SYNTHETIC) -> bytes:
    """Write the XMP packet that marks a picture as synthetic.

    Args:
        software: Name and version of what made it; becomes `xmp:CreatorTool`.
        source_type: How it was made.

    Returns:
        The packet, UTF-8, for `encode`.
    """
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about=""'
        ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        ' xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
        f" Iptc4xmpExt:DigitalSourceType={quoteattr(source_type)}"
        f" xmp:CreatorTool={quoteattr(software)}/>"
        "</rdf:RDF></x:xmpmeta>"
        '<?xpacket end="r"?>'
    ).encode()


def marked_webp(data: bytes, xmp: bytes) -> bytes:
    """Return an extended WebP file, as every animation is, with an XMP packet in it; its pictures are not touched.

    RFC 9649, section 2.7: chunks of four letters, their size, their bytes padded to an even number; the flag for XMP is
    bit 2 of VP8X, and its chunk is the last one.

    Raises:
        ValueError: It is no extended WebP file, or has XMP already.
    """
    flags_at = 20
    if data[:4] != b"RIFF" or data[8:16] != b"WEBPVP8X" or data[flags_at] & _XMP_FLAG:
        raise ValueError("expected an extended WebP file without XMP")
    body = bytearray(data[8:])
    body[flags_at - 8] |= _XMP_FLAG
    body += b"XMP " + len(xmp).to_bytes(4, "little") + xmp + b"\0" * (len(xmp) % 2)
    return b"RIFF" + len(body).to_bytes(4, "little") + bytes(body)


def read_digital_source_type(data: Buffer) -> str | None:
    """Read the digital source type from an encoded PNG, JPEG or WebP.

    Returns:
        The term's URI as it stands in the file, or None when there is none or the file cannot be read.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as picture:
            xmp = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp")
    except DECODER_FAILURES:
        return None
    raw = xmp.encode() if isinstance(xmp, str) else bytes(xmp or b"")
    found = re.search(rb'Iptc4xmpExt:DigitalSourceType(?:\s*=\s*"|>)([^"<]+)', raw)
    return found[1].decode(errors="replace") if found else None
