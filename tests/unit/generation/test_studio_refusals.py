from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import (
    BadField,
    BadMask,
    CategoryNotSupported,
    FashquickError,
    PhotoNotUsable,
    SimulationFailed,
    Status,
)
from fashquick_common.garment import Landmark
from fashquick_common.garment import LandmarkName as L
from fashquick_generation.engine import (
    Backdrop,
    BackdropKind,
    Figure,
    GarmentInput,
    GenerationJob,
    MapKind,
    Phenotype,
    View,
)
from fashquick_generation.studio import StudioGenerator
from fashquick_generation.studio.arrays import UInt8
from fashquick_generation.studio.drape import gates, motion
from fashquick_generation.studio.drape.solver import State
from tests.support.studio import pictured

SKIN = (210, 170, 150)


def refusal(generator: StudioGenerator, job: GenerationJob, kind: type[FashquickError]) -> FashquickError:
    with pytest.raises(kind) as caught:
        generator.generate(job, lambda _: None, CancelFlag())
    return caught.value


def with_garment(job: GenerationJob, **changes: object) -> GenerationJob:
    return replace(job, garments=(replace(job.garments[0], **changes),))


def test_a_garment_of_unknown_kind_is_refused(generator: StudioGenerator, job: GenerationJob) -> None:
    passport = replace(job.garments[0].passport, categories=())
    error = refusal(generator, with_garment(job, passport=passport), CategoryNotSupported)
    assert "t-shirt" in error.message


@pytest.mark.parametrize(
    ("field", "job_changes"),
    [
        ("width", {"width": 0}),
        ("width", {"width": 255}),
        ("width", {"width": 2049}),
        ("width", {"width": 20_000}),
        ("height", {"height": 0}),
        ("height", {"height": 255}),
        ("height", {"height": 3073}),
        ("height", {"height": 20_000}),
        ("body", {"figure": Figure(body="robot")}),
        ("view.pose", {"views": (View(pose="handstand"),)}),
        ("view.yaw_degrees", {"views": (View(yaw_degrees=float("nan")),)}),
        ("view.yaw_degrees", {"views": (View(yaw_degrees=float("inf")),)}),
        ("views", {"views": ()}),
        ("views", {"views": (View(),) * 9}),
        ("views", {"views": (View(),) * 3, "width": 2048, "height": 3072}),
        ("garments", {"garments": ()}),
        ("view.angles", {"views": (View(angles={"head": (0.0, float("nan"), 0.0)}),)}),
        ("view.angles", {"views": (View(angles={"upperarm01.L": (0.0, 35.0, 0.0)}),)}),
        ("phenotype.weight", {"figure": Figure(phenotype=Phenotype(weight=float("nan")))}),
        ("backdrop.top", {"backdrop": Backdrop(BackdropKind.COLOUR, (256, 0, 0))}),
        ("seed", {"seed": -1}),
    ],
)
def test_fields_outside_their_limits_are_named(
    generator: StudioGenerator, job: GenerationJob, field: str, job_changes: dict[str, object]
) -> None:
    error = refusal(generator, replace(job, **job_changes), BadField)
    assert isinstance(error, BadField)
    assert error.field == field


@pytest.mark.parametrize("value", [0, 255])
def test_an_empty_or_full_mask_is_refused(generator: StudioGenerator, job: GenerationJob, value: int) -> None:
    alpha = np.full_like(job.garments[0].alpha, value)
    refusal(generator, with_garment(job, alpha=alpha), BadMask)


def noise(like: UInt8) -> UInt8:
    return np.random.default_rng(0).choice(np.array([0, 255], np.uint8), like.shape)


def blotches(like: UInt8) -> UInt8:
    small = noise(np.zeros((53, 50), np.uint8))
    return np.asarray(cv2.resize(small, like.shape[::-1], interpolation=cv2.INTER_NEAREST), np.uint8)


def rectangle(like: UInt8) -> UInt8:
    alpha = np.zeros_like(like)
    alpha[50:370, 100:300] = 255
    return alpha


def sock(like: UInt8) -> UInt8:
    alpha = np.zeros_like(like)
    cv2.polylines(alpha, [np.array([[150, 60], [150, 320], [300, 340]])], False, 255, 60)
    return alpha


@pytest.mark.parametrize("landmarks", [True, False], ids=["landmarks", "none"])
@pytest.mark.parametrize(
    ("shape", "advice"),
    [
        (noise, "take it from closer"),
        (blotches, "send the mask of the garment alone"),
        (rectangle, "send the mask of the garment alone"),
        (sock, "lay the garment flat"),
    ],
)
def test_a_mask_of_no_garment_is_refused_with_advice(
    generator: StudioGenerator, job: GenerationJob, shape: Callable[[UInt8], UInt8], advice: str, landmarks: bool
) -> None:
    garment = job.garments[0]
    passport = garment.passport if landmarks else replace(garment.passport, landmarks={})
    error = refusal(generator, with_garment(job, alpha=shape(garment.alpha), passport=passport), PhotoNotUsable)
    assert advice in error.message


@pytest.mark.parametrize(
    ("one", "other"), [(L.NECK_LEFT, L.NECK_RIGHT), (L.NECK_LEFT, L.HEM_RIGHT)], ids=["sides", "neck and hem"]
)
def test_landmarks_that_cross_are_refused(generator: StudioGenerator, job: GenerationJob, one: L, other: L) -> None:
    passport = job.garments[0].passport
    marks = dict(passport.landmarks)
    marks[one], marks[other] = marks[other], marks[one]
    error = refusal(generator, with_garment(job, passport=replace(passport, landmarks=marks)), PhotoNotUsable)
    assert "lay the garment flat" in error.message


