"""Draw the photo that `fashquick models selftest` dresses a figure with: a red shirt with two printed lines.

Run: python scripts/draw_selftest.py. Writes client/src/fashquick_client/data/selftest.jpg, the same each time.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from samples.ground import linen
from samples.photo import Design, Print, take
from samples.prints import wordmark

TARGET = Path(__file__).resolve().parents[1] / "client/src/fashquick_client/data/selftest.jpg"
SIZE = (640, 800)
JPEG_QUALITY = 85  # 50 KB: it goes into the client's wheel.
SEED = 7
RED, CREAM = (176, 42, 46), (233, 226, 209)
DESIGN = Design(
    name="selftest",
    cloth=RED,
    stripe=None,
    stripe_period=1.0,
    stripe_share=0.0,
    rib=RED,
    motif=Print(wordmark(CREAM), (0.0, 0.275), 0.3),
    ground=linen,
    turn_deg=2.0,
)


def draw() -> Image.Image:
    """Draw the photo."""
    sample = take(DESIGN, np.random.default_rng(SEED))
    return Image.fromarray(sample.photo).resize(SIZE, Image.Resampling.LANCZOS)


if __name__ == "__main__":
    draw().save(TARGET, "JPEG", quality=JPEG_QUALITY, optimize=True)
