"""Jobs by request id: the same request attaches to the running job or gets its result again.

A job runs apart from the call that began it, so that any of its callers may leave. It is cancelled when nobody
follows it any more, and answers its id no longer: whoever asks then begins anew. Finished jobs are kept for a
while, bounded in time and bytes; failed ones are not, so that trying again computes again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from operator import itemgetter

from fashquick_common.errors import Cancelled, FashquickError, QueueFull, RequestIdTaken, drop_frames
from fashquick_common.priority import Priority
from fashquick_orchestrator.account import Listener
from fashquick_orchestrator.config import JobLimits
from fashquick_orchestrator.values import Lasting, Passing, TryOnResult

Event = Passing | Lasting | TryOnResult

_RETRY_S = 2.0  # About the time of a picture.


class Job:
    """One try-on, followed by any number of callers. Whoever starts one follows it at once.

    Attributes:
        digest: Of the request.
        seed: Start of its random numbers.
        priority: Of whoever began it.
        finished_at: Moment in seconds of `time.monotonic()` when it succeeded, or None.
    """

    def __init__(
        self,
        digest: bytes,
        seed: int,
        priority: Priority,
        work: Callable[[Listener], Awaitable[TryOnResult]],
        on_end: Callable[[Job], None],
    ) -> None:
        """Start the work; `on_end` is told when it has ended, however it did."""
        self.digest = digest
        self.seed = seed
        self.priority = priority
        self.finished_at: float | None = None
        self._lasting: list[tuple[int, Event]] = []
        self._passing: dict[type, tuple[int, Event]] = {}
        self._happened = 0
        self._wakers: set[asyncio.Event] = set()
        self._on_end = on_end
        self._task = asyncio.create_task(self._run(work))
        self._task.add_done_callback(self._ended)

    @property
    def running(self) -> bool:
        """Whether it still computes."""
        return not self._task.done()

    @property
    def lost(self) -> bool:
        """Whether no result will come of it: it has failed, or everyone has left it before its end."""
        return self._task.cancelling() > 0 or (self._task.done() and self.finished_at is None)

    @property
    def result_bytes(self) -> int:
        """Bytes of its result; 0 while there is none."""
        last = self._lasting[-1][1] if self._lasting else None
        return sum(len(part.blob.data) for part in last.parts) if isinstance(last, TryOnResult) else 0

    @contextlib.asynccontextmanager
    async def followed(self) -> AsyncIterator[AsyncGenerator[Event, None]]:
        """Follow it as long as the context lasts; the last follower that leaves before the end cancels it.

        Gives its events: every lasting one from the start, of the passing ones the newest of each kind. They
        end with the `FashquickError` that the job failed with.
        """
        waker = asyncio.Event()
        self._wakers.add(waker)
        try:
            async with contextlib.aclosing(self._events(waker)) as events:
                yield events
        finally:
            self._wakers.discard(waker)
            if not self._wakers:
                self._task.cancel()

    async def _events(self, waker: asyncio.Event) -> AsyncGenerator[Event, None]:
        seen = 0
        try:
            while True:
                waker.clear()
                done = self._task.done()
                happened = self._lasting if done else [*self._lasting, *self._passing.values()]
                for number, event in sorted(happened, key=itemgetter(0)):
                    if number > seen:
                        seen = number
                        yield event
                if done:
                    break
                await waker.wait()
            self._task.result()
        except asyncio.CancelledError:
            if self._task.cancelled() and not _being_cancelled():
                raise Cancelled("the job was cancelled by whoever began it; send the request again") from None
            raise

    async def _run(self, work: Callable[[Listener], Awaitable[TryOnResult]]) -> None:
        result = await work(Listener(passing=self._pass, lasting=self._tell))
        self._tell(result)
        self.finished_at = time.monotonic()

    def _ended(self, task: asyncio.Task[None]) -> None:
        # Fetched here too, because nobody may be following any more. A bug keeps its frames for the log.
        with contextlib.suppress(asyncio.CancelledError):
            error = task.exception()
            if isinstance(error, FashquickError):
                drop_frames(error)
        self._wake()
        self._on_end(self)

    def _pass(self, event: Passing) -> None:
        self._happened += 1
        self._passing[type(event)] = (self._happened, event)
        self._wake()

    def _tell(self, event: Event) -> None:
        self._happened += 1
        self._lasting.append((self._happened, event))
        self._wake()

    def _wake(self) -> None:
        for waker in self._wakers:
            waker.set()


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class JobStore:
    """All jobs of one orchestrator that somebody may ask for. Used from the event loop only."""

    def __init__(self, limits: JobLimits) -> None:
        """Make an empty store."""
        self._limits = limits
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._running: set[Job] = set()

    def find(self, request_id: str, digest: bytes) -> Job | None:
        """Return the job of this id, running or finished, or None.

        Raises:
            RequestIdTaken: The id belongs to another request.
        """
        job = self._jobs.get(request_id)
        if job is None or job.lost:
            return None
        if job.digest != digest:
            raise RequestIdTaken(f"request_id {request_id!r} was used for another request; use a new id, or none")
        return job

    def check_room(self, priority: Priority) -> None:
        """Return if one more job may run.

        Raises:
            QueueFull: Too many are running.
        """
        running = [job for job in self._running if job.running]
        counts = [("jobs", len(running), self._limits.max_jobs)]
        if priority is Priority.BULK:
            bulk = sum(job.priority is Priority.BULK for job in running)
            counts.append(("bulk jobs", bulk, self._limits.max_bulk_jobs))
        for what, count, most in counts:
            if count >= most:
                raise QueueFull(
                    f"{count} {what} are running, at most {most} may; try again in {_RETRY_S:g} s",
                    retry_after_s=_RETRY_S,
                )

    def start(
        self,
        request_id: str,
        digest: bytes,
        seed: int,
        priority: Priority,
        work: Callable[[Listener], Awaitable[TryOnResult]],
    ) -> Job:
        """Start a job under an id that `find` did not know.

        Raises:
            QueueFull: Too many are running.
        """
        self.check_room(priority)
        job = Job(digest, seed, priority, work, self._ended)
        self._jobs[request_id] = job
        self._running.add(job)
        return job

    def _ended(self, job: Job) -> None:
        self._running.discard(job)
        self._forget()
        if job.finished_at is not None:
            asyncio.get_running_loop().call_later(self._limits.keep_s, self._forget)

    def _forget(self) -> None:
        """Drop failed jobs, jobs that are too old, and the oldest beyond the bytes."""
        now = time.monotonic()
        for request_id, job in list(self._jobs.items()):
            if job.running:
                continue
            if job.finished_at is None or now - job.finished_at >= self._limits.keep_s:
                del self._jobs[request_id]
        total = sum(job.result_bytes for job in self._jobs.values())
        for request_id, job in list(self._jobs.items()):
            if total <= self._limits.max_bytes:
                break
            if not job.running:
                total -= job.result_bytes
                del self._jobs[request_id]
