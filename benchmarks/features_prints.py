"""Where prints are found and what is read on them, on drawn garments and on real photos.

Run: python benchmarks/features_prints.py [--drawn N] [--real N] [--masks DIR]. Real photos need FASHQUICK_PHOTOS
(SET/KIND/ID.jpg) and --masks (SET__KIND__ID.png); their patterns stand in benchmarks/data/garment_labels.csv, the
words on them in garment_labels_second.csv there. Words are read only where the extra ocr is installed.
"""

from __future__ import annotations

import argparse
import csv
import difflib
import hashlib
import os
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.drawn import draw
from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import FashquickError
from fashquick_common.garment import Box, Category, PatternKind, Print
from fashquick_common.image.decode import decode
from fashquick_features.prints.boxes import PrintFinder, load_finder
from fashquick_features.prints.reading import Reader, find_reader, read_prints
from fashquick_features.shape import outline
from fashquick_features.shape.upright import Upright, upright_view

LABELS = Path(__file__).parent / "data/garment_labels.csv"
SECOND_LABELS = Path(__file__).parent / "data/garment_labels_second.csv"
VIEW_PX = 768
SAME = 0.5  # intersection over union from which on a box is found
ALIKE = 0.8  # difflib ratio from which on a word is read
LETTER_PX = 12  # height of the drawn capitals from which on words count
CATEGORIES = (Category.T_SHIRT, Category.LONG_SLEEVE, Category.SLEEVELESS_TOP, Category.DRESS)

Tools = tuple[PrintFinder, Reader | None]


@dataclass
class Tally:
    """Counts of one group of garments."""

    garments: int = 0
    with_print: int = 0
    boxes: int = 0
    sure: int = 0
    hits: int = 0
    overlaps: list[float] = field(default_factory=list)
    words: int = 0
    read: int = 0
    seconds: list[float] = field(default_factory=list)
    reading: list[float] = field(default_factory=list)


def view_of(photo: npt.NDArray[np.uint8], alpha: npt.NDArray[np.uint8]) -> Upright:
    """The garment upright."""
    shape = outline.trace(alpha)
    return upright_view(photo, alpha, shape.points, outline.upright_frame(shape), VIEW_PX)


def overlap(one: Box, two: Box) -> float:
    """Intersection over union."""
    across = min(one.x + one.width, two.x + two.width) - max(one.x, two.x)
    down = min(one.y + one.height, two.y + two.height) - max(one.y, two.y)
    common = max(0.0, across) * max(0.0, down)
    return common / (one.width * one.height + two.width * two.height - common)


def words_of(text: str) -> list[str]:
    """Words of at least two letters or digits."""
    return [word for word in re.findall(r"\w+", text.casefold()) if len(word) > 1]


def read_words(wanted: list[str], prints: tuple[Print, ...]) -> int:
    """How many words are among those read; words that were read joined count too."""
    lines = [line.text.casefold() for item in prints for line in item.lines]
    said = [word for line in lines for word in words_of(line)]
    joined = "".join(re.sub(r"\W", "", line) for line in lines)
    return sum(
        word in joined or any(difflib.SequenceMatcher(None, word, other).ratio() >= ALIKE for other in said)
        for word in wanted
    )


def look(tally: Tally, tools: Tools, view: Upright, wanted: list[str], truth: Box | None) -> None:
    """Count one garment."""
    finder, reader = tools
    start = time.thread_time()
    prints = finder.find(view, CancelFlag())
    tally.seconds.append(time.thread_time() - start)
    tally.garments += 1
    tally.boxes += len(prints)
    tally.with_print += bool(prints)
    tally.sure += any(item.confidence >= 0.6 for item in prints)
    if truth is not None:
        best = max((overlap(item.box, truth) for item in prints), default=0.0)
        tally.overlaps.append(best)
        tally.hits += best >= SAME
    if reader is not None and wanted:
        start = time.process_time()
        prints = read_prints(view, prints, reader, CancelFlag())
        tally.reading.append(time.process_time() - start)
        tally.words += len(wanted)
        tally.read += read_words(wanted, prints)


