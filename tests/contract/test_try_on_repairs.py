"""TryOn over real gRPC with toy engines: garments that diffusion has lost are made again, and the answer says so."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fashquick.garment.v1.fidelity_pb2 import FIDELITY_GRADE_KEPT, FIDELITY_GRADE_LOST, FIDELITY_GRADE_UNSPECIFIED
from fashquick.generation.v1.diffusion_pb2 import REGION_KIND_REPAIR
from fashquick.generation.v1.scene_pb2 import (
    BACKDROP_KIND_TRANSPARENT,
    BACKEND_DIFFUSION,
    BACKEND_STUDIO,
    Backdrop,
    DiffusionSettings,
    View,
)
from fashquick.tryon.v1 import try_on_pb2 as pb
from fashquick_common import errors
from fashquick_common.image import read_digital_source_type
from fashquick_common.server.pictures import rgb8_blob
from fashquick_generation.engine import Picture
from fashquick_orchestrator.repairing import repair_seed
from tests.support.calls import TRY_ON
from tests.support.servers import Stack, toy_stack
from tests.support.toys import GARMENT_RGB, LOST_RGB, toy_record
from tests.support.try_on import manifest_of, parts_of, request, try_on
from tests.support.waiting import eventually

WIDTH, HEIGHT = 256, 300
NEAR = (150, 30, 40)  # Better than LOST_RGB, not good.
SEEN = np.s_[HEIGHT // 4 : HEIGHT // 2, WIDTH // 4 : WIDTH // 2]  # Where the toy shows the garment.


@pytest.fixture
async def diffusing() -> AsyncIterator[Stack]:
    """The four services; diffusion has lost the garment's colour."""
    async with toy_stack(has_diffusion=True, stage_patience_s=0.5) as running:
        running.diffusion.paint = LOST_RGB
        yield running


def wishes(**fields: Any) -> pb.TryOnOptions:
    return pb.TryOnOptions(**({"width": WIDTH, "height": HEIGHT, "generation_backend": BACKEND_DIFFUSION} | fields))


def picture_of(answers: list[pb.TryOnResponse]) -> np.ndarray:
    [picture] = [part for kind, part in parts_of(answers).items() if kind == pb.OUTPUT_KIND_PICTURE]
    return np.array(Image.open(io.BytesIO(bytes(picture.data))))


def repairs_of(answers: list[pb.TryOnResponse]) -> list[pb.RepairRecord]:
    return list(manifest_of(answers).views[0].repairs)


