from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.drawn import DrawnGarment, draw
from benchmarks.drawn.scene import Conditions, photograph
from benchmarks.features_palette import cast_of
from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import Cancelled
from fashquick_common.garment import UNKNOWN_LIGHT, Category, Light, LightEvidence
from fashquick_common.image.spaces import ciede2000, lab_of_srgb
from fashquick_features.colour import light, palette

SHEET, WOOD, RED, CREAM = (238, 238, 236), (176, 134, 96), (170, 40, 44), (236, 226, 200)
Photo = npt.NDArray[np.uint8]


def shown(
    colours: list[tuple[int, int, int]],
    ground: tuple[int, int, int],
    *,
    kelvin: float = 6500.0,
    stops: float = 0.0,
) -> tuple[Photo, Photo]:
    """A square garment of bands of colour on a ground, under a light."""
    scene = np.empty((200, 200, 3))
    scene[:] = ground
    for index, rows in enumerate(np.array_split(np.arange(40, 160), len(colours))):
        scene[rows[0] : rows[-1] + 1, 50:150] = colours[index]
    alpha = np.zeros((200, 200), np.uint8)
    alpha[40:160, 50:150] = 255
    conditions = Conditions(cast=cast_of(kelvin), exposure=stops, noise=1.5)
    return photograph(scene, conditions, np.random.default_rng(5)), alpha


def estimate(photo: Photo, alpha: Photo) -> Light:
    return light.estimate(photo, alpha, CancelFlag())


@pytest.mark.parametrize("kelvin", [2700.0, 3500.0, 4500.0, 5500.0, 6500.0, 7500.0, 9000.0])
def test_a_cast_that_sheet_and_garment_share_is_told(kelvin: float) -> None:
    told = estimate(*shown([(128, 128, 130), (60, 60, 62), (196, 30, 40)], SHEET, kelvin=kelvin, stops=-1.0))
    assert told.evidence is LightEvidence.GROUND
    np.testing.assert_allclose(told.cast, cast_of(kelvin), atol=2.0)


@pytest.mark.parametrize("stops", [-1.0, -0.5, -0.2, 0.0])
def test_a_white_sheet_tells_how_dark_the_photo_is(stops: float) -> None:
    told = estimate(*shown([(30, 36, 70)], SHEET, stops=stops))
    assert told.exposure_stops == pytest.approx(stops, abs=0.15)


def test_a_ground_burnt_out_to_white_does_not_tell_how_bright_the_photo_is() -> None:
    told = estimate(*shown([(30, 36, 70)], SHEET, stops=0.7))
    assert told.evidence is LightEvidence.GROUND
    assert told.exposure_stops == 0
    assert told.cast == (0.0, 0.0)


@pytest.mark.parametrize("ground", [RED, (40, 110, 60), (60, 60, 150)])
@pytest.mark.parametrize("colour", [(196, 32, 40), (84, 140, 96), (236, 196, 70)])
def test_a_coloured_bedspread_is_no_cast(ground: tuple[int, int, int], colour: tuple[int, int, int]) -> None:
    assert estimate(*shown([colour], ground)) == UNKNOWN_LIGHT


@pytest.mark.parametrize("colour", [(28, 28, 30), (240, 240, 238), (128, 128, 132), (196, 32, 40)])
def test_wood_is_no_lamp_light(colour: tuple[int, int, int]) -> None:
    told = estimate(*shown([colour], WOOD))
    assert np.hypot(*told.cast) < 2
    assert told.exposure_stops == 0


@pytest.mark.parametrize("stops", [-0.5, 0.0])
def test_a_cream_garment_on_a_white_sheet_stays_cream(stops: float) -> None:
    photo, alpha = shown([CREAM], SHEET, stops=stops)
    (only,) = palette.extract(photo, alpha, estimate(photo, alpha), CancelFlag())
    assert only.corrected is not None
    assert ciede2000(np.array(only.corrected.lab), lab_of_srgb(np.array(CREAM, np.uint8))) < 3
    assert only.name == "cream"


@pytest.mark.parametrize("sheet", [(226, 220, 206), (222, 214, 212)])
@pytest.mark.parametrize("colour", [(190, 190, 192), (96, 97, 100), (34, 35, 37)])
def test_a_tinged_ground_does_not_tinge_a_grey_garment(
    sheet: tuple[int, int, int], colour: tuple[int, int, int]
) -> None:
    photo, alpha = shown([colour], sheet)
    (only,) = palette.extract(photo, alpha, estimate(photo, alpha), CancelFlag())
    assert only.corrected is not None
    assert np.hypot(*only.corrected.lab[1:]) < np.hypot(*only.lab[1:]) + 0.7


