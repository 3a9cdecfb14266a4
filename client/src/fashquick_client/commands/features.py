"""`fashquick features`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

import fashquick_client
from fashquick_client.commands.running import Outcome, connected, for_each, run
from fashquick_client.photos import printable
from fashquick_client.problems import gravest, problem_report
from fashquick_client.services import Service

if TYPE_CHECKING:
    from fashquick_common.garment import Passport


def features(files: Sequence[str], endpoint: str | None, segmentation_endpoint: str | None, *, as_json: bool) -> int:
    """Describe the garments, print what was found, and return the exit code."""
    return run(_features(files, endpoint, segmentation_endpoint, as_json=as_json))


async def _features(
    files: Sequence[str], endpoint: str | None, segmentation_endpoint: str | None, *, as_json: bool
) -> int:
    places = {Service.FEATURES: endpoint, Service.SEGMENTATION: segmentation_endpoint}
    async with connected(places) as client:

        async def work(file: str) -> Passport:
            found = await client.segment(file)
            return await client.extract_features(file, found.alpha)

        outcomes = await for_each(files, work, doing="Describing")
    if as_json:
        typer.echo(json.dumps([_report(outcome) for outcome in outcomes], indent=2))
    else:
        _print_table([outcome for outcome in outcomes if outcome.value is not None])
    return gravest(outcome.problem.exit_code for outcome in outcomes if outcome.problem is not None)


def _report(outcome: Outcome[Passport]) -> dict[str, Any]:
    if outcome.problem is not None:
        return problem_report(outcome.file, outcome.problem)
    assert outcome.value is not None
    return {
        "file": printable(outcome.file),
        "ok": True,
        "passport": fashquick_client.passport_report(outcome.value),
    }


def _print_table(outcomes: Sequence[Outcome[Passport]]) -> None:
    if not outcomes:
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("Photo", "Garment", "Colours", "Points"):
        table.add_column(heading, overflow="fold")
    for outcome in outcomes:
        if outcome.value is not None:
            passport = outcome.value
            name = Text(printable(Path(outcome.file).name))
            table.add_row(name, _categories(passport), _palette(passport), str(len(passport.landmarks)))
    Console().print(table)


def _categories(passport: Passport) -> str:
    if not passport.categories:
        return "not recognised"
    return "\n".join(f"{guess.category} {guess.confidence:.0%}" for guess in passport.categories[:2])


def _palette(passport: Passport) -> Text:
    lines = []
    for colour in passport.palette:
        red, green, blue = colour.srgb
        lines.append(
            Text.assemble(
                ("██", f"rgb({red},{green},{blue})"),
                f" {colour.name} #{red:02x}{green:02x}{blue:02x} {colour.share:.0%}",
            )
        )
    return Text("\n").join(lines)
