"""A passport in plain words."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings

from fashquick_client import wording
from fashquick_common.garment import (
    Light,
    LightEvidence,
    Pattern,
    PatternGuess,
    PatternKind,
    Repeat,
    TextReading,
)
from tests.support.garments import SHIRT_PASSPORT, passports


def repeated(kind, *repeats):
    pattern = Pattern((PatternGuess(kind, 1.0),), repeats)
    return wording.repeats(replace(SHIRT_PASSPORT, pattern=pattern, geometry=None))


def test_repeats_are_told_as_people_see_them():
    assert repeated(PatternKind.STRIPES, Repeat(10, 1 / 24, 178, 0.5, 0.9)) == [
        "horizontal stripes, 24 a garment length, dark part 50%, very regular"
    ]
    assert repeated(PatternKind.CHECK, Repeat(10, 0.4, 88, 0.25, 0.1), Repeat(10, 0.1, 0, 0.25, 0.4)) == [
        "vertical lines, 2.5 a garment length, dark part 25%, hardly regular",
        "horizontal lines, 10 a garment length, dark part 25%, fairly regular",
    ]
    assert repeated(PatternKind.FLORAL, Repeat(10, 0.0, 45, 0.5, 0.9)) == [
        "diagonal rows (45°), dark part 50%, very regular"
    ]


@pytest.mark.parametrize(
    ("cast", "stops", "words"),
    [
        ((0.5, -1.0), 0.1, "neutral, well exposed"),
        ((0.0, 12.0), 1.0, "strongly yellow (a* +0.0, b* +12.0), 1.0 stops too bright"),
        ((0.0, -5.0), -0.5, "slightly blue (a* +0.0, b* -5.0), 0.5 stops too dark"),
        ((-5.0, 0.5), 0.0, "slightly green"),
        ((5.0, -0.5), 0.0, "slightly red"),
    ],
)
def test_light(cast, stops, words):
    seen = Light(LightEvidence.NEUTRALS, cast, stops, 0.75)
    told = wording.light(replace(SHIRT_PASSPORT, light=seen))
    assert told.startswith(words)
    assert told.endswith("told by neutral parts of the photo, 75% sure")


def test_lengths_are_parts_of_the_garments_own_where_none_is_known():
    geometry = SHIRT_PASSPORT.geometry
    measured = tuple(replace(each, centimetres=None) for each in geometry.measurements)
    told = wording.measurements(replace(SHIRT_PASSPORT, geometry=replace(geometry, measurements=measured)))
    assert told[0] == ("chest", "0.62 of the length", 0.875)
    assert "length" not in [name for name, _, _ in told]


def test_prints_say_whether_anybody_looked_for_text():
    unread = replace(SHIRT_PASSPORT, prints=SHIRT_PASSPORT.prints[1:])
    assert wording.printed(unread) == ["1% of the garment, 50% sure, no text read"]
    nobody = replace(unread, text_reading=TextReading.NOT_READ)
    assert wording.printed(nobody) == ["1% of the garment, 50% sure, nobody looked for text"]


@pytest.mark.parametrize(("share", "words"), [(0.0, "0%"), (0.001, "under 1%"), (0.014, "1%"), (1.0, "100%")])
def test_a_small_share_is_not_nothing(share, words):
    assert wording.percent(share) == words


@settings(max_examples=20, deadline=None)
@given(passports())
def test_every_passport_can_be_told(passport):
    told = [wording.light(passport), wording.stance(passport), wording.texture_details(passport.texture)]
    told += wording.repeats(passport) + wording.printed(passport)
    told += [words for _, words, _ in wording.build(passport)] + [
        words for _, words, _ in wording.measurements(passport)
    ]
    assert all(words.isprintable() and "nan" not in words.split() for words in told)
    assert all(math.isfinite(share) for _, share in wording.categories(passport) + wording.patterns(passport))
