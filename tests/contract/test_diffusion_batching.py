"""Calls of the diffusion backend that are worked on together over real gRPC: each has its own answer, end and error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from fashquick.generation.v1.scene_pb2 import DiffusionSettings, Scene
from fashquick_common import errors
from fashquick_common.cancel import CancelFlag
from fashquick_common.rpc.blobs import Blob
from fashquick_generation.engine import GenerationJob, Outcome, Task
from tests.contract.conftest import parts_for
from tests.support.calls import GENERATE
from tests.support.repairs import HEIGHT, WIDTH, parts_of, pixels_of, result_of, views_of
from tests.support.servers import Stack, toy_stack
from tests.support.toys import GARMENT_RGB
from tests.support.waiting import eventually

FOREVER = 100_000


@pytest.fixture
async def batching() -> AsyncIterator[Stack]:
    async with toy_stack(has_diffusion=True, batch_size=4) as running:
        yield running


def call(stack: Stack, blobs: dict[str, Blob], seed: int, **settings: Any) -> asyncio.Task[list[Any]]:
    messages = GENERATE.messages(parts_for(GENERATE, blobs))
    header = messages[0].header
    header.seed = seed
    header.create.scene.CopyFrom(Scene(width=WIDTH, height=settings.pop("height", HEIGHT)))
    header.diffusion.CopyFrom(DiffusionSettings(**settings))
    return asyncio.create_task(GENERATE.collect(stack.channels["generation"], messages))


async def gathered(stack: Stack, *calls: Any) -> list[asyncio.Task[list[Any]]]:
    """Calls that wait together behind one that is let go when they do."""
    pace = stack.diffusion.pace
    pace.steps = FOREVER
    first = calls[0]()
    await eventually(pace.running.is_set)
    compute, waiting = stack.servers["generation"].kit.compute, []
    for make in calls[1:]:  # In this order.
        waiting.append(make())
        await eventually(lambda: compute.waiting == len(waiting))
    first.cancel()
    return waiting


async def test_calls_of_one_size_are_worked_on_together_and_each_gets_its_own(
    batching: Stack, good_blobs: dict[str, Blob]
) -> None:
    waiting = await gathered(
        batching,
        lambda: call(batching, good_blobs, 0),
        lambda: call(batching, good_blobs, 1),
        lambda: call(batching, good_blobs, 2),
        lambda: call(batching, good_blobs, 3, height=HEIGHT + 8),
        lambda: call(batching, good_blobs, 4, deterministic=True),
    )
    batching.diffusion.pace.steps = 1
    answers = await asyncio.gather(*waiting)

    assert batching.diffusion.batches == [1, 2, 1], "another size by itself, deterministic ones without any batch"
    assert [result_of(answer).seed for answer in answers] == [1, 2, 3, 4]
    assert [views_of(answer)[0].diffusion.seed for answer in answers] == [1, 2, 3, 4]
    for answer in answers:
        assert (pixels_of(parts_of(answer)["view/0/picture"]) == GARMENT_RGB).all()
        assert any(each.HasField("progress") for each in answer)


async def test_a_call_that_is_cancelled_leaves_the_others_their_pictures(
    batching: Stack, good_blobs: dict[str, Blob]
) -> None:
    pace, diffusion = batching.diffusion.pace, batching.diffusion
    waiting = await gathered(
        batching,
        lambda: call(batching, good_blobs, 0),
        lambda: call(batching, good_blobs, 1),
        lambda: call(batching, good_blobs, 2),
    )
    await eventually(lambda: diffusion.batches == [1, 2] and pace.running.is_set())
    pace.steps = 1  # For the second of the two; the first is at work for ever.
    waiting[0].cancel()

    assert result_of(await waiting[1]).seed == 2
    assert diffusion.batches == [1, 2], "nothing was done again"


async def test_a_call_that_fails_has_its_own_error_and_the_others_their_pictures(
    batching: Stack, good_blobs: dict[str, Blob], monkeypatch: pytest.MonkeyPatch
) -> None:
    generate = batching.diffusion.generate

    def refuse_one(job: GenerationJob, hear: Any, cancel: CancelFlag) -> Any:
        if job.seed == 2:
            raise errors.BytesExhausted("it does not fit", retry_after_s=1.5)
        return generate(job, hear, cancel)

    monkeypatch.setattr(batching.diffusion, "generate", refuse_one)
    waiting = await gathered(
        batching,
        lambda: call(batching, good_blobs, 0),
        lambda: call(batching, good_blobs, 1),
        lambda: call(batching, good_blobs, 2),
        lambda: call(batching, good_blobs, 3),
    )
    batching.diffusion.pace.steps = 1
    first, refused, last = await asyncio.gather(*waiting, return_exceptions=True)

    assert batching.diffusion.batches == [1, 3]
    assert isinstance(refused, errors.BytesExhausted)
    assert refused.retry_after_s == pytest.approx(1.5)
    assert result_of(first).seed == 1
    assert result_of(last).seed == 3


async def test_a_batch_that_crashes_is_done_one_by_one_and_tells_no_picture_twice(
    batching: Stack, good_blobs: dict[str, Blob], monkeypatch: pytest.MonkeyPatch
) -> None:
    work_on = batching.diffusion.work_on

    def crash(tasks: Sequence[Task], cancel: CancelFlag) -> Sequence[Outcome]:
        outcomes = work_on(tasks, cancel)
        if len(tasks) > 1:
            raise RuntimeError("lost the device")
        return outcomes

    monkeypatch.setattr(type(batching.diffusion), "work_on", lambda _, tasks, cancel: crash(tasks, cancel))
    waiting = await gathered(
        batching,
        lambda: call(batching, good_blobs, 0),
        lambda: call(batching, good_blobs, 1),
        lambda: call(batching, good_blobs, 2),
    )
    batching.diffusion.pace.steps = 1
    answers = await asyncio.gather(*waiting)

    assert batching.diffusion.batches == [1, 2, 1, 1]
    for seed, answer in enumerate(answers, 1):
        assert result_of(answer).seed == seed
        assert [output.part for output in result_of(answer).outputs] == ["view/0/picture"]
        assert len(views_of(answer)) == 1
        fractions = [each.progress.fraction for each in answer if each.HasField("progress")]
        assert fractions == sorted(fractions)


async def test_a_job_that_belongs_nowhere_is_refused_before_it_waits(
    batching: Stack, good_blobs: dict[str, Blob], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(_: object) -> Any:
        raise errors.NotFound("there is no such profile")

    monkeypatch.setattr(batching.diffusion, "together", unknown)
    with pytest.raises(errors.NotFound):
        await call(batching, good_blobs, 0, profile="sd99")
