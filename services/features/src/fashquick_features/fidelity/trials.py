"""Every measure tried on the garment's own picture and on pictures that are wrong on purpose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import (
    FidelityControl,
    FidelityControlResult,
    FidelityMeasure,
    PatternKind,
)
from fashquick_features.fidelity import controls, surroundings
from fashquick_features.fidelity.analysers import Analysers
from fashquick_features.fidelity.evaluation import Evaluation, Subject
from fashquick_features.fidelity.grade import MARGIN, OWN_SCORE, RULES
from fashquick_features.fidelity.reading import CannotTell
from fashquick_features.fidelity.sights import Sight
from fashquick_features.prints.reading import Reader

WITHIN: Final = tuple(measure for measure in FidelityMeasure if measure is not FidelityMeasure.OUTSIDE)
"""Measures of what is inside the region."""
READABLE = 0.6  # of the garment's text that must be read in its own picture for reading to count
RIM_BANDS = 2.0  # widths of the rim that the halo's own trial leaves of the photo's ground
WORDS: Final = {
    FidelityControl.RECOLOUR: "another colour",
    FidelityControl.OTHER_PATTERN: "another pattern",
    FidelityControl.BLUR: "a blurred picture",
    FidelityControl.BLANK: "a blank",
    FidelityControl.RIM: "a rim of the photo's ground",
}


@dataclass(frozen=True, slots=True)
class Trial:
    """How a measure fared on one garment.

    Attributes:
        own_score: Score of the garment's own picture.
        results: Of the controls that it has to catch.
        fault: Why it cannot be trusted on this garment; empty where it can.
    """

    own_score: float
    results: tuple[FidelityControlResult, ...]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Trials:
    """How all measures fared on one garment.

    Attributes:
        of: The trial of every measure of `WITHIN`.
        readable: Whether a reader reads the garment's text in its own picture at this size.
    """

    of: Mapping[FidelityMeasure, Trial]
    readable: bool


def controls_of(measure: FidelityMeasure, kind: PatternKind | None) -> tuple[FidelityControl, ...]:
    """Controls that a measure must catch on a garment of a kind of pattern.

    A blank keeps the pattern of a garment that has none: there, it is no control of the pattern.
    """
    wanted = RULES[measure].controls
    if measure is FidelityMeasure.PATTERN and kind is PatternKind.SOLID:
        return tuple(control for control in wanted if control is not FidelityControl.BLANK)
    return wanted


def kind_of(subject: Subject) -> PatternKind | None:
    """What is on the cloth: by the passport where it says so, else as measured."""
    told = subject.passport.pattern
    return subject.pattern.kind if told is None else told.kind


def run(subject: Subject, analysers: Analysers, reader: Reader | None, cancel: CancelFlag) -> Trials:
    """Try all measures of what is inside the region on one garment.

    Args:
        subject: The garment.
        analysers: Tell palette, pattern and texture.
        reader: Reads text, or None.
        cancel: Checked between the steps.
    """
    kind = kind_of(subject)

    lines = any(one.lines for one in subject.prints)
    readable = False

    def evaluation(picture: Sight, *, search: bool = False) -> Evaluation:
        # Places are known even where the garment's pictures come without: the harder trial, for a control then looks as
        # much like the garment as it can. Only the garment's own prints have to be found, as in its pictures.
        used = reader if readable else None
        noisy = controls.noisy(picture)
        return Evaluation(subject, noisy, analysers, used, cancel, in_place=True, search_prints=search)

    own = evaluation(controls.own_picture(subject.photo), search=True)
    if reader is not None and lines and own.text_read(reader) >= READABLE:
        readable = True
        own = evaluation(controls.own_picture(subject.photo), search=True)
    wrong: dict[FidelityControl, Evaluation] = {}

    def of(control: FidelityControl) -> Evaluation:
        if control not in wrong:
            cancel.check()
            wrong[control] = evaluation(controls.make(control, subject.photo, subject.palette, kind))
        return wrong[control]

    trials: dict[FidelityMeasure, Trial] = {}
    for measure in WITHIN:
        if measure is FidelityMeasure.HALO:
            trials[measure] = _halo_trial(subject, analysers, cancel)
        else:
            trials[measure] = _trial(measure, own, controls_of(measure, kind), of)
    return Trials(trials, readable)


def _trial(
    measure: FidelityMeasure,
    own: Evaluation,
    wanted: tuple[FidelityControl, ...],
    of: Callable[[FidelityControl], Evaluation],
) -> Trial:
    rule = RULES[measure]
    try:
        own_score = rule.score(own.value(measure))
    except CannotTell as reason:
        return Trial(0.0, (), str(reason))
    results = []
    for control in wanted:
        try:
            value = of(control).value(measure)
            score = rule.score(value)
        except CannotTell:
            value, score = WORST[measure], 0.0  # where it knows its own garment and nothing in the control
        results.append(FidelityControlResult(control, value, score, own_score - score >= MARGIN))
    return Trial(own_score, tuple(results), _fault(own_score, results))


WORST: Final = {measure: max(rule.curve, key=lambda point: -point[1])[0] for measure, rule in RULES.items()}
"""A value that scores 0."""


def _fault(own_score: float, results: list[FidelityControlResult]) -> str:
    if own_score < OWN_SCORE:
        return f"does not know this garment's own photo in other light (score {own_score:.2f}, {OWN_SCORE} is needed)"
    missed = [WORDS[result.control] for result in results if not result.caught]
    return f"does not tell {' and '.join(missed)} from this garment" if missed else ""


def _halo_trial(subject: Subject, analysers: Analysers, cancel: CancelFlag) -> Trial:
    """The halo's own control: the garment cut out too wide, with a rim of the photo's ground."""
    rule = RULES[FidelityMeasure.HALO]
    width = RIM_BANDS * surroundings.band_px(subject.photo)
    try:
        # The photo's own edge, without the rim that its mask may have left.
        clean = Sight(subject.photo.rgb, controls.narrowed(subject.photo.alpha, width))
        own, rimmed = (
            Evaluation(subject, sight, analysers, None, cancel).value(FidelityMeasure.HALO)
            for sight in (clean, controls.with_rim(subject.photo, width))
        )
    except CannotTell as reason:
        return Trial(0.0, (), str(reason))
    own_score, score = rule.score(own), rule.score(rimmed)
    caught = own_score - score >= MARGIN
    results = (FidelityControlResult(FidelityControl.RIM, rimmed, score, caught),)
    if own_score < OWN_SCORE:
        return Trial(own_score, results, "the garment's own edge looks like the photo's ground")
    if not caught:
        return Trial(own_score, results, "the photo's ground looks too much like the garment to tell a rim of it")
    return Trial(own_score, results)
