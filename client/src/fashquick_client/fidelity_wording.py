"""A fidelity report in plain words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fashquick_client.wording import percent, plain
from fashquick_common.garment import (
    FidelityControl,
    FidelityGrade,
    FidelityMeasure,
    FidelityMeasurement,
    FidelityReport,
)

GRADE_WORDS = {
    FidelityGrade.KEPT: "the garment is kept",
    FidelityGrade.CLOSE: "a buyer who looks for it sees a difference",
    FidelityGrade.ALTERED: "a buyer sees a difference",
    FidelityGrade.LOST: "it is another garment",
}
NOT_MEASURED = "nothing could be measured"

_CONTROL_WORDS = {
    FidelityControl.RECOLOUR: "another colour",
    FidelityControl.OTHER_PATTERN: "another pattern",
    FidelityControl.BLUR: "a blurred print",
    FidelityControl.BLANK: "a blank garment",
    FidelityControl.RIM: "a rim of the ground",
}
# The limits of `fashquick.garment.v1.FidelityGrade`, for the score of one measure.
_GRADES = ((0.85, FidelityGrade.KEPT), (0.65, FidelityGrade.CLOSE), (0.4, FidelityGrade.ALTERED))


@dataclass(frozen=True, slots=True)
class MeasureWords:
    """What to say of a measure.

    Attributes:
        name: Its name.
        value: How its value is written.
        meaning: What the value says.
    """

    name: str
    value: Callable[[float], str]
    meaning: str


def _difference(value: float) -> str:
    return f"{value:.1f} CIEDE2000"


MEASURE_WORDS = {
    FidelityMeasure.PALETTE: MeasureWords(
        "Colours", _difference, "mean difference of the colours in neutral light; from 1 on it can be seen"
    ),
    FidelityMeasure.PALETTE_MEASURED: MeasureWords(
        "Colours as photographed", _difference, "the same with the light of the photo left in"
    ),
    FidelityMeasure.PATTERN: MeasureWords("Pattern", percent, "how far kind, size and direction are kept"),
    FidelityMeasure.TEXTURE: MeasureWords(
        "Texture", "{:.2f}".format, "distance between the looks of the cloth; 0 is the same"
    ),
    FidelityMeasure.TEXT: MeasureWords("Text and logos", percent, "part of the prints that is still there"),
    FidelityMeasure.ORIGINAL_PIXELS: MeasureWords(
        "Original pixels", percent, "part of the garment that shows pixels of the photo"
    ),
    FidelityMeasure.OUTSIDE: MeasureWords(
        "Outside the garment", "{:.0f} of 255".format, "largest change of a pixel there; 0 is untouched"
    ),
    FidelityMeasure.HALO: MeasureWords(
        "Edge", _difference, "what is left of the photo's ground along the garment's edge"
    ),
}


def summary(report: FidelityReport) -> str:
    """Return a report in a line."""
    if report.grade is None:
        return NOT_MEASURED
    return f"{report.grade}, {report.overall:.2f} of 1: {GRADE_WORDS[report.grade]}"


def verdict(measurement: FidelityMeasurement) -> FidelityGrade:
    """Return a measure's score as a grade."""
    return next((grade for least, grade in _GRADES if measurement.score >= least), FidelityGrade.LOST)


def proof(measurement: FidelityMeasurement) -> str:
    """Return what a measure proved on pictures that are wrong on purpose, and why it does not count if so."""
    caught = [_CONTROL_WORDS[result.control] for result in measurement.controls if result.caught]
    missed = [_CONTROL_WORDS[result.control] for result in measurement.controls if not result.caught]
    words = []
    if caught:
        words.append(f"tells it from {_listed(caught)}")
    if missed:
        words.append(f"does not tell it from {_listed(missed)}")
    if not measurement.counted:
        words.append(f"not counted: {plain(measurement.reason)}" if measurement.reason else "not counted")
    return "; ".join(words) or "needs no control"


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
