"""Accuracy of landmarks on drawn garments, and how often they are found on real ones.

Run: python -m benchmarks.features_landmarks [--garments N] [--json]. Errors are distances in per cent of the
garment's height, mean and 95th percentile, under conditions that real photos have. With FASHQUICK_PHOTOS set to a
folder of SET/KIND/ID.jpg and --masks to a folder of SET__KIND__ID.png it also prints on what share of those photos
each landmark is found, and found surely.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image

from benchmarks.drawn import DrawnGarment, draw
from fashquick_common.errors import FashquickError
from fashquick_common.garment import Category, Landmark, LandmarkName
from fashquick_common.image import decode
from fashquick_features.shape import landmarks, outline

GARMENTS = 20  # drawn a category and condition
PHOTOS = 40  # real ones a category, the first by name
LONG_SIDE = 512
MAX_TILT = 25
SURE = 0.4  # confidence from which on a renderer may rely on a landmark
DRAWN: Final = (
    Category.T_SHIRT,
    Category.LONG_SLEEVE,
    Category.SLEEVELESS_TOP,
    Category.DRESS,
    Category.TROUSERS,
    Category.SHORTS,
    Category.SKIRT,
)
CREASES = 6
CREASE_DEPTH = 0.012  # of the garment's height
HOOK_WIDTH = 0.006
RAGGED = 2.5  # pixels by which a ragged mask's rim strays

_TOP: Final = ("neck-left", "shoulder-left", "armpit-left", "hem-left")
_SLEEVED: Final = (*_TOP, "cuff-left-upper", "cuff-left-lower")
_LEGGED: Final = ("waist-left", "hip-left", "crotch", "leg-left-outer", "leg-left-inner")
EXPECTED: Final = {
    Category.T_SHIRT: _SLEEVED,
    Category.LONG_SLEEVE: _SLEEVED,
    Category.DRESS: _TOP,
    Category.TROUSERS: _LEGGED,
    Category.SHORTS: _LEGGED,
    Category.SKIRT: ("waist-left", "hip-left", "hem-left"),
    Category.SHIRT: _SLEEVED,
}


def plain(garment: DrawnGarment, rng: np.random.Generator) -> DrawnGarment:
    """As drawn."""
    del rng
    return garment


def creased(garment: DrawnGarment, rng: np.random.Generator) -> DrawnGarment:
    """Narrow bays in the outline, where cloth folds under, away from the landmarks."""
    alpha = garment.alpha.copy()
    points = outline.trace(alpha).points
    corners = np.array(list(garment.landmarks.values()))
    apart = np.hypot(*(points[:, None] - corners[None]).transpose(2, 0, 1)).min(axis=1)
    places = rng.permutation(np.nonzero(apart > 0.08 * garment.height_px)[0])[:CREASES]
    for place in places:
        centre = np.round(points[place]).astype(int)
        cv2.circle(alpha, (int(centre[0]), int(centre[1])), max(2, round(CREASE_DEPTH * garment.height_px)), 0, -1)
    return replace(garment, alpha=alpha)


def on_hanger(garment: DrawnGarment, rng: np.random.Generator) -> DrawnGarment:
    """A hook left in the mask, over the top's middle."""
    del rng
    alpha = garment.alpha.copy()
    names = (
        ("neck-left", "neck-right") if LandmarkName.NECK_LEFT in garment.landmarks else ("waist-left", "waist-right")
    )
    one, two = (np.array(garment.landmarks[LandmarkName(name)]) for name in names)
    across = (one - two) / np.hypot(*(one - two))
    up = np.array([across[1], -across[0]])
    middle = 0.5 * (one + two) - 0.05 * garment.height_px * up
    tip = middle + 0.15 * garment.height_px * up
    ends = [tuple(int(value) for value in np.round(place)) for place in (middle, tip)]
    cv2.line(alpha, ends[0], ends[1], 255, max(1, round(HOOK_WIDTH * garment.height_px)))
    return replace(garment, alpha=alpha)


def soft(garment: DrawnGarment, rng: np.random.Generator) -> DrawnGarment:
    """A mask with a wide, soft rim."""
    del rng
    return replace(garment, alpha=np.asarray(cv2.GaussianBlur(garment.alpha, (0, 0), 4.0), np.uint8))


def ragged(garment: DrawnGarment, rng: np.random.Generator) -> DrawnGarment:
    """A mask whose rim strays by pixels, as segmenters' do on hairy cloth."""
    inside = (garment.alpha >= outline.OPAQUE).astype(np.uint8)
    signed = cv2.distanceTransform(inside, cv2.DIST_L2, 5) - cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    noise = cv2.GaussianBlur(rng.normal(0, 1, inside.shape).astype(np.float32), (0, 0), 3.0)
    strays = signed + RAGGED * noise / float(noise.std())
    return replace(garment, alpha=np.where(strays > 0, 255, 0).astype(np.uint8))


