"""`fashquick score`."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

import fashquick_client
from fashquick_client import fidelity_wording as wording
from fashquick_client.commands.running import complain, connected, run
from fashquick_client.options import ReadTextName
from fashquick_client.photos import printable, read_photo
from fashquick_client.problems import ExitCode
from fashquick_client.services import Service
from fashquick_common.garment import FidelityGrade

if TYPE_CHECKING:
    from fashquick_client import FidelityResult, PixelMap
    from fashquick_common.garment import FidelityReport

_STYLES = {
    FidelityGrade.KEPT: "green",
    FidelityGrade.CLOSE: "cyan",
    FidelityGrade.ALTERED: "yellow",
    FidelityGrade.LOST: "red",
}


@dataclass(frozen=True, slots=True)
class ScoreJob:
    """A comparison as it was asked for.

    Attributes:
        picture: The finished picture.
        photo: Photo of the garment.
        region: Mask of the garment in the picture.
        mask: Mask of the garment in its photo; None where it is to be found.
        uv: Where each pixel of the picture comes from, if that is known.
        prior: The picture before, if there is one.
        read_text: Whether prints are read.
        as_json: Whether to print JSON.
    """

    picture: Path
    photo: Path
    region: Path
    mask: Path | None
    uv: Path | None
    prior: Path | None
    read_text: ReadTextName
    as_json: bool


def score(job: ScoreJob, endpoint: str | None, segmentation_endpoint: str | None) -> int:
    """Compare picture and photo, print the report, and return the exit code."""
    if job.uv is not None and importlib.util.find_spec("numpy") is None:
        complain("UV maps are read with numpy: install fashquick-client[images]")
        return ExitCode.UNAVAILABLE
    return run(_score(job, endpoint, segmentation_endpoint))


async def _score(job: ScoreJob, endpoint: str | None, segmentation_endpoint: str | None) -> int:
    # All files are read before a server is started or asked.
    photo, picture, region = [
        (await asyncio.to_thread(read_photo, path)).data for path in (job.photo, job.picture, job.region)
    ]
    mask, prior = [
        None if path is None else (await asyncio.to_thread(read_photo, path)).data for path in (job.mask, job.prior)
    ]
    uv = None if job.uv is None else await asyncio.to_thread(_read_uv, job.uv)
    places = {Service.FEATURES: endpoint}
    if mask is None:
        places[Service.SEGMENTATION] = segmentation_endpoint
    async with connected(places) as client:
        alpha = mask if mask is not None else (await client.segment(photo)).alpha
        result = await client.score_fidelity(photo, alpha, picture, region, uv=uv, prior=prior, read_text=job.read_text)
    if job.as_json:
        _print_json(job, result)
    else:
        _print_table(result.report)
    return ExitCode.FINE


def _read_uv(path: Path) -> PixelMap:
    from fashquick_client.uv_file import read_uv_file  # noqa: PLC0415 - needs the extra `images`

    return read_uv_file(path)


def _print_json(job: ScoreJob, result: FidelityResult) -> None:
    report = {
        "picture": printable(str(job.picture)),
        "photo": printable(str(job.photo)),
        "report": fashquick_client.fidelity_report(result.report),
        "backend": result.backend,
        "backend_digest": result.backend_digest,
        "compute_seconds": result.compute_seconds,
        "version": result.version,
    }
    typer.echo(json.dumps(report, indent=2))


def _print_table(report: FidelityReport) -> None:
    console = Console()
    if report.grade is None:
        console.print(Text(wording.NOT_MEASURED[0].upper() + wording.NOT_MEASURED[1:]))
    else:
        grade = Text.assemble((report.grade.upper(), f"bold {_STYLES[report.grade]}"))
        console.print(Text.assemble(grade, f" {report.overall:.2f} of 1: {wording.GRADE_WORDS[report.grade]}"))
    if not report.measurements:
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("Measure")
    table.add_column("Result", no_wrap=True)
    table.add_column("Value", no_wrap=True)
    table.add_column("What it means", overflow="fold")
    table.add_column("Proved on", overflow="fold")
    for measurement in report.measurements:
        words = wording.MEASURE_WORDS[measurement.measure]
        verdict = wording.verdict(measurement)
        table.add_row(
            words.name,
            Text(verdict, style=_STYLES[verdict]) if measurement.counted else Text("left out", style="dim"),
            words.value(measurement.value),
            Text(words.meaning, style="dim"),
            Text(wording.proof(measurement)),
        )
    console.print(table)
