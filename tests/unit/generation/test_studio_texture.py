"""What the cloth looks like: light, folds, filling and back."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import (
    Area,
    Category,
    Light,
    LightEvidence,
    PaletteColour,
    Pattern,
    PatternGuess,
    PatternKind,
)
from fashquick_generation.engine import GarmentInput
from fashquick_generation.studio.cut import tops
from fashquick_generation.studio.sample import sample_garment
from fashquick_generation.studio.texture import back, filling, textures
from tests.support.studio import SMALL


def test_filling_keeps_what_is_known_and_invents_no_colour() -> None:
    image = np.zeros((40, 50, 3), np.float32)
    known = np.zeros((40, 50), bool)
    known[5:15, 5:20] = True
    image[known] = (0.2, 0.5, 0.8)
    out = filling.filled(image, known, CancelFlag())
    assert np.allclose(out, (0.2, 0.5, 0.8), atol=1e-4)


def test_folds_of_white_cloth_are_softened_and_prints_are_not() -> None:
    garment = sample_garment((205, 205, 205))
    photo = garment.photo.copy()
    photo[250:262, 150:250] = 150  # a fold's shade
    photo[300:330, 180:220] = 20  # a print
    worn = replace(garment, photo=photo)
    cut = tops.drafted(worn, Category.T_SHIRT, SMALL, CancelFlag())

    made = textures.textures(worn, cut, 1.0, CancelFlag())

    def luminance(x: float, y: float) -> float:
        column, row = np.round(made.at(np.array([x, y]))).astype(int)
        return float(made.front[row, column].mean())

    cloth, fold, drawn = luminance(200, 220), luminance(200, 256), luminance(200, 315)
    in_photo = ((150 / 255) / (205 / 255)) ** 2.2
    assert cloth > 0.7
    assert fold / cloth > in_photo + 0.08
    assert drawn / cloth < 0.05


def luminance_at(made: textures.Texture, image: np.ndarray, x: float, y: float) -> np.ndarray:
    column, row = np.round(made.at(np.array([x, y]))).astype(int)
    return np.asarray(image[row, column])


def textured(garment: GarmentInput) -> textures.Texture:
    return textures.textures(garment, tops.drafted(garment, Category.T_SHIRT, SMALL, CancelFlag()), 1.0, CancelFlag())


def test_one_cloth_in_two_lights_has_one_colour() -> None:
    cloth, light = np.array([0.40, 0.05, 0.07]), Light(LightEvidence.GROUND, (-2.0, 9.0), -0.6, 0.7)
    seen = tuple(int(code) for code in np.round(255 * (cloth / np.array(light.gains)) ** (1 / 2.2)))
    plain = sample_garment(tuple(int(code) for code in np.round(255 * cloth ** (1 / 2.2))))
    tinted = sample_garment(seen)
    tinted = replace(tinted, passport=replace(tinted.passport, light=light))
    one, two = (textured(garment) for garment in (plain, tinted))
    middle = (200.0, 250.0)
    np.testing.assert_allclose(
        luminance_at(one, one.front, *middle), luminance_at(two, two.front, *middle), rtol=0.05, atol=0.003
    )


def test_neither_a_loose_rim_nor_a_hole_shows_the_floor() -> None:
    garment = sample_garment((180, 40, 50))
    loose = cv2.dilate(garment.alpha, np.ones((7, 7), np.uint8))
    photo = garment.photo.copy()
    photo[280:300, 180:200] = 128
    loose[282:298, 182:198] = 0
    made = textured(replace(garment, photo=photo, alpha=loose))
    covered = np.argwhere(loose > 0)[::17]
    columns, rows = np.round(made.at(covered[:, ::-1] + 0.5)).astype(int).T
    reds = made.front[rows, columns]
    assert (reds[:, 0] > 4 * reds[:, 1]).mean() > 0.999
    hole = luminance_at(made, made.front, 190.0, 290.0)
    assert hole[0] > 4 * hole[1]


def test_a_label_that_reaches_below_the_even_neckline_is_not_on_the_front() -> None:
    """Necks are made even, so a crooked one leaves some of its inside below the edge."""
    garment = sample_garment((180, 40, 50))
    crooked = np.array([(162.0, 60.0), (166.0, 100.0), (186.0, 100.0), (192.0, 70.0), (238.0, 60.0), (200.0, 50.0)])
    photo = garment.photo.copy()
    photo[84:92, 172:180] = (250, 250, 250)
    told = replace(garment.passport, inside=(Area(tuple((float(x), float(y)) for x, y in crooked), 1.0),))
    unaware, aware = (textured(replace(garment, photo=photo, passport=p)) for p in (garment.passport, told))
    label = (175.0, 91.0)
    assert luminance_at(unaware, unaware.front, *label)[1] > 0.5
    assert luminance_at(aware, aware.front, *label)[1] < 0.1


def test_stripes_go_on_beyond_the_border_and_around_to_the_back() -> None:
    garment = sample_garment((230, 230, 230))
    photo = garment.photo.copy()
    dark = (np.arange(photo.shape[0]) // 12) % 2 == 1
    photo[dark[:, None] & (garment.alpha > 0)] = (30, 40, 120)
    stripes = Pattern((PatternGuess(PatternKind.STRIPES, 0.9),), ())
    palette = tuple(PaletteColour(srgb, (0.0, 0.0, 0.0), 0.5, "") for srgb in ((230, 230, 230), (30, 40, 120)))
    made = textured(replace(garment, photo=photo, passport=replace(garment.passport, pattern=stripes, palette=palette)))
    for x in (200.0, 293.0):  # inside, and beyond the right side seam at 290
        for y in range(222, 340, 12):
            blue = dark[y]
            for image in (made.front, made.back):
                assert (luminance_at(made, image, x, y + 0.5)[0] < 0.3) == blue


def test_a_plain_back_has_no_letters_and_a_band_goes_around() -> None:
    garment = sample_garment((60, 90, 160))
    photo = garment.photo.copy()
    photo[250:270, 160:240] = 250  # a word
    photo[320:350][garment.alpha[320:350] > 0] = (200, 180, 40)  # a band
    made = textured(replace(garment, photo=photo))
    word, band = (luminance_at(made, made.back, 200.0, y) for y in (260.0, 335.0))
    assert word[2] > 2 * word[0]
    assert band[0] > 2 * band[2]


def test_a_reverse_that_nothing_shows_lies_in_memory_like_any_image() -> None:
    """Kernels are compiled for each layout: another one would make the first picture wait."""
    front = np.full((4, 5, 3), 0.5, np.float32)
    assert back.reverse_of(front, np.zeros((4, 5), bool), front, lined=True, cancel=CancelFlag()).flags.c_contiguous


def test_sheen_is_what_the_photo_shows_of_it() -> None:
    matt = sample_garment((20, 20, 22))
    glossy = replace(matt, photo=matt.photo.copy())
    glossy.photo[200:330, 165:195] = 110  # a highlight along the garment
    assert textured(matt).sheen < 0.005
    assert textured(glossy).sheen > 0.05


def test_a_hanger_gives_the_inside_of_a_sweater_no_colour_and_a_lining_does() -> None:
    red, black = np.array([0.5, 0.02, 0.02], np.float32), np.array([0.01, 0.01, 0.01], np.float32)
    front = np.broadcast_to(red, (20, 20, 3)).astype(np.float32)
    photo, seen = front.copy(), np.zeros((20, 20), bool)
    photo[2:10], seen[2:14] = black, True
    sweater, coat = (back.reverse_of(photo, seen, front, lined=lined, cancel=CancelFlag()) for lined in (False, True))
    np.testing.assert_allclose(sweater[5, 5], red, atol=0.01)
    np.testing.assert_allclose(coat[5, 5], black, atol=0.01)
