"""Embedded segmentation against 86 masks of real photos: agreement, time and memory, beside plain GrabCut.

Run: FASHQUICK_PHOTOS=folder python benchmarks/segmentation.py [--json] [--threads N]. The folder has
`<category>/<id>.jpg` or `garments/<category>/<id>.jpg` from the public "clothing dataset (small)"; the masks are
`data/masks/<category>__<id>.png` beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import FashquickError
from fashquick_segmentation.embedded import EmbeddedSegmenter
from fashquick_segmentation.engine import NO_HINTS

MASKS = Path(__file__).parent / "data" / "masks"
GRABCUT_SIDE_PX = 384
GRABCUT_MARGIN = 0.03  # of each side, taken for ground: what a person would try first
GRABCUT_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Row:
    """What one method reached on all photos; times in seconds."""

    method: str
    photos: int
    refused: int
    iou_mean: float
    iou_p5: float
    iou_worst: float
    seconds_median: float
    seconds_worst: float
    peak_rss_mib: float


def photo_files(folder: Path, names: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """Each photo that is there, by its name `<category>__<id>`."""
    for name in names:
        category, number = name.split("__")
        for path in (folder / category / f"{number}.jpg", folder / "garments" / category / f"{number}.jpg"):
            if path.is_file():
                yield name, path


def photos(folder: Path) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.bool_]]]:
    """Each photo that is there, HxWx3 uint8 sRGB, with its mask."""
    for name, path in photo_files(folder, sorted(path.stem for path in MASKS.glob("*.png"))):
        with Image.open(path) as picture, Image.open(MASKS / f"{name}.png") as mask:
            yield np.asarray(picture.convert("RGB")), np.asarray(mask.convert("L")) > 127


def plain_grabcut(photo: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """GrabCut from a rectangle just inside the picture."""
    height, width = photo.shape[:2]
    scale = GRABCUT_SIDE_PX / max(height, width)
    small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    rows, columns = small.shape[:2]
    left, top = round(columns * GRABCUT_MARGIN), round(rows * GRABCUT_MARGIN)
    labels = np.zeros((rows, columns), np.uint8)
    inside = (left, top, columns - 2 * left, rows - 2 * top)
    cv2.setRNGSeed(1)
    cv2.grabCut(small, labels, inside, np.zeros((1, 65)), np.zeros((1, 65)), GRABCUT_ROUNDS, cv2.GC_INIT_WITH_RECT)
    garment = (labels & cv2.GC_FGD).astype(np.float32)
    return np.asarray(cv2.resize(garment, (width, height), interpolation=cv2.INTER_LINEAR)) > 0.5


def peak_kib() -> int:
    """Peak resident memory of this process; ru_maxrss would start at the peak of the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0])


def measure(method: str, folder: Path) -> Row:
    """Run one method over all photos; a refused photo counts as IoU 0."""
    segmenter = EmbeddedSegmenter()
    segmenter.warm_up()

    def embedded(photo: NDArray[np.uint8]) -> NDArray[np.bool_]:
        return segmenter.segment(photo, NO_HINTS, CancelFlag()).mask

    find = embedded if method == "embedded" else plain_grabcut
    agreements, seconds, refused = [], [], 0
    for photo, truth in photos(folder):
        started = time.perf_counter()
        try:
            mask = find(photo)
        except FashquickError as refusal:
            print(f"refused: {refusal}", file=sys.stderr)
            mask, refused = np.zeros_like(truth), refused + 1
        seconds.append(time.perf_counter() - started)
        agreements.append(float((mask & truth).sum() / (mask | truth).sum()))
    return Row(
        method=method,
        photos=len(agreements),
        refused=refused,
        iou_mean=float(np.mean(agreements)),
        iou_p5=float(np.percentile(agreements, 5)),
        iou_worst=min(agreements),
        seconds_median=float(np.median(seconds)),
        seconds_worst=max(seconds),
        # Of the process: read after the embedded segmenter, whose row comes first.
        peak_rss_mib=peak_kib() / 1024,
    )


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--threads", type=int, default=2, help="OpenCV's threads")
    options = parser.parse_args()
    folder = os.environ.get("FASHQUICK_PHOTOS")
    if not folder or next(photos(Path(folder)), None) is None:
        print("skipped: FASHQUICK_PHOTOS names no folder with the photos of the masks")
        return 0
    cv2.setNumThreads(options.threads)
    rows = [measure(method, Path(folder)) for method in ("embedded", "GrabCut 384 px")]
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return 0
    print(f"{'method':15} photos refused  mean IoU   p5  worst   median s  worst s  peak MiB")
    for row in rows:
        print(
            f"{row.method:15} {row.photos:6} {row.refused:7} {row.iou_mean:9.4f} {row.iou_p5:.3f} {row.iou_worst:6.3f}"
            f" {row.seconds_median:10.3f} {row.seconds_worst:8.3f} {row.peak_rss_mib:9.0f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
