"""Patterns of garments that hang from the shoulders: clean whatever the photo shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import PhotoNotUsable
from fashquick_common.garment import (
    Answer,
    Category,
    Front,
    Geometry,
    Landmark,
    LegLength,
    Measurement,
    MeasurementName,
    Neckline,
    SleeveLength,
)
from fashquick_common.garment import LandmarkName as L
from fashquick_generation.engine import Fit, GarmentInput
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut import fit, shoulders, tops
from fashquick_generation.studio.cut.measuring import STATIONS, Shape
from fashquick_generation.studio.cut.outline import resampled_loop
from fashquick_generation.studio.cut.pattern import Pattern, Role, Side
from fashquick_generation.studio.sample import sample_garment
from tests.support.studio import SMALL


def drafted(garment: GarmentInput, category: Category = Category.T_SHIRT) -> Pattern:
    return tops.drafted(garment, category, SMALL, CancelFlag())


def without(garment: GarmentInput, *names: L) -> GarmentInput:
    kept = {name: mark for name, mark in garment.passport.landmarks.items() if name not in names}
    return replace(garment, passport=replace(garment.passport, landmarks=kept))


def built(garment: GarmentInput, sleeve: SleeveLength, *measurements: Measurement) -> GarmentInput:
    geometry = Geometry(
        sleeve=Answer(sleeve, 1.0),
        leg=Answer(LegLength.NOT_APPLICABLE, 1.0),
        neckline=Answer(Neckline.CREW, 1.0),
        front=Answer(Front.CLOSED, 1.0),
        measurements=measurements,
        tilt_deg=0.0,
        symmetry=1.0,
    )
    return replace(garment, passport=replace(garment.passport, geometry=geometry))


def moved(garment: GarmentInput, move: Callable[[Float64], Float64]) -> GarmentInput:
    """The garment in a photo whose pixels have gone elsewhere; `move` takes Nx2 pixels to where they came from."""
    height, width = garment.alpha.shape
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    to = np.stack([x.ravel(), y.ravel()], axis=1)
    source = (move(to) - 0.5).astype(np.float32).reshape(height, width, 2)
    photo, alpha = (cv2.remap(image, source, None, cv2.INTER_LINEAR) for image in (garment.photo, garment.alpha))
    marks = {
        name: Landmark(*to[np.linalg.norm(move(to) - (mark.x, mark.y), axis=1).argmin()], mark.confidence)
        for name, mark in garment.passport.landmarks.items()
    }
    return GarmentInput(photo, alpha, replace(garment.passport, landmarks=marks))


def corners(pattern: Pattern) -> Float64:
    """Neck points, cuffs, armpits and hem corners of both halves."""
    return np.concatenate([stretch.line[:1] for stretch in pattern.stretches])


def test_the_pattern_is_closed_and_symmetric_and_fits_the_chest() -> None:
    pattern = drafted(sample_garment())
    ends = np.array([stretch.line[-1] for stretch in pattern.stretches])
    assert np.abs(ends - np.roll(corners(pattern), -1, axis=0)).max() < 1e-9
    left, right = (pattern.line(Role.SIDE, side) for side in (Side.LEFT, Side.RIGHT))
    assert np.allclose(left * (-1, 1), right[::-1])
    assert 4 * left[0, 0] == pytest.approx(0.9 * fit.USUAL[Category.T_SHIRT].ease)
    assert pattern.front_edge is not None
    assert np.allclose(pattern.front_edge, pattern.front_edge[::-1] * (-1, 1))


def test_a_crooked_photo_gives_the_same_pattern() -> None:
    def sheared(to: Float64) -> Float64:
        wave = 4 * np.sin(to[:, :1] / 9) * (1, 0.6)
        return to + wave + (to[:, 1:] - 200) * (0.05, 0)

    straight, crooked = corners(drafted(sample_garment())), corners(drafted(moved(sample_garment(), sheared)))
    assert np.abs(straight - crooked).max() < 0.04


@pytest.mark.parametrize(
    "lost",
    [(L.ARMPIT_LEFT,), (L.CUFF_RIGHT_UPPER, L.CUFF_RIGHT_LOWER), (L.HEM_LEFT, L.NECK_RIGHT), tuple(L)],
    ids=["armpit", "cuff", "hem and neck", "all"],
)
def test_corners_that_were_not_found_are_mirrored_or_estimated(lost: tuple[L, ...]) -> None:
    whole, rest = corners(drafted(sample_garment())), corners(drafted(without(sample_garment(), *lost)))
    assert np.abs(whole - rest).max() < (0.12 if len(lost) > 5 else 0.04)


def test_a_corner_that_the_other_side_contradicts_is_not_believed() -> None:
    garment = sample_garment()
    marks = {**garment.passport.landmarks, L.HEM_LEFT: Landmark(200.0, 250.0, 0.3)}
    wrong = replace(garment, passport=replace(garment.passport, landmarks=marks))
    assert np.abs(corners(drafted(wrong)) - corners(drafted(garment))).max() < 0.03


def test_a_hem_that_a_fold_hides_is_no_point() -> None:
    garment = sample_garment()
    marks = dict(garment.passport.landmarks)
    marks[L.HEM_LEFT], marks[L.HEM_RIGHT] = Landmark(212.0, 372.0, 0.8), Landmark(188.0, 372.0, 0.8)
    pattern = drafted(replace(garment, passport=replace(garment.passport, landmarks=marks)))
    assert np.abs(corners(pattern) - corners(drafted(garment))).max() < 0.02


def test_swapped_sides_are_refused() -> None:
    garment = sample_garment()
    other = {"left": "right", "right": "left"}
    marks = {
        L("-".join(other.get(word, word) for word in name.value.split("-"))): mark
        for name, mark in garment.passport.landmarks.items()
    }
    with pytest.raises(PhotoNotUsable, match="swapped"):
        drafted(replace(garment, passport=replace(garment.passport, landmarks=marks)))


def test_words_and_centimetres_change_the_girth() -> None:
    garment = sample_garment()

    def chest(of: GarmentInput) -> float:
        return 2 * float(drafted(of).line(Role.SIDE, Side.LEFT)[0, 0])

    slim, usual, wide = (chest(replace(garment, fit=word)) for word in (Fit.SLIM, None, Fit.OVERSIZE))
    assert slim < 0.97 * usual < usual < 0.87 * wide
    known = Measurement(MeasurementName.CHEST, 0.7, 58.0, 1.0)
    assert chest(built(garment, SleeveLength.SHORT, known)) == pytest.approx(0.58)


def test_a_garment_without_sleeves_has_armholes() -> None:
    alpha = sample_garment().alpha
    alpha[:, 292:] = 0
    alpha[:, :108] = 0
    names = [name for name in L if "cuff" in name.value]
    vest = built(without(replace(sample_garment(), alpha=alpha), *names), SleeveLength.NONE)
    pattern = drafted(vest, Category.VEST)
    hole = pattern.line(Role.ARMHOLE, Side.LEFT)
    assert pattern.stretch(Role.CUFF, Side.LEFT) is None
    assert 0.12 < hole[0, 1] - hole[-1, 1] < 0.3
    assert hole[:, 0].min() < hole[-1, 0] - 0.01


def test_long_sleeves_end_at_the_wrist() -> None:
    long = built(sample_garment(), SleeveLength.LONG)
    pattern = drafted(long, Category.LONG_SLEEVE)
    seam = pattern.line(Role.SHOULDER, Side.LEFT)
    reach = float(np.linalg.norm(np.diff(seam, axis=0), axis=1).sum()) - float(np.hypot(*(seam[0] - (0.17, -0.04))))
    assert 0.40 < reach < SMALL.arm_length_m + 0.06


def shape(*, length: float = 140.0, neck: float = 18.0, tip: float = 45.0, armpit: float = 52.0) -> Shape:
    """A top's measures in a photo in which its chest is 100 pixels wide."""
    sides = np.full(STATIONS, 50.0)
    return Shape(neck, np.array([tip, 10.0]), np.array([50.0, armpit]), length, sides, np.zeros(2), None)


