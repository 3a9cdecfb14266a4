"""The sheet that shows a passport, as far as a program can look at it."""

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fashquick_client.passport_sheet import SheetPhoto, make_passport_sheet
from fashquick_client.passport_sheet.canvas import drawable, shortened, text_width, wrapped
from fashquick_common.errors import BadMask
from fashquick_common.garment import Box, Print
from tests.support.command import picture_file
from tests.support.garments import SHIRT_PASSPORT, passports

GROUND, CLOTH = (90, 200, 120), (200, 30, 40)
CYAN, ORANGE, BLUE = (0, 214, 255), (214, 84, 24), (20, 98, 190)


def photo(width=160, height=120, garment=(26, 18, 134, 108)):
    rgb = np.full((height, width, 3), GROUND, np.uint8)
    alpha = np.zeros((height, width), np.uint8)
    left, top, right, bottom = garment
    rgb[top:bottom, left:right] = CLOTH
    alpha[top:bottom, left:right] = 255
    return SheetPhoto(rgb, alpha)


def sheet_of(shown, passport):
    return np.asarray(Image.open(io.BytesIO(make_passport_sheet(shown, passport, "shirt.jpg")))).astype(int)


def close(pixels, colour, tolerance=12):
    return np.abs(pixels - colour).max(axis=2) <= tolerance


def test_photo_cutout_colours_and_facts_have_their_places():
    pixels = sheet_of(photo(), SHIRT_PASSPORT)
    left, middle, right = pixels[:, :740], pixels[:, 760:1180], pixels[:, 1200:]
    assert close(left, GROUND).sum() > 10_000
    assert close(left, CYAN, 60).sum() > 300
    assert close(left, ORANGE, 40).sum() > 300
    # The cut-out stands on white.
    assert close(middle, GROUND).sum() == 0
    assert close(middle, CLOTH).sum() > 10_000
    for colour in SHIRT_PASSPORT.palette:
        assert close(middle, colour.srgb, 1).sum() > 1_000
    assert close(right, BLUE).sum() > 1_000


def test_a_surer_answer_has_a_longer_bar():
    def blue(confidence):
        (first, *_) = SHIRT_PASSPORT.categories
        passport = replace(SHIRT_PASSPORT, categories=(replace(first, confidence=confidence),))
        return close(sheet_of(photo(), passport)[:, 1200:], BLUE, 3).sum()

    assert blue(0.25) < blue(0.5) < blue(1.0)


def test_points_lie_where_the_passport_says():
    bare = replace(SHIRT_PASSPORT, prints=(), landmarks={})
    (name,) = [name for name in SHIRT_PASSPORT.landmarks if name == "collar-bottom"]
    pointed = replace(bare, landmarks={name: SHIRT_PASSPORT.landmarks[name]})
    changed = np.abs(sheet_of(photo(), pointed) - sheet_of(photo(), bare)).max(axis=2) > 0
    orange = close(sheet_of(photo(), pointed), ORANGE, 25) & changed
    rows, columns = np.nonzero(orange[:, :740])
    # Found again on the photo by its red cloth, whose place on the photo is known.
    cloth_rows, cloth_columns = np.nonzero(close(sheet_of(photo(), bare)[:, :740], CLOTH))
    scale = (cloth_columns.max() - cloth_columns.min()) / 108
    assert columns.mean() == pytest.approx(cloth_columns.min() + (80 - 26) * scale, abs=scale)
    assert rows.mean() == pytest.approx(cloth_rows.min() + (26 - 18) * scale, abs=scale)


def test_a_passport_of_another_size_is_drawn_at_the_photos():
    twice = photo(320, 240, (52, 36, 268, 216))
    assert np.abs(sheet_of(twice, SHIRT_PASSPORT) - sheet_of(photo(), SHIRT_PASSPORT)).mean() < 2


@settings(max_examples=8, deadline=None)
@given(passports(), st.sampled_from([(64, 2000), (2000, 64), (80, 80)]))
def test_any_passport_can_be_drawn(passport, size):
    width, height = size
    shown = photo(width, height, (width // 2, height // 2, width // 2 + 1, height // 2 + 1))
    assert sheet_of(shown, passport).shape == (1050, 1680, 3)


def test_a_photo_without_a_garment_can_be_drawn():
    empty = SheetPhoto(photo().rgb, np.zeros((120, 160), np.uint8))
    assert sheet_of(empty, SHIRT_PASSPORT).shape == (1050, 1680, 3)


def test_many_prints_stay_on_the_sheet():
    many = replace(SHIRT_PASSPORT, prints=(Print(Box(60.0, 40.0, 10.0, 10.0), 0.01, 0.5),) * 32)
    pixels = sheet_of(photo(), many)
    assert (pixels[1040:] == 255).all()


def test_a_mask_file_must_be_the_photos():
    out = io.BytesIO()
    Image.new("L", (80, 80), 255).save(out, "PNG")
    with pytest.raises(BadMask, match="80 x 80"):
        SheetPhoto.read(picture_file(), out.getvalue())


@given(st.text(max_size=60), st.integers(20, 400))
def test_no_line_is_wider_than_its_place(words, width):
    assert text_width(shortened(words, 16, width), 16) <= max(width, text_width("…", 16))
    lines = wrapped(words, 16, width, 3)
    assert len(lines) <= 3
    assert all(text_width(line, 16) <= max(width, text_width("…", 16)) for line in lines)


def test_what_the_typeface_lacks_is_marked():
    assert drawable("Café ½ 東京") == "Cafe ? ??"
