"""Computing: cancel and deadline stop it, the line is bounded, slow readers hold nothing."""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from fashquick.common.v1 import server_info_pb2, server_info_pb2_grpc
from fashquick_common import errors
from fashquick_common.rpc.blobs import Blob
from fashquick_common.server.interceptor import CallInterceptor
from fashquick_common.server.kit import State
from tests.contract.conftest import parts_for
from tests.support.calls import ALL, EXTRACT_FEATURES, GENERATE, SEGMENT, TRY_ON, Rpc
from tests.support.servers import Stack, toy_stack
from tests.support.toys import Pace
from tests.support.uploads import CASES
from tests.support.waiting import eventually

FOREVER = 100_000
STAGE_RPCS = (SEGMENT, EXTRACT_FEATURES, GENERATE)


def _pace(stack: Stack, rpc: Rpc) -> Pace:
    """The pace of the engine that computes in the end."""
    return {
        "segmentation": stack.segmenter,
        "features": stack.analyser,
        "generation": stack.generator,
        "orchestrator": stack.generator,
    }[rpc.service].pace


def _computing_kit(stack: Stack, rpc: Rpc) -> Any:
    return stack.servers["generation" if rpc is TRY_ON else rpc.service].kit


async def _steps(stack: Stack, service: str) -> int:
    stub = server_info_pb2_grpc.ServerInfoServiceStub(stack.channels[service])
    answer = await stub.GetServerInfo(server_info_pb2.GetServerInfoRequest())
    return int(answer.compute_steps)


async def _stands_still(stack: Stack, service: str) -> bool:
    """Whether no compute step is done during 40 steps' time."""
    before = await _steps(stack, service)
    await asyncio.sleep(0.2)
    return await _steps(stack, service) == before


@pytest.mark.parametrize("rpc", ALL, ids=lambda rpc: rpc.service)
async def test_cancel_stops_the_computation(stack: Stack, good_blobs: dict[str, Blob], rpc: Rpc) -> None:
    pace = _pace(stack, rpc)
    pace.steps = FOREVER
    blobs = parts_for(rpc, good_blobs)
    service = _computing_kit_name(rpc)
    call = asyncio.create_task(rpc.collect(stack.channels[rpc.service], rpc.messages(blobs)))
    await eventually(pace.running.is_set)
    assert not await _stands_still(stack, service)

    call.cancel()

    await eventually(lambda: not pace.running.is_set())
    assert await _stands_still(stack, service)
    pace.steps = 1
    assert await rpc.collect(stack.channels[rpc.service], rpc.messages(blobs))


def _computing_kit_name(rpc: Rpc) -> str:
    return "generation" if rpc is TRY_ON else rpc.service


@pytest.mark.parametrize("rpc", ALL, ids=lambda rpc: rpc.service)
async def test_a_deadline_stops_the_computation(stack: Stack, good_blobs: dict[str, Blob], rpc: Rpc) -> None:
    pace = _pace(stack, rpc)
    pace.steps = FOREVER
    blobs = parts_for(rpc, good_blobs)

    with pytest.raises(errors.DeadlinePassed):
        await rpc.collect(stack.channels[rpc.service], rpc.messages(blobs), timeout=0.7)

    await eventually(lambda: not pace.running.is_set())
    assert await _stands_still(stack, _computing_kit_name(rpc))


class _GoneContext:
    """The call of a client that has left before it could be told why its call failed."""

    def invocation_metadata(self) -> tuple[()]:
        return ()

    def time_remaining(self) -> float:
        return 10.0

    async def abort(self, *_: object) -> None:
        raise grpc.aio.InternalError("the call is over")


async def test_a_failed_call_whose_client_has_left_is_cancelled_and_no_bug(stack: Stack) -> None:
    interceptor = CallInterceptor(stack.servers["features"].kit)

    async def refusing(*_: object) -> None:
        raise errors.BadField("nothing was sent", field="photo")

    async def continuation(_: object) -> Any:
        return grpc.stream_unary_rpc_method_handler(refusing)

    details: Any = SimpleNamespace(method="/fashquick.features.v1.FeaturesService/ExtractFeatures")
    handler = await interceptor.intercept_service(continuation, details)
    with pytest.raises(asyncio.CancelledError):
        await handler.stream_unary(None, _GoneContext())


@pytest.mark.parametrize("rpc", STAGE_RPCS, ids=lambda rpc: rpc.service)
async def test_a_full_line_refuses_at_once_and_says_when_to_come_back(good_blobs: dict[str, Blob], rpc: Rpc) -> None:
    async with toy_stack(queue_length=1) as stack:
        pace = _pace(stack, rpc)
        pace.steps = FOREVER
        channel = stack.channels[rpc.service]
        messages = rpc.messages(parts_for(rpc, good_blobs))
        compute = stack.servers[rpc.service].kit.compute
        running = asyncio.create_task(rpc.collect(channel, messages))
        await eventually(pace.running.is_set)
        waiting = asyncio.create_task(rpc.collect(channel, messages))
        await eventually(lambda: compute.waiting == 1)

        error = await rpc.failure(channel, messages)

        assert isinstance(error, errors.QueueFull)
        assert error.retry_after_s > 0
        waiting.cancel()
        await eventually(lambda: compute.waiting == 0)
        running.cancel()
        await eventually(lambda: compute.computing == 0)
        pace.steps = 1
        assert await rpc.collect(channel, messages)


