from __future__ import annotations

import math

import hypothesis.strategies as st
import pytest
from hypothesis import given

from fashquick.garment.v1 import category_pb2, landmark_pb2, passport_pb2
from fashquick_common.errors import BadField
from fashquick_common.garment import Category, CategoryGuess, Landmark, LandmarkName, PaletteColour, Passport
from fashquick_common.garment_codec import (
    category_from_proto,
    category_to_proto,
    passport_from_proto,
    passport_to_proto,
)

shares = st.floats(0, 1, width=32)
passports = st.builds(
    Passport,
    categories=st.lists(st.builds(CategoryGuess, st.sampled_from(Category), shares), max_size=12).map(tuple),
    landmarks=st.dictionaries(
        st.sampled_from(LandmarkName),
        st.builds(Landmark, st.floats(0, 64, width=32), st.floats(0, 64, width=32), shares),
    ),
    palette=st.lists(
        st.builds(
            PaletteColour,
            st.tuples(*[st.integers(0, 255)] * 3),
            st.tuples(st.floats(0, 100, width=32), *[st.floats(-128, 128, width=32)] * 2),
            shares,
            st.text(max_size=20),
        ),
        max_size=8,
    ).map(tuple),
    photo_width=st.integers(64, 4096),
    photo_height=st.integers(64, 4096),
    coverage=shares,
)


@given(passports)
def test_a_passport_survives_the_wire(passport: Passport) -> None:
    assert passport_from_proto(passport_to_proto(passport)) == passport


@pytest.mark.parametrize("category", [*Category, None])
def test_every_category_has_a_number_on_the_wire(category: Category | None) -> None:
    assert category_from_proto(category_to_proto(category)) == category


def test_values_and_wire_name_the_same_things() -> None:
    assert len(Category) == len(category_pb2.Category.keys()) - 1
    assert len(LandmarkName) == len(landmark_pb2.LandmarkName.keys()) - 1


def test_values_of_a_newer_version_are_left_out() -> None:
    message = passport_pb2.Passport(photo_width=100, photo_height=100)
    message.categories.add(category=999, confidence=0.5)
    message.landmarks.add(name=999, x=1, y=1)

    passport = passport_from_proto(message)

    assert passport.categories == ()
    assert passport.landmarks == {}
    assert category_from_proto(999) is None  # type: ignore[arg-type]


def _with(**fields: object) -> passport_pb2.Passport:
    message = passport_pb2.Passport(photo_width=100, photo_height=100)
    message.MergeFrom(passport_pb2.Passport(**fields))  # type: ignore[arg-type]
    return message


LANDMARK = landmark_pb2.LANDMARK_NAME_CROTCH


@pytest.mark.parametrize(
    "message",
    [
        passport_pb2.Passport(),
        _with(coverage=math.nan),
        _with(coverage=2.0),
        _with(categories=[{"category": 1, "confidence": -0.1}]),
        _with(categories=[{"category": 1}] * 13),
        _with(landmarks=[{"name": LANDMARK, "x": math.nan}]),
        _with(landmarks=[{"name": LANDMARK, "x": 101.0}]),
        _with(landmarks=[{"name": LANDMARK, "x": math.inf}]),
        _with(landmarks=[{"name": LANDMARK}, {"name": LANDMARK}]),
        _with(palette={"colours": [{"srgb": 0x1000000}]}),
        _with(palette={"colours": [{"lab_l": math.nan}]}),
        _with(palette={"colours": [{}] * 9}),
    ],
)
def test_a_passport_that_makes_no_sense_is_refused(message: passport_pb2.Passport) -> None:
    with pytest.raises(BadField) as refusal:
        passport_from_proto(message)
    assert refusal.value.field.startswith("passport")
