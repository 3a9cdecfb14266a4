"""Interactive calls keep their places and go first, in every stage and in the orchestrator."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fashquick.common.v1 import priority_pb2, server_info_pb2, server_info_pb2_grpc
from fashquick_client import Client
from fashquick_common import errors
from fashquick_common.priority import Priority
from fashquick_common.rpc.blobs import Blob
from tests.contract.conftest import parts_for
from tests.support.calls import EXTRACT_FEATURES, GENERATE, SEGMENT, TRY_ON, Rpc
from tests.support.photos import plain_photo, png
from tests.support.servers import Stack, toy_stack
from tests.support.toys import Pace
from tests.support.waiting import eventually

FOREVER = 100_000
STAGE_RPCS = (SEGMENT, EXTRACT_FEATURES, GENERATE)


def with_priority(rpc: Rpc, blobs: dict[str, Blob], priority: int) -> list[Any]:
    messages = rpc.messages(parts_for(rpc, blobs))
    messages[0].header.priority = priority
    return messages


def pace_of(stack: Stack, rpc: Rpc) -> Pace:
    engines = {"segmentation": stack.segmenter, "features": stack.analyser, "generation": stack.generator}
    return engines[rpc.service].pace


@pytest.mark.parametrize("bulk", [priority_pb2.PRIORITY_BULK, 99], ids=["bulk", "not known here"])
@pytest.mark.parametrize("rpc", STAGE_RPCS, ids=lambda rpc: rpc.service)
async def test_a_stage_refuses_bulk_calls_while_it_takes_interactive_ones(
    good_blobs: dict[str, Blob], rpc: Rpc, bulk: int
) -> None:
    async with toy_stack(queue_length=2, interactive_places=1) as stack:
        channel, compute = stack.channels[rpc.service], stack.servers[rpc.service].kit.compute
        pace = pace_of(stack, rpc)
        pace.steps = FOREVER
        calls = []
        for waiting in (0, 1):
            calls.append(asyncio.create_task(rpc.collect(channel, with_priority(rpc, good_blobs, bulk))))
            await eventually(lambda waiting=waiting: compute.computing == 1 and compute.waiting == waiting)

        error = await rpc.failure(channel, with_priority(rpc, good_blobs, bulk))
        calls.append(asyncio.create_task(rpc.collect(channel, with_priority(rpc, good_blobs, 0))))
        await eventually(lambda: compute.waiting_with(Priority.INTERACTIVE) == 1)

        assert isinstance(error, errors.QueueFull)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


async def test_the_priority_of_a_job_reaches_every_stage(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    for service in ("segmentation", "features", "generation"):
        kit = stack.servers[service].kit
        run = kit.compute.run

        def spy(work: Any, flag: Any, priority: Priority, run: Any = run) -> Any:
            seen.append(priority)
            return run(work, flag, priority)

        monkeypatch.setattr(kit.compute, "run", spy)

    for name in ("bulk", "interactive"):
        async with Client(stack.target("orchestrator"), priority=name) as client:  # type: ignore[arg-type]
            await client.try_on_result(png(plain_photo()), size=(256, 384))

    assert seen == [Priority.BULK] * 4 + [Priority.INTERACTIVE] * 4  # features is asked twice


async def test_bulk_jobs_leave_room_for_interactive_ones(good_blobs: dict[str, Blob]) -> None:
    async with toy_stack(max_jobs=2, interactive_jobs=1) as stack:
        stack.generator.pace.steps = FOREVER
        channel = stack.channels["orchestrator"]
        calls = [asyncio.create_task(TRY_ON.collect(channel, with_priority(TRY_ON, good_blobs, 2)))]
        await eventually(stack.generator.pace.running.is_set)

        error = await TRY_ON.failure(channel, with_priority(TRY_ON, good_blobs, 2))
        calls.append(asyncio.create_task(TRY_ON.collect(channel, with_priority(TRY_ON, good_blobs, 1))))
        await eventually(lambda: stack.servers["generation"].kit.compute.waiting == 1)

        assert isinstance(error, errors.QueueFull)
        assert "bulk" in error.message
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


async def test_the_same_request_with_another_priority_is_the_same_job(
    stack: Stack, good_blobs: dict[str, Blob]
) -> None:
    answers = []
    for priority in (2, 1):
        messages = with_priority(TRY_ON, good_blobs, priority)
        messages[0].header.request_id = "job-1"
        answers.append(await TRY_ON.collect(stack.channels["orchestrator"], messages))

    assert stack.generator.pace.calls == 1
    assert answers[0][-1] == answers[1][-1]


async def test_a_server_tells_how_many_bulk_calls_may_wait(good_blobs: dict[str, Blob]) -> None:
    async with toy_stack(queue_length=5, interactive_places=2) as stack:
        stub = server_info_pb2_grpc.ServerInfoServiceStub(stack.channels["segmentation"])
        limits = (await stub.GetServerInfo(server_info_pb2.GetServerInfoRequest())).limits
    assert (limits.queue_length, limits.bulk_queue_length) == (5, 3)


async def test_a_full_line_is_told_before_the_upload(good_blobs: dict[str, Blob]) -> None:
    async with toy_stack(queue_length=0) as stack:
        stack.segmenter.pace.steps = FOREVER
        channel = stack.channels["segmentation"]
        running = asyncio.create_task(SEGMENT.collect(channel, with_priority(SEGMENT, good_blobs, 0)))
        await eventually(stack.segmenter.pace.running.is_set)
        registry = stack.servers["segmentation"].kit.metrics.registry
        before = registry.get_sample_value("fashquick_upload_bytes_total")

        error = await SEGMENT.failure(channel, with_priority(SEGMENT, good_blobs, 0))

        assert isinstance(error, errors.QueueFull)
        assert registry.get_sample_value("fashquick_upload_bytes_total") == before
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
