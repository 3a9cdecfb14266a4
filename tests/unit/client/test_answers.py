"""Answers that are not what they should be."""

import pytest

from fashquick.tryon.v1 import try_on_pb2
from fashquick_client import Finished, Preview, Progress, Stage
from fashquick_common.errors import DigestMismatch, InternalError, SizeMismatch


def flip_a_byte(messages):
    spoiled = []
    for message in messages:
        if message.WhichOneof("message") == "chunk" and message.chunk.part == "view/0/picture":
            message.chunk.data = b"X" + message.chunk.data[1:]
        spoiled.append(message)
    return spoiled


def without_last_chunk(messages):
    chunks = [message for message in messages if message.WhichOneof("message") == "chunk"]
    return [message for message in messages if message is not chunks[-1]]


def without_summary(messages):
    return messages[:-1]


def without_picture_in_summary(messages):
    del messages[-1].summary.blobs[-1]
    return messages


def with_chunk_first(messages):
    return [messages[1], messages[0], *messages[2:]]


@pytest.mark.parametrize(
    ("spoil", "error", "attempts"),
    [
        (flip_a_byte, DigestMismatch, 2),
        (without_last_chunk, SizeMismatch, 2),
        (without_picture_in_summary, InternalError, 1),  # The picture has been given out.
        (with_chunk_first, InternalError, 2),
    ],
)
async def test_a_spoiled_answer_is_an_error(client, server, photo, spoil, error, attempts):
    server.spoil = spoil
    with pytest.raises(error):
        await client.try_on_result(photo)
    assert len(server.headers) == attempts


def without_result(messages):
    return messages[1:]


def with_unknown_part(messages):
    messages[0].result.alpha_part = "elsewhere"
    return messages


def with_a_file_for_a_mask(messages):
    messages[1].blob.encoding = 1
    return messages


def with_a_part_twice(messages):
    return [*messages[:-1], *messages[1:3], messages[-1]]


@pytest.mark.parametrize("spoil", [without_result, with_unknown_part, with_a_file_for_a_mask, with_a_part_twice])
async def test_a_mask_that_breaks_the_protocol_is_the_servers_fault(client, server, photo, spoil):
    server.spoil = spoil
    with pytest.raises(InternalError, match="breaks the protocol"):
        await client.segment(photo)


async def test_a_mask_without_summary_is_not_a_result(client, server, photo):
    server.spoil = without_summary
    with pytest.raises(SizeMismatch, match="summary"):
        await client.segment(photo)


def without_preview_in_summary(messages):
    del messages[-1].summary.blobs[0]
    return messages


async def test_previews_need_not_be_in_the_summary(client, server, photo):
    server.spoil = without_preview_in_summary
    assert (await client.try_on_result(photo)).picture == server.picture


async def test_an_answer_without_summary_is_not_a_result(client, server, photo):
    server.spoil = without_summary
    with pytest.raises(SizeMismatch, match="summary"):
        await client.try_on_result(photo)


async def test_a_newer_servers_words_are_tolerated(client, server, photo):
    def newer(messages):
        messages[0].part.kind = 99
        return [try_on_pb2.TryOnResponse(progress={"stage": 77, "progress": {"fraction": 1.0}}), *messages]

    server.spoil = newer
    events = [event async for event in client.try_on(photo)]
    assert Progress(Stage.UNKNOWN, "", 1.0) in events
    assert not any(isinstance(event, Preview) for event in events)
    assert isinstance(events[-1], Finished)
