"""Several steps of one computation side by side."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Workers:
    """Threads for steps that do not need each other.

    numpy and OpenCV let go of the interpreter while they compute, so threads gain what processes would, without
    copying pictures. The results do not depend on how many threads there are.
    """

    def __init__(self, threads: int) -> None:
        """Make it.

        Args:
            threads: Steps done at the same time; 1: one after the other, in the caller's thread.
        """
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="analyser") if threads > 1 else None

    def start(self, step: Callable[[], T]) -> Future[T]:
        """Begin a step; in series it is done when this returns. What it raises comes out of `result()`."""
        if self._pool is not None:
            return self._pool.submit(step)
        done: Future[T] = Future()
        try:
            done.set_result(step())
        except Exception as error:  # noqa: BLE001 - handed on, as a pool does
            done.set_exception(error)
        return done
