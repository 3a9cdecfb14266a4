from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import features_landmarks
from benchmarks.drawn import DrawnGarment, draw
from fashquick_common.garment import Category, Landmark, LandmarkName
from fashquick_features.shape import landmarks, outline

TOPS = [Category.T_SHIRT, Category.LONG_SLEEVE, Category.SLEEVELESS_TOP]
BOTTOMS = [Category.TROUSERS, Category.SHORTS, Category.SKIRT]
# A shoulder has no corner of its own on an outline and is judged more loosely; the collar has its own tests.
SOFT = {"shoulder", "collar"}
LOOSE = 0.12
TIGHT = 0.045
GAP_PX = 3.0  # between sleeve and body a gap narrower than this closes, and the armpit moves down with it


def find(garment: DrawnGarment) -> dict[LandmarkName, Landmark]:
    shape = outline.trace(garment.alpha)
    return landmarks.find(garment.photo, garment.alpha, shape, outline.upright_frame(shape), garment.category)


def plain(category: Category, alpha: np.ndarray) -> DrawnGarment:
    """A grey garment of any shape, nothing known of it."""
    return DrawnGarment(category, np.full((*alpha.shape, 3), 90, np.uint8), alpha, {}, (), 1.0)


def errors(garment: DrawnGarment) -> dict[LandmarkName, float]:
    """Distance from each true corner to the found one, in garment heights; infinite where it is missing."""
    found = find(garment)
    return {
        name: float(np.hypot(found[name].x - x, found[name].y - y)) / garment.height_px if name in found else np.inf
        for name, (x, y) in garment.landmarks.items()
    }


@pytest.mark.parametrize("category", TOPS + BOTTOMS)
def test_every_corner_of_an_upright_garment_is_found(category: Category) -> None:
    apart = [errors(draw(category, seed)) for seed in range(6)]
    corners = [value for each in apart for name, value in each.items() if not SOFT & set(name.split("-"))]
    assert np.mean(corners) < 0.02


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.sampled_from(TOPS + BOTTOMS), st.integers(0, 10_000), st.floats(-18, 18), st.sampled_from([200, 384, 700]))
def test_corners_are_found_whatever_the_tilt_and_the_size(
    category: Category, seed: int, tilt: float, long_side: int
) -> None:
    garment = draw(category, seed, tilt_deg=tilt, long_side=long_side)
    for name, apart in errors(garment).items():
        if name is LandmarkName.COLLAR_BOTTOM:
            continue
        assert apart < (LOOSE if "shoulder" in name else TIGHT) + GAP_PX / garment.height_px, name


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.sampled_from(TOPS + BOTTOMS), st.integers(0, 10_000))
def test_left_is_the_wearers_left(category: Category, seed: int) -> None:
    found = find(draw(category, seed))
    for name, point in found.items():
        if "-left" in name and "inner" not in name:
            assert point.x > found[LandmarkName(name.replace("-left", "-right"))].x


def test_a_mirrored_photo_swaps_the_sides() -> None:
    garment = draw(Category.T_SHIRT, 3, tilt_deg=8)
    flipped = replace(garment, photo=cv2.flip(garment.photo, 1), alpha=cv2.flip(garment.alpha, 1))
    swapped = find(flipped)
    width = garment.alpha.shape[1]
    for name, point in find(garment).items():
        other = swapped[LandmarkName(name.replace("left", "#").replace("right", "left").replace("#", "right"))]
        assert np.hypot(width - other.x - point.x, other.y - point.y) < 0.03 * garment.height_px


def test_lopsided_garments_are_trusted_less() -> None:
    even, odd = (find(draw(Category.T_SHIRT, 5, jitter=jitter)) for jitter in (0.0, 0.05))
    even.pop(LandmarkName.COLLAR_BOTTOM)
    assert min(point.confidence for point in even.values()) > 0.5
    assert np.mean([point.confidence for point in odd.values()]) < 0.8 * np.mean(
        [point.confidence for point in even.values()]
    )


def test_a_sleeveless_top_has_no_cuffs_and_a_t_shirt_no_crotch() -> None:
    assert not [name for name in find(draw(Category.SLEEVELESS_TOP, 1)) if "cuff" in name]
    assert LandmarkName.CROTCH not in find(draw(Category.T_SHIRT, 1))


def test_a_sleeve_that_touches_the_body_lower_down_leaves_the_armpit_where_it_is() -> None:
    garment = draw(Category.LONG_SLEEVE, 2)
    cuff, hem = (np.array(garment.landmarks[LandmarkName(name)]) for name in ("cuff-left-lower", "hem-left"))
    armpit = np.array(garment.landmarks[LandmarkName.ARMPIT_LEFT])
    seam = armpit + 0.85 * (cuff - armpit), armpit + 0.85 * (hem - armpit)
    alpha = garment.alpha.copy()
    cv2.line(alpha, *(tuple(int(value) for value in np.round(end)) for end in seam), 255, 14)
    assert errors(replace(garment, alpha=alpha))[LandmarkName.ARMPIT_LEFT] < TIGHT


