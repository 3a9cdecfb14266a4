from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.drawn import DrawnGarment, draw
from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import UNKNOWN_LIGHT, Category, ColourRole, PaletteColour, PatternKind, TextureClass
from fashquick_common.image.spaces import ciede2000, lab_of_srgb
from fashquick_features.colour import palette
from fashquick_features.colour.descriptor import LENGTH, describe
from fashquick_features.colour.light import estimate


def extract(garment: DrawnGarment) -> tuple[PaletteColour, ...]:
    return palette.extract(garment.photo, garment.alpha, UNKNOWN_LIGHT, CancelFlag())


def weighted_error(garment: DrawnGarment, found: tuple[PaletteColour, ...]) -> float:
    """CIEDE2000 from each true colour to the nearest found one, weighted by the true shares."""
    truth = lab_of_srgb(np.array([srgb for srgb, _ in garment.colours], np.uint8))
    apart = ciede2000(truth[:, None], np.array([colour.lab for colour in found])[None]).min(axis=1)
    return float(np.dot(apart, [share for _, share in garment.colours]))


@settings(max_examples=5, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.integers(1, 4), st.floats(-15, 15))
def test_stripes_are_found_with_their_colours_and_shares(seed: int, colours: int, tilt: float) -> None:
    garment = draw(Category.T_SHIRT, seed, colours=colours, tilt_deg=tilt, long_side=256)
    found = extract(garment)
    assert len(found) == colours
    assert weighted_error(garment, found) < 3
    truth = lab_of_srgb(np.array([srgb for srgb, _ in garment.colours], np.uint8))
    for colour in found:
        nearest = int(ciede2000(truth, np.array(colour.lab)).argmin())
        assert colour.share == pytest.approx(garment.colours[nearest][1], abs=0.06)


@settings(max_examples=4, deadline=None, derandomize=True)
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
    found = palette.extract(photo, loose, UNKNOWN_LIGHT, CancelFlag())
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
    (only,) = palette.extract(photo, alpha, UNKNOWN_LIGHT, CancelFlag())
    assert only.srgb == (level, level, level)
    assert only.name == ("white" if level else "black")


@settings(max_examples=4, deadline=None, derandomize=True)
@given(st.integers(0, 10_000))
def test_noise_gives_a_valid_palette(seed: int) -> None:
    rng = np.random.default_rng(seed)
    photo = rng.integers(0, 256, (48, 48, 3), dtype=np.uint8)
    found = palette.extract(
        photo, np.where(rng.random((48, 48)) < 0.5, 255, 0).astype(np.uint8), UNKNOWN_LIGHT, CancelFlag()
    )
    assert 1 <= len(found) <= palette.MAX_COLOURS
    assert np.isfinite([[*colour.lab, colour.share] for colour in found]).all()


def drawn(pattern: PatternKind, seed: int, *, texture: TextureClass = TextureClass.SMOOTH) -> DrawnGarment:
    return draw(Category.T_SHIRT, seed, pattern=pattern, texture=texture, long_side=320)


def roles(found: tuple[PaletteColour, ...]) -> list[ColourRole | None]:
    return [colour.role for colour in found]


def test_a_printed_picture_is_a_print() -> None:
    photo, alpha = plain((40, 92, 176))
    cv2.circle(photo, (150, 150), 30, (240, 240, 238), -1)
    assert roles(palette.extract(photo, alpha, UNKNOWN_LIGHT, CancelFlag())) == [ColourRole.GROUND, ColourRole.PRINT]


def test_stripes_are_a_print_on_their_ground() -> None:
    found = extract(drawn(PatternKind.STRIPES, 8))
    assert found[0].role is ColourRole.GROUND
    assert set(roles(found)[1:]) == {ColourRole.PRINT}


def test_an_edging_is_a_trim() -> None:
    photo, alpha = plain((40, 92, 176))
    cv2.rectangle(photo, (53, 53), (246, 246), (240, 240, 238), 7)
    assert roles(palette.extract(photo, alpha, UNKNOWN_LIGHT, CancelFlag())) == [ColourRole.GROUND, ColourRole.TRIM]


