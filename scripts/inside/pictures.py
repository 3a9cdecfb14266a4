"""Labelled garments turned upright, and the pictures that the network learns from."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fashquick_common.image.decode import decode
from fashquick_features.recognition.network import GREY
from fashquick_features.shape import outline
from fashquick_features.shape.inside import HEIGHT, WIDTH, canvas, upper_part

ROOT = Path(__file__).resolve().parents[2]
LABELS = ROOT / "benchmarks/data/inside_areas.csv"
STORED_WIDTH = 384
"""Pixels of what is stored: turned and cut from it a picture still has `WIDTH` pixels of detail."""
TURN_DEG = 5.0
SCALE = (0.9, 1.15)
SHIFT = 0.06

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Labelled:
    """One garment's upper part.

    Attributes:
        photo: SET/FOLDER/ID.
        rgb: HxSTORED_WIDTHx3 uint8.
        alpha: HxSTORED_WIDTH uint8.
        inside: Likewise, 255 where the label says inside.
    """

    photo: str
    rgb: Picture
    alpha: Picture
    inside: Picture


def read_labels() -> dict[str, list[NDArray[np.float64]]]:
    """Polygons (Nx2, pixels of the photo) of every labelled photo; none where only the outside is seen."""
    found: dict[str, list[NDArray[np.float64]]] = {}
    with LABELS.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            areas = found.setdefault(row["photo"], [])
            if row["polygon"]:
                areas.append(np.array([point.split(",") for point in row["polygon"].split()], np.float64))
    return found


def labelled(photos: Path, masks: Path) -> Iterator[Labelled]:
    """Read all labelled garments.

    Args:
        photos: Folder of SET/FOLDER/ID.jpg.
        masks: Folder of SET__FOLDER__ID.png.
    """
    for photo, areas in read_labels().items():
        rgb = decode((photos / f"{photo}.jpg").read_bytes()).rgb
        mask = cv2.imread(str(masks / f"{photo.replace('/', '__')}.png"), cv2.IMREAD_GRAYSCALE)
        if mask is None:
            raise FileNotFoundError(f"there is no mask of {photo} in {masks}")
        alpha = np.asarray(mask, np.uint8)
        inside = np.zeros(alpha.shape, np.uint8)
        for area in areas:
            cv2.fillPoly(inside, [np.round(area * 16 - 8).astype(np.int32)], 255, shift=4)
        shape = outline.trace(alpha)
        frame = outline.upright_frame(shape)
        view, marked = (upper_part(rgb, plane, shape.points, frame, STORED_WIDTH) for plane in (alpha, inside))
        yield Labelled(photo, *(canvas(plane, STORED_WIDTH) for plane in (view.rgb, view.alpha, marked.alpha)))


def varied(one: Labelled, rng: np.random.Generator) -> tuple[Picture, Picture, Picture]:
    """A changed picture with its alpha and its label: turned, scaled, mirrored, in other light and dyes."""
    turn = np.deg2rad(rng.normal(0, TURN_DEG))
    scale = float(rng.uniform(*SCALE)) * WIDTH / STORED_WIDTH
    stretch = np.exp(rng.uniform(-0.1, 0.1) * np.array([1, -1]))
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * stretch
    if rng.random() < 0.5:
        linear[:, 0] *= -1
    anchor = np.array([0.5, 0.1])
    shift = (anchor + rng.uniform(-SHIFT, SHIFT, 2)) * WIDTH - linear @ (anchor * STORED_WIDTH)
    matrix, size = np.column_stack([linear, shift]), (WIDTH, HEIGHT)
    rgb = np.asarray(cv2.warpAffine(one.rgb, matrix, size, borderValue=(GREY, GREY, GREY)), np.float32)
    alpha = np.asarray(cv2.warpAffine(one.alpha, matrix, size), np.uint8)
    inside = np.asarray(cv2.warpAffine(one.inside, matrix, size), np.uint8)
    if rng.random() < 0.3:
        edge = int(rng.integers(2, 6))
        alpha = np.asarray((cv2.erode if rng.random() < 0.5 else cv2.dilate)(alpha, np.ones((edge, edge), np.uint8)))
    share = alpha[..., None].astype(np.float32) / 255
    mixed = _relit(rgb, rng) * share + GREY * (1 - share)
    if rng.random() < 0.2:
        mixed = cv2.GaussianBlur(mixed, (0, 0), float(rng.uniform(0.4, 1.1)))
    mixed += rng.normal(0, float(rng.uniform(0, 5)), mixed.shape).astype(np.float32)
    return np.asarray(mixed.clip(0, 255), np.uint8), alpha, inside


def _relit(rgb: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """In other light; every third in other dyes: hue turned, or negative."""
    gain = np.exp(rng.normal(0, 0.08, 3) + rng.normal(0, 0.2)).astype(np.float32)
    contrast, offset = float(np.exp(rng.normal(0, 0.15))), float(rng.normal(0, 8))
    middle = float(rgb.mean())
    out = ((rgb * gain - middle) * contrast + middle + offset).clip(0, 255)
    if rng.random() < 0.33:
        out = out[..., rng.permutation(3)]
    return np.asarray(out, np.float32)
