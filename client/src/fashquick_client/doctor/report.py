"""Findings for people and for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fashquick_client.doctor.findings import Finding, Level, Topic

_STYLES = {Level.OK: "green", Level.NOTE: "yellow", Level.PROBLEM: "bold red"}
_LEVEL_WIDTH = max(len(level) for level in Level) + 2
_TOPIC_WIDTH = max(len(topic) for topic in Topic) + 2


def print_json(findings: Sequence[Finding], version: str) -> None:
    """Print an object: `version` of this client, and `findings` with `topic`, `level`, `found` and `advice` each.

    `topic` and `level` are the values of `Topic` and `Level`; `advice` is empty where nothing needs doing. Later
    versions may add members and topics.
    """
    listed = [
        {"topic": each.topic, "level": each.level, "found": each.found, "advice": each.advice} for each in findings
    ]
    typer.echo(json.dumps({"version": version, "findings": listed}, indent=2))


def print_report(findings: Sequence[Finding], version: str) -> None:
    """Print all findings by topic, then those that need something done, the gravest last, with what to do.

    On a terminal in colour and in its width; elsewhere a line each, which starts with level and topic.
    """
    ordered = sorted(findings, key=lambda each: list(Topic).index(each.topic))
    if sys.stdout is not None and sys.stdout.isatty():  # None: closed by whoever started this.
        _print_for_terminal(ordered, version)
    else:
        _print_lines(ordered, version)


def _print_lines(findings: Sequence[Finding], version: str) -> None:
    typer.echo(f"fashquick {version}\n")
    for each in findings:
        typer.echo(f"{each.level:<{_LEVEL_WIDTH}}{each.topic:<{_TOPIC_WIDTH}}{each.found}")
    typer.echo(f"\n{summary(findings)}")
    for each in _to_do(findings):
        typer.echo(f"  {each.level}: {each.found}\n    {each.advice}")


def _print_for_terminal(findings: Sequence[Finding], version: str) -> None:
    console = Console(highlight=False)
    console.print(Text(f"fashquick {version}", "bold"))
    for topic in Topic:
        of_topic = [each for each in findings if each.topic is topic]
        if of_topic:
            console.print(Text(f"\n{topic.capitalize()}", "bold"))
            console.print(_table([(each, each.found) for each in of_topic]))
    console.print(Text(f"\n{summary(findings)}", "bold"))
    for each in _to_do(findings):
        console.print(_table([(each, each.found), (None, each.advice)]))


def _table(rows: Sequence[tuple[Finding | None, str]]) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(width=_LEVEL_WIDTH)
    table.add_column(overflow="fold")
    for finding, text in rows:
        mark = Text() if finding is None else Text(f"  {finding.level}", _STYLES[finding.level])
        table.add_row(mark, Text(text, "cyan" if finding is None else ""))
    return table


def summary(findings: Sequence[Finding]) -> str:
    """Return how many findings need something done."""
    problems = sum(1 for each in findings if each.level is Level.PROBLEM)
    notes = sum(1 for each in findings if each.level is Level.NOTE)
    counted = [
        f"{number} {word}{'s' * (number != 1)}" for number, word in ((problems, "problem"), (notes, "note")) if number
    ]
    if not counted:
        return "Nothing is wrong."
    return f"{'Nothing is wrong; ' * (not problems)}{' and '.join(counted)}. What to do:"


def _to_do(findings: Sequence[Finding]) -> list[Finding]:
    """Return the notes, then the problems: what matters most stands last, next to the prompt."""
    return [each for level in (Level.NOTE, Level.PROBLEM) for each in findings if each.level is level]
