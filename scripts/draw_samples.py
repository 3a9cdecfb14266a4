"""Draw the sample garment photos: shirts as a phone would see them, with their truth beside them.

Run: python scripts/draw_samples.py OUT_DIR [--seed N] [--only NAME]. Writes for each sample NAME.jpg, NAME.mask.png
(8-bit, 255 where the garment is) and NAME.json (category, landmarks in pixels, palette with shares). The same seed
draws the same files.
"""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image
from samples.ground import concrete, linen, planks
from samples.photo import Design, Print, Sample, take
from samples.prints import emblem, mountains, wordmark

from fashquick_common.garment import Category

DEFAULT_SEED = 7
JPEG_QUALITY = 88

CREAM, NAVY, RED = (233, 226, 209), (40, 52, 92), (176, 42, 46)
WHITE, CHARCOAL = (240, 240, 238), (52, 54, 58)
GREEN, SAND, RUST = (42, 104, 84), (236, 214, 172), (196, 92, 48)

DESIGNS = (
    Design(
        name="striped-emblem",
        cloth=CREAM,
        stripe=NAVY,
        stripe_period=0.062,
        stripe_share=0.36,
        rib=NAVY,
        motif=Print(emblem(RED, CREAM), (0.0, 0.345), 0.31),
        ground=planks,
        turn_deg=-3.0,
    ),
    Design(
        name="white-wordmark",
        cloth=WHITE,
        stripe=None,
        stripe_period=1.0,
        stripe_share=0.0,
        rib=WHITE,
        motif=Print(wordmark(CHARCOAL), (0.0, 0.275), 0.26),
        ground=linen,
        turn_deg=2.5,
    ),
    Design(
        name="green-mountains",
        cloth=GREEN,
        stripe=None,
        stripe_period=1.0,
        stripe_share=0.0,
        rib=GREEN,
        motif=Print(mountains(RUST, CHARCOAL, SAND), (0.0, 0.46), 0.46),
        ground=concrete,
        turn_deg=1.5,
    ),
)


def draw_samples(folder: Path, seed: int = DEFAULT_SEED, only: str | None = None) -> list[Path]:
    """Draw the samples into a folder, which is made if needed.

    Args:
        folder: Where to write.
        seed: Decides folds, ground and noise.
        only: Name of the one to draw; None for all.

    Returns:
        The photos' paths.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [
        _write(folder, design.name, take(design, np.random.default_rng([seed, number])))
        for number, design in enumerate(DESIGNS)
        if only in (None, design.name)
    ]


def _write(folder: Path, name: str, sample: Sample) -> Path:
    photo = folder / f"{name}.jpg"
    encoded = io.BytesIO()
    Image.fromarray(sample.photo).save(encoded, "JPEG", quality=JPEG_QUALITY)
    photo.write_bytes(encoded.getvalue())
    Image.fromarray(sample.mask).save(folder / f"{name}.mask.png")
    truth = {
        "category": Category.T_SHIRT.value,
        "width": sample.photo.shape[1],
        "height": sample.photo.shape[0],
        "landmarks": {name.value: [round(x, 2), round(y, 2)] for name, (x, y) in sample.landmarks.items()},
        "palette": [{"srgb": list(colour), "share": round(share, 4)} for colour, share in sample.palette],
    }
    (folder / f"{name}.json").write_text(json.dumps(truth, indent=2) + "\n", encoding="utf-8")
    return photo


def main() -> None:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="OUT_DIR", help="where to write; made if needed")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="decides folds, ground and noise")
    parser.add_argument("--only", choices=[design.name for design in DESIGNS], help="draw this one alone")
    arguments = parser.parse_args()
    for path in draw_samples(arguments.folder, arguments.seed, arguments.only):
        print(path)


if __name__ == "__main__":
    main()
