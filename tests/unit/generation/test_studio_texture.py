"""What the cloth looks like: light, folds, filling and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import Category
from fashquick_generation.studio.cut import tops
from fashquick_generation.studio.sample import sample_garment
from fashquick_generation.studio.texture import filling, textures
from tests.support.studio import SMALL


def test_filling_keeps_what_is_known_and_invents_no_colour() -> None:
    image = np.zeros((40, 50, 3), np.float32)
    known = np.zeros((40, 50), bool)
    known[5:15, 5:20] = True
    image[known] = (0.2, 0.5, 0.8)
    out = filling.filled(image, known)
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
