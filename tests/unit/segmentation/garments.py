"""Photos of drawn garments with their true masks, made of numpy arrays and OpenCV's fills."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

HEIGHT, WIDTH = 560, 420
GROUNDS = ("planks", "carpet", "sheet")
SUPERSAMPLING = 4

_T_SHIRT = np.array(
    [
        *[(150, 90), (185, 112), (235, 112), (270, 90), (318, 108), (375, 200), (322, 232), (300, 192)],
        *[(304, 470), (116, 470), (120, 192), (98, 232), (45, 200), (102, 108)],
    ],
    np.float64,
)
_TROUSERS = np.array(
    [(130, 60), (290, 60), (322, 510), (244, 510), (210, 190), (176, 510), (98, 510)],
    np.float64,
)
OUTLINES = {"t-shirt": _T_SHIRT, "trousers": _TROUSERS}


def outline_mask(outline: NDArray[np.float64], height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.float32]:
    """Fill an outline; HxW float32, 0 to 1, antialiased."""
    large = np.zeros((height * SUPERSAMPLING, width * SUPERSAMPLING), np.uint8)
    cv2.fillPoly(large, [np.rint(outline * SUPERSAMPLING).astype(np.int32)], 255)
    return cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def ground(kind: str, rng: np.random.Generator, height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.float32]:
    """HxWx3 float32, 0 to 255."""
    grain = cv2.GaussianBlur(rng.normal(0, 1, (height, width)).astype(np.float32), (0, 0), 1.2) * 14
    if kind == "planks":
        along = cv2.GaussianBlur(rng.normal(0, 1, (height, width)).astype(np.float32), (0, 0), 1, sigmaY=30) * 60
        seams = np.where(np.arange(width) % 70 < 2, -50, 0)[np.newaxis]
        value = np.dstack([150 + along + seams, 108 + along + seams, 70 + along + seams])
    elif kind == "carpet":
        value = np.dstack([176 + 2 * grain, 168 + 2 * grain, 158 + 2 * grain])
    else:
        folds = cv2.GaussianBlur(rng.normal(0, 1, (height, width)).astype(np.float32), (0, 0), 25) * 300
        value = np.dstack([214 + folds, 210 + folds, 200 + folds])
    return (value + grain[..., np.newaxis]).astype(np.float32)


def stripes(
    light: tuple[int, int, int], dark: tuple[int, int, int], period: int, *, last_row: int
) -> NDArray[np.float32]:
    """Stripes across, a third of each period dark, with a dark one that ends at `last_row`; HxWx3 float32."""
    is_dark = ((last_row - np.arange(HEIGHT)) % period < period // 3)[:, np.newaxis, np.newaxis]
    rows = np.where(is_dark, np.array(dark, np.float32), np.array(light, np.float32))
    return np.broadcast_to(rows, (HEIGHT, WIDTH, 3))


def compose(
    mask: NDArray[np.float32],
    colour: tuple[int, int, int] | NDArray[np.float32],
    back: NDArray[np.float32],
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Lay cloth of one colour or of a colour each pixel, with folds, a shadow and noise, on a ground; HxWx3 uint8."""
    height, width = mask.shape
    folds = cv2.GaussianBlur(rng.normal(0, 1, (height, width)).astype(np.float32), (0, 0), 14, sigmaY=30)
    shade = 1 + 0.12 * folds / max(1e-6, float(np.abs(folds).max()))
    cloth = np.array(colour, np.float32) * shade[..., np.newaxis]
    shadow = cv2.GaussianBlur(np.roll(mask, (6, 5), (0, 1)), (0, 0), 5)[..., np.newaxis]
    picture = back * (1 - 0.35 * shadow)
    picture = picture * (1 - mask[..., np.newaxis]) + cloth * mask[..., np.newaxis]
    noisy = picture + rng.normal(0, 3, picture.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def photo_of(
    garment: str, colour: tuple[int, int, int], back: str, seed: int = 7
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A photo of a drawn garment and the pixels that it covers."""
    rng = np.random.default_rng(seed)
    mask = outline_mask(OUTLINES[garment])
    return compose(mask, colour, ground(back, rng), rng), mask > 0.5


def iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Intersection over union."""
    return float((a & b).sum() / (a | b).sum())


def off_outline(found: NDArray[np.bool_], truth: NDArray[np.bool_], tolerance_px: float) -> float:
    """Share of both outlines' pixels that are farther than `tolerance_px` from the other outline."""
    outlines = [
        cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3))) > 0 for mask in (found, truth)
    ]
    away = [cv2.distanceTransform((~outline).astype(np.uint8), cv2.DIST_L2, 5) for outline in outlines]
    return float(np.mean(np.concatenate([away[1][outlines[0]], away[0][outlines[1]]]) > tolerance_px))


def two_garments() -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.bool_]]:
    """A photo of a T-shirt with smaller trousers beside it, and the pixels of each."""
    rng = np.random.default_rng(5)
    large = outline_mask(OUTLINES["t-shirt"] * 0.55 + (0, 40))
    small = outline_mask(OUTLINES["trousers"] * 0.42 + (235, 200))
    photo = compose(large, (34, 50, 110), ground("carpet", rng), rng)
    photo = compose(small, (150, 30, 40), photo.astype(np.float32), rng)
    return photo, large > 0.5, small > 0.5
