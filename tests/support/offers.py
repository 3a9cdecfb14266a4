"""Calls of the segmentation contract, offered at a rate or one after the other, and what became of each."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc

from fashquick.common.v1 import priority_pb2
from fashquick_common.server.pictures import rgb8_blob
from tests.support.calls import SEGMENT
from tests.support.photos import plain_photo

_BLOB = rgb8_blob("photo", plain_photo())


@dataclass
class Record:
    """Seconds of the calls that were served and of those that were not, and why they were not."""

    served: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    refusals: list[grpc.aio.AioRpcError] = field(default_factory=list)


async def _messages(priority: int) -> AsyncIterator[Any]:
    messages = SEGMENT.messages([_BLOB])
    messages[0].header.priority = priority
    for message in messages:
        yield message


async def call(channel: grpc.aio.Channel, priority: int, record: Record) -> None:
    """Make one call and record what became of it."""
    started = time.monotonic()
    try:
        async for _ in SEGMENT.make_stub(channel)(_messages(priority), timeout=20):
            pass
    except grpc.aio.AioRpcError as error:
        record.refused.append(time.monotonic() - started)
        record.refusals.append(error)
    else:
        record.served.append(time.monotonic() - started)


async def offer(
    channel: grpc.aio.Channel, rates: Mapping[int, float], seconds: float, records: Mapping[int, Record]
) -> None:
    """Begin calls of each priority at a steady rate, whatever becomes of the earlier ones.

    Args:
        channel: To the server.
        rates: Calls a second by priority.
        seconds: For how long.
        records: Where what became of them is noted, by priority.
    """

    async def stream(priority: int, rate: float) -> None:
        began = time.monotonic()
        running: set[asyncio.Task[None]] = set()
        for number in itertools.count():
            due = began + number / rate
            if due >= began + seconds:
                break
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            running.add(asyncio.create_task(call(channel, priority, records[priority])))
            running = {task for task in running if not task.done()}
        await asyncio.gather(*running)

    await asyncio.gather(*(stream(priority, rate) for priority, rate in rates.items()))


async def again_and_again(channel: grpc.aio.Channel, record: Record, seconds: float) -> None:
    """Be one caller with one call at a time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await call(channel, priority_pb2.PRIORITY_INTERACTIVE, record)


def percentile(values: Sequence[float], share: float) -> float:
    """Value that the share, 0.01 to 0.99, of the values does not exceed."""
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]
