"""Time, memory and accuracy of the features engine.

Run: python benchmarks/features.py [--json]. Landmarks and palettes are measured on drawn garments, whose truth is
known. With FASHQUICK_PHOTOS set to a folder of SET/KIND/ID.jpg and masks (SET__KIND__ID.png) in the folder given by
--masks, it also says on how many real T-shirts the landmarks of a T-shirt are found. The classifier's
cross-validation is `scripts/train_category.py --check`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.drawn_garments import DrawnGarment, draw
from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import FashquickError
from fashquick_common.garment import Category, LandmarkName
from fashquick_common.image import decode
from fashquick_features.colour import palette
from fashquick_features.colour.spaces import ciede2000, lab_of_srgb
from fashquick_features.engine import PassportAnalyser
from fashquick_features.shape import landmarks, outline
from fashquick_features.shape.category import load_model
from fashquick_features.shape.descriptor import describe

LONG_SIDE = 1024  # pixels; the goals are stated for it
REPEATS = 10
GARMENTS = 30  # drawn a category
DRAWN = (
    Category.T_SHIRT,
    Category.LONG_SLEEVE,
    Category.SLEEVELESS_TOP,
    Category.DRESS,
    Category.TROUSERS,
    Category.SHORTS,
    Category.SKIRT,
)
# Points without a corner of their own, reported apart.
SOFT = ("shoulder", "collar")
WHOLE_T_SHIRT = [name for name in LandmarkName if name.split("-")[0] in {"neck", "armpit", "cuff", "hem"}]
SURE = 0.4  # confidence from which on a renderer may rely on a landmark


def milliseconds(work: Callable[[], object]) -> float:
    """Median time of a call."""
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return 1e3 * median(taken)


def times() -> dict[str, float]:
    """Milliseconds of every analyser and of the whole analysis."""
    garment = draw(Category.T_SHIRT, 1, long_side=LONG_SIDE, colours=3, tilt_deg=5)
    photo, alpha = garment.photo, garment.alpha
    model, _ = load_model()
    shape = outline.trace(alpha)
    frame = outline.upright_frame(shape)
    vector = describe(photo, shape, frame)
    analyser = PassportAnalyser()
    analyser.warm_up()
    return {
        "outline": milliseconds(lambda: outline.trace(alpha)),
        "upright frame": milliseconds(lambda: outline.upright_frame(shape)),
        "descriptor": milliseconds(lambda: describe(photo, shape, frame)),
        "category": milliseconds(lambda: model.guess(vector)),
        "landmarks": milliseconds(lambda: landmarks.find(photo, alpha, shape, frame, Category.T_SHIRT)),
        "palette": milliseconds(lambda: palette.extract(photo, alpha, CancelFlag())),
        "whole": milliseconds(lambda: analyser.analyse(photo, alpha, None, CancelFlag())),
    }


def peak_mb() -> float:
    """Peak resident memory of a fresh process that analyses one photo."""
    output = subprocess.run([sys.executable, __file__, "--worker"], capture_output=True, check=True, text=True).stdout
    return float(output)


def worker() -> None:
    """Body of the process whose memory is measured; the picture comes without drawing it at twice the size."""
    photo = np.random.default_rng(0).integers(90, 160, (LONG_SIDE, LONG_SIDE, 3), dtype=np.uint8)
    small = draw(Category.T_SHIRT, 1, long_side=256)
    alpha = np.asarray(Image.fromarray(small.alpha).resize((LONG_SIDE, LONG_SIDE)))
    PassportAnalyser().analyse(photo, alpha, None, CancelFlag())
    status = Path("/proc/self/status").read_text(encoding="ascii")
    print(int(status.split("VmHWM:")[1].split()[0]) / 1024)


def landmark_errors(garment: DrawnGarment, analyser: PassportAnalyser) -> tuple[list[float], list[float], int]:
    """Distances of corners and of soft points in per cent of the garment's height, and how many are missing."""
    found = analyser.analyse(garment.photo, garment.alpha, garment.category, CancelFlag()).landmarks
    corners: list[float] = []
    soft: list[float] = []
    for name, (x, y) in garment.landmarks.items():
        if name in found:
            apart = 100 * float(np.hypot(found[name].x - x, found[name].y - y)) / garment.height_px
            (soft if name.startswith(SOFT) else corners).append(apart)
    return corners, soft, len(garment.landmarks) - len(corners) - len(soft)


