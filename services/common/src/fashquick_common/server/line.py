"""The compute thread and the line before it: who computes next, what is computed together, who is refused.

A place in the line is taken only after the upload. When the line is full a call is refused at once: a caller that
waits in vain cannot go to another replica. Interactive calls go before bulk calls, and some places are theirs alone.

Calls whose inputs have one shape may be computed together (micro-batching): while the thread is busy they gather in
the line for nothing, and an idle thread may wait a short window for company.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import structlog

from fashquick_common.cancel import CancelFlag, SharedFlag
from fashquick_common.errors import FashquickError, QueueFull, drop_frames
from fashquick_common.priority import Priority

log = structlog.get_logger(__name__)

T = TypeVar("T")
Item = TypeVar("Item")
R = TypeVar("R")

BatchWork = Callable[[Sequence[Item], CancelFlag], Sequence[R]]
"""Computes some inputs of one shape together; returns as many results, in their order. Checks the flag, which is
raised when nobody waits for any of the results any more."""

_MIN_RETRY_S = 0.1
_FIRST_GUESS_S = 1.0  # Of one computation, until one has been measured.
_SMOOTHING = 0.3  # Weight of the newest computation in the running mean.


@dataclass(frozen=True, slots=True)
class LineLimits:
    """How long the line may be and what may be computed together.

    Attributes:
        queue_length: Calls that may wait.
        bulk_queue_length: Bulk calls that may wait, so that the other places are left to interactive ones.
        batch_size: Most calls computed together; 1: each by itself.
        batch_window_s: Seconds that an idle thread waits for company of a lone call.
    """

    queue_length: int
    bulk_queue_length: int
    batch_size: int = 1
    batch_window_s: float = 0.0


class _Failure:
    """In the place of a result: why there is none."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


@dataclass(eq=False, slots=True)
class _Place(Generic[Item, R]):
    """A call in the line."""

    item: Item
    work: BatchWork[Item, R]
    shape: Hashable | None  # None: computed by itself.
    flag: CancelFlag
    priority: Priority
    answer: asyncio.Future[tuple[R, float]]
    since: float = field(default_factory=time.monotonic)

    def fits(self, other: _Place[Any, Any]) -> bool:
        return self.shape is not None and self.work == other.work and self.shape == other.shape


