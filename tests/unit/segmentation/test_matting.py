"""Trimaps, closed-form mattes and clean edge colours of drawn garments whose alpha and colours are known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import Cancelled
from fashquick_segmentation.refinement.matte import matte
from fashquick_segmentation.refinement.matting import (
    GARMENT,
    GROUND,
    OPEN,
    Method,
    closed_form,
    foreground,
    soft_alpha,
    trimap_of,
)
from tests.unit.segmentation.garments import (
    GROUNDS,
    HEIGHT,
    OUTLINES,
    WIDTH,
    compose,
    ground,
    outline_mask,
    photo_of,
)

NAVY = (34, 50, 110)
SCALE = 2  # the photos of these tests over those of `garments`: larger than the size of the fit


def woolly(back: str, seed: int = 3) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A T-shirt whose edge is half transparent for some 15 pixels, and its true alpha."""
    rng = np.random.default_rng(seed)
    height, width = HEIGHT * SCALE, WIDTH * SCALE
    solid = outline_mask(OUTLINES["t-shirt"] * SCALE, height, width) > 0.5
    inside = cv2.distanceTransform(solid.astype(np.uint8), cv2.DIST_L2, 5)
    outside = cv2.distanceTransform((~solid).astype(np.uint8), cv2.DIST_L2, 5)
    fibres = cv2.GaussianBlur(rng.normal(0, 1, (height, width)), (0, 0), 1.5)
    alpha = np.clip(0.5 + (inside - outside + 2.5 * fibres / fibres.std()) / 10, 0, 1).astype(np.float32)
    return compose(alpha, NAVY, ground(back, rng, height, width), rng), alpha


