"""Hostile image files through real calls: every one is answered or refused with advice, and nothing is lost."""

from __future__ import annotations

import pytest

from fashquick_common import errors
from fashquick_common.rpc.blobs import Blob, make_blob
from tests.contract.conftest import parts_for
from tests.support.calls import ALL, SEGMENT, Rpc
from tests.support.hostile import hostile_files
from tests.support.photos import plain_photo, png
from tests.support.servers import toy_stack

# What a caller can act on: the file is wrong, or nothing in it is a garment.
EXPECTED = (errors.InvalidArgumentError, errors.NoGarment)


@pytest.mark.parametrize("rpc", ALL, ids=lambda rpc: rpc.service)
async def test_every_hostile_file_is_answered_or_refused_with_advice(rpc: Rpc, good_blobs: dict[str, Blob]) -> None:
    async with toy_stack() as stack:
        channel, kit = stack.channels[rpc.service], stack.servers[rpc.service].kit
        advice: dict[str, str] = {}
        for name, data in hostile_files().items():
            blobs = parts_for(rpc, good_blobs | {"photo": make_blob("photo", data or b"\0", name="x.jpg")})
            try:
                await rpc.collect(channel, rpc.messages(blobs))
            except EXPECTED as error:
                advice[name] = error.message
            assert kit.budget.taken == kit.decoding.taken == 0, name
        assert len(advice) > 100
        assert all(len(message) > 20 for message in advice.values())


async def test_a_picture_that_takes_more_memory_than_there_is_is_refused_before_it_is_decoded() -> None:
    async with toy_stack(decode_budget=10_000) as stack:
        photo = make_blob("photo", png(plain_photo()))
        error = await SEGMENT.failure(stack.channels["segmentation"], SEGMENT.messages([photo]))

        assert isinstance(error, errors.ImageTooLarge)
        assert stack.segmenter.pace.calls == 0
