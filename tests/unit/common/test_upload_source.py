from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from fashquick.segmentation.v1 import segmentation_pb2 as pb
from fashquick_common.server.kit import Kit, State
from fashquick_common.server.settings import ServerSettings
from fashquick_common.server.upload import open_upload


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancel_that_comes_together_with_a_message_is_not_lost(turns: int) -> None:
    arrived = asyncio.Event()
    kit = Kit(ServerSettings())
    kit.state = State.READY

    async def messages() -> AsyncIterator[pb.SegmentRequest]:
        await arrived.wait()
        yield pb.SegmentRequest(header=pb.SegmentHeader())

    async def call() -> None:
        async with open_upload(messages(), kit):
            await asyncio.Event().wait()

    task = asyncio.create_task(call())
    await asyncio.sleep(0.01)
    arrived.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()

    done, _ = await asyncio.wait({task}, timeout=1.0)
    assert done
    assert task.cancelled()
    kit.close()