def on_a_person(garment: GarmentInput) -> GarmentInput:
    """The T-shirt worn in the photo, its wearer with it in the mask."""
    top, side, below = 120, 40, 300
    alpha = np.pad(garment.alpha, ((top, below), (side, side)))
    photo = np.full((*alpha.shape, 3), 128, np.uint8)
    cv2.ellipse(alpha, (240, 100), (45, 60), 0, 0, 360, 255, cv2.FILLED)
    alpha[140:190, 215:265] = 255
    for mirror in (-1, 1):
        cv2.line(alpha, (240 + mirror * 142, 278), (240 + mirror * 190, 450), 255, 36)
        cv2.line(alpha, (240 + mirror * 50, 480), (240 + mirror * 55, 820), 255, 76)
    photo[alpha > 0] = SKIN
    height, width = garment.alpha.shape
    photo[top : top + height, side : side + width][garment.alpha > 0] = garment.photo[garment.alpha > 0]
    marks = {
        name: Landmark(mark.x + side, mark.y + top, mark.confidence)
        for name, mark in garment.passport.landmarks.items()
    }
    passport = replace(garment.passport, landmarks=marks, photo_width=alpha.shape[1], photo_height=alpha.shape[0])
    return GarmentInput(photo, alpha, passport)


def test_a_person_in_the_mask_is_not_taken_for_cloth(generator: StudioGenerator, job: GenerationJob) -> None:
    worn = on_a_person(job.garments[0])
    picture = pictured(generator, replace(job, garments=(worn,), maps=frozenset({MapKind.GARMENT_MASK})))
    cloth = picture.rgb[picture.maps[MapKind.GARMENT_MASK] == 255].astype(int)
    assert (cloth[:, 0] > 2 * cloth[:, 1]).mean() > 0.98  # red; skin is not
    unknown = replace(worn, passport=replace(worn.passport, landmarks={}))
    assert "lay the garment flat" in refusal(generator, replace(job, garments=(unknown,)), PhotoNotUsable).message


def test_a_simulation_that_explodes_is_tried_once_more_and_refused(
    generator: StudioGenerator, job: GenerationJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def exploding(state: State, *rest: Any) -> State:
        tried.append(rest[-1].substeps)
        return State(np.full_like(state.x, np.nan), state.v)

    monkeypatch.setattr(motion, "advanced", exploding)
    error = refusal(generator, job, SimulationFailed)
    assert error.status is Status.FAILED_PRECONDITION
    assert "diverged" in error.message
    first, again = tried  # seen in the first frame, each time
    assert again > first


def test_a_mask_of_another_size_is_refused(generator: StudioGenerator, job: GenerationJob) -> None:
    refusal(generator, with_garment(job, alpha=job.garments[0].alpha[:-1]), BadMask)


def test_a_passport_of_another_photo_is_refused(generator: StudioGenerator, job: GenerationJob) -> None:
    refusal(generator, with_garment(job, passport=replace(job.garments[0].passport, photo_width=999)), BadField)


def test_a_garment_squeezed_out_of_shape_is_refused(generator: StudioGenerator, job: GenerationJob) -> None:
    """A photo three times as wide as it should be."""
    garment = job.garments[0]
    landmarks = {
        name: Landmark(3 * point.x, point.y, point.confidence) for name, point in garment.passport.landmarks.items()
    }
    wide = GarmentInput(
        np.repeat(garment.photo, 3, axis=1),
        np.repeat(garment.alpha, 3, axis=1),
        replace(garment.passport, landmarks=landmarks, photo_width=3 * garment.passport.photo_width),
    )
    error = refusal(generator, replace(job, garments=(wide,)), PhotoNotUsable)
    assert "length" in error.message


def test_torn_cloth_is_refused() -> None:
    fine, torn = np.linspace(0.95, 1.1, 100), np.r_[np.ones(90), np.full(10, 3.0)]
    for stretch, tension in ((torn, fine), (fine, torn), (np.array([1.0, np.nan]), fine)):
        with pytest.raises(SimulationFailed):
            gates.check_stretch(stretch, tension, most=gates.MAX_STRETCH_P99)
    assert gates.check_stretch(fine, fine, most=gates.MAX_STRETCH_P99_LONG)["stretch_p99"] < 1.1


def test_a_garment_that_leaves_the_chest_bare_is_refused(generator: StudioGenerator, job: GenerationJob) -> None:
    alpha = job.garments[0].alpha.copy()
    alpha[:230, 150:250] = 0

    error = refusal(generator, with_garment(job, alpha=alpha), PhotoNotUsable)

    assert "bare" in error.message
    assert float(error.metadata["bare_chest_share"]) > gates.MAX_BARE_CHEST


def test_long_sleeves_may_be_pulled_less() -> None:
    pulled, fine = np.full(100, 1.9), np.ones(100)

    assert gates.check_stretch(pulled, fine, most=gates.MAX_STRETCH_P99)["stretch_p99"] == pytest.approx(1.9)
    with pytest.raises(SimulationFailed):
        gates.check_stretch(pulled, fine, most=gates.MAX_STRETCH_P99_LONG)
