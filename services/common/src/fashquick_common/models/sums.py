"""The list of a model store: `SHA256SUMS`, as sha256sum writes and checks it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

SUMS_FILE = "SHA256SUMS"
MAX_SUMS_BYTES = 1024 * 1024  # Some 8,000 files; a store has tens.
_MAX_NAME_BYTES = 4096  # PATH_MAX of Linux
# "<64 hex>  <name>", or with "*" before a name read as binary. sha256sum marks names with line breaks by a
# backslash in front; such names are not for stores.
_LINE = re.compile(rb"([0-9a-fA-F]{64}) [ *]([^\x00-\x1f\x7f]+)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the list.

    Attributes:
        name: Name of the file, relative to the store, in its shortest form.
        sha256: Its SHA-256 in small hexadecimal digits.
    """

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Sums:
    """A list that was read.

    Attributes:
        entries: Its good lines, in order; a file once.
        mistakes: What is wrong with the others, in words.
    """

    entries: tuple[Entry, ...]
    mistakes: tuple[str, ...]


def parse(content: bytes) -> Sums:
    """Read a list, whatever bytes it has.

    Args:
        content: The bytes of `SHA256SUMS`.
    """
    entries: dict[str, Entry] = {}
    mistakes: list[str] = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        text = line.removesuffix(b"\r")
        if not text:
            continue
        entry = _entry(text)
        if entry is None:
            mistakes.append(f"line {number} is not 64 hexadecimal digits, two blanks and a name")
        elif not stays_inside(entry.name):
            mistakes.append(f"line {number} names a file outside the store: {entry.name}")
        elif entries.setdefault(entry.name, entry).sha256 != entry.sha256:
            mistakes.append(f"line {number} gives {entry.name} another SHA-256 than a line before")
    return Sums(tuple(entries.values()), tuple(mistakes))


def stays_inside(name: str) -> bool:
    """Return whether a relative name stays in its folder, links left aside."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and path.parts != ()


def leads_outside(file: Path, store: Path) -> bool:
    """Return whether a file is elsewhere than it seems: a link leads out of the store.

    Raises:
        OSError: It cannot be followed.
    """
    # Not Path.resolve, which raises RuntimeError for links in a circle.
    inside = os.path.realpath(store, strict=True)
    return os.path.commonpath([os.path.realpath(file, strict=True), inside]) != inside


def _entry(line: bytes) -> Entry | None:
    match = _LINE.fullmatch(line)
    if match is None or len(match[2]) > _MAX_NAME_BYTES:
        return None
    try:
        name = match[2].decode("utf-8")
    except UnicodeDecodeError:
        return None
    return Entry(str(PurePosixPath(name)), match[1].decode("ascii").lower())
