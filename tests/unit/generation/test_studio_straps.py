"""Dresses that hang from straps."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import Answer, Category, CategoryGuess, Front, Geometry, LegLength, Neckline, SleeveLength
from fashquick_generation.engine import GarmentInput
from fashquick_generation.studio.cut import fit, measuring, tops
from fashquick_generation.studio.cut.pattern import Pattern, Role, Side
from fashquick_generation.studio.figure.measures import Measures
from fashquick_generation.studio.sample import sample_garment
from tests.support.studio import SMALL

HALF = 60
"""Half the drawn bodice's width, pixels."""


def dress(*, straps: int, apart: int = 40, told: bool = True, shoulders: bool = False) -> GarmentInput:
    """A drawn dress.

    Args:
        straps: Their width in pixels, 0 for none.
        apart: Their distance from the middle.
        told: Whether the passport says that it hangs from straps.
        shoulders: Whether it has broad shoulders around a deep round neck instead.
    """
    alpha = np.zeros((480, 400), np.uint8)
    corners = [(200 - HALF, 130), (200 + HALF, 130), (290, 440), (110, 440)]
    cv2.fillPoly(alpha, [np.array(corners, np.int32)], 255)
    for sign in (-1, 1):
        if straps:
            middle = 200 + sign * apart
            alpha[60:135, middle - straps // 2 : middle - straps // 2 + straps] = 255
        if shoulders:
            cv2.rectangle(alpha, (200 + sign * 25, 50), (200 + sign * HALF, 135), 255, -1)
    garment = sample_garment()
    geometry = Geometry(
        sleeve=Answer(SleeveLength.NONE, 1.0),
        leg=Answer(LegLength.NOT_APPLICABLE, 1.0),
        neckline=Answer(Neckline.STRAPS if told else Neckline.SCOOP, 1.0),
        front=Answer(Front.CLOSED, 1.0),
        measurements=(),
        tilt_deg=0.0,
        symmetry=1.0,
    )
    categories = (CategoryGuess(Category.DRESS, 1.0),)
    passport = replace(garment.passport, categories=categories, geometry=geometry, landmarks={})
    photo = np.full((480, 400, 3), 200, np.uint8)
    return GarmentInput(photo, alpha, passport)


def seen(garment: GarmentInput) -> measuring.Seen:
    return measuring.seen(garment, sleeves=SleeveLength.NONE, long=True, cancel=CancelFlag())


def drafted(garment: GarmentInput, body: Measures = SMALL) -> Pattern:
    return tops.drafted(garment, Category.DRESS, body, CancelFlag())


@pytest.mark.parametrize("width", [4, 8, 13])
def test_straps_keep_their_width(width: int) -> None:
    garment = dress(straps=width)
    strap = seen(garment).strap
    assert strap == pytest.approx(width, abs=2)
    tip, neck = (drafted(garment).line(Role.SHOULDER, Side.LEFT)[k, 0] for k in (-1, 0))
    across = drafted(garment).line(Role.SIDE, Side.LEFT)[0, 0] / HALF
    assert tip - neck == pytest.approx(max(width * across, 0.012), abs=0.008)


@pytest.mark.parametrize("apart", [25, 50])
def test_straps_lie_on_the_shoulders(apart: int) -> None:
    seam = drafted(dress(straps=8, apart=apart)).line(Role.SHOULDER, Side.LEFT)
    assert seam[:, 0].min() > 0.05
    assert seam[:, 0].max() < 0.4 * SMALL.shoulder_width_m


@pytest.mark.parametrize("straps", [0, 8])
def test_a_bodice_covers_the_chest(straps: int) -> None:
    pattern = drafted(dress(straps=straps))
    neck = pattern.line(Role.NECK)
    assert -0.20 < neck[:, 1].min() < -0.04
    assert pattern.line(Role.ARMHOLE, Side.LEFT)[-1, 1] == pytest.approx(-0.215, abs=0.02)


def test_the_upper_edge_is_where_the_photo_shows_it() -> None:
    pattern = drafted(dress(straps=8))
    middle = pattern.line(Role.NECK)[np.abs(pattern.line(Role.NECK)[:, 0]) < 0.05]
    assert pattern.warp.to_photo(middle)[:, 1] == pytest.approx(130, abs=4)


def test_straps_are_drafted_where_the_mask_has_lost_them() -> None:
    assert seen(dress(straps=0)).strap is not None
    assert seen(dress(straps=0, told=False)).strap is None


def test_broad_shoulders_are_no_straps() -> None:
    for told in (True, False):
        assert seen(dress(straps=0, told=told, shoulders=True)).strap is None


def test_only_some_garments_have_straps() -> None:
    garment = dress(straps=8)
    vest = replace(garment, passport=replace(garment.passport, categories=(CategoryGuess(Category.VEST, 1.0),)))
    assert seen(vest).strap is None


def test_the_corners_of_a_tube_do_not_stand_out_where_the_arms_are() -> None:
    hole = drafted(dress(straps=0)).line(Role.ARMHOLE, Side.LEFT)
    sewn = hole[np.argmax(hole[:, 1] < -0.11)]
    chord = np.interp(-hole[:, 1], [-sewn[1], -hole[-1, 1]], [sewn[0], hole[-1, 0]])
    assert (hole[:, 0] - chord)[hole[:, 1] < sewn[1]].max() < 0.02


def test_narrow_straps_give_so_they_are_cut_shorter() -> None:
    sides = np.full(measuring.STATIONS, 50.0)
    place = np.array([25.0, 40.0])
    shapes = [
        measuring.Shape(25.0, place, np.array([50.0, 45.0]), 200.0, sides, np.zeros(2), None, strap)
        for strap in (2.0, 10.0)
    ]
    cuts = [fit.fitted(shape, Category.DRESS, SleeveLength.NONE, SMALL, dress(straps=8)) for shape in shapes]
    narrow, wide = (float(cut.sewn[1]) for cut in cuts if cut.sewn is not None)
    assert narrow < 0.11
    assert wide > narrow + 0.03
