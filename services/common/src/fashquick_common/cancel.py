"""Stopping work: a flag that the caller raises and every compute step checks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from fashquick_common.errors import Cancelled, DeadlinePassed


class CancelFlag:
    """Says whether a computation should still go on.

    A gRPC deadline or cancel does not stop a thread by itself. The servicer raises the flag when the call
    ends early; the engine calls `check` between steps of at most 50 ms. Thread-safe.

    Attributes:
        steps: How often `check` was called: the computation's step counter, which stands still once
            the work has really stopped.
    """

    def __init__(self, deadline: float | None = None, on_step: Callable[[], None] | None = None) -> None:
        """Make a flag that is down.

        Args:
            deadline: Moment in seconds of `time.monotonic()` after which `check` raises; None for never.
            on_step: Called at every step, in the computing thread; a server counts its steps with it.
        """
        self._event = threading.Event()
        self._deadline = deadline
        self._on_step = on_step
        self.steps = 0

    @property
    def raised(self) -> bool:
        """Whether the work should stop: cancelled, or past its deadline."""
        return self._event.is_set() or self._late()

    def cancel(self) -> None:
        """Raise the flag. Calling it again changes nothing."""
        self._event.set()

    def count(self) -> None:
        """Count one step."""
        self.steps += 1
        if self._on_step is not None:
            self._on_step()

    def check(self) -> None:
        """Count one step and return if the work should go on.

        Raises:
            Cancelled: The caller went away.
            DeadlinePassed: The deadline has passed.
        """
        self.count()
        if self._event.is_set():
            raise Cancelled()
        if self._late():
            raise DeadlinePassed()

    def _late(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline


class SharedFlag(CancelFlag):
    """The flag of a computation that several calls share: raised when the flags of all of them are."""

    def __init__(self, flags: Sequence[CancelFlag]) -> None:
        """Make a flag over at least one other."""
        super().__init__()
        self._flags = tuple(flags)

    @property
    def raised(self) -> bool:
        """Whether nobody waits for the work any more."""
        return all(flag.raised for flag in self._flags)

    def check(self) -> None:
        """Count one step, for one of the calls, and return if the work should go on.

        Raises:
            Cancelled: All callers went away.
            DeadlinePassed: The first caller's deadline has passed, and nobody else waits.
        """
        self.steps += 1
        for flag in self._flags:
            if not flag.raised:
                flag.count()
                return
        self._flags[0].check()
