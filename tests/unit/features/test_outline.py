from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.drawn import draw
from fashquick_common.errors import BadMask
from fashquick_common.garment import Category
from fashquick_features.shape import outline


def ellipse(width: int = 200, height: int = 300) -> np.ndarray:
    alpha = np.zeros((400, 400), np.uint8)
    cv2.ellipse(alpha, (200, 200), (width // 2, height // 2), 0, 0, 360, 255, -1)
    return alpha


def test_outline_is_clockwise_even_and_encloses_the_garment() -> None:
    alpha = ellipse()
    found = outline.trace(alpha)
    steps = np.hypot(*(np.roll(found.points, -1, axis=0) - found.points).T)
    assert found.points.shape == (outline.OUTLINE_POINTS, 2)
    assert outline.signed_area(found.points) == pytest.approx(np.count_nonzero(alpha), rel=0.02)
    assert steps.max() < 1.5 * steps.min()


def test_outline_leaves_out_crumbs_holes_and_threads() -> None:
    alpha = ellipse()
    clean = outline.trace(alpha)
    alpha[10:30, 10:30] = 255
    alpha[180:220, 180:220] = 0
    alpha[20:60, 199:201] = 255
    np.testing.assert_allclose(outline.trace(alpha).points.min(axis=0), clean.points.min(axis=0), atol=2.0)
    assert outline.signed_area(outline.trace(alpha).points) == pytest.approx(clean.area_px, rel=0.02)


def test_gaps_that_close_again_are_kept_as_holes() -> None:
    alpha = ellipse()
    assert outline.trace(alpha).holes == ()
    alpha[150:260, 150:160] = 0
    (hole,) = outline.trace(alpha).holes
    np.testing.assert_allclose(hole.min(axis=0), (150, 150), atol=3)
    np.testing.assert_allclose(hole.max(axis=0), (160, 260), atol=3)
    assert outline.signed_area(hole) < 0


def test_dots_that_vanish_at_the_working_size_are_refused() -> None:
    alpha = np.zeros((3000, 3000), np.uint8)
    alpha[::300, ::300] = 255
    with pytest.raises(BadMask, match="scatter of dots"):
        outline.trace(alpha)


def test_large_masks_give_the_same_outline_in_their_own_pixels() -> None:
    small = outline.trace(ellipse())
    large = outline.trace(cv2.resize(ellipse(), (1600, 1600), interpolation=cv2.INTER_NEAREST))
    for at in (np.min, np.max):
        np.testing.assert_allclose(at(large.points, axis=0), 4 * at(small.points, axis=0), atol=6)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    st.sampled_from([Category.T_SHIRT, Category.LONG_SLEEVE, Category.TROUSERS]),
    st.integers(0, 10_000),
    st.floats(-20, 20),
)
def test_axis_follows_the_garment_when_it_is_turned(category: Category, seed: int, tilt: float) -> None:
    garment = draw(category, seed, tilt_deg=tilt, long_side=256, jitter=0.004)
    frame = outline.upright_frame(outline.trace(garment.alpha))
    assert np.rad2deg(frame.tilt) == pytest.approx(tilt, abs=2.5)
    assert frame.height_px == pytest.approx(garment.height_px, rel=0.05)


@settings(derandomize=True)
@given(st.floats(-0.5, 0.5), st.floats(10, 500), st.tuples(st.floats(-100, 100), st.floats(-100, 100)))
def test_frame_and_photo_are_inverse(tilt: float, height: float, origin: tuple[float, float]) -> None:
    frame = outline.UprightFrame(origin, tilt, height, 1.0)
    points = np.array([[0.0, 0.0], [0.3, 0.7], [-0.4, 1.0]])
    np.testing.assert_allclose(frame.to_frame(frame.to_photo(points)), points, atol=1e-9)


@pytest.mark.parametrize(
    ("alpha", "says"),
    [
        (np.zeros((100, 100), np.uint8), "0 pixels"),
        (np.full((100, 100), 255, np.uint8), "whole photo"),
        (np.full((100, 100), 127, np.uint8), "0 pixels"),
        (np.zeros((100, 99), np.uint8), "99 x 100"),
        (np.zeros((100, 100), np.float32), "8-bit"),
        (np.zeros((100, 100, 1), np.uint8), "8-bit"),
    ],
)
def test_useless_masks_are_refused_with_the_reason(alpha: np.ndarray, says: str) -> None:
    with pytest.raises(BadMask, match=says) as caught:
        outline.check_alpha(alpha, 100, 100)
    assert caught.value.field == "alpha"
