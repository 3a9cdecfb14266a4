"""What SAM 2 is asked about a drawn garment, by how it is presented."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from fashquick_common.errors import NoGarment
from fashquick_segmentation.engine import Presentation
from fashquick_segmentation.sam2.caller import caller_prompt
from fashquick_segmentation.sam2.prompts import (
    OFF,
    ON,
    Box,
    Points,
    PromptSet,
    automatic_prompts,
    box_of,
    hanger_region,
    inner_points,
)
from tests.unit.segmentation.garments import HEIGHT, OUTLINES, WIDTH, outline_mask, photo_of

SIZE = HEIGHT, WIDTH
SKIN = (205, 150, 125)


def prior(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 3), np.float32)


def asked(
    photo: NDArray[np.uint8], mask: NDArray[np.bool_], presentation: Presentation = Presentation.UNKNOWN
) -> dict[str, PromptSet]:
    return {prompt.name: prompt for prompt in automatic_prompts(photo, prior(mask), mask, presentation)}


def off_garment(
    photo: NDArray[np.uint8], mask: NDArray[np.bool_], presentation: Presentation = Presentation.UNKNOWN
) -> NDArray[np.float32]:
    found = asked(photo, mask, presentation)["points"].points
    return found.at[found.labels == OFF]


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
        both = Points(np.array([[10, 20], [3, 4]], np.float32), np.array([ON, OFF], np.int32))
        prompt = PromptSet("both", both, Box(1, 2, 30, 40)).scaled(2, 0.5)
        assert prompt.points.at.tolist() == [[20, 10], [6, 2]]
        assert prompt.points.labels.tolist() == [ON, OFF]
        assert prompt.box == Box(2, 1, 60, 20)


class TestPresentation:
    def test_a_flat_garment_has_no_hanger_to_mark(self) -> None:
        photo, mask = photo_of("t-shirt", (34, 50, 110), "planks")
        neckline = hanger_region(mask)
        assert under(neckline, off_garment(photo, mask)).any()
        flat = off_garment(photo, mask, Presentation.FLAT)
        assert not under(neckline, flat).any()
        assert len(flat) >= 4

    def test_a_hanger_that_the_caller_knows_of_gets_more_points(self) -> None:
        photo, mask = photo_of("t-shirt", (34, 50, 110), "planks")
        neckline = hanger_region(mask)
        by_default = under(neckline, off_garment(photo, mask)).sum()
        assert under(neckline, off_garment(photo, mask, Presentation.HANGER)).sum() > by_default

    def test_more_skin_is_marked_where_a_garment_is_worn(self) -> None:
        photo, mask = photo_of("t-shirt", (34, 50, 110), "sheet")
        skin = np.zeros_like(mask)
        skin[20:70, 180:240] = True  # Face.
        skin[250:330, 60:100] = skin[250:330, 320:360] = True  # Arms.
        skin[490:550, 130:180] = skin[490:550, 240:290] = True  # Legs.
        photo[skin] = SKIN
        assert under(skin, off_garment(photo, mask)).sum() < 5
        assert under(skin, off_garment(photo, mask, Presentation.WORN)).sum() >= 5

    def test_skin_is_marked_on_a_worn_garment_whatever_the_ground_is(self) -> None:
        photo, mask = photo_of("t-shirt", (34, 50, 110), "sheet")
        photo[~mask] = SKIN
        assert len(off_garment(photo, mask, Presentation.WORN)) > len(off_garment(photo, mask))

    @pytest.mark.parametrize("presentation", Presentation)
    @pytest.mark.parametrize("garment", list(OUTLINES))
    def test_no_point_off_the_garment_is_on_it(self, garment: str, presentation: Presentation) -> None:
        photo, mask = photo_of(garment, (190, 40, 50), "planks")
        assert not under(mask, off_garment(photo, mask, presentation)).any()


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
