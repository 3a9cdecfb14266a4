"""Good requests: what every service answers, whole and in its order."""

from __future__ import annotations

import hashlib
import io
import re
import uuid
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fashquick.features.v1 import features_pb2
from fashquick.garment.v1 import category_pb2, passport_pb2
from fashquick.generation.v1 import generation_pb2, scene_pb2
from fashquick.tryon.v1 import try_on_pb2
from fashquick_common import errors
from fashquick_common.rpc.blobs import ENCODING_BITS1, ENCODING_GRAY8, ENCODING_RGB8, Blob, chunks_of
from tests.conformance.checks import (
    check_answered,
    check_maker,
    check_parts,
    check_progress,
    check_refused,
    order_of,
)
from tests.conformance.contracts import HEIGHT, SEED, WIDTH, gray_blob, photo_file, photo_size
from tests.conformance.target import Target

_METADATA = (("x-request-id", "conformance"),)


@pytest.mark.only("segmentation")
def test_a_photo_is_answered_with_its_mask(target: Target) -> None:
    def want_candidates(header: Any) -> None:
        header.request_id = _new_id()
        header.max_candidates = 3

    answers = check_answered(target.call(target.contract.request(want_candidates), metadata=_METADATA))

    assert re.fullmatch(r"p*r(bc+)+s", order_of(answers)), order_of(answers)
    check_progress([answer.progress for answer in answers if answer.HasField("progress")])
    parts = check_parts(answers)
    [result] = [answer.result for answer in answers if answer.HasField("result")]
    check_maker(result)
    assert result.number == 0
    assert (result.width, result.height) == photo_size()
    candidates = [candidate.mask_part for candidate in result.candidates]
    assert len(candidates) <= 3
    assert list(parts) == [result.mask_part, result.alpha_part, *candidates]
    alpha = _gray8(parts[result.alpha_part], result.width, result.height)
    assert max(alpha) > 127, "the soft mask is empty"
    for part in (result.mask_part, *candidates):
        assert any(_bits1(parts[part], result.width, result.height)), f"{part} is empty"
    scores = [candidate.score for candidate in result.candidates]
    assert scores == sorted(scores, reverse=True)
    quality = result.quality
    assert all(0 <= share <= 1 for share in (*scores, quality.confidence, quality.coverage, quality.border_contact))
    assert quality.coverage > 0
    assert quality.fragments >= 1


@pytest.mark.only("features")
def test_a_garment_is_answered_with_its_passport(target: Target) -> None:
    answer = _passport_answer(target)

    check_maker(answer)
    passport = answer.passport
    assert (passport.photo_width, passport.photo_height) == photo_size()
    assert 0 < passport.coverage < 1
    guesses = [guess.confidence for guess in passport.categories]
    assert guesses == sorted(guesses, reverse=True)
    assert all(0 <= guess <= 1 for guess in guesses)
    assert sum(guesses) <= 1.001
    assert 1 <= len(passport.palette.colours) <= 8
    shares = [colour.share for colour in passport.palette.colours]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1, abs=0.01)
    assert all(colour.srgb <= 0xFFFFFF and 0 <= colour.lab_l <= 100 for colour in passport.palette.colours)
    _check_landmarks(passport)


@pytest.mark.only("features")
def test_a_kind_that_the_caller_knows_is_not_guessed(target: Target) -> None:
    answer = _passport_answer(target, category_pb2.CATEGORY_LONG_SLEEVE)

    assert answer.passport.categories[0].category == category_pb2.CATEGORY_LONG_SLEEVE


def _passport_answer(
    target: Target, hint: category_pb2.Category.ValueType = category_pb2.CATEGORY_UNSPECIFIED
) -> features_pb2.ExtractFeaturesResponse:
    def change(header: features_pb2.ExtractFeaturesHeader) -> None:
        header.request_id = _new_id()
        header.category_hint = hint

    [answer] = check_answered(target.call(target.contract.request(change), metadata=_METADATA))
    return answer


def _check_landmarks(passport: passport_pb2.Passport) -> None:
    names = [landmark.name for landmark in passport.landmarks]
    assert len(names) == len(set(names)) <= 256
    for landmark in passport.landmarks:
        assert 0 <= landmark.x <= passport.photo_width
        assert 0 <= landmark.y <= passport.photo_height
        assert 0 <= landmark.confidence <= 1


