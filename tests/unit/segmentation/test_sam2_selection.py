"""Which of several masks of a drawn garment is chosen, and why."""

from __future__ import annotations

from dataclasses import astuple

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from fashquick_segmentation.sam2.selection import (
    SAME_IOU,
    WEIGHTS,
    Proposal,
    Scene,
    Scores,
    Weights,
    border_freedom,
    select,
    solidity,
    stability,
)
from tests.unit.segmentation.garments import GROUNDS, iou, photo_of

NAVY = (34, 50, 110)


def logits(mask: NDArray[np.bool_], sigma: float = 1.5) -> NDArray[np.float32]:
    """As a network answers: steep at the outline."""
    return np.asarray((cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma) - 0.5) * 20, np.float32)


def prior(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 4), np.float32)


def proposed(mask: NDArray[np.bool_], source: str, predicted_iou: float = 0.9) -> Proposal:
    return Proposal(logits(mask), predicted_iou, source)


def readings(mask: NDArray[np.bool_]) -> list[Proposal]:
    """The garment, a part of it, a print on it, too much, and the ground."""
    upper, print_, wide = mask.copy(), np.zeros_like(mask), mask.copy()
    upper[280:] = False
    print_[200:300, 160:260] = True
    wide[:, 300:] = True
    return [
        proposed(print_, "print", 0.97),
        proposed(~mask, "ground", 0.95),
        proposed(upper, "upper"),
        proposed(wide, "wide"),
        proposed(mask, "garment"),
    ]


class TestSelect:
    @pytest.mark.parametrize("back", GROUNDS)
    @pytest.mark.parametrize("garment", ["t-shirt", "trousers"])
    def test_the_garment_goes_before_its_parts_and_before_too_much(self, garment: str, back: str) -> None:
        photo, mask = photo_of(garment, NAVY, back)
        ranked = select(readings(mask), photo, prior(mask))
        assert ranked[0].proposal.source == "garment"
        assert ranked[-1].proposal.source == "ground"
        assert {choice.proposal.source for choice in ranked} == {"garment", "upper", "print", "wide", "ground"}

    def test_edges_decide_where_the_prior_is_too_small(self) -> None:
        photo, mask = photo_of("t-shirt", NAVY, "planks")
        shrunk = cv2.erode(mask.astype(np.uint8), np.ones((19, 19), np.uint8)) > 0
        ranked = select([proposed(shrunk, "shrunk"), proposed(mask, "garment")], photo, prior(shrunk))
        assert [choice.proposal.source for choice in ranked] == ["garment", "shrunk"]

    def test_candidates_that_show_the_same_are_merged_into_the_best(self) -> None:
        photo, mask = photo_of("t-shirt", NAVY, "planks")
        moved = np.roll(mask, 1, axis=1)
        assert SAME_IOU < iou(mask, moved) < 1
        ranked = select([proposed(moved, "moved"), *readings(mask)], photo, prior(mask))
        assert ranked[0].sources == ("garment", "moved")
        assert all(choice.sources[0] == choice.proposal.source for choice in ranked)

    def test_no_two_that_are_left_show_the_same(self) -> None:
        photo, mask = photo_of("trousers", NAVY, "carpet")
        many = [proposed(np.roll(mask, shift, axis=1), str(shift)) for shift in range(0, 60, 3)]
        ranked = select(many, photo, prior(mask))
        kept = [choice.proposal.logits > 0 for choice in ranked]
        assert 1 < len(kept) < len(many)
        assert all(iou(a, b) < SAME_IOU + 0.02 for number, a in enumerate(kept) for b in kept[:number])
        assert sorted(source for choice in ranked for source in choice.sources) == sorted(map(str, range(0, 60, 3)))

    def test_the_ranking_is_by_total_and_says_all_scores(self) -> None:
        photo, mask = photo_of("t-shirt", NAVY, "sheet")
        ranked = select(readings(mask), photo, prior(mask))
        totals = [choice.total for choice in ranked]
        assert totals == sorted(totals, reverse=True)
        for choice in ranked:
            assert all(0 <= score <= 1 for score in astuple(choice.scores))
            assert choice.total == pytest.approx(choice.scores.total(WEIGHTS))

    def test_the_order_of_the_proposals_does_not_matter(self) -> None:
        photo, mask = photo_of("t-shirt", NAVY, "sheet")
        there, back = (
            [(choice.sources, choice.total) for choice in select(proposals, photo, prior(mask))]
            for proposals in (readings(mask), readings(mask)[::-1])
        )
        assert there == back

    def test_of_equals_the_earlier_goes_first(self) -> None:
        photo, mask = photo_of("t-shirt", NAVY, "sheet")
        [only] = select([proposed(mask, "a"), proposed(mask, "b")], photo, prior(mask))
        assert only.sources == ("a", "b")

    def test_low_resolution_squeezed_logits_are_of_the_whole_photo(self) -> None:
        photo, mask = photo_of("t-shirt", NAVY, "planks")
        square = np.asarray(cv2.resize(logits(mask), (256, 256), interpolation=cv2.INTER_AREA), np.float32)
        [full] = select([proposed(mask, "full")], photo, prior(mask))
        [small] = select([Proposal(square, 0.9, "square")], photo, prior(mask))
        assert astuple(small.scores) == pytest.approx(astuple(full.scores), abs=0.05)

    def test_what_shows_nothing_everything_or_no_numbers_is_left_out(self) -> None:
        photo, mask = photo_of("t-shirt", NAVY, "planks")
        broken = logits(mask)
        broken[300, 200] = np.nan
        useless = [
            Proposal(np.full(mask.shape, -3, np.float32), 0.9, "nothing"),
            Proposal(np.full(mask.shape, 3, np.float32), 0.9, "everything"),
            Proposal(broken, 0.9, "broken"),
            proposed(mask, "no guess", float("nan")),
        ]
        assert select(useless, photo, prior(mask)) == ()
        assert select([], photo, prior(mask)) == ()
        [only] = select([*useless, proposed(mask, "good")], photo, prior(mask))
        assert only.sources == ("good",)

    def test_weights_decide(self) -> None:
        photo, mask = photo_of("t-shirt", NAVY, "planks")
        only_the_model = Weights(predicted_iou=1, stability=0, prior=0, edges=0, solidity=0, border=0)
        assert select(readings(mask), photo, prior(mask), only_the_model)[0].proposal.source == "print"


