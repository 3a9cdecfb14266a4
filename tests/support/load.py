"""A bounded client: so many callers, each with one call at a time, for as long as a test wants."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from fashquick_client import Client
from fashquick_common.errors import FashquickError
from tests.support.photos import plain_photo, png
from tests.support.waiting import eventually


@dataclass
class Load:
    """What became of the calls.

    Attributes:
        seconds: Of each call that succeeded, in the order of their ends.
        failures: Of those that did not.
    """

    seconds: list[float] = field(default_factory=list)
    failures: list[FashquickError] = field(default_factory=list)

    async def more(self, count: int, seconds: float = 30.0) -> None:
        """Wait until so many further calls have ended."""
        ended = len(self.seconds) + len(self.failures)
        await eventually(lambda: len(self.seconds) + len(self.failures) >= ended + count, seconds)


@contextlib.asynccontextmanager
async def load(call: Callable[[], Awaitable[object]], callers: int) -> AsyncIterator[Load]:
    """Call again and again as long as the context lasts; calls that run at its end are finished."""
    record, ending = Load(), asyncio.Event()

    async def caller() -> None:
        while not ending.is_set():
            started = time.monotonic()
            try:
                await call()
            except FashquickError as error:
                record.failures.append(error)
            else:
                record.seconds.append(time.monotonic() - started)

    tasks = [asyncio.create_task(caller()) for _ in range(callers)]
    try:
        yield record
    finally:
        ending.set()
        await asyncio.gather(*tasks)


async def try_on_often(client: Client, count: int, callers: int = 4) -> None:
    """Make so many small try-ons, some at a time."""
    photo = png(plain_photo())
    numbers = iter(range(count))

    async def caller() -> None:
        for _ in numbers:
            await client.try_on_result(photo, size=(256, 384), fidelity=False)

    await asyncio.gather(*(caller() for _ in range(callers)))
