"""Pictures of real garments by the studio, to be judged by looking: a contact sheet and a table a category.

Run: FASHQUICK_PHOTOS=FOLDER python -m benchmarks.wardrobe.pictures CACHE OUT [--share judged]
    [--categories t-shirt ...] [--photos ID ...] [--width 512 --height 768] [--pose relaxed] [--yaw 0]
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.wardrobe.choice import Photo, Share, chosen
from benchmarks.wardrobe.garments import Wardrobe
from fashquick_common.errors import FashquickError
from fashquick_common.garment import Category
from fashquick_generation.engine import GenerationJob, View, generated
from fashquick_generation.studio import StudioGenerator

TILE_PX = (240, 360)
COLUMNS = 4
LINE_CHARACTERS = 38


def main() -> int:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--share", type=Share, default=Share.DEVELOPMENT)
    parser.add_argument("--categories", type=Category, nargs="+", default=list(Category))
    parser.add_argument("--photos", nargs="*", default=[], help="only those whose names begin like one of these")
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--height", type=int, default=768)
    parser.add_argument("--pose", default=View().pose)
    parser.add_argument("--yaw", type=float, default=0.0)
    arguments = parser.parse_args()
    folder = os.environ.get("FASHQUICK_PHOTOS")
    if not folder:
        print("FASHQUICK_PHOTOS is not set: skipped")
        return 0
    arguments.out.mkdir(parents=True, exist_ok=True)
    wardrobe, generator = Wardrobe(arguments.cache), StudioGenerator()
    for category in arguments.categories:
        photos = [
            photo
            for photo in chosen(Path(folder), category, arguments.share)
            if not arguments.photos or photo.name.startswith(tuple(arguments.photos))
        ]
        if photos:
            _one_category(wardrobe, generator, photos, arguments)
    return 0


def _one_category(
    wardrobe: Wardrobe, generator: StudioGenerator, photos: list[Photo], arguments: argparse.Namespace
) -> None:
    name = photos[0].category.value
    tiles, rows = [], []
    for photo in photos:
        start = time.perf_counter()
        shown: NDArray[np.uint8] | None = None
        picture, facts, refusal = None, {}, ""
        try:
            garment = wardrobe.garment(photo)
            shown = garment.photo
            job = GenerationJob(
                (garment,),
                views=(View(pose=arguments.pose, yaw_degrees=arguments.yaw),),
                width=arguments.width,
                height=arguments.height,
            )
            start = time.perf_counter()
            (made,) = generated(generator, job).pictures
            picture, facts = made.rgb, dict(made.facts)
            _write(arguments.out / f"{name}__{photo.name[:8]}.png", picture)
        except FashquickError as error:
            refusal = f"{error.reason}: {error.message}"
        seconds = time.perf_counter() - start
        rows.append(
            [photo.name[:8], f"{seconds:.2f}", refusal, *(f"{key}={value:.3f}" for key, value in facts.items())]
        )
        print(name, *rows[-1][:3], flush=True)
        tiles.append(_tile(photo.name[:8], shown, picture, refusal))
    with (arguments.out / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % COLUMNS)
    lines = [np.concatenate(tiles[k : k + COLUMNS], axis=1) for k in range(0, len(tiles), COLUMNS)]
    _write(arguments.out / f"{name}.png", np.concatenate(lines))


def _tile(
    name: str, photo: NDArray[np.uint8] | None, picture: NDArray[np.uint8] | None, refusal: str
) -> NDArray[np.uint8]:
    """Photo and picture side by side, with the photo's name; the reason where there is no picture."""
    left, right = (_fitted(image) for image in (photo, picture))
    tile = np.concatenate([left, right], axis=1)
    lines = [name] + [
        refusal[k : k + LINE_CHARACTERS] for k in range(0, min(len(refusal), 5 * LINE_CHARACTERS), LINE_CHARACTERS)
    ]
    for row, line in enumerate(lines):
        where = (6 if row == 0 else TILE_PX[0] + 4, 14 + 14 * row)
        cv2.putText(tile, line, where, cv2.FONT_HERSHEY_SIMPLEX, 0.34, (0, 0, 0), 1, cv2.LINE_AA)
    return tile


def _fitted(image: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    out = np.full((TILE_PX[1], TILE_PX[0], 3), 255, np.uint8)
    if image is not None:
        scale = min(TILE_PX[0] / image.shape[1], TILE_PX[1] / image.shape[0])
        size = (max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        out[: size[1], : size[0]] = small
    return out


def _write(path: Path, rgb: NDArray[np.uint8]) -> None:
    cv2.imwrite(str(path), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    sys.exit(main())
