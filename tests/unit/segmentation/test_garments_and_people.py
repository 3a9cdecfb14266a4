"""Photos that show more than one garment, or a person."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import PhotoNotUsable
from fashquick_segmentation.engine import Presentation
from fashquick_segmentation.refinement.finishing import Finding, finish
from fashquick_segmentation.refinement.garments import apart
from fashquick_segmentation.refinement.person import is_worn, without_skin
from tests.unit.segmentation.garments import HEIGHT, OUTLINES, WIDTH, compose, ground, iou, outline_mask, two_garments

NAVY = (34, 50, 110)
SKINS = [(241, 200, 170), (198, 134, 100), (110, 70, 48)]


def shape(garment: str, scale: float, at: tuple[float, float]) -> NDArray[np.float32]:
    """A garment's mask, smaller, its upper left corner elsewhere; HxW float32."""
    return outline_mask(OUTLINES[garment] * scale + at)


def skin_of_a_person(mask: NDArray[np.float32]) -> NDArray[np.float32]:
    """Head, neck and forearms of somebody in the drawn T-shirt, as far as it leaves them bare; HxW float32."""
    skin = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(skin, (210, 45), (32, 42), 0, 0, 360, 255, -1, cv2.LINE_AA)
    cv2.rectangle(skin, (194, 70), (226, 118), 255, -1)
    cv2.line(skin, (72, 215), (50, 360), 255, 34, cv2.LINE_AA)
    cv2.line(skin, (348, 215), (370, 360), 255, 34, cv2.LINE_AA)
    return np.asarray(skin.astype(np.float32) / 255 * (1 - mask))


def worn_photo(tone: tuple[int, int, int]) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.bool_]]:
    """A photo of a person in a T-shirt, where the T-shirt is and where skin is."""
    rng = np.random.default_rng(3)
    mask = outline_mask(OUTLINES["t-shirt"])
    skin = skin_of_a_person(mask)
    back = ground("carpet", rng)
    grey = back.mean(2, keepdims=True) * (0.97, 1.0, 1.03)
    back = grey * (1 - skin[..., np.newaxis]) + np.array(tone) * skin[..., np.newaxis]
    return compose(mask, NAVY, back.astype(np.float32), rng), mask > 0.5, skin > 0.5


def finished(photo: NDArray[np.uint8], mask: NDArray[np.bool_], presentation: Presentation = Presentation.UNKNOWN):
    return finish(photo, Finding(photo, mask, 0.95, 0.95, presentation=presentation), [], CancelFlag())


class TestApart:
    def test_two_garments_beside_each_other_are_two(self) -> None:
        left, right = shape("t-shirt", 0.5, (0, 60)) > 0.5, shape("t-shirt", 0.45, (205, 80)) > 0.5
        found = apart(left | right)
        assert len(found) == 2
        assert iou(found[0], left) == 1.0
        assert iou(found[1], right) == 1.0

    def test_a_garment_under_a_belt_is_one(self) -> None:
        mask = outline_mask(OUTLINES["t-shirt"]) > 0.5
        mask[300:330] = False
        (found,) = apart(mask)
        assert iou(found, mask) == 1.0

    def test_a_sock_beside_a_garment_is_no_garment(self) -> None:
        mask = outline_mask(OUTLINES["t-shirt"] * 0.7) > 0.5
        mask[480:540, 340:400] = True
        (found,) = apart(mask)
        assert iou(found, mask) == 1.0

    def test_an_empty_mask_stays_so(self) -> None:
        (found,) = apart(np.zeros((8, 8), bool))
        assert not found.any()


def test_of_two_garments_the_larger_is_the_answer_and_the_other_is_offered() -> None:
    photo, large, small = two_garments()
    found = finished(photo, large | small)
    assert iou(found.mask, large) > 0.97
    assert any("2 garments" in warning for warning in found.quality.warnings)
    assert found.quality.fragments == 1
    (other,) = [candidate for candidate in found.candidates if candidate.other_garment]
    assert iou(other.mask, small) > 0.95


class TestWorn:
    @pytest.mark.parametrize("tone", SKINS)
    def test_a_person_is_seen(self, tone: tuple[int, int, int]) -> None:
        photo, mask, _ = worn_photo(tone)
        assert is_worn(photo, mask)

    @pytest.mark.parametrize("back", ["planks", "carpet", "sheet"])
    def test_ground_is_no_person(self, back: str) -> None:
        rng = np.random.default_rng(3)
        mask = outline_mask(OUTLINES["t-shirt"])
        assert not is_worn(compose(mask, NAVY, ground(back, rng), rng), mask > 0.5)

    def test_a_hand_that_holds_it_is_no_person(self) -> None:
        rng = np.random.default_rng(3)
        mask = outline_mask(OUTLINES["t-shirt"])
        photo = compose(mask, NAVY, ground("sheet", rng).mean(2, keepdims=True).repeat(3, 2), rng)
        cv2.circle(photo, (210, 92), 14, SKINS[0], -1)
        assert not is_worn(photo, mask > 0.5)

    def test_a_worn_garment_is_refused_unless_it_is_said_to_be(self) -> None:
        photo, mask, _ = worn_photo(SKINS[1])
        with pytest.raises(PhotoNotUsable, match="a person seems to wear the garment"):
            finished(photo, mask)
        assert iou(finished(photo, mask, Presentation.WORN).mask, mask) > 0.97

    @pytest.mark.parametrize("tone", SKINS)
    def test_skin_is_cut_off_a_mask(self, tone: tuple[int, int, int]) -> None:
        photo, mask, skin = worn_photo(tone)
        kept = without_skin(photo, mask | skin)
        assert np.count_nonzero(kept & skin) < 0.1 * np.count_nonzero(skin)
        assert iou(kept & mask, mask) > 0.98

    def test_cloth_of_the_colour_of_skin_stays(self) -> None:
        rng = np.random.default_rng(3)
        mask = outline_mask(OUTLINES["t-shirt"])
        photo = compose(mask, SKINS[0], ground("carpet", rng), rng)
        assert iou(without_skin(photo, mask > 0.5), mask > 0.5) == 1.0


def test_what_lies_flat_has_no_hanger() -> None:
    """A dark strap at the top, which could be a hanger's hook, stays where the caller says that there is none."""
    rng = np.random.default_rng(4)
    mask = shape("t-shirt", 0.7, (50, 80))
    photo = compose(mask, (220, 90, 90), ground("carpet", rng), rng)
    top = int(np.nonzero((mask > 0.5).any(1))[0][0])
    strap = np.zeros((HEIGHT, WIDTH), bool)
    strap[top - 30 : top + 16, 190:202] = True
    photo[strap] = 20
    whole = (mask > 0.5) | strap
    flat = finished(photo, whole, Presentation.FLAT).mask
    hanging = finished(photo, whole, Presentation.HANGER).mask
    assert np.count_nonzero(flat & strap) > 0.8 * np.count_nonzero(strap)
    assert np.count_nonzero(hanging & strap) < 0.5 * np.count_nonzero(strap)
