from __future__ import annotations

import math
from dataclasses import fields
from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.drawn import DrawnGarment, draw
from fashquick_common.errors import BadField, BadMask
from fashquick_common.garment import (
    Category,
    CategoryGuess,
    Front,
    Geometry,
    KnownLength,
    LegLength,
    MeasurementName,
    Neckline,
    SleeveLength,
)
from fashquick_features.shape import landmarks, outline
from fashquick_features.shape.build import Priors, geometry

Name = MeasurementName
SIZE = 256


def build(
    photo: np.ndarray,
    alpha: np.ndarray,
    category: Category,
    known: KnownLength | None = None,
    priors: Priors | None = None,
) -> Geometry:
    shape = outline.trace(alpha)
    frame = outline.upright_frame(shape)
    points = landmarks.find(photo, alpha, shape, frame, category)
    guesses = (CategoryGuess(category, 0.9),)
    return geometry(photo, shape, frame, guesses, points, known=known, priors=priors or Priors())


def read(garment: DrawnGarment, known: KnownLength | None = None, priors: Priors | None = None) -> Geometry:
    return build(garment.photo, garment.alpha, garment.category, known, priors)


@cache
def drawn(category: Category, seed: int = 1, tilt: float = 0.0) -> DrawnGarment:
    return draw(category, seed, long_side=SIZE, tilt_deg=tilt)


def ratios(found: Geometry) -> dict[MeasurementName, float]:
    return {length.name: length.ratio for length in found.measurements}


@pytest.mark.parametrize(
    ("category", "sleeve", "leg"),
    [
        (Category.T_SHIRT, SleeveLength.SHORT, LegLength.NOT_APPLICABLE),
        (Category.LONG_SLEEVE, SleeveLength.LONG, LegLength.NOT_APPLICABLE),
        (Category.SLEEVELESS_TOP, SleeveLength.NONE, LegLength.NOT_APPLICABLE),
        (Category.SHORTS, SleeveLength.NOT_APPLICABLE, LegLength.SHORT),
        (Category.TROUSERS, SleeveLength.NOT_APPLICABLE, LegLength.FULL),
        (Category.SKIRT, SleeveLength.NOT_APPLICABLE, LegLength.NOT_APPLICABLE),
    ],
)
def test_sleeves_and_legs_are_told_by_their_length(category: Category, sleeve: SleeveLength, leg: LegLength) -> None:
    for seed in range(3):
        found = read(drawn(category, seed))
        assert (found.sleeve.value, found.leg.value) == (sleeve, leg)


def test_neckline_and_front_do_not_apply_to_a_skirt() -> None:
    found = read(drawn(Category.SKIRT))
    assert (found.neckline.value, found.front.value) == (Neckline.NOT_APPLICABLE, Front.NOT_APPLICABLE)
    assert found.neckline.confidence > 0.9


def test_a_category_in_doubt_makes_the_answer_less_sure() -> None:
    garment = drawn(Category.T_SHIRT)
    shape = outline.trace(garment.alpha)
    frame = outline.upright_frame(shape)
    points = landmarks.find(garment.photo, garment.alpha, shape, frame, Category.T_SHIRT)
    sure = (CategoryGuess(Category.T_SHIRT, 0.9),)
    torn = (CategoryGuess(Category.T_SHIRT, 0.5), CategoryGuess(Category.SKIRT, 0.4))
    answers = [geometry(garment.photo, shape, frame, each, points).sleeve for each in (sure, torn)]
    assert answers[1].confidence < answers[0].confidence


def test_a_classifier_decides_where_the_rules_leave_it_open() -> None:
    garment = drawn(Category.LONG_SLEEVE)
    for wanted in (Neckline.V, Neckline.SCOOP):
        rest = 0.02 / (len(Neckline) - 2)
        prior = {neckline: 0.98 if neckline is wanted else rest for neckline in Neckline}
        assert read(garment, priors=Priors(neckline=prior)).neckline.value is wanted


def test_a_classifier_that_excludes_everything_leaves_the_answer_open() -> None:
    found = read(drawn(Category.T_SHIRT), priors=Priors(sleeve={}))
    assert found.sleeve.value is None
    assert found.sleeve.confidence == 0


def test_widths_are_those_that_were_drawn() -> None:
    garment = drawn(Category.T_SHIRT, 2)
    truth = {name.value: np.array(place) for name, place in garment.landmarks.items()}
    length = (truth["hem-left"] + truth["hem-right"] - truth["neck-left"] - truth["neck-right"])[1] / 2
    found = ratios(read(garment))
    for name, one, two in (
        (Name.CHEST, "armpit-left", "armpit-right"),
        (Name.HEM, "hem-left", "hem-right"),
        (Name.CUFF, "cuff-left-upper", "cuff-left-lower"),
    ):
        assert found[name] == pytest.approx(np.hypot(*(truth[one] - truth[two])) / length, abs=0.04)


