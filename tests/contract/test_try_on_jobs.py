"""TryOn over real gRPC with toy engines: jobs by their request id."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from fashquick.tryon.v1 import try_on_pb2 as pb
from fashquick_common import errors
from tests.support.calls import TRY_ON
from tests.support.servers import Stack, toy_stack
from tests.support.try_on import manifest_of, parts_of, request, try_on
from tests.support.waiting import eventually


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

    assert seen == ["job-42"] * 4
