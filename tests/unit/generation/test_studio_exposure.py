"""A photo's brightness: what becomes white, and what stays pale grey, beige or cream."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from fashquick_common.garment import Light, LightEvidence
from fashquick_generation.studio.colour import linear
from fashquick_generation.studio.sample import sample_garment
from fashquick_generation.studio.texture.exposure import exposure_of

DARK_RED, WOOD, PALE_SHEET = (105, 20, 40), (120, 85, 60), (190, 165, 130)
Srgb = tuple[int, int, int]


def worn(cloth: Srgb, ground: Srgb, *, mark: Srgb | None = None, light: Light | None = None) -> tuple[float, float]:
    """Lightness and chroma that a cloth photographed on a ground gets, with a print in another colour if wanted."""
    garment = sample_garment(cloth)
    photo = np.full_like(garment.photo, ground)
    photo[garment.alpha > 0] = cloth
    if mark is not None:
        photo[270:330, 160:240] = mark
    passport = garment.passport if light is None else replace(garment.passport, light=light)
    exposure = exposure_of(photo, garment.alpha, linear(photo[garment.alpha > 0]), passport)
    light_of_cloth = exposure.applied(linear(np.array([[cloth]], np.uint8)))
    level, a, b = cv2.cvtColor(light_of_cloth, cv2.COLOR_LRGB2LAB)[0, 0]
    return float(level), float(np.hypot(a, b))


@pytest.mark.parametrize("ground", [DARK_RED, WOOD])
@pytest.mark.parametrize("cloth", [(200, 200, 200), (190, 186, 186), (192, 194, 202)])
def test_white_cloth_in_dim_light_becomes_white(cloth: Srgb, ground: Srgb) -> None:
    level, chroma = worn(cloth, ground)
    assert level > 85
    assert chroma < 2.5


@pytest.mark.parametrize("cloth", [(185, 185, 185), (160, 158, 154), (185, 183, 178)])
def test_what_is_hardly_brighter_than_its_ground_stays_grey(cloth: Srgb) -> None:
    level, _ = worn(cloth, PALE_SHEET)
    assert level == pytest.approx(worn(cloth, cloth)[0], abs=0.5)
    assert level < 76


def test_a_white_print_shows_that_the_cloth_is_grey() -> None:
    grey = (185, 185, 185)
    assert worn(grey, DARK_RED)[0] > 85
    assert worn(grey, DARK_RED, mark=(250, 250, 250))[0] < 76


@pytest.mark.parametrize("cloth", [(222, 208, 184), (190, 204, 222)])
def test_cream_and_pale_blue_stay_coloured(cloth: Srgb) -> None:
    before = cv2.cvtColor(linear(np.array([[cloth]], np.uint8)), cv2.COLOR_LRGB2LAB)[0, 0]
    level, chroma = worn(cloth, DARK_RED)
    assert level == pytest.approx(float(before[0]), abs=0.5)
    assert chroma == pytest.approx(float(np.hypot(*before[1:])), abs=0.5)


def test_a_grey_ground_tells_the_tinge_but_not_how_bright_a_white_cloth_is() -> None:
    by_grey_ground = Light(LightEvidence.GROUND, (0.5, 1.0), 0.0, 0.7)
    assert worn((198, 198, 198), (90, 90, 88), light=by_grey_ground)[0] > 85


def test_a_white_ground_tells_how_bright_a_grey_cloth_is() -> None:
    by_white_ground = Light(LightEvidence.GROUND, (0.0, 0.0), -0.2, 0.7)
    level, _ = worn((190, 190, 190), DARK_RED, light=by_white_ground)
    assert 76 < level < 83
