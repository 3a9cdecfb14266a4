"""From a photo and a garment's alpha to its passport: the analysers, side by side."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import Future, wait
from dataclasses import astuple, dataclass, replace
from typing import Any, Final

import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import BadField, ModelNotInstalled
from fashquick_common.garment import (
    Area,
    Category,
    CategoryGuess,
    FidelityReport,
    Geometry,
    Landmark,
    LandmarkName,
    Light,
    PaletteColour,
    Passport,
    Pattern,
    PatternKind,
    Print,
    Repeat,
    TextReading,
    Texture,
)
from fashquick_features import vector
from fashquick_features.colour import light, palette
from fashquick_features.engine import FidelityTask, Photo, ReadText, Wishes
from fashquick_features.fidelity import FidelityScorer, OwnAnalysers
from fashquick_features.pattern.analysis import PATTERN_PX, analyse
from fashquick_features.pattern.recognise import load_model as load_patterns
from fashquick_features.pattern.recognise import told
from fashquick_features.prints.boxes import load_finder, within
from fashquick_features.prints.reading import Reader, read_prints
from fashquick_features.recognition.network import Recogniser, Recognition
from fashquick_features.shape import build, landmarks, outline
from fashquick_features.shape.category import load_model as load_categories
from fashquick_features.shape.descriptor import Vector
from fashquick_features.shape.descriptor import describe as describe_shape
from fashquick_features.shape.inside import WIDTH as UPPER_PX
from fashquick_features.shape.inside import InsideFinder, upper_part
from fashquick_features.shape.outline import Outline, Plane, UprightFrame
from fashquick_features.shape.upright import Upright, upright_view
from fashquick_features.texture.cloth import cloth_of
from fashquick_features.texture.descriptor import describe_cloth
from fashquick_features.texture.measures import Measures, measure
from fashquick_features.texture.model import load_model as load_textures
from fashquick_features.workers import Workers

VIEW_PX = 512  # long side of the upright garment that cloth and prints are read from
LEAST_REPEATING = 0.5  # probability of the kinds of pattern that repeat, from which on repeats are told
DISAGREEMENT = 0.6  # what is left of confidences where category and landmarks contradict each other

# Cloth of other kinds does not repeat: what looks like it are folds, seams and the weave.
_REPEATING: Final = frozenset(
    {PatternKind.STRIPES, PatternKind.CHECK, PatternKind.DOTS, PatternKind.FLORAL, PatternKind.ALLOVER}
)

# Landmarks of which a garment of the category shows at least one.
_EXPECTED: Final = {
    Category.T_SHIRT: (LandmarkName.CUFF_LEFT_UPPER, LandmarkName.CUFF_RIGHT_UPPER),
    Category.SHIRT: (LandmarkName.ARMPIT_LEFT, LandmarkName.ARMPIT_RIGHT, LandmarkName.SHOULDER_LEFT),
    Category.LONG_SLEEVE: (LandmarkName.CUFF_LEFT_UPPER, LandmarkName.CUFF_RIGHT_UPPER, LandmarkName.SHOULDER_LEFT),
    Category.SWEATER: (LandmarkName.CUFF_LEFT_UPPER, LandmarkName.CUFF_RIGHT_UPPER, LandmarkName.SHOULDER_LEFT),
    Category.JACKET: (LandmarkName.CUFF_LEFT_UPPER, LandmarkName.CUFF_RIGHT_UPPER, LandmarkName.SHOULDER_LEFT),
    Category.COAT: (LandmarkName.CUFF_LEFT_UPPER, LandmarkName.CUFF_RIGHT_UPPER, LandmarkName.SHOULDER_LEFT),
    Category.VEST: (LandmarkName.ARMPIT_LEFT, LandmarkName.ARMPIT_RIGHT),
    Category.DRESS: (LandmarkName.ARMPIT_LEFT, LandmarkName.ARMPIT_RIGHT, LandmarkName.WAIST_LEFT),
    Category.SLEEVELESS_TOP: (LandmarkName.ARMPIT_LEFT, LandmarkName.ARMPIT_RIGHT),
    Category.TROUSERS: (LandmarkName.CROTCH,),
    Category.SHORTS: (LandmarkName.CROTCH,),
    Category.SKIRT: (LandmarkName.WAIST_LEFT, LandmarkName.WAIST_RIGHT),
}


@dataclass(frozen=True, slots=True)
class _Sight:
    """What the analysers look at."""

    photo: Photo
    alpha: Plane
    outline: Outline
    frame: UprightFrame
    view: Upright


@dataclass(frozen=True, slots=True)
class _Shape:
    """What outline and network say of the garment's build."""

    categories: tuple[CategoryGuess, ...]
    landmarks: dict[LandmarkName, Landmark]
    geometry: Geometry
    descriptor: Vector


