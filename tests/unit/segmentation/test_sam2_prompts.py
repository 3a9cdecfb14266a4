"""What SAM 2 is asked about a drawn garment, and which questions of a caller are refused."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from fashquick_common.errors import BadField, BadMask, NoGarment
from fashquick_segmentation.sam2.prompts import (
    MAX_POINTS,
    OFF,
    ON,
    Box,
    Points,
    PromptSet,
    automatic_prompts,
    box_of,
    caller_prompt,
    hanger_region,
    inner_points,
)
from tests.unit.segmentation.garments import HEIGHT, OUTLINES, WIDTH, outline_mask, photo_of

SIZE = HEIGHT, WIDTH
SKIN = (205, 150, 125)


def prior(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 3), np.float32)


def asked(photo: NDArray[np.uint8], mask: NDArray[np.bool_]) -> dict[str, PromptSet]:
    return {prompt.name: prompt for prompt in automatic_prompts(photo, prior(mask), mask)}


def points(*at: tuple[float, float, int]) -> Points:
    return Points(
        np.array([place[:2] for place in at], np.float32).reshape(-1, 2),
        np.array([place[2] for place in at], np.int32),
    )


def under(mask: NDArray[np.bool_], places: NDArray[np.float32]) -> NDArray[np.bool_]:
    """What the mask says at each place."""
    columns, rows = places.astype(int).T
    return np.asarray(mask[rows, columns])


class TestAutomatic:
    @pytest.mark.parametrize("garment", list(OUTLINES))
    def test_points_on_and_off_the_garment_are_where_they_say(self, garment: str) -> None:
        photo, mask = photo_of(garment, (34, 50, 110), "planks")
        sets = asked(photo, mask)
        assert list(sets) == ["box", "box points", "points", "strict", "prior"]
        for prompt in sets.values():
            assert np.array_equal(under(mask, prompt.points.at), prompt.points.labels == ON)
        assert np.count_nonzero(sets["points"].points.labels == ON) == 8
        assert np.count_nonzero(sets["points"].points.labels == OFF) >= 5

    def test_the_box_holds_the_garment_and_little_more(self) -> None:
        _, mask = photo_of("t-shirt", (34, 50, 110), "planks")
        box = box_of(mask)
        rows, columns = np.nonzero(mask)
        assert 0 < box.left < columns.min() < columns.max() + 1 < box.right
        assert 0 < box.top < rows.min() < rows.max() + 1 < box.bottom
        assert (box.right - box.left) * (box.bottom - box.top) < 1.2 * np.ptp(columns) * np.ptp(rows)

    def test_only_some_sets_have_a_box_or_a_prior(self) -> None:
        sets = asked(*photo_of("t-shirt", (34, 50, 110), "planks"))
        assert [name for name, prompt in sets.items() if prompt.box] == ["box", "box points", "prior"]
        assert [name for name, prompt in sets.items() if prompt.prior is not None] == ["prior"]
        assert len(sets["box"].points) == len(sets["prior"].points) == 0

    def test_every_automatic_prompt_is_one_that_a_caller_may_send(self) -> None:
        photo, mask = photo_of("trousers", (190, 40, 50), "carpet")
        for prompt in asked(photo, mask).values():
            if prompt.prior is None:
                caller_prompt(prompt.points, prompt.box, None, SIZE)

    def test_points_reach_both_sleeves_and_the_hem(self) -> None:
        photo, mask = photo_of("t-shirt", (34, 50, 110), "planks")
        found = asked(photo, mask)["points"].points
        at = found.at[found.labels == ON]
        for left, top, right, bottom in ((45, 150, 118, 232), (302, 150, 375, 232), (110, 400, 310, 470)):
            assert np.any(np.all((at > (left, top)) & (at < (right, bottom)), axis=1))

    def test_a_point_lies_in_the_neckline_where_hangers_are(self) -> None:
        photo, mask = photo_of("t-shirt", (34, 50, 110), "planks")
        found = asked(photo, mask)["points"].points
        x, y = found.at[found.labels == OFF].T
        assert np.any((x > 150) & (x < 270) & (y < 112))

    def test_a_part_that_the_mask_lost_is_not_called_ground(self) -> None:
        photo, whole = photo_of("t-shirt", (34, 50, 110), "planks")
        lost = whole.copy()
        lost[:250, 150:270] = False
        assert (hanger_region(lost) & whole).any()
        for prompt in automatic_prompts(photo, prior(whole), lost):
            assert not under(whole, prompt.points.at[prompt.points.labels == OFF]).any()

    def test_a_hand_beside_the_garment_is_marked(self) -> None:
        photo, mask = photo_of("t-shirt", (34, 50, 110), "sheet")
        before = asked(photo, mask)["points"].points
        photo[300:380, 330:390] = SKIN
        after = asked(photo, mask)["points"].points
        x, y = after.at[after.labels == OFF].T
        assert np.any((x > 330) & (x < 390) & (y > 300) & (y < 380))
        assert len(after) == len(before) + 1

    def test_ground_of_the_colour_of_skin_is_no_hand(self) -> None:
        photo, mask = photo_of("t-shirt", (34, 50, 110), "sheet")
        before = asked(photo, mask)["points"].points
        photo[~mask] = SKIN
        assert len(asked(photo, mask)["points"].points) == len(before)

    def test_strict_points_keep_off_what_the_network_doubts(self) -> None:
        photo, mask = photo_of("t-shirt", (34, 50, 110), "planks")
        likely = prior(mask)
        likely[:, 210:] *= 0.7
        sets = {prompt.name: prompt for prompt in automatic_prompts(photo, likely, mask)}
        strict, loose = (sets[name].points for name in ("strict", "points"))
        assert strict.at[strict.labels == ON, 0].max() < 211 < loose.at[loose.labels == ON, 0].max()

    def test_without_a_strict_reading_there_are_no_strict_points(self) -> None:
        photo, mask = photo_of("t-shirt", (34, 50, 110), "planks")
        names = [prompt.name for prompt in automatic_prompts(photo, prior(mask) * np.float32(0.8), mask)]
        assert names == ["box", "box points", "points", "prior"]

    def test_a_garment_that_fills_the_photo_has_a_box_within_it(self) -> None:
        photo = np.full((90, 60, 3), 90, np.uint8)
        [box, *_] = automatic_prompts(photo, np.ones((90, 60), np.float32), np.ones((90, 60), bool))
        assert box.box == Box(0, 0, 60, 90)

    def test_an_empty_mask_is_no_garment(self) -> None:
        with pytest.raises(NoGarment):
            automatic_prompts(np.zeros((40, 30, 3), np.uint8), np.zeros((40, 30), np.float32), np.zeros((40, 30), bool))

    def test_the_same_photo_gets_the_same_prompts(self) -> None:
        photo, mask = photo_of("t-shirt", (34, 50, 110), "planks")
        for first, second in zip(asked(photo, mask).values(), asked(photo, mask).values(), strict=True):
            assert np.array_equal(first.points.at, second.points.at)
            assert first.box == second.box

    def test_prompts_follow_the_photo_to_another_size(self) -> None:
        prompt = PromptSet("both", points((10, 20, ON), (3, 4, OFF)), Box(1, 2, 30, 40)).scaled(2, 0.5)
        assert prompt.points.at.tolist() == [[20, 10], [6, 2]]
        assert prompt.points.labels.tolist() == [ON, OFF]
        assert prompt.box == Box(2, 1, 60, 20)


class TestInnerPoints:
    @settings(max_examples=60, deadline=None)
    @given(
        hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=30)),
        st.integers(min_value=1, max_value=12),
    )
    def test_they_lie_in_the_mask_each_in_a_pixel_of_its_own(self, mask: NDArray[np.bool_], count: int) -> None:
        found = inner_points(mask, count)
        assert len(found) == min(count, np.count_nonzero(mask))
        assert under(mask, found).all()
        assert len(np.unique(found, axis=0)) == len(found)
        assert np.all(found % 1 == 0.5)

    def test_the_first_is_the_deepest_and_the_next_far_from_it(self) -> None:
        mask = np.zeros((60, 200), bool)
        mask[10:50, 10:60] = mask[25:35, 60:190] = True
        first, second = inner_points(mask, 2)
        assert np.all(np.abs(first - (35, 30)) < (6, 1))
        assert second[0] > 150

    def test_points_off_the_middle_of_a_strap_are_not_at_its_edge(self) -> None:
        bar = outline_mask(np.array([(10, 10), (190, 10), (190, 40), (10, 40)], np.float64), 50, 200) > 0.5
        assert np.all(np.abs(inner_points(bar, 5)[:, 1] - 25) < 10)


class TestHangerRegion:
    def test_it_is_above_the_neckline_and_off_the_garment(self) -> None:
        mask = outline_mask(OUTLINES["t-shirt"]) > 0.5
        region = hanger_region(mask)
        assert region[[100, 40], 210].all()
        assert not (region & mask).any()
        assert not region[:, :150].any()
        assert not region[:, 270:].any()
        assert not region[300:].any()

    @settings(max_examples=40, deadline=None)
    @given(hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=30)))
    def test_nothing_of_any_mask_is_in_it_or_above_it(self, mask: NDArray[np.bool_]) -> None:
        region = hanger_region(mask)
        assert not (region & np.logical_or.accumulate(mask, axis=0)).any()


GARMENT = np.zeros(SIZE, np.uint8)
GARMENT[100:400, 100:300] = 255
HALF = (210.0, 280.0, ON)
ELSEWHERE = np.zeros(SIZE, np.uint8)
ELSEWHERE[500:540, 350:400] = 255


class TestCaller:
    def test_a_right_question_passes_as_it_is(self) -> None:
        prompt = caller_prompt(points(HALF, (5, 5, OFF)), Box(0, 0, WIDTH, HEIGHT), GARMENT, SIZE)
        assert prompt.points.at.tolist() == [[210, 280], [5, 5]]
        assert prompt.box == Box(0, 0, WIDTH, HEIGHT)
        assert prompt.prior is not None
        assert np.array_equal(prompt.prior * 255, GARMENT)

    @pytest.mark.parametrize(
        ("places", "box", "mask"),
        [
            ([HALF], None, None),
            ([], Box(10, 10, 20, 20), None),
            ([], None, GARMENT),
            ([(5, 5, OFF)], Box(10, 10, 20, 20), None),
            ([(5, 5, OFF)], None, GARMENT),
            ([(0, 0, ON)], None, None),
            ([(WIDTH - 0.5, HEIGHT - 0.5, ON)], None, None),
            ([HALF, (10, 10, ON)], Box(200, 270, 220, 290), None),
            ([HALF] * MAX_POINTS, None, None),
        ],
    )
    def test_what_says_where_the_garment_is_passes(
        self, places: list[tuple[float, float, int]], box: Box | None, mask: NDArray[np.uint8] | None
    ) -> None:
        assert len(caller_prompt(points(*places), box, mask, SIZE).points) == len(places)

    @pytest.mark.parametrize("count", [MAX_POINTS + 1, 10_000])
    def test_too_many_points_are_refused_with_their_number(self, count: int) -> None:
        with pytest.raises(BadField, match=f"{count} points came, at most 1,000") as refused:
            caller_prompt(points(*[HALF] * count), None, None, SIZE)
        assert refused.value.field == "points"

    @pytest.mark.parametrize("place", [(-0.1, 5), (5, -0.1), (WIDTH, 5), (5, HEIGHT), (1e30, 5)])
    def test_a_point_outside_the_photo_is_refused(self, place: tuple[float, float]) -> None:
        with pytest.raises(BadField, match=f"outside the photo of {WIDTH}x{HEIGHT} pixels") as refused:
            caller_prompt(points(HALF, (*place, ON)), None, None, SIZE)
        assert refused.value.field == "points[1]"

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
    def test_a_coordinate_that_is_no_number_is_refused(self, value: float) -> None:
        with pytest.raises(BadField, match="send finite numbers") as refused:
            caller_prompt(points((value, 5, ON)), None, None, SIZE)
        assert refused.value.field == "points[0]"
        with pytest.raises(BadField, match="send finite numbers"):
            caller_prompt(points(HALF), Box(0, value, 10, 10), None, SIZE)

    def test_a_label_of_no_meaning_is_refused(self) -> None:
        with pytest.raises(BadField, match="label 2"):
            caller_prompt(points(HALF, (5, 5, 2)), None, None, SIZE)

    def test_points_that_are_no_pairs_are_refused(self) -> None:
        with pytest.raises(BadField, match="1 labels"):
            caller_prompt(Points(np.zeros((1, 3), np.float32), np.ones(1, np.int32)), None, None, SIZE)

    @pytest.mark.parametrize("box", [Box(10, 10, 10, 50), Box(10, 10, 50, 10), Box(50, 10, 10, 50), Box(5, 5, 5.5, 9)])
    def test_a_box_without_area_is_refused(self, box: Box) -> None:
        with pytest.raises(BadField, match="has no area") as refused:
            caller_prompt(points(), box, None, SIZE)
        assert refused.value.field == "box"

    @pytest.mark.parametrize(
        "box", [Box(-1, 5, 50, 50), Box(5, -1, 50, 50), Box(5, 5, WIDTH + 1, 50), Box(5, 5, 50, HEIGHT + 1)]
    )
    def test_a_box_outside_the_photo_is_refused(self, box: Box) -> None:
        with pytest.raises(BadField, match="outside the photo"):
            caller_prompt(points(), box, None, SIZE)

    def test_one_pixel_cannot_be_on_and_off_the_garment(self) -> None:
        with pytest.raises(BadField, match="x 210, y 280"):
            caller_prompt(points(HALF, (210.9, 280.2, OFF)), None, None, SIZE)
        caller_prompt(points(HALF, (211.0, 280.2, OFF)), None, None, SIZE)

    @pytest.mark.parametrize("places", [[], [(5, 5, OFF), (9, 9, OFF)]])
    def test_something_must_say_where_the_garment_is(self, places: list[tuple[float, float, int]]) -> None:
        with pytest.raises(BadField, match=f"{len(places)} points say where the garment is not"):
            caller_prompt(points(*places), None, None, SIZE)

    def test_points_that_are_all_outside_the_box_contradict_it(self) -> None:
        with pytest.raises(BadField, match="all 2 points on the garment are outside the box"):
            caller_prompt(points(HALF, (300, 300, ON)), Box(10, 10, 50, 50), None, SIZE)

    def test_a_mask_that_is_outside_the_box_contradicts_it(self) -> None:
        with pytest.raises(BadField, match="whole mask is outside the box"):
            caller_prompt(points(), Box(10, 10, 50, 50), ELSEWHERE, SIZE)

    @pytest.mark.parametrize("shape", [(WIDTH, HEIGHT), (HEIGHT - 1, WIDTH), (256, 256)])
    def test_a_mask_of_another_size_is_refused_with_both(self, shape: tuple[int, int]) -> None:
        with pytest.raises(BadMask, match=f"shape {shape[1]}x{shape[0]}, the photo {WIDTH}x{HEIGHT}"):
            caller_prompt(points(), None, np.full(shape, 255, np.uint8), SIZE)

    @pytest.mark.parametrize(("value", "word"), [(0, "empty"), (127, "empty"), (255, "whole photo")])
    def test_an_empty_or_a_full_mask_is_refused(self, value: int, word: str) -> None:
        with pytest.raises(BadMask, match=word):
            caller_prompt(points(), None, np.full(SIZE, value, np.uint8), SIZE)

    @settings(max_examples=100, deadline=None)
    @given(
        hnp.arrays(np.float32, st.tuples(st.integers(0, 5), st.just(2)), elements=st.floats(width=32)),
        st.lists(st.integers(-1, 2), min_size=5, max_size=5),
        st.one_of(st.none(), st.builds(Box, *[st.floats()] * 4)),
    )
    def test_any_numbers_pass_or_are_refused_in_words(
        self, at: NDArray[np.float32], labels: list[int], box: Box | None
    ) -> None:
        try:
            prompt = caller_prompt(Points(at, np.array(labels[: len(at)], np.int32)), box, None, SIZE)
        except BadField:
            return
        assert np.all((prompt.points.at >= 0) & (prompt.points.at < (WIDTH, HEIGHT)))
        assert box is not None or ON in prompt.points.labels
