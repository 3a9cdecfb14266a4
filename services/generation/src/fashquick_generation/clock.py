"""How far a job is, and the seconds that its steps take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fashquick_generation.engine import Event, Progress, UInt8Array


@dataclass(slots=True)
class Clock:
    """What has been done of a job's work, and the seconds that it took.

    Attributes:
        work: Of the whole job, in units of the backend's: frames of a simulation, denoising steps.
        hear: Told of progress.
        done: Work that is done.
        seconds: By step.
    """

    work: float
    hear: Callable[[Event], None]
    done: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)

    def tell(self, step: str, part: float = 0.0, preview: UInt8Array | None = None) -> None:
        """Tell that `part` of the work beyond what is done has been done too."""
        self.hear(Progress(step, min((self.done + part) / self.work, 1.0), preview))

    @contextmanager
    def timed(self, step: str, work: float = 0.0) -> Iterator[None]:
        """Add a step's seconds, and at its end its work."""
        start = time.perf_counter()
        self.tell(step)
        yield
        self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - start
        self.done += work