def test_a_sleeve_on_the_body_takes_its_armpit_from_the_other_side() -> None:
    garment = draw(Category.LONG_SLEEVE, 2, jitter=0.0)
    corners = [garment.landmarks[LandmarkName(name)] for name in ("cuff-left-lower", "armpit-left", "hem-left")]
    alpha = cv2.fillPoly(garment.alpha.copy(), [np.round(corners).astype(np.int32)], 255)
    covered = replace(garment, alpha=alpha)
    assert errors(covered)[LandmarkName.ARMPIT_LEFT] < 2 * TIGHT
    found = find(covered)
    assert found[LandmarkName.ARMPIT_LEFT].confidence < found[LandmarkName.ARMPIT_RIGHT].confidence


@pytest.mark.parametrize("condition", ["creased", "on hanger", "soft mask", "ragged mask", "sleeve folded"])
@pytest.mark.parametrize("category", [Category.T_SHIRT, Category.TROUSERS])
def test_corners_are_found_in_spite_of(condition: str, category: Category) -> None:
    apart, missing = features_landmarks.errors(features_landmarks.conditioned(category, condition, 3))
    assert np.mean(apart) < 2.5
    assert missing <= 2


def test_a_dress_has_its_waist_where_it_is_narrowest() -> None:
    alpha = np.zeros((400, 300), np.uint8)
    left = [(125, 20), (100, 30), (60, 80), (78, 100), (100, 85), (114, 150), (70, 380)]
    outer = [*left, *((300 - x, y) for x, y in left[::-1])]
    cv2.fillPoly(alpha, [np.array(outer, np.int32)], 255)
    found = find(plain(Category.DRESS, alpha))
    assert abs(found[LandmarkName.WAIST_LEFT].y - 150) < 20
    assert found[LandmarkName.HIP_LEFT].y > found[LandmarkName.WAIST_LEFT].y
    assert LandmarkName.WAIST_LEFT not in find(plain(Category.T_SHIRT, alpha))


def test_clips_of_a_hanger_are_not_the_waist() -> None:
    alpha = np.zeros((400, 300), np.uint8)
    cv2.fillPoly(alpha, [np.array([(100, 60), (200, 60), (240, 360), (60, 360)], np.int32)], 255)
    alpha[30:60, 112:124] = alpha[30:60, 176:188] = 255
    found = find(plain(Category.SKIRT, alpha))
    for name, x in ((LandmarkName.WAIST_RIGHT, 100), (LandmarkName.WAIST_LEFT, 200)):
        assert np.hypot(found[name].x - x, found[name].y - 60) < 10


def test_shorts_that_end_at_the_crotch_have_it_as_their_lowest_point() -> None:
    alpha = np.zeros((300, 300), np.uint8)
    cv2.fillPoly(alpha, [np.array([(100, 50), (200, 50), (250, 180), (150, 240), (50, 180)], np.int32)], 255)
    found = find(plain(Category.SHORTS, alpha))
    assert np.hypot(found[LandmarkName.CROTCH].x - 150, found[LandmarkName.CROTCH].y - 240) < 8
    assert np.hypot(found[LandmarkName.LEG_LEFT_OUTER].x - 250, found[LandmarkName.LEG_LEFT_OUTER].y - 180) < 10


def test_shapes_without_arms_get_no_landmarks_of_a_top() -> None:
    alpha = np.zeros((300, 300), np.uint8)
    alpha[50:250, 80:220] = 255
    assert find(plain(Category.T_SHIRT, alpha)) == {}


def test_trousers_with_closed_legs_have_a_waist_but_no_crotch() -> None:
    alpha = np.zeros((300, 300), np.uint8)
    alpha[20:280, 110:190] = 255
    found = find(plain(Category.TROUSERS, alpha))
    assert LandmarkName.WAIST_LEFT in found
    assert LandmarkName.CROTCH not in found


def test_the_front_neckline_is_found_inside_the_garment() -> None:
    garments = [draw(Category.T_SHIRT, seed, tilt_deg=4 * seed - 12) for seed in range(6)]
    apart = [errors(garment)[LandmarkName.COLLAR_BOTTOM] for garment in garments]
    assert np.median(apart) < 0.02


def test_a_back_without_a_neckline_has_no_collar() -> None:
    garment = draw(Category.T_SHIRT, 4, folds=0.0)
    flat = np.full_like(garment.photo, 120)
    assert LandmarkName.COLLAR_BOTTOM not in find(replace(garment, photo=flat))
    assert LandmarkName.NECK_LEFT in find(replace(garment, photo=flat))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 1_000_000), st.sampled_from(list(Category)))
def test_any_blob_gives_finite_landmarks_on_it_or_none(seed: int, category: Category) -> None:
    rng = np.random.default_rng(seed)
    field = cv2.GaussianBlur(rng.normal(0, 1, (160, 160)).astype(np.float32), (0, 0), float(rng.uniform(4, 25)))
    alpha = np.where(field > np.quantile(field, rng.uniform(0.3, 0.8)), 255, 0).astype(np.uint8)
    for point in find(plain(category, alpha)).values():
        assert 0 < point.confidence <= 1
        assert -1 <= point.x <= 161
        assert -1 <= point.y <= 161
