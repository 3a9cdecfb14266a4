"""Admission: who may upload, who may compute.

Bytes are reserved from the header, before a chunk is read; a place in the compute line is taken only after the
upload. Both refuse at once when they are full: a caller that waits in vain cannot go to another replica.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import BytesExhausted, QueueFull

T = TypeVar("T")

_MIN_RETRY_S = 0.1
_FIRST_GUESS_S = 1.0  # Of one computation, until one has been measured.
_SMOOTHING = 0.3  # Weight of the newest computation in the running mean.


class ByteBudget:
    """Bytes that all calls in progress may hold together. Used from the event loop only."""

    def __init__(self, total: int, purpose: str) -> None:
        """Make a budget of `total` bytes, none of them taken; `purpose` is for the refusal."""
        self.total = total
        self._purpose = purpose
        self.taken = 0

    @contextlib.contextmanager
    def reserve(self, size: int) -> Iterator[None]:
        """Hold `size` bytes for as long as the context lasts.

        Raises:
            BytesExhausted: Not that many are left.
        """
        if self.taken + size > self.total:
            raise BytesExhausted(
                f"{size} bytes are needed, {self.total - self.taken} of the server's {self.total} for {self._purpose} "
                f"are free; try again in {_FIRST_GUESS_S:g} s or at another replica",
                retry_after_s=_FIRST_GUESS_S,
            )
        self.taken += size
        try:
            yield
        finally:
            self.taken -= size


class ComputeLine:
    """One compute thread behind a bounded line, first come first served. Used from the event loop only.

    Attributes:
        waiting: Calls in the line.
        computing: Calls in the thread: 0 or 1.
    """

    def __init__(self, queue_length: int, on_seconds: Callable[[float], None] = lambda _: None) -> None:
        """Start the thread.

        Args:
            queue_length: Calls that may wait.
            on_seconds: Told the seconds of every computation, for metrics.
        """
        self._queue_length = queue_length
        self._on_seconds = on_seconds
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="compute")
        self._turn = asyncio.Semaphore(1)
        self._mean_s = _FIRST_GUESS_S
        self.waiting = 0
        self.computing = 0

    async def run(self, work: Callable[[], T], flag: CancelFlag) -> tuple[T, float]:
        """Wait for the thread, do the work in it, return its result and the seconds that it computed.

        When the caller is cancelled while waiting, it leaves the line; while computing, the flag is raised and
        the next in line starts only when the thread has really stopped.

        Raises:
            QueueFull: Too many are waiting.
        """
        if self._turn.locked() and self.waiting >= self._queue_length:
            delay = max(_MIN_RETRY_S, self._mean_s * (self.waiting + 1))
            raise QueueFull(
                f"{self.waiting} calls are waiting, at most {self._queue_length} may; "
                f"try again in {delay:.1f} s or at another replica",
                retry_after_s=delay,
            )
        self.waiting += 1
        try:
            await self._turn.acquire()
        finally:
            self.waiting -= 1
        self.computing += 1

        def timed() -> tuple[T, float]:
            flag.check()
            started = time.monotonic()
            return work(), time.monotonic() - started

        future = asyncio.get_running_loop().run_in_executor(self._executor, timed)
        future.add_done_callback(self._leave)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            flag.cancel()
            raise

    def _leave(self, done: asyncio.Future[tuple[T, float]]) -> None:
        # Fetched here too, because a cancelled caller does not.
        if not done.cancelled() and done.exception() is None:
            _, seconds = done.result()
            self._mean_s += _SMOOTHING * (seconds - self._mean_s)
            self._on_seconds(seconds)
        self.computing -= 1
        self._turn.release()

    def close(self) -> None:
        """End the thread after the work it is doing."""
        self._executor.shutdown(wait=True)
