from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import cv2
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import Cancelled
from fashquick_common.image.spaces import ciede2000, lab_of_srgb
from fashquick_features.prints.reading import find_reader
from fashquick_generation.diffusion.stages.conditions import Conditions, conditions_of, studio_job
from fashquick_generation.diffusion.stages.enhancement import enhanced, palette_error
from fashquick_generation.diffusion.tiles import joined, tiles_of
from fashquick_generation.engine import GenerationJob
from fashquick_generation.studio import StudioGenerator
from tests.support.studio import pictured

WIDTH, HEIGHT = 192, 288
GROUND = (225, 225, 223)


def drawn(cloth: tuple[int, int, int] = (40, 60, 120), ink: tuple[int, int, int] = (238, 236, 230)) -> Conditions:
    """A garment with a wide stripe and small words."""
    base = np.full((HEIGHT, WIDTH, 3), GROUND, np.uint8)
    garment = np.zeros((HEIGHT, WIDTH), np.uint8)
    garment[40:240, 30:162] = 255
    base[garment > 0] = cloth
    base[180:210, 30:162] = ink
    cv2.putText(base, "OCEAN", (52, 110), cv2.FONT_HERSHEY_SIMPLEX, 0.8, ink, 2, cv2.LINE_AA)
    empty = np.zeros_like(garment)
    return Conditions(base, empty, np.zeros_like(base), garment, (garment > 0).astype(np.uint8), empty)


def made(generated: np.ndarray, conditions: Conditions) -> np.ndarray:
    return enhanced(generated, conditions, CancelFlag())


