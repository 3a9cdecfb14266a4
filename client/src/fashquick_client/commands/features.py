"""`fashquick features`."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

import fashquick_client
from fashquick_client.commands.passport_view import passport_view
from fashquick_client.commands.running import Outcome, complain, connected, for_each, run, usage_error
from fashquick_client.files import check_writable, check_writable_folder, write_atomically
from fashquick_client.options import ReadTextName
from fashquick_client.photos import printable, read_photo
from fashquick_client.problems import ExitCode, OutputError, gravest, problem_of, problem_report
from fashquick_client.services import Service
from fashquick_common.garment import Category, KnownLength, MeasurementName

if TYPE_CHECKING:
    from fashquick_client import Client, PixelMap
    from fashquick_common.garment import Passport

# The contract's limits of `fashquick.garment.v1.KnownLength`.
_MIN_CM, _MAX_CM = 1, 400


@dataclass(frozen=True, slots=True)
class FeaturesJob:
    """Descriptions as they were asked for.

    Attributes:
        files: Photos.
        mask: Mask of the one photo, or a folder with NAME.mask.png for each; None where the garment is to be found.
        sheet: File of the one sheet, or folder of all; None for no sheet.
        category: Kind of garment, if it is known.
        known_length: A length that is known.
        read_text: Whether prints are read.
        as_json: Whether to print JSON.
    """

    files: Sequence[str]
    mask: Path | None
    sheet: Path | None
    category: Category | None
    known_length: KnownLength | None
    read_text: ReadTextName
    as_json: bool


@dataclass(frozen=True, slots=True)
class _Described:
    """What is known about a garment, and the sheet that was written."""

    passport: Passport
    sheet: Path | None


def features(job: FeaturesJob, endpoint: str | None, segmentation_endpoint: str | None) -> int:
    """Describe the garments, print what was found, and return the exit code."""
    if job.mask is not None and len(job.files) > 1 and not job.mask.is_dir():
        raise usage_error("a mask belongs to one photo; with several name a folder that has NAME.mask.png for each")
    sheets = _sheets(job)
    if sheets and (importlib.util.find_spec("PIL") is None or importlib.util.find_spec("pi_heif") is None):
        complain("sheets are drawn with numpy and Pillow: install fashquick-client[images]")
        return ExitCode.UNAVAILABLE
    return run(_features(job, sheets, endpoint, segmentation_endpoint))


def parse_length(text: str) -> KnownLength:
    """Return a length from NAME=CM.

    Raises:
        typer.BadParameter: It is none.
    """
    name, _, number = text.partition("=")
    try:
        length = KnownLength(MeasurementName(name.strip().lower()), float(number))
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not NAME=CENTIMETRES, such as chest=52; names are {', '.join(MeasurementName)}",
            param_hint="--length",
        ) from None
    if not _MIN_CM <= length.centimetres <= _MAX_CM:
        raise typer.BadParameter(f"{number} is not between {_MIN_CM} and {_MAX_CM} cm", param_hint="--length")
    return length


def _mask_of(file: str, job: FeaturesJob) -> Path | None:
    """Return where the mask of a photo is: in a folder under the name that `fashquick segment` gives it."""
    if job.mask is None or not job.mask.is_dir():
        return job.mask
    return job.mask / f"{Path(file).stem}.mask.png"


def _sheets(job: FeaturesJob) -> dict[str, Path]:
    """Return where the sheet of each photo goes; raises `typer.Exit` where one cannot be written."""
    if job.sheet is None:
        return {}
    try:
        if len(job.files) == 1 and not job.sheet.is_dir():
            if job.sheet.suffix.lower() != ".png":
                raise usage_error(f"{job.sheet} must end in .png, or be a folder that exists")
            check_writable(job.sheet)
            sheets = {job.files[0]: job.sheet}
        else:
            check_writable_folder(job.sheet)
            sheets = {file: job.sheet / f"{Path(file).stem}.sheet.png" for file in job.files}
    except OSError as error:
        raise usage_error(problem_of(error).message) from error
    by_target: defaultdict[Path, list[str]] = defaultdict(list)
    for file, target in sheets.items():
        by_target[target].append(file)
    for target, sources in by_target.items():
        if len(sources) > 1:
            names = " and ".join(map(printable, sources))
            raise usage_error(f"{names} would both be drawn on {printable(str(target))}; rename one, or run twice")
    masks = (mask for file in job.files if (mask := _mask_of(file, job)) is not None)
    inputs = {path.resolve() for path in (*map(Path, job.files), *masks)}
    overwritten = {target.resolve() for target in by_target} & inputs
    if overwritten:
        raise usage_error(f"{printable(str(overwritten.pop()))} would be overwritten by a sheet; name another file")
    return sheets


async def _features(
    job: FeaturesJob, sheets: dict[str, Path], endpoint: str | None, segmentation_endpoint: str | None
) -> int:
    places = {Service.FEATURES: endpoint}
    if job.mask is None:
        places[Service.SEGMENTATION] = segmentation_endpoint
    async with connected(places) as client:

        async def work(file: str) -> _Described:
            return await _describe(file, sheets.get(file), job, client)

        outcomes = await for_each(job.files, work, doing="Describing")
    if job.as_json:
        typer.echo(json.dumps([_report(outcome) for outcome in outcomes], indent=2))
    else:
        _print(outcomes)
    return gravest(outcome.problem.exit_code for outcome in outcomes if outcome.problem is not None)


async def _describe(file: str, sheet: Path | None, job: FeaturesJob, client: Client) -> _Described:
    photo = await asyncio.to_thread(read_photo, file)
    alpha: PixelMap | bytes
    mask = _mask_of(file, job)
    if mask is not None:
        alpha = (await asyncio.to_thread(read_photo, mask)).data
    else:
        alpha = (await client.segment(photo.data)).alpha
    passport = await client.extract_features(
        photo.data, alpha, category=job.category, known_length=job.known_length, read_text=job.read_text
    )
    if sheet is not None:
        from fashquick_client.passport_sheet import SheetPhoto, make_passport_sheet  # noqa: PLC0415 - needs `images`

        def draw() -> bytes:
            return make_passport_sheet(SheetPhoto.read(photo.data, alpha), passport, photo.name)

        try:
            write_atomically(sheet, await asyncio.to_thread(draw))
        except OSError as error:
            raise OutputError(f"the sheet cannot be written: {error}") from error
    return _Described(passport, sheet)


def _report(outcome: Outcome[_Described]) -> dict[str, Any]:
    if outcome.problem is not None:
        return problem_report(outcome.file, outcome.problem)
    assert outcome.value is not None
    report = {
        "file": printable(outcome.file),
        "ok": True,
        "passport": fashquick_client.passport_report(outcome.value.passport),
    }
    if outcome.value.sheet is not None:
        report["sheet"] = printable(str(outcome.value.sheet))
    return report


def _print(outcomes: Sequence[Outcome[_Described]]) -> None:
    console = Console()
    for outcome in outcomes:
        if outcome.value is not None:
            console.print(passport_view(printable(Path(outcome.file).name), outcome.value.passport))
    for outcome in outcomes:
        if outcome.value is not None and outcome.value.sheet is not None:
            typer.echo(f"Wrote {printable(str(outcome.value.sheet))}")
