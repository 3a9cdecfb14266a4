"""Decode time and peak memory of the image edge, against opening, converting and resizing naively.

Run: python benchmarks/image_edge.py [--json]. Every decode runs in a process of its own, so that its peak is its own;
both ways decode the same bytes. HEIC is missing: no encoder for it is installed.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

import numpy as np
from PIL import Image

from fashquick_common.image import DEFAULT_LIMITS, decode, encode

SIZES = {"12 MP": (4000, 3000), "48 MP": (8000, 6000)}
FORMATS: dict[str, tuple[str, dict[str, object]]] = {
    "jpeg": ("JPEG", {"quality": 90}),
    "jpeg progressive": ("JPEG", {"quality": 90, "progressive": True}),
    "png": ("PNG", {"compress_level": 1}),
    "webp": ("WEBP", {"quality": 85, "method": 0}),
    "avif": ("AVIF", {"quality": 70, "speed": 10}),
}
REPEATS = 3
PICTURE = (1152, 768)  # height and width of a finished picture
_KIB_PER_MB = 1e6 / 1024


def decode_naively(data: bytes) -> object:
    """What a first draft would do: everything at full size."""
    Image.MAX_IMAGE_PIXELS = None
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    side = DEFAULT_LIMITS.working_side
    scale = min(1.0, side / max(picture.size))
    size = (round(picture.width * scale), round(picture.height * scale))
    return np.asarray(picture.resize(size, Image.Resampling.LANCZOS))


WAYS: dict[str, Callable[[bytes], object]] = {"edge": decode, "naive": decode_naively}


def photo_like(width: int, height: int) -> Image.Image:
    """A picture with the detail of a photo: soft shapes, texture and noise."""
    rng = np.random.default_rng(1)
    tile = np.zeros((1000, 1000, 3), np.float32)
    for step in (4, 20, 100):
        small = rng.normal(0, 14, (1000 // step, 1000 // step, 3)).astype(np.float32)
        tile += np.repeat(np.repeat(small, step, axis=0), step, axis=1)
    tile = np.clip(tile + 128 + rng.normal(0, 2, tile.shape), 0, 255)
    picture = Image.fromarray(tile.astype(np.uint8))
    whole = Image.new("RGB", (width, height))
    for x in range(0, width, 1000):
        for y in range(0, height, 1000):
            whole.paste(picture, (x, y))
    return whole


def measure(way: str, path: Path) -> dict[str, float]:
    """Decode in a fresh process; seconds are the least of the repeats, memory is the growth of its peak."""
    command = [sys.executable, __file__, "--worker", way, str(path)]
    result: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return result


def peak_kib() -> int:
    """Peak resident memory of this process; ru_maxrss would start at the peak of the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0])


def work(way: str, path: Path) -> None:
    """Body of the measured process."""
    data = path.read_bytes()
    # Imports and caches are not what is measured; a small picture, because memory once freed would be used again.
    decode(encode(np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)))
    before = peak_kib()
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        WAYS[way](data)
        seconds.append(time.perf_counter() - start)
    peak = peak_kib() - before
    print(json.dumps({"seconds": min(seconds), "peak_mb": peak / _KIB_PER_MB}))


class DecodeRow(TypedDict):
    """One line of the decode table."""

    format: str
    size: str
    file_mb: float
    ways: dict[str, dict[str, float]]


def decode_rows() -> list[DecodeRow]:
    """Measure every format and size both ways."""
    rows: list[DecodeRow] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture"
        for size_name, size in SIZES.items():
            picture = photo_like(*size)
            for name, (pillow_name, options) in FORMATS.items():
                picture.save(path, pillow_name, **options)
                ways = {way: measure(way, path) for way in WAYS}
                file_mb = path.stat().st_size / 1e6
                rows.append({"format": name, "size": size_name, "file_mb": file_mb, "ways": ways})
    return rows


def encode_rows() -> list[dict[str, object]]:
    """Measure writing one finished picture."""
    pixels = np.asarray(photo_like(1000, 2000))[: PICTURE[0], : PICTURE[1]]
    rows: list[dict[str, object]] = []
    for name in ("png", "jpeg", "webp"):
        start = time.perf_counter()
        for _ in range(REPEATS):
            data = encode(pixels, name)
        rows.append({"format": name, "ms": (time.perf_counter() - start) / REPEATS * 1e3, "kb": len(data) / 1e3})
    return rows


def main() -> None:
    """Run as worker or print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--worker", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.worker[0], Path(arguments.worker[1]))
        return
    decoded, encoded = decode_rows(), encode_rows()
    if arguments.json:
        print(json.dumps({"decode": decoded, "encode": encoded}, indent=2))
        return
    print(f"{'format':18}{'size':8}{'file':>9}" + "".join(f"{way:>9}{way + ' peak':>14}" for way in WAYS))
    for row in decoded:
        figures = (row["ways"][way] for way in WAYS)
        columns = "".join(f"{each['seconds']:7.2f} s{each['peak_mb']:11.0f} MB" for each in figures)
        print(f"{row['format']:18}{row['size']:8}{row['file_mb']:6.1f} MB{columns}")
    print(f"\nencode {PICTURE[1]}x{PICTURE[0]}")
    for encoded_row in encoded:
        print(f"{encoded_row['format']:18}{encoded_row['ms']:6.0f} ms{encoded_row['kb']:9.0f} kB")


if __name__ == "__main__":
    main()
