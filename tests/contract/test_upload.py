"""Every RPC with an upload, every way an upload can go wrong: the right status, and the next call works."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fashquick_common import errors
from fashquick_common.rpc.blobs import Blob, make_blob
from tests.contract.conftest import parts_for
from tests.support.calls import ALL, Rpc
from tests.support.servers import Stack, toy_stack
from tests.support.uploads import CASES, make_chunk
from tests.support.waiting import eventually


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("rpc", ALL, ids=lambda rpc: rpc.service)
async def test_a_bad_upload_is_refused_and_the_next_call_works(
    stack: Stack, good_blobs: dict[str, Blob], rpc: Rpc, case: str
) -> None:
    make, expected = CASES[case]
    blobs = parts_for(rpc, good_blobs)
    channel = stack.channels[rpc.service]

    error = await rpc.failure(channel, make(rpc, blobs))

    assert type(error) is expected, error.message
    assert error.message
    kit = stack.servers[rpc.service].kit
    await eventually(lambda: kit.active == 0)
    assert kit.budget.taken == 0
    assert await rpc.collect(channel, rpc.messages(blobs))


@pytest.mark.parametrize("rpc", ALL, ids=lambda rpc: rpc.service)
async def test_a_client_that_stalls_is_given_up(stack: Stack, good_blobs: dict[str, Blob], rpc: Rpc) -> None:
    blobs = parts_for(rpc, good_blobs)

    async def stalling() -> AsyncIterator[Any]:
        yield rpc.header(blobs)
        await asyncio.Event().wait()

    with pytest.raises(errors.UploadStalled):
        await rpc.stream(stack.channels[rpc.service], stalling())
    assert stack.servers[rpc.service].kit.budget.taken == 0


@pytest.mark.parametrize("rpc", ALL, ids=lambda rpc: rpc.service)
async def test_a_client_that_sends_byte_by_byte_is_given_up(good_blobs: dict[str, Blob], rpc: Rpc) -> None:
    blobs = parts_for(rpc, good_blobs)

    async def trickling() -> AsyncIterator[Any]:
        yield rpc.header(blobs)
        for offset in range(len(blobs[0].data)):
            yield rpc.chunk(make_chunk("photo", offset, bytes(blobs[0].data[offset : offset + 1])))
            await asyncio.sleep(0.05)

    async with toy_stack(upload_s=0.5) as stack:
        with pytest.raises(errors.UploadStalled, match=r"0\.5 s"):
            await rpc.stream(stack.channels[rpc.service], trickling())
        assert stack.servers[rpc.service].kit.budget.taken == 0


@pytest.mark.parametrize("rpc", ALL, ids=lambda rpc: rpc.service)
async def test_a_client_that_keeps_its_side_open_is_given_up(
    stack: Stack, good_blobs: dict[str, Blob], rpc: Rpc
) -> None:
    blobs = parts_for(rpc, good_blobs)

    async def open_ended() -> AsyncIterator[Any]:
        for message in rpc.messages(blobs):
            yield message
        await asyncio.Event().wait()

    with pytest.raises(errors.UploadStalled):
        await rpc.stream(stack.channels[rpc.service], open_ended())


@pytest.mark.parametrize("rpc", ALL, ids=lambda rpc: rpc.service)
async def test_a_client_that_leaves_frees_its_bytes(stack: Stack, good_blobs: dict[str, Blob], rpc: Rpc) -> None:
    blobs = parts_for(rpc, good_blobs)
    kit = stack.servers[rpc.service].kit
    sent = asyncio.Event()

    async def leaving() -> AsyncIterator[Any]:
        yield rpc.header(blobs)
        sent.set()
        await asyncio.Event().wait()

    call = asyncio.create_task(rpc.stream(stack.channels[rpc.service], leaving()))
    await sent.wait()
    await eventually(lambda: kit.budget.taken > 0)
    call.cancel()

    await eventually(lambda: kit.budget.taken == 0 and kit.active == 0)
    assert await rpc.collect(stack.channels[rpc.service], rpc.messages(blobs))


@pytest.mark.parametrize("rpc", ALL, ids=lambda rpc: rpc.service)
async def test_a_photo_file_is_as_good_as_raw_pixels(stack: Stack, good_blobs: dict[str, Blob], rpc: Rpc) -> None:
    blobs = parts_for(rpc, good_blobs | {"photo": good_blobs["file"]})

    assert await rpc.collect(stack.channels[rpc.service], rpc.messages(blobs))


@pytest.mark.parametrize("rpc", ALL, ids=lambda rpc: rpc.service)
async def test_a_part_that_was_not_sent_is_named(stack: Stack, good_blobs: dict[str, Blob], rpc: Rpc) -> None:
    blobs = parts_for(rpc, good_blobs)
    other = dataclasses.replace(blobs[0], header=make_blob("elsewhere", blobs[0].data, 2, width=200, height=240).header)

    error = await rpc.failure(stack.channels[rpc.service], rpc.messages([other, *blobs[1:]]))

    assert isinstance(error, errors.BadField)
    assert "'photo'" in error.message


@pytest.mark.parametrize("rpc", ALL, ids=lambda rpc: rpc.service)
async def test_a_request_id_that_could_forge_log_lines_is_refused(
    stack: Stack, good_blobs: dict[str, Blob], rpc: Rpc
) -> None:
    blobs = parts_for(rpc, good_blobs)
    messages = rpc.messages(blobs)
    messages[0].header.request_id = 'x"\n{"level": "error"}'

    error = await rpc.failure(stack.channels[rpc.service], messages)

    assert isinstance(error, errors.BadField)
    assert error.field == "request_id"
