"""SAM 2 behind a real server, with small random weights: hostile prompts and checkpoints, and what is left of them."""

from __future__ import annotations

import math
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import pytest
import torch

from fashquick.common.v1 import models_pb2, models_pb2_grpc
from fashquick.segmentation.v1 import segmentation_pb2 as pb
from fashquick_common import errors
from fashquick_common.cancel import CancelFlag
from fashquick_common.rpc.blobs import make_blob
from fashquick_common.rpc.channel import open_channel
from fashquick_common.rpc.status import error_from_rpc
from fashquick_common.server.runtime import Server
from fashquick_common.server.settings import ServerSettings
from fashquick_segmentation.embedded import EmbeddedSegmenter
from fashquick_segmentation.engine import NO_HINTS
from fashquick_segmentation.sam2.embeddings import EmbeddingCache
from fashquick_segmentation.sam2.registry import ModelRegistry
from fashquick_segmentation.sam2.segmenter import Sam2Segmenter
from fashquick_segmentation.servicer import segmentation_service
from tests.support.calls import SEGMENT
from tests.support.photos import png
from tests.support.servers import running
from tests.support.waiting import eventually
from tests.unit.segmentation.garments import HEIGHT, WIDTH, photo_of
from tests.unit.segmentation.oracle import Oracle
from tests.unit.segmentation.sam2_weights import (
    MINI,
    OTHER,
    SIDE,
    THIRD,
    RunsWhenRead,
    listed,
    random_weights,
    write_original,
)

PHOTO, TRUTH = photo_of("t-shirt", (34, 50, 110), "planks")
INSIDE = pb.Point(x=210, y=300, on_garment=True)


@dataclass(frozen=True)
class Sam2Server:
    """A server whose default is the embedded backend and that has two of three checkpoints."""

    server: Server
    channel: grpc.aio.Channel
    backend: Sam2Segmenter
    registry: ModelRegistry
    store: Path

    async def failure(self, *prompts: pb.Prompt, checkpoint: str = "") -> errors.FashquickError:
        return await SEGMENT.failure(self.channel, upload(*prompts, checkpoint=checkpoint))

    async def load_failure(self, name: str) -> errors.FashquickError:
        models = models_pb2_grpc.ModelServiceStub(self.channel)
        return await failure_of(models.LoadModel(models_pb2.LoadModelRequest(name=name), timeout=10))

    async def verify_failure(self, name: str) -> errors.FashquickError:
        models = models_pb2_grpc.ModelServiceStub(self.channel)
        return await failure_of(models.VerifyModel(models_pb2.VerifyModelRequest(name=name), timeout=10))

    async def result(self, *prompts: pb.Prompt, checkpoint: str = "", max_candidates: int = 0) -> pb.SegmentResult:
        messages = upload(*prompts, checkpoint=checkpoint)
        messages[0].header.max_candidates = max_candidates
        answers = await SEGMENT.collect(self.channel, messages)
        [result] = [answer.result for answer in answers if answer.HasField("result")]
        return result

    async def check_nothing_is_left(self, threads: int) -> None:
        """Fail unless all that calls held is free, and the server answers the next one."""
        kit = self.server.kit
        await eventually(lambda: not (kit.active or kit.compute.waiting or kit.compute.computing))
        assert (kit.budget.taken, kit.decoding.taken) == (0, 0)
        assert not any(state.users for state in self.registry.states())
        assert (await self.result(pb.Prompt(number=1, points=[INSIDE]))).number == 1
        assert threading.active_count() <= threads


async def failure_of(call: Awaitable[object]) -> errors.FashquickError:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return error_from_rpc(refused.value)


def upload(*prompts: pb.Prompt, checkpoint: str = "") -> list[pb.SegmentRequest]:
    messages = SEGMENT.messages([make_blob("photo", png(PHOTO))])
    messages[0].header.sam2.checkpoint = checkpoint
    return [*messages, *(pb.SegmentRequest(prompt=prompt) for prompt in prompts)]


@pytest.fixture(scope="module")
def embedded() -> EmbeddedSegmenter:
    return EmbeddedSegmenter()