class TestWeights:
    def test_they_are_shares_of_one(self) -> None:
        assert min(astuple(WEIGHTS)) >= 0
        assert sum(astuple(WEIGHTS)) == pytest.approx(1)

    def test_they_stand_in_the_order_of_the_scores(self) -> None:
        assert Weights.__slots__ == Scores.__slots__
        assert Scores(1, 0, 0, 0, 0, 0).total() == WEIGHTS.predicted_iou
        assert Scores(0, 0, 0, 1, 0, 0).total() == WEIGHTS.edges


class TestScores:
    def test_the_outline_on_the_edge_scores_far_above_one_beside_it(self) -> None:
        photo, mask = photo_of("t-shirt", NAVY, "planks")
        scene = Scene(photo, prior(mask))
        on = scene.score(scene.fit(logits(mask)), 0.9).edges
        off = scene.score(scene.fit(logits(np.roll(mask, (14, 14), (0, 1)))), 0.9).edges
        assert on > 0.5
        assert off < 0.3

    def test_a_blank_photo_has_no_edges(self) -> None:
        _, mask = photo_of("t-shirt", NAVY, "planks")
        scene = Scene(np.full((*mask.shape, 3), 90, np.uint8), prior(mask))
        assert scene.score(scene.fit(logits(mask)), 0.9).edges == 0

    def test_contrast_does_not_change_the_edges_score(self) -> None:
        photo, mask = photo_of("t-shirt", NAVY, "sheet")
        faint = np.asarray(128 + (photo.astype(np.float32) - 128) / 2, np.uint8)
        scores = [Scene(picture, prior(mask)) for picture in (photo, faint)]
        strong, weak = (scene.score(scene.fit(logits(mask)), 0.9).edges for scene in scores)
        assert weak == pytest.approx(strong, abs=0.05)

    def test_agreement_with_a_sure_prior_is_the_intersection_over_union(self) -> None:
        photo, mask = photo_of("t-shirt", NAVY, "planks")
        moved = np.roll(mask, 20, axis=1)
        scene = Scene(photo, mask.astype(np.float32))
        assert scene.score(scene.fit(logits(moved)), 0.9).prior == pytest.approx(iou(mask, moved), abs=0.02)

    @pytest.mark.parametrize(("said", "kept"), [(-0.2, 0.0), (0.4, 0.4), (1.3, 1.0)])
    def test_the_models_guess_is_cut_to_its_range(self, said: float, kept: float) -> None:
        photo, mask = photo_of("t-shirt", NAVY, "planks")
        scene = Scene(photo, prior(mask))
        assert scene.score(scene.fit(logits(mask)), said).predicted_iou == kept

    def test_a_steep_mask_is_stable_and_a_faint_one_is_not(self) -> None:
        _, mask = photo_of("t-shirt", NAVY, "planks")
        assert stability(logits(mask)) > 0.97
        assert stability(logits(mask, sigma=25)) < 0.93
        assert stability(np.array([[2, 0.5, -0.5, -2]], np.float32)) == pytest.approx(1 / 3)
        assert stability(np.full((4, 4), -9, np.float32)) == 0

    def test_a_rectangle_is_solid_and_what_is_torn_is_not(self) -> None:
        whole = np.zeros((100, 100), bool)
        whole[20:80, 20:80] = True
        torn, pieces, holed = whole.copy(), whole.copy(), whole.copy()
        torn[20:60, 40:60] = False
        pieces[20:80, 45:55] = False
        holed[40:60, 40:60] = False
        assert solidity(whole) == 1
        assert solidity(torn) == pytest.approx(1 - 800 / 3600, abs=0.02)
        assert solidity(pieces) == pytest.approx(0.5)
        assert solidity(holed) == pytest.approx(1 - 400 / 3600)
        assert solidity(np.zeros((5, 5), bool)) == 0

    def test_a_mask_that_runs_out_of_the_photo_is_less_free(self) -> None:
        mask = np.zeros((100, 100), bool)
        mask[20:80, 20:80] = True
        assert border_freedom(mask) == 1
        mask[20:80, 80:] = True
        assert border_freedom(mask) == pytest.approx(1 - 60 / 200)
        assert border_freedom(np.ones((100, 100), bool)) == 0

    @settings(max_examples=60, deadline=None)
    @given(hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=40)))
    def test_every_mask_has_scores_from_0_to_1(self, mask: NDArray[np.bool_]) -> None:
        photo = np.random.default_rng(1).integers(0, 256, (*mask.shape, 3), dtype=np.uint8)
        for choice in select([Proposal(mask.astype(np.float32) * 8 - 4, 0.5, "any")], photo, prior(mask)):
            assert all(0 <= score <= 1 for score in astuple(choice.scores))
            assert 0 <= choice.total <= 1
