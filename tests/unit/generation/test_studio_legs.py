"""Skirts, trousers and shorts, from a drawing to the start of their fall."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import PhotoNotUsable
from fashquick_common.garment import Category, CategoryGuess, Landmark, Passport
from fashquick_common.garment import LandmarkName as L
from fashquick_generation.engine import Figure, Fit, GarmentInput
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut import drafting
from fashquick_generation.studio.cut.legs import leg_corners
from fashquick_generation.studio.cut.outline import POINTS, resampled_loop
from fashquick_generation.studio.cut.pattern import Pattern, Role, Side
from fashquick_generation.studio.cut.waisted import frame_of
from fashquick_generation.studio.drape.cloth import sewn
from fashquick_generation.studio.drape.placing.pins import held, pinned
from fashquick_generation.studio.drape.placing.sections import girth, ring, widened
from fashquick_generation.studio.drape.placing.skirts import SkirtPlacer
from fashquick_generation.studio.drape.placing.trousers import TrouserPlacer
from fashquick_generation.studio.figure import body, measures, poses
from fashquick_generation.studio.figure.companions import companions_for

WIDTH, HEIGHT = 400, 600
SKIRT = {L.WAIST_LEFT: (250.0, 60.0), L.HEM_LEFT: (320.0, 260.0)}
TROUSERS = {
    L.WAIST_LEFT: (265.0, 40.0),
    L.LEG_LEFT_OUTER: (318.0, 400.0),
    L.LEG_LEFT_INNER: (250.0, 400.0),
    L.CROTCH: (200.0, 118.0),
}
CLOSED_SHORTS = {
    L.WAIST_LEFT: (270.0, 60.0),
    L.LEG_LEFT_OUTER: (300.0, 300.0),
    L.LEG_LEFT_INNER: (204.0, 304.0),
    L.CROTCH: (200.0, 296.0),
}
BODY = body.load(Figure(), companions_for([Category.TROUSERS]))
MEASURES = measures.measured(BODY.posed(poses.rotations(BODY, poses.arms_out(45.0))))


def drawn(
    half: dict[L, tuple[float, float]], category: Category, *, landmarks: bool = True, tilt: float = 0.0
) -> GarmentInput:
    """A garment from the corners of its left half, turned clockwise by `tilt` degrees."""
    turn = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), -tilt, 1.0)
    corners = {name: np.array(point) for name, point in half.items()}
    corners |= {L(name.value.replace("left", "right")): np.array((WIDTH - x, y)) for name, (x, y) in half.items()}
    corners = {name: turn @ np.array([*point, 1.0]) for name, point in corners.items()}
    left = [corners[name] for name in half]
    right = [corners[L(name.value.replace("left", "right"))] for name in reversed(half)]
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillPoly(alpha, [np.round(np.array(left + right) - 0.5).astype(np.int32)], 255)
    photo = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    photo[alpha > 0] = (40, 60, 110)
    passport = Passport(
        categories=(CategoryGuess(category, 1.0),),
        landmarks={name: Landmark(*point, 1.0) for name, point in corners.items()} if landmarks else {},
        palette=(),
        photo_width=WIDTH,
        photo_height=HEIGHT,
        coverage=0.3,
    )
    return GarmentInput(photo, alpha, passport)


def cut(garment: GarmentInput) -> Pattern:
    return drafting.drafted(garment, MEASURES, CancelFlag())


def length(line: Float64) -> float:
    return float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())


@pytest.mark.parametrize("tilt", [0.0, 14.0])
def test_a_skirt_keeps_its_proportions_however_it_lies(tilt: float) -> None:
    pattern = cut(drawn(SKIRT, Category.SKIRT, tilt=tilt))
    waist, hem = (length(pattern.line(role)) for role in (Role.WAIST, Role.HEM))
    assert hem / waist == pytest.approx(240 / 100, rel=0.04)
    assert np.ptp(pattern.border[:, 1]) / waist == pytest.approx(200 / 100, rel=0.04)
    assert 2 * waist == pytest.approx(MEASURES.waist_girth_m, rel=0.2)
    left, right = (pattern.line(Role.SIDE, side) for side in (Side.LEFT, Side.RIGHT))
    np.testing.assert_allclose(left, right[::-1] * (-1, 1), atol=1e-9)


def test_the_photo_lends_its_corners() -> None:
    garment = drawn(SKIRT, Category.SKIRT, tilt=8.0)
    pattern = cut(garment)
    seen = pattern.warp.to_photo(np.stack([pattern.line(Role.WAIST)[-1], pattern.line(Role.HEM)[0]]))
    for pixel, name in zip(seen, (L.WAIST_LEFT, L.HEM_LEFT), strict=True):
        wanted = garment.passport.landmarks[name]
        assert np.hypot(*(pixel - (wanted.x, wanted.y))) < 6


@pytest.mark.parametrize("landmarks", [True, False])
def test_trousers_are_cut_to_straight_legs(landmarks: bool) -> None:
    pattern = cut(drawn(TROUSERS, Category.TROUSERS, landmarks=landmarks))
    cuff = length(pattern.line(Role.CUFF, Side.LEFT))
    assert cuff / length(pattern.line(Role.WAIST)) == pytest.approx(68 / 130, rel=0.07)
    assert pattern.line(Role.INSEAM, Side.LEFT)[-1] == pytest.approx((0.0, -78 * pattern.pixel_m), abs=0.025)
    inseam = pattern.line(Role.INSEAM, Side.LEFT)[:-8]
    assert (inseam[:, 0] > 0.005).all(), "legs touch"


def test_shorts_whose_legs_touch_still_have_a_crotch() -> None:
    pattern = cut(drawn(CLOSED_SHORTS, Category.SHORTS, landmarks=False))
    assert length(pattern.line(Role.INSEAM, Side.LEFT)) > 0.03
    # The slit between the legs lies inside of the garment in the photo.
    crotch = pattern.warp.to_photo(pattern.line(Role.INSEAM, Side.LEFT)[-1:])[0]
    assert abs(crotch[0] - WIDTH / 2) < 6
    assert crotch[1] < 290


def test_fit_words_change_the_width() -> None:
    garment = drawn(SKIRT, Category.SKIRT)
    slim, wide = (cut(replace(garment, fit=fit)) for fit in (Fit.SLIM, Fit.OVERSIZE))
    assert np.ptp(wide.border[:, 0]) > 1.08 * np.ptp(slim.border[:, 0])


def test_larger_sizes_are_cut_wider_more_than_longer() -> None:
    garment = drawn(SKIRT, Category.SKIRT)
    large = replace(MEASURES, hip_girth_m=1.3 * MEASURES.hip_girth_m, waist_girth_m=1.3 * MEASURES.waist_girth_m)
    wider, longer = np.ptp(drafting.drafted(garment, large, CancelFlag()).border, axis=0) / np.ptp(
        cut(garment).border, axis=0
    )
    assert wider == pytest.approx(1.3, rel=0.05)
    assert 1.0 < longer < 1.15


def test_the_longest_skirt_ends_at_the_ankles() -> None:
    long = drawn({L.WAIST_LEFT: (258.0, 40.0), L.HEM_LEFT: (320.0, 560.0)}, Category.SKIRT)
    pattern = cut(long)
    hem, waist = pattern.line(Role.HEM), pattern.line(Role.WAIST)
    fall = float(np.linalg.norm(hem[:, None] - waist, axis=2).min(axis=1).max())
    assert fall == pytest.approx(MEASURES.waist_height_m - 0.05 - MEASURES.ankle_height_m, abs=0.03)


def test_a_sock_is_no_skirt() -> None:
    sock = {L.WAIST_LEFT: (215.0, 30.0), L.HEM_LEFT: (215.0, 580.0)}
    with pytest.raises(PhotoNotUsable, match="lay the garment flat"):
        cut(drawn(sock, Category.SKIRT))


def test_a_garment_that_ends_in_a_point_has_no_legs() -> None:
    outline = np.array([[100.0, 20.0], [300.0, 20.0], [200.0, 380.0]])
    points = resampled_loop(outline, POINTS)
    frame = frame_of(points, {}, (L.LEG_LEFT_OUTER, L.LEG_RIGHT_OUTER))
    with pytest.raises(PhotoNotUsable, match="ends in a point"):
        leg_corners(points, frame, {})


def test_trousers_start_around_the_legs_with_their_own_lengths() -> None:
    pattern, placer = cut(drawn(TROUSERS, Category.TROUSERS)), TrouserPlacer()
    figure = BODY.posed(poses.rotations(BODY, placer.first(pattern)))
    laid = placer.place(pattern, sewn(pattern, 0.026), figure, np.zeros((0, 3)))
    assert laid.cloth.shape is not None
    np.testing.assert_allclose(laid.start, laid.cloth.shape)
    on_left = laid.cloth.rest[:, 0] > 1e-6
    assert (laid.start[on_left, 0] > 0).all()
    assert (laid.start[laid.cloth.rest[:, 0] < -1e-6, 0] < 0).all()
    crotch = laid.start[laid.cloth.corner[Role.INSEAM, Side.RIGHT]]
    assert crotch[2] < MEASURES.crotch_height_m + 0.03
    hem = laid.start[on_left & (laid.start[:, 2] < laid.start[:, 2].min() + 0.01)]
    assert girth(ring(hem[:, :2])) == pytest.approx(2 * length(pattern.line(Role.CUFF, Side.LEFT)), rel=0.15)


def test_the_body_holds_the_whole_waistband() -> None:
    pattern, placer = cut(drawn(SKIRT, Category.SKIRT)), SkirtPlacer()
    first = placer.first(pattern)
    figure = BODY.posed(poses.rotations(BODY, first))
    laid = placer.place(pattern, sewn(pattern, 0.026), figure, np.zeros((0, 3)))
    waist = laid.start[[pin.vertex for pin in laid.pins]]
    np.testing.assert_allclose(np.array(list(held(laid.pins, figure).values())), waist, atol=1e-9)
    turned = BODY.posed(poses.rotations(BODY, replace(first, turns={"root": (0.0, 0.0, 30.0)})))
    now = np.array(list(held(laid.pins, turned).values()))
    apart = np.linalg.norm(waist[:, None] - waist, axis=2)
    np.testing.assert_allclose(np.linalg.norm(now[:, None] - now, axis=2), apart, atol=2e-3)
    assert np.linalg.norm(now - waist, axis=1).max() > 0.03


def test_rings_have_the_girth_asked_for() -> None:
    angles = np.linspace(0, 2 * np.pi, 50, endpoint=False)
    oval = ring(np.stack([0.2 * np.cos(angles), 0.1 * np.sin(angles)], axis=1))
    assert girth(widened(oval, 1.3)) == pytest.approx(1.3, rel=0.01)
    assert oval[0] == pytest.approx((0.0, -0.1), abs=0.01)
    assert oval[len(oval) // 4] == pytest.approx((0.2, 0.0), abs=0.01)


def test_pins_need_no_vertex_of_their_own() -> None:
    figure = BODY.posed(poses.rotations(BODY, poses.arms_out(30.0)))
    place = figure.vertices[figure.of(body.Part.HIPS)][:3].mean(axis=0) + 0.004
    (pin,) = pinned(np.array([7]), place[None], figure, (body.Part.HIPS, body.Part.TORSO))
    assert held([pin], figure)[7] == pytest.approx(place)