@pytest.mark.only("generation")
def test_a_garment_is_answered_with_a_picture_and_the_maps_asked_for(target: Target) -> None:
    maps = [scene_pb2.OUTPUT_KIND_DEPTH, scene_pb2.OUTPUT_KIND_NORMAL, scene_pb2.OUTPUT_KIND_GARMENT_MASK]

    def want_maps(header: generation_pb2.GenerateHeader) -> None:
        header.request_id = _new_id()
        header.create.outputs.extend(maps)

    answers = check_answered(target.call(target.contract.request(want_maps), metadata=_METADATA))

    order = order_of(answers)
    assert re.fullmatch(r"(p|bc+)*v(bc+)+(p|bc+)*rs", order), order
    check_progress([answer.progress for answer in answers if answer.HasField("progress")])
    early = answers[: order.index("v")]
    parts = check_parts(answers, [answer.blob.part for answer in early if answer.HasField("blob")])
    [result] = [answer.result for answer in answers if answer.HasField("result")]
    check_maker(result)
    assert result.seed == SEED
    assert [output.part for output in result.outputs] == list(parts)
    by_kind = {output.kind: parts[output.part] for output in result.outputs}
    assert set(by_kind) == {scene_pb2.OUTPUT_KIND_PICTURE, *maps}
    assert len(set(_rgb8(by_kind[scene_pb2.OUTPUT_KIND_PICTURE], WIDTH, HEIGHT))) > 16, "the picture is blank"
    assert any(_rgb8(by_kind[scene_pb2.OUTPUT_KIND_NORMAL], WIDTH, HEIGHT))
    assert any(_gray8(by_kind[scene_pb2.OUTPUT_KIND_DEPTH], WIDTH, HEIGHT))
    assert any(_gray8(by_kind[scene_pb2.OUTPUT_KIND_GARMENT_MASK], WIDTH, HEIGHT))