def drawn(count: int, tools: Tools) -> dict[str, Tally]:
    """Garments with one print and without any."""
    kinds = (PatternKind.GRAPHIC, PatternKind.SOLID, PatternKind.STRIPES, PatternKind.CHECK, PatternKind.FLORAL)
    tallies = {f"drawn {kind.value}": Tally() for kind in kinds}
    for kind in kinds:
        for seed in range(count if kind is PatternKind.GRAPHIC else max(1, count // 2)):
            garment = draw(CATEGORIES[seed % len(CATEGORIES)], 1000 + seed, pattern=kind, photo_seed=seed)
            truth = garment.prints[0] if garment.prints else None
            lines = [line for line in truth.lines if line.box.height >= LETTER_PX] if truth else []
            wanted = [word for line in lines for word in words_of(line.text)]
            view = view_of(garment.photo, garment.alpha)
            look(tallies[f"drawn {kind.value}"], tools, view, wanted, truth.box if truth else None)
    return tallies


def real(count: int, photos: Path, masks: Path, tools: Tools) -> dict[str, Tally]:
    """Photos of each pattern, and all whose words are known."""
    with LABELS.open(newline="") as stream:
        kinds = {row["photo"]: row["pattern"] for row in csv.DictReader(stream)}
    texts: dict[str, str] = {}
    if tools[1] is not None:
        with SECOND_LABELS.open(newline="") as stream:
            texts = {row["photo"]: row["text"] for row in csv.DictReader(stream) if row["text"]}
    tallies = {f"real {kind}": Tally() for kind in ("graphic", "solid", "stripes", "check", "floral", "allover")}
    tallies["real with words"] = Tally()
    chosen = sorted(kinds, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    for name in [*texts, *chosen]:
        row = "real with words" if name in texts else f"real {kinds[name]}"
        path, mask = photos / f"{name}.jpg", masks / f"{name.replace('/', '__')}.png"
        if row not in tallies or tallies[row].garments >= count or not (path.exists() and mask.exists()):
            continue
        photo = decode(path.read_bytes()).rgb
        alpha = np.asarray(Image.open(mask).convert("L").resize(photo.shape[1::-1]))
        try:
            look(tallies[row], tools, view_of(photo, alpha), words_of(texts.get(name, "")), None)
        except FashquickError as error:
            print(f"{name}: {error}")
    return tallies


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drawn", type=int, default=40, help="drawn garments with a print")
    parser.add_argument("--real", type=int, default=60, help="photos of each pattern")
    parser.add_argument("--masks", type=Path, help="folder of masks of the photos in FASHQUICK_PHOTOS")
    arguments = parser.parse_args()
    finder, reader = load_finder()[0], find_reader()
    if reader is not None:
        reader.warm_up()
    tallies = drawn(arguments.drawn, (finder, reader))
    photos = os.environ.get("FASHQUICK_PHOTOS")
    if photos and arguments.masks:
        tallies |= real(arguments.real, Path(photos), arguments.masks, (finder, reader))
    else:
        print("real photos skipped: set FASHQUICK_PHOTOS and give --masks")
    for name, tally in tallies.items():
        if not tally.garments:
            continue
        line = f"{name:16} {tally.garments:4}, with a print {tally.with_print / tally.garments:.2f}, surely "
        line += f"{tally.sure / tally.garments:.2f}, boxes {tally.boxes}, {1e3 * np.median(tally.seconds):.0f} ms"
        if tally.overlaps:
            line += f"; found {tally.hits / tally.garments:.2f}, overlap {np.mean(tally.overlaps):.2f}"
        if tally.words:
            line += f"; words read {tally.read} of {tally.words}, {np.median(tally.reading):.2f} s of CPU, "
            line += f"at most {max(tally.reading):.2f}"
        print(line)


if __name__ == "__main__":
    main()
