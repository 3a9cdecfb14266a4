from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fashquick_common.errors import BadMask
from fashquick_generation.diffusion.regions import (
    MOST_ENLARGED,
    Region,
    crop,
    pasted,
    region_of_mask,
    regions_of,
)
from fashquick_generation.diffusion.stages.conditions import Conditions
from fashquick_generation.engine import KeyPoint, Visibility
from fashquick_generation.studio.figure.body import Part
from fashquick_generation.wishes import RegionKind, RegionRecord

WORKING = 512 * 768
WIDTH, HEIGHT = 384, 576
ALL = (RegionKind.GARMENT, RegionKind.FACE, RegionKind.HAND_LEFT, RegionKind.HAND_RIGHT)
SKIN = {RegionKind.FACE: Part.HEAD, RegionKind.HAND_LEFT: Part.HAND_LEFT, RegionKind.HAND_RIGHT: Part.HAND_RIGHT}


def drawn(nose: Visibility = Visibility.VISIBLE) -> Conditions:
    """A figure of rectangles whose right hand lies on its garment."""
    garment, skin = np.zeros((HEIGHT, WIDTH), np.uint8), np.zeros((HEIGHT, WIDTH), np.uint8)
    garment[120:320, 110:270] = 255
    skin[40:120, 160:220] = Part.HEAD + 1
    skin[300:330, 280:300] = Part.HAND_LEFT + 1
    skin[200:230, 120:150] = Part.HAND_RIGHT + 1
    garment[skin > 0] = 0
    noise = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    points = (
        KeyPoint("nose", 190.0, 80.0, nose),
        KeyPoint("left_wrist", 290.0, 300.0, Visibility.VISIBLE),
        KeyPoint("right_wrist", 135.0, 200.0, Visibility.VISIBLE),
    )
    return Conditions(noise, garment, noise, garment, (garment > 0).astype(np.uint8), skin, points)


def found(kind: RegionKind, conditions: Conditions | None = None, working: int = WORKING) -> Region:
    (region,) = regions_of(conditions or drawn(), (kind,), working)
    assert isinstance(region, Region)
    return region


def left(kind: RegionKind, conditions: Conditions) -> str:
    (record,) = regions_of(conditions, (kind,), WORKING)
    assert isinstance(record, RegionRecord)
    assert record.seed is None
    return record.note


@pytest.mark.parametrize("kind", ALL)
def test_a_region_holds_its_part_and_none_of_another(kind: RegionKind) -> None:
    conditions = drawn()
    mask = found(kind).mask
    for other, part in SKIN.items():
        inside = conditions.of_part(part) > 0
        assert (np.median(mask[inside]) == 255) if other is kind else (mask[inside].max() == 0)
    garment = conditions.garment > 0
    assert (np.median(mask[garment]) == 255) if kind is RegionKind.GARMENT else (mask[garment].max() == 0)


@pytest.mark.parametrize("kind", ALL)
def test_a_region_is_cut_out_whole_with_its_surroundings(kind: RegionKind) -> None:
    region = found(kind)
    box = np.zeros((HEIGHT, WIDTH), bool)
    box[region.rows_columns] = True
    assert not region.mask[~box].any()
    wide = region.box[2] - region.box[0], region.box[3] - region.box[1]
    assert all(side % 64 == 0 for side in region.size)
    assert region.size[0] * region.size[1] <= WORKING
    assert all(size <= MOST_ENLARGED * side for size, side in zip(region.size, wide, strict=True))
    # What is cut out keeps its shape.
    assert abs(np.log(wide[0] * region.size[1] / (wide[1] * region.size[0]))) < 0.03


def test_hands_are_made_in_one_size_so_that_they_share_a_batch() -> None:
    assert found(RegionKind.HAND_LEFT).size == found(RegionKind.HAND_RIGHT).size == found(RegionKind.FACE).size


