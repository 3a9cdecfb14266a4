"""`fashquick segment`."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

import fashquick_client
from fashquick_client.commands.running import Outcome, complain, connected, for_each, run, usage_error
from fashquick_client.files import check_writable, check_writable_folder, write_atomically
from fashquick_client.options import Box, Point, SegmentWishes
from fashquick_client.photos import printable, read_photo
from fashquick_client.problems import ExitCode, OutputError, gravest, problem_of, problem_report
from fashquick_client.services import Service

if TYPE_CHECKING:
    from fashquick_client import Client, Segmentation
    from fashquick_client.cutout import CutoutFiles

MAX_CANDIDATES = 16


@dataclass(frozen=True, slots=True)
class SegmentJob:
    """A segmentation as it was asked for.

    Attributes:
        files: Photos.
        folder: Where the results go.
        candidates: Most other masks to write for each photo.
        report: Report to write, if any.
        wishes: Wishes for each photo; prompts only for a single one.
    """

    files: Sequence[str]
    folder: Path
    candidates: int
    report: Path | None
    wishes: SegmentWishes


@dataclass(frozen=True, slots=True)
class OutputFiles:
    """Where the results of a photo go.

    Attributes:
        mask: The mask.
        cutout: The garment without its ground.
        candidates: Other masks, as many as there may be.
    """

    mask: Path
    cutout: Path
    candidates: tuple[Path, ...]

    def written(self, candidates: int) -> tuple[Path, ...]:
        """Return those that are written when there are so many other masks."""
        return (self.mask, self.cutout, *self.candidates[:candidates])


@dataclass(frozen=True, slots=True)
class _Done:
    """What was written for a photo, and what is known of it."""

    files: tuple[Path, ...]
    report: dict[str, Any]


def segment(job: SegmentJob, endpoint: str | None) -> int:
    """Check the files' names, cut the garments out, and return the exit code."""
    try:
        check_writable_folder(job.folder)
        if job.report is not None:
            check_writable(job.report)
    except OSError as error:
        raise usage_error(problem_of(error).message) from error
    if len(job.files) > 1 and ("points" in job.wishes or "box" in job.wishes):
        raise usage_error("points and boxes belong to one photo; name a single one with --on, --off and --box")
    outputs = {file: _outputs(file, job) for file in job.files}
    _check_names(job, outputs)
    if importlib.util.find_spec("PIL") is None or importlib.util.find_spec("pi_heif") is None:
        complain("masks and cut-outs are written with numpy and Pillow: install fashquick-client[images]")
        return ExitCode.UNAVAILABLE
    return run(_segment(job, outputs, endpoint))


def parse_point(text: str, *, on_garment: bool) -> Point:
    """Return a point from X,Y.

    Raises:
        typer.BadParameter: It is none.
    """
    option = "--on" if on_garment else "--off"
    x, y = _numbers(text, 2, "X,Y in pixels of the photo, such as 300,420", option)
    return Point(x, y, on_garment)


def parse_box(text: str) -> Box:
    """Return a box from L,T,R,B.

    Raises:
        typer.BadParameter: It is none.
    """
    return Box(*_numbers(text, 4, "LEFT,TOP,RIGHT,BOTTOM in pixels of the photo, such as 60,80,450,560", "--box"))


