from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.drawn_garments import DrawnGarment, draw
from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import Category, PaletteColour
from fashquick_features.colour import palette
from fashquick_features.colour.spaces import ciede2000, lab_of_srgb


def extract(garment: DrawnGarment) -> tuple[PaletteColour, ...]:
    return palette.extract(garment.photo, garment.alpha, CancelFlag())


def weighted_error(garment: DrawnGarment, found: tuple[PaletteColour, ...]) -> float:
    """CIEDE2000 from each true colour to the nearest found one, weighted by the true shares."""
    truth = lab_of_srgb(np.array([srgb for srgb, _ in garment.colours], np.uint8))
    apart = ciede2000(truth[:, None], np.array([colour.lab for colour in found])[None]).min(axis=1)
    return float(np.dot(apart, [share for _, share in garment.colours]))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.integers(1, 4), st.floats(-15, 15))
def test_stripes_are_found_with_their_colours_and_shares(seed: int, colours: int, tilt: float) -> None:
    garment = draw(Category.T_SHIRT, seed, colours=colours, tilt_deg=tilt, long_side=384)
    found = extract(garment)
    assert len(found) == colours
    assert weighted_error(garment, found) < 3
    truth = lab_of_srgb(np.array([srgb for srgb, _ in garment.colours], np.uint8))
    for colour in found:
        nearest = int(ciede2000(truth, np.array(colour.lab)).argmin())
        assert colour.share == pytest.approx(garment.colours[nearest][1], abs=0.06)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.floats(0.0, 0.25))
def test_folds_do_not_split_one_colour(seed: int, folds: float) -> None:
    garment = draw(Category.SKIRT, seed, folds=folds, long_side=256)
    found = extract(garment)
    assert len(found) == 1
    assert weighted_error(garment, found) < 6


def test_shares_add_up_and_fall() -> None:
    found = extract(draw(Category.LONG_SLEEVE, 4, colours=5))
    shares = [colour.share for colour in found]
    assert sum(shares) == pytest.approx(1.0)
    assert shares == sorted(shares, reverse=True)
    for colour in found:
        np.testing.assert_allclose(lab_of_srgb(np.array(colour.srgb, np.uint8)), colour.lab, atol=1.0)


def test_background_is_no_colour_of_the_garment() -> None:
    garment = draw(Category.T_SHIRT, 2, colours=1)
    photo = garment.photo.copy()
    photo[garment.alpha < 128] = (0, 255, 0)
    loose = np.where(garment.alpha > 0, 255, 0).astype(np.uint8)
    found = palette.extract(photo, loose, CancelFlag())
    assert len(found) == 1
    assert weighted_error(garment, found) < 3


def test_the_result_does_not_depend_on_the_run() -> None:
    garment = draw(Category.T_SHIRT, 9, colours=4)
    assert extract(garment) == extract(garment)


@pytest.mark.parametrize("level", [0, 255])
def test_pure_black_and_white_are_named(level: int) -> None:
    photo = np.full((64, 64, 3), level, np.uint8)
    alpha = np.zeros((64, 64), np.uint8)
    alpha[8:56, 8:56] = 255
    (only,) = palette.extract(photo, alpha, CancelFlag())
    assert only.srgb == (level, level, level)
    assert only.name == ("white" if level else "black")


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 10_000))
def test_noise_gives_a_valid_palette(seed: int) -> None:
    rng = np.random.default_rng(seed)
    photo = rng.integers(0, 256, (48, 48, 3), dtype=np.uint8)
    found = palette.extract(photo, np.where(rng.random((48, 48)) < 0.5, 255, 0).astype(np.uint8), CancelFlag())
    assert 1 <= len(found) <= palette.MAX_COLOURS
    assert np.isfinite([[*colour.lab, colour.share] for colour in found]).all()
