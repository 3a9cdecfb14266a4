"""Events of a computation for a reader that may be slow: only the newest of each kind is kept."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, Generic, TypeVar

_PAUSE_S = 0.1  # Ten messages a second are enough for any eye; each costs every process on the way some CPU.

E = TypeVar("E")
T = TypeVar("T")


class Latest(Generic[E]):
    """Carries events from the compute thread to the event loop; the newest of a kind replaces the older one."""

    def __init__(self) -> None:
        """Make it inside the event loop."""
        self._loop = asyncio.get_running_loop()
        self._events: dict[str, E] = {}
        self._wake = asyncio.Event()

    def put(self, kind: str, event: E) -> None:
        """Leave an event. Called from any thread; never waits."""
        with contextlib.suppress(RuntimeError):  # The loop has ended: nobody reads any more.
            self._loop.call_soon_threadsafe(self._put, kind, event)

    def _put(self, kind: str, event: E) -> None:
        self._events[kind] = event
        self._wake.set()

    async def during(self, work: Coroutine[Any, Any, T]) -> AsyncGenerator[E | Done[T], None]:
        """Do the work; yield events as they come and, at the end, its result.

        When the reader stops early the work is cancelled.
        """
        task = asyncio.create_task(work)
        # Fetched here too, because a reader that has left does not.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            while True:
                waiter = asyncio.create_task(self._wake.wait())
                try:
                    await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    waiter.cancel()
                self._wake.clear()
                while self._events:
                    yield self._events.pop(next(iter(self._events)))
                if task.done():
                    break
                await asyncio.wait({task}, timeout=_PAUSE_S)
            yield Done(task.result())
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})


class Done(Generic[T]):
    """The last thing that `Latest.during` yields.

    Attributes:
        value: What the work returned.
    """

    def __init__(self, value: T) -> None:
        """Hold the result."""
        self.value = value
