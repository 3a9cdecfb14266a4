"""A garment's passport: all that is known about it from one photo and its mask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fashquick_common.garment.cloth import Pattern, Print, TextReading, Texture
from fashquick_common.garment.colour import UNKNOWN_LIGHT, Light, PaletteColour
from fashquick_common.garment.shape import Category, CategoryGuess, Geometry, Landmark, LandmarkName


@dataclass(frozen=True, slots=True)
class VectorBlock:
    """A part of a feature vector.

    Attributes:
        name: colour, pattern, texture or shape.
        offset: Index of its first number.
        length: How many numbers.
        weight: Its norm within the vector.
    """

    name: str
    offset: int
    length: int
    weight: float


@dataclass(frozen=True, slots=True)
class FeatureVector:
    """A garment as numbers, for searching: the more alike two garments, the larger the dot product.

    Attributes:
        version: Names the layout; vectors of different versions cannot be compared.
        values: The numbers; the whole has length 1.
        blocks: What stands where.
    """

    version: str
    values: tuple[float, ...]
    blocks: tuple[VectorBlock, ...]


@dataclass(frozen=True, slots=True)
class Area:
    """An area of the photo.

    Attributes:
        corners: (x, y) of its closed outline, in order, pixels; at least three.
        confidence: 0 to 1.
    """

    corners: tuple[tuple[float, float], ...]
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
        light: The light that the photo was taken in.
        pattern: What is on the cloth; None in passports of services that do not tell.
        texture: What the cloth is like; likewise.
        geometry: The garment's build; likewise.
        prints: Placed prints, logos and labels, largest first.
        text_reading: Whether text was looked for; None where that is not said.
        vector: The garment as numbers, for searching; None as above.
        inside: Where the photo shows something else than the outside of the garment's front: the inside of its
            back, a lining, labels, a hanger; largest first. None in passports of services that do not look for it.
    """

    categories: tuple[CategoryGuess, ...]
    landmarks: Mapping[LandmarkName, Landmark]
    palette: tuple[PaletteColour, ...]
    photo_width: int
    photo_height: int
    coverage: float
    light: Light = UNKNOWN_LIGHT
    pattern: Pattern | None = None
    texture: Texture | None = None
    geometry: Geometry | None = None
    prints: tuple[Print, ...] = ()
    text_reading: TextReading | None = None
    vector: FeatureVector | None = None
    inside: tuple[Area, ...] | None = None

    @property
    def category(self) -> Category | None:
        """The likeliest category, or None."""
        return self.categories[0].category if self.categories else None
