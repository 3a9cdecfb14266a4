"""TryOn from end to end over real gRPC with toy engines: events, parts, manifest, failures, jobs."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from typing import Any

import grpc
import numpy as np
import pytest
from PIL import Image

from fashquick.common.v1 import blob_pb2
from fashquick.garment.v1 import passport_pb2
from fashquick.generation.v1.scene_pb2 import View
from fashquick.tryon.v1 import try_on_pb2 as pb
from fashquick_common import encodings, errors
from fashquick_common.garment import Category
from fashquick_common.image import read_digital_source_type
from fashquick_common.rpc.blobs import Blob, BlobLimits, BlobReader, make_blob
from fashquick_common.server.pictures import gray8_blob
from tests.support.calls import TRY_ON
from tests.support.photos import plain_photo, png
from tests.support.servers import Stack, toy_stack
from tests.support.toys import GARMENT_RGB
from tests.support.waiting import eventually

ALL_MAPS = [
    pb.OUTPUT_KIND_DEPTH,
    pb.OUTPUT_KIND_NORMAL,
    pb.OUTPUT_KIND_POSE,
    pb.OUTPUT_KIND_PARTS,
    pb.OUTPUT_KIND_GARMENT_MASK,
    pb.OUTPUT_KIND_PHOTO_MASK,
    pb.OUTPUT_KIND_PHOTO_ALPHA,
]


def photo_blob() -> Blob:
    return make_blob("photo", png(plain_photo()), name="shirt.png")


def request(*blobs: Blob, **fields: Any) -> list[Any]:
    blobs = blobs or (photo_blob(),)
    messages = TRY_ON.messages(blobs)
    garments = fields.pop("garments", None)
    header = messages[0].header
    for name, value in fields.items():
        if isinstance(value, list):
            getattr(header, name).extend(value)
        elif isinstance(value, (int, str)):
            setattr(header, name, value)
        else:
            getattr(header, name).CopyFrom(value)
    if garments is not None:
        del header.garments[:]
        header.garments.extend(garments)
    return messages


def parts_of(answers: list[pb.TryOnResponse]) -> dict[int, Blob]:
    """All parts by kind, verified; previews too."""
    reader = BlobReader(BlobLimits(max_part_bytes=2**26, max_parts=100))
    kinds: dict[str, int] = {}
    parts: dict[int, Blob] = {}
    for answer in answers:
        match answer.WhichOneof("message"):
            case "part":
                reader.announce(answer.part.blob)
                kinds[answer.part.blob.part] = answer.part.kind
            case "chunk":
                if blob := reader.add(answer.chunk):
                    parts[kinds[blob.part]] = blob
    reader.check_complete()
    return parts


def manifest_of(answers: list[pb.TryOnResponse]) -> pb.Manifest:
    [manifest] = [answer.manifest for answer in answers if answer.HasField("manifest")]
    return manifest


async def try_on(stack: Stack, messages: list[Any], timeout: float = 20.0) -> list[pb.TryOnResponse]:
    return await TRY_ON.collect(stack.channels["orchestrator"], messages, timeout)


async def test_events_come_in_the_order_of_the_stages(stack: Stack) -> None:
    answers = await try_on(stack, request())

    kinds = [answer.WhichOneof("message") for answer in answers]
    assert kinds[0] == "accepted"
    assert kinds[-2:] == ["manifest", "summary"]
    finished = [answer.stage_finished.stage for answer in answers if answer.HasField("stage_finished")]
    assert finished == [
        pb.STAGE_IMAGE,
        pb.STAGE_SEGMENTATION,
        pb.STAGE_FEATURES,
        pb.STAGE_GENERATION,
        pb.STAGE_ENCODING,
    ]
    findings = {
        answer.stage_finished.stage: answer.stage_finished for answer in answers if answer.HasField("stage_finished")
    }
    assert findings[pb.STAGE_SEGMENTATION].mask_quality.confidence == pytest.approx(0.9)
    assert findings[pb.STAGE_FEATURES].passport.palette.colours[0].share == 1.0
    progressed = [answer.progress.stage for answer in answers if answer.HasField("progress")]
    assert progressed == sorted(progressed)


async def test_the_picture_has_the_garments_colour_and_says_that_it_is_synthetic(stack: Stack) -> None:
    answers = await try_on(stack, request(options=pb.TryOnOptions(width=300, height=400)))

    data = bytes(parts_of(answers)[pb.OUTPUT_KIND_PICTURE].data)
    picture = Image.open(io.BytesIO(data))
    assert picture.format == "PNG"
    assert picture.size == (300, 400)
    assert np.abs(np.array(picture.convert("RGB"), int) - GARMENT_RGB).max() <= 6
    assert read_digital_source_type(data) == manifest_of(answers).digital_source_type
    assert manifest_of(answers).digital_source_type.endswith("/compositeSynthetic")


@pytest.mark.parametrize(
    ("picture_format", "name"),
    [(pb.PICTURE_FORMAT_PNG, "PNG"), (pb.PICTURE_FORMAT_JPEG, "JPEG"), (pb.PICTURE_FORMAT_WEBP, "WEBP")],
)
async def test_the_picture_comes_in_the_format_asked_for(stack: Stack, picture_format: Any, name: str) -> None:
    answers = await try_on(stack, request(options=pb.TryOnOptions(picture_format=picture_format)))

    data = bytes(parts_of(answers)[pb.OUTPUT_KIND_PICTURE].data)
    assert Image.open(io.BytesIO(data)).format == name
    assert read_digital_source_type(data)


async def test_maps_and_masks_come_when_asked_for(stack: Stack) -> None:
    answers = await try_on(stack, request(outputs=ALL_MAPS))

    parts = parts_of(answers)
    assert set(ALL_MAPS) <= parts.keys()
    mask = parts[pb.OUTPUT_KIND_PHOTO_MASK]
    pixels = encodings.decode_bits1(mask.data, mask.header.width, mask.header.height)
    assert (pixels == (plain_photo().min(axis=2) < 128)).all()
    assert pb.OUTPUT_KIND_PREVIEW in parts


async def test_without_wishes_only_picture_and_previews_come(stack: Stack) -> None:
    parts = parts_of(await try_on(stack, request()))

    assert parts.keys() <= {pb.OUTPUT_KIND_PICTURE, pb.OUTPUT_KIND_PREVIEW}
    assert pb.OUTPUT_KIND_PICTURE in parts


async def test_the_manifest_says_how_the_picture_was_made(stack: Stack) -> None:
    photo = photo_blob()
    answers = await try_on(stack, request(photo, seed=7, request_id="job-1", outputs=[pb.OUTPUT_KIND_DEPTH]))

    manifest = manifest_of(answers)
    assert manifest.request_id == "job-1"
    assert manifest.seed == 7
    [source] = manifest.inputs
    assert source.sha256 == hashlib.sha256(bytes(photo.data)).digest()
    assert (source.format, source.width, source.height) == ("png", 200, 240)
    assert [(record.backend, record.attempts) for record in manifest.stages] == [
        ("", 1),
        ("toy", 1),
        ("toy", 1),
        ("studio", 1),
        ("", 1),
    ]
    assert all(record.version and record.seconds > 0 for record in manifest.stages)
    assert [len(record.backend_digest) for record in manifest.stages] == [0, 64, 64, 64, 0]
    scene = manifest.scene
    assert (scene.body, scene.view.pose, scene.width, scene.height) == ("woman", "relaxed", 768, 1152)
    assert manifest.facts["stretch_p99"] == 1.0
    parts = parts_of(answers)
    listed = {header.part: header.sha256 for header in manifest.outputs}
    assert listed == {
        parts[kind].part: hashlib.sha256(bytes(parts[kind].data)).digest()
        for kind in (pb.OUTPUT_KIND_PICTURE, pb.OUTPUT_KIND_DEPTH)
    }
    [summary] = [answer.summary for answer in answers if answer.HasField("summary")]
    assert list(summary.blobs) == list(manifest.outputs)


async def test_a_seed_is_chosen_and_told_when_none_is_given(stack: Stack) -> None:
    first = manifest_of(await try_on(stack, request())).seed
    second = manifest_of(await try_on(stack, request())).seed

    assert first != second


async def test_the_callers_wishes_reach_the_generator(stack: Stack) -> None:
    view = View(pose="walk", camera_yaw_degrees=30.0)
    await try_on(
        stack,
        request(
            garments=[
                pb.Garment(photos=[pb.Photo(part="photo", side=pb.SIDE_FRONT)], category_hint=3),
            ],
            subject=pb.Subject(body="man"),
            views=[view],
            seed=11,
        ),
    )

    [job] = stack.generator.jobs
    assert job.garment.passport.category is Category.LONG_SLEEVE
    assert (job.body, job.view.pose, job.view.yaw_degrees, job.seed) == ("man", "walk", 30.0, 11)


async def test_the_callers_mask_replaces_segmentation(stack: Stack) -> None:
    mask = np.zeros((240, 200), np.uint8)
    mask[80:160, 60:140] = 255
    garment = pb.Garment(photos=[pb.Photo(part="photo")], mask_part="mask")
    answers = await try_on(stack, request(photo_blob(), make_blob("mask", png(mask)), garments=[garment]))

    assert stack.segmenter.pace.calls == 0
    [job] = stack.generator.jobs
    assert (job.garment.alpha == mask).all()
    assert manifest_of(answers).mask_quality.coverage == pytest.approx(80 * 80 / (240 * 200))


async def test_transparency_of_the_photo_is_a_hint_for_segmentation(stack: Stack) -> None:
    photo = plain_photo()
    alpha = np.where(photo.min(axis=2) < 128, np.uint8(255), np.uint8(0))
    await try_on(stack, request(make_blob("photo", png(np.dstack([photo, alpha])))))

    [hint] = stack.segmenter.hints
    assert hint is not None
    assert (hint == alpha).all()


async def test_transparency_that_marks_no_garment_is_no_hint_and_no_error(stack: Stack) -> None:
    photo = plain_photo()
    alpha = np.full(photo.shape[:2], 255, np.uint8)
    alpha[:5, :5] = 200
    await try_on(stack, request(make_blob("photo", png(np.dstack([photo, alpha])))))

    assert stack.segmenter.hints == [None]


EMPTY = np.zeros((240, 200), np.uint8)


@pytest.mark.parametrize("mask", [EMPTY, EMPTY + 255, EMPTY[:100, :100]], ids=["empty", "full", "another size"])
async def test_a_senseless_mask_never_reaches_a_stage(stack: Stack, mask: np.ndarray) -> None:
    garment = pb.Garment(photos=[pb.Photo(part="photo")], mask_part="mask")
    messages = request(photo_blob(), make_blob("mask", png(mask)), garments=[garment])

    error = await TRY_ON.failure(stack.channels["orchestrator"], messages)

    assert isinstance(error, errors.BadMask)
    assert stack.analyser.pace.calls == stack.generator.pace.calls == 0


@pytest.mark.parametrize("value", [0, 255], ids=["empty", "full"])
async def test_an_empty_or_full_alpha_from_segmentation_never_reaches_generation(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, value: int
) -> None:
    monkeypatch.setattr(
        "fashquick_segmentation.servicer.gray8_blob",
        lambda part, alpha: gray8_blob(part, np.full_like(alpha, value)),
    )

    error = await TRY_ON.failure(stack.channels["orchestrator"], request())

    assert isinstance(error, errors.NoGarment)
    assert error.metadata["stage"] == "segmentation"
    assert stack.analyser.pace.calls == stack.generator.pace.calls == 0


def _garbled(_: str, alpha: np.ndarray) -> Blob:
    height, width = alpha.shape
    return make_blob("alpha", b"no zlib stream", blob_pb2.ENCODING_GRAY8, width=width, height=height)


def _cut_short(part: str, rgb: np.ndarray) -> Blob:
    height, width = rgb.shape[:2]
    return make_blob(part, rgb.tobytes()[:-1], blob_pb2.ENCODING_RGB8, width=width, height=height)


@pytest.mark.parametrize(
    ("stage", "name", "broken"), [("segmentation", "gray8_blob", _garbled), ("generation", "rgb8_blob", _cut_short)]
)
async def test_a_stage_that_breaks_its_contract_is_not_the_callers_fault(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, stage: str, name: str, broken: Any
) -> None:
    monkeypatch.setattr(f"fashquick_{stage}.servicer.{name}", broken)

    error = await TRY_ON.failure(stack.channels["orchestrator"], request())

    assert type(error) is errors.InternalError, error.message
    assert error.metadata["stage"] in (stage, "encoding")


async def test_a_bug_in_the_orchestrator_names_its_stage_and_keeps_its_text(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: Any) -> None:
        raise ValueError("a secret path")

    monkeypatch.setattr("fashquick_orchestrator.pipeline.encode_picture", crash)

    error = await TRY_ON.failure(stack.channels["orchestrator"], request())

    assert type(error) is errors.InternalError
    assert error.metadata["stage"] == "encoding"
    assert "secret" not in error.message


async def test_an_error_names_the_stage_that_failed(stack: Stack) -> None:
    white = make_blob("photo", png(np.random.default_rng(0).integers(240, 256, (240, 200, 3), dtype=np.uint8)))

    error = await TRY_ON.failure(stack.channels["orchestrator"], request(white))

    assert isinstance(error, errors.NoGarment)
    assert error.metadata["stage"] == "segmentation"


NOT_BUILT = {
    "two garments": {"garments": [pb.Garment(photos=[pb.Photo(part="photo")])] * 2},
    "two photos": {"garments": [pb.Garment(photos=[pb.Photo(part="photo")] * 2)]},
    "the back": {"garments": [pb.Garment(photos=[pb.Photo(part="photo", side=pb.SIDE_BACK)])]},
    "passport overrides": {
        "garments": [pb.Garment(photos=[pb.Photo(part="photo")], passport_overrides=passport_pb2.Passport())]
    },
    "a person's photo": {"subject": pb.Subject(person_photo_part="photo")},
    "two views": {"views": [View(pose="relaxed"), View(pose="walk")]},
    "two samples": {"samples": 2},
    "an unknown format": {"options": pb.TryOnOptions(picture_format=99)},
    "an unknown output": {"outputs": [99]},
}


@pytest.mark.parametrize("case", NOT_BUILT)
async def test_what_is_not_built_says_so_before_the_upload(stack: Stack, case: str) -> None:
    [header, *_] = request(**NOT_BUILT[case])

    error = await TRY_ON.failure(stack.channels["orchestrator"], [header])

    assert isinstance(error, errors.NotBuilt), error
    assert error.message


BAD_FIELDS = {
    "no garment": {"garments": []},
    "five garments": {"garments": [pb.Garment(photos=[pb.Photo(part="photo")])] * 5},
    "no photo": {"garments": [pb.Garment()]},
    "nine views": {"views": [View()] * 9},
    "nine samples": {"samples": 9},
    "a turn that is not a number": {"views": [View(camera_yaw_degrees=float("nan"))]},
    "a turn of 500 degrees": {"views": [View(camera_yaw_degrees=500.0)]},
}


@pytest.mark.parametrize("case", BAD_FIELDS)
async def test_bad_fields_are_refused_before_the_upload(stack: Stack, case: str) -> None:
    [header, *_] = request(**BAD_FIELDS[case])

    error = await TRY_ON.failure(stack.channels["orchestrator"], [header])

    assert isinstance(error, errors.BadField), error
    assert error.field


@pytest.mark.parametrize("options", [{"generation_backend": 2}, {"segmentation_backend": 2}])
async def test_a_backend_that_is_not_installed_is_named(stack: Stack, options: dict[str, int]) -> None:
    error = await TRY_ON.failure(stack.channels["orchestrator"], request(options=pb.TryOnOptions(**options)))

    assert isinstance(error, errors.ModelNotInstalled)


async def test_fallback_to_the_studio_is_allowed_only_when_asked_for(stack: Stack) -> None:
    options = pb.TryOnOptions(generation_backend=2, allow_fallback=True)
    answers = await try_on(stack, request(options=options))

    assert manifest_of(answers).stages[3].backend == "studio"


async def test_a_stage_that_is_briefly_away_is_called_again(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = iter([errors.Draining("going", retry_after_s=0.01), errors.QueueFull("busy", retry_after_s=0.01)])
    analyse = stack.analyser.analyse

    def flaky(*arguments: Any) -> Any:
        for failure in failures:
            raise failure
        return analyse(*arguments)

    monkeypatch.setattr(stack.analyser, "analyse", flaky)
    answers = await try_on(stack, request())

    assert [record.attempts for record in manifest_of(answers).stages] == [1, 1, 3, 1, 1]
    metric = stack.servers["orchestrator"].kit.metrics.registry.get_sample_value(
        "fashquick_stage_retries_total", {"stage": "features"}
    )
    assert metric == 2


async def test_a_stage_that_is_gone_is_named(stack: Stack) -> None:
    await stack.servers["features"].stop()

    error = await TRY_ON.failure(stack.channels["orchestrator"], request())

    assert isinstance(error, errors.UnavailableError)
    assert error.metadata["stage"] == "features"


async def test_the_same_id_attaches_to_the_running_job(stack: Stack) -> None:
    stack.generator.pace.steps = 60
    first = asyncio.create_task(try_on(stack, request(request_id="same", seed=1)))
    await eventually(stack.generator.pace.running.is_set)
    second = await try_on(stack, request(request_id="same", seed=1))

    assert stack.generator.pace.calls == 1
    assert manifest_of(second) == manifest_of(await first)


async def test_the_same_id_gets_the_finished_result_again(stack: Stack) -> None:
    first = await try_on(stack, request(request_id="same"))
    second = await try_on(stack, request(request_id="same"))

    assert stack.generator.pace.calls == 1
    assert parts_of(first)[pb.OUTPUT_KIND_PICTURE].data == parts_of(second)[pb.OUTPUT_KIND_PICTURE].data


async def test_the_same_id_for_another_request_is_refused(stack: Stack) -> None:
    await try_on(stack, request(request_id="same", seed=1))

    error = await TRY_ON.failure(stack.channels["orchestrator"], request(request_id="same", seed=2))

    assert isinstance(error, errors.RequestIdTaken)


async def test_a_failed_job_is_computed_again(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(stack.analyser, "analyse", _refuse)
        await TRY_ON.failure(stack.channels["orchestrator"], request(request_id="same"))

    assert manifest_of(await try_on(stack, request(request_id="same")))


def _refuse(*_: Any) -> Any:
    raise errors.PhotoNotUsable("too blurred")


async def test_a_job_goes_on_while_anybody_follows_it(stack: Stack) -> None:
    stack.generator.pace.steps = 100
    first = asyncio.create_task(try_on(stack, request(request_id="same")))
    await eventually(stack.generator.pace.running.is_set)
    second = TRY_ON.make_stub(stack.channels["orchestrator"])(_messages(request(request_id="same")), timeout=20)
    assert (await second.read()).accepted.request_id == "same"
    assert (await second.read()).WhichOneof("message") != "accepted"
    first.cancel()

    assert manifest_of([answer async for answer in _rest(second)])
    assert stack.generator.pace.calls == 1


async def _messages(messages: list[Any]) -> AsyncIterator[Any]:
    for message in messages:
        yield message


async def _rest(call: Any) -> AsyncIterator[Any]:
    while (answer := await call.read()) is not grpc.aio.EOF:
        yield answer


async def test_too_many_jobs_are_refused_with_a_delay() -> None:
    async with toy_stack(max_jobs=1) as stack:
        stack.generator.pace.steps = 100_000
        running = asyncio.create_task(try_on(stack, request()))
        await eventually(stack.generator.pace.running.is_set)

        error = await TRY_ON.failure(stack.channels["orchestrator"], request())

        assert isinstance(error, errors.QueueFull)
        assert error.retry_after_s > 0
        running.cancel()
        await eventually(lambda: not stack.generator.pace.running.is_set())


async def test_the_request_id_is_in_every_stages_metadata(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    for service in ("segmentation", "features", "generation"):
        kit = stack.servers[service].kit
        flag_for = kit.flag_for

        def spy(context: Any, flag_for: Any = flag_for) -> Any:
            seen.append(dict(context.invocation_metadata())["x-request-id"])
            return flag_for(context)

        monkeypatch.setattr(kit, "flag_for", spy)

    await try_on(stack, request(request_id="job-42"))

    assert seen == ["job-42"] * 3