def _numbers(text: str, count: int, wanted: str, option: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise typer.BadParameter(f"{text!r} is not {wanted}", param_hint=option)
    return numbers


def _outputs(file: str, job: SegmentJob) -> OutputFiles:
    stem = Path(file).stem
    others = (job.folder / f"{stem}.candidate-{number}.mask.png" for number in range(1, job.candidates + 1))
    return OutputFiles(job.folder / f"{stem}.mask.png", job.folder / f"{stem}.cutout.png", tuple(others))


def _check_names(job: SegmentJob, outputs: dict[str, OutputFiles]) -> None:
    by_target: defaultdict[Path, list[str]] = defaultdict(list)
    for file in job.files:
        for target in outputs[file].written(job.candidates):
            by_target[target].append(file)
    for target, sources in by_target.items():
        if len(sources) > 1:
            names = " and ".join(map(printable, sources))
            raise usage_error(f"{names} would both be written to {printable(str(target))}; rename one, or run twice")
    photos = {Path(file).resolve() for file in job.files}
    for target in (*by_target, *([] if job.report is None else [job.report])):
        if target.resolve() in photos:
            raise usage_error(f"{printable(str(target))} is one of the photos and would be overwritten")
    if job.report is not None and job.report.resolve() in {target.resolve() for target in by_target}:
        raise usage_error(f"the report would overwrite the result {printable(str(job.report))}; name another file")


async def _segment(job: SegmentJob, outputs: dict[str, OutputFiles], endpoint: str | None) -> int:
    async with connected({Service.SEGMENTATION: endpoint}) as client:

        async def work(file: str) -> _Done:
            return await _cut_out(file, outputs[file], job, client)

        outcomes = await for_each(job.files, work, doing="Cutting out")
    for outcome in outcomes:
        if outcome.value is not None:
            *most, last = (printable(str(path)) for path in outcome.value.files)
            typer.echo(f"Wrote {', '.join(most)} and {last}")
    if job.report is not None:
        _write(job.report, json.dumps([_report(outcome) for outcome in outcomes], indent=2).encode() + b"\n")
    return gravest(outcome.problem.exit_code for outcome in outcomes if outcome.problem is not None)


async def _cut_out(file: str, outputs: OutputFiles, job: SegmentJob, client: Client) -> _Done:
    from fashquick_client.cutout import make_cutout  # noqa: PLC0415 - needs the extra `images`

    photo = await asyncio.to_thread(read_photo, file)
    # All candidates: another garment among them is told of, whether or not their masks are wanted.
    wishes: SegmentWishes = {**job.wishes, "foreground": True, "max_candidates": MAX_CANDIDATES}
    found = await client.segment(photo.data, **wishes)
    images = await asyncio.to_thread(make_cutout, photo.data, found, job.candidates)
    files = outputs.written(len(images.candidates))
    for path, data in zip(files, (images.mask, images.cutout, *images.candidates), strict=True):
        _write(path, data)
    for remark in (*found.quality.warnings, *_other_garments(found, images, outputs)):
        typer.echo(f"{printable(file)}: {remark}", err=True)
    report = fashquick_client.segmentation_report(found)
    others = zip(files[2:], report["candidates"], strict=False)
    report["candidates"] = [{"mask": printable(str(path)), **candidate} for path, candidate in others]
    return _Done(files, report)


def _other_garments(found: Segmentation, images: CutoutFiles, outputs: OutputFiles) -> list[str]:
    """Say of each further garment how to get it."""
    from fashquick_client.cutout import box_round  # noqa: PLC0415 - needs the extra `images`

    remarks = []
    for number, candidate in enumerate(found.candidates, start=1):
        box = box_round(candidate.mask, images.width, images.height) if candidate.other_garment else None
        if box is None:
            continue
        if number <= len(images.candidates):
            mask = f"{outputs.candidates[number - 1].name} is its mask"
        else:
            mask = f"--candidates {number} writes its mask"
        corners = f"{box.left:.0f},{box.top:.0f},{box.right:.0f},{box.bottom:.0f}"
        remarks.append(f"candidate {number} is another garment: {mask}, --box {corners} cuts it out with SAM 2")
    return remarks


def _write(path: Path, data: bytes) -> None:
    try:
        write_atomically(path, data)
    except OSError as error:
        raise OutputError(f"the results cannot be written: {error}") from error


def _report(outcome: Outcome[_Done]) -> dict[str, Any]:
    if outcome.problem is not None:
        return problem_report(outcome.file, outcome.problem)
    assert outcome.value is not None
    mask, cutout, *_ = (printable(str(path)) for path in outcome.value.files)
    return {"file": printable(outcome.file), "ok": True, "mask": mask, "cutout": cutout, **outcome.value.report}
