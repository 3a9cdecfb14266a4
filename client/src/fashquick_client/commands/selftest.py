"""`fashquick models selftest`: one known try-on by diffusion, with its seconds, its memory and whether it is well."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from fashquick_client.answers import stage_of
from fashquick_client.commands.pull import chosen
from fashquick_client.commands.running import connected, run, usage_error
from fashquick_client.console import STAGE_WORDS, StageProgress
from fashquick_client.doctor.backends import OPTIONAL, is_installed
from fashquick_client.events import Event, Progress, Stage, StageFinished
from fashquick_client.fetching.store import PROFILE_VARIABLE, filled, known_profiles, listed, store_of
from fashquick_client.fidelity_wording import GRADE_WORDS, MEASURE_WORDS, summary, verdict
from fashquick_client.files import check_writable, write_atomically
from fashquick_client.options import Diffusion
from fashquick_client.problems import ExitCode, OutputError, problem_of
from fashquick_client.results import TryOnResult
from fashquick_client.services import Service
from fashquick_client.wording import plain
from fashquick_common.errors import ModelNotInstalled
from fashquick_common.garment import FidelityGrade

SIZE = (512, 768)  # The profiles' working size: nothing is enlarged.
SEED = 7
_GOOD = (FidelityGrade.KEPT, FidelityGrade.CLOSE)
_MEMORY = {
    "peak_device_bytes": "Graphics memory, at most",
    "peak_resident_bytes": "Memory of the generation server, at most",
}


@dataclass(frozen=True, slots=True)
class SelftestJob:
    """A self-test as it was asked for.

    Attributes:
        profile: Name of the profile; empty for the default.
        endpoint: `host:port` of the orchestrator; None to start everything on this machine.
        output: Where to write the picture, if anywhere.
        as_json: Whether programs read the result.
        timeout_s: Seconds for the picture.
    """

    profile: str
    endpoint: str | None
    output: Path | None
    as_json: bool
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Report:
    """What a self-test found.

    Attributes:
        profile: Name of the profile that made the picture; empty where that is not told.
        backend: Backend that made the picture.
        device: What it computed on, such as "cuda:0"; empty where that is not told.
        plan: How its memory was used; likewise.
        stage_seconds: Seconds of each stage by its name, in order.
        step_seconds: Seconds of each step of generation by its name, in order, as its progress told them.
        memory_bytes: Measures of memory by name, as far as the server tells them.
        grade: Grade of the garment in the picture; None where it could not be told.
        overall: Its score, 0 to 1.
        faults: What is not well, in words; empty when all is.
    """

    profile: str
    backend: str
    device: str
    plan: str
    stage_seconds: Mapping[str, float]
    step_seconds: Mapping[str, float]
    memory_bytes: Mapping[str, int]
    grade: FidelityGrade | None
    overall: float
    faults: tuple[str, ...]


class StepTimes:
    """Measures steps by when their progress comes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with none; `clock` tells the time in seconds."""
        self.seconds: dict[str, float] = {}
        self._clock = clock
        self._now: tuple[str, float] | None = None

    def hear(self, event: Event) -> None:
        """Take an event as it happens."""
        match event:
            case Progress(Stage.GENERATION, step):
                self._turn(step)
            case StageFinished(Stage.GENERATION):
                self._turn(None)

    def _turn(self, step: str | None) -> None:
        moment = self._clock()
        if self._now is not None and self._now[0] != step:
            name, since = self._now
            self.seconds[name] = self.seconds.get(name, 0.0) + moment - since
            self._now = None
        if step is not None and self._now is None:
            self._now = step, moment


def selftest(job: SelftestJob) -> int:
    """Do a self-test, print what it found, and return the exit code."""
    if job.output is not None:
        try:
            check_writable(job.output)
        except OSError as error:
            raise usage_error(problem_of(error).message) from error
    return run(_selftest(job))


async def _selftest(job: SelftestJob) -> int:
    if job.endpoint is None:
        _check_libraries()
        _check_installed(job.profile or os.environ.get(PROFILE_VARIABLE, ""))
    times = StepTimes()
    photo = resources.files("fashquick_client").joinpath("data/selftest.jpg").read_bytes()
    async with connected({Service.ORCHESTRATOR: job.endpoint}) as client:
        with StageProgress(lines=True) as progress:

            def hear(event: Event) -> None:
                progress.show(event)
                times.hear(event)

            result = await client.try_on_result(
                photo,
                on_event=hear,
                timeout_s=job.timeout_s,
                backend="diffusion",
                diffusion=Diffusion(profile=job.profile),
                max_repairs=0,  # What the weights make at once is measured.
                seed=SEED,
                size=SIZE,
            )
    report = report_of(result, times.seconds)
    if job.output is not None:
        try:
            write_atomically(job.output, result.picture)
        except OSError as error:
            raise OutputError(f"the picture cannot be written: {error}") from error
    if job.as_json:
        typer.echo(json.dumps(asdict(report) | {"well": not report.faults}, indent=2))
    else:
        _print(report, result)
    return ExitCode.FAILED if report.faults else ExitCode.FINE


def _check_libraries() -> None:
    """Return if the diffusion backend has its libraries here, before servers are started for it.

    Raises:
        ModelNotInstalled: It does not.
    """
    missing = [name for name in OPTIONAL["diffusion"] if not is_installed(name)]
    if missing:
        raise ModelNotInstalled(
            f"the diffusion backend lacks its libraries here: {', '.join(missing)}; install them with "
            "scripts/install local --extra diffusion, or say with --endpoint where a server has them"
        )


def _check_installed(name: str) -> None:
    """Return if the store has a profile, or without a name any, before servers are started for it.

    Raises:
        ModelNotInstalled: It does not.
    """
    known = known_profiles(os.environ)
    store = store_of(None, os.environ)
    stored = listed(store)
    found = [filled(profile, stored) for profile in (chosen([name]) if name else known.values())]
    if all(each.missing for each in found):
        first = found[0]
        raise ModelNotInstalled(
            f"{store} lacks {len(first.missing)} of {len(first.profile.needed)} files of {first.profile.name}; "
            f"fetch them first: fashquick models pull {first.profile.name}"
        )


def report_of(result: TryOnResult, step_seconds: Mapping[str, float]) -> Report:
    """Judge the outcome of the known try-on.

    Args:
        result: The outcome.
        step_seconds: Seconds of the steps of generation.
    """
    manifest = result.manifest
    backend = next((each.backend for each in manifest.stages if stage_of(each.stage) is Stage.GENERATION), "")
    making = result.views[0].making
    facts = {**manifest.facts, **(manifest.views[0].facts if manifest.views else {})}
    fidelity = result.fidelity
    return Report(
        profile=making.profile if making else "",
        backend=backend,
        device=making.device if making else "",
        plan=making.plan if making else "",
        stage_seconds={STAGE_WORDS[stage]: seconds for stage, seconds in result.stage_seconds.items()},
        step_seconds=step_seconds,
        memory_bytes={key: int(facts[key]) for key in _MEMORY if key in facts},
        grade=None if fidelity is None else fidelity.grade,
        overall=0.0 if fidelity is None else fidelity.overall,
        faults=tuple(_faults(backend, result)),
    )


def _faults(backend: str, result: TryOnResult) -> Iterator[str]:
    """Yield what is not well."""
    if backend != "diffusion":
        yield f"the picture was made by {backend or 'an unknown backend'}, not by diffusion"
    grade = None if result.fidelity is None else result.fidelity.grade
    if grade is None:
        yield "nothing is known of whether the garment survived"
    elif grade not in _GOOD:
        yield f"the garment did not survive: {GRADE_WORDS[grade]}"


def _print(report: Report, result: TryOnResult) -> None:
    where = f" on {plain(report.device)}" if report.device else ""
    plan = f", memory plan {plain(report.plan)}" if report.plan else ""
    profile = f"Profile {plain(report.profile)}, made" if report.profile else "Made"
    typer.echo(f"{profile} by {plain(report.backend) or 'an unknown backend'}{where}{plan}")
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(overflow="fold")
    table.add_column(justify="right", overflow="fold")
    for name, seconds in report.stage_seconds.items():
        table.add_row(name, f"{seconds:.2f} s")
        if name == STAGE_WORDS[Stage.GENERATION]:
            for step, each in report.step_seconds.items():
                table.add_row(f"  {plain(step)}", f"{each:.2f} s")
    for key, words in _MEMORY.items():
        size = report.memory_bytes.get(key)
        unused = key == "peak_device_bytes" and report.device == "cpu"
        table.add_row(words, f"{size / 1e9:.2f} GB" if size is not None else "none" if unused else "not told")
    for measurement in () if result.fidelity is None else result.fidelity.measurements:
        measure = MEASURE_WORDS[measurement.measure]
        told = f"{measure.value(measurement.value)}: {verdict(measurement)}"
        table.add_row(measure.name, told if measurement.counted else "not counted")
    Console(highlight=False).print(table)
    if result.fidelity is not None:
        typer.echo(f"Fidelity: {summary(result.fidelity)}")
    for warning in result.manifest.warnings:
        typer.echo(f"Note: {plain(warning)}")
    typer.echo(f"Not well: {'; '.join(report.faults)}." if report.faults else "All is well.")
