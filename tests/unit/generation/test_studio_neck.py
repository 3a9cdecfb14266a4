"""What the studio sees at the neck of a drawn top."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import (
    Answer,
    Area,
    Front,
    Geometry,
    Landmark,
    LegLength,
    Neckline,
    SleeveLength,
)
from fashquick_common.garment import LandmarkName as L
from fashquick_generation.engine import Figure, GarmentInput
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut import collar, drafting, neck, neckline, outline
from fashquick_generation.studio.cut.pattern import Pattern
from fashquick_generation.studio.drape import dressing
from fashquick_generation.studio.drape.collar import with_collar
from fashquick_generation.studio.drape.fabrics import JERSEY
from fashquick_generation.studio.figure import body, measures, poses
from fashquick_generation.studio.mesh import edges_of
from fashquick_generation.studio.sample import WIDTH, sample_garment

BACK = np.array([[162.0, 60.0], [238.0, 60.0]])
"""The drawn T-shirt's edge between its neck points."""


Worn = tuple[Pattern, dressing.Dressed]


@pytest.fixture(scope="module")
def worn() -> Worn:
    model = body.load(Figure("woman"), frozenset(body.Companion))
    measured = measures.measured(model.posed(poses.rotations(model, poses.arms_out(45.0))))
    pattern = drafting.drafted(sample_garment(), measured, CancelFlag())
    effort = dressing.Effort(grid_m=0.026, coarser=1.5, sew=8, fall=16, move=8, settle=8, substeps=8)
    piece = dressing.Piece(pattern, JERSEY)
    fallen = dressing.fallen(model, [piece], effort=effort, on_frame=lambda: None, cancel=CancelFlag())
    return pattern, dressing.posed(fallen, poses.named("relaxed"), on_frame=lambda: None, cancel=CancelFlag())


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


def standing(garment: GarmentInput, height: int, kind: Neckline, aside: int = 0) -> GarmentInput:
    """The garment with a tube over its neck, and the passport's neck points at the tube's upper corners.

    Args:
        garment: A drawn T-shirt.
        height: Of the tube, pixels.
        kind: What the passport calls it.
        aside: How far the tube is moved to the wearer's left, pixels.
    """
    alpha, photo = np.pad(garment.alpha, ((80, 0), (0, 0))), np.pad(garment.photo, ((80, 0), (0, 0), (0, 0)))
    alpha[140 - height : 145, 166 + aside : 235 + aside] = 255
    photo[alpha > 0] = garment.photo[200, 200]
    marks = {name: Landmark(mark.x, mark.y + 80, mark.confidence) for name, mark in garment.passport.landmarks.items()}
    marks[L.NECK_LEFT], marks[L.NECK_RIGHT] = (Landmark(x + aside, 140 - height, 1.0) for x in (235, 166))
    geometry = Geometry(
        Answer(SleeveLength.SHORT, 1.0), Answer(LegLength.NOT_APPLICABLE, 1.0), says(kind), Answer(Front.CLOSED, 1.0),
        (), 0.0, 1.0,
    )  # fmt: skip
    return GarmentInput(photo, alpha, replace(garment.passport, landmarks=marks, geometry=geometry))


def found(garment: GarmentInput) -> neck.Neck:
    marks = garment.passport.landmarks
    right, left = (np.array([marks[name].x, marks[name].y]) for name in (L.ARMPIT_RIGHT, L.ARMPIT_LEFT))
    mask, _ = outline.solid(garment.alpha)
    return neck.found(garment.photo, mask, outline.smooth_contour(mask), (right, left), garment.passport)


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


def test_neck_points_lie_under_a_hood_as_wide_as_the_shoulders() -> None:
    garment = standing(sample_garment(), 60, Neckline.HOOD)
    cv2.ellipse(garment.alpha, (200, 80), (85, 70), 0, 0, 360, 255, cv2.FILLED)
    seen = found(garment)
    assert seen.kind is Neckline.HOOD
    assert seen.right == pytest.approx((168, 140), abs=8)
    assert seen.rim is not None
    assert seen.rim[:, 1].min() < 20


@pytest.mark.parametrize(("confidence", "kind"), [(0.97, Neckline.HOOD), (0.7, Neckline.CREW)])
def test_a_hood_that_hangs_behind_the_neck_is_believed_if_it_is_sure(confidence: float, kind: Neckline) -> None:
    garment = standing(sample_garment(), 2, Neckline.HOOD)
    assert garment.passport.geometry is not None
    geometry = replace(garment.passport.geometry, neckline=says(Neckline.HOOD, confidence))
    assert found(replace(garment, passport=replace(garment.passport, geometry=geometry))).kind is kind