def palette_error(garment: DrawnGarment) -> float:
    """CIEDE2000 from each true colour to the nearest found one, weighted by the true shares."""
    found = palette.extract(garment.photo, garment.alpha, CancelFlag())
    truth = lab_of_srgb(np.array([srgb for srgb, _ in garment.colours], np.uint8))
    apart = ciede2000(truth[:, None], np.array([colour.lab for colour in found])[None]).min(axis=1)
    return float(np.dot(apart, [share for _, share in garment.colours]))


def drawn_rows() -> list[dict[str, object]]:
    """Accuracy on drawn garments, one row a category."""
    analyser = PassportAnalyser()
    rows: list[dict[str, object]] = []
    for category in DRAWN:
        garments = [
            draw(category, seed, tilt_deg=(7 * seed) % 41 - 20, colours=1 + seed % 3) for seed in range(GARMENTS)
        ]
        results = [landmark_errors(garment, analyser) for garment in garments]
        corners = np.concatenate([result[0] for result in results])
        soft = np.concatenate([result[1] for result in results])
        names = sum(len(garment.landmarks) for garment in garments)
        rows.append(
            {
                "category": category.value,
                "corner_mean": float(corners.mean()),
                "corner_p95": float(np.percentile(corners, 95)),
                "soft_mean": float(soft.mean()) if len(soft) else None,
                "missing": sum(result[2] for result in results) / names,
                "palette": float(np.mean([palette_error(garment) for garment in garments])),
            }
        )
    return rows


def real_t_shirts(photos: Path, masks: Path) -> dict[str, int]:
    """On how many real T-shirts all corners are found, and found surely."""
    analyser = PassportAnalyser()
    seen = whole = sure = 0
    for path in sorted(photos.glob("*/t-shirt/*.jpg")):
        mask = masks / f"{path.parent.parent.name}__t-shirt__{path.stem}.png"
        if not mask.exists():
            continue
        photo = decode(path.read_bytes()).rgb
        alpha = np.asarray(Image.open(mask).convert("L").resize(photo.shape[1::-1]))
        try:
            found = analyser.analyse(photo, alpha, Category.T_SHIRT, CancelFlag()).landmarks
        except FashquickError:
            found = {}
        seen += 1
        whole += all(name in found for name in WHOLE_T_SHIRT)
        sure += all(name in found and found[name].confidence >= SURE for name in WHOLE_T_SHIRT)
    return {"photos": seen, "whole": whole, "sure": sure}


def main() -> None:
    """Run as worker or print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--masks", type=Path, help="folder of masks of the photos in FASHQUICK_PHOTOS")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker()
        return
    photos = os.environ.get("FASHQUICK_PHOTOS")
    taken, peak, rows = times(), peak_mb(), drawn_rows()
    real = real_t_shirts(Path(photos), arguments.masks) if photos and arguments.masks else None
    if arguments.json:
        print(json.dumps({"ms": taken, "peak_mb": peak, "drawn": rows, "t_shirts": real}, indent=2))
        return
    print(f"milliseconds at {LONG_SIDE} px: " + ", ".join(f"{name} {value:.0f}" for name, value in taken.items()))
    print(f"peak memory of the process: {peak:.0f} MB")
    print("drawn garments, per cent of the height; palette in CIEDE2000")
    for row in rows:
        print(
            "  "
            + ", ".join(f"{k} {v:.2f}" if isinstance(v, float) else str(v) for k, v in row.items() if v is not None)
        )
    if real is None:
        print("real photos skipped: set FASHQUICK_PHOTOS and give --masks")
    else:
        print(f"{real['photos']} real T-shirts: all corners on {real['whole']}, all sure on {real['sure']}")


if __name__ == "__main__":
    main()
