"""The command, run inside the test's own process, and photos to run it on."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from fashquick_client.cli import app

PHOTO_SIZE = (160, 120)
LEFT, RIGHT = (200, 0, 0), (0, 0, 200)


def fashquick(*args: Any) -> Result:
    """Run `fashquick` with some arguments."""
    return CliRunner().invoke(app, [str(arg) for arg in args])


def picture_file(orientation: int = 1, size: tuple[int, int] = PHOTO_SIZE) -> bytes:
    """A JPEG whose left half is red and whose right half is blue."""
    pixels = np.empty((size[1], size[0], 3), np.uint8)
    pixels[:, : size[0] // 2] = LEFT
    pixels[:, size[0] // 2 :] = RIGHT
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=95, exif=exif)
    return out.getvalue()