def halves(height: int = 120, width: int = 160) -> NDArray[np.bool_]:
    mask = np.zeros((height, width), bool)
    mask[:, : width // 2] = True
    return mask


class TestTrimap:
    def test_the_band_is_open_on_both_sides_and_the_rest_is_the_mask(self) -> None:
        mask = halves(600, 768)
        trimap = trimap_of(mask)
        assert set(np.unique(trimap)) == {GROUND, OPEN, GARMENT}
        assert np.all(trimap[:, 379:389] == OPEN)
        assert np.all(trimap[:, :377] == GARMENT)
        assert np.all(trimap[:, 391:] == GROUND)

    def test_the_band_grows_with_the_picture(self) -> None:
        widths = [np.count_nonzero(trimap_of(halves(side // 2, side))[0] == OPEN) for side in (512, 1024, 2048)]
        assert widths == pytest.approx([8, 16, 32], abs=1)

    def test_the_band_is_wider_where_the_probability_is_in_doubt(self) -> None:
        mask = halves(600, 768)
        probability = mask.astype(np.float32)
        probability[:300] = 0.5
        trimap = trimap_of(mask, probability)
        assert np.count_nonzero(trimap[100] == OPEN) == pytest.approx(48, abs=2)
        assert np.count_nonzero(trimap[500] == OPEN) == pytest.approx(12, abs=2)

    @pytest.mark.parametrize("full", [False, True])
    def test_empty_and_full_masks_leave_nothing_open(self, full: bool) -> None:
        trimap = trimap_of(np.full((40, 30), full), np.full((40, 30), 0.5, np.float32))
        assert np.all(trimap == (GARMENT if full else GROUND))

    @settings(max_examples=60, deadline=None)
    @given(hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40)))
    def test_what_is_closed_is_as_in_the_mask(self, mask: NDArray[np.bool_]) -> None:
        trimap = trimap_of(mask)
        assert mask[trimap == GARMENT].all()
        assert not mask[trimap == GROUND].any()


class TestSoftAlpha:
    @pytest.mark.parametrize("back", GROUNDS)
    def test_closed_form_halves_the_error_on_wool(self, back: str) -> None:
        photo, truth = woolly(back)
        mask = truth > 0.5
        probability = np.asarray(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 8), np.float32)
        near = cv2.dilate(((truth > 0.02) & (truth < 0.98)).astype(np.uint8), np.ones((9, 9))) > 0
        errors = [
            np.abs(soft_alpha(photo, mask, probability, method, CancelFlag()) / 255.0 - truth)[near].mean()
            for method in (Method.FAST, Method.QUALITY)
        ]
        assert errors[1] < 0.5 * errors[0]
        assert errors[1] < 0.04

    def test_fast_is_the_embedded_matte(self) -> None:
        photo, mask = photo_of("t-shirt", NAVY, "carpet")
        assert np.array_equal(
            soft_alpha(photo, mask, None, Method.FAST, CancelFlag()), matte(photo, mask, CancelFlag())
        )

    def test_the_edge_of_smooth_cloth_stays_where_it_is(self) -> None:
        photo, mask = photo_of("t-shirt", NAVY, "planks")
        alpha = soft_alpha(photo, mask, None, Method.QUALITY, CancelFlag())
        assert np.mean((alpha >= 128) != mask) < 0.003

    def test_alpha_is_soft_in_the_band_only(self) -> None:
        photo, mask = photo_of("t-shirt", NAVY, "planks")
        alpha = soft_alpha(photo, mask, None, Method.QUALITY, CancelFlag())
        trimap = trimap_of(mask)
        assert alpha[trimap == GARMENT].min() == 255
        assert alpha[trimap == GROUND].max() == 0
        assert np.count_nonzero((alpha > 0) & (alpha < 255)) > 1000

    @pytest.mark.parametrize("method", list(Method))
    @pytest.mark.parametrize("full", [False, True])
    def test_empty_and_full_masks_stay_so(self, full: bool, method: Method) -> None:
        photo = np.random.default_rng(0).integers(0, 256, (200, 150, 3), dtype=np.uint8)
        alpha = soft_alpha(photo, np.full((100, 75), full), None, method, CancelFlag())
        assert np.all(alpha == (255 if full else 0))

    def test_the_same_photo_gives_the_same_alpha(self) -> None:
        photo, mask = photo_of("t-shirt", NAVY, "planks")
        first, second = (soft_alpha(photo, mask, None, Method.QUALITY, CancelFlag()) for _ in range(2))
        assert np.array_equal(first, second)


class TestClosedForm:
    def picture(self, truth: NDArray[np.float32]) -> NDArray[np.float32]:
        red, green = np.array([0.8, 0.2, 0.2], np.float32), np.array([0.1, 0.7, 0.3], np.float32)
        return truth[..., np.newaxis] * red + (1 - truth[..., np.newaxis]) * green

    def test_the_edge_moves_to_where_the_colours_change(self) -> None:
        truth, start = halves().astype(np.float32), np.roll(halves(), 5, axis=1).astype(np.float32)
        trimap = np.where(truth > 0, GARMENT, GROUND).astype(np.uint8)
        trimap[:, 70:90] = OPEN
        alpha = closed_form(self.picture(truth), trimap, start, CancelFlag())
        assert np.array_equal(alpha > 0.5, truth > 0.5)
        assert np.abs(alpha - truth).mean() < 0.3 * np.abs(start - truth).mean()

    def test_a_blend_of_both_colours_is_half_transparent(self) -> None:
        truth = np.broadcast_to(np.clip((np.arange(80) - 36) / 8, 0, 1), (60, 80)).astype(np.float32)
        trimap = np.full(truth.shape, OPEN, np.uint8)
        trimap[:, :32], trimap[:, 48:] = GROUND, GARMENT
        alpha = closed_form(self.picture(truth), trimap, (truth > 0.5).astype(np.float32), CancelFlag())
        assert np.abs(alpha - truth).max() < 0.15

    def test_known_pixels_are_not_touched(self) -> None:
        rng = np.random.default_rng(0)
        trimap = rng.choice(np.array([GROUND, OPEN, GARMENT], np.uint8), (50, 40))
        guide = rng.random((50, 40, 3), np.float32)
        alpha = closed_form(guide, trimap, np.full((50, 40), 0.3, np.float32), CancelFlag())
        assert np.all(alpha[trimap == GARMENT] == 1)
        assert np.all(alpha[trimap == GROUND] == 0)
        assert np.all((alpha >= 0) & (alpha <= 1))

    def test_it_can_be_cancelled_between_iterations(self) -> None:
        truth, start = halves().astype(np.float32), np.roll(halves(), 5, axis=1).astype(np.float32)
        trimap = np.full(truth.shape, OPEN, np.uint8)
        trimap[:, :70], trimap[:, 90:] = GARMENT, GROUND
        flag = CancelFlag(on_step=lambda: flag.cancel() if flag.steps == 5 else None)
        with pytest.raises(Cancelled):
            closed_form(self.picture(truth), trimap, start, flag)
        assert flag.steps == 5

    def test_a_trimap_with_nothing_open_is_the_answer(self) -> None:
        trimap = np.where(halves(), GARMENT, GROUND).astype(np.uint8)
        start = np.full(trimap.shape, 0.5, np.float32)
        guide = np.zeros((*trimap.shape, 3), np.float32)
        assert np.array_equal(closed_form(guide, trimap, start, CancelFlag()), halves().astype(np.float32))


class TestForeground:
    @pytest.mark.parametrize("back", GROUNDS)
    def test_the_grounds_colour_leaves_the_edge(self, back: str) -> None:
        photo, truth = woolly(back)
        alpha = np.rint(truth * 255).astype(np.uint8)
        clean = foreground(photo, alpha, CancelFlag())
        soft = (truth > 0.1) & (truth < 0.9)
        off = [float(np.abs(picture[soft].astype(float) - NAVY).mean()) for picture in (photo, clean)]
        assert off[0] > 25
        assert off[1] < 10

    def test_on_another_ground_no_halo_shows(self) -> None:
        photo, truth = woolly("sheet")
        clean = foreground(photo, np.rint(truth * 255).astype(np.uint8), CancelFlag())
        share = truth[..., np.newaxis]
        right = share * np.array(NAVY, np.float32)
        soft = (truth > 0.1) & (truth < 0.9)
        errors = [np.abs(share * picture - right)[soft].mean() for picture in (photo, clean)]
        assert errors[1] < 0.25 * errors[0]

    def test_fine_stripes_go_on_into_the_soft_edge(self) -> None:
        stripes = np.where(np.arange(900)[:, np.newaxis] % 4 < 2, 220.0, 120.0).astype(np.float32)
        share = np.broadcast_to(np.clip((300 - np.arange(600)) / 40 + 0.5, 0, 1), (900, 600)).astype(np.float32)
        photo = np.rint(share * stripes + (1 - share) * 30).astype(np.uint8)[..., np.newaxis].repeat(3, axis=2)
        clean = foreground(photo, np.rint(share * 255).astype(np.uint8), CancelFlag())
        mostly = (share > 0.8) & (share < 1)
        assert np.abs(clean[..., 0] - stripes)[mostly].mean() < 20

    def test_opaque_pixels_and_those_far_from_the_garment_are_those_of_the_photo(self) -> None:
        photo, truth = woolly("planks")
        alpha = np.rint(truth * 255).astype(np.uint8)
        clean = foreground(photo, alpha, CancelFlag())
        assert np.array_equal(clean[alpha == 255], photo[alpha == 255])
        far = cv2.distanceTransform((alpha == 0).astype(np.uint8), cv2.DIST_L2, 5) > 150
        assert far.any()
        assert np.array_equal(clean[far], photo[far])
        assert not np.array_equal(clean, photo)

    def test_strips_leave_no_seams(self) -> None:
        photo, truth = woolly("carpet")
        alpha = np.rint(truth * 255).astype(np.uint8)
        whole = foreground(photo, alpha, CancelFlag())
        turned = foreground(photo[::-1], alpha[::-1], CancelFlag())[::-1]
        assert np.abs(whole.astype(int) - turned).max() <= 1

    @pytest.mark.parametrize("value", [0, 255])
    def test_without_an_edge_the_photo_stays(self, value: int) -> None:
        photo = np.random.default_rng(0).integers(0, 256, (200, 150, 3), dtype=np.uint8)
        clean = foreground(photo, np.full((200, 150), value, np.uint8), CancelFlag())
        assert np.array_equal(clean, photo)

    def test_it_can_be_cancelled(self) -> None:
        flag = CancelFlag(on_step=lambda: flag.cancel() if flag.steps == 2 else None)
        with pytest.raises(Cancelled):
            foreground(np.zeros((900, 40, 3), np.uint8), np.full((900, 40), 9, np.uint8), flag)
