from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from fashquick_common.garment import Category, LandmarkName

SCRIPT = Path(__file__).parents[3] / "scripts" / "draw_samples.py"
NAMES = ("striped-emblem", "white-wordmark", "green-mountains")


def draw(folder: Path, *options: str) -> Path:
    subprocess.run([sys.executable, str(SCRIPT), str(folder), *options], check=True, capture_output=True)
    return folder


def load(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray, dict]:
    photo = np.asarray(Image.open(folder / f"{name}.jpg"))
    mask = np.asarray(Image.open(folder / f"{name}.mask.png")) > 127
    return photo, mask, json.loads((folder / f"{name}.json").read_text())


def test_every_sample_is_a_photo_a_mask_and_a_truth(samples: Path) -> None:
    names = {path.name for path in samples.iterdir()}
    assert names == {f"{name}{end}" for name in NAMES for end in (".jpg", ".json", ".mask.png")}


def test_the_same_seed_draws_the_same_files_and_another_does_not(samples: Path, tmp_path: Path) -> None:
    again = draw(tmp_path / "again", "--seed", "7", "--only", NAMES[1])
    other = draw(tmp_path / "other", "--seed", "8", "--only", NAMES[1])

    files = sorted(again.iterdir())
    assert len(files) == 3
    for path in files:
        assert path.read_bytes() == (samples / path.name).read_bytes(), path.name
        assert path.read_bytes() != (other / path.name).read_bytes(), path.name


@pytest.mark.parametrize("name", NAMES)
def test_the_mask_is_where_the_picture_changes(samples: Path, name: str) -> None:
    photo, mask, truth = load(samples, name)

    assert photo.shape == (*mask.shape, 3)
    assert photo.shape[:2] == (truth["height"], truth["width"])
    assert 0.25 < mask.mean() < 0.6
    lab = cv2.cvtColor(photo.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    change = np.linalg.norm(np.gradient(cv2.GaussianBlur(lab, (0, 0), 1.5), axis=(0, 1)), axis=(0, 3))
    inside = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    rim = np.median(change[(inside > 0) & (inside <= 2)])
    assert rim > 3 * np.median(change[(outside > 25) & (outside < 60)])
    assert rim > 3 * np.median(change[inside > 25])


@pytest.mark.parametrize("name", NAMES)
def test_landmarks_lie_on_the_outline(samples: Path, name: str) -> None:
    _, mask, truth = load(samples, name)
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(contours, key=len)

    assert truth["category"] == Category.T_SHIRT.value
    points = {LandmarkName(key): value for key, value in truth["landmarks"].items()}
    assert len(points) == 13
    for key, (x, y) in points.items():
        distance = cv2.pointPolygonTest(outline, (x - 0.5, y - 0.5), measureDist=True)
        if key is LandmarkName.COLLAR_BOTTOM:
            assert distance > 40
        else:
            assert abs(distance) < 8, key
    for part in ("neck", "shoulder", "armpit", "hem"):
        assert points[LandmarkName(f"{part}-left")][0] > points[LandmarkName(f"{part}-right")][0]
    assert points[LandmarkName.NECK_LEFT][1] < points[LandmarkName.COLLAR_BOTTOM][1]


@pytest.mark.parametrize("name", NAMES)
def test_the_palette_is_what_the_picture_shows(samples: Path, name: str) -> None:
    photo, mask, truth = load(samples, name)
    colours = np.array([entry["srgb"] for entry in truth["palette"]], np.float32)
    shares = np.array([entry["share"] for entry in truth["palette"]])

    assert abs(shares.sum() - 1) < 1e-3
    assert list(shares) == sorted(shares, reverse=True)
    as_lab = lambda rgb: cv2.cvtColor(rgb[None] / np.float32(255), cv2.COLOR_RGB2Lab)[0]  # noqa: E731 - used twice below
    pixels, wanted = as_lab(photo[mask].astype(np.float32)), as_lab(colours)
    nearest = np.linalg.norm(pixels[:, None] - wanted[None], axis=2)
    seen = np.bincount(nearest.argmin(axis=1), minlength=len(colours)) / len(pixels)
    assert np.abs(seen - shares).max() < 0.05
    assert np.median(nearest.min(axis=1)) < 15