@pytest.fixture
async def sam2(
    tmp_path: Path, embedded: EmbeddedSegmenter, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Sam2Server]:
    Oracle(TRUTH, monkeypatch)
    for seed, checkpoint in enumerate((MINI, OTHER)):
        write_original(tmp_path / checkpoint.original, random_weights(checkpoint.architecture, seed))
    known = {checkpoint.name: checkpoint for checkpoint in (MINI, OTHER, THIRD)}
    registry = ModelRegistry(listed(tmp_path), 2**30, default=MINI.name, checkpoints=known)
    backend = Sam2Segmenter(
        registry,
        MINI.name,
        embedded,
        digest=registry.digest(MINI.name),
        embeddings=EmbeddingCache(2**26),
        side_px=SIDE,
    )
    settings = ServerSettings(port=0, admin_port=0, drain_s=1.0, upload_idle_s=1.0, codec_threads=1)
    async with (
        running(settings, lambda kit: segmentation_service(kit, embedded, backend, models=registry)) as server,
        open_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        made = Sam2Server(server, channel, backend, registry, tmp_path)
        await made.result(pb.Prompt(number=1, points=[INSIDE], mask=png(TRUTH * np.uint8(255))))
        yield made


def box(left: float, top: float, right: float, bottom: float) -> pb.Box:
    return pb.Box(left=left, top=top, right=right, bottom=bottom)


def points(*places: tuple[float, float, bool]) -> list[pb.Point]:
    return [pb.Point(x=x, y=y, on_garment=on) for x, y, on in places]


SMALLER = png((TRUTH * np.uint8(255))[: HEIGHT // 2, : WIDTH // 2])
PROMPTS: dict[str, tuple[pb.Prompt, type[errors.FashquickError]]] = {
    "nothing asked": (pb.Prompt(), errors.BadField),
    "a point right of the picture": (pb.Prompt(points=points((WIDTH, 5, True))), errors.BadField),
    "a point above the picture": (pb.Prompt(points=points((5, -1, True))), errors.BadField),
    "a point that is not a number": (pb.Prompt(points=points((math.nan, 5, True))), errors.BadField),
    "a point at infinity": (pb.Prompt(points=points((5, math.inf, True))), errors.BadField),
    "10,000 points": (pb.Prompt(points=points((50, 60, True)) * 10_000), errors.BadField),
    "250,000 points": (pb.Prompt(points=points((50, 60, True)) * 250_000), errors.BadField),
    "a box of no area": (pb.Prompt(box=box(50, 60, 50, 90)), errors.BadField),
    "a box inside out": (pb.Prompt(box=box(90, 60, 50, 90)), errors.BadField),
    "a box that is not a number": (pb.Prompt(box=box(50, math.nan, 90, 90)), errors.BadField),
    "a box without end": (pb.Prompt(box=box(0, 0, math.inf, 3e38)), errors.BadField),
    "one pixel on and off": (pb.Prompt(points=points((50, 60, True), (50, 60, False))), errors.BadField),
    "only where it is not": (pb.Prompt(points=points((50, 60, False))), errors.BadField),
    "points outside the box": (pb.Prompt(points=points((50, 60, True)), box=box(100, 100, 200, 200)), errors.BadField),
    "a mask outside the box": (
        pb.Prompt(box=box(1, 1, 9, 9), mask=png(TRUTH * np.uint8(255))),
        errors.BadField,
    ),
    "a mask of another size": (pb.Prompt(mask=SMALLER), errors.BadMask),
    "an empty mask": (pb.Prompt(mask=png(np.zeros((HEIGHT, WIDTH), np.uint8))), errors.BadMask),
    "a mask that is no image": (pb.Prompt(mask=b"\x00" * 5000), errors.NotAnImage),
    "a mask cut short": (pb.Prompt(mask=png(TRUTH * np.uint8(255))[:-30]), errors.ImageDamaged),
}


async def test_hostile_prompts_are_refused_and_leave_nothing(sam2: Sam2Server) -> None:
    threads = threading.active_count()

    for case, (prompt, expected) in PROMPTS.items():
        for number in range(1, 4):
            asked = pb.Prompt()
            asked.CopyFrom(prompt)
            asked.number = number
            error = await sam2.failure(asked)
            assert type(error) is expected, f"{case}: {error.message}"
            assert len(error.message) > 20, case

    await sam2.check_nothing_is_left(threads)


async def test_an_unknown_checkpoint_is_refused_before_the_upload(sam2: Sam2Server) -> None:
    for checkpoint in ("sam9", "../sam2.1-other", "SAM2.1-OTHER", "x" * 100_000):
        [header, *_] = upload(checkpoint=checkpoint)

        error = await SEGMENT.failure(sam2.channel, [header])

        assert isinstance(error, errors.BadField), checkpoint[:20]
        assert error.field == "sam2.checkpoint"
        assert MINI.name in error.message
    await sam2.check_nothing_is_left(threading.active_count())


async def test_a_checkpoint_that_is_not_installed_is_refused_before_the_upload(sam2: Sam2Server) -> None:
    [header, *_] = upload(checkpoint=THIRD.name)

    error = await SEGMENT.failure(sam2.channel, [header])

    assert isinstance(error, errors.ModelNotInstalled)
    assert THIRD.original in error.message
    await sam2.check_nothing_is_left(threading.active_count())


async def test_each_call_gets_the_checkpoint_that_it_names(sam2: Sam2Server) -> None:
    prompt = pb.Prompt(number=1, points=[INSIDE])
    digests = [
        (await sam2.result(prompt, checkpoint=name)).backend_digest for name in ("", OTHER.name, MINI.name, OTHER.name)
    ]

    mini, other = sam2.registry.digest(MINI.name), sam2.registry.digest(OTHER.name)
    assert digests == [mini, other, mini, other]
    assert (await sam2.result(checkpoint=OTHER.name)).backend_digest == other


async def test_all_candidates_come_with_what_speaks_for_them(sam2: Sam2Server) -> None:
    result = await sam2.result(max_candidates=16)

    found = sam2.backend.segment(PHOTO, NO_HINTS, CancelFlag())
    assert len(result.candidates) == len(found.candidates) - 1 >= 3
    for candidate, other in zip(result.candidates, found.candidates[1:], strict=True):
        assert (candidate.source, candidate.score) == (other.source, pytest.approx(other.score))
        assert candidate.scores.predicted_iou == pytest.approx(other.scores["predicted_iou"])
        assert candidate.scores.border == pytest.approx(other.scores["border"])
    assert [len((await sam2.result(max_candidates=most)).candidates) for most in (0, 2)] == [0, 2]


def _wrong_digest(store: Path, _: Path) -> None:
    write_original(store / THIRD.original, random_weights(THIRD.architecture, 2))
    listed(store)
    with (store / THIRD.original).open("r+b") as file:
        file.seek(500)
        file.write(b"damage")


def _truncated(store: Path, _: Path) -> None:
    path = write_original(store / THIRD.original, random_weights(THIRD.architecture, 2))
    path.write_bytes(path.read_bytes()[:-1000])
    listed(store)


def _hidden_code(store: Path, trace: Path) -> None:
    weights = {**random_weights(THIRD.architecture, 2), "no_obj_ptr": RunsWhenRead(trace)}
    torch.save({"model": weights}, store / THIRD.original)
    listed(store)


CHECKPOINTS: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "another SHA-256": (_wrong_digest, "SHA-256"),
    "cut short": (_truncated, "cannot be read"),
    "code in its pickle": (_hidden_code, "cannot be read"),
}


@pytest.mark.parametrize("case", CHECKPOINTS)
async def test_a_hostile_checkpoint_is_refused_and_leaves_nothing(
    sam2: Sam2Server, tmp_path_factory: pytest.TempPathFactory, case: str
) -> None:
    threads = threading.active_count()
    spoil, words = CHECKPOINTS[case]
    trace = tmp_path_factory.mktemp("trace") / "ran"
    spoil(sam2.store, trace)

    refusals = [
        await sam2.failure(pb.Prompt(number=1, points=[INSIDE]), checkpoint=THIRD.name),
        await sam2.failure(checkpoint=THIRD.name),
        await sam2.load_failure(THIRD.name),
    ]

    for error in refusals:
        assert isinstance(error, errors.ModelNotInstalled)
        assert words in error.message
        assert str(sam2.store) not in error.message
    assert not trace.exists()
    assert not sam2.registry.state(THIRD.name).loaded
    await sam2.check_nothing_is_left(threads + 1)  # One manages models.


async def test_operators_see_and_unload_what_calls_have_loaded(sam2: Sam2Server) -> None:
    models = models_pb2_grpc.ModelServiceStub(sam2.channel)
    await sam2.result(pb.Prompt(number=1, points=[INSIDE]), checkpoint=OTHER.name)

    listing = await models.ListModels(models_pb2.ListModelsRequest())
    assert [(model.name, model.is_default, model.loaded) for model in listing.models] == [
        (MINI.name, True, True),
        (OTHER.name, False, True),
        (THIRD.name, False, False),
    ]
    with sam2.registry.use(OTHER.name):
        error = await failure_of(models.UnloadModel(models_pb2.UnloadModelRequest(name=OTHER.name)))
        assert isinstance(error, errors.ModelInUse)
    assert not (await models.UnloadModel(models_pb2.UnloadModelRequest(name=OTHER.name))).model.loaded
    assert (await models.VerifyModel(models_pb2.VerifyModelRequest(name=MINI.name))).model.verified
    assert isinstance(await sam2.verify_failure(THIRD.name), errors.ModelNotInstalled)
    result = await sam2.result(pb.Prompt(number=1, points=[INSIDE]), checkpoint=OTHER.name)
    assert result.backend_digest == sam2.registry.digest(OTHER.name)