def test_a_ground_that_beige_cloth_outshines_is_not_white() -> None:
    grey = (184, 184, 184)
    assert estimate(*shown([(60, 50, 120)], grey)).exposure_stops < -0.5
    assert estimate(*shown([(206, 188, 152)], grey)).exposure_stops == 0


def test_a_red_garment_does_not_drag_the_estimate() -> None:
    told = estimate(*shown([(200, 36, 44)], SHEET))
    assert np.hypot(*told.cast) < 1.5


def test_black_and_white_cloth_tells_the_light_on_a_coloured_ground() -> None:
    told = estimate(*shown([(28, 28, 28), (225, 225, 225)] * 3, RED, kelvin=5800.0))
    assert told.evidence is LightEvidence.NEUTRALS
    np.testing.assert_allclose(told.cast, cast_of(5800.0), atol=1.5)


@pytest.mark.parametrize("kelvin", [3500.0, 9000.0])
def test_taking_the_light_out_brings_the_colours_back(kelvin: float) -> None:
    truth = [(128, 128, 130), (60, 60, 62), (40, 92, 176)]
    photo, alpha = shown(truth, SHEET, kelvin=kelvin, stops=-0.5)
    told = estimate(photo, alpha)
    found = palette.extract(photo, alpha, told, CancelFlag())
    known = lab_of_srgb(np.array(truth, np.uint8))
    for colour in found:
        assert colour.corrected is not None
        assert ciede2000(known, np.array(colour.corrected.lab)).min() < 4
        assert ciede2000(known, np.array(colour.lab)).min() > 4


def test_no_light_leaves_colours_alone() -> None:
    linear = np.random.default_rng(1).random((20, 3))
    np.testing.assert_allclose(light.corrected(linear, UNKNOWN_LIGHT), linear, rtol=1e-6)


def test_gains_stay_finite_for_any_cast() -> None:
    for cast in ((128.0, 128.0), (-128.0, 127.0), (127.0, -128.0), (-128.0, -128.0)):
        factors = np.array(Light(LightEvidence.GROUND, cast, -4.0, 1.0).gains)
        assert np.isfinite(factors).all()
        assert (factors > 0).all()


def flawed() -> list[tuple[str, Photo, Photo]]:
    garment: DrawnGarment = draw(Category.T_SHIRT, 3, colours=2, long_side=192)
    grey = np.asarray(cv2.cvtColor(garment.photo, cv2.COLOR_RGB2GRAY))
    extreme = np.clip(garment.photo * np.array([1.0, 0.05, 0.0]), 0, 255).astype(np.uint8)
    thin = np.zeros((120, 60), np.uint8)
    thin[5:115, 28:33] = 255
    block = np.zeros((40, 40), np.uint8)
    block[16:24, 16:24] = 255
    noise = np.random.default_rng(0).integers(0, 256, (120, 60, 3), dtype=np.uint8)
    one = np.zeros((9, 9), np.uint8)
    one[4, 4] = 255
    return [
        ("greyscale", np.dstack([grey] * 3), garment.alpha),
        ("extreme cast", extreme, garment.alpha),
        ("five pixels wide", noise, thin),
        ("64 pixels", noise[:40, :40], block),
        ("one pixel", noise[:9, :9], one),
        ("one level of alpha", garment.photo, np.where(garment.alpha >= 128, 128, 0).astype(np.uint8)),
        ("garment everywhere", noise, np.full((120, 60), 255, np.uint8)),
        ("all black", np.zeros_like(noise), thin),
        ("all white", np.full_like(noise, 255), thin),
    ]


@pytest.mark.parametrize(("name", "photo", "alpha"), flawed(), ids=[case[0] for case in flawed()])
def test_bad_input_gives_finite_answers(name: str, photo: Photo, alpha: Photo) -> None:
    told = estimate(photo, alpha)
    assert np.isfinite([*told.cast, told.exposure_stops, told.confidence]).all()
    found = palette.extract(photo, alpha, told, CancelFlag())
    assert 1 <= len(found) <= palette.MAX_COLOURS
    assert sum(colour.share for colour in found) == pytest.approx(1.0)
    for colour in found:
        assert np.isfinite([*colour.lab, colour.share, colour.confidence]).all()
        assert 0 <= colour.confidence <= 1
        assert colour.role is not None
        assert (colour.corrected is None) == (told.evidence is None)
        if name == "greyscale":
            assert np.hypot(*colour.lab[1:]) < 1


def test_a_cancelled_estimate_stops() -> None:
    flag = CancelFlag()
    flag.cancel()
    with pytest.raises(Cancelled):
        light.estimate(*shown([RED], SHEET), flag)
