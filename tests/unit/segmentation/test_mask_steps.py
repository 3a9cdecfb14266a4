"""The steps after the network, each on masks whose right answer is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import Cancelled
from fashquick_segmentation.embedded.cut import cut
from fashquick_segmentation.embedded.evidence import STRONGEST, colour_evidence
from fashquick_segmentation.refinement.cleanup import clean, drop_specks, fill_believed
from fashquick_segmentation.refinement.hanger import without_hanger
from fashquick_segmentation.refinement.matte import matte
from fashquick_segmentation.refinement.quality import expected_iou
from tests.unit.segmentation.garments import (
    OUTLINES,
    compose,
    ground,
    iou,
    off_outline,
    outline_mask,
    photo_of,
    stripes,
)


def body() -> NDArray[np.bool_]:
    mask = np.zeros((384, 288), bool)
    mask[80:340, 70:220] = True
    return mask


class TestClean:
    def test_specks_and_pinholes_go_and_real_holes_stay(self) -> None:
        mask = body()
        mask[20:25, 20:25] = True
        mask[200:205, 100:105] = False
        mask[120:150, 130:160] = False
        cleaned = clean(mask)
        assert not cleaned[20:25, 20:25].any()
        assert cleaned[200:205, 100:105].all()
        assert not cleaned[122:148, 132:158].any()

    def test_a_print_like_the_ground_is_filled_and_a_gap_stays(self) -> None:
        mask = body()
        probability = mask.astype(np.float32)
        mask[120:150, 80:110] = mask[120:150, 180:210] = False
        probability[120:150, 80:110], probability[120:150, 180:210] = 0.9, 0.6
        filled = fill_believed(mask, probability)
        assert filled[120:150, 80:110].all()
        assert not filled[120:150, 180:210].any()
        assert np.count_nonzero(filled) == np.count_nonzero(mask) + 30 * 30

    def test_a_string_goes_and_a_strap_stays(self) -> None:
        mask = body()
        mask[10:80, 140:142] = True
        mask[40:80, 90:100] = True
        cleaned = clean(mask)
        assert not cleaned[10:75, 140:142].any()
        assert cleaned[42:80, 91:99].all()

    def test_both_halves_of_a_set_stay(self) -> None:
        mask = np.zeros((384, 288), bool)
        mask[40:160, 80:200] = True
        mask[200:330, 80:200] = True
        assert iou(clean(mask), mask) > 0.99

    @settings(max_examples=40, deadline=None)
    @given(hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40)))
    def test_any_mask_keeps_its_shape(self, mask: NDArray[np.bool_]) -> None:
        cleaned = clean(mask)
        assert cleaned.shape == mask.shape
        assert cleaned.dtype == np.bool_
        assert mask.any() or not cleaned.any()

    def test_a_matte_loses_loose_pieces_with_their_fringe(self) -> None:
        alpha = np.zeros((384, 288), np.uint8)
        alpha[80:340, 70:220] = 255
        alpha[79, 70:220] = 90
        kept = alpha.copy()
        alpha[20:26, 20:26] = 40
        alpha[21:25, 21:25] = 200
        assert np.array_equal(drop_specks(alpha), kept)


class TestHanger:
    def with_hanger(self) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.bool_]]:
        garment = body()
        drawn = garment.astype(np.uint8)
        cv2.line(drawn, (80, 70), (210, 70), 1, 7)
        cv2.line(drawn, (145, 70), (145, 20), 1, 6)
        cv2.rectangle(drawn, (85, 66), (95, 90), 1, -1)
        mask = drawn > 0
        photo = np.full((*mask.shape, 3), 200, np.uint8)
        photo[mask] = (20, 20, 22)
        photo[garment] = (180, 60, 70)
        return photo, mask, garment

    def test_bar_clip_and_hook_of_another_colour_go(self) -> None:
        photo, mask, garment = self.with_hanger()
        assert iou(clean(without_hanger(photo, mask)), garment) > 0.99 > iou(mask, garment)

    def test_straps_of_the_garments_colour_stay(self) -> None:
        photo, mask, _ = self.with_hanger()
        photo[mask] = (180, 60, 70)
        assert np.array_equal(without_hanger(photo, mask), mask)

    def test_a_collar_of_another_colour_stays(self) -> None:
        mask = body()
        photo = np.full((*mask.shape, 3), 200, np.uint8)
        photo[mask] = (180, 60, 70)
        photo[80:100, 110:180] = (20, 20, 22)
        assert np.array_equal(without_hanger(photo, mask), mask)

    def test_an_empty_mask_stays_empty(self) -> None:
        empty = np.zeros((40, 30), bool)
        assert not without_hanger(np.zeros((40, 30, 3), np.uint8), empty).any()


class TestCut:
    def test_the_outline_moves_onto_the_edge(self) -> None:
        photo, truth = photo_of("t-shirt", (34, 50, 110), "planks")
        off = cv2.erode(truth.astype(np.uint8), np.ones((13, 13), np.uint8)) > 0
        probability = cv2.GaussianBlur(off.astype(np.float32), (0, 0), 4)
        found = cut(photo, probability, off, CancelFlag())
        assert iou(off, truth) < 0.95
        assert iou(found, truth) > 0.99

    def test_where_the_network_is_sure_colours_do_not_count(self) -> None:
        photo, truth = photo_of("t-shirt", (34, 50, 110), "planks")
        photo[300:360, 180:240] = photo[20:80, 20:80]
        found = cut(photo, truth.astype(np.float32), truth, CancelFlag())
        assert found[300:360, 180:240].all()

    def test_a_stripe_that_the_network_gives_to_the_ground_stays(self) -> None:
        rng = np.random.default_rng(7)
        outline = outline_mask(OUTLINES["t-shirt"])
        cloth = stripes((233, 226, 209), (40, 52, 92), 36, last_row=470)
        photo, truth = compose(outline, cloth, ground("planks", rng), rng), outline > 0.5
        probability = cv2.GaussianBlur(outline, (0, 0), 3)
        probability[455:] *= 0.4
        found = cut(photo, probability, probability > 0.5, CancelFlag())
        assert off_outline(found, truth, 3.0) < 0.01

    def test_a_wall_of_the_cloths_colour_is_not_flooded(self) -> None:
        photo, truth = photo_of("t-shirt", (34, 50, 110), "planks")
        photo[:, :20] = photo[300, 200]
        probability = cv2.GaussianBlur(truth.astype(np.float32), (0, 0), 3)
        probability[:, :24] = np.maximum(probability[:, :24], 0.15)
        assert not cut(photo, probability, truth, CancelFlag())[:, :12].any()

    def test_the_cut_is_the_same_each_time(self) -> None:
        photo, truth = photo_of("t-shirt", (34, 50, 110), "planks")
        probability = cv2.GaussianBlur(truth.astype(np.float32), (0, 0), 4)
        first = cut(photo, probability, truth, CancelFlag())
        cv2.setRNGSeed(99)
        assert np.array_equal(cut(photo, probability, truth, CancelFlag()), first)

    @pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
    def test_nothing_to_learn_colours_from_leaves_the_mask(self, value: float) -> None:
        photo = np.full((384, 288, 3), 128, np.uint8)
        mask = np.full((384, 288), value >= 0.5)
        found = cut(photo, np.full((384, 288), value, np.float32), mask, CancelFlag())
        assert np.array_equal(found, mask)


class TestColourEvidence:
    """Red cloth on the left, green ground on the right, a strip between them to be told."""

    def evidence(self, colour: tuple[int, int, int]) -> NDArray[np.float32]:
        photo = np.full((300, 300, 3), (60, 140, 80), np.uint8)
        photo[:, :145] = (180, 50, 60)
        photo[:, 145:155] = colour
        garment, back = np.zeros((300, 300), bool), np.zeros((300, 300), bool)
        garment[:, :145] = back[:, 155:] = True
        found = colour_evidence(photo, garment, back, CancelFlag())
        assert not found[garment | back].any()
        return found[30:-30, 148:152]

    def test_it_says_which_side_a_colour_belongs_to(self) -> None:
        assert np.all(self.evidence((180, 50, 60)) == STRONGEST)
        assert np.all(self.evidence((60, 140, 80)) == -STRONGEST)

    def test_a_colour_of_neither_side_says_nothing(self) -> None:
        assert not self.evidence((20, 20, 200)).any()

    def test_far_colours_do_not_count(self) -> None:
        photo = np.zeros((300, 300, 3), np.uint8)
        garment, back = np.zeros((300, 300), bool), np.zeros((300, 300), bool)
        garment[:, :100] = back[:, 200:] = True
        assert not colour_evidence(photo, garment, back, CancelFlag())[:, 130:170].any()

    def test_it_can_be_cancelled(self) -> None:
        flag = CancelFlag()
        flag.cancel()
        with pytest.raises(Cancelled):
            colour_evidence(np.zeros((9, 9, 3), np.uint8), np.zeros((9, 9), bool), np.zeros((9, 9), bool), flag)


class TestMatte:
    def test_the_edge_follows_the_full_photo(self) -> None:
        photo, truth = photo_of("t-shirt", (34, 50, 110), "carpet")
        large = np.asarray(cv2.resize(photo, (1260, 1680), interpolation=cv2.INTER_CUBIC), np.uint8)
        exact = outline_mask(OUTLINES["t-shirt"] * 3, 1680, 1260) > 0.5
        small = cv2.resize(truth.astype(np.float32), (210, 280), interpolation=cv2.INTER_AREA) > 0.5
        blocky = cv2.resize(small.astype(np.float32), (1260, 1680), interpolation=cv2.INTER_LINEAR) > 0.5
        alpha = matte(large, small, CancelFlag())
        assert 1 - iou(alpha >= 128, exact) < 0.8 * (1 - iou(blocky, exact))

    def test_an_even_photo_gives_the_mask_back(self) -> None:
        mask = body()
        alpha = matte(np.full((768, 576, 3), 90, np.uint8), mask, CancelFlag())
        assert iou(alpha >= 128, np.kron(mask, np.ones((2, 2), bool))) > 0.98

    @pytest.mark.parametrize("full", [False, True])
    def test_empty_and_full_masks_stay_so(self, full: bool) -> None:
        photo = np.random.default_rng(0).integers(0, 256, (200, 150, 3), dtype=np.uint8)
        alpha = matte(photo, np.full((100, 75), full), CancelFlag())
        assert np.all(alpha == (255 if full else 0))


class TestExpectedIou:
    def test_sure_probabilities_give_the_intersection_over_union(self) -> None:
        truth = body()
        shifted = np.roll(truth, 20, axis=1)
        assert expected_iou(shifted, truth.astype(np.float32)) == pytest.approx(iou(shifted, truth))

    def test_an_empty_mask_is_worth_nothing(self) -> None:
        assert expected_iou(np.zeros((4, 4), bool), np.full((4, 4), 0.5, np.float32)) == 0.0


class TestBlackHanger:
    def shirt(self) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        rng = np.random.default_rng(6)
        mask = outline_mask(OUTLINES["t-shirt"])
        return compose(mask, (236, 235, 230), ground("carpet", rng), rng), mask > 0.5

    def test_one_that_closes_the_neckline_goes_with_what_it_encloses(self) -> None:
        photo, shirt = self.shirt()
        hanger = np.zeros(shirt.shape, np.uint8)
        loop = np.array([(160, 94), (198, 80), (198, 52), (222, 52), (222, 80), (260, 94)], np.int32)
        cv2.polylines(hanger, [loop], False, 255, 3)
        cv2.line(hanger, (155, 98), (265, 98), 255, 3)
        enclosed = np.zeros(shirt.shape, np.uint8)
        cv2.fillPoly(enclosed, [np.vstack([loop, [(235, 112), (185, 112)]])], 255)
        photo[hanger > 0] = (22, 22, 24)
        kept = without_hanger(photo, shirt | (hanger > 0) | (enclosed > 0))
        assert not clean(kept)[:86, 175:245].any()
        assert iou(clean(kept), shirt) > 0.97

    def test_a_hood_behind_a_black_seam_stays(self) -> None:
        rng = np.random.default_rng(6)
        mask = outline_mask(OUTLINES["t-shirt"])
        cv2.ellipse(mask, (210, 80), (62, 56), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
        photo = compose(mask, (236, 160, 180), ground("carpet", rng), rng)
        cv2.line(photo, (130, 104), (290, 104), (22, 22, 24), 5)
        assert iou(without_hanger(photo, mask > 0.5), mask > 0.5) > 0.995

    def test_black_piping_of_a_neckline_stays(self) -> None:
        photo, shirt = self.shirt()
        piping = np.zeros(shirt.shape, np.uint8)
        cv2.polylines(piping, [np.array([(150, 92), (185, 113), (235, 113), (270, 92)], np.int32)], False, 255, 5)
        photo[(piping > 0) & shirt] = (22, 22, 24)
        assert iou(without_hanger(photo, shirt), shirt) > 0.995
