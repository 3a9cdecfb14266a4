"""The sewing pattern: what every kind of garment is cut to before it is sewn, and how it lies in the photo."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np

from fashquick_common.garment import Neckline
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut.collar import Collar
from fashquick_generation.studio.cut.outline import Outline


class Family(StrEnum):
    """Garments that are placed on the body in the same way."""

    TOP = "top"
    """Hangs from the shoulders: shirts, jackets, coats, vests, dresses."""
    SKIRT = "skirt"
    TROUSERS = "trousers"


class Role(StrEnum):
    """What a stretch of the border is once the garment is worn."""

    NECK = "neck"
    SHOULDER = "shoulder"
    """From the neck to the sleeve's end, or to the armhole of a garment without sleeves."""
    CUFF = "cuff"
    ARMHOLE = "armhole"
    UNDERARM = "underarm"
    SIDE = "side"
    HEM = "hem"
    WAIST = "waist"
    INSEAM = "inseam"


SEWN = frozenset({Role.SHOULDER, Role.UNDERARM, Role.SIDE, Role.INSEAM})
"""Stretches where front and back are sewn together; the others are openings."""


class Side(StrEnum):
    """Half of the garment; left is the wearer's."""

    LEFT = "left"
    RIGHT = "right"
    MIDDLE = "middle"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the pattern's border between two corners.

    Attributes:
        role: What it is.
        side: Which half it belongs to; the neck, the waist and a top's or skirt's hem are in the middle.
        line: Mx2 float64, metres, from corner to corner, both included.
    """

    role: Role
    side: Side
    line: Float64


class Warp(Protocol):
    """Where points of the pattern lie in the photo."""

    def to_photo(self, metres: Float64) -> Float64:
        """Nx2 metres to Nx2 pixels."""
        ...


@dataclass(frozen=True, slots=True)
class Pattern:
    """A front and a back panel of one shape, sleeves and legs included, as the garment lies flat.

    Coordinates are metres: x to the wearer's left, y upward, x = 0 in the middle. A top's y is 0 at its neck
    points, a skirt's or trousers' at the waist.

    Attributes:
        family: How it is placed on a body.
        stretches: The border, clockwise as seen in the photo, closed: each ends where the next begins. A top
            begins with the neck, from the wearer's right to the left; a skirt or trousers with the waist, likewise.
        front_edge: Mx2 float64, metres: where the front panel ends at the neck, from the wearer's right neck
            point to the left one; None where front and back are alike.
        outline: The garment in the photo.
        warp: Where the pattern lies in the photo.
        pixel_m: Metres a pixel of the photo, on average.
        collar: What stands on the neckline; then the neck and `front_edge` are the seams that hold it.
    """

    family: Family
    stretches: tuple[Stretch, ...]
    front_edge: Float64 | None
    outline: Outline
    warp: Warp
    pixel_m: float
    collar: Collar | None = None

    def stretch(self, role: Role, side: Side = Side.MIDDLE) -> Stretch | None:
        """The stretch of that role and side, or None."""
        for stretch in self.stretches:
            if (stretch.role, stretch.side) == (role, side):
                return stretch
        return None

    def line(self, role: Role, side: Side = Side.MIDDLE) -> Float64:
        """Mx2 float64, the stretch's points.

        Raises:
            KeyError: There is no such stretch.
        """
        found = self.stretch(role, side)
        if found is None:
            raise KeyError((role, side))
        return found.line

    @property
    def border(self) -> Float64:
        """Nx2 float64, the closed border without its repeated corners."""
        return np.concatenate([stretch.line[:-1] for stretch in self.stretches])

    @property
    def inside_above(self) -> Float64 | None:
        """Mx2 float64 pixels: the line at the neck, right to left, above which the photo shows the inside, if so."""
        if self.collar is not None:
            return None if self.collar.kind is Neckline.HOOD else self.collar.rim
        return None if self.front_edge is None else self.warp.to_photo(self.front_edge)