def cut(of: Shape, category: Category, sleeve: SleeveLength = SleeveLength.LONG) -> fit.Cut:
    return fit.fitted(of, category, sleeve, SMALL, sample_garment())


def test_a_shirt_that_hangs_folded_is_no_dress() -> None:
    lengths = [cut(shape(length=length), Category.SHIRT).length for length in (140.0, 250.0, 400.0)]
    assert lengths[0] < lengths[1] < lengths[0] + 0.12
    assert lengths[2] == pytest.approx(lengths[1], abs=0.01)
    assert cut(shape(length=400.0), Category.DRESS).length > 1.2


@pytest.mark.parametrize("category", [Category.COAT, Category.SWEATER, Category.DRESS])
def test_a_neck_does_not_slip_off_the_shoulders(category: Category) -> None:
    assert cut(shape(neck=40.0), category).neck < 0.36 * SMALL.shoulder_width_m
    assert cut(shape(neck=17.0), category).neck == pytest.approx(0.17 * 2 * cut(shape(), category).armpit[0])


def test_shoulders_without_sleeves_are_no_wings() -> None:
    wide = shape(tip=55.0)
    bare, sleeved = (cut(wide, Category.VEST, sleeve) for sleeve in (SleeveLength.NONE, SleeveLength.LONG))
    assert bare.tip[0] < 0.55 * SMALL.shoulder_width_m < sleeved.tip[0]


