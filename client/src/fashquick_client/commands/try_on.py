"""`fashquick try-on`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import typer

import fashquick_client
from fashquick_client.commands.running import connected, run, usage_error
from fashquick_client.console import StageProgress
from fashquick_client.fidelity_wording import summary
from fashquick_client.files import check_writable, write_atomically
from fashquick_client.options import FormatName, TryOnOptions
from fashquick_client.problems import ExitCode, OutputError, problem_of
from fashquick_client.services import Service

FORMATS: dict[str, FormatName] = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}
# The contract's limits of `fashquick.generation.v1.Scene`.
_WIDTHS = range(256, 2048 + 1)
_HEIGHTS = range(256, 3072 + 1)


@dataclass(frozen=True, slots=True)
class TryOnJob:
    """A try-on as it was asked for.

    Attributes:
        photo: Photo of the garment.
        output: Picture to write.
        report: Report to write, if any.
        options: Wishes.
        timeout_s: Seconds for the whole job.
    """

    photo: Path
    output: Path
    report: Path | None
    options: TryOnOptions
    timeout_s: float


def try_on(job: TryOnJob, endpoint: str | None) -> int:
    """Check the job's files, do it, and return the exit code."""
    _check(job)
    return run(_try_on(job, endpoint))


def parse_size(text: str) -> tuple[int, int]:
    """Return width and height from WxH.

    Raises:
        typer.BadParameter: It is no size, or outside the limits.
    """
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isascii() and width.isdecimal() and height.isascii() and height.isdecimal()):
        raise typer.BadParameter(f"{text!r} is not WIDTHxHEIGHT in pixels, such as 768x1152", param_hint="--size")
    size = int(width), int(height)
    if size[0] not in _WIDTHS or size[1] not in _HEIGHTS:
        raise typer.BadParameter(
            f"{text} is outside width {_WIDTHS[0]} to {_WIDTHS[-1]} and height {_HEIGHTS[0]} to {_HEIGHTS[-1]}",
            param_hint="--size",
        )
    return size


def format_of(output: Path) -> FormatName:
    """Return the file format that a name asks for.

    Raises:
        typer.BadParameter: Its suffix is none that can be written.
    """
    if output.suffix.lower() not in FORMATS:
        raise typer.BadParameter(f"{output} must end in one of {', '.join(FORMATS)}", param_hint="--output")
    return FORMATS[output.suffix.lower()]


def _check(job: TryOnJob) -> None:
    outputs = [path for path in (job.output, job.report) if path is not None]
    try:
        with job.photo.open("rb"):
            pass
        for path in outputs:
            check_writable(path)
    except OSError as error:
        raise usage_error(problem_of(error).message) from error
    files = [path.resolve() for path in (job.photo, *outputs)]
    if len(set(files)) < len(files):
        raise usage_error("the photo, the picture and the report must be different files")


async def _try_on(job: TryOnJob, endpoint: str | None) -> int:
    async with connected({Service.ORCHESTRATOR: endpoint}) as client:
        with StageProgress() as progress:
            result = await client.try_on_result(
                job.photo, timeout_s=job.timeout_s, on_event=progress.show, **job.options
            )
    try:
        result.save(job.output)
        if job.report is not None:
            report = json.dumps(fashquick_client.manifest_report(result.manifest), indent=2)
            write_atomically(job.report, report.encode() + b"\n")
    except OSError as error:
        raise OutputError(f"the result cannot be written: {error}") from error
    for warning in result.manifest.warnings:
        typer.echo(f"Note: {warning}", err=True)
    typer.echo(f"Wrote {job.output}")
    if result.fidelity is not None:
        typer.echo(f"Fidelity: {summary(result.fidelity)}")
    return ExitCode.FINE
