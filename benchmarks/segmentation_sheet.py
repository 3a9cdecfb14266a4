"""Contact sheets of real photos with the embedded segmenter's masks: some defects are seen, not measured.

Run: FASHQUICK_PHOTOS=folder python -m benchmarks.segmentation_sheet OUT. The folder is as for `segmentation.py`. OUT
gets `easy-1.png` and so on of the 86 photos with masks, and `hard-1.png` and so on of the 34 in `data/hard_photos.txt`.
Each photo is shown as it is and with its garment on magenta; a refused one with the reason.
"""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.segmentation import MASKS, photo_files
from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import FashquickError
from fashquick_segmentation.embedded import EmbeddedSegmenter
from fashquick_segmentation.engine import NO_HINTS

DATA = Path(__file__).parent / "data"
TILE_PX = 300
ACROSS, DOWN = 4, 5
MAGENTA = np.array((255.0, 0.0, 255.0))


def tile(segmenter: EmbeddedSegmenter, name: str, path: Path) -> Image.Image:
    """A photo beside its garment on magenta, or beside the reason for which it is refused."""
    with Image.open(path) as file:
        photo = np.asarray(file.convert("RGB"))
    picture = Image.new("RGB", (2 * TILE_PX, TILE_PX), "white")
    picture.paste(_fitted(photo), (0, 0))
    draw = ImageDraw.Draw(picture)
    try:
        found = segmenter.segment(photo, NO_HINTS, CancelFlag())
    except FashquickError as refusal:
        draw.multiline_text((TILE_PX + 8, 40), "\n".join(textwrap.wrap(f"refused: {refusal}", 44)), "black")
        said = name[:22]
    else:
        share = found.alpha[..., np.newaxis] / 255
        cut_out = (photo * share + MAGENTA * (1 - share)).astype(np.uint8)
        picture.paste(_fitted(cut_out), (TILE_PX, 0))
        said = f"{name[:22]} {found.quality.confidence:.2f} {len(found.quality.warnings) * '!'}"
    draw.text((4, 2), said, "red")
    return picture


def _fitted(photo: NDArray[np.uint8]) -> Image.Image:
    picture = Image.fromarray(photo)
    picture.thumbnail((TILE_PX, TILE_PX))
    return picture


def main() -> int:
    """Write the sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for the sheets")
    options = parser.parse_args()
    folder = os.environ.get("FASHQUICK_PHOTOS")
    if not folder:
        print("set FASHQUICK_PHOTOS to a folder with photos; see the top of this file", file=sys.stderr)
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    segmenter = EmbeddedSegmenter()
    sets = {
        "easy": [path.stem for path in sorted(MASKS.glob("*.png"))],
        "hard": (DATA / "hard_photos.txt").read_text(encoding="ascii").split(),
    }
    for kind, names in sets.items():
        tiles = [tile(segmenter, name, path) for name, path in photo_files(Path(folder), names)]
        for first in range(0, len(tiles), ACROSS * DOWN):
            sheet = Image.new("RGB", (ACROSS * 2 * TILE_PX, DOWN * TILE_PX), "white")
            for place, one in enumerate(tiles[first : first + ACROSS * DOWN]):
                sheet.paste(one, (place % ACROSS * 2 * TILE_PX, place // ACROSS * TILE_PX))
            sheet.save(options.out / f"{kind}-{first // (ACROSS * DOWN) + 1}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
