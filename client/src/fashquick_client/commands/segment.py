"""`fashquick segment`."""

from __future__ import annotations

import asyncio
import importlib.util
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from fashquick_client.commands.running import complain, connected, for_each, run, usage_error
from fashquick_client.files import check_writable_folder, write_atomically
from fashquick_client.photos import printable, read_photo
from fashquick_client.problems import ExitCode, OutputError, gravest, problem_of
from fashquick_client.services import Service


@dataclass(frozen=True, slots=True)
class OutputFiles:
    """Where the results of a photo go.

    Attributes:
        mask: The mask.
        cutout: The garment without its ground.
    """

    mask: Path
    cutout: Path


def segment(files: Sequence[str], folder: Path, endpoint: str | None) -> int:
    """Check the files' names, cut the garments out, and return the exit code."""
    try:
        check_writable_folder(folder)
    except OSError as error:
        raise usage_error(problem_of(error).message) from error
    outputs = {file: _outputs(file, folder) for file in files}
    _check_names(files, outputs)
    if importlib.util.find_spec("PIL") is None or importlib.util.find_spec("pi_heif") is None:
        complain("masks and cut-outs are written with numpy and Pillow: install fashquick-client[images]")
        return ExitCode.UNAVAILABLE
    return run(_segment(files, outputs, endpoint))


def _outputs(file: str, folder: Path) -> OutputFiles:
    stem = Path(file).stem
    return OutputFiles(folder / f"{stem}.mask.png", folder / f"{stem}.cutout.png")


def _check_names(files: Sequence[str], outputs: dict[str, OutputFiles]) -> None:
    by_target: defaultdict[Path, list[str]] = defaultdict(list)
    for file in files:
        by_target[outputs[file].mask].append(file)
    for target, sources in by_target.items():
        if len(sources) > 1:
            names = " and ".join(map(printable, sources))
            raise usage_error(f"{names} would both be written to {printable(str(target))}; rename one, or run twice")
    photos = {Path(file).resolve() for file in files}
    for each in outputs.values():
        for target in (each.mask, each.cutout):
            if target.resolve() in photos:
                raise usage_error(f"{printable(str(target))} is one of the photos and would be overwritten")


async def _segment(files: Sequence[str], outputs: dict[str, OutputFiles], endpoint: str | None) -> int:
    from fashquick_client.cutout import make_cutout  # noqa: PLC0415 - needs the extra `images`

    async with connected({Service.SEGMENTATION: endpoint}) as client:

        async def work(file: str) -> OutputFiles:
            photo = await asyncio.to_thread(read_photo, file)
            found = await client.segment(photo.data)
            images = await asyncio.to_thread(make_cutout, photo.data, found)
            targets = outputs[file]
            try:
                write_atomically(targets.mask, images.mask)
                write_atomically(targets.cutout, images.cutout)
            except OSError as error:
                raise OutputError(f"the results cannot be written: {error}") from error
            for warning in found.quality.warnings:
                typer.echo(f"{printable(file)}: {warning}", err=True)
            return targets

        outcomes = await for_each(files, work, doing="Cutting out")
    for outcome in outcomes:
        if outcome.value is not None:
            typer.echo(f"Wrote {printable(str(outcome.value.mask))} and {printable(str(outcome.value.cutout))}")
    return gravest(outcome.problem.exit_code for outcome in outcomes if outcome.problem is not None)
