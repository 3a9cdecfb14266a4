"""From a photo, a picture and a region to a fidelity report."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import replace
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import FidelityMeasure, FidelityMeasurement, FidelityReport, Passport
from fashquick_common.image.spaces import Floats
from fashquick_features.fidelity import surroundings, trials
from fashquick_features.fidelity.analysers import Analysers
from fashquick_features.fidelity.checks import check_inputs
from fashquick_features.fidelity.evaluation import Evaluation, Subject, prints_at
from fashquick_features.fidelity.grade import RULES, grade_of, overall
from fashquick_features.fidelity.reading import CannotTell
from fashquick_features.fidelity.sights import Pair, Places, pair_up
from fashquick_features.fidelity.trials import Trial, Trials
from fashquick_features.prints.reading import Reader
from fashquick_features.shape.outline import Plane

KEPT_TRIALS = 32  # garments whose trials are kept, a few kilobytes each: pictures of one garment come in a row
EDGE_DEPTH = 3.0  # rim widths inside the edge at which the garment's own edge is looked at, clear of the mask's errors
BESIDE = "told beside the palette, which counts"


class FidelityScorer:
    """Says in numbers whether a garment survived in a picture; thread-safe, and the same for the same input."""

    def __init__(self, analysers: Analysers) -> None:
        """Make a scorer.

        Args:
            analysers: Tell palette, pattern and texture.
        """
        self._analysers = analysers
        self._trials: OrderedDict[bytes, Trials] = OrderedDict()
        self._lock = threading.Lock()

    def score(
        self,
        photo: npt.NDArray[np.uint8],
        alpha: Plane,
        picture: npt.NDArray[np.uint8],
        region: Plane,
        *,
        uv: Places | None,
        prior: npt.NDArray[np.uint8] | None,
        passport: Passport,
        reader: Reader | None,
        cancel: CancelFlag,
    ) -> FidelityReport:
        """Compare a picture with a garment.

        Args:
            photo: HxWx3 uint8, sRGB: the garment's photo.
            alpha: HxW uint8: the garment in it, 0 none to 255.
            picture: hxwx3 uint8, sRGB: the finished picture, sides of at least 64 pixels.
            region: hxw uint8: the garment in the picture, 0 none to 255.
            uv: hxwx2 float32: place on the photo that a pixel shows, as parts of its width and height from its edges,
                0 to 1, NaN where none; None where there is no map.
            prior: hxwx3 uint8: the picture before the garment was put in; None where there is none.
            passport: The garment's passport, of `photo`.
            reader: Reads text on prints; None to compare their structure only.
            cancel: Checked between steps of at most 50 ms.

        Returns:
            All measures, those left out too, each with its reason; every number is finite.

        Raises:
            BadField: An array has another type or size, the UV map leaves 0 to 1, the passport is of another photo.
            BadMask: `alpha` or `region` marks nothing, all, or has another size.
            ImageTooSmall: The picture is too small.
            Cancelled: `cancel` was raised.
            DeadlinePassed: Its deadline passed.
        """
        check_inputs(photo, alpha, picture, region, uv=uv, prior=prior, passport=passport)
        cancel.check()
        pair = pair_up(photo, alpha, picture, region, uv)
        cancel.check()
        subject = self._subject(pair, passport, mapped=uv is not None, cancel=cancel)
        tried = self._tried((photo, alpha), pair, subject, reader, cancel)
        evaluation = Evaluation(subject, pair.picture, self._analysers, reader if tried.readable else None, cancel)
        measured: dict[FidelityMeasure, FidelityMeasurement] = {}
        for measure in trials.WITHIN:
            measured[measure] = _measured(evaluation, measure, tried.of[measure])
        if measured[FidelityMeasure.PALETTE].counted:
            beside = measured[FidelityMeasure.PALETTE_MEASURED]
            measured[FidelityMeasure.PALETTE_MEASURED] = replace(beside, counted=False, reason=beside.reason or BESIDE)
        measured[FidelityMeasure.OUTSIDE] = _outside(picture, prior, region)
        measurements = tuple(measured[measure] for measure in FidelityMeasure)
        whole = overall(measurements)
        return FidelityReport(grade_of(whole), 0.0 if whole is None else whole, measurements)

    def _subject(self, pair: Pair, passport: Passport, *, mapped: bool, cancel: CancelFlag) -> Subject:
        photo = pair.photo
        palette = self._analysers.palette(photo.rgb, photo.alpha, passport.light, cancel)
        pattern = self._analysers.pattern(photo.rgb, photo.alpha, cancel)
        texture = self._analysers.texture(photo.rgb, photo.alpha, cancel)
        cancel.check()
        ground: Floats | str
        edge: float | str
        try:
            ground = surroundings.ground_lab(photo)
            edge = max(0.0, surroundings.edge_pull(photo, ground, EDGE_DEPTH))
        except CannotTell as reason:
            ground = edge = str(reason)
        prints = prints_at(passport, photo, [pair.box_in_view(one.box) for one in passport.prints])
        return Subject(photo, passport, prints, palette, pattern, texture, ground, edge, mapped)

    def _tried(
        self,
        planes: tuple[npt.NDArray[np.uint8], ...],
        pair: Pair,
        subject: Subject,
        reader: Reader | None,
        cancel: CancelFlag,
    ) -> Trials:
        """The trials of this garment at this size, kept for its next picture."""
        digest = blake2b(digest_size=16)
        for plane in planes:
            digest.update(np.ascontiguousarray(plane).data)
        passport = subject.passport
        facts = (
            planes[0].shape,
            pair.step,
            subject.mapped,
            reader is None,
            passport.palette,
            passport.light,
            passport.pattern,
        )
        digest.update(repr((facts, passport.prints)).encode())
        key = digest.digest()
        with self._lock:
            if key in self._trials:
                self._trials.move_to_end(key)
                return self._trials[key]
        found = trials.run(subject, self._analysers, reader, cancel)
        with self._lock:
            self._trials[key] = found
            while len(self._trials) > KEPT_TRIALS:
                self._trials.popitem(last=False)
        return found


def _measured(evaluation: Evaluation, measure: FidelityMeasure, trial: Trial) -> FidelityMeasurement:
    try:
        value = evaluation.value(measure)
    except CannotTell as reason:
        return FidelityMeasurement(measure, 0.0, 0.0, False, str(reason), trial.results)
    score = RULES[measure].score(value)
    return FidelityMeasurement(measure, value, score, not trial.fault, trial.fault, trial.results)


def _outside(picture: npt.NDArray[np.uint8], prior: npt.NDArray[np.uint8] | None, region: Plane) -> FidelityMeasurement:
    measure = FidelityMeasure.OUTSIDE
    if prior is None:
        return FidelityMeasurement(measure, 0.0, 0.0, False, "there is no picture from before to compare with")
    try:
        value = surroundings.outside_change(picture, prior, region)
    except CannotTell as reason:
        return FidelityMeasurement(measure, 0.0, 0.0, False, str(reason))
    return FidelityMeasurement(measure, value, RULES[measure].score(value), True)
