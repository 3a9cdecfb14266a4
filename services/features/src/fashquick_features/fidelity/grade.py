"""From values to scores, from scores to one grade: the documented rule.

A curve is a list of (value, score) points with straight lines between them; docs/fidelity.md says why they lie there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from fashquick_common.garment import FidelityControl, FidelityGrade, FidelityMeasure, FidelityMeasurement

Curve = tuple[tuple[float, float], ...]

LEAST_SCORE = 0.02  # that enters the mean: a lost measure pulls the grade down, it does not make it 0
MARGIN = 0.25  # of score between the garment's own picture and a control for the control to be caught
OWN_SCORE = 0.5  # that the garment's own picture must reach: below, the measure does not know its own garment
LIMITS: Final = ((0.85, FidelityGrade.KEPT), (0.65, FidelityGrade.CLOSE), (0.4, FidelityGrade.ALTERED))


@dataclass(frozen=True, slots=True)
class Rule:
    """How a measure counts.

    Attributes:
        curve: Score at values.
        weight: Of its score in the mean.
        controls: What it must catch.
    """

    curve: Curve
    weight: float
    controls: tuple[FidelityControl, ...]

    def score(self, value: float) -> float:
        """Score of a value, 0 to 1."""
        values, scores = zip(*self.curve, strict=True)
        return float(np.interp(value, values, scores))


_C = FidelityControl
# CIEDE2000: 2 is seen side by side only, 5 is seen by who knows the garment, 10 by all, 20 is another colour.
_COLOURS: Final[Curve] = ((0.0, 1.0), (2.0, 0.97), (5.0, 0.85), (10.0, 0.5), (20.0, 0.0))
RULES: Final = {
    FidelityMeasure.PALETTE: Rule(_COLOURS, 3.0, (_C.RECOLOUR, _C.BLANK)),
    FidelityMeasure.PALETTE_MEASURED: Rule(_COLOURS, 3.0, (_C.RECOLOUR, _C.BLANK)),
    FidelityMeasure.PATTERN: Rule(
        ((0.0, 0.0), (0.25, 0.0), (0.85, 0.95), (1.0, 1.0)), 2.0, (_C.OTHER_PATTERN, _C.BLANK)
    ),
    FidelityMeasure.TEXTURE: Rule(((0.0, 1.0), (0.35, 0.95), (1.6, 0.0)), 1.0, (_C.BLUR, _C.BLANK)),
    FidelityMeasure.TEXT: Rule(((0.0, 0.0), (0.2, 0.0), (0.8, 0.95), (1.0, 1.0)), 2.0, (_C.BLUR, _C.BLANK)),
    FidelityMeasure.ORIGINAL_PIXELS: Rule(
        ((0.0, 0.0), (0.2, 0.0), (0.85, 0.95), (1.0, 1.0)), 2.0, (_C.RECOLOUR, _C.OTHER_PATTERN, _C.BLANK)
    ),
    FidelityMeasure.OUTSIDE: Rule(((0.0, 1.0), (1.0, 1.0), (4.0, 0.9), (16.0, 0.5), (64.0, 0.0)), 1.0, ()),
    FidelityMeasure.HALO: Rule(((0.0, 1.0), (3.0, 0.97), (8.0, 0.6), (20.0, 0.0)), 1.0, ()),
}


def overall(measurements: Sequence[FidelityMeasurement]) -> float | None:
    """Weighted geometric mean of the scores that count, each at least `LEAST_SCORE`; None where none counts."""
    counted = [(RULES[one.measure].weight, max(one.score, LEAST_SCORE)) for one in measurements if one.counted]
    if not counted:
        return None
    total = sum(weight for weight, _ in counted)
    return math.exp(sum(weight * math.log(score) for weight, score in counted) / total)


def grade_of(value: float | None) -> FidelityGrade | None:
    """One word for an overall score."""
    if value is None:
        return None
    return next((grade for limit, grade in LIMITS if value >= limit), FidelityGrade.LOST)
