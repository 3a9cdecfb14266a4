"""`fashquick try-on`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

import fashquick_client
from fashquick_client.commands.looks import beside
from fashquick_client.commands.running import connected, run, usage_error
from fashquick_client.console import StageProgress
from fashquick_client.events import OutputKind
from fashquick_client.fidelity_wording import summary
from fashquick_client.files import check_writable, write_atomically
from fashquick_client.making_wording import making_lines, repair_line
from fashquick_client.options import FormatName, Garment, TryOnOptions
from fashquick_client.pixels import PixelMap
from fashquick_client.problems import ExitCode, OutputError, problem_of
from fashquick_client.results import TryOnResult
from fashquick_client.services import Service

FORMATS: dict[str, FormatName] = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}
# The contract's limits of `fashquick.generation.v1.Scene`.
_WIDTHS = range(256, 2048 + 1)
_HEIGHTS = range(256, 3072 + 1)


@dataclass(frozen=True, slots=True)
class TryOnJob:
    """A try-on as it was asked for.

    Attributes:
        garments: What is worn, innermost first.
        pictures: Picture to write for each view.
        turntable: Animation to write, if any.
        report: Report to write, if any.
        options: Wishes.
        timeout_s: Seconds for the whole job.
    """

    garments: Sequence[Garment]
    pictures: Sequence[Path]
    turntable: Path | None
    report: Path | None
    options: TryOnOptions
    timeout_s: float


def try_on(job: TryOnJob, endpoint: str | None) -> int:
    """Check the job's files, do it, and return the exit code."""
    _check(job)
    return run(_try_on(job, endpoint))


def parse_resolution(text: str) -> tuple[int, int]:
    """Return width and height from WxH.

    Raises:
        typer.BadParameter: It is no size, or outside the limits.
    """
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isascii() and width.isdecimal() and height.isascii() and height.isdecimal()):
        raise typer.BadParameter(f"{text!r} is not WIDTHxHEIGHT in pixels, such as 768x1152", param_hint="--resolution")
    size = int(width), int(height)
    if size[0] not in _WIDTHS or size[1] not in _HEIGHTS:
        raise typer.BadParameter(
            f"{text} is outside width {_WIDTHS[0]} to {_WIDTHS[-1]} and height {_HEIGHTS[0]} to {_HEIGHTS[-1]}",
            param_hint="--resolution",
        )
    return size


def format_of(output: Path, backdrop: str = "") -> FormatName:
    """Return the file format that a name asks for.

    Raises:
        typer.BadParameter: Its suffix is none that can be written, or one without transparency before none.
    """
    if output.suffix.lower() not in FORMATS:
        raise typer.BadParameter(f"{output} must end in one of {', '.join(FORMATS)}", param_hint="--output")
    chosen = FORMATS[output.suffix.lower()]
    if backdrop == "transparent" and chosen == "jpeg":
        raise typer.BadParameter("JPEG has no transparency; write .png or .webp", param_hint="--output")
    return chosen


def _check(job: TryOnJob) -> None:
    photos = [Path(str(garment.photo)) for garment in job.garments]
    outputs = [path for path in (*job.pictures, job.turntable, job.report) if path is not None]
    try:
        for photo in photos:
            with photo.open("rb"):
                pass
        for path in outputs:
            check_writable(path)
    except OSError as error:
        raise usage_error(problem_of(error).message) from error
    written = [path.resolve() for path in outputs]
    if len({*written, *(photo.resolve() for photo in photos)}) < len(written) + len({p.resolve() for p in photos}):
        raise usage_error("the photos, the pictures and the report must be different files")


async def _try_on(job: TryOnJob, endpoint: str | None) -> int:
    async with connected({Service.ORCHESTRATOR: endpoint}) as client:
        with StageProgress() as progress:
            result = await client.try_on_result(
                job.garments, timeout_s=job.timeout_s, on_event=progress.show, **job.options
            )
    try:
        written = [_written(path, data) for path, data in _files(job, result)]
    except OSError as error:
        raise OutputError(f"the result cannot be written: {error}") from error
    for warning in result.manifest.warnings:
        typer.echo(f"Note: {warning}", err=True)
    for path in written:
        typer.echo(f"Wrote {path}")
    for line in (*_fidelity(job, result), *_making(result)):
        typer.echo(line)
    return ExitCode.FINE


def _written(path: Path, data: bytes) -> Path:
    write_atomically(path, data)
    return path


def _files(job: TryOnJob, result: TryOnResult) -> Iterator[tuple[Path, bytes]]:
    """Yield all files with their bytes."""
    for path, view in zip(job.pictures, result.views, strict=True):
        yield path, view.picture
        for kind, pixels in view.maps.items():
            yield beside(path, kind.value, ".png"), _png(kind, pixels)
        if OutputKind.KEYPOINTS in job.options.get("outputs", ()):
            points = {name: list(point) for name, point in view.keypoints.items()}
            yield beside(path, OutputKind.KEYPOINTS.value, ".json"), _json(points)
    for garment, masks in zip(job.garments, result.garments, strict=False):
        for kind, pixels in masks.items():
            words = f"{Path(str(garment.photo)).stem}.{kind.value}" if len(job.garments) > 1 else kind.value
            yield beside(job.pictures[0], words, ".png"), _png(kind, pixels)
    if job.turntable is not None and result.turntable is not None:
        yield job.turntable, result.turntable
    if job.report is not None:
        yield job.report, _json(fashquick_client.manifest_report(result.manifest))


def _png(kind: OutputKind, pixels: PixelMap) -> bytes:
    from fashquick_common.image import (  # noqa: PLC0415 - only for maps: it loads Pillow
        DigitalSourceType,
        encode,
        synthetic_media_xmp,
    )

    # The studio's picture is a picture of its own, and says what it is.
    drawn = DigitalSourceType.COMPOSITE_SYNTHETIC
    return encode(pixels.array(), xmp=synthetic_media_xmp("fashquick", drawn) if kind is OutputKind.BASE else None)


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"


def _fidelity(job: TryOnJob, result: TryOnResult) -> Iterator[str]:
    """Yield what is known of each garment in each picture; which of several it is about is said."""
    for path, view in zip(job.pictures, result.views, strict=True):
        for repair in view.repairs:
            yield f"Repair{_of(job, path, repair.garment)}: {repair_line(repair)}"
        for index, report in sorted(view.fidelity.items()):
            yield f"Fidelity{_of(job, path, index)}: {summary(report)}"


def _making(result: TryOnResult) -> Iterator[str]:
    """Yield how diffusion made the pictures; views that were made alike are said once."""
    told: set[str] = set()
    for view in result.views:
        lines = [] if view.making is None else list(making_lines(view.making, result.manifest.seed))
        yield from (line for line in lines if line not in told)
        told.update(lines)


def _of(job: TryOnJob, path: Path, garment: int) -> str:
    about = [path.name] if len(job.pictures) > 1 else []
    about += [Path(str(job.garments[garment].photo)).name] if len(job.garments) > 1 else []
    return f"{' of ' if about else ''}{', '.join(about)}"
