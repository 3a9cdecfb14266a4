"""Whether a garment survived in a picture, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FidelityMeasure(StrEnum):
    """What is compared, as in `fashquick.garment.v1.FidelityMeasure`, which states the units."""

    PALETTE = "palette"
    PALETTE_MEASURED = "palette-measured"
    PATTERN = "pattern"
    TEXTURE = "texture"
    TEXT = "text"
    ORIGINAL_PIXELS = "original-pixels"
    OUTSIDE = "outside"
    HALO = "halo"


class FidelityControl(StrEnum):
    """A picture that is wrong on purpose, as in `fashquick.garment.v1.FidelityControl`."""

    RECOLOUR = "recolour"
    OTHER_PATTERN = "other-pattern"
    BLUR = "blur"
    BLANK = "blank"
    RIM = "rim"


class FidelityGrade(StrEnum):
    """One word for a report, as in `fashquick.garment.v1.FidelityGrade`, which states the limits."""

    KEPT = "kept"
    CLOSE = "close"
    ALTERED = "altered"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class FidelityControlResult:
    """How a measure fared on a control.

    Attributes:
        control: Which.
        value: The measure's value on it, in the measure's unit.
        score: Its score, 0 to 1.
        caught: Whether the measure tells it from the right garment.
    """

    control: FidelityControl
    value: float
    score: float
    caught: bool


@dataclass(frozen=True, slots=True)
class FidelityMeasurement:
    """One measure of a report.

    Attributes:
        measure: What was compared.
        value: The value, in the measure's unit.
        score: 0 (lost) to 1 (kept).
        counted: Whether it counts in the grade.
        reason: Why it does not count; empty where it does.
        controls: The controls that it has to catch.
    """

    measure: FidelityMeasure
    value: float
    score: float
    counted: bool
    reason: str = ""
    controls: tuple[FidelityControlResult, ...] = ()


@dataclass(frozen=True, slots=True)
class FidelityReport:
    """Whether a garment survived in a picture.

    Attributes:
        grade: One word; None where nothing could be measured.
        overall: 0 (lost) to 1 (kept): weighted geometric mean of the scores that count.
        measurements: All measures, those left out too.
    """

    grade: FidelityGrade | None
    overall: float
    measurements: tuple[FidelityMeasurement, ...]
