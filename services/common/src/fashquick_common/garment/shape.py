"""A garment's kind, landmarks and build."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar


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
class CategoryGuess:
    """One answer to what kind of garment it is.

    Attributes:
        category: The kind.
        confidence: 0 to 1; all guesses of a passport add up to at most 1.
    """

    category: Category
    confidence: float


class SleeveLength(StrEnum):
    """How far sleeves reach, as in `fashquick.garment.v1.SleeveLength`."""

    NOT_APPLICABLE = "not-applicable"
    NONE = "none"
    SHORT = "short"
    THREE_QUARTER = "three-quarter"
    LONG = "long"


class LegLength(StrEnum):
    """How far legs reach, as in `fashquick.garment.v1.LegLength`."""

    NOT_APPLICABLE = "not-applicable"
    SHORT = "short"
    CROPPED = "cropped"
    FULL = "full"


class Neckline(StrEnum):
    """Shape of the neckline, as in `fashquick.garment.v1.Neckline`."""

    NOT_APPLICABLE = "not-applicable"
    CREW = "crew"
    V = "v"
    SCOOP = "scoop"
    COLLAR = "collar"
    HOOD = "hood"
    HIGH = "high"
    STRAPS = "straps"


class Front(StrEnum):
    """Whether the front hangs open, as in `fashquick.garment.v1.Front`."""

    NOT_APPLICABLE = "not-applicable"
    CLOSED = "closed"
    OPEN = "open"


class MeasurementName(StrEnum):
    """Lengths of a garment, as in `fashquick.garment.v1.MeasurementName`."""

    LENGTH = "length"
    SHOULDERS = "shoulders"
    CHEST = "chest"
    SLEEVE = "sleeve"
    WAIST = "waist"
    HIPS = "hips"
    HEM = "hem"
    INSEAM = "inseam"
    RISE = "rise"
    LEG_OPENING = "leg-opening"
    CUFF = "cuff"
    NECK = "neck"


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Answer(Generic[_T]):
    """An answer and how sure it is.

    Attributes:
        value: The answer; None where it cannot be told.
        confidence: 0 (a guess) to 1 (sure).
    """

    value: _T | None
    confidence: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """One length, of the garment as it lies there: widths are of one layer, half the way around.

    Attributes:
        name: Which.
        ratio: As a part of the garment's whole length.
        centimetres: In centimetres, or None where no length is known.
        confidence: 0 (a guess) to 1 (sure).
    """

    name: MeasurementName
    ratio: float
    centimetres: float | None
    confidence: float


@dataclass(frozen=True, slots=True)
class KnownLength:
    """A length that the caller knows.

    Attributes:
        name: Which.
        centimetres: 1 to 400.
    """

    name: MeasurementName
    centimetres: float


@dataclass(frozen=True, slots=True)
class Geometry:
    """The garment's build.

    Attributes:
        sleeve: Sleeves.
        leg: Legs.
        neckline: Neckline.
        front: Front.
        measurements: Lengths that could be measured.
        tilt_deg: Clockwise turn of the garment in the photo.
        symmetry: Overlap of the silhouette with its mirror image, 0 to 1.
    """

    sleeve: Answer[SleeveLength]
    leg: Answer[LegLength]
    neckline: Answer[Neckline]
    front: Answer[Front]
    measurements: tuple[Measurement, ...]
    tilt_deg: float
    symmetry: float