def test_centimetres_follow_from_one_known_length() -> None:
    found = read(drawn(Category.TROUSERS), KnownLength(Name.WAIST, 40.0))
    lengths = {length.name: length for length in found.measurements}
    assert lengths[Name.WAIST].centimetres == pytest.approx(40.0)
    for length in lengths.values():
        assert length.centimetres == pytest.approx(40.0 * length.ratio / lengths[Name.WAIST].ratio)
    assert all(length.centimetres is None for length in read(drawn(Category.TROUSERS)).measurements)


def test_a_length_that_the_garment_does_not_have_is_refused_with_those_it_has() -> None:
    with pytest.raises(BadField, match=r"inseam cannot be measured .*chest") as caught:
        read(drawn(Category.T_SHIRT), KnownLength(Name.INSEAM, 70.0))
    assert caught.value.field == "known_length.name"


@pytest.mark.parametrize("centimetres", [0.0, 0.99, 400.1, -3.0, math.nan, math.inf])
def test_lengths_out_of_range_are_refused(centimetres: float) -> None:
    with pytest.raises(BadField, match="1 to 400") as caught:
        read(drawn(Category.T_SHIRT), KnownLength(Name.LENGTH, centimetres))
    assert caught.value.field == "known_length.centimetres"


@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    st.sampled_from([Category.T_SHIRT, Category.LONG_SLEEVE, Category.TROUSERS, Category.SKIRT]),
    st.integers(0, 1000),
    st.floats(-20, 20),
    st.sampled_from([220, 400]),
)
def test_turning_and_scaling_keep_the_build(category: Category, seed: int, tilt: float, size: int) -> None:
    upright = ratios(read(draw(category, seed, long_side=SIZE)))
    turned = ratios(read(draw(category, seed, long_side=size, tilt_deg=tilt)))
    for name in (Name.CHEST, Name.HEM, Name.WAIST, Name.INSEAM, Name.LEG_OPENING):
        if name in upright and name in turned:
            assert turned[name] == pytest.approx(upright[name], abs=0.06), name


@settings(max_examples=5, deadline=None, derandomize=True)
@given(st.sampled_from([Category.T_SHIRT, Category.DRESS, Category.SHORTS]), st.integers(0, 1000))
def test_the_mirror_image_has_the_same_build(category: Category, seed: int) -> None:
    garment = draw(category, seed, long_side=SIZE)
    found = read(garment)
    flipped = build(cv2.flip(garment.photo, 1), cv2.flip(garment.alpha, 1), category)
    assert flipped.sleeve.value == found.sleeve.value
    assert ratios(flipped) == pytest.approx(ratios(found), abs=0.05)
    assert flipped.tilt_deg == pytest.approx(-found.tilt_deg, abs=1.1)


def odd_shapes() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shapes = {name: np.zeros((200, 160), np.uint8) for name in ("narrow", "line", "circle", "ring", "dots", "cross")}
    shapes["narrow"][20:180, 78:83] = 255
    shapes["line"][100, 5:150] = 255
    cv2.circle(shapes["circle"], (80, 100), 60, 255, -1)
    cv2.circle(shapes["ring"], (80, 100), 60, 255, 6)
    shapes["dots"][rng.random((200, 160)) > 0.98] = 255
    shapes["cross"][95:105, 10:150] = 255
    shapes["cross"][10:190, 75:85] = 255
    torn = draw(Category.T_SHIRT, 1, long_side=160).alpha.copy()
    torn[rng.random(torn.shape) > 0.6] = 0
    shapes["torn"] = torn
    return shapes


@pytest.mark.parametrize("name", list(odd_shapes()))
@pytest.mark.parametrize("category", [Category.DRESS, Category.SHIRT, Category.TROUSERS, Category.SKIRT])
def test_odd_shapes_give_finite_answers_or_a_reason(name: str, category: Category) -> None:
    alpha = odd_shapes()[name]
    photo = np.full((*alpha.shape, 3), 128, np.uint8)
    try:
        found = build(photo, alpha, category)
    except BadMask:
        assert name in {"line", "dots", "torn"}
        return
    numbers = [found.tilt_deg, found.symmetry]
    numbers += [getattr(found, field.name).confidence for field in fields(found)[:4]]
    numbers += [value for length in found.measurements for value in (length.ratio, length.confidence)]
    assert np.isfinite(numbers).all()
    assert all(0 <= length.confidence <= 1 for length in found.measurements)