def blurred(picture: np.ndarray, share: float = 0.4) -> np.ndarray:
    """As small letters come back from a VAE."""
    small = cv2.resize(picture, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def noise(seed: int, cells: int) -> np.ndarray:
    """A picture of blots, whose cells are one pixel or many."""
    rng = np.random.default_rng(seed)
    blots = rng.integers(0, 256, (max(HEIGHT // cells, 2), max(WIDTH // cells, 2), 3), np.uint8)
    return cv2.resize(blots, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def worn(generator: StudioGenerator, printed_job: GenerationJob) -> Conditions:
    return conditions_of(pictured(generator, studio_job(printed_job)))


def test_the_studios_own_picture_stays_as_it_is(worn: Conditions) -> None:
    assert (made(worn.base, worn) == worn.base).all()


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 10_000), st.sampled_from((1, 6, 24)), st.sampled_from(((40, 60, 120), (245, 244, 240), (24, 24, 26)))
)
def test_whatever_was_generated_the_garment_keeps_its_colours(
    seed: int, cells: int, cloth: tuple[int, int, int]
) -> None:
    conditions = drawn(cloth, (178, 36, 44))
    generated = noise(seed, cells)
    after = made(generated, conditions)
    inside = conditions.garment > 0
    assert palette_error(generated, conditions.base, inside) > 10
    assert palette_error(after, conditions.base, inside) < 3
    assert (after[~inside] == generated[~inside]).all()


@pytest.mark.parametrize("cells", [1, 16])
def test_a_draped_garment_keeps_its_colours(worn: Conditions, cells: int) -> None:
    generated = cv2.resize(noise(4, cells), worn.size)
    after = made(generated, worn)
    # So small a picture is a tenth rim.
    deep = cv2.erode(worn.garment, np.ones((3, 3), np.uint8)) == 255
    assert palette_error(after, worn.base, deep) < 3
    assert np.median(ciede2000(lab_of_srgb(after[deep]), lab_of_srgb(worn.base[deep]))) < 6


def test_generated_light_comes_through() -> None:
    conditions = drawn()
    fall = np.linspace(0.75, 1.25, WIDTH)[None, :, None]
    generated = np.clip(blurred(conditions.base) * fall, 0, 255).astype(np.uint8)
    light = lab_of_srgb(made(generated, conditions)[150])[:, 0]
    base = lab_of_srgb(conditions.base[150])[:, 0]
    change = (light - base)[35:157]
    assert (np.diff(cv2.blur(change[None], (9, 1))[0][6:-6]) > -0.05).all()
    assert change[5] < -2.5
    assert change[-5] > 2.5
    assert abs(change.mean()) < 1.2
    # A shade is no tint: the share of each channel stays.
    shaded = made(generated, conditions)[150, 40].astype(float)
    assert np.abs(shaded / shaded.sum() - np.array((40, 60, 120)) / 220).max() < 0.02


def test_light_changes_no_colour_by_more_than_a_shade() -> None:
    conditions = drawn((200, 190, 180))
    generated = conditions.base.copy()
    generated[:, :96] = 0
    after = made(generated, conditions)
    cloth = (conditions.base == (200, 190, 180)).all(axis=2)
    cloth[:, :40] = cloth[:, 152:] = False
    change = np.abs(lab_of_srgb(after[cloth])[:, 0] - lab_of_srgb(conditions.base[cloth])[:, 0])
    assert 4 < change.max() < 12.5


def test_a_print_that_was_lost_comes_back_without_a_ghost() -> None:
    conditions = drawn()
    blank = conditions.base.copy()
    blank[conditions.garment > 0] = (40, 60, 120)
    after = made(blank, conditions)
    deep = cv2.erode(conditions.garment, np.ones((9, 9), np.uint8)) > 0
    error = ciede2000(lab_of_srgb(after[deep]), lab_of_srgb(conditions.base[deep]))
    assert np.percentile(error, 99) < 2
    assert error.max() < 5


def test_the_rim_has_no_halo() -> None:
    conditions = drawn()
    moved = np.roll(blurred(conditions.base), 2, axis=1)
    row = lab_of_srgb(made(moved, conditions)[150])[:, 0]
    cloth, ground = lab_of_srgb(np.array([(40, 60, 120), GROUND], np.uint8))[:, 0]
    assert row[20:172].min() > cloth - 3
    assert row[20:172].max() < ground + 3
    # From ground to cloth once, and back once.
    assert (np.diff(row[20:60]) < 4).all()
    assert np.abs(row[34:158] - cloth).max() < 3


def test_each_garment_of_an_outfit_has_its_own_light() -> None:
    conditions = drawn()
    index = conditions.index.copy()
    index[140:240][conditions.garment[140:240] > 0] = 2
    base = conditions.base.copy()
    base[index == 2] = (176, 42, 46)
    conditions = replace(conditions, base=base, index=index)
    generated = base.copy()
    generated[index == 2] = (230, 220, 60)
    after = made(generated, conditions)
    for number in (1, 2):
        assert palette_error(after, base, index == number) < 2


def test_words_can_be_read_again() -> None:
    reader = find_reader()
    if reader is None:
        pytest.skip("the extra ocr is not installed")
    conditions = drawn()

    def said(picture: np.ndarray) -> list[str]:
        crop = cv2.resize(picture[80:125, 40:155], None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
        return [line.text for line in reader.read(crop, CancelFlag())]

    generated = blurred(conditions.base, 0.1)
    assert "OCEAN" not in said(generated)
    assert "OCEAN" in said(made(generated, conditions))


def test_a_picture_without_garment_stays_as_it_was_generated() -> None:
    conditions = drawn()
    bare = replace(conditions, garment=np.zeros_like(conditions.garment))
    generated = noise(1, 6)
    assert (made(generated, bare) == generated).all()
    assert palette_error(generated, bare.base, bare.garment > 0) == 0


def test_enhancement_can_be_cancelled() -> None:
    cancel = CancelFlag()
    cancel.cancel()
    with pytest.raises(Cancelled):
        enhanced(noise(1, 6), drawn(), cancel)


@given(
    st.integers(64, 700), st.integers(64, 700), st.sampled_from(((128, 192), (64, 64), (256, 256))), st.integers(0, 32)
)
def test_tiles_cover_a_picture_and_overlap(width: int, height: int, tile: tuple[int, int], overlap: int) -> None:
    boxes = tiles_of(width, height, tile, overlap)
    covered = np.zeros((height, width), np.uint8)
    for left, top, right, bottom in boxes:
        assert (right - left, bottom - top) == (min(tile[0], width), min(tile[1], height))
        assert left >= 0
        assert right <= width
        assert top >= 0
        assert bottom <= height
        covered[top:bottom, left:right] = 1
    assert covered.all()
    lefts = sorted({box[0] for box in boxes})
    assert all(second - first <= tile[0] - overlap for first, second in pairwise(lefts))


@settings(max_examples=20, deadline=None)
@given(hnp.arrays(np.uint8, (90, 70, 3)))
def test_tiles_that_agree_make_the_picture_they_were_cut_from(picture: np.ndarray) -> None:
    boxes = tiles_of(70, 90, (32, 40), 8)
    cut = [((left, top, right, bottom), picture[top:bottom, left:right]) for left, top, right, bottom in boxes]
    assert (joined(cut, 70, 90) == picture).all()


def test_tiles_that_differ_fade_into_each_other() -> None:
    boxes = tiles_of(112, 64, (64, 64), 16)
    assert [box[0] for box in boxes] == [0, 48]
    sides = [np.full((64, 64, 3), value, np.uint8) for value in (100, 140)]
    row = joined(zip(boxes, sides, strict=True), 112, 64)[30, :, 0].astype(int)
    assert row[0] == row[47] == 100
    assert row[64] == row[-1] == 140
    assert (np.diff(row) >= 0).all()
    assert np.diff(row).max() <= 6