async def test_a_lost_garment_is_made_again_and_the_answer_says_so(diffusing: Stack) -> None:
    answers = await try_on(diffusing, request(options=wishes(), seed=7))

    picture = picture_of(answers)
    assert np.abs(picture[SEEN].astype(int) - GARMENT_RGB).max() <= 6
    picture[SEEN] = LOST_RGB
    assert (picture == LOST_RGB).all(), "outside of the garment nothing has changed"
    manifest, seed = manifest_of(answers), repair_seed(7, 0, 0, 0)
    [repair] = repairs_of(answers)
    assert (repair.garment, repair.grade_before, repair.grade_after) == (0, FIDELITY_GRADE_LOST, FIDELITY_GRADE_KEPT)
    assert repair.overall_before < 0.65 < repair.overall_after
    [attempt] = repair.attempts
    assert (attempt.seed, attempt.kept, attempt.failure) == (seed, True, "")
    assert attempt.grade == FIDELITY_GRADE_KEPT
    assert manifest.views[0].fidelity[0].report.grade == FIDELITY_GRADE_KEPT
    assert manifest.fidelity.grade == FIDELITY_GRADE_KEPT
    record = manifest.views[0].diffusion
    assert (record.seed, record.profile, record.prompt) == (7, "toy", "a red t-shirt")
    assert (record.regions[-1].kind, record.regions[-1].seed) == (REGION_KIND_REPAIR, seed)
    assert not manifest.warnings
    [job] = diffusing.diffusion.repairs
    assert (job.region >= 128).sum() == (HEIGHT // 4) * (WIDTH // 4)
    assert job.prior == toy_record(7)


async def test_the_picture_is_told_once_when_it_is_decided_and_says_what_made_it(diffusing: Stack) -> None:
    answers = await try_on(diffusing, request(options=wishes(), outputs=[pb.OUTPUT_KIND_BASE]))

    order = [
        answer.part.kind if answer.HasField("part") else answer.stage_finished.stage
        for answer in answers
        if answer.WhichOneof("message") in ("part", "stage_finished")
    ]
    told = [answer.part.kind for answer in answers if answer.HasField("part")]
    assert told.count(pb.OUTPUT_KIND_PICTURE) == told.count(pb.OUTPUT_KIND_BASE) == 1
    stages = [answer.stage_finished.stage for answer in answers if answer.HasField("stage_finished")]
    assert stages[-5:] == [
        pb.STAGE_GENERATION,
        pb.STAGE_FIDELITY,
        pb.STAGE_REPAIR,
        pb.STAGE_FIDELITY,
        pb.STAGE_ENCODING,
    ]
    assert len(order) > len(stages)
    kinds = [answer.WhichOneof("message") for answer in answers]
    repaired = next(i for i, answer in enumerate(answers) if answer.stage_finished.stage == pb.STAGE_REPAIR)
    picture = next(i for i, answer in enumerate(answers) if answer.part.kind == pb.OUTPUT_KIND_PICTURE)
    assert picture > repaired
    assert "part" in kinds[:repaired], "early looks come meanwhile"
    data = bytes(parts_of(answers)[pb.OUTPUT_KIND_PICTURE].data)
    assert read_digital_source_type(data) == manifest_of(answers).digital_source_type
    assert manifest_of(answers).digital_source_type.endswith("/compositeWithTrainedAlgorithmicMedia")
    records = {record.stage: record for record in manifest_of(answers).stages}
    assert records[pb.STAGE_REPAIR].backend == "diffusion"
    assert records[pb.STAGE_REPAIR].attempts == 1


async def test_the_best_of_several_repairs_is_kept(diffusing: Stack) -> None:
    diffusing.diffusion.repaints = [NEAR, (100, 30, 40), LOST_RGB]
    answers = await try_on(diffusing, request(options=wishes(max_repairs=3)))

    [repair] = repairs_of(answers)
    assert [attempt.kept for attempt in repair.attempts] == [True, False, False]
    assert len({attempt.seed for attempt in repair.attempts}) == 3
    assert (picture_of(answers)[SEEN] == NEAR).all()
    assert repair.overall_after == pytest.approx(manifest_of(answers).fidelity.overall)
    assert repair.grade_after == FIDELITY_GRADE_LOST
    [warning] = manifest_of(answers).warnings
    assert "the garment is lost" in warning
    assert "0.65" in warning
    assert [job.seed for job in diffusing.diffusion.repairs] == [attempt.seed for attempt in repair.attempts]
    assert (diffusing.diffusion.repairs[2].picture[SEEN] == NEAR).all(), "each starts from the best so far"


async def test_repairs_end_as_soon_as_the_garment_is_well_enough(diffusing: Stack) -> None:
    diffusing.diffusion.repaints = [LOST_RGB]
    answers = await try_on(diffusing, request(options=wishes(max_repairs=4)))

    [repair] = repairs_of(answers)
    assert [attempt.kept for attempt in repair.attempts] == [False, True]


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        ({"max_repairs": 0}, True),
        ({"fidelity_floor": 0.0}, False),
        ({"without_fidelity": True}, False),
        ({"generation_backend": BACKEND_STUDIO}, False),
    ],
    ids=["no repairs", "no floor", "not compared", "studio"],
)
async def test_nothing_is_repaired_where_that_is_not_wanted(
    diffusing: Stack, options: dict[str, Any], warned: bool
) -> None:
    answers = await try_on(diffusing, request(options=wishes(**options)))

    assert not diffusing.diffusion.repairs
    assert not repairs_of(answers)
    assert any("wanted was" in warning for warning in manifest_of(answers).warnings) == warned
    assert [record.stage for record in manifest_of(answers).stages].count(pb.STAGE_FIDELITY) <= 1


