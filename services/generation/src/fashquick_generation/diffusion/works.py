"""Jobs on their way through the stages, and the rows of several jobs that are denoised in one go."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Generic, TypeVar

from fashquick_common.errors import FashquickError, drop_frames
from fashquick_generation.clock import Clock
from fashquick_generation.diffusion.choices import Choices
from fashquick_generation.diffusion.denoising.loop import denoise
from fashquick_generation.diffusion.denoising.rows import Row
from fashquick_generation.diffusion.weights.networks import Networks
from fashquick_generation.engine import GenerationJob, Outcome, RepairJob, Task, UInt8Array

J = TypeVar("J", GenerationJob, RepairJob)

FINISHING_WORK = 1.0
"""Time of a picture's last touches against that of one denoising step."""


@dataclass(slots=True)
class Work(Generic[J]):
    """A job on its way.

    Attributes:
        task: Whose it is.
        job: The same.
        choices: How it is denoised.
        clock: How far it is.
        together: Most rows that shared one of its steps.
        precision: Of its computation, such as "float16".
        error: Why it goes no further.
    """

    task: Task
    job: J
    choices: Choices
    clock: Clock
    together: int = 1
    precision: str = ""
    error: FashquickError | None = None

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Do something for this job alone: if it fails, the job goes no further, and others go on."""
        try:
            yield
        except FashquickError as error:
            drop_frames(error)
            self.error = error

    @property
    def outcome(self) -> Outcome:
        """What became of it."""
        return self.clock.seconds if self.error is None else self.error


class Batch:
    """Rows of several jobs that are denoised in one go."""

    def __init__(self, networks: Networks, step: str, *, alone: bool) -> None:
        """Begin without rows.

        Args:
            networks: That denoise.
            step: What the jobs' callers are told.
            alone: Whether each row is computed by itself.
        """
        self._networks = networks
        self._step = step
        self._alone = alone
        self._rows: list[tuple[Work[GenerationJob] | Work[RepairJob], Row, Callable[[UInt8Array], None]]] = []
        self._done: dict[int, dict[int, int]] = {}

    def hearing(self, work: Work[J]) -> Callable[[int, int, UInt8Array | None], None]:
        """Return what a further row of a job tells its steps to; see `Row.on_step`."""
        done = self._done.setdefault(id(work), {})
        number = len(done)
        done[number] = 0

        def on_step(steps: int, _: int, preview: UInt8Array | None) -> None:
            done[number] = steps
            work.clock.tell(self._step, sum(done.values()), preview)

        return on_step

    def add(self, work: Work[J], row: Row, then: Callable[[UInt8Array], None]) -> None:
        """Add a row.

        Args:
            work: The job that it is of.
            row: What to denoise.
            then: Given what came of it, HxWx3 uint8; not called for a job that has failed.
        """
        self._rows.append((work, row, then))

    def run(self) -> None:
        """Denoise all rows; the jobs of those that fail go no further."""
        started = time.perf_counter()
        made = denoise(self._networks, [row for _, row, _ in self._rows], alone=self._alone)
        seconds = time.perf_counter() - started
        for work in {id(work): work for work, _, _ in self._rows}.values():
            work.clock.seconds[self._step] = work.clock.seconds.get(self._step, 0.0) + seconds
            work.clock.done += sum(self._done[id(work)].values())
        for (work, _, then), one in zip(self._rows, made, strict=True):
            if isinstance(one, FashquickError):
                work.error = work.error or one
            elif work.error is None:
                work.together = max(work.together, one.together)
                work.precision = one.precision
                with work.failing():
                    then(one.image)


def seed_of(seed: int, view: int, what: str) -> int:
    """Return the seed of some of a job's noise: others for every view and stage, and always the same."""
    return int.from_bytes(sha256(f"{seed} {view} {what}".encode()).digest()[:8]) >> 1
