"""The pixels of a call are freed when it ends, however it ends, and not when a garbage collection comes round."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from fashquick_common import errors
from fashquick_common.rpc.blobs import Blob
from tests.contract.conftest import parts_for
from tests.support.calls import ALL, TRY_ON, Rpc
from tests.support.servers import Stack
from tests.support.waiting import eventually

FOREVER = 100_000


@pytest.fixture
def pixels(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """References to every photo that an engine was given; garbage is not collected meanwhile."""
    seen: list[Any] = []
    for engine, work in ((stack.segmenter, "segment"), (stack.analyser, "analyse")):
        original = getattr(engine, work)

        def spy(photo: Any, *rest: Any, original: Any = original) -> Any:
            seen.append(weakref.ref(photo))
            return original(photo, *rest)

        monkeypatch.setattr(engine, work, spy)
    generate = stack.generator.generate

    def spy_on_job(job: Any, *rest: Any) -> Any:
        seen.append(weakref.ref(job.garments[0].photo))
        picture = generate(job, *rest)
        stack.generator.jobs.clear()
        return picture

    monkeypatch.setattr(stack.generator, "generate", spy_on_job)
    gc.collect()
    gc.disable()
    yield seen
    gc.enable()


def _engine(stack: Stack, rpc: Rpc) -> Any:
    engines = {"segmentation": stack.segmenter, "features": stack.analyser}
    return engines.get(rpc.service, stack.generator)


def _let_fail(stack: Stack, rpc: Rpc, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Any) -> None:
        stack.generator.jobs.clear()
        raise error

    monkeypatch.setattr(_engine(stack, rpc).pace, "work", fail)


@pytest.mark.parametrize("end", ["answered", "refused", "crashed", "cancelled", "late"])
@pytest.mark.parametrize("rpc", ALL, ids=lambda rpc: rpc.service)
async def test_a_call_frees_its_pixels_however_it_ends(
    stack: Stack,
    good_blobs: dict[str, Blob],
    pixels: list[Any],
    rpc: Rpc,
    end: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel, messages = stack.channels[rpc.service], rpc.messages(parts_for(rpc, good_blobs))
    pace = _engine(stack, rpc).pace
    match end:
        case "answered":
            await rpc.collect(channel, messages)
        case "refused":
            _let_fail(stack, rpc, errors.PhotoNotUsable("too blurred; take it again"), monkeypatch)
            await rpc.failure(channel, messages)
        case "crashed":
            _let_fail(stack, rpc, ValueError("a bug"), monkeypatch)
            assert isinstance(await rpc.failure(channel, messages), errors.InternalError)
        case "cancelled":
            pace.steps = FOREVER
            call = asyncio.create_task(rpc.collect(channel, messages))
            await eventually(pace.running.is_set)
            call.cancel()
        case "late":
            pace.steps = FOREVER
            assert isinstance(await rpc.failure(channel, messages, timeout=0.5), errors.DeadlinePassed)
    await eventually(lambda: not pace.running.is_set())
    stack.generator.jobs.clear()
    if rpc is TRY_ON:
        await eventually(lambda: len(pixels) >= 3)

    await eventually(lambda: all(photo() is None for photo in pixels))