async def test_a_good_picture_by_diffusion_is_left_alone(diffusing: Stack) -> None:
    diffusing.diffusion.paint = None
    answers = await try_on(diffusing, request(options=wishes()))

    assert not diffusing.diffusion.repairs
    assert manifest_of(answers).views[0].HasField("diffusion")
    assert not manifest_of(answers).warnings


async def test_a_repair_that_fails_keeps_the_picture_with_a_warning(diffusing: Stack) -> None:
    diffusing.diffusion.repaints = [errors.ModelNotInstalled("the weights are gone")]
    answers = await try_on(diffusing, request(options=wishes(max_repairs=4)))

    assert (picture_of(answers) == LOST_RGB).all()
    [repair] = repairs_of(answers)
    [attempt] = repair.attempts
    assert attempt.failure == "the weights are gone"
    assert (attempt.kept, attempt.grade) == (False, FIDELITY_GRADE_UNSPECIFIED)
    assert repair.grade_after == repair.grade_before
    assert any("could not be repaired: the weights are gone" in warning for warning in manifest_of(answers).warnings)


async def test_a_repair_is_called_again_while_the_stage_is_briefly_away(diffusing: Stack) -> None:
    diffusing.diffusion.repaints = [errors.Draining("going", retry_after_s=0.01)]
    answers = await try_on(diffusing, request(options=wishes()))

    [record] = [record for record in manifest_of(answers).stages if record.stage == pb.STAGE_REPAIR]
    assert record.attempts == 2
    [repair] = repairs_of(answers)
    assert [attempt.kept for attempt in repair.attempts] == [True]


