from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from fashquick_common import errors
from fashquick_common.rpc.blobs import ENCODING_RGB8, Blob, make_blob
from fashquick_common.server.kit import Kit
from fashquick_common.server.settings import ServerSettings
from tests.support.waiting import eventually


@pytest.fixture
async def kit() -> AsyncIterator[Kit]:
    made = Kit(ServerSettings(decode_budget=50_000, codec_threads=1))
    yield made
    await asyncio.to_thread(made.close)


def photo() -> Blob:
    """A photo whose decoding takes 30,000 bytes."""
    return make_blob("photo", bytes(30_000), ENCODING_RGB8, width=100, height=100)


async def test_memory_stays_reserved_until_a_cancelled_decode_has_really_ended(kit: Kit) -> None:
    begun, gate = threading.Event(), threading.Event()

    def decode() -> None:
        begun.set()
        gate.wait(5)

    call = asyncio.create_task(kit.decode([photo()], decode))
    await eventually(begun.is_set)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert kit.decoding.taken == 30_000
    gate.set()
    await eventually(lambda: kit.decoding.taken == 0)


async def test_a_decode_that_is_cancelled_before_its_turn_is_never_begun(kit: Kit) -> None:
    begun, gate, decoded = threading.Event(), threading.Event(), []

    def occupy() -> None:
        begun.set()
        gate.wait(5)

    first = asyncio.create_task(kit.decode([make_blob("photo", b"x", ENCODING_RGB8, width=1, height=1)], occupy))
    await eventually(begun.is_set)
    second = asyncio.create_task(kit.decode([photo()], lambda: decoded.append(1)))
    await asyncio.sleep(0)
    second.cancel()
    gate.set()
    await first
    with pytest.raises(asyncio.CancelledError):
        await second

    await eventually(lambda: kit.decoding.taken == 0)
    assert not decoded


async def test_a_decode_that_fails_gives_its_memory_back(kit: Kit) -> None:
    def fail() -> None:
        raise errors.ImageDamaged("cut short")

    with pytest.raises(errors.ImageDamaged):
        await kit.decode([photo()], fail)

    assert kit.decoding.taken == 0


async def test_a_decode_that_does_not_fit_beside_another_is_refused_with_advice() -> None:
    kit = Kit(ServerSettings(decode_budget=50_000, codec_threads=2))
    begun, gate = threading.Event(), threading.Event()

    def occupy() -> None:
        begun.set()
        gate.wait(5)

    first = asyncio.create_task(kit.decode([photo()], occupy))
    await eventually(begun.is_set)
    with pytest.raises(errors.BytesExhausted, match=r"20000 .*reading pictures.*try again") as refusal:
        await kit.decode([photo()], lambda: None)

    assert refusal.value.retry_after_s > 0
    gate.set()
    await first
    await asyncio.to_thread(kit.close)
