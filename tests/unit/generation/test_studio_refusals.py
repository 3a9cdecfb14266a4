from __future__ import annotations

from dataclasses import replace

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
)
from fashquick_common.garment import Landmark
from fashquick_generation.engine import (
    Backdrop,
    BackdropKind,
    Figure,
    GarmentInput,
    GenerationJob,
    Phenotype,
    View,
)
from fashquick_generation.studio import StudioGenerator
from fashquick_generation.studio.drape import gates


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
        ("width", {"width": 255}),
        ("width", {"width": 2049}),
        ("height", {"height": 255}),
        ("height", {"height": 3073}),
        ("body", {"figure": Figure(body="robot")}),
        ("view.pose", {"views": (View(pose="handstand"),)}),
        ("view.yaw_degrees", {"views": (View(yaw_degrees=float("nan")),)}),
        ("view.yaw_degrees", {"views": (View(yaw_degrees=float("inf")),)}),
        ("views", {"views": ()}),
        ("views", {"views": (View(),) * 9}),
        ("views", {"views": (View(),) * 3, "width": 2048, "height": 3072}),
        ("garments", {"garments": ()}),
        ("view.angles", {"views": (View(angles={"head": (0.0, float("nan"), 0.0)}),)}),
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
