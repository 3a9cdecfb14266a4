from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks.drawn import draw
from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import BadField, BadMask, Cancelled, DeadlinePassed, ModelNotInstalled
from fashquick_common.garment import (
    Box,
    Category,
    FidelityGrade,
    KnownLength,
    LandmarkName,
    LightEvidence,
    MeasurementName,
    Passport,
    PatternKind,
    TextLine,
    TextReading,
)
from fashquick_common.garment_codec import passport_from_proto, passport_to_proto
from fashquick_features.engine import NO_WISHES, FidelityTask, ReadText, Wishes
from fashquick_features.passport import PassportAnalyser


@pytest.fixture(scope="module")
def analyser() -> PassportAnalyser:
    made = PassportAnalyser()
    made.warm_up()
    return made


def numbers(value: Any) -> Iterator[float]:
    """Every float in a passport or report."""
    if isinstance(value, float):
        yield value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from numbers(getattr(value, field.name))
    elif isinstance(value, Mapping):
        yield from (number for part in value.values() for number in numbers(part))
    elif isinstance(value, tuple):
        yield from (number for part in value for number in numbers(part))


def assert_sound(passport: Passport) -> None:
    """Every number is finite, and the codec, which refuses what is out of range, gives the passport back."""
    assert np.isfinite(list(numbers(passport))).all()
    again = passport_from_proto(passport_to_proto(passport))
    assert [guess.category for guess in again.categories] == [guess.category for guess in passport.categories]
    assert again.vector is not None


# Masks that have no inside: refused.
LINES = {"one row", "one column", "checkerboard", "sparse noise"}


def hostile_alphas() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    blank = np.zeros((240, 320), np.uint8)
    made = {}
    for name, rows, columns in (
        ("rectangle", slice(40, 200), slice(60, 260)),
        ("five pixels wide", slice(20, 220), slice(100, 105)),
        ("one row", slice(100, 101), slice(10, 310)),
        ("one column", slice(10, 230), slice(100, 101)),
        ("nearly full", slice(1, 239), slice(1, 319)),
        ("touches all borders", slice(0, 240), slice(2, 320)),
        ("small square", slice(100, 108), slice(100, 108)),
    ):
        made[name] = blank.copy()
        made[name][rows, columns] = 255
    made["noise"] = np.where(rng.random(blank.shape) < 0.5, 255, 0).astype(np.uint8)
    made["sparse noise"] = np.where(rng.random(blank.shape) < 0.01, 255, 0).astype(np.uint8)
    made["checkerboard"] = np.where(np.indices(blank.shape).sum(axis=0) % 2, 255, 0).astype(np.uint8)
    made["frame"] = cv2.rectangle(blank.copy(), (20, 20), (300, 220), 255, 3)
    made["diagonal"] = cv2.line(blank.copy(), (0, 0), (319, 239), 255, 3)
    made["soft"] = cv2.GaussianBlur(made["rectangle"], (0, 0), 25)
    made["triangle"] = cv2.fillPoly(blank.copy(), [np.array([[160, 10], [300, 230], [20, 230]])], 255)
    made["circle"] = cv2.circle(blank.copy(), (160, 120), 100, 255, -1)
    return made


# Every mask as it comes; those that mislead most also under names that they do not deserve.
MISTAKEN = [
    (name, hint)
    for name in ("five pixels wide", "noise")
    for hint in (Category.T_SHIRT, Category.TROUSERS, Category.SKIRT)
]


@pytest.mark.parametrize(("name", "hint"), [*((name, None) for name in sorted(hostile_alphas())), *MISTAKEN])
def test_odd_masks_end_in_a_typed_error_or_a_finite_passport(
    analyser: PassportAnalyser, name: str, hint: Category | None
) -> None:
    alpha = hostile_alphas()[name]
    photo = np.random.default_rng(0).integers(0, 256, (*alpha.shape, 3), dtype=np.uint8)
    if name in LINES:
        with pytest.raises(BadMask, match="segment the photo again"):
            analyser.analyse(photo, alpha, Wishes(category=hint), CancelFlag())
        return
    passport = analyser.analyse(photo, alpha, Wishes(category=hint), CancelFlag())
    assert_sound(passport)
    assert sum(guess.confidence for guess in passport.categories) <= 1 + 1e-9
    if hint is Category.T_SHIRT:
        assert not [name for name, point in passport.landmarks.items() if "cuff" in name and point.confidence > 0.4]


