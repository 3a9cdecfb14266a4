"""A garment's colours and the light they were seen in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ColourRole(StrEnum):
    """What a colour does on the garment, as in `fashquick.garment.v1.ColourRole`."""

    GROUND = "ground"
    PRINT = "print"
    TRIM = "trim"


class LightEvidence(StrEnum):
    """What the light was told by, as in `fashquick.garment.v1.LightEvidence`."""

    GROUND = "ground"
    NEUTRALS = "neutrals"


@dataclass(frozen=True, slots=True)
class Colour:
    """A colour.

    Attributes:
        srgb: Red, green, blue, 0 to 255, sRGB.
        lab: CIE L*a*b* (D65, 2 degrees): L 0 to 100, a and b about -128 to 127.
    """

    srgb: tuple[int, int, int]
    lab: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class PaletteColour:
    """One colour of a garment.

    Attributes:
        srgb: Red, green, blue, 0 to 255, sRGB, as photographed.
        lab: CIE L*a*b* (D65, 2 degrees) of it: L 0 to 100, a and b about -128 to 127.
        share: Part of the garment's visible area, 0 to 1; a palette's shares add up to 1.
        name: Common English name of the corrected colour where there is one, else of the measured one.
        role: What the colour does on the garment; None where that is not known.
        corrected: The colour under neutral light of usual brightness; None where the light could not be told.
        confidence: 0 (a guess) to 1 (sure).
    """

    srgb: tuple[int, int, int]
    lab: tuple[float, float, float]
    share: float
    name: str
    role: ColourRole | None = None
    corrected: Colour | None = None
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Light:
    """The light that the photo was taken in.

    Attributes:
        evidence: What it was told by; None where it could not be told.
        cast: CIE a* and b* that a mid grey (L* 50) shows in this light; (0, 0) is neutral.
        exposure_stops: Stops by which the photo is too bright (positive) or too dark (negative).
        confidence: 0 (a guess) to 1 (sure).
    """

    evidence: LightEvidence | None
    cast: tuple[float, float]
    exposure_stops: float
    confidence: float


UNKNOWN_LIGHT = Light(None, (0.0, 0.0), 0.0, 0.0)
"""The light of a photo that does not tell."""