@pytest.mark.only("generation")
def test_a_picture_is_repaired_where_its_backend_can(target: Target) -> None:
    def want_repairable(header: generation_pb2.GenerateHeader) -> None:
        header.create.repairable = True
        # A server that makes pictures by diffusion on request alone is tested too.
        header.backend = scene_pb2.BACKEND_DIFFUSION
        header.allow_fallback = True

    answers = check_answered(target.call(target.contract.request(want_repairable)))
    parts = check_parts(answers, _early(answers))
    [view] = [answer.view for answer in answers if answer.HasField("view")]
    if not view.HasField("diffusion"):
        check_refused(target.call(_repair_of(view, parts)[:1]), errors.NotBuilt)
        pytest.skip("no backend of the server repairs anything")
    picture = {output.kind: parts[output.part] for output in view.outputs}[scene_pb2.OUTPUT_KIND_PICTURE]
    again = check_answered(target.call(_repair_of(view, parts)))

    [repaired] = [answer.view for answer in again if answer.HasField("view")]
    [part] = [output.part for output in repaired.outputs if output.kind == scene_pb2.OUTPUT_KIND_PICTURE]
    after = _rgb8(check_parts(again, _early(again))[part], WIDTH, HEIGHT)
    outside = 3 * WIDTH * (HEIGHT // 2)
    assert after[:outside] == _rgb8(picture, WIDTH, HEIGHT)[:outside], "what is outside of the region has changed"
    assert repaired.HasField("diffusion")


def _repair_of(view: generation_pb2.FinishedView, parts: dict[str, Blob]) -> list[Any]:
    """The messages of a repair of a view's lower half."""
    region = np.zeros((HEIGHT, WIDTH), np.uint8)
    region[HEIGHT // 2 :] = 255
    blobs = [*(parts[output.part] for output in view.outputs), gray_blob("region", region)]
    kinds = {output.kind: output.part for output in view.outputs}
    header = generation_pb2.GenerateHeader(
        blobs=[blob.header for blob in blobs],
        seed=SEED + 1,
        repair=generation_pb2.RepairTask(
            picture_part=kinds.pop(scene_pb2.OUTPUT_KIND_PICTURE),
            region_part="region",
            prior=view.diffusion if view.HasField("diffusion") else None,
            conditions=[generation_pb2.Output(kind=kind, part=part) for kind, part in kinds.items()],
        ),
    )
    chunks = [generation_pb2.GenerateRequest(chunk=chunk) for blob in blobs for chunk in chunks_of(blob)]
    return [generation_pb2.GenerateRequest(header=header), *chunks]


def _early(answers: list[generation_pb2.GenerateResponse]) -> list[str]:
    """Names of the previews."""
    named = {output.part for answer in answers for output in answer.view.outputs}
    return [answer.blob.part for answer in answers if answer.HasField("blob") and answer.blob.part not in named]


@dataclass(frozen=True)
class Job:
    """A finished try-on."""

    name: str
    answers: list[try_on_pb2.TryOnResponse]


@pytest.fixture(scope="session")
def job(target: Target) -> Job:
    """A try-on, made once: the server keeps it under its id."""
    name = _new_id()
    return Job(name, check_answered(target.call(_try_on(target, name), metadata=_METADATA)))


def _try_on(target: Target, name: str, seed: int = SEED) -> list[Any]:
    def change(header: try_on_pb2.TryOnHeader) -> None:
        header.request_id = name
        header.seed = seed
        header.outputs.extend([try_on_pb2.OUTPUT_KIND_PHOTO_MASK, try_on_pb2.OUTPUT_KIND_GARMENT_MASK])

    return target.contract.request(change)


@pytest.mark.only("orchestrator")
def test_a_photo_is_answered_with_events_pictures_and_a_manifest(job: Job, service: str) -> None:
    answers = job.answers

    order = order_of(answers)
    assert re.fullmatch(r"a(p|f|bc+)*ms", order), order
    assert (answers[0].accepted.request_id, answers[0].accepted.seed) == (job.name, SEED)
    _check_stages(answers)
    parts = check_parts(answers, _previews(answers))
    announced = [answer.part for answer in answers if answer.HasField("part")]
    by_kind = {part.kind: parts[part.blob.part] for part in announced if part.blob.part in parts}
    assert set(by_kind) == {
        try_on_pb2.OUTPUT_KIND_PICTURE,
        try_on_pb2.OUTPUT_KIND_PHOTO_MASK,
        try_on_pb2.OUTPUT_KIND_GARMENT_MASK,
    }
    picture = Image.open(io.BytesIO(by_kind[try_on_pb2.OUTPUT_KIND_PICTURE].data))
    assert (picture.format, picture.size) == ("PNG", (WIDTH, HEIGHT))
    assert any(_bits1(by_kind[try_on_pb2.OUTPUT_KIND_PHOTO_MASK], *photo_size()))
    assert any(_gray8(by_kind[try_on_pb2.OUTPUT_KIND_GARMENT_MASK], WIDTH, HEIGHT))
    assert (answers[-2].manifest.request_id, answers[-2].manifest.seed) == (job.name, SEED)
    _check_manifest(answers[-2].manifest, parts)


def _check_stages(answers: list[try_on_pb2.TryOnResponse]) -> None:
    """The stages follow each other, and what they found is told when it is known."""
    finished = [answer.stage_finished for answer in answers if answer.HasField("stage_finished")]
    stages = [event.stage for event in finished]
    # After generation a picture that may be repaired is compared before it is written, another one after.
    made = stages.index(try_on_pb2.STAGE_GENERATION) + 1
    assert stages[:made] == sorted(stages[:made])
    assert not set(stages[:made]) & set(stages[made:])
    assert {try_on_pb2.STAGE_SEGMENTATION, try_on_pb2.STAGE_FEATURES, try_on_pb2.STAGE_GENERATION} <= set(stages)
    by_stage = {event.stage: event for event in finished}
    assert by_stage[try_on_pb2.STAGE_SEGMENTATION].HasField("mask_quality")
    assert by_stage[try_on_pb2.STAGE_FEATURES].passport.photo_width == photo_size()[0]
    progress = [answer.progress for answer in answers if answer.HasField("progress")]
    for stage in {event.stage for event in progress}:
        check_progress([event.progress for event in progress if event.stage == stage])


def _check_manifest(manifest: try_on_pb2.Manifest, parts: dict[str, Blob]) -> None:
    [photo] = manifest.inputs
    assert photo.sha256 == hashlib.sha256(photo_file().data).digest()
    assert (photo.format, (photo.width, photo.height)) == ("jpeg", photo_size())
    assert [blob.sha256 for blob in manifest.outputs] == [blob.header.sha256 for blob in parts.values()]
    assert all(record.version and record.attempts >= 1 for record in manifest.stages)
    assert manifest.passport.palette.colours
    assert manifest.mask_quality.coverage > 0
    assert (manifest.scene.width, manifest.scene.height) == (WIDTH, HEIGHT)
    assert manifest.scene.body, "defaults are filled in"
    assert manifest.digital_source_type


@pytest.mark.only("orchestrator")
def test_the_same_request_under_the_same_id_has_the_same_answer(target: Target, job: Job) -> None:
    again = check_answered(target.call(_try_on(target, job.name)))

    assert check_parts(again, _previews(again)) == check_parts(job.answers, _previews(job.answers))
    assert again[-2].manifest == job.answers[-2].manifest


@pytest.mark.only("orchestrator")
def test_another_request_under_the_same_id_is_refused(target: Target, job: Job) -> None:
    outcome = target.call(_try_on(target, job.name, seed=SEED + 1))

    check_refused(outcome, errors.RequestIdTaken)
    target.check_works()


def _new_id() -> str:
    """An id that no earlier run has used: a server keeps its jobs for minutes."""
    return f"conformance-{uuid.uuid4().hex}"


def _previews(answers: list[try_on_pb2.TryOnResponse]) -> list[str]:
    announced = [answer.part for answer in answers if answer.HasField("part")]
    return [part.blob.part for part in announced if part.kind == try_on_pb2.OUTPUT_KIND_PREVIEW]


def _rgb8(blob: Blob, width: int, height: int) -> bytes:
    _check_raw(blob, ENCODING_RGB8, width, height)
    assert len(blob.data) == 3 * width * height
    return bytes(blob.data)


def _gray8(blob: Blob, width: int, height: int) -> bytes:
    _check_raw(blob, ENCODING_GRAY8, width, height)
    data = zlib.decompress(blob.data)
    assert len(data) == width * height
    return data


def _bits1(blob: Blob, width: int, height: int) -> bytes:
    _check_raw(blob, ENCODING_BITS1, width, height)
    data = zlib.decompress(blob.data)
    assert len(data) == -(-width // 8) * height
    return data


def _check_raw(blob: Blob, encoding: int, width: int, height: int) -> None:
    header = blob.header
    assert (header.encoding, header.width, header.height) == (encoding, width, height)
