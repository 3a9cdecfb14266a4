"""What the doctor finds: facts, each with what to do where something should be done."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fashquick_client.problems import ExitCode

_MAX_CHARS = 400  # Names and messages of others can be of any length.
_MAX_READ = 2 * _MAX_CHARS


class Topic(StrEnum):
    """What findings are about, in the order in which they are shown."""

    PYTHON = "python"
    MACHINE = "machine"
    DEVICES = "devices"
    PORTS = "ports"
    BACKENDS = "backends"
    WEIGHTS = "weights"
    CACHES = "caches"
    SETTINGS = "settings"
    SERVERS = "servers"


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact.

    Attributes:
        topic: What it is about.
        level: How bad it is: fine, good to know, or in the way of working.
        found: What was found, one printable line.
        advice: What to do, one printable line; empty when nothing needs doing.
        exit_code: What the command ends with if this is all that was found.
    """

    topic: Topic
    level: Level
    found: str
    advice: str = ""
    exit_code: ExitCode = ExitCode.FINE


def ok(topic: Topic, found: str) -> Finding:
    """Return a finding that is as it should be."""
    return Finding(topic, Level.OK, one_line(found))


def note(topic: Topic, found: str, advice: str) -> Finding:
    """Return a finding that is good to know and stops nothing."""
    return Finding(topic, Level.NOTE, one_line(found), one_line(advice))


def problem(topic: Topic, found: str, advice: str, exit_code: ExitCode = ExitCode.FAILED) -> Finding:
    """Return a finding that stops something from working."""
    return Finding(topic, Level.PROBLEM, one_line(found), one_line(advice), exit_code)


def one_line(text: str) -> str:
    """Return a text as one line of at most 400 characters that is safe on every terminal.

    Names of files and words of servers come in; line breaks become blanks, what cannot be printed becomes U+FFFD.
    """
    line = "".join(char if char.isprintable() else " " if char.isspace() else "\ufffd" for char in text[:_MAX_READ])
    line = line.strip()
    return line if len(line) <= _MAX_CHARS else f"{line[: _MAX_CHARS - 4]} ..."
