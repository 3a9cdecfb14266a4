"""Garments drawn from known corners and colours: ground truth for landmarks and palette.

Tests and benchmarks draw from here, so that both judge the same garments. Lengths are in units of the height
from the neck to the hem; left is the wearer's, the right of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from fashquick_common.garment import Category, LandmarkName

Points = npt.NDArray[np.float64]
Colour = tuple[int, int, int]
Corners = list[tuple[str, float, float]]

SUPERSAMPLING = 2  # the picture is drawn this much larger and averaged, for soft rims
GROUND: Colour = (196, 182, 160)

NECKED = (Category.T_SHIRT, Category.LONG_SLEEVE)  # drawn with the inside of the back over the front neckline
INSIDE_LIGHT = 0.72  # light on it, as a part of the light outside

COLOURS: tuple[Colour, ...] = (
    (30, 36, 70),
    (200, 36, 44),
    (240, 240, 238),
    (28, 28, 30),
    (84, 140, 96),
    (236, 196, 70),
    (128, 128, 132),
    (176, 150, 200),
)


@dataclass(frozen=True, slots=True)
class DrawnGarment:
    """A picture of a garment and what is true of it.

    Attributes:
        category: What was drawn.
        photo: HxWx3 uint8, sRGB, with folds and noise.
        alpha: HxW uint8, soft at the rim.
        landmarks: Positions (x, y) in pixels.
        colours: sRGB and share of the area of each colour, before folds and noise.
        height_px: Height of the upright garment in pixels.
    """

    category: Category
    photo: npt.NDArray[np.uint8]
    alpha: npt.NDArray[np.uint8]
    landmarks: dict[LandmarkName, tuple[float, float]]
    colours: tuple[tuple[Colour, float], ...]
    height_px: float


def draw(
    category: Category,
    seed: int,
    *,
    long_side: int = 512,
    tilt_deg: float = 0.0,
    colours: int = 1,
    folds: float = 0.12,
    jitter: float = 0.012,
) -> DrawnGarment:
    """Draw a garment.

    Args:
        category: T_SHIRT, LONG_SLEEVE, SLEEVELESS_TOP, DRESS, TROUSERS, SHORTS or SKIRT.
        seed: Decides proportions, colours and folds.
        long_side: Side of the square picture in pixels.
        tilt_deg: Clockwise turn.
        colours: Number of colours, drawn as stripes of different widths.
        folds: Standard deviation of the light's changes, as a part of the light.
        jitter: How far the corners stray from mirror symmetry.

    Returns:
        The picture and its truth.
    """
    rng = np.random.default_rng([seed, len(category.value)])
    left = _half(category, rng)
    corners = _close(left, jitter, rng)
    sag = _mid_depth(category, rng)
    outline, named = _curve(corners, sag)
    size = long_side * SUPERSAMPLING
    place = _Placement(outline, size, np.deg2rad(tilt_deg))
    mask = _filled(place(outline), size)
    picked = [COLOURS[index] for index in rng.permutation(len(COLOURS))[:colours]]
    label = _stripes(place, size, colours, rng)
    light = _light(size, folds, rng)
    cloth = np.array(picked, np.uint8)[label]
    shares = [float(np.mean(label[mask > 127] == index)) for index in range(colours)]
    if category in NECKED:
        depth = float(rng.uniform(0.07, 0.12))
        inside = place(_neck_opening(named, sag, depth))
        light = np.where(_filled(inside, size) > 0, INSIDE_LIGHT * light, light)
        named["collar-bottom"] = (named["neck-left"] + named["neck-right"]) / 2 + (0.0, depth)
    shaded = np.where(mask[..., None] > 127, _shade(cloth, light), np.array(GROUND, np.uint8))
    small = cv2.resize(shaded, (long_side, long_side), interpolation=cv2.INTER_AREA).astype(np.float64)
    noisy = np.clip(np.round(small + rng.normal(0, 2.0, small.shape)), 0, 255).astype(np.uint8)
    alpha = np.asarray(cv2.resize(mask, (long_side, long_side), interpolation=cv2.INTER_AREA), np.uint8)
    truth = {
        LandmarkName(name): (float(x), float(y))
        for name, (x, y) in zip(named, place(np.array(list(named.values()))) / SUPERSAMPLING, strict=True)
    }
    height = float(np.ptp(outline[:, 1])) * place.unit / SUPERSAMPLING
    return DrawnGarment(category, noisy, alpha, truth, tuple(zip(picked, shares, strict=True)), height)


def _half(category: Category, rng: np.random.Generator) -> Corners:
    """Corners of the wearer's left half, from the top centre clockwise; names without a side."""

    def vary(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    if category in (Category.T_SHIRT, Category.LONG_SLEEVE):
        short = category is Category.T_SHIRT
        slope = np.deg2rad(vary(30, 50) if short else vary(40, 66))
        length, end = (vary(0.22, 0.32), vary(0.16, 0.20)) if short else (vary(0.62, 0.8), vary(0.09, 0.12))
        chest, shoulder = vary(0.32, 0.40), (vary(0.29, 0.33), vary(0.05, 0.08))
        armpit = (chest, vary(0.32, 0.38))
        upper = (shoulder[0] + length * np.cos(slope), shoulder[1] + length * np.sin(slope))
        lower = (upper[0] - end * np.sin(slope), upper[1] + end * np.cos(slope))
        return [
            ("neck", vary(0.11, 0.16), 0.0),
            ("shoulder", *shoulder),
            ("cuff-upper", *upper),
            ("cuff-lower", max(lower[0], chest + 0.05), lower[1]),
            ("armpit", *armpit),
            ("hem", chest + vary(-0.02, 0.03), 1.0),
        ]
    if category in (Category.SLEEVELESS_TOP, Category.DRESS):
        top = category is Category.SLEEVELESS_TOP
        chest = vary(0.33, 0.38) if top else vary(0.21, 0.25)
        drop = vary(0.33, 0.38) if top else vary(0.2, 0.24)
        strap = chest * vary(0.72, 0.8)
        return [
            ("neck", strap * 0.6, 0.0),
            ("shoulder", strap, 0.02),
            ("", strap * 1.0, drop * 0.6),
            ("armpit", chest, drop),
            ("hem", chest + (vary(0.0, 0.05) if top else vary(0.1, 0.2)), 1.0),
        ]
    if category in (Category.TROUSERS, Category.SHORTS):
        short = category is Category.SHORTS
        waist = vary(0.17, 0.2) if not short else vary(0.42, 0.5)
        out = waist * vary(1.25, 1.5)
        return [
            ("waist", waist, 0.0),
            ("leg-outer", out, 0.97),
            ("leg-inner", out - waist * vary(0.6, 0.75), 1.0),
            ("crotch", 0.0, vary(0.6, 0.7) if short else vary(0.3, 0.36)),
        ]
    if category is Category.SKIRT:
        waist = vary(0.28, 0.36)
        return [("waist", waist, 0.0), ("hem", waist * vary(1.3, 1.9), 1.0)]
    raise ValueError(f"{category.value} is not drawn here")


def _sided(name: str, side: str) -> str:
    stem, _, corner = name.partition("-")
    return "-".join(part for part in (stem, side, corner) if part)


def _close(half: Corners, jitter: float, rng: np.random.Generator) -> Corners:
    """Both halves, jittered apart, clockwise from the wearer's right neck or waist."""
    moved = [(name, u + rng.normal(0, jitter / 2), v + rng.normal(0, jitter / 2)) for name, u, v in half]
    other = [(name, -u + rng.normal(0, jitter / 2), v + rng.normal(0, jitter / 2)) for name, u, v in half]
    left = [(_sided(name, "left") if name and name != "crotch" else name, u, v) for name, u, v in moved]
    right = [(_sided(name, "right") if name else name, u, v) for name, u, v in other if name != "crotch"]
    return left + right[::-1]


def _mid_depth(category: Category, rng: np.random.Generator) -> float:
    """How far the top edge sags between the neck points or the waist's corners."""
    return float(rng.uniform(0.015, 0.03)) if category not in (Category.TROUSERS, Category.SHORTS) else 0.0


def _curve(corners: Corners, sag: float) -> tuple[Points, dict[str, Points]]:
    """Outline polygon with a sagging top edge, and the named corners."""
    named = {name: np.array([u, v]) for name, u, v in corners if name}
    ring = np.array([[u, v] for _, u, v in corners])
    along = np.linspace(0, 1, 12)[1:-1, None]
    last, first = ring[-1], ring[0]
    top = last + along * (first - last) + np.array([0.0, 1.0]) * (4 * along * (1 - along)) * sag
    return np.vstack([ring, top]), named


def _neck_opening(named: dict[str, Points], sag: float, depth: float) -> Points:
    """What is seen of the back's inside: between the outline's sagging edge and the front's rounder one."""
    across = (named["neck-left"] - named["neck-right"]) / 2
    middle = (named["neck-left"] + named["neck-right"]) / 2
    x = np.linspace(-1, 1, 25)[:, None]
    back = middle + x * across + np.array([0.0, 1.0]) * (1 - x**2) * sag
    front = middle - x * across + np.array([0.0, 1.0]) * np.sqrt(1 - x**2) * depth
    return np.vstack([back, front])


def _filled(polygon: Points, size: int) -> npt.NDArray[np.uint8]:
    """255 inside a polygon of pixel positions, 0 elsewhere."""
    mask = np.zeros((size, size), np.uint8)
    cv2.fillPoly(mask, [np.round((polygon - 0.5) * 16).astype(np.int32)], 255, shift=4)
    return mask


class _Placement:
    """Similarity transform from garment units to pixels of the supersampled picture."""

    def __init__(self, outline: Points, size: int, tilt: float) -> None:
        cos, sin = np.cos(tilt), np.sin(tilt)
        self.turn = np.array([[cos, sin], [-sin, cos]])
        turned = outline @ self.turn
        self.unit = 0.86 * size / float(np.ptp(turned, axis=0).max())
        self.shift = size / 2 - self.unit * (turned.min(axis=0) + turned.max(axis=0)) / 2

    def __call__(self, points: Points) -> Points:
        return points @ self.turn * self.unit + self.shift


def _stripes(place: _Placement, size: int, colours: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Colour index of every pixel: stripes across the garment, the first colour the widest."""
    ys, xs = np.mgrid[0:size, 0:size]
    height = ((np.stack([xs, ys], axis=-1) - place.shift) / place.unit @ place.turn.T)[..., 1]
    widths = np.array([1.0, *rng.uniform(0.3, 0.8, colours - 1)])
    edges = np.cumsum(widths) / widths.sum()
    return np.searchsorted(edges, np.mod(height / 0.24, 1.0), side="right").clip(0, colours - 1)


def _light(size: int, folds: float, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Smooth changes of light around 1."""
    coarse = rng.normal(0, 1, (12, 12)).astype(np.float32)
    field = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC).astype(np.float64)
    return np.asarray(np.clip(1 + folds * (field - field.mean()) / field.std(), 0.3, 1.2))


def _shade(cloth: npt.NDArray[np.uint8], light: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Multiply linear light, with gamma 2.2 as a near enough stand-in for the sRGB curve."""
    return np.clip(np.round(cloth * light[..., None] ** (1 / 2.2)), 0, 255).astype(np.uint8)
