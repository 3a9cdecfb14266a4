"""Whether words on a T-shirt can still be read on the figure, by the reader of the features service.

Run: python -m benchmarks.wardrobe.words [--shirts 6] [--sizes 768x1152 1536x2304] [--out FOLDER]. Needs the extra ocr.

T-shirts are drawn with three lines of words whose x-height is known, and photographed; the UV map tells how large a
word is in the picture. Every word is cut out of the picture, enlarged as the service does, and read; it counts when
all its letters are right. The same words are read from the flat photo brought to the same size: no picture of the
cloth can be read better.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from benchmarks.drawn.graphic import WORDS
from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import Box, Landmark
from fashquick_features.prints.reading import MAX_ENLARGED, READ_PX, Reader, find_reader
from fashquick_generation.engine import Framing, GarmentInput, GenerationJob, MapKind, View, generated
from fashquick_generation.studio import StudioGenerator
from fashquick_generation.studio.sample import sample_garment

Photo = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

LARGER = 5
"""Photo pixels a pixel of the sample garment: a photo of 2,000 pixels."""
CLOTHS = ((240, 240, 238), (24, 24, 26), (40, 60, 120), (178, 36, 44))
LETTERS = (28.0, 38.0, 52.0, 70.0)
"""x-heights in pixels of the photo."""
CHEST = (200.0, 165.0)
"""Middle of the first line, pixels of the sample garment."""
ROOM = 0.6
"""Part of a word's height around it that is cut out with it."""
BANDS = (0.0, 8.0, 12.0, 16.0, 24.0, 1e9)
"""x-heights in the picture by which words are counted."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word on the photo.

    Attributes:
        text: What it says.
        box: Where, pixels of the photo.
        x_height: Height of its small letters, pixels of the photo.
    """

    text: str
    box: Box
    x_height: float


def shirt(seed: int) -> tuple[GarmentInput, list[Word]]:
    """A T-shirt with three words."""
    rng = np.random.default_rng([seed, 31])
    cloth = CLOTHS[seed % len(CLOTHS)]
    small = sample_garment(cloth)
    size = (small.photo.shape[1] * LARGER, small.photo.shape[0] * LARGER)
    photo = Image.fromarray(cv2.resize(small.photo, size, interpolation=cv2.INTER_LINEAR))
    pen = ImageDraw.Draw(photo)
    ink = (30, 30, 32) if sum(cloth) > 380 else (238, 236, 230)
    words, y = [], CHEST[1] * LARGER
    for text in rng.choice(WORDS, 3, replace=False):
        x_height = LETTERS[int(rng.integers(len(LETTERS)))]
        font = ImageFont.load_default(_font_size(x_height))
        left, top, right, bottom = pen.textbbox((CHEST[0] * LARGER, y), str(text), font, anchor="mt")
        pen.text((CHEST[0] * LARGER, y), str(text), ink, font, anchor="mt")
        words.append(Word(str(text), Box(left, top, right - left, bottom - top), x_height))
        y = bottom + 1.2 * x_height
    marks = {name: Landmark(LARGER * at.x, LARGER * at.y, 1.0) for name, at in small.passport.landmarks.items()}
    passport = replace(small.passport, landmarks=marks, photo_width=size[0], photo_height=size[1])
    alpha = np.asarray(cv2.resize(small.alpha, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    return GarmentInput(np.asarray(photo, np.uint8), alpha, passport), words


def _font_size(x_height: float) -> float:
    """Size at which the font's small letters have this height."""
    _, top, _, bottom = ImageFont.load_default(100).getbbox("x")
    return 100 * x_height / (bottom - top)


def placed(word: Word, uv: Floats, photo: Photo) -> tuple[tuple[slice, slice], float] | None:
    """Rows and columns of a word in the picture, and its x-height there; None where it is not in view."""
    at = uv * np.array(photo.shape[1::-1], np.float32)
    box = word.box
    within = (at[..., 0] >= box.x) & (at[..., 0] <= box.x + box.width)
    within &= (at[..., 1] >= box.y) & (at[..., 1] <= box.y + box.height)
    rows, columns = np.flatnonzero(within.any(axis=1)), np.flatnonzero(within.any(axis=0))
    if len(rows) < 3:
        return None
    room = round(ROOM * (rows[-1] - rows[0]))
    middle = (rows[0] + rows[-1]) // 2, (columns[0] + columns[-1]) // 2
    per_pixel = float(np.abs(at[middle[0] + 1, middle[1], 1] - at[middle[0] - 1, middle[1], 1]) / 2)
    window = (slice(max(rows[0] - room, 0), rows[-1] + room), slice(max(columns[0] - room, 0), columns[-1] + room))
    return window, word.x_height / per_pixel


def is_read(crop: Photo, text: str, reader: Reader) -> bool:
    """Whether the reader finds exactly this word."""
    scale = min(MAX_ENLARGED, READ_PX / max(crop.shape[:2]))
    size = (max(round(crop.shape[1] * scale), 1), max(round(crop.shape[0] * scale), 1))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    lines = reader.read(np.asarray(cv2.resize(crop, size, interpolation=how), np.uint8), CancelFlag())
    return any(line.text.replace(" ", "").lower() == text.lower() for line in lines)


def flat(word: Word, photo: Photo, x_height: float) -> Photo:
    """The word on the photo, brought to an x-height."""
    room = ROOM * word.box.height
    rows = slice(round(word.box.y - room), round(word.box.y + word.box.height + room))
    columns = slice(round(word.box.x - room), round(word.box.x + word.box.width + room))
    scale = x_height / word.x_height
    crop = photo[rows, columns]
    size = (max(round(crop.shape[1] * scale), 1), max(round(crop.shape[0] * scale), 1))
    return np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), np.uint8)


