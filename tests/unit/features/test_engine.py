from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest

from benchmarks.drawn_garments import draw
from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import BadField, BadMask, Cancelled, DeadlinePassed
from fashquick_common.garment import Category, LandmarkName, Passport
from fashquick_features.engine import PassportAnalyser


@pytest.fixture(scope="module")
def analyser() -> PassportAnalyser:
    made = PassportAnalyser()
    made.warm_up()
    return made


def finite(passport: Passport) -> bool:
    numbers = [passport.coverage]
    numbers += [value for point in passport.landmarks.values() for value in (point.x, point.y, point.confidence)]
    numbers += [value for colour in passport.palette for value in (*colour.lab, colour.share)]
    numbers += [guess.confidence for guess in passport.categories]
    return bool(np.isfinite(numbers).all())


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


@pytest.mark.parametrize("name", sorted(hostile_alphas()))
@pytest.mark.parametrize("hint", [None, Category.T_SHIRT, Category.TROUSERS, Category.SKIRT])
def test_odd_masks_end_in_a_typed_error_or_a_finite_passport(
    analyser: PassportAnalyser, name: str, hint: Category | None
) -> None:
    alpha = hostile_alphas()[name]
    photo = np.random.default_rng(0).integers(0, 256, (*alpha.shape, 3), dtype=np.uint8)
    if name in LINES:
        with pytest.raises(BadMask, match="segment the photo again"):
            analyser.analyse(photo, alpha, hint, CancelFlag())
        return
    passport = analyser.analyse(photo, alpha, hint, CancelFlag())
    assert finite(passport)
    assert sum(guess.confidence for guess in passport.categories) <= 1 + 1e-9
    if hint is Category.T_SHIRT:
        assert not [landmark for landmark in passport.landmarks if "cuff" in landmark]


@pytest.mark.parametrize("alpha", [np.zeros((60, 80), np.uint8), np.full((60, 80), 255, np.uint8)])
def test_empty_and_full_masks_are_refused(analyser: PassportAnalyser, alpha: np.ndarray) -> None:
    with pytest.raises(BadMask):
        analyser.analyse(np.zeros((60, 80, 3), np.uint8), alpha, None, CancelFlag())


def test_one_pixel_and_wrong_sizes_are_refused(analyser: PassportAnalyser) -> None:
    alpha = np.zeros((60, 80), np.uint8)
    alpha[30, 40] = 255
    with pytest.raises(BadMask, match="1 pixels"):
        analyser.analyse(np.zeros((60, 80, 3), np.uint8), alpha, None, CancelFlag())
    with pytest.raises(BadMask, match="photo's size"):
        analyser.analyse(np.zeros((61, 80, 3), np.uint8), alpha, None, CancelFlag())
    with pytest.raises(BadField, match="HxWx3"):
        analyser.analyse(np.zeros((60, 80), np.uint8), alpha, None, CancelFlag())


def test_a_drawn_t_shirt_gets_a_whole_passport(analyser: PassportAnalyser) -> None:
    garment = draw(Category.T_SHIRT, 11, colours=2, tilt_deg=6)
    passport = analyser.analyse(garment.photo, garment.alpha, None, CancelFlag())
    assert passport.category is Category.T_SHIRT
    assert {name for name in LandmarkName if "cuff" in name or "armpit" in name} <= set(passport.landmarks)
    assert len(passport.palette) == 2
    assert (passport.photo_width, passport.photo_height) == garment.alpha.shape[::-1]
    assert passport.coverage == pytest.approx(np.mean(garment.alpha >= 128))
    assert finite(passport)


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
    garments = [draw(category, seed, tilt_deg=3 * seed - 9) for seed in range(6)]
    found = [analyser.analyse(g.photo, g.alpha, None, CancelFlag()).category for g in garments]
    assert sum(kind in alike for kind in found) >= 5


def test_the_callers_category_wins(analyser: PassportAnalyser) -> None:
    garment = draw(Category.T_SHIRT, 1)
    passport = analyser.analyse(garment.photo, garment.alpha, Category.DRESS, CancelFlag())
    assert [(guess.category, guess.confidence) for guess in passport.categories] == [(Category.DRESS, 1.0)]


def test_confidence_falls_where_category_and_landmarks_disagree(analyser: PassportAnalyser) -> None:
    armless = draw(Category.SKIRT, 3)
    garment = draw(Category.T_SHIRT, 11)
    doubtful = analyser.analyse(armless.photo, cv2.flip(armless.alpha, 0), None, CancelFlag())
    sure = analyser.analyse(garment.photo, garment.alpha, None, CancelFlag())
    assert sum(guess.confidence for guess in sure.categories) > 0.95
    if doubtful.category in (Category.T_SHIRT, Category.SLEEVELESS_TOP, Category.DRESS):
        assert sum(guess.confidence for guess in doubtful.categories) < 0.7


def test_the_same_input_gives_the_same_passport_from_any_thread(analyser: PassportAnalyser) -> None:
    garment = draw(Category.LONG_SLEEVE, 8, colours=3)
    found: list[Passport] = []
    threads = [
        threading.Thread(
            target=lambda: found.append(analyser.analyse(garment.photo, garment.alpha, None, CancelFlag()))
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
    analyser.analyse(garment.photo, garment.alpha, None, whole)
    assert whole.steps >= 6
    for stop in range(1, whole.steps + 1):
        flag = StopsAt(stop)
        with pytest.raises(Cancelled):
            analyser.analyse(garment.photo, garment.alpha, None, flag)
        assert flag.steps == stop


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
        analyser.analyse(garment.photo, garment.alpha, None, CancelFlag(deadline=0.0))


def test_the_digest_is_that_of_the_model(analyser: PassportAnalyser) -> None:
    assert len(analyser.digest) == 64
    assert analyser.digest == PassportAnalyser().digest