def sleeve_folded(garment: DrawnGarment, rng: np.random.Generator) -> DrawnGarment:
    """One sleeve folded behind the body at half its length: its cuff is not to be seen."""
    del rng
    truth = {name.value: np.array(place) for name, place in garment.landmarks.items()}
    if "cuff-left-upper" not in truth:
        return garment
    seam = [
        0.5 * (truth[a] + truth[b])
        for a, b in (("shoulder-left", "cuff-left-upper"), ("armpit-left", "cuff-left-lower"))
    ]
    beyond = [
        2 * (truth[name] - half) + half for name, half in zip(("cuff-left-upper", "cuff-left-lower"), seam, strict=True)
    ]
    alpha = garment.alpha.copy()
    cv2.fillPoly(alpha, [np.round([seam[0], beyond[0], beyond[1], seam[1]]).astype(np.int32)], 0)
    left = {name: place for name, place in garment.landmarks.items() if not name.value.startswith("cuff-left")}
    return replace(garment, alpha=alpha, landmarks=left)


Condition = Callable[[DrawnGarment, np.random.Generator], DrawnGarment]
CONDITIONS: Final[dict[str, Condition]] = {
    "plain": plain,
    "turned": plain,
    "small": plain,
    "creased": creased,
    "on hanger": on_hanger,
    "soft mask": soft,
    "ragged mask": ragged,
    "sleeve folded": sleeve_folded,
}


def conditioned(category: Category, condition: str, seed: int) -> DrawnGarment:
    """Draw a garment under one of `CONDITIONS`."""
    tilt = float((7 * seed) % (2 * MAX_TILT + 1) - MAX_TILT) if condition == "turned" else 0.0
    garment = draw(category, seed, long_side=200 if condition == "small" else LONG_SIDE, tilt_deg=tilt)
    return CONDITIONS[condition](garment, np.random.default_rng(seed))


def find(garment: DrawnGarment) -> dict[LandmarkName, Landmark]:
    """Landmarks of a drawn garment."""
    shape = outline.trace(garment.alpha)
    return landmarks.find(garment.photo, garment.alpha, shape, outline.upright_frame(shape), garment.category)


def errors(garment: DrawnGarment) -> tuple[list[float], int]:
    """Distances of the found landmarks in per cent of the garment's height, and how many are missing."""
    found = find(garment)
    apart = [
        100 * float(np.hypot(found[name].x - x, found[name].y - y)) / garment.height_px
        for name, (x, y) in garment.landmarks.items()
        if name in found
    ]
    return apart, len(garment.landmarks) - len(apart)


def drawn_rows(count: int) -> list[dict[str, object]]:
    """One row a category and condition."""
    rows: list[dict[str, object]] = []
    for category in DRAWN:
        for condition in CONDITIONS:
            if condition == "sleeve folded" and category not in {Category.T_SHIRT, Category.LONG_SLEEVE}:
                continue
            garments = [conditioned(category, condition, seed) for seed in range(count)]
            results = [errors(garment) for garment in garments]
            apart = np.concatenate([result[0] for result in results])
            rows.append(
                {
                    "category": category.value,
                    "condition": condition,
                    "mean": round(float(apart.mean()), 2),
                    "p95": round(float(np.percentile(apart, 95)), 2),
                    "missing": round(sum(r[1] for r in results) / sum(len(g.landmarks) for g in garments), 3),
                }
            )
    return rows


def real_rows(photos: Path, masks: Path) -> list[dict[str, object]]:
    """One row a category and landmark of it: photos, share on which it is found, share on which it is sure."""
    rows: list[dict[str, object]] = []
    for category, names in EXPECTED.items():
        seen, counts = 0, defaultdict[str, list[int]](lambda: [0, 0])
        for path in sorted(photos.glob(f"*/{category.value}/*.jpg"))[:PHOTOS]:
            mask = masks / f"{path.parent.parent.name}__{category.value}__{path.stem}.png"
            if not mask.exists():
                continue
            photo = decode(path.read_bytes()).rgb
            alpha = np.asarray(Image.open(mask).convert("L").resize(photo.shape[1::-1]))
            try:
                outline.check_alpha(alpha, *photo.shape[:2])
                shape = outline.trace(alpha)
            except FashquickError:
                continue
            found = landmarks.find(photo, alpha, shape, outline.upright_frame(shape), category)
            seen += 1
            for name in names:
                point = found.get(LandmarkName(name))
                counts[name][0] += point is not None
                counts[name][1] += point is not None and point.confidence >= SURE
        rows += [
            {
                "category": category.value,
                "landmark": name,
                "photos": seen,
                "found": round(counts[name][0] / max(seen, 1), 2),
                "sure": round(counts[name][1] / max(seen, 1), 2),
            }
            for name in names
        ]
    return rows


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--garments", type=int, default=GARMENTS, help="drawn garments a category and condition")
    parser.add_argument("--masks", type=Path, help="folder of masks of the photos in FASHQUICK_PHOTOS")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    arguments = parser.parse_args()
    photos = os.environ.get("FASHQUICK_PHOTOS")
    drawn = drawn_rows(arguments.garments)
    real = real_rows(Path(photos), arguments.masks) if photos and arguments.masks else []
    if arguments.json:
        print(json.dumps({"drawn": drawn, "real": real}, indent=2))
        return
    print("drawn garments, per cent of the height")
    for row in drawn:
        print("  " + ", ".join(f"{key} {value}" for key, value in row.items()))
    if not real:
        print("real photos skipped: set FASHQUICK_PHOTOS and give --masks")
    for row in real:
        print("  " + ", ".join(f"{key} {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
