"""How a garment is built: sleeves, legs, neckline, front, lengths.

Each question is answered in one place, `_answer`: what the landmarks and the neckline's edge tell (likelihoods) times
what is known beforehand (probabilities). Beforehand means a classifier's probabilities where the caller has one,
else how often each answer goes with the category.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from fashquick_common.garment import (
    Answer,
    Category,
    CategoryGuess,
    Front,
    Geometry,
    KnownLength,
    Landmark,
    LandmarkName,
    LegLength,
    Neckline,
    SleeveLength,
)
from fashquick_features.shape.limbs import leg_evidence, sleeve_evidence
from fashquick_features.shape.measurements import measure
from fashquick_features.shape.opening import front_evidence, neckline_evidence
from fashquick_features.shape.outline import Outline, UprightFrame
from fashquick_features.shape.rates import FRONTS, LEGS, NECKLINES, SLEEVES

LEGGED: Final = frozenset({Category.TROUSERS, Category.SHORTS})
BOTTOMS: Final = LEGGED | {Category.SKIRT}
LEAST_SURE = 0.55  # probability under which an answer is "cannot tell"
RULES_BESIDE_CLASSIFIER = 0.5  # power of the rules' likelihoods beside a classifier: it has seen the same photo

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Priors:
    """A classifier's probabilities for one photo; None where there is no classifier.

    Attributes:
        sleeve: Probability of each sleeve length; NOT_APPLICABLE is left out.
        leg: The same of each leg length.
        neckline: The same of each neckline.
        front: The same of each front.
    """

    sleeve: Mapping[SleeveLength, float] | None = None
    leg: Mapping[LegLength, float] | None = None
    neckline: Mapping[Neckline, float] | None = None
    front: Mapping[Front, float] | None = None


NO_PRIORS: Final = Priors()


def geometry(
    photo: npt.NDArray[np.uint8],
    outline: Outline,
    frame: UprightFrame,
    categories: Sequence[CategoryGuess],
    landmarks: Mapping[LandmarkName, Landmark],
    *,
    known: KnownLength | None = None,
    priors: Priors = NO_PRIORS,
) -> Geometry:
    """Describe a garment's build.

    Args:
        photo: HxWx3 uint8, sRGB.
        outline: The garment's outline.
        frame: Its upright frame.
        categories: What it can be, likeliest first, at least one.
        landmarks: Its landmarks on the photo, found for the first of `categories`.
        known: A length that the caller knows, or None.
        priors: Probabilities from a classifier.

    Returns:
        The build; every number is finite.

    Raises:
        BadField: `known` is out of range or cannot be measured on this garment.
    """
    lengths = measure(landmarks, outline, frame, categories[0].category, known)
    by_name = {length.name: length for length in lengths}
    share = _shares(categories)
    bottom = sum(part for category, part in share.items() if category in BOTTOMS)
    legged = sum(part for category, part in share.items() if category in LEGGED)
    return Geometry(
        sleeve=_applied(
            _answer(sleeve_evidence(by_name, landmarks), SLEEVES, share, priors.sleeve),
            1 - bottom,
            SleeveLength.NOT_APPLICABLE,
        ),
        leg=_applied(_answer(leg_evidence(by_name), LEGS, share, priors.leg), legged, LegLength.NOT_APPLICABLE),
        neckline=_applied(
            _answer(neckline_evidence(outline, frame, landmarks), NECKLINES, share, priors.neckline),
            1 - bottom,
            Neckline.NOT_APPLICABLE,
        ),
        front=_applied(
            _answer(front_evidence(photo, outline, frame), FRONTS, share, priors.front),
            1 - bottom,
            Front.NOT_APPLICABLE,
        ),
        measurements=lengths,
        tilt_deg=float(np.rad2deg(frame.tilt)),
        symmetry=float(frame.symmetry),
    )


def _shares(categories: Sequence[CategoryGuess]) -> dict[Category, float]:
    """Probabilities of the categories, adding up to 1 and independent of doubts about all of them."""
    total = sum(guess.confidence for guess in categories)
    if total <= 0:
        return {categories[0].category: 1.0}
    return {guess.category: guess.confidence / total for guess in categories}


def _answer(
    evidence: Mapping[_T, float],
    rates: Mapping[Category, Mapping[_T, float]],
    share: Mapping[Category, float],
    prior: Mapping[_T, float] | None,
) -> Answer[_T]:
    """Bayes' rule: likelihoods times the classifier's probabilities, or times the rates of the categories.

    Args:
        evidence: Likelihood of every answer, up to a common factor.
        rates: How often each answer goes with a category that has the question; others are absent.
        share: Probability of every category.
        prior: A classifier's probability of every answer, or None.
    """
    if prior is None:
        known = {category: part for category, part in share.items() if category in rates}
        before = {
            answer: sum(part * rates[category][answer] for category, part in known.items()) for answer in evidence
        }
        power = 1.0
    else:
        before = {answer: prior.get(answer, 0.0) for answer in evidence}
        power = RULES_BESIDE_CLASSIFIER
    after = {answer: before[answer] * likelihood**power for answer, likelihood in evidence.items()}
    total = sum(after.values())
    if not total > 0:
        return Answer(None, 0.0)
    best = max(after, key=lambda answer: after[answer])
    sure = after[best] / total
    return Answer(best, sure) if sure >= LEAST_SURE else Answer(None, sure)


def _applied(answer: Answer[_T], applies: float, not_applicable: _T) -> Answer[_T]:
    """The answer if the question applies to the garment more likely than not."""
    applies = min(max(applies, 0.0), 1.0)
    if applies < 0.5:
        return Answer(not_applicable, 1 - applies)
    return Answer(answer.value, answer.confidence * applies)