@pytest.mark.parametrize("alpha", [np.zeros((60, 80), np.uint8), np.full((60, 80), 255, np.uint8)])
def test_empty_and_full_masks_are_refused(analyser: PassportAnalyser, alpha: np.ndarray) -> None:
    with pytest.raises(BadMask):
        analyser.analyse(np.zeros((60, 80, 3), np.uint8), alpha, NO_WISHES, CancelFlag())


def test_one_pixel_and_wrong_sizes_are_refused(analyser: PassportAnalyser) -> None:
    alpha = np.zeros((60, 80), np.uint8)
    alpha[30, 40] = 255
    with pytest.raises(BadMask, match="1 pixels"):
        analyser.analyse(np.zeros((60, 80, 3), np.uint8), alpha, NO_WISHES, CancelFlag())
    with pytest.raises(BadMask, match="photo's size"):
        analyser.analyse(np.zeros((61, 80, 3), np.uint8), alpha, NO_WISHES, CancelFlag())
    with pytest.raises(BadField, match="HxWx3"):
        analyser.analyse(np.zeros((60, 80), np.uint8), alpha, NO_WISHES, CancelFlag())


def test_a_drawn_t_shirt_gets_a_whole_passport(analyser: PassportAnalyser) -> None:
    garment = draw(Category.T_SHIRT, 11, colours=2, tilt_deg=6)
    passport = analyser.analyse(garment.photo, garment.alpha, NO_WISHES, CancelFlag())
    assert passport.category is Category.T_SHIRT
    assert {name for name in LandmarkName if "cuff" in name or "armpit" in name} <= set(passport.landmarks)
    assert len(passport.palette) == 2
    assert (passport.photo_width, passport.photo_height) == garment.alpha.shape[::-1]
    assert passport.coverage == pytest.approx(np.mean(garment.alpha >= 128))
    assert_sound(passport)


@pytest.mark.parametrize(
    ("category", "alike"),
    [
        (Category.TROUSERS, {Category.TROUSERS}),
        (Category.LONG_SLEEVE, {Category.LONG_SLEEVE, Category.SWEATER, Category.JACKET, Category.SHIRT}),
        (Category.DRESS, {Category.DRESS}),
    ],
)
def test_drawn_garments_are_taken_for_what_they_are(
    analyser: PassportAnalyser, category: Category, alike: set[Category]
) -> None:
    garments = [draw(category, seed, tilt_deg=4 * seed - 8) for seed in range(4)]
    found = [analyser.analyse(g.photo, g.alpha, NO_WISHES, CancelFlag()).category for g in garments]
    assert sum(kind in alike for kind in found) >= 3


def test_the_callers_category_wins(analyser: PassportAnalyser) -> None:
    garment = draw(Category.T_SHIRT, 1)
    passport = analyser.analyse(garment.photo, garment.alpha, Wishes(category=Category.DRESS), CancelFlag())
    assert [(guess.category, guess.confidence) for guess in passport.categories] == [(Category.DRESS, 1.0)]


def test_confidence_falls_where_category_and_landmarks_disagree(analyser: PassportAnalyser) -> None:
    armless = draw(Category.SKIRT, 3)
    garment = draw(Category.T_SHIRT, 11)
    doubtful = analyser.analyse(armless.photo, cv2.flip(armless.alpha, 0), NO_WISHES, CancelFlag())
    sure = analyser.analyse(garment.photo, garment.alpha, NO_WISHES, CancelFlag())
    assert sum(guess.confidence for guess in sure.categories) > 0.95
    if doubtful.category in (Category.T_SHIRT, Category.SLEEVELESS_TOP, Category.DRESS):
        assert sum(guess.confidence for guess in doubtful.categories) < 0.7


