"""What the stages say to each other about a garment, as plain values.

The wire form is `fashquick.garment.v1`; `fashquick_common.garment_codec` turns one into the other. Left and
right are the wearer's: with the front towards the camera, the wearer's left is the right side of the photo.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Category(StrEnum):
    """Kind of garment, as in `fashquick.garment.v1.Category`."""

    T_SHIRT = "t-shirt"
    SHIRT = "shirt"
    LONG_SLEEVE = "long-sleeve"
    SWEATER = "sweater"
    JACKET = "jacket"
    COAT = "coat"
    VEST = "vest"
    DRESS = "dress"
    SKIRT = "skirt"
    TROUSERS = "trousers"
    SHORTS = "shorts"
    SLEEVELESS_TOP = "sleeveless-top"


class LandmarkName(StrEnum):
    """Points on a garment's outline, as in `fashquick.garment.v1.LandmarkName`.

    `upper` is the corner that continues the shoulder line, `lower` the one that continues the underarm seam;
    `outer` and `inner` are the side seam's and the inseam's corner of a trouser leg.
    """

    NECK_LEFT = "neck-left"
    NECK_RIGHT = "neck-right"
    COLLAR_BOTTOM = "collar-bottom"
    SHOULDER_LEFT = "shoulder-left"
    SHOULDER_RIGHT = "shoulder-right"
    ARMPIT_LEFT = "armpit-left"
    ARMPIT_RIGHT = "armpit-right"
    CUFF_LEFT_UPPER = "cuff-left-upper"
    CUFF_LEFT_LOWER = "cuff-left-lower"
    CUFF_RIGHT_UPPER = "cuff-right-upper"
    CUFF_RIGHT_LOWER = "cuff-right-lower"
    WAIST_LEFT = "waist-left"
    WAIST_RIGHT = "waist-right"
    HIP_LEFT = "hip-left"
    HIP_RIGHT = "hip-right"
    CROTCH = "crotch"
    HEM_LEFT = "hem-left"
    HEM_RIGHT = "hem-right"
    LEG_LEFT_OUTER = "leg-left-outer"
    LEG_LEFT_INNER = "leg-left-inner"
    LEG_RIGHT_OUTER = "leg-right-outer"
    LEG_RIGHT_INNER = "leg-right-inner"


@dataclass(frozen=True, slots=True)
class Landmark:
    """A point on the photo.

    Attributes:
        x: Pixels from the photo's left edge to the point; pixel centres lie at half-integers.
        y: Pixels from the photo's top edge.
        confidence: 0 (a guess) to 1 (sure).
    """

    x: float
    y: float
    confidence: float


@dataclass(frozen=True, slots=True)
class PaletteColour:
    """One colour of a garment.

    Attributes:
        srgb: Red, green, blue, 0 to 255, sRGB.
        lab: CIE L*a*b* (D65, 2 degrees): L 0 to 100, a and b about -128 to 127.
        share: Part of the garment's visible area, 0 to 1; a palette's shares add up to 1.
        name: Common English colour name.
    """

    srgb: tuple[int, int, int]
    lab: tuple[float, float, float]
    share: float
    name: str


@dataclass(frozen=True, slots=True)
class CategoryGuess:
    """One answer to what kind of garment it is.

    Attributes:
        category: The kind.
        confidence: 0 to 1; all guesses of a passport add up to at most 1.
    """

    category: Category
    confidence: float


@dataclass(frozen=True, slots=True)
class Passport:
    """What is known about a garment from one photo and its mask.

    Attributes:
        categories: Guesses, likeliest first; empty when nothing can be said.
        landmarks: Points found on the outline; a point that does not apply or was not found is absent.
        palette: Colours, largest share first; one to eight.
        photo_width: Width in pixels of the photo that the landmarks refer to.
        photo_height: Height in pixels.
        coverage: Share of the photo that the garment covers, 0 to 1.
    """

    categories: tuple[CategoryGuess, ...]
    landmarks: Mapping[LandmarkName, Landmark]
    palette: tuple[PaletteColour, ...]
    photo_width: int
    photo_height: int
    coverage: float

    @property
    def category(self) -> Category | None:
        """The likeliest category, or None."""
        return self.categories[0].category if self.categories else None
