"""What a photo's garment is measured by, and what the person who took the photo is told."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fashquick_segmentation.engine import Quality, Side
from fashquick_segmentation.refinement.coach import BOUNDARY_LOW, SHARPNESS_LOW, SYMMETRY_LOW, advice
from fashquick_segmentation.refinement.measures import boundary_confidence, measure, sharpness, symmetry
from fashquick_segmentation.refinement.quality import assess
from tests.unit.segmentation.garments import HEIGHT, OUTLINES, WIDTH, outline_mask, photo_of

NAVY = (34, 50, 110)


def t_shirt() -> NDArray[np.bool_]:
    return outline_mask(OUTLINES["t-shirt"]) > 0.5


def lab_of(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
    return cv2.cvtColor(photo.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def turned(mask: NDArray[np.bool_], degrees: float) -> NDArray[np.bool_]:
    matrix = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), degrees, 0.7)
    return cv2.warpAffine(mask.astype(np.uint8), matrix, (WIDTH, HEIGHT)) > 0


def good(mask: NDArray[np.bool_]) -> Quality:
    photo, _ = photo_of("t-shirt", NAVY, "planks")
    return assess(
        mask, measure(photo, photo, t_shirt()), expected=0.97, view_agreement=0.97, separation=0.9, hint_used=False
    )


class TestSymmetry:
    @pytest.mark.parametrize("degrees", [0, 12, 45, 90, 200])
    def test_a_garment_is_its_own_mirror_image_whichever_way_it_lies(self, degrees: float) -> None:
        assert symmetry(turned(t_shirt(), degrees)) > 0.9

    def test_a_folded_sleeve_is_seen(self) -> None:
        folded = t_shirt()
        folded[:, :118] = False
        folded[250:] = False
        assert symmetry(folded) < symmetry(t_shirt()) - 0.1

    def test_a_bent_shape_is_far_from_its_mirror_image(self) -> None:
        bent = np.zeros((200, 200), bool)
        bent[20:40, 20:180] = bent[20:180, 20:40] = bent[160:180, 20:60] = True
        assert symmetry(bent) < SYMMETRY_LOW


class TestBoundary:
    def test_cloth_of_another_colour_has_an_edge_all_round(self) -> None:
        photo, mask = photo_of("t-shirt", NAVY, "carpet")
        assert boundary_confidence(lab_of(photo), mask) > 0.98

    def test_half_an_outline_on_ground_of_its_own_colour_has_half_an_edge(self) -> None:
        photo = np.full((200, 200, 3), 90, np.uint8)
        photo[:, 100:] = (200, 40, 40)
        mask = np.zeros((200, 200), bool)
        mask[50:150, 50:150] = True
        photo[mask] = 90
        assert boundary_confidence(lab_of(photo), mask) == pytest.approx(0.5, abs=0.05)

    def test_the_photos_border_is_no_outline(self) -> None:
        photo = np.full((100, 100, 3), 90, np.uint8)
        assert boundary_confidence(lab_of(photo), np.ones((100, 100), bool)) == 1.0


class TestSharpness:
    def test_a_blur_is_seen_at_every_size_of_photo(self) -> None:
        photo, mask = photo_of("t-shirt", NAVY, "planks")
        for scale in (1, 3):
            large = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
            blurred = cv2.GaussianBlur(large, (0, 0), 3.0 * scale)
            assert sharpness(large, mask) > SHARPNESS_LOW + 0.05
            assert sharpness(blurred, mask) < SHARPNESS_LOW - 0.1

    def test_a_plain_area_has_no_detail(self) -> None:
        assert sharpness(np.full((64, 64, 3), 200, np.uint8), np.ones((64, 64), bool)) == 0.0


class TestLight:
    @pytest.mark.parametrize(("level", "said"), [(255, "burnt out"), (0, "black")])
    def test_lost_colour_is_measured_and_said(self, level: int, said: str) -> None:
        photo, mask = photo_of("t-shirt", NAVY, "planks")
        lost = mask.copy()
        lost[: HEIGHT // 2] = False
        photo[lost] = level
        photo[mask & ~lost] = 128 + (60 if level else -60)
        found = measure(photo, photo, mask)
        assert found.clipped == pytest.approx(lost.sum() / mask.sum(), abs=0.01)
        quality = assess(mask, found, expected=0.97, view_agreement=0.97, separation=0.9, hint_used=False)
        assert any(said in sentence for sentence in quality.warnings)

    def test_lightness_is_the_clothes_own(self) -> None:
        photo = np.zeros((100, 100, 3), np.uint8)
        mask = np.zeros((100, 100), bool)
        mask[20:80, 20:80] = True
        photo[mask] = 119  # CIE L* 50.0
        assert measure(photo, photo, mask).lightness == pytest.approx(50.0, abs=0.3)


class TestAdvice:
    def test_a_good_photo_gets_none(self) -> None:
        assert good(t_shirt()).warnings == ()

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"confidence": 0.7}, "outline is uncertain"),
            ({"boundary_confidence": BOUNDARY_LOW - 0.1}, "colour of its ground"),
            ({"coverage": 0.03}, "go closer"),
            ({"fragments": 2}, "2 separate pieces"),
            ({"symmetry": SYMMETRY_LOW - 0.1}, "halves differ"),
            ({"sharpness": SHARPNESS_LOW - 0.1}, "blurred"),
        ],
    )
    def test_each_weakness_has_its_sentence(self, change: dict[str, float], said: str) -> None:
        mask = t_shirt()
        (sentence,) = advice(mask, replace(good(mask), **change), 1)
        assert said in sentence

    def test_several_garments_are_named(self) -> None:
        mask = t_shirt()
        (sentence,) = advice(mask, good(mask), 3)
        assert "3 garments" in sentence

    @pytest.mark.parametrize(
        ("shift", "side", "said"),
        [
            (-60, Side.LEFT, "the left sleeve leaves the picture on the left"),
            (60, Side.RIGHT, "the right sleeve leaves the picture on the right"),
            (-150, Side.LEFT, "the garment leaves the picture on the left"),
        ],
    )
    def test_what_leaves_the_picture_is_named(self, shift: int, side: Side, said: str) -> None:
        mask = np.zeros((HEIGHT, WIDTH), bool)
        there = np.roll(t_shirt(), shift, axis=1)
        keep = slice(0, WIDTH + shift) if shift < 0 else slice(shift, WIDTH)
        mask[:, keep] = there[:, keep]
        quality = good(mask)
        assert quality.cut_off == (side,)
        assert quality.warnings[0].startswith(said)