def test_the_same_input_gives_the_same_passport_from_any_thread(analyser: PassportAnalyser) -> None:
    garment = draw(Category.LONG_SLEEVE, 8, colours=3)
    found: list[Passport] = []
    threads = [
        threading.Thread(
            target=lambda: found.append(analyser.analyse(garment.photo, garment.alpha, NO_WISHES, CancelFlag()))
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert found[0] == found[1] == found[2]


def test_a_raised_flag_stops_the_work_at_any_step(analyser: PassportAnalyser) -> None:
    garment = draw(Category.T_SHIRT, 2)
    whole = CancelFlag()
    analyser.analyse(garment.photo, garment.alpha, NO_WISHES, whole)
    assert whole.steps >= 6
    for stop in range(1, whole.steps + 1, 3):
        flag = StopsAt(stop)
        with pytest.raises(Cancelled):
            analyser.analyse(garment.photo, garment.alpha, NO_WISHES, flag)
        assert flag.steps <= stop + 5  # each of the analysers begun beside it stops at its next step


class StopsAt(CancelFlag):
    """Raised by its own n-th check, as if the caller had left during the step before."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self._stop = step

    def check(self) -> None:
        if self.steps + 1 == self._stop:
            self.cancel()
        super().check()


def test_a_past_deadline_stops_the_work(analyser: PassportAnalyser) -> None:
    garment = draw(Category.T_SHIRT, 2)
    with pytest.raises(DeadlinePassed):
        analyser.analyse(garment.photo, garment.alpha, NO_WISHES, CancelFlag(deadline=0.0))


def test_the_digest_is_that_of_the_model(analyser: PassportAnalyser) -> None:
    assert len(analyser.digest) == 64
    assert analyser.digest == PassportAnalyser().digest


@pytest.mark.parametrize("seed", [3, 4])
def test_analysers_side_by_side_say_what_they_say_in_series(analyser: PassportAnalyser, seed: int) -> None:
    garment = draw(Category.DRESS, seed, pattern=PatternKind.FLORAL, photo_seed=seed)
    parallel = PassportAnalyser(threads=4)
    assert parallel.analyse(garment.photo, garment.alpha, NO_WISHES, CancelFlag()) == analyser.analyse(
        garment.photo, garment.alpha, NO_WISHES, CancelFlag()
    )


def test_a_failure_beside_other_analysers_comes_out_and_leaves_nothing_running(analyser: PassportAnalyser) -> None:
    garment = draw(Category.SKIRT, 5)
    parallel = PassportAnalyser(threads=4)
    unknown = Wishes(known_length=KnownLength(MeasurementName.SLEEVE, 60.0))
    flag = CancelFlag()
    with pytest.raises(BadField, match="sleeve"):
        parallel.analyse(garment.photo, garment.alpha, unknown, flag)
    steps = flag.steps
    parallel.analyse(garment.photo, garment.alpha, NO_WISHES, CancelFlag())
    assert flag.steps == steps


def test_one_known_length_gives_all_others_in_centimetres(analyser: PassportAnalyser) -> None:
    garment = draw(Category.T_SHIRT, 7)
    wishes = Wishes(known_length=KnownLength(MeasurementName.CHEST, 52.0))
    built = analyser.analyse(garment.photo, garment.alpha, wishes, CancelFlag()).geometry
    assert built is not None
    lengths = {length.name: length for length in built.measurements}
    assert lengths[MeasurementName.CHEST].centimetres == pytest.approx(52.0)
    whole = lengths[MeasurementName.LENGTH]
    assert whole.centimetres == pytest.approx(52.0 / lengths[MeasurementName.CHEST].ratio, rel=1e-3)


@pytest.mark.parametrize(
    "photo",
    ["grey", "tungsten", "deep blue", "black", "white"],
)
def test_photos_in_odd_light_get_a_sound_passport(analyser: PassportAnalyser, photo: str) -> None:
    garment = draw(Category.T_SHIRT, 2, pattern=PatternKind.STRIPES, photo_seed=1)
    grey = garment.photo.mean(axis=2, keepdims=True)
    pixels = {
        "grey": np.repeat(grey, 3, axis=2),
        "tungsten": garment.photo * (1.0, 0.6, 0.2),
        "deep blue": garment.photo * (0.1, 0.2, 1.0),
        "black": np.zeros_like(garment.photo),
        "white": np.full_like(garment.photo, 255),
    }[photo].astype(np.uint8)
    passport = analyser.analyse(pixels, garment.alpha, NO_WISHES, CancelFlag())
    assert_sound(passport)
    assert 1 <= len(passport.palette) <= 8
    if passport.light.evidence is None:
        assert passport.light.cast == (0.0, 0.0)
    else:
        assert passport.light.evidence in LightEvidence


def test_masks_that_are_not_bytes_are_refused(analyser: PassportAnalyser) -> None:
    alpha = np.full((60, 80), np.nan, np.float32)
    with pytest.raises(BadMask, match="8-bit"):
        analyser.analyse(np.zeros((60, 80, 3), np.uint8), alpha, NO_WISHES, CancelFlag())


class Parrot:
    """Reads the same word on every picture."""

    name = "parrot"
    digest = "3" * 64

    def warm_up(self) -> None:
        pass

    def read(self, rgb: np.ndarray, cancel: CancelFlag) -> tuple[TextLine, ...]:
        return (TextLine("HELLO", Box(0.0, 0.0, float(rgb.shape[1]), float(rgb.shape[0])), 0.9),)


def test_text_is_read_where_it_is_wanted_and_can_be(analyser: PassportAnalyser) -> None:
    garment = draw(Category.T_SHIRT, 5, pattern=PatternKind.GRAPHIC, photo_seed=5)
    reading = PassportAnalyser(reader=Parrot())
    read = reading.analyse(garment.photo, garment.alpha, NO_WISHES, CancelFlag())
    assert read.text_reading is TextReading.READ
    assert "HELLO" in [line.text for item in read.prints for line in item.lines]
    assert_sound(read)
    never = reading.analyse(garment.photo, garment.alpha, Wishes(read_text=ReadText.NEVER), CancelFlag())
    assert never.text_reading is TextReading.NOT_READ
    assert not any(item.lines for item in never.prints)
    without = analyser.analyse(garment.photo, garment.alpha, NO_WISHES, CancelFlag())
    assert without.text_reading is TextReading.NOT_READ
    with pytest.raises(ModelNotInstalled, match="ocr"):
        analyser.analyse(garment.photo, garment.alpha, Wishes(read_text=ReadText.REQUIRED), CancelFlag())


def test_a_garment_is_kept_in_its_own_photo_and_lost_in_another_colour(analyser: PassportAnalyser) -> None:
    garment = draw(Category.T_SHIRT, 4, pattern=PatternKind.STRIPES, photo_seed=2)
    own = FidelityTask(garment.photo, garment.alpha, garment.photo, garment.alpha)
    report = analyser.score(own, ReadText.NEVER, CancelFlag())
    assert report.grade is FidelityGrade.KEPT
    grey = np.full_like(garment.photo, 128)
    blank = FidelityTask(garment.photo, garment.alpha, grey, garment.alpha)
    lost = analyser.score(blank, ReadText.NEVER, CancelFlag())
    assert lost.grade is FidelityGrade.LOST
    assert np.isfinite(list(numbers(report)) + list(numbers(lost))).all()


def test_a_picture_without_its_region_is_refused(analyser: PassportAnalyser) -> None:
    garment = draw(Category.T_SHIRT, 4)
    empty = np.zeros_like(garment.alpha)
    with pytest.raises(BadMask):
        analyser.score(FidelityTask(garment.photo, garment.alpha, garment.photo, empty), ReadText.NEVER, CancelFlag())
    with pytest.raises(BadMask):
        analyser.score(
            FidelityTask(garment.photo, garment.alpha, garment.photo, garment.alpha[:-1]), ReadText.NEVER, CancelFlag()
        )
