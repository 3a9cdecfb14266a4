"""A garment's colours and the light they were seen in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MID_GREY_L = 50.0
"""Lightness (CIE L*) at which the cast of a light is stated."""
DARKEST_GREY = 1e-3
"""Linear light that a channel of the mid grey has at least, so that no gain is endless."""
D65 = (0.95047, 1.0, 1.08883)
"""CIE XYZ of the white that sRGB and L*a*b* refer to."""


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

    @property
    def gains(self) -> tuple[float, float, float]:
        """Factors on linear red, green and blue, all positive, that take the light out (von Kries in linear sRGB)."""
        exposure = 2.0**-self.exposure_stops
        channels = zip(_linear_of_lab(MID_GREY_L, 0.0, 0.0), _linear_of_lab(MID_GREY_L, *self.cast), strict=True)
        red, green, blue = (neutral / max(seen, DARKEST_GREY) * exposure for neutral, seen in channels)
        return red, green, blue


def _linear_of_lab(lightness: float, a: float, b: float) -> tuple[float, float, float]:
    """CIE L*a*b* (D65, 2 degrees) to linear sRGB (CIE 15:2004, section 8.2.1; IEC 61966-2-1)."""
    middle = (lightness + 16) / 116
    x, y, z = (
        white * (part**3 if part > 6 / 29 else 3 * (6 / 29) ** 2 * (part - 4 / 29))
        for white, part in zip(D65, (middle + a / 500, middle, middle - b / 200), strict=True)
    )
    return (
        3.2404542 * x - 1.5371385 * y - 0.4985314 * z,
        -0.9692660 * x + 1.8760108 * y + 0.0415560 * z,
        0.0556434 * x - 0.2040259 * y + 1.0572252 * z,
    )


UNKNOWN_LIGHT = Light(None, (0.0, 0.0), 0.0, 0.0)
"""The light of a photo that does not tell."""
