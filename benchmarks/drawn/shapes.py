"""Silhouettes of drawn garments, and where they stand in the picture."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from fashquick_common.garment import Category

Points = npt.NDArray[np.float64]
Plane = npt.NDArray[np.uint8]
Corners = list[tuple[str, float, float]]

NECKED = (Category.T_SHIRT, Category.LONG_SLEEVE)  # drawn with the inside of the back over the front neckline
BOTTOMS = (Category.TROUSERS, Category.SHORTS, Category.SKIRT)
FILL = 0.86  # part of the picture's side that the garment's longer side takes


def half(category: Category, rng: np.random.Generator) -> Corners:
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


def close(half: Corners, jitter: float, rng: np.random.Generator) -> Corners:
    """Both halves, jittered apart, clockwise from the wearer's right neck or waist."""
    moved = [(name, u + rng.normal(0, jitter / 2), v + rng.normal(0, jitter / 2)) for name, u, v in half]
    other = [(name, -u + rng.normal(0, jitter / 2), v + rng.normal(0, jitter / 2)) for name, u, v in half]
    left = [(_sided(name, "left") if name and name != "crotch" else name, u, v) for name, u, v in moved]
    right = [(_sided(name, "right") if name else name, u, v) for name, u, v in other if name != "crotch"]
    return left + right[::-1]


def mid_depth(category: Category, rng: np.random.Generator) -> float:
    """How far the top edge sags between the neck points or the waist's corners."""
    return float(rng.uniform(0.015, 0.03)) if category not in (Category.TROUSERS, Category.SHORTS) else 0.0


def curve(corners: Corners, sag: float) -> tuple[Points, dict[str, Points]]:
    """Outline polygon with a sagging top edge, and the named corners."""
    named = {name: np.array([u, v]) for name, u, v in corners if name}
    ring = np.array([[u, v] for _, u, v in corners])
    along = np.linspace(0, 1, 12)[1:-1, None]
    last, first = ring[-1], ring[0]
    top = last + along * (first - last) + np.array([0.0, 1.0]) * (4 * along * (1 - along)) * sag
    return np.vstack([ring, top]), named


def neck_opening(named: dict[str, Points], sag: float, depth: float) -> Points:
    """What is seen of the back's inside: between the outline's sagging edge and the front's rounder one."""
    across = (named["neck-left"] - named["neck-right"]) / 2
    middle = (named["neck-left"] + named["neck-right"]) / 2
    x = np.linspace(-1, 1, 25)[:, None]
    back = middle + x * across + np.array([0.0, 1.0]) * (1 - x**2) * sag
    front = middle - x * across + np.array([0.0, 1.0]) * np.sqrt(1 - x**2) * depth
    return np.vstack([back, front])


def filled(polygon: Points, size: int) -> Plane:
    """255 inside a polygon of pixel positions, 0 elsewhere."""
    mask = np.zeros((size, size), np.uint8)
    cv2.fillPoly(mask, [np.round((polygon - 0.5) * 16).astype(np.int32)], 255, shift=4)
    return mask


class Placement:
    """Similarity transform from garment units to pixels of the supersampled picture."""

    def __init__(
        self, outline: Points, size: int, tilt: float, fill: float = FILL, off: tuple[float, float] = (0.0, 0.0)
    ) -> None:
        """Place a garment.

        Args:
            outline: Nx2, garment units.
            size: Side of the picture in pixels.
            tilt: Clockwise turn in radians.
            fill: Part of the side that the garment's longer side takes, 0 to 1.
            off: Where in the room left over, -1 to 1 each way; 0 is the middle.
        """
        cos, sin = np.cos(tilt), np.sin(tilt)
        self.turn = np.array([[cos, sin], [-sin, cos]])
        turned = outline @ self.turn
        extent = np.ptp(turned, axis=0)
        self.unit = fill * size / float(extent.max())
        room = (size - self.unit * extent) / 2
        middle = self.unit * (turned.min(axis=0) + turned.max(axis=0)) / 2
        self.shift = size / 2 - middle + room * np.asarray(off)

    def __call__(self, points: Points) -> Points:
        """Nx2 garment units to pixels."""
        return np.asarray(points @ self.turn * self.unit + self.shift)

    def units(self, size: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Garment units u and v (size x size each) of every pixel."""
        ys, xs = np.mgrid[0:size, 0:size]
        placed = (np.stack([xs, ys], axis=-1) - self.shift) / self.unit @ self.turn.T
        return placed[..., 0], placed[..., 1]