async def test_a_job_that_is_cancelled_amid_its_repair_stops(diffusing: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    pace = diffusing.diffusion.pace
    repair = diffusing.diffusion.repair

    def slowly(*arguments: Any) -> Any:
        pace.steps = 100_000
        return repair(*arguments)

    monkeypatch.setattr(type(diffusing.diffusion), "repair", lambda _, *arguments: slowly(*arguments))
    call = asyncio.create_task(try_on(diffusing, request(options=wishes())))
    await eventually(lambda: len(diffusing.diffusion.repairs) == 1 and pace.running.is_set())

    call.cancel()

    await eventually(lambda: not pace.running.is_set())
    assert len(diffusing.diffusion.repairs) == 1


async def test_a_repair_for_which_there_is_no_time_keeps_the_picture(
    diffusing: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    repair = diffusing.diffusion.repair

    def slowly(*arguments: Any) -> Any:
        diffusing.diffusion.pace.steps = 100_000
        return repair(*arguments)

    monkeypatch.setattr(type(diffusing.diffusion), "repair", lambda _, *arguments: slowly(*arguments))
    answers = await try_on(diffusing, request(options=wishes()), timeout=4.0)

    assert (picture_of(answers) == LOST_RGB).all()
    assert any("the deadline passed" in warning for warning in manifest_of(answers).warnings)


async def test_each_view_is_repaired_for_itself_and_those_from_behind_are_not(diffusing: Stack) -> None:
    views = [View(camera_yaw_degrees=180.0), View(), View(camera_yaw_degrees=30.0)]
    answers = await try_on(diffusing, request(options=wishes(), views=views))

    assert [len(view.repairs) for view in manifest_of(answers).views] == [0, 1, 1]
    told = [answer.part.view for answer in answers if answer.part.kind == pb.OUTPUT_KIND_PICTURE]
    assert told == [0, 1, 2]
    assert len({job.seed for job in diffusing.diffusion.repairs}) == 2


async def test_a_transparent_picture_keeps_its_alpha_through_a_repair(diffusing: Stack) -> None:
    backdrop = Backdrop(kind=BACKDROP_KIND_TRANSPARENT)
    answers = await try_on(diffusing, request(options=wishes(backdrop=backdrop)))

    picture = picture_of(answers)
    assert (picture[..., 3] == 128).all()
    assert len(diffusing.diffusion.repairs) == 1
    assert np.abs(picture[SEEN][..., :3].astype(int) - GARMENT_RGB).max() <= 6


async def test_the_turntable_is_the_studios_and_says_so(diffusing: Stack) -> None:
    answers = await try_on(diffusing, request(options=wishes(), outputs=[pb.OUTPUT_KIND_TURNTABLE]))

    parts = parts_of(answers)
    turntable, picture = (bytes(parts[kind].data) for kind in (pb.OUTPUT_KIND_TURNTABLE, pb.OUTPUT_KIND_PICTURE))
    assert str(read_digital_source_type(turntable)).endswith("/compositeSynthetic")
    assert str(read_digital_source_type(picture)).endswith("/compositeWithTrainedAlgorithmicMedia")


async def test_a_repaired_picture_of_another_size_is_the_stages_fault(
    diffusing: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def narrower(part: str, rgb: np.ndarray) -> Any:
        return rgb8_blob(part, rgb[:, 1:] if diffusing.diffusion.repairs else rgb)

    monkeypatch.setattr("fashquick_generation.messages.answers.rgb8_blob", narrower)
    answers = await try_on(diffusing, request(options=wishes()))

    assert (picture_of(answers) == LOST_RGB).all()
    assert any("could not be repaired" in warning for warning in manifest_of(answers).warnings)


async def test_the_settings_of_diffusion_reach_it_and_choose_it(diffusing: Stack) -> None:
    settings = DiffusionSettings(profile="sd15-fast", steps=4, strength=0.25, veto=["logo"], without_previews=True)
    answers = await try_on(
        diffusing, request(options=pb.TryOnOptions(width=WIDTH, height=HEIGHT, diffusion=settings), seed=3)
    )

    [job] = diffusing.diffusion.jobs
    assert (job.diffusion.profile, job.diffusion.steps, job.diffusion.strength) == ("sd15-fast", 4, 0.25)
    assert (job.diffusion.prompt.veto, job.diffusion.previews, job.seed) == (("logo",), False, 3)
    assert not diffusing.diffusion.repairs[0].previews
    assert {record.backend for record in manifest_of(answers).stages} >= {"diffusion"}


BAD_FIELDS: dict[str, tuple[pb.TryOnOptions, str]] = {
    "five repairs": (pb.TryOnOptions(max_repairs=5), "options.max_repairs"),
    "a floor above 1": (pb.TryOnOptions(fidelity_floor=1.5), "options.fidelity_floor"),
    "a floor that is no number": (pb.TryOnOptions(fidelity_floor=float("nan")), "options.fidelity_floor"),
    "settings of diffusion for the studio": (
        pb.TryOnOptions(generation_backend=BACKEND_STUDIO, diffusion=DiffusionSettings()),
        "options.diffusion",
    ),
    "a picture too large to be doubled": (
        pb.TryOnOptions(width=2048, height=2048, diffusion=DiffusionSettings(upscale=True)),
        "options.diffusion.upscale",
    ),
}


@pytest.mark.parametrize("case", BAD_FIELDS)
async def test_wishes_beyond_their_limits_are_refused_before_the_upload(stack: Stack, case: str) -> None:
    options, field = BAD_FIELDS[case]
    [header, *_] = request(options=options)

    error = await TRY_ON.failure(stack.channels["orchestrator"], [header])

    assert type(error) is errors.BadField, error.message
    assert error.field == field


async def test_a_picture_larger_than_the_comparison_takes_raw_is_compared_too(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate = stack.generator.generate

    def not_of_one_colour(job: Any, hear: Any, cancel: Any) -> Any:
        def hear_framed(event: Any) -> None:
            if isinstance(event, Picture):
                event.rgb[:100] = 255
            hear(event)

        return generate(job, hear_framed, cancel)

    monkeypatch.setattr(stack.generator, "generate", not_of_one_colour)
    answers = await try_on(stack, request(options=pb.TryOnOptions(width=512, height=2304)))

    assert not manifest_of(answers).warnings
    [task] = stack.analyser.tasks
    assert task.picture.shape[0] == 2048
    assert task.region.shape == task.picture.shape[:2]
    assert manifest_of(answers).fidelity.grade == FIDELITY_GRADE_KEPT
