"""TryOn over real gRPC with toy engines: events, parts, manifest, wishes, masks."""

from __future__ import annotations

import hashlib
import io
import threading
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fashquick.garment.v1 import fidelity_pb2
from fashquick.generation.v1 import scene_pb2
from fashquick.generation.v1.scene_pb2 import (
    BACKDROP_KIND_GRADIENT,
    BACKDROP_KIND_TRANSPARENT,
    FIT_SLIM,
    FRAMING_LOWER,
    Backdrop,
    JointTurn,
    View,
)
from fashquick.tryon.v1 import try_on_pb2 as pb
from fashquick_common import encodings, errors
from fashquick_common.garment import Category
from fashquick_common.image import read_digital_source_type
from fashquick_common.rpc.blobs import make_blob
from fashquick_generation import engine
from fashquick_generation.engine import BackdropKind, Figure, Fit, Framing, Phenotype
from fashquick_orchestrator.account import Account
from tests.support.calls import TRY_ON
from tests.support.photos import plain_photo, png
from tests.support.servers import Stack
from tests.support.toys import GARMENT_RGB
from tests.support.try_on import manifest_of, parts_of, photo_blob, request, try_on

ALL_MAPS = [
    pb.OUTPUT_KIND_DEPTH,
    pb.OUTPUT_KIND_NORMAL,
    pb.OUTPUT_KIND_POSE,
    pb.OUTPUT_KIND_PARTS,
    pb.OUTPUT_KIND_GARMENT_MASK,
    pb.OUTPUT_KIND_PHOTO_MASK,
    pb.OUTPUT_KIND_PHOTO_ALPHA,
]


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
        pb.STAGE_FIDELITY,
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


async def test_the_picture_is_compared_with_the_garment_of_the_photo(stack: Stack) -> None:
    answers = await try_on(stack, request(options=pb.TryOnOptions(width=300, height=400)))

    assert manifest_of(answers).fidelity.grade == fidelity_pb2.FIDELITY_GRADE_KEPT
    [finding] = [m.stage_finished.fidelity for m in answers if m.stage_finished.stage == pb.STAGE_FIDELITY]
    assert finding == manifest_of(answers).fidelity
    [task] = stack.analyser.tasks
    assert task.picture.shape == (400, 300, 3)
    assert (task.photo == plain_photo()).all()
    assert (task.region >= 128).any()
    assert task.uv is not None
    assert np.isfinite(task.uv[task.region >= 128]).all()
    assert np.allclose(task.uv[150, 120], (0.25, 0.75), atol=1e-4)
    assert np.isnan(task.uv[task.region < 128]).all()
    assert task.passport is not None
    assert pb.OUTPUT_KIND_GARMENT_MASK not in parts_of(answers)