def tried(arguments: argparse.Namespace, reader: Reader) -> Iterator[tuple[float, bool, bool]]:
    """x-height in the picture, whether read there, and whether read flat, of every word."""
    generator = StudioGenerator()
    for seed in range(arguments.shirts):
        garment, words = shirt(seed)
        for size in arguments.sizes:
            width, height = (int(side) for side in size.split("x"))
            job = GenerationJob(
                (garment,),
                views=(View(framing=Framing.FULL), View(framing=Framing.UPPER)),
                width=width,
                height=height,
                maps=frozenset({MapKind.GARMENT_UV}),
            )
            for picture in generated(generator, job).pictures:
                if arguments.out:
                    path = arguments.out / f"words_{seed}_{size}_{picture.view}.png"
                    cv2.imwrite(str(path), cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2BGR))
                for word in words:
                    found = placed(word, np.asarray(picture.maps[MapKind.GARMENT_UV], np.float32), garment.photo)
                    if found is not None:
                        window, x_height = found
                        alone = is_read(flat(word, garment.photo, x_height), word.text, reader)
                        yield x_height, is_read(picture.rgb[window], word.text, reader), alone


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shirts", type=int, default=6)
    parser.add_argument("--sizes", nargs="+", default=["768x1152", "1536x2304"])
    parser.add_argument("--out", type=Path, help="folder for the pictures")
    arguments = parser.parse_args()
    reader = find_reader()
    if reader is None:
        print("the extra ocr is not installed: skipped")
        return 0
    results = list(tried(arguments, reader))
    print(f"{'x-height in the picture':26}{'words':>7}{'read':>8}{'flat':>8}")
    for low, high in itertools.pairwise(BANDS):
        rows = [(worn, alone) for x_height, worn, alone in results if low <= x_height < high]
        if rows:
            worn, alone = np.mean(rows, axis=0)
            name = f"{low:.0f} px and more" if high > 1e6 else f"{low:.0f} to {high:.0f} px"
            print(f"{name:26}{len(rows):7}{100 * worn:6.0f} %{100 * alone:6.0f} %")
    large = [worn for x_height, worn, _ in results if x_height > 12]
    if large:
        print(f"{'over 12 px':26}{len(large):7}{100 * np.mean(large):6.0f} %   (goal 90 %)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
