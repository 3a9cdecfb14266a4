"""Seams, pockets, buttons and bands: what is on clothes and makes no pattern."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.drawn.colours import Colour, colour
from benchmarks.drawn.shapes import BOTTOMS, Placement, Points
from fashquick_common.garment import Category

SEAM_LIGHT = 0.78  # light on a seam


class Trimmings:
    """What one garment has."""

    def __init__(self, category: Category, base: Colour, rng: np.random.Generator) -> None:
        """Choose them.

        Args:
            category: The garment's.
            base: Its colour.
            rng: Decides.
        """
        bottoms = category in BOTTOMS
        self._bottoms = bottoms
        self._seams = rng.random() < 0.6
        self._placket = rng.random() < (0.12 if bottoms else 0.3)
        self._buttons = colour(rng) if rng.random() < 0.6 else base
        self._count = int(rng.integers(4, 9))
        self._pockets = rng.random() < (0.5 if bottoms else 0.2)
        self._band = rng.random() < 0.15
        self._band_colour = colour(rng) if rng.random() < 0.6 else base

    def paint(
        self, surface: npt.NDArray[np.uint8], light: npt.NDArray[np.float64], named: dict[str, Points], place: Placement
    ) -> None:
        """Draw them.

        Args:
            surface: HxWx3 uint8, the cloth; changed.
            light: HxW, the light on it; changed.
            named: The garment's corners in garment units.
            place: Takes them to pixels.
        """
        thin = max(1, round(0.004 * place.unit))
        for points in self._lines(named):
            drawn = np.zeros(light.shape, np.uint8)
            cv2.polylines(drawn, [np.round(place(points) * 16).astype(np.int32)], False, 255, thin, shift=4)
            light[drawn > 0] *= SEAM_LIGHT
        if self._placket and not self._bottoms:
            for v in np.linspace(0.12, 0.9, self._count):
                self._dot(surface, place(np.array([[0.0, v]]))[0], 0.011 * place.unit)
        if self._band and "neck-left" in named:
            ring = place(
                np.array(
                    [
                        named["neck-left"],
                        (named["neck-left"] + named["neck-right"]) / 2 + (0, 0.03),
                        named["neck-right"],
                    ]
                )
            )
            width = max(1, round(0.03 * place.unit))
            cv2.polylines(surface, [np.round(ring * 16).astype(np.int32)], False, self._band_colour, width, shift=4)

    def _lines(self, named: dict[str, Points]) -> list[Points]:
        """What is sewn, in garment units."""
        lines: list[Points] = []
        if self._seams:
            ends = [(f"shoulder-{side}", f"armpit-{side}") for side in ("left", "right")]
            lines += [np.array([named[top], named[end]]) for top, end in ends if top in named and end in named]
            lines += [np.array([[-1.0, v], [1.0, v]]) for v in ((0.06, 0.965) if self._bottoms else (0.965,))]
        if self._pockets:
            lines += self._pocket_lines()
        if self._placket:
            lines += [np.array([[x, 0.0], [x, 0.2 if self._bottoms else 1.0]]) for x in (-0.022, 0.022)]
        return lines

    def _pocket_lines(self) -> list[Points]:
        if self._bottoms:
            return [np.array([[side * 0.06, 0.07], [side * 0.16, 0.18]]) for side in (-1.0, 1.0)]
        corners = np.array([[0.07, 0.25], [0.2, 0.25], [0.2, 0.38], [0.135, 0.4], [0.07, 0.38], [0.07, 0.25]])
        return [corners]

    def _dot(self, surface: npt.NDArray[np.uint8], centre: Points, radius: float) -> None:
        middle = (round(float(centre[0]) * 16), round(float(centre[1]) * 16))
        cv2.circle(surface, middle, max(16, round(radius * 16)), self._buttons, -1, shift=4)