def test_a_waistband_is_a_trim() -> None:
    photo, alpha = plain((40, 92, 176))
    photo[50:64] = (236, 196, 70)
    assert roles(palette.extract(photo, alpha, UNKNOWN_LIGHT, CancelFlag())) == [ColourRole.GROUND, ColourRole.TRIM]


def test_both_panels_of_a_colour_block_are_ground() -> None:
    photo, alpha = plain((40, 92, 176))
    photo[170:] = (236, 196, 70)
    assert roles(palette.extract(photo, alpha, UNKNOWN_LIGHT, CancelFlag())) == [ColourRole.GROUND, ColourRole.GROUND]


def plain(colour: tuple[int, int, int]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """A square of one colour."""
    photo = np.full((300, 300, 3), 190, np.uint8)
    photo[50:250, 50:250] = colour
    alpha = np.zeros((300, 300), np.uint8)
    alpha[50:250, 50:250] = 255
    return photo, alpha


def test_a_gradual_shade_is_no_second_colour() -> None:
    photo, alpha = plain((40, 92, 176))
    shade = np.clip(np.linspace(1.6, -0.2, 300), 0.35, 1.0)[:, None, None]
    shaded = np.round(photo * shade).astype(np.uint8)
    assert len(palette.extract(shaded, alpha, UNKNOWN_LIGHT, CancelFlag())) == 1


def test_the_same_two_blues_with_an_edge_between_are_two_colours() -> None:
    photo, alpha = plain((40, 92, 176))
    photo[150:, 50:250] = (20, 46, 88)
    assert len(palette.extract(photo, alpha, UNKNOWN_LIGHT, CancelFlag())) == 2


def test_fine_lines_keep_their_colour() -> None:
    photo, alpha = plain((240, 240, 238))
    photo[50:250:6, 50:250] = photo[51:250:6, 50:250] = (30, 36, 70)
    found = palette.extract(photo, alpha, UNKNOWN_LIGHT, CancelFlag())
    assert len(found) == 2
    line = min(found, key=lambda colour: colour.lab[0])
    assert ciede2000(np.array(line.lab), lab_of_srgb(np.array((30, 36, 70), np.uint8))) < 6
    assert line.share == pytest.approx(1 / 3, abs=0.06)


def test_drawn_patterns_have_their_colours() -> None:
    kinds = (PatternKind.SOLID, PatternKind.STRIPES, PatternKind.DOTS, PatternKind.COLOURBLOCK)
    garments = [drawn(kind, seed) for kind in kinds for seed in (1,)]
    assert np.mean([weighted_error(garment, extract(garment)) for garment in garments]) < 2.5


def test_a_garment_in_another_light_is_nearer_than_another_garment() -> None:
    def vector(seed: int, cast: tuple[float, float], exposure: float) -> npt.NDArray[np.float32]:
        garment = draw(Category.T_SHIRT, seed, colours=1 + seed % 3, cast=cast, exposure=exposure, long_side=160)
        found = palette.extract(
            garment.photo, garment.alpha, estimate(garment.photo, garment.alpha, CancelFlag()), CancelFlag()
        )
        return describe(found)

    seeds = (1, 2, 4, 5)
    plain_light = np.array([vector(seed, (0.0, 0.0), 0.0) for seed in seeds])
    other_light = np.array([vector(seed, (1.0, 5.0), -0.4) for seed in seeds])
    likeness = other_light @ plain_light.T
    np.testing.assert_array_equal(likeness.argmax(axis=1), np.arange(len(seeds)))


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=8))
def test_a_descriptor_has_a_fixed_length_and_norm(colours: list[tuple[int, int, int]]) -> None:
    def palette_of(shift: int) -> tuple[PaletteColour, ...]:
        moved = np.clip(np.array(colours) + shift, 0, 255).astype(np.uint8)
        lab = lab_of_srgb(moved)
        return tuple(PaletteColour((0, 0, 0), (float(a), float(b), float(c)), 1 / len(colours), "") for a, b, c in lab)

    vector = describe(palette_of(0))
    assert vector.shape == (LENGTH,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert (vector >= 0).all()
    # Two 8-bit steps are hardly to be seen and must hardly count.
    assert vector @ describe(palette_of(2)) > 0.98
