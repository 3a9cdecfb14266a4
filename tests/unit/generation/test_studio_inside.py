"""What the passport says of a garment's inside, as the studio takes it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import PhotoNotUsable
from fashquick_common.garment import Area, SleeveLength
from fashquick_generation.engine import GarmentInput
from fashquick_generation.studio.arrays import UInt8
from fashquick_generation.studio.cut import inside, measuring, neckline, outline
from fashquick_generation.studio.sample import sample_garment

RIGHT, LEFT = (162.0, 60.0), (238.0, 60.0)
"""The drawn T-shirt's neck points."""


def telling(*areas: np.ndarray) -> GarmentInput:
    garment = sample_garment()
    told = tuple(Area(tuple((float(x), float(y)) for x, y in area), 1.0) for area in areas)
    return replace(garment, passport=replace(garment.passport, inside=told))


def opening(depth: float) -> np.ndarray:
    """Between the drawn back's edge and a round front's, reaching over the ground above."""
    front = neckline.curve(np.array(RIGHT), np.array(LEFT), depth, 2.0)
    return np.concatenate([front, [[LEFT[0], 50.0], [RIGHT[0], 50.0]]])


def mask_of(garment: GarmentInput) -> UInt8:
    return outline.solid(garment.alpha)[0]


@pytest.mark.parametrize("depth", [16.0, 34.0, 60.0])
def test_the_front_ends_where_the_inside_does(depth: float) -> None:
    garment = telling(opening(depth))
    top = measuring.seen(garment, sleeves=SleeveLength.SHORT, long=False, cancel=CancelFlag())
    assert top.neck.front_edge[:, 1].max() == pytest.approx(60 + depth, abs=2.5)
    assert top.neck.confidence == 1.0


def test_a_front_that_hangs_open_is_worn_closed_up_to_its_neckline() -> None:
    garment = telling(np.array([RIGHT, (190.0, 230.0), (210.0, 230.0), LEFT, (200.0, 50.0)]))
    top = measuring.seen(garment, sleeves=SleeveLength.SHORT, long=False, cancel=CancelFlag())
    assert top.neck.front_edge[:, 1].max() == pytest.approx(60 + 0.36 * 76, abs=3.0)


def test_an_edge_follows_whatever_shape_the_inside_has() -> None:
    garment = telling(np.array([RIGHT, (170.0, 100.0), (230.0, 100.0), LEFT, (200.0, 50.0)]))
    edge = inside.edge_below(inside.shown(garment.passport, mask_of(garment)), np.array([RIGHT, LEFT]), pointed=True)
    assert edge is not None
    assert (edge[0], edge[-1]) == (pytest.approx(RIGHT), pytest.approx(LEFT))
    flat = (edge[:, 0] > 178) & (edge[:, 0] < 222)
    assert edge[flat, 1] == pytest.approx(100, abs=1.5)


@pytest.mark.parametrize(("pointed", "lowest"), [(False, 90.0), (True, 110.0)])
def test_a_tag_over_a_round_edge_is_not_its_shape(*, pointed: bool, lowest: float) -> None:
    tag = np.array([(195.0, 80.0), (205.0, 80.0), (205.0, 110.0), (195.0, 110.0)])
    garment = telling(opening(30.0), np.concatenate([tag, [(200.0, 50.0)]]))
    edge = inside.edge_below(inside.shown(garment.passport, mask_of(garment)), np.array([RIGHT, LEFT]), pointed=pointed)
    assert edge is not None
    assert edge[:, 1].max() == pytest.approx(lowest, abs=2.0)


def test_a_corner_of_the_inside_is_no_opening() -> None:
    garment = telling(np.array([(165.0, 55.0), (172.0, 55.0), (168.0, 75.0)]))
    assert (
        inside.edge_below(inside.shown(garment.passport, mask_of(garment)), np.array([RIGHT, LEFT]), pointed=True)
        is None
    )


def test_what_lies_within_the_front_is_not_its_inside() -> None:
    chest = np.array([(180.0, 130.0), (220.0, 130.0), (220.0, 170.0), (180.0, 170.0)])
    garment = telling(chest, opening(30.0))
    shown = inside.shown(garment.passport, mask_of(garment))
    assert shown[75, 200] == 1
    assert shown[150, 200] == 0


def test_without_its_inside_a_garment_ends_where_its_front_does() -> None:
    garment = telling(opening(40.0))
    left = inside.without(garment.passport, garment.alpha)
    assert left[80, 200] == 0
    assert left[110, 200] == 255
    assert (inside.without(sample_garment().passport, garment.alpha) == garment.alpha).all()


def test_a_garment_that_hangs_wide_open_is_refused() -> None:
    wide = np.array([(162.0, 50.0), (238.0, 50.0), (270.0, 372.0), (130.0, 372.0)])
    garment = telling(wide)
    with pytest.raises(PhotoNotUsable, match=r"% of the garment in the photo is its inside \(at most 30%\)"):
        inside.shown(garment.passport, mask_of(garment))