def test_a_hooded_front_is_open_as_far_as_its_inside_is_seen() -> None:
    garment = standing(sample_garment(), 60, Neckline.HOOD)
    cv2.ellipse(garment.alpha, (200, 80), (85, 70), 0, 0, 360, 255, cv2.FILLED)
    lining = Area(((160.0, 4.0), (165.0, 140.0), (200.0, 196.0), (235.0, 140.0), (240.0, 4.0)), 1.0)
    unzipped = replace(garment, passport=replace(garment.passport, inside=(lining,)))
    assert lowest(found(garment).front_edge) < 175
    assert lowest(found(unzipped).front_edge) == pytest.approx(196, abs=8)


def test_what_hangs_over_a_crew_neck_is_a_hanger() -> None:
    garment = sample_garment()
    alpha = np.pad(garment.alpha, ((80, 0), (0, 0)))
    alpha[90:150, 195:206] = 255
    marks = {name: Landmark(mark.x, mark.y + 80, 1.0) for name, mark in garment.passport.landmarks.items()}
    seen = found(replace(garment, alpha=alpha, passport=replace(garment.passport, landmarks=marks)))
    assert seen.rim is None
    assert seen.back_edge[:, 1].min() > 130
    assert seen.right == pytest.approx((162, 140), abs=4)


def put_on(worn: Worn, kind: Neckline, height: int) -> tuple[dressing.Garment, Float64]:
    """The drawn T-shirt with a collar of that kind, and the collar's points."""
    pattern, dressed = worn
    bare = dressed.garments[0]
    band = collar.collar_of(found(standing(sample_garment(), height, kind)), pattern.pixel_m)
    assert band is not None
    whole = dressing.Garment(
        *with_collar(replace(pattern, collar=band), bare.cloth, bare.x, bare.texture, dressed.body)
    )
    return whole, whole.x[len(bare.x) :]


@pytest.mark.parametrize(("kind", "height"), [(Neckline.HIGH, 50), (Neckline.HIGH, 120), (Neckline.COLLAR, 24)])
def test_a_collar_stands_around_the_neck_and_leaves_the_chin_free(worn: Worn, kind: Neckline, height: int) -> None:
    figure = worn[1].body
    _, points = put_on(worn, kind, height)
    neck_points = [figure.vertices[figure.of(part)] for part in (body.Part.NECK, body.Part.HEAD)]
    middle, chin = neck_points[0].mean(axis=0), neck_points[1][:, 2].min()
    away = points[:, :2] - middle[:2]
    assert len(np.unique(np.round(np.arctan2(*away.T) / 0.5))) >= 12  # all around
    in_front = points[:, 1] < neck_points[0][:, 1].min() + 0.02
    assert points[in_front, 2].max() < chin + 0.01
    assert points[:, 2].max() > np.median(worn[1].garments[0].x[worn[1].garments[0].cloth.neck_edge, 2]) + 0.02
    assert np.linalg.norm(away[points[:, 2] > chin - 0.02], axis=1).min(initial=1.0) > 0.035  # not inside the neck


def test_a_hood_lies_on_the_back(worn: Worn) -> None:
    whole, points = put_on(worn, Neckline.HOOD, 100)
    neck = worn[1].body.vertices[worn[1].body.of(body.Part.NECK)].mean(axis=0)
    behind, before = points[points[:, 1] > neck[1]], points[points[:, 1] < neck[1]]
    assert np.ptp(behind[:, 2]) > 2 * np.ptp(before[:, 2])
    assert points[:, 2].max() < worn[1].body.vertices[:, 2].max() - 0.15
    assert len(whole.texture) == len(whole.x) == len(whole.cloth.rest)


def test_a_collar_leaves_no_gap_at_its_seam(worn: Worn) -> None:
    whole, points = put_on(worn, Neckline.HIGH, 50)
    bare = worn[1].garments[0]
    rim = bare.x[bare.cloth.edges.ends[bare.cloth.edges.border].ravel()]
    seam = points[np.abs(points[:, None] - rim[None]).max(axis=2).min(axis=1) == 0]
    assert len(seam) * 6 == len(points)
    assert (edges_of(whole.cloth.faces).opposite[:, 0] >= 0).all()
    assert np.isfinite(whole.x).all()


@pytest.mark.parametrize("kind", [Neckline.HIGH, Neckline.COLLAR])
def test_the_collar_of_a_garment_that_hangs_turned_is_not_midway(kind: Neckline) -> None:
    seen = found(standing(sample_garment(), 40, kind, aside=16))
    assert (seen.left[0] + seen.right[0]) / 2 == pytest.approx(WIDTH / 2 + 16, abs=5)