class ComputeLine:
    """One compute thread behind a bounded line: interactive calls first, else first come first served.

    Used from the event loop only.

    Attributes:
        computing: Calls in the thread.
    """

    def __init__(
        self,
        limits: LineLimits,
        on_seconds: Callable[[float], None] = lambda _: None,
        on_batch: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Start the thread.

        Args:
            limits: How long the line may be and what may be computed together.
            on_seconds: Told the seconds of every computation, for metrics.
            on_batch: Told how many calls each computation answers, for metrics.
        """
        self._limits = limits
        self._on_seconds = on_seconds
        self._on_batch = on_batch
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="compute")
        self._line: list[_Place[Any, Any]] = []
        self._window: asyncio.TimerHandle | None = None
        self._mean_s = _FIRST_GUESS_S
        self.computing = 0

    @property
    def waiting(self) -> int:
        """Calls in the line."""
        return len(self._line)

    def waiting_with(self, priority: Priority) -> int:
        """Count the calls of one priority in the line."""
        return sum(place.priority is priority for place in self._line)

    def check_room(self, priority: Priority) -> None:
        """Return if one more call may come.

        Raises:
            QueueFull: Too many are waiting.
        """
        # What an idle thread will take at its next start does not wait for anyone.
        ahead = 0 if self.computing else self._limits.batch_size
        whole = self.waiting >= self._limits.queue_length + ahead
        bulk = priority is Priority.BULK and (
            self.waiting_with(Priority.BULK) >= self._limits.bulk_queue_length + ahead
        )
        if not whole and not bulk:
            return
        delay = max(_MIN_RETRY_S, self._mean_s * (self.waiting + 1) / self._limits.batch_size)
        what, count, most = (
            ("calls", self.waiting, self._limits.queue_length)
            if whole
            else ("bulk calls", self.waiting_with(Priority.BULK), self._limits.bulk_queue_length)
        )
        raise QueueFull(
            f"{count} {what} are waiting, at most {most} may; try again in {delay:.1f} s or at another replica",
            retry_after_s=delay,
        )

    async def run(
        self, work: Callable[[], T], flag: CancelFlag, priority: Priority = Priority.INTERACTIVE
    ) -> tuple[T, float]:
        """Wait for the thread, do the work in it, return its result and the seconds that it computed.

        When the caller is cancelled while waiting, it leaves the line; while computing, the flag is raised and
        the next in line starts only when the thread has really stopped.

        Raises:
            QueueFull: Too many are waiting.
        """
        return await self._queue(None, lambda _, __: (work(),), None, flag, priority)

    async def run_batched(
        self,
        item: Item,
        work: BatchWork[Item, R],
        shape: Hashable,
        flag: CancelFlag,
        priority: Priority = Priority.INTERACTIVE,
    ) -> tuple[R, float]:
        """Wait for the thread, do the work in it, perhaps together with other calls; return result and seconds.

        Calls are computed together when their `work` and `shape` are equal. A computation that fails is done
        again for each of its calls alone, so that no caller suffers from another's input.

        Args:
            item: The call's input.
            work: Computes several inputs; the same object for all calls that may share, such as a bound method.
            shape: What inputs must have in common, such as an array's shape and dtype.
            flag: The call's flag. The work checks one that is raised when the flags of all its calls are.
            priority: The call's priority.

        Raises:
            QueueFull: Too many are waiting.
        """
        return await self._queue(item, work, shape, flag, priority)

    async def _queue(
        self, item: Item, work: BatchWork[Item, R], shape: Hashable | None, flag: CancelFlag, priority: Priority
    ) -> tuple[R, float]:
        self.check_room(priority)
        answer: asyncio.Future[tuple[R, float]] = asyncio.get_running_loop().create_future()
        place = _Place(item, work, shape, flag, priority, answer)
        self._line.append(place)
        self._start_next()
        del item, work, place  # What a caller holds while it waits must not outlive its computation.
        try:
            return await answer
        except asyncio.CancelledError:
            flag.cancel()
            self._line = [other for other in self._line if other.answer is not answer]
            raise
        finally:
            del answer  # An exception's frames must not lead back to it.

    def _start_next(self) -> None:
        if self._window is not None:
            self._window.cancel()
            self._window = None
        if self.computing or not self._line:
            return
        ordered = sorted(self._line, key=lambda place: place.priority)  # Stable: first come, first served.
        first = ordered[0]
        together = [place for place in ordered if place is first or place.fits(first)][: self._limits.batch_size]
        # The thread waits for company only while the line has nothing else for it to do.
        if first.shape is not None and len(together) < self._limits.batch_size and len(together) == len(self._line):
            left = first.since + self._limits.batch_window_s - time.monotonic()
            if left > 0:
                self._window = asyncio.get_running_loop().call_later(left, self._start_next)
                return
        self._line = [place for place in self._line if place not in together]
        self.computing = len(together)
        self._on_batch(len(together))
        computed = asyncio.get_running_loop().run_in_executor(self._executor, _compute, together)
        computed.add_done_callback(lambda done: self._finish(together, done))

    def _finish(self, together: list[_Place[Any, Any]], done: asyncio.Future[tuple[list[Any], float]]) -> None:
        outcomes, seconds = done.result()
        if not all(isinstance(outcome, _Failure) for outcome in outcomes):
            self._mean_s += _SMOOTHING * (seconds - self._mean_s)
            self._on_seconds(seconds)
        for place, outcome in zip(together, outcomes, strict=True):
            if place.answer.done():  # Its caller has left.
                if isinstance(outcome, _Failure) and not isinstance(outcome.error, FashquickError):
                    log.error("compute.crashed", exc_info=outcome.error)
                    drop_frames(outcome.error)
            elif isinstance(outcome, _Failure):
                place.answer.set_exception(outcome.error)
            else:
                place.answer.set_result((outcome, seconds))
        together.clear()
        self.computing = 0
        self._start_next()

    def close(self) -> None:
        """End the thread after the work it is doing."""
        self._executor.shutdown(wait=True)


def _compute(together: list[_Place[Any, Any]]) -> tuple[list[Any], float]:
    """Compute some places in the thread; return a result or a `_Failure` for each, and the seconds."""
    started = time.monotonic()
    wanted = [not place.flag.raised for place in together]
    found = iter(_results([place for place, is_wanted in zip(together, wanted, strict=True) if is_wanted]))
    outcomes = [next(found) if is_wanted else _alone(place) for place, is_wanted in zip(together, wanted, strict=True)]
    return outcomes, time.monotonic() - started


def _results(places: list[_Place[Any, Any]]) -> list[Any]:
    if len(places) > 1:
        try:
            flag = SharedFlag([place.flag for place in places])
            results = list(places[0].work([place.item for place in places], flag))
            if len(results) == len(places):
                return results
            log.error("batch.miscounted", calls=len(places), results=len(results))
        except FashquickError as error:
            log.info("batch.split", calls=len(places), reason=error.reason)
        except Exception:
            log.exception("batch.crashed", calls=len(places))
    return [_alone(place) for place in places]


def _alone(place: _Place[Any, Any]) -> Any:
    try:
        place.flag.check()
        [result] = place.work([place.item], place.flag)
    except FashquickError as error:
        # The frames hold pictures, and lead back to the error when nobody comes for it any more.
        drop_frames(error)
        return _Failure(error)
    except BaseException as bug:  # noqa: BLE001 - whatever it is, its caller must hear of it
        return _Failure(bug)
    return result