async def test_a_transparent_backdrop_and_a_turntable_come_as_files_that_say_what_they_are(stack: Stack) -> None:
    small = pb.TryOnOptions(width=256, height=256, backdrop=Backdrop(kind=BACKDROP_KIND_TRANSPARENT))
    answers = await try_on(stack, request(options=small, outputs=[pb.OUTPUT_KIND_TURNTABLE]))

    parts = parts_of(answers)
    assert Image.open(io.BytesIO(bytes(parts[pb.OUTPUT_KIND_PICTURE].data))).getpixel((0, 0))[3] == 128
    turntable = bytes(parts[pb.OUTPUT_KIND_TURNTABLE].data)
    assert Image.open(io.BytesIO(turntable)).n_frames == 2
    assert read_digital_source_type(turntable) == manifest_of(answers).digital_source_type
    [task] = stack.analyser.tasks
    assert abs(int(task.picture[0, 0, 1]) - (GARMENT_RGB[1] + 255) // 2) <= 3, "laid on white for the comparison"


async def test_several_garments_and_views_come_each_with_what_is_known_of_it(stack: Stack) -> None:
    blue = np.where(plain_photo() == GARMENT_RGB, np.uint8(0), plain_photo())
    blobs = [photo_blob(), make_blob("coat", png(blue))]
    garments = [
        pb.Garment(photos=[pb.Photo(part="coat")], category_hint=8, layer=1),
        pb.Garment(photos=[pb.Photo(part="photo")]),
    ]
    views = [View(), View(camera_yaw_degrees=180.0)]
    small = pb.TryOnOptions(width=256, height=300)
    outputs = [pb.OUTPUT_KIND_PHOTO_MASK, pb.OUTPUT_KIND_GARMENT_INDEX]
    answers = await try_on(stack, request(*blobs, garments=garments, views=views, options=small, outputs=outputs))

    manifest, [job] = manifest_of(answers), stack.generator.jobs
    assert [source.part for source in manifest.inputs] == [garment.part for garment in manifest.garments]
    assert [garment.part for garment in manifest.garments] == ["photo", "coat"], "innermost first"
    assert (job.garments[0].photo == plain_photo()).all()
    assert (job.garments[1].photo == blue).all()
    announced = [answer.part for answer in answers if answer.HasField("part")]
    masks = [part.garment for part in announced if part.kind == pb.OUTPUT_KIND_PHOTO_MASK]
    assert sorted(masks) == [0, 1]
    assert [part.view for part in announced if part.kind == pb.OUTPUT_KIND_PICTURE] == [0, 1]
    assert [part.view for part in announced if part.kind == pb.OUTPUT_KIND_GARMENT_INDEX] == [0, 1]
    reports = [[(told.garment, told.report.grade) for told in view.fidelity] for view in manifest.views]
    # The toy paints everything in the first garment's colour and shows it alone; the back shows no photo.
    assert reports == [[(0, fidelity_pb2.FIDELITY_GRADE_KEPT)], []]
    assert any("hide it" in warning for warning in manifest.warnings)


async def test_the_first_view_is_told_before_the_second_is_made(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    told, in_time = threading.Event(), []
    part, work = Account.part, stack.generator.pace.work

    def tell(account: Account, made: Any) -> None:
        part(account, made)
        told.set()

    def work_slowly(cancel: Any) -> None:
        work(cancel)
        if stack.generator.pace.calls == 2:
            in_time.append(told.wait(10))

    monkeypatch.setattr(Account, "part", tell)
    monkeypatch.setattr(stack.generator.pace, "work", work_slowly)
    await try_on(stack, request(views=[View(), View()], options=pb.TryOnOptions(width=256, height=256)))

    assert in_time == [True]


async def test_a_caller_can_do_without_the_comparison(stack: Stack) -> None:
    answers = await try_on(stack, request(options=pb.TryOnOptions(without_fidelity=True)))

    assert not stack.analyser.tasks
    assert not manifest_of(answers).HasField("fidelity")
    assert pb.STAGE_FIDELITY not in [record.stage for record in manifest_of(answers).stages]


async def test_a_comparison_that_fails_costs_the_report_and_not_the_picture(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> Any:
        raise errors.BadField("no garment to be seen", field="region")

    monkeypatch.setattr(stack.analyser, "score", refuse)
    answers = await try_on(stack, request())

    assert pb.OUTPUT_KIND_PICTURE in parts_of(answers)
    assert not manifest_of(answers).HasField("fidelity")
    assert any("could not be compared" in warning for warning in manifest_of(answers).warnings)


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
        ("toy", 1),
    ]
    assert all(record.version and record.seconds > 0 for record in manifest.stages)
    assert [len(record.backend_digest) for record in manifest.stages] == [0, 64, 64, 64, 0, 64]
    scene = manifest.scene
    assert (scene.body, scene.width, scene.height) == ("woman", 768, 1152)
    assert [view.pose for view in scene.views] == ["relaxed"]
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
    views = [
        View(pose="walk", camera_yaw_degrees=30.0),
        View(joint_turns={"head": JointTurn(y_degrees=5.0, z_degrees=-10.0)}, framing=FRAMING_LOWER),
    ]
    backdrop = Backdrop(kind=BACKDROP_KIND_GRADIENT, top_srgb=0xFFFFFF, bottom_srgb=0x102030)
    await try_on(
        stack,
        request(
            garments=[
                pb.Garment(photos=[pb.Photo(part="photo", side=pb.SIDE_FRONT)], category_hint=3, fit=FIT_SLIM),
            ],
            subject=pb.Subject(body="man", size="XL", finish="white", phenotype=scene_pb2.Phenotype(weight=0.5)),
            views=views,
            options=pb.TryOnOptions(backdrop=backdrop),
            seed=11,
        ),
    )

    [job] = stack.generator.jobs
    [garment] = job.garments
    assert (garment.passport.category, garment.fit) == (Category.LONG_SLEEVE, Fit.SLIM)
    assert job.figure == Figure("man", "XL", Phenotype(weight=0.5), "white")
    assert job.views == (
        engine.View("walk", {}, 30.0, Framing.AUTO),
        engine.View("relaxed", {"head": (0.0, 5.0, -10.0)}, 0.0, Framing.LOWER),
    )
    assert job.backdrop == engine.Backdrop(BackdropKind.GRADIENT, (255, 255, 255), (16, 32, 48))
    assert job.seed == 11


async def test_the_callers_mask_replaces_segmentation(stack: Stack) -> None:
    mask = np.zeros((240, 200), np.uint8)
    mask[80:160, 60:140] = 255
    garment = pb.Garment(photos=[pb.Photo(part="photo")], mask_part="mask")
    answers = await try_on(stack, request(photo_blob(), make_blob("mask", png(mask)), garments=[garment]))

    assert stack.segmenter.pace.calls == 0
    [job] = stack.generator.jobs
    assert (job.garments[0].alpha == mask).all()
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
