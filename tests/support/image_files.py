"""Pictures and colour profiles made for the tests."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]

# Chromaticities of the primaries (red, green, blue), white D65. SMPTE RP 431-2 and Adobe RGB (1998) 4.3.1.
DISPLAY_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE_RGB = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_D65 = (0.3127, 0.3290)
_D50_XYZ = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def gradient(width: int = 120, height: int = 80) -> Pixels:
    """HxWx3 with four corners that differ: red grows to the right, green downwards, blue is low."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // (width - 1), y * 255 // (height - 1), np.full_like(x, 40)], axis=-1).astype(np.uint8)


def save(pixels: Pixels | Image.Image, name: str, **options: Any) -> bytes:
    """Encode by Pillow."""
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    out = io.BytesIO()
    picture.save(out, name, **options)
    return out.getvalue()


def rgb_to_xyz(primaries: tuple[tuple[float, float], ...]) -> npt.NDArray[np.float64]:
    """Matrix from linear RGB to XYZ with D65 white (Lindbloom, RGB/XYZ matrices)."""
    columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in primaries]).T
    return columns * np.linalg.solve(columns, _white())


def matrix_profile(primaries: tuple[tuple[float, float], ...], gamma: float) -> bytes:
    """Write an ICC v2 display profile with three primaries and a power curve (ICC.1:2001-04)."""
    cone = _BRADFORD @ np.stack([_white(), _D50_XYZ], axis=1)
    adapt = np.linalg.inv(_BRADFORD) @ np.diag(cone[:, 1] / cone[:, 0]) @ _BRADFORD
    colorants = adapt @ rgb_to_xyz(primaries)
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    text = b"test\x00"
    tags = {b"desc": b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78), b"wtpt": _xyz(_D50_XYZ)}
    for name, column in zip("rgb", colorants.T, strict=True):
        tags[f"{name}XYZ".encode()] = _xyz(column)
        tags[f"{name}TRC".encode()] = curve
    offset = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for signature, content in tags.items():
        padded = content + bytes(-len(content) % 4)
        table += signature + struct.pack(">II", offset + len(body), len(content))
        body += padded
    head = struct.pack(">I4sI4s4s4s", 0, bytes(4), 0x02400000, b"mntr", b"RGB ", b"XYZ ") + bytes(12) + b"acsp"
    head += bytes(28) + b"".join(struct.pack(">i", round(value * 65536)) for value in _D50_XYZ)
    head += bytes(128 - len(head))
    whole = head + table + body
    return struct.pack(">I", len(whole)) + whole[4:]


def to_srgb(colour: tuple[int, int, int], primaries: tuple[tuple[float, float], ...], gamma: float) -> Pixels:
    """What a colour of a matrix space is in sRGB, by the textbook (IEC 61966-2-1)."""
    linear = (np.array(colour) / 255) ** gamma
    srgb = np.clip(np.linalg.solve(rgb_to_xyz(SRGB), rgb_to_xyz(primaries) @ linear), 0, 1)
    encoded = np.where(srgb <= 0.0031308, 12.92 * srgb, 1.055 * srgb ** (1 / 2.4) - 0.055)
    return np.round(encoded * 255).astype(np.uint8)


def _white() -> npt.NDArray[np.float64]:
    x, y = _D65
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _xyz(values: npt.NDArray[np.float64]) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def animation() -> bytes:
    """An animated WebP file of two frames."""
    out = io.BytesIO()
    first, second = (Image.new("RGB", (16, 24), colour) for colour in ("red", "blue"))
    first.save(out, "WEBP", save_all=True, append_images=[second], duration=100)
    return out.getvalue()