def test_an_armhole_does_not_reach_the_waist() -> None:
    deep = shape(armpit=90.0)
    bare, sleeved = (cut(deep, Category.DRESS, sleeve) for sleeve in (SleeveLength.NONE, SleeveLength.LONG))
    assert bare.armpit[1] < 0.31 < sleeved.armpit[1]


def hooded(hood: float) -> Float64:
    """An outline, clockwise in the photo, (u, v): a trunk with shoulders under a hood of that half width."""
    right = [(0.35, 0.9), (hood, 1.1), (hood, 1.6), (0.0, 1.9)]
    trunk = [(1.0, -1.5), (1.0, 0.2), (0.85, 0.7)]
    half = np.array(trunk + right)
    return resampled_loop(np.concatenate([half * (-1, 1), half[::-1][1:]]), 400)


def test_a_dress_does_not_close_like_a_balloon() -> None:
    down = np.linspace(0, 1, STATIONS)
    rounded, flared = (
        replace(shape(length=300.0), widths=50 + rise) for rise in (40 * down * (1 - down), 60 * down**3)
    )
    widths = cut(rounded, Category.DRESS, SleeveLength.NONE).widths
    below_hips = np.diff(widths[STATIONS // 2 :], 2)
    assert below_hips.min() > -1e-9
    assert widths[STATIONS // 2] > 1.03 * widths[0]
    bell = cut(flared, Category.DRESS, SleeveLength.NONE).widths
    assert np.diff(bell[STATIONS // 2 :], 2).max() > 0.004


def test_a_coat_whose_armpits_are_taken_for_narrow_ones_is_no_ball() -> None:
    down = np.linspace(0, 1, STATIONS)
    ball = replace(shape(length=200.0), widths=50 + 20 * down + 160 * down * (1 - down))
    widths = cut(ball, Category.COAT).widths
    straight = widths[0] + down * (widths[-1] - widths[0])
    assert (widths <= 1.051 * straight).all()


def test_a_short_top_does_not_bulge_over_its_hem() -> None:
    down = np.linspace(0, 1, STATIONS)
    rounded = replace(shape(length=95.0), widths=50 + 5 * down + 40 * down**2 * (1 - down))
    widths = cut(rounded, Category.T_SHIRT).widths
    assert widths.max() < 1.051 * widths[-1]
    bloused = cut(replace(rounded, widths=50 - 8 * down**4), Category.JACKET).widths
    assert bloused[STATIONS // 2] > bloused[-1]


def test_a_hood_above_the_shoulders_ends_at_its_narrowest_place() -> None:
    narrow = shoulders.waist(hooded(0.6), 1.0)
    assert narrow is not None
    assert narrow == pytest.approx((0.35, 0.9), abs=0.06)


def test_a_hood_that_lies_on_the_shoulders_hides_no_yoke() -> None:
    lying = np.array([(0.9, -1.5), (0.95, -0.5), (0.82, 0.3), (1.1, 0.4), (1.1, 0.9), (0.3, 1.3)])
    outline = resampled_loop(np.concatenate([lying * (-1, 1), lying[::-1]]), 400)
    assert shoulders.waist(outline, 1.0) is None


@pytest.mark.parametrize(("shape", "message"), [("rectangle", "rectangle"), ("sock", "halves"), ("speck", "pixels")])
def test_what_is_no_top_is_refused(shape: str, message: str) -> None:
    alpha = np.zeros_like(sample_garment().alpha)
    if shape == "rectangle":
        alpha[50:370, 100:300] = 255
    elif shape == "sock":
        cv2.polylines(alpha, [np.array([[150, 60], [150, 320], [300, 340]])], False, 255, 60)
    else:
        alpha[5, 5] = 255
    garment = without(replace(sample_garment(), alpha=alpha), *L)
    with pytest.raises(PhotoNotUsable, match=message):
        drafted(garment)
