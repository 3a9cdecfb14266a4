"""What a server keeps of a call: its log lines and its metrics, whoever ended it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
import structlog

from fashquick_common.rpc.blobs import Blob
from tests.contract.conftest import parts_for
from tests.support.calls import ALL, GENERATE, TRY_ON, Rpc
from tests.support.servers import METHODS, Stack
from tests.support.waiting import eventually


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """Log lines, each with what is bound to its call."""
    captured: list[dict[str, Any]] = []

    def capture(_: object, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        captured.append(dict(line))
        raise structlog.DropEvent

    quiet = structlog.get_config()
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, capture],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    yield captured
    structlog.configure(**quiet)


def _status_counts(stack: Stack, rpc: Rpc) -> dict[str, float]:
    registry = stack.servers[rpc.service].kit.metrics.registry
    return {
        sample.labels["status"]: sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "fashquick_calls_total"
    }


@pytest.mark.parametrize("rpc", [GENERATE, TRY_ON], ids=lambda rpc: rpc.service)
async def test_a_client_that_leaves_amid_the_answer_is_no_crash(
    stack: Stack, good_blobs: dict[str, Blob], rpc: Rpc, lines: list[dict[str, Any]]
) -> None:
    messages = rpc.messages(parts_for(rpc, good_blobs))
    if rpc is GENERATE:
        messages[0].header.create.scene.width = 2048
        messages[0].header.create.scene.height = 3072
    else:
        messages[0].header.options.width = 2048
        messages[0].header.options.height = 3072
        messages[0].header.outputs.append(4)
    kit = stack.servers[rpc.service].kit
    for _ in range(5):
        call = rpc.make_stub(stack.channels[rpc.service])(_items(messages), timeout=30)
        async for answer in call:
            if answer.WhichOneof("message") == "chunk":
                break
        call.cancel()
        await eventually(lambda: kit.active == 0)

    assert not [line for line in lines if line["event"] == "call.crashed"]
    assert _status_counts(stack, rpc).keys() <= {"CANCELLED"}


async def _items(messages: list[Any]) -> Any:
    for message in messages:
        yield message


@pytest.mark.parametrize("rpc", ALL, ids=lambda rpc: rpc.service)
async def test_the_headers_request_id_is_in_the_calls_log_line(
    stack: Stack, good_blobs: dict[str, Blob], rpc: Rpc, lines: list[dict[str, Any]]
) -> None:
    messages = rpc.messages(parts_for(rpc, good_blobs))
    messages[0].header.request_id = "job-42"

    await rpc.collect(stack.channels[rpc.service], messages)

    await eventually(lambda: any(line["event"] == "call.done" for line in lines))
    done = {line["method"]: line["request_id"] for line in lines if line["event"] == "call.done"}
    assert done[METHODS[rpc.service]] == "job-42"


async def test_a_job_without_an_id_has_one_name_in_all_log_lines(
    stack: Stack, good_blobs: dict[str, Blob], lines: list[dict[str, Any]]
) -> None:
    [accepted, *_] = await TRY_ON.collect(
        stack.channels["orchestrator"], TRY_ON.messages(parts_for(TRY_ON, good_blobs))
    )

    await eventually(lambda: len([line for line in lines if line["event"] == "call.done"]) == 5)
    assert {line["request_id"] for line in lines if line["event"] == "call.done"} == {accepted.accepted.request_id}