class PassportAnalyser:
    """The analyser of this distribution.

    Attributes:
        name: "passport".
        digest: SHA-256 in hex over the digests of all model data.
    """

    name = "passport"

    def __init__(self, threads: int = 1, reader: Reader | None = None) -> None:
        """Load the model data.

        Args:
            threads: Analysers that work at the same time; the passport is the same for any number.
            reader: Reads text; None: nobody does.

        Raises:
            ModelNotInstalled: A file of the distribution is missing.
        """
        self._categories, category_digest = load_categories()
        self._patterns, pattern_digest = load_patterns()
        self._textures, texture_digest = load_textures()
        self._prints, print_digest = load_finder()
        self._vectors, vector_digest = vector.load_model()
        self._recogniser = Recogniser()
        self._insides = InsideFinder()
        self._reader = reader
        digests = [category_digest, pattern_digest, texture_digest, print_digest, vector_digest]
        digests += [self._recogniser.digest, self._insides.digest, self._reader.digest if self._reader else ""]
        self.digest = hashlib.sha256(" ".join(digests).encode()).hexdigest()
        self._workers = Workers(threads)
        self._scorer = FidelityScorer(OwnAnalysers(self._kinds))

    def warm_up(self) -> None:
        """Analyse a drawn garment and score it against itself."""
        photo = np.full((192, 192, 3), 235, np.uint8)
        photo[24:168, 48:144] = (60, 80, 140)
        alpha = np.where(photo[..., 0] < 200, np.uint8(255), np.uint8(0))
        photo[70:100, 80:110] = (230, 60, 50)
        passport = self.analyse(photo, alpha, Wishes(read_text=ReadText.NEVER), CancelFlag())
        self.score(FidelityTask(photo, alpha, photo, alpha, passport=passport), ReadText.NEVER, CancelFlag())
        if self._reader is not None:
            self._reader.warm_up()

    def analyse(self, photo: Photo, alpha: Plane, wishes: Wishes, cancel: CancelFlag) -> Passport:
        """Analyse one garment; see `Analyser.analyse`."""
        if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8:
            raise BadField(f"the photo is {photo.dtype} of shape {photo.shape}; send HxWx3 uint8", field="photo")
        height, width = photo.shape[:2]
        outline.check_alpha(alpha, height, width)
        reader = self._reader_for(wishes.read_text)
        start = self._workers.start
        # Colours need no outline: they are begun while it is traced.
        colours = start(lambda: _colours(photo, alpha, cancel))
        steps: list[Future[Any]] = [colours]
        try:
            sight = _seen(photo, alpha, cancel)
            seen = start(lambda: self._recogniser.look(sight.view))
            cloth = start(lambda: _pattern(sight, cancel))
            texture = start(lambda: _texture(sight, cancel))
            prints = start(lambda: self._find_prints(sight, reader, cancel))
            inside = start(lambda: self._find_inside(sight, cancel))
            steps += [seen, cloth, texture, prints, inside]
            recognition = seen.result()
            shape = self._shape(sight, recognition, wishes, cancel)
        finally:
            wait(steps)  # nothing goes on computing behind a call that has failed
        photo_light, found_colours = colours.result()
        pattern_numbers, found_repeats = cloth.result()
        texture_numbers, measures = texture.result()
        cancel.check()
        numbers = vector.numbers(
            found_colours, pattern_numbers, texture_numbers, shape.descriptor, recognition.embedding
        )
        return Passport(
            categories=shape.categories,
            landmarks=shape.landmarks,
            palette=found_colours,
            photo_width=width,
            photo_height=height,
            coverage=float(np.count_nonzero(alpha >= outline.OPAQUE) / alpha.size),
            light=photo_light,
            pattern=self._pattern(pattern_numbers, found_repeats, recognition),
            texture=Texture(self._textures.guess(texture_numbers, recognition.texture), *astuple(measures)),
            geometry=shape.geometry,
            prints=prints.result(),
            text_reading=TextReading.NOT_READ if reader is None else TextReading.READ,
            vector=self._vectors.assemble(numbers),
            inside=inside.result(),
        )

    def score(self, task: FidelityTask, read_text: ReadText, cancel: CancelFlag) -> FidelityReport:
        """Say in numbers whether a garment survived; see `Analyser.score`."""
        reader = self._reader_for(read_text)
        passport = task.passport
        if passport is None:
            passport = self.analyse(task.photo, task.alpha, Wishes(read_text=read_text), cancel)
        return self._scorer.score(
            task.photo,
            task.alpha,
            task.picture,
            task.region,
            uv=task.uv,
            prior=task.prior,
            passport=passport,
            reader=reader,
            cancel=cancel,
        )

    def _pattern(self, descriptor: Vector, found: tuple[Repeat, ...], seen: Recognition) -> Pattern:
        shares = self._patterns.probabilities(descriptor, seen.pattern)
        repeats_ = sum(shares[kind] for kind in _REPEATING) >= LEAST_REPEATING
        return Pattern(told(shares), found if repeats_ else ())

    def _kinds(self, descriptor: Vector, view: Upright) -> Mapping[PatternKind, float]:
        return self._patterns.probabilities(descriptor, self._recogniser.look(view).pattern)

    def _reader_for(self, read_text: ReadText) -> Reader | None:
        if read_text is ReadText.NEVER:
            return None
        if read_text is ReadText.REQUIRED and self._reader is None:
            raise ModelNotInstalled(
                "this server has no reader for text; install fashquick-features with the extra ocr, "
                "or leave read_text to the server"
            )
        return self._reader

    def _find_prints(self, sight: _Sight, reader: Reader | None, cancel: CancelFlag) -> tuple[Print, ...]:
        found = self._prints.find(sight.view, cancel)
        if reader is not None:
            found = read_prints(sight.view, found, reader, cancel)
        height, width = sight.alpha.shape
        return within(found, width, height)

    def _find_inside(self, sight: _Sight, cancel: CancelFlag) -> tuple[Area, ...]:
        cancel.check()
        view = upper_part(sight.photo, sight.alpha, sight.outline.points, sight.frame, UPPER_PX)
        height, width = sight.alpha.shape
        return self._insides.find(view, width, height)

    def _shape(self, sight: _Sight, seen: Recognition, wishes: Wishes, cancel: CancelFlag) -> _Shape:
        descriptor = describe_shape(sight.photo, sight.outline, sight.frame)
        cancel.check()
        if wishes.category is None:
            guesses = self._categories.guess(descriptor, seen.kind)
        else:
            guesses = (CategoryGuess(wishes.category, 1.0),)
        points = landmarks.find(sight.photo, sight.alpha, sight.outline, sight.frame, guesses[0].category)
        cancel.check()
        priors = build.Priors(sleeve=seen.sleeve, neckline=seen.neckline, front=seen.front)
        built = build.geometry(
            sight.photo, sight.outline, sight.frame, guesses, points, known=wishes.known_length, priors=priors
        )
        if wishes.category is None and not any(name in points for name in _EXPECTED[guesses[0].category]):
            guesses = tuple(replace(guess, confidence=DISAGREEMENT * guess.confidence) for guess in guesses)
            points = {
                name: replace(point, confidence=DISAGREEMENT * point.confidence) for name, point in points.items()
            }
        return _Shape(guesses, points, built, descriptor)


def _seen(photo: Photo, alpha: Plane, cancel: CancelFlag) -> _Sight:
    cancel.check()
    shape = outline.trace(alpha)
    cancel.check()
    frame = outline.upright_frame(shape)
    cancel.check()
    return _Sight(photo, alpha, shape, frame, upright_view(photo, alpha, shape.points, frame, VIEW_PX))


def _colours(photo: Photo, alpha: Plane, cancel: CancelFlag) -> tuple[Light, tuple[PaletteColour, ...]]:
    photo_light = light.estimate(photo, alpha, cancel)
    return photo_light, palette.extract(photo, alpha, photo_light, cancel)


def _pattern(sight: _Sight, cancel: CancelFlag) -> tuple[Vector, tuple[Repeat, ...]]:
    return analyse(upright_view(sight.photo, sight.alpha, sight.outline.points, sight.frame, PATTERN_PX), cancel)


def _texture(sight: _Sight, cancel: CancelFlag) -> tuple[Vector, Measures]:
    cloth = cloth_of(sight.view)
    cancel.check()
    return describe_cloth(cloth, cancel), measure(cloth, cancel)
