"""What the landmarks tell about sleeves and legs, as likelihoods of every answer.

Each length is compared with what garments of every answer measure: ln(length ratio) is taken as normally
distributed, with centre and spread from real photos, and a floor for landmarks that are wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, TypeVar

from fashquick_common.garment import LandmarkName, LegLength, Measurement, MeasurementName, SleeveLength

FLOOR = 0.02  # likelihood that a landmark lies anywhere
MIN_RATIO = 0.02

# Centre and spread of ln(sleeve / chest): 53, 846, 104 and 486 photos, medians and median deviations. The cuffs of
# sleeveless garments are the caps of their shoulders.
SLEEVE_TO_CHEST: Final = {
    SleeveLength.NONE: (math.log(0.18), 0.45),
    SleeveLength.SHORT: (math.log(0.32), 0.36),
    SleeveLength.THREE_QUARTER: (math.log(0.70), 0.35),
    SleeveLength.LONG: (math.log(1.13), 0.30),
}
# How often armpits are found and cuffs are not, and how often neither: sleeves that lie on the body hide the armpit.
NO_CUFFS: Final = {
    SleeveLength.NONE: 0.48,
    SleeveLength.SHORT: 0.03,
    SleeveLength.THREE_QUARTER: 0.004,
    SleeveLength.LONG: 0.01,
}
NO_ARMPITS: Final = {
    SleeveLength.NONE: 0.16,
    SleeveLength.SHORT: 0.045,
    SleeveLength.THREE_QUARTER: 0.035,
    SleeveLength.LONG: 0.31,
}
# The same for ln(inseam / hips): shorts and trousers from photos; what ends at knee or calf lies between.
INSEAM_TO_HIPS: Final = {
    LegLength.SHORT: (math.log(0.27), 0.50),
    LegLength.CROPPED: (math.log(0.80), 0.18),
    LegLength.FULL: (math.log(1.28), 0.25),
}
# ln(length / waist) where legs do not part.
LENGTH_TO_WAIST: Final = {
    LegLength.SHORT: (math.log(1.05), 0.30),
    LegLength.CROPPED: (math.log(1.80), 0.15),
    LegLength.FULL: (math.log(2.50), 0.25),
}

Lengths = Mapping[MeasurementName, Measurement]
_T = TypeVar("_T")


def sleeve_evidence(lengths: Lengths, points: Mapping[LandmarkName, object]) -> dict[SleeveLength, float]:
    """Likelihood of every sleeve length, up to a common factor."""
    ratio = _ratio(lengths, MeasurementName.SLEEVE, MeasurementName.CHEST)
    if ratio is not None:
        return _likelihoods(ratio, SLEEVE_TO_CHEST)
    return dict(NO_CUFFS if LandmarkName.ARMPIT_LEFT in points else NO_ARMPITS)


def leg_evidence(lengths: Lengths) -> dict[LegLength, float]:
    """Likelihood of every leg length, up to a common factor."""
    ratio = _ratio(lengths, MeasurementName.INSEAM, MeasurementName.HIPS)
    if ratio is not None:
        return _likelihoods(ratio, INSEAM_TO_HIPS)
    ratio = _ratio(lengths, MeasurementName.LENGTH, MeasurementName.WAIST)
    return dict.fromkeys(INSEAM_TO_HIPS, 1.0) if ratio is None else _likelihoods(ratio, LENGTH_TO_WAIST)


def _ratio(lengths: Lengths, length: MeasurementName, unit: MeasurementName) -> float | None:
    if length not in lengths or unit not in lengths:
        return None
    return math.log(max(lengths[length].ratio / max(lengths[unit].ratio, 1e-6), MIN_RATIO))


def _likelihoods(value: float, normal: Mapping[_T, tuple[float, float]]) -> dict[_T, float]:
    return {
        answer: math.exp(-(((value - centre) / spread) ** 2) / 2) / spread + FLOOR
        for answer, (centre, spread) in normal.items()
    }