async def test_refusals_carry_pushback_for_grpc_itself(good_blobs: dict[str, Blob]) -> None:
    async with toy_stack(byte_budget=1000) as stack:
        call = SEGMENT.make_stub(stack.channels["segmentation"])(_aiter(SEGMENT.messages([good_blobs["photo"]])))
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            [answer async for answer in call]
        trailers = dict(refusal.value.trailing_metadata() or ())
        assert refusal.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert int(str(trailers["grpc-retry-pushback-ms"])) > 0


async def _aiter(items: list[Any]) -> Any:
    for item in items:
        yield item


@pytest.mark.parametrize("rpc", [GENERATE, TRY_ON], ids=lambda rpc: rpc.service)
async def test_a_slow_reader_holds_no_compute_thread_and_is_given_up(
    stack: Stack, good_blobs: dict[str, Blob], rpc: Rpc
) -> None:
    blobs = parts_for(rpc, good_blobs)
    messages = rpc.messages(blobs)
    scene = {"width": 2048, "height": 3072}
    if rpc is GENERATE:
        messages[0].header.create.scene.MergeFrom(type(messages[0].header.create.scene)(**scene))
    else:
        messages[0].header.options.MergeFrom(type(messages[0].header.options)(**scene))
        # A file of this picture is small, a raw map is not.
        messages[0].header.outputs.append(4)
    call = rpc.make_stub(stack.channels[rpc.service])(_aiter(messages), timeout=30)
    await call.read()  # And no more.

    pace = _pace(stack, rpc)
    await eventually(lambda: pace.calls == 1 and not pace.running.is_set())
    kit = _computing_kit(stack, rpc)
    await eventually(lambda: kit.compute.computing == 0)
    await eventually(lambda: stack.servers[rpc.service].kit.active == 0, seconds=10)
    assert stack.servers[rpc.service].kit.budget.taken == 0


async def test_memory_is_as_before_after_200_hostile_calls(stack: Stack, good_blobs: dict[str, Blob]) -> None:
    async def hostile_round(rounds: int) -> None:
        count = 0
        while count < rounds:
            for rpc in ALL:
                for make, _ in CASES.values():
                    await rpc.failure(stack.channels[rpc.service], make(rpc, parts_for(rpc, good_blobs)))
                    count += 1

    await hostile_round(100)  # Whatever is allocated once, is.
    gc.collect()
    before = _resident_bytes()
    await hostile_round(200)
    gc.collect()

    assert _resident_bytes() < before * 1.05


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


@pytest.mark.parametrize("service", ["orchestrator", "generation"])
async def test_a_server_whose_drain_is_over_stops_its_computations_and_ends(
    good_blobs: dict[str, Blob], service: str
) -> None:
    async with toy_stack(drain_s=0.2, stage_patience_s=0.5) as stack:
        pace = stack.generator.pace
        pace.steps = FOREVER
        messages = TRY_ON.messages([good_blobs["photo"]])
        call = asyncio.create_task(TRY_ON.failure(stack.channels["orchestrator"], messages))
        await eventually(pace.running.is_set)

        await asyncio.wait_for(stack.servers[service].stop(), 5)

        assert isinstance(await call, errors.UnavailableError)
        await eventually(lambda: not pace.running.is_set())


async def test_a_draining_server_finishes_its_calls_and_sends_new_ones_elsewhere(good_blobs: dict[str, Blob]) -> None:
    async with toy_stack(drain_s=5.0) as stack:
        pace = stack.segmenter.pace
        pace.steps = 100
        messages = SEGMENT.messages([good_blobs["photo"]])
        channel = stack.channels["segmentation"]
        running = asyncio.create_task(SEGMENT.collect(channel, messages))
        await eventually(pace.running.is_set)
        server = stack.servers["segmentation"]
        stopping = asyncio.create_task(server.stop())
        await eventually(lambda: server.kit.state.value == "draining")

        error = await SEGMENT.failure(channel, messages)

        assert isinstance(error, errors.UnavailableError)  # So that the caller's retry takes another replica.
        assert pace.calls == 1
        assert await running
        await stopping


async def test_a_call_that_reaches_a_draining_server_is_told_so(stack: Stack, good_blobs: dict[str, Blob]) -> None:
    stack.servers["segmentation"].kit.state = State.DRAINING

    error = await SEGMENT.failure(stack.channels["segmentation"], SEGMENT.messages([good_blobs["photo"]]))

    assert isinstance(error, errors.Draining)
    assert error.retry_after_s > 0