def test_parts_that_cannot_be_made_again_are_left_with_a_reason() -> None:
    conditions = drawn()
    assert "turned away" in left(RegionKind.FACE, drawn(nose=Visibility.HIDDEN))
    bare = replace(conditions, skin=np.zeros_like(conditions.skin))
    assert "not seen" in left(RegionKind.HAND_LEFT, bare)
    speck = bare.skin.copy()
    speck[300:303, 280:300] = Part.HAND_LEFT + 1
    assert "20 x 3 pixels" in left(RegionKind.HAND_LEFT, replace(conditions, skin=speck))


def test_a_picture_without_garment_is_refused() -> None:
    conditions = drawn()
    with pytest.raises(BadMask, match="garment region is empty"):
        regions_of(replace(conditions, garment=np.zeros_like(conditions.garment)), (RegionKind.GARMENT,), WORKING)


def test_a_region_to_repair_is_where_it_was_asked_for() -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[100:150, 50:90] = 255
    region = region_of_mask(mask, (WIDTH, HEIGHT), WORKING)
    assert region.kind is RegionKind.REPAIR
    assert not region.mask[mask == 0].any()
    assert region.mask[125, 70] == 255
    with pytest.raises(BadMask, match="empty"):
        region_of_mask(np.zeros_like(mask), (WIDTH, HEIGHT), WORKING)
    with pytest.raises(BadMask, match="picture 576 x 384"):
        region_of_mask(mask[:-1], (WIDTH, HEIGHT), WORKING)


@pytest.mark.parametrize("thick", [1, 3, 8])
def test_a_thin_region_is_one_that_can_be_made(thick: int) -> None:
    """Straps, a seam: their bounds are wide, they are not."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[100:400, 100 : 100 + thick] = mask[400 : 400 + thick, 100:300] = 255
    region = region_of_mask(mask, (WIDTH, HEIGHT), WORKING)
    assert region.mask.max() == 255
    assert not region.mask[mask == 0].any()
    assert (crop(region.mask, region) >= 128).any()


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("working", [128 * 192, WORKING])
def test_an_unchanged_region_leaves_the_picture_as_it_is(kind: RegionKind, working: int) -> None:
    picture = drawn().base
    region = found(kind, working=working)
    assert (pasted(picture, crop(picture, region), region) == picture).all()


@pytest.mark.parametrize("kind", ALL)
def test_a_changed_region_changes_nothing_outside_of_its_mask(kind: RegionKind) -> None:
    picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    region = found(kind)
    made = np.full((region.size[1], region.size[0], 3), 200, np.uint8)
    after = pasted(picture, made, region)
    assert (after[region.mask == 0] == 90).all()
    assert (after[region.mask == 255] == 200).all()
    rim = (region.mask > 60) & (region.mask < 200)
    assert ((after[rim] > 100) & (after[rim] < 190)).all()


def test_nothing_shines_through_from_under_a_new_face() -> None:
    """Detail of what was there must not stay in what replaces it."""
    picture = drawn().base
    region = found(RegionKind.FACE)
    after = pasted(picture, np.full((region.size[1], region.size[0], 3), 128, np.uint8), region)
    assert np.abs(after[region.mask == 255].astype(int) - 128).mean() < 2


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 370), st.integers(0, 560), st.integers(1, 300), st.integers(1, 500))
def test_any_region_fits_into_the_picture(x: int, y: int, width: int, height: int) -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[y : y + height, x : x + width] = 255
    region = region_of_mask(mask, (WIDTH, HEIGHT), 128 * 192)
    left, top, right, bottom = region.box
    assert 0 <= left < right <= WIDTH
    assert 0 <= top < bottom <= HEIGHT
    assert not region.mask[mask == 0].any()
    assert region.size[0] * region.size[1] <= 128 * 192
    assert crop(mask, region).shape == (region.size[1], region.size[0])
    outside = mask.copy()
    outside[region.rows_columns] = 0
    assert not outside.any()
