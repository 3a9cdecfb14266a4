"""Dress figures in real T-shirts: a contact sheet of photo, mask and picture, and a table of what was refused and why.

Runs the three engines in this process. Photos are read from the folder in FASHQUICK_PHOTOS:

    FASHQUICK_PHOTOS=photos/t-shirt python benchmarks/studio_sheet.py out/sheet.png --framing upper
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import FashquickError
from fashquick_common.garment import Category
from fashquick_features.engine import PassportAnalyser
from fashquick_generation.engine import Framing, GarmentInput, GenerationJob, Picture, View
from fashquick_generation.studio import StudioGenerator
from fashquick_segmentation.embedded.segmenter import EmbeddedSegmenter

BOX_PX = (240, 360)
ROW_TILES = 4
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


class Pipeline:
    """The three engines one after another."""

    def __init__(self) -> None:
        self.segmenter, self.analyser, self.studio = EmbeddedSegmenter(), PassportAnalyser(), StudioGenerator()
        for engine in (self.segmenter, self.analyser, self.studio):
            engine.warm_up()

    def garment(self, photo: np.ndarray, hint: Category | None) -> GarmentInput:
        """Photo, alpha and passport."""
        alpha = self.segmenter.segment(photo, None, CancelFlag()).alpha
        return GarmentInput(photo, alpha, self.analyser.analyse(photo, alpha, hint, CancelFlag()))

    def picture(self, garment: GarmentInput, body: str, view: View) -> Picture:
        """The garment worn."""
        return self.studio.generate(GenerationJob(garment, body=body, view=view), lambda _: None, CancelFlag())


def tile(images: list[np.ndarray], label: str) -> np.ndarray:
    """Up to three pictures side by side, each fitted into a box of its own."""
    out = np.zeros((BOX_PX[1], 3 * BOX_PX[0], 3), np.uint8)
    for k, image in enumerate(images):
        scale = min(BOX_PX[0] / image.shape[1], BOX_PX[1] / image.shape[0])
        size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        out[: size[1], k * BOX_PX[0] : k * BOX_PX[0] + size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    cv2.putText(out, label, (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 60, 60), 1, cv2.LINE_AA)
    return out


def sheet(tiles: list[np.ndarray]) -> np.ndarray:
    """Tiles in rows."""
    tiles = tiles + [np.zeros_like(tiles[0])] * (-len(tiles) % ROW_TILES)
    return np.concatenate([np.concatenate(tiles[k : k + ROW_TILES], axis=1) for k in range(0, len(tiles), ROW_TILES)])


def main() -> int:
    """Make the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--framing", choices=[framing.value for framing in Framing], default=Framing.FULL.value)
    parser.add_argument("--pose", default="relaxed")
    parser.add_argument("--body", default="woman")
    parser.add_argument("--yaw", type=float, default=0.0)
    parser.add_argument("--category", choices=[category.value for category in Category], help="do not guess, take this")
    parser.add_argument("--singles", type=Path, help="also write every picture into this folder")
    arguments = parser.parse_args()
    folder = os.environ.get("FASHQUICK_PHOTOS")
    if not folder:
        print("skipped: set FASHQUICK_PHOTOS to a folder of garment photos")
        return 0
    files = sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in SUFFIXES)
    pipeline, tiles, reasons = Pipeline(), [], Counter[str]()
    view = View(arguments.pose, arguments.yaw, Framing(arguments.framing))
    hint = Category(arguments.category) if arguments.category else None
    for file in files:
        photo = np.ascontiguousarray(cv2.imread(str(file))[:, :, ::-1])
        shown, started = [photo], time.perf_counter()
        try:
            garment = pipeline.garment(photo, hint)
            shown.append(np.repeat(garment.alpha[:, :, None], 3, axis=2))
            picture = pipeline.picture(garment, arguments.body, view)
        except FashquickError as error:
            reasons[error.reason] += 1
            print(f"{file.stem[:8]}  {error.reason:24} {error.message}")
        else:
            reasons["made"] += 1
            shown.append(picture.rgb)
            facts = " ".join(f"{name} {value:.3g}" for name, value in picture.facts.items())
            print(f"{file.stem[:8]}  made in {time.perf_counter() - started:.2f} s      {facts}")
            if arguments.singles:
                arguments.singles.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(arguments.singles / f"{file.stem}.png"), picture.rgb[:, :, ::-1])
        tiles.append(tile(shown, file.stem[:8]))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(arguments.out), sheet(tiles)[:, :, ::-1])
    print(", ".join(f"{reason} {count}" for reason, count in reasons.most_common()), f"of {len(files)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
