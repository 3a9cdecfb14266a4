"""What the studio sees at the neck of a drawn top."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import Answer, Front, Geometry, Landmark, LegLength, Neckline, SleeveLength
from fashquick_common.garment import LandmarkName as L
from fashquick_generation.engine import GarmentInput
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut import neck, neckline, outline
from fashquick_generation.studio.sample import WIDTH, sample_garment

BACK = np.array([[162.0, 60.0], [238.0, 60.0]])
"""The drawn T-shirt's edge between its neck points."""


def says(value: Neckline, confidence: float = 0.9) -> Answer[Neckline]:
    return Answer(value, confidence)


def with_opening(depth: float, roundness: float) -> GarmentInput:
    garment = sample_garment((90, 110, 160))
    photo = garment.photo.copy()
    drawn = neckline.curve(BACK[0], BACK[1], depth, roundness)
    shown = np.zeros(photo.shape[:2], np.uint8)
    cv2.fillPoly(shown, [np.round(np.concatenate([drawn, [[238, 0], [162, 0]]])).astype(np.int32)], 1)
    photo[(shown > 0) & (garment.alpha > 0)] = (60, 75, 110)
    photo[66:74, 192:208] = (240, 240, 240)  # a label
    return replace(garment, photo=photo)


def standing(garment: GarmentInput, height: int, kind: Neckline) -> GarmentInput:
    """The garment with a tube over its neck, and the passport's neck points at the tube's upper corners."""
    alpha, photo = np.roll(garment.alpha, 80, axis=0), np.roll(garment.photo, 80, axis=0)
    alpha[140 - height : 145, 166:235] = 255
    photo[alpha > 0] = garment.photo[200, 200]
    marks = {name: Landmark(mark.x, mark.y + 80, mark.confidence) for name, mark in garment.passport.landmarks.items()}
    marks[L.NECK_LEFT], marks[L.NECK_RIGHT] = Landmark(235, 140 - height, 1.0), Landmark(166, 140 - height, 1.0)
    geometry = Geometry(
        Answer(SleeveLength.SHORT, 1.0), Answer(LegLength.NOT_APPLICABLE, 1.0), says(kind), Answer(Front.CLOSED, 1.0),
        (), 0.0, 1.0,
    )  # fmt: skip
    return GarmentInput(photo, alpha, replace(garment.passport, landmarks=marks, geometry=geometry))


def found(garment: GarmentInput) -> neck.Neck:
    marks = garment.passport.landmarks
    right, left = (np.array([marks[name].x, marks[name].y]) for name in (L.ARMPIT_RIGHT, L.ARMPIT_LEFT))
    line = outline.trace(garment.alpha, marks, (L.ARMPIT_LEFT, L.ARMPIT_RIGHT), CancelFlag()).points
    return neck.found(garment.photo, line, (right, left), garment.passport)


def lowest(line: Float64) -> float:
    return float(line[:, 1].max())


@pytest.mark.parametrize(
    ("depth", "roundness", "kind"),
    [(24, 2.0, Neckline.CREW), (40, 2.0, Neckline.SCOOP), (60, 1.05, Neckline.V), (40, 2.0, Neckline.COLLAR)],
)
def test_a_visible_neckline_is_found(depth: float, roundness: float, kind: Neckline) -> None:
    edge = neckline.front_edge(with_opening(depth, roundness).photo, BACK, says(kind))
    assert lowest(edge.line) == pytest.approx(60 + depth, abs=4)
    assert edge.confidence > 0.2


def test_what_the_photo_hides_is_as_deep_as_is_usual() -> None:
    photo = sample_garment().photo
    crew, v = (neckline.front_edge(photo, BACK, says(kind)) for kind in (Neckline.CREW, Neckline.V))
    assert crew.confidence == v.confidence == 0
    assert lowest(crew.line) + 20 < lowest(v.line)


def test_neck_points_lie_under_a_turtleneck() -> None:
    seen = found(standing(sample_garment(), 60, Neckline.HIGH))
    assert seen.kind is Neckline.HIGH
    assert seen.rim is not None
    assert seen.right[1] == pytest.approx(140, abs=8)
    assert seen.left[0] == pytest.approx(WIDTH - seen.right[0], abs=6)
    assert lowest(seen.front_edge) > 150
    assert seen.rim[0, 1] < 90
    assert (seen.rim[:, 1] < seen.front_edge[:, 1]).all()


def test_what_hangs_over_a_crew_neck_is_a_hanger() -> None:
    garment = sample_garment()
    alpha = np.roll(garment.alpha, 80, axis=0)
    alpha[90:150, 195:206] = 255
    marks = {name: Landmark(mark.x, mark.y + 80, 1.0) for name, mark in garment.passport.landmarks.items()}
    seen = found(replace(garment, alpha=alpha, passport=replace(garment.passport, landmarks=marks)))
    assert seen.rim is None
    assert seen.back_edge[:, 1].min() > 130
    assert seen.right == pytest.approx((162, 140), abs=4)
