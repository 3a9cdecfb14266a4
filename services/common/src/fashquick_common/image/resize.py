"""Resizing a decoded picture band by band, so that no second full-size copy is ever made."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

_BAND_PIXELS = 1_000_000  # source pixels converted at a time: 4 MB at four bytes each
_LANCZOS_SUPPORT = 3.0  # half-width of Pillow's LANCZOS kernel, in target pixels when shrinking
_KEPT_MODES = frozenset({"L", "LA", "RGB", "RGBA", "CMYK", "LAB"})


def fit(size: tuple[int, int], side: int) -> tuple[int, int]:
    """Largest size of the same shape whose long side is at most `side`; never larger than `size`."""
    scale = min(1.0, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def resize(picture: Image.Image, size: tuple[int, int], extent: tuple[float, float]) -> Image.Image:
    """Resize with antialiasing (Lanczos), converting the mode on the way.

    Each band of target rows is made from the source rows that its kernel reaches, so the result is that of one
    resize of the whole. Colour under transparency does not bleed: Pillow resizes premultiplied.

    Args:
        picture: Decoded picture of any mode.
        size: Target width and height.
        extent: Width and height of the source that the target shows: `picture.size`, or less where a scaled
            JPEG was rounded up to whole pixels.

    Returns:
        A picture of mode L, LA, RGB, RGBA, CMYK or LAB; 16 bits become 8.
    """
    if size == extent:
        return _simple_mode(picture)
    width, height = size
    step = extent[1] / height
    reach = math.ceil(_LANCZOS_SUPPORT * max(1.0, step)) + 1
    rows = max(1, int(_BAND_PIXELS / picture.width / step))
    result: Image.Image | None = None
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        first = max(0, math.floor(top * step) - reach)
        last = min(picture.height, math.ceil(bottom * step) + reach)
        band = _simple_mode(picture.crop((0, first, picture.width, last)))
        box = (0.0, top * step - first, extent[0], min(bottom * step, extent[1]) - first)
        small = band.resize((width, bottom - top), Image.Resampling.LANCZOS, box)
        if result is None:
            result = Image.new(small.mode, size)
        result.paste(small, (0, top))
    if result is None:
        raise ValueError(f"the target size {size} has no rows")
    return result


def _simple_mode(picture: Image.Image) -> Image.Image:
    """The same pixels in a mode that resizes linearly and that colour management knows."""
    if picture.mode.startswith("I"):
        # 16-bit grey, in a 16 or a 32-bit container.
        wide = np.asarray(picture).astype(np.int32, copy=False)
        return Image.fromarray((np.clip(wide, 0, 0xFFFF) >> 8).astype(np.uint8))
    if picture.has_transparency_data and picture.mode not in {"LA", "RGBA"}:
        return picture.convert("RGBA")
    if picture.mode in _KEPT_MODES:
        return picture
    return picture.convert("L" if picture.mode == "1" else "RGB")
