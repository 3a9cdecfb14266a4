"""Photos for tests, drawn here."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from tests.support.toys import GARMENT_RGB


def plain_photo(width: int = 200, height: int = 240) -> np.ndarray:
    """A red rectangle with some grain on white: HxWx3 uint8."""
    photo = np.full((height, width, 3), 255, np.uint8)
    photo[height // 4 : -height // 4, width // 4 : -width // 4] = GARMENT_RGB
    grain = np.random.default_rng(1).integers(0, 6, photo.shape, dtype=np.uint8)
    return photo - grain


def png(pixels: np.ndarray) -> bytes:
    """The pixels as a PNG file."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()
