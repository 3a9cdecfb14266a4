"""Jobs by request id: the same request attaches to the running job or gets its result again.

A job runs apart from the call that began it, so that a caller whose connection broke finds it again. It is
cancelled when nobody follows it any more. Finished jobs are kept for a while, bounded in time and bytes; failed
ones are not, so that trying again computes again.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable
from operator import itemgetter

from fashquick_common.errors import Cancelled, QueueFull, RequestIdTaken
from fashquick_orchestrator.pipeline import Listener
from fashquick_orchestrator.values import Passing, StageFinished, TryOnResult

Event = Passing | StageFinished | TryOnResult

_RETRY_S = 2.0  # About the time of a picture.


class Job:
    """One try-on, followed by any number of callers.

    Attributes:
        digest: Of the request.
        seed: Start of its random numbers.
        finished_at: Moment in seconds of `time.monotonic()` when it succeeded, or None.
    """

    def __init__(self, digest: bytes, seed: int, work: Callable[[Listener], Awaitable[TryOnResult]]) -> None:
        """Start the work."""
        self.digest = digest
        self.seed = seed
        self.finished_at: float | None = None
        self._lasting: list[tuple[int, Event]] = []
        self._passing: dict[type, tuple[int, Event]] = {}
        self._happened = 0
        self._wakers: set[asyncio.Event] = set()
        self._task = asyncio.create_task(self._run(work))
        self._task.add_done_callback(self._ended)

    @property
    def running(self) -> bool:
        """Whether it still computes."""
        return not self._task.done()

    @property
    def result_bytes(self) -> int:
        """Bytes of its result; 0 while there is none."""
        last = self._lasting[-1][1] if self._lasting else None
        return sum(len(part.blob.data) for part in last.parts) if isinstance(last, TryOnResult) else 0

    async def follow(self) -> AsyncGenerator[Event, None]:
        """Yield its events: every lasting one from the start, of the passing ones the newest of each kind.

        The last follower that leaves before the end cancels the job.

        Raises:
            FashquickError: Why the job failed.
        """
        waker = asyncio.Event()
        self._wakers.add(waker)
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
        finally:
            self._wakers.discard(waker)
            if not self._wakers:
                self._task.cancel()

    async def _run(self, work: Callable[[Listener], Awaitable[TryOnResult]]) -> None:
        result = await work(Listener(passing=self._pass, lasting=self._tell))
        self._tell(result)
        self.finished_at = time.monotonic()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            task.exception()  # Fetched here too, because nobody may be following any more.
        self._wake()

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

    def __init__(self, max_jobs: int, keep_s: float, max_bytes: int) -> None:
        """Make an empty store.

        Args:
            max_jobs: Jobs that may run at one time.
            keep_s: Seconds for which a finished job is kept.
            max_bytes: Bytes of results that are kept.
        """
        self._max_jobs = max_jobs
        self._keep_s = keep_s
        self._max_bytes = max_bytes
        self._jobs: OrderedDict[str, Job] = OrderedDict()

    def find(self, request_id: str, digest: bytes) -> Job | None:
        """Return the job of this id, running or finished, or None.

        Raises:
            RequestIdTaken: The id belongs to another request.
        """
        self._forget()
        job = self._jobs.get(request_id)
        if job is not None and job.digest != digest:
            raise RequestIdTaken(f"request_id {request_id!r} was used for another request; use a new id, or none")
        return job

    def check_room(self) -> None:
        """Return if one more job may run.

        Raises:
            QueueFull: Too many are running.
        """
        running = sum(job.running for job in self._jobs.values())
        if running >= self._max_jobs:
            raise QueueFull(
                f"{running} jobs are running, at most {self._max_jobs} may; try again in {_RETRY_S:g} s",
                retry_after_s=_RETRY_S,
            )

    def start(
        self, request_id: str, digest: bytes, seed: int, work: Callable[[Listener], Awaitable[TryOnResult]]
    ) -> Job:
        """Start a job under an id that `find` did not know.

        Raises:
            QueueFull: Too many are running.
        """
        self.check_room()
        job = Job(digest, seed, work)
        self._jobs[request_id] = job
        return job

    def _forget(self) -> None:
        """Drop failed jobs, jobs that are too old, and the oldest beyond the bytes."""
        now = time.monotonic()
        for request_id, job in list(self._jobs.items()):
            if job.running:
                continue
            if job.finished_at is None or now - job.finished_at > self._keep_s:
                del self._jobs[request_id]
        total = sum(job.result_bytes for job in self._jobs.values())
        for request_id, job in list(self._jobs.items()):
            if total <= self._max_bytes:
                break
            if not job.running:
                total -= job.result_bytes
                del self._jobs[request_id]
