"""TryOn over real gRPC with toy engines: what is refused, and which stage it is blamed on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fashquick.common.v1 import blob_pb2
from fashquick.garment.v1 import passport_pb2
from fashquick.generation.v1.scene_pb2 import BACKDROP_KIND_TRANSPARENT, Backdrop, JointTurn, Phenotype, View
from fashquick.tryon.v1 import try_on_pb2 as pb
from fashquick_common import errors
from fashquick_common.rpc.blobs import Blob, make_blob
from fashquick_common.server.pictures import gray8_blob
from tests.support.calls import TRY_ON
from tests.support.photos import png
from tests.support.servers import Stack
from tests.support.try_on import manifest_of, photo_blob, request, try_on


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
    ("stage", "name", "broken"),
    [("segmentation.servicer", "gray8_blob", _garbled), ("generation.messages.answers", "rgb8_blob", _cut_short)],
)
async def test_a_stage_that_breaks_its_contract_is_not_the_callers_fault(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, stage: str, name: str, broken: Any
) -> None:
    monkeypatch.setattr(f"fashquick_{stage}.{name}", broken)

    error = await TRY_ON.failure(stack.channels["orchestrator"], request())

    assert type(error) is errors.InternalError, error.message
    assert error.metadata["stage"] in (stage.partition(".")[0], "encoding")


async def test_a_bug_in_the_orchestrator_names_its_stage_and_keeps_its_text(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: Any) -> None:
        raise ValueError("a secret path")

    monkeypatch.setattr("fashquick_orchestrator.telling.encode_picture", crash)

    error = await TRY_ON.failure(stack.channels["orchestrator"], request())

    assert type(error) is errors.InternalError
    assert error.metadata["stage"] == "encoding"
    assert "secret" not in error.message


async def test_an_error_names_the_garment_that_failed(stack: Stack) -> None:
    white = make_blob("white", png(np.random.default_rng(0).integers(240, 256, (240, 200, 3), dtype=np.uint8)))
    garments = [pb.Garment(photos=[pb.Photo(part=part)]) for part in ("photo", "white")]

    error = await TRY_ON.failure(stack.channels["orchestrator"], request(photo_blob(), white, garments=garments))

    assert isinstance(error, errors.NoGarment)
    assert (error.metadata["stage"], error.metadata["garment"]) == ("segmentation", "1")
    assert stack.generator.pace.calls == 0


async def test_an_error_names_the_stage_that_failed(stack: Stack) -> None:
    white = make_blob("photo", png(np.random.default_rng(0).integers(240, 256, (240, 200, 3), dtype=np.uint8)))

    error = await TRY_ON.failure(stack.channels["orchestrator"], request(white))

    assert isinstance(error, errors.NoGarment)
    assert error.metadata["stage"] == "segmentation"


NOT_BUILT = {
    "two photos": {"garments": [pb.Garment(photos=[pb.Photo(part="photo")] * 2)]},
    "the back": {"garments": [pb.Garment(photos=[pb.Photo(part="photo", side=pb.SIDE_BACK)])]},
    "passport overrides": {
        "garments": [pb.Garment(photos=[pb.Photo(part="photo")], passport_overrides=passport_pb2.Passport())]
    },
    "a person's photo": {"subject": pb.Subject(person_photo_part="photo")},
    "two samples": {"samples": 2},
    "an unknown fit": {"garments": [pb.Garment(photos=[pb.Photo(part="photo")], fit=99)]},
    "an unknown backdrop": {"options": pb.TryOnOptions(backdrop=Backdrop(kind=99))},
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
    "three pictures of the largest size": {
        "views": [View()] * 3,
        "options": pb.TryOnOptions(width=2048, height=3072),
    },
    "a size that does not exist": {"subject": pb.Subject(size="XXXXL")},
    "a weight that is not a number": {"subject": pb.Subject(phenotype=Phenotype(weight=float("nan")))},
    "a joint turned by infinity": {"views": [View(joint_turns={"head": JointTurn(x_degrees=float("inf"))})]},
    "a colour of four channels": {"options": pb.TryOnOptions(backdrop=Backdrop(top_srgb=0x1FFFFFF))},
    "transparency in a JPEG": {
        "options": pb.TryOnOptions(
            backdrop=Backdrop(kind=BACKDROP_KIND_TRANSPARENT), picture_format=pb.PICTURE_FORMAT_JPEG
        )
    },
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

    assert [record.attempts for record in manifest_of(answers).stages] == [1, 1, 3, 1, 1, 1]
    registry = stack.servers["orchestrator"].kit.metrics.registry
    for reason in ("DRAINING", "QUEUE_FULL"):
        labels = {"stage": "features", "reason": reason}
        assert registry.get_sample_value("fashquick_stage_retries_total", labels) == 1


async def test_a_stage_that_is_gone_is_named(stack: Stack) -> None:
    await stack.servers["features"].stop()

    error = await TRY_ON.failure(stack.channels["orchestrator"], request())

    assert isinstance(error, errors.UnavailableError)
    assert error.metadata["stage"] == "features"
