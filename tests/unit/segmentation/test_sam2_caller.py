"""What a caller may ask SAM 2, and what is refused in words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from fashquick_common.errors import BadField, BadMask
from fashquick_segmentation.engine import MAX_POINTS
from fashquick_segmentation.sam2.caller import caller_prompt
from fashquick_segmentation.sam2.prompts import OFF, ON, Box, Points
from tests.unit.segmentation.garments import HEIGHT, WIDTH

SIZE = HEIGHT, WIDTH
GARMENT = np.zeros(SIZE, np.uint8)
GARMENT[100:400, 100:300] = 255
HALF = (210.0, 280.0, ON)
ELSEWHERE = np.zeros(SIZE, np.uint8)
ELSEWHERE[500:540, 350:400] = 255


def points(*at: tuple[float, float, int]) -> Points:
    return Points(
        np.array([place[:2] for place in at], np.float32).reshape(-1, 2),
        np.array([place[2] for place in at], np.int32),
    )


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

    def test_a_mask_that_comes_alone_is_asked_about_with_its_box(self) -> None:
        prompt = caller_prompt(points(), None, GARMENT, SIZE)
        assert prompt.box is not None
        assert (prompt.box.left, prompt.box.top) < (100, 100)
        assert (prompt.box.right, prompt.box.bottom) > (300, 400)
        assert caller_prompt(points(HALF), None, GARMENT, SIZE).box is None

    def test_a_question_about_a_larger_photo_is_checked_there_and_brought_to_this_one(self) -> None:
        seen = HEIGHT * 4, WIDTH * 4
        prompt = caller_prompt(
            points((840, 1120, ON), (841, 1120, OFF)), Box(400, 400, 1200, 1600), GARMENT, SIZE, seen
        )
        assert prompt.points.at.tolist() == [[210, 280], [210.25, 280]]
        assert prompt.box == Box(100, 100, 300, 400)
        with pytest.raises(BadField, match=f"x {WIDTH * 4}, y 5, outside the photo of {WIDTH * 4}x{HEIGHT * 4}"):
            caller_prompt(points(HALF, (WIDTH * 4, 5, OFF)), None, None, SIZE, seen)
        with pytest.raises(BadField, match="whole mask is outside the box"):
            caller_prompt(points(), Box(40, 40, 200, 200), GARMENT, SIZE, seen)

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
