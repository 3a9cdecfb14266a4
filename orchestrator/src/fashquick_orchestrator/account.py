"""What happens to a job on its way: its stages, their calls and retries, who hears of them, what is on record."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import structlog
from prometheus_client import Counter

from fashquick_common.errors import DeadlinePassed, FashquickError, InternalError, drop_frames
from fashquick_common.garment import FidelityReport, Passport
from fashquick_common.rpc.retry import Retries, RetryBudget, RetryRules
from fashquick_common.server.info import service_version
from fashquick_common.server.kit import Kit
from fashquick_orchestrator.deadlines import Deadlines
from fashquick_orchestrator.manifest import Record
from fashquick_orchestrator.retry import with_retries
from fashquick_orchestrator.values import (
    Lasting,
    MaskQuality,
    Passing,
    Progress,
    ResultPart,
    Stage,
    StageFinished,
    StageRun,
)

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears of a job's events.

    Attributes:
        passing: Told progress and previews; only the newest matters.
        lasting: Told that a stage has finished, and given each part; every one matters.
    """

    passing: Callable[[Passing], None]
    lasting: Callable[[Lasting], None]


@dataclass(frozen=True, slots=True)
class Persistence:
    """How persistently the stages are called, over all jobs.

    Attributes:
        rules: Of one job.
        budgets: Bounds on the retries of each stage.
        retries: Counts further calls by stage and by the reason for which they are made.
    """

    rules: RetryRules
    budgets: Mapping[Stage, RetryBudget]
    retries: Counter


@dataclass(slots=True)
class Step:
    """What a stage says of itself while it runs; recorded when it has succeeded."""

    run: StageRun
    finding: MaskQuality | Passport | FidelityReport | None = None


class Account:
    """The events of one job.

    Attributes:
        listener: Hears of them.
        records: Of the stages that have succeeded.
        warnings: What went wrong without spoiling the pictures.
        parts: All parts so far, in the order in which they were told.
    """

    def __init__(self, kit: Kit, listener: Listener, deadlines: Deadlines, persistence: Persistence) -> None:
        """Begin a job that has until its deadlines."""
        self.listener = listener
        self.records: list[Record] = []
        self.warnings: list[str] = []
        self.parts: list[ResultPart] = []
        self.version = service_version("orchestrator")
        self._kit = kit
        self._deadlines = deadlines
        self._persistence = persistence
        self._fractions: dict[Stage, dict[int, float]] = {}
        self._told: dict[Stage, float] = {}

    def part(self, part: ResultPart) -> None:
        """Give a part to whoever listens."""
        self.parts.append(part)
        self.listener.lasting(part)

    async def attempts(self, stage: Stage, call: Callable[[float], Awaitable[T]]) -> tuple[T, int]:
        """Call a stage until it succeeds; return its answer and how many calls it took.

        Args:
            stage: The stage.
            call: Calls it once, within the seconds that it is given.

        Raises:
            DeadlinePassed: No time is left for the stage.
            FashquickError: What its last call answered.
        """

        async def once() -> T:
            seconds = self._deadlines.remaining(stage)
            if seconds <= 0:
                raise DeadlinePassed()
            return await call(seconds)

        rules, counter = self._persistence.rules, self._persistence.retries
        retries = Retries(rules, self._deadlines.of(stage), self._persistence.budgets[stage])
        return await with_retries(once, retries, lambda error: counter.labels(stage.label, error.reason).inc())

    @contextlib.asynccontextmanager
    async def stage(self, stage: Stage, *, garment: int = 0, view: int = 0, of: int = 1) -> AsyncIterator[Step]:
        """Be in a stage as long as the context lasts.

        Args:
            stage: The stage.
            garment: Index of the garment that it is about.
            view: Index of the view that it is about.
            of: How often the job is in this stage, for several garments, perhaps at one time.

        Yields:
            Takes what the stage says of itself.

        Raises:
            FashquickError: The stage failed; its name is in `metadata["stage"]`, and where there are several garments
                the index of the garment in `metadata["garment"]`.
        """
        started = time.monotonic()
        step = Step(StageRun("", "", self.version, 0.0))
        self.progress(stage, "start", 0.0, garment=garment, of=of)
        with self.blamed(stage, {"garment": str(garment)} if of > 1 else {}):
            yield step
        self.finished(stage, step, time.monotonic() - started, garment=garment, view=view)

    @contextlib.contextmanager
    def blamed(self, stage: Stage, details: Mapping[str, str]) -> Iterator[None]:
        """Trace what happens as a stage's, and say of every failure that it is.

        Args:
            stage: The stage.
            details: Further metadata of the failure.

        Raises:
            FashquickError: What failed, an InternalError in the place of a bug.
        """
        try:
            with self._kit.tracing.span(stage.label):
                yield
        except FashquickError as error:
            for key, value in {"stage": stage.label, **details}.items():
                error.metadata.setdefault(key, value)
            raise
        except Exception as bug:
            log.exception("stage.crashed", stage=stage.label)
            drop_frames(bug)
            raise InternalError(
                "the server failed; its log has the cause under this request id", metadata={"stage": stage.label}
            ) from None

    def finished(self, stage: Stage, step: Step, seconds: float, *, garment: int = 0, view: int = 0) -> None:
        """Record that a stage has succeeded, and tell it."""
        self.records.append(Record(stage, step.run, seconds))
        self.listener.lasting(StageFinished(stage, seconds, step.finding, garment, view))

    def progress(self, stage: Stage, step: str, fraction: float, *, garment: int = 0, of: int = 1) -> None:
        """Tell how far a stage is with one of `of` garments; what is told is their mean."""
        each = self._fractions.setdefault(stage, {})
        each[garment] = fraction
        # A retry begins again at 0; what the caller sees never falls.
        highest = max(self._told.get(stage, 0.0), min(sum(each.values()) / of, 1.0))
        self._told[stage] = highest
        self.listener.passing(Progress(stage, step, highest))
