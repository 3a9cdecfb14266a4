"""Files that a server must survive: each is refused with a reason or decoded within bounds, nothing else."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CUTS = 50


def hostile_files() -> dict[str, bytes]:
    """Make the corpus; names say what is wrong with each file."""
    photo = _photo(320, 240)
    jpeg, png, webp, avif = (_save(photo, name) for name in ("JPEG", "PNG", "WEBP", "AVIF"))
    files = {
        "empty": b"",
        "one-byte": b"\xff",
        "text": b"This is not a picture.\n" * 40,
        "umlauts": "Schöne Grüße\n".encode() * 60,
        "pdf-renamed-jpg": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n",
        "svg": b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="99999" height="99999"/>',
        "html": b"<!DOCTYPE html><html><body>404</body></html>",
        "gif": _save(photo.convert("P"), "GIF"),
        "tiff": _save(photo, "TIFF"),
        "bmp": _save(photo, "BMP"),
        "zip": b"PK\x03\x04" + bytes(100),
        "mp4": b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(100),
        "zeros": bytes(4096),
        "one-pixel": _save(_photo(1, 1), "PNG"),
        "small": _save(_photo(63, 200), "PNG"),
        "strip": _save(_photo(2000, 70), "PNG"),
        "transparent": _save(Image.new("RGBA", (200, 200), (10, 200, 30, 0)), "PNG"),
        "one-colour-png": _save(Image.new("RGB", (200, 200), (10, 200, 30)), "PNG"),
        "one-colour-jpeg": _save(Image.new("RGB", (200, 200), (10, 200, 30)), "JPEG"),
        "bomb-png": png_bytes(30_000, 30_000, [(b"IDAT", zlib.compress(bytes(1000)))]),
        "bomb-png-just-over": png_bytes(8001, 8000, [(b"IDAT", zlib.compress(bytes(1000)))]),
        "bomb-jpeg": resized_jpeg(jpeg, 65_500, 65_500),
        "bomb-webp": webp_canvas(webp, 16_384, 16_384),
        "bomb-avif": lying_ispe(avif, 30_000, 30_000),
        "lying-webp-larger-canvas": webp_canvas(webp, 4000, 4000),
        "lying-avif-larger": lying_ispe(avif, 4000, 4000),
        "lying-avif-smaller": lying_ispe(avif, 100, 100),
        "lying-jpeg-larger": resized_jpeg(jpeg, 4000, 4000),
        "lying-png-larger": png_bytes(2000, 2000, [(b"IDAT", zlib.compress(bytes(1000)))]),
        "png-zero-wide": png_bytes(0, 100, [(b"IDAT", zlib.compress(bytes(100)))]),
        "png-text-bomb": png_bytes(200, 200, [(b"zTXt", b"k\x00\x00" + zlib.compress(bytes(100_000_000), 9))]),
        "png-many-texts": png_bytes(200, 200, [(b"zTXt", b"k\x00\x00" + zlib.compress(bytes(1_000_000), 9))] * 80),
        "png-profile-bomb": png_bytes(200, 200, [(b"iCCP", b"p\x00\x00" + zlib.compress(bytes(100_000_000), 9))]),
        "png-huge-chunk-claim": _PNG_SIGNATURE
        + _chunk(b"IHDR", _ihdr(200, 200))
        + struct.pack(">I", 2**31 - 1)
        + b"tEXt",
        "jpeg-broken-exif": _save(photo, "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xf0" + bytes(range(64))),
        "jpeg-broken-profile": _save(photo, "JPEG", icc_profile=b"not a profile" * 20),
        "jpeg-large-profile": _save(photo, "JPEG", icc_profile=bytes(5_000_000)),
        "jpeg-many-scans": jpeg_with_scans(jpeg, 300),
    }
    for name, whole in (("jpeg", jpeg), ("png", png), ("webp", webp), ("avif", avif)):
        for number in range(_CUTS):
            files[f"truncated-{name}-{number:02d}"] = whole[: len(whole) * number // _CUTS]
    return files


def png_bytes(width: int, height: int, chunks: list[tuple[bytes, bytes]]) -> bytes:
    """Write a PNG of 8-bit RGB with the given chunks after its header."""
    parts = [_PNG_SIGNATURE, _chunk(b"IHDR", _ihdr(width, height))]
    parts += [_chunk(kind, body) for kind, body in chunks]
    return b"".join([*parts, _chunk(b"IEND", b"")])


def resized_jpeg(jpeg: bytes, width: int, height: int) -> bytes:
    """Let a baseline JPEG's frame header declare another size."""
    at = jpeg.index(b"\xff\xc0")
    return jpeg[: at + 5] + struct.pack(">HH", height, width) + jpeg[at + 9 :]


def webp_canvas(webp: bytes, width: int, height: int) -> bytes:
    """Put a plain WebP's frame into an extended file whose canvas has another size."""
    canvas = struct.pack("<I", 0) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", len(canvas)) + canvas + webp[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def lying_ispe(avif: bytes, width: int, height: int) -> bytes:
    """Let an AVIF's container declare another size than its coded picture has."""
    at = avif.index(b"ispe") + 8
    return avif[:at] + struct.pack(">II", width, height) + avif[at + 8 :]


def jpeg_with_scans(jpeg: bytes, count: int) -> bytes:
    """Repeat a JPEG's scan: each repetition costs the decoder a pass over the picture."""
    at = jpeg.index(b"\xff\xda")
    return jpeg[:at] + jpeg[at:-2] * count + jpeg[-2:]


def _photo(width: int, height: int) -> Image.Image:
    y, x = np.mgrid[:height, :width]
    noise = np.random.default_rng(5).integers(0, 40, (height, width))
    planes = [x * 200 // max(width, 2) + noise, y * 200 // max(height, 2) + noise, (x + y) % 200 + noise]
    return Image.fromarray(np.stack(planes, axis=-1).astype(np.uint8))


def _save(picture: Image.Image, name: str, **options: bytes) -> bytes:
    out = io.BytesIO()
    picture.save(out, name, **options)
    return out.getvalue()


def _ihdr(width: int, height: int) -> bytes:
    return struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
