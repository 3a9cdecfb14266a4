"""What people see while they wait, on stderr and only on a terminal."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from fashquick_client import events
from fashquick_client.events import Stage

STAGE_WORDS = {
    Stage.IMAGE: "Reading the photo",
    Stage.SEGMENTATION: "Finding the garment",
    Stage.FEATURES: "Describing the garment",
    Stage.GENERATION: "Making the picture",
    Stage.ENCODING: "Writing the picture",
    Stage.FIDELITY: "Comparing the garment",
    Stage.REPAIR: "Repairing the garment",
    Stage.UNKNOWN: "Working",
}


def _console() -> Console:
    # Made at each use: tests and callers may have exchanged sys.stderr.
    return Console(stderr=True)


class StageProgress:
    """A bar for each stage of a try-on."""

    def __init__(self, *, lines: bool = False) -> None:
        """Make it.

        Args:
            lines: Whether to print a line a finished stage where there is no terminal for bars.
        """
        self._lines = lines and not sys.stderr.isatty()
        self._bars = Progress(
            TextColumn("{task.description:<24}"),
            BarColumn(),
            TextColumn("{task.fields[step]:<16}"),
            TimeElapsedColumn(),
            console=_console(),
            disable=not sys.stderr.isatty(),
        )
        self._tasks: dict[Stage, TaskID] = {}

    def __enter__(self) -> Self:
        """Show the bars."""
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bars as they are."""
        self._bars.stop()

    def show(self, event: events.Event) -> None:
        """Show what happened."""
        match event:
            case events.Progress(stage, step, fraction):
                self._bars.update(self._task(stage), completed=fraction, step=step)
            case events.StageFinished(stage, seconds):
                self._bars.update(self._task(stage), completed=1.0, step=f"{seconds:.2f} s")
                self._bars.stop_task(self._task(stage))
                if self._lines:
                    print(f"{STAGE_WORDS[stage]}: {seconds:.2f} s", file=sys.stderr, flush=True)  # noqa: T201 - output

    def _task(self, stage: Stage) -> TaskID:
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(STAGE_WORDS[stage], total=1.0, step="")
        return self._tasks[stage]


@contextlib.contextmanager
def file_progress(doing: str, count: int) -> Iterator[Callable[[], None]]:
    """Show a bar over files; yield what to call after each."""
    with Progress(
        TextColumn(doing),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=_console(),
        disable=count < 2 or not sys.stderr.isatty(),
    ) as bars:
        task = bars.add_task("", total=count)
        yield lambda: bars.advance(task)


@contextlib.contextmanager
def byte_progress(count: int) -> Iterator[Callable[[str], Callable[[int, int], None]]]:
    """Show a bar for each file that is fetched, or a line where there is no terminal for bars.

    Args:
        count: How many files there are.

    Yields:
        Begins a file by its name, and returns what to tell the bytes that are there and those of the whole file.
    """
    on_terminal = sys.stderr.isatty()
    columns = (DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(
        TextColumn("{task.description}"), BarColumn(), *columns, console=_console(), disable=not on_terminal
    ) as bars:

        def begin(name: str) -> Callable[[int, int], None]:
            task = bars.add_task(name, total=None)
            if not on_terminal:
                print(f"({len(bars.tasks)}/{count}) {name}", file=sys.stderr, flush=True)  # noqa: T201 - output
            return lambda done, total: bars.update(task, completed=done, total=total)

        yield begin
