"""Every RPC with an upload, every way an upload can go wrong: the right status, and the next call works."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from fashquick.common.v1 import blob_pb2
from fashquick_common import errors
from fashquick_common.rpc.blobs import MAX_CHUNK_BYTES, Blob, make_blob
from tests.contract.conftest import parts_for
from tests.support.calls import ALL, Rpc
from tests.support.servers import Stack, toy_stack
from tests.support.waiting import eventually

Messages = list[Any]


def _chunk(part: str, offset: int, data: bytes) -> blob_pb2.Chunk:
    return blob_pb2.Chunk(part=part, offset=offset, data=data)


def _changed(rpc: Rpc, blobs: list[Blob], **fields: Any) -> Messages:
    """A correct upload whose first part's header lies."""
    header = blob_pb2.BlobHeader()
    header.CopyFrom(blobs[0].header)
    for name, value in fields.items():
        setattr(header, name, value)
    good = rpc.messages(blobs)
    return [rpc.header([Blob(header, blobs[0].data), *blobs[1:]]), *good[1:]]


CASES: dict[str, tuple[Callable[[Rpc, list[Blob]], Messages], type[errors.FashquickError]]] = {
    "nothing": (lambda rpc, blobs: [], errors.UploadOutOfOrder),
    "no header": (lambda rpc, blobs: rpc.messages(blobs)[1:], errors.UploadOutOfOrder),
    "two headers": (
        lambda rpc, blobs: [rpc.header(blobs), rpc.header(blobs), *rpc.messages(blobs)[1:]],
        errors.UploadOutOfOrder,
    ),
    "a header at the end": (lambda rpc, blobs: [*rpc.messages(blobs), rpc.header(blobs)], errors.UploadOutOfOrder),
    "a message without content": (
        lambda rpc, blobs: [rpc.header(blobs), type(rpc.header(blobs))()],
        errors.UploadOutOfOrder,
    ),
    "a chunk of an unknown part": (
        lambda rpc, blobs: [rpc.header(blobs), rpc.chunk(_chunk("other", 0, b"x"))],
        errors.UploadOutOfOrder,
    ),
    "chunks out of order": (
        lambda rpc, blobs: [rpc.header(blobs), rpc.chunk(_chunk("photo", 100, b"x" * 100))],
        errors.UploadOutOfOrder,
    ),
    "overlapping chunks": (
        lambda rpc, blobs: [
            rpc.header(blobs),
            rpc.chunk(_chunk("photo", 0, b"x" * 100)),
            rpc.chunk(_chunk("photo", 50, b"x" * 100)),
        ],
        errors.UploadOutOfOrder,
    ),
    "too many chunks": (
        lambda rpc, blobs: [*rpc.messages(blobs), rpc.chunk(_chunk(blobs[-1].part, len(blobs[-1].data), b"x"))],
        errors.UploadOutOfOrder,
    ),
    "too few chunks": (lambda rpc, blobs: rpc.messages(blobs)[:-1], errors.SizeMismatch),
    "a chunk past the announced end": (
        lambda rpc, blobs: _changed(rpc, blobs, size_bytes=10),
        errors.SizeMismatch,
    ),
    "a header that announces more": (
        lambda rpc, blobs: _changed(rpc, blobs[:1], size_bytes=len(blobs[0].data) + 1),
        errors.SizeMismatch,
    ),
    "another digest": (lambda rpc, blobs: _changed(rpc, blobs, sha256=bytes(32)), errors.DigestMismatch),
    "a digest of 5 bytes": (lambda rpc, blobs: _changed(rpc, blobs, sha256=b"short"), errors.BadField),
    "an empty part": (lambda rpc, blobs: _changed(rpc, blobs, size_bytes=0), errors.BadField),
    "a part of 2^60 bytes": (lambda rpc, blobs: _changed(rpc, blobs, size_bytes=2**60), errors.ImageTooLarge),
    "more than the byte budget": (
        lambda rpc, blobs: _changed(rpc, blobs, size_bytes=8 * 1024 * 1024),
        errors.BytesExhausted,
    ),
    "a part name that is a path": (lambda rpc, blobs: _changed(rpc, blobs, part="../../etc/passwd\n"), errors.BadField),
    "a part twice": (lambda rpc, blobs: [rpc.header([*blobs, blobs[0]])], errors.BadField),
    "a hundred parts": (
        lambda rpc, blobs: [rpc.header([make_blob(f"p{index}", b"x") for index in range(100)])],
        errors.BadField,
    ),
    "a raw picture without size": (lambda rpc, blobs: _changed(rpc, blobs, width=0), errors.BadField),
    "a raw picture of another size": (lambda rpc, blobs: _changed(rpc, blobs, width=100), errors.BadField),
    "an empty chunk": (
        lambda rpc, blobs: [rpc.header(blobs), rpc.chunk(_chunk("photo", 0, b""))],
        errors.BadField,
    ),
    "a chunk over 1 MiB": (
        lambda rpc, blobs: [
            rpc.header([_big()]),
            rpc.chunk(_chunk("photo", 0, bytes(_big().data[: MAX_CHUNK_BYTES + 1]))),
        ],
        errors.BadField,
    ),
}


def _big() -> Blob:
    return make_blob("photo", b"x" * (2 * MAX_CHUNK_BYTES))


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
    await asyncio.wait_for(kit.wait_idle(5), 5)
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
            yield rpc.chunk(_chunk("photo", offset, bytes(blobs[0].data[offset : offset + 1])))
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
