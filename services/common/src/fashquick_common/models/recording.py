"""Adding files to a model store's list, by several processes at the same time and whatever ends them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fashquick_common.errors import ModelNotInstalled
from fashquick_common.models.sums import MAX_SUMS_BYTES, SUMS_FILE, Entry, parse

LOCK_FILE = f".{SUMS_FILE}.lock"
PARTIAL = ".partial"
"""Ending of a file that is not whole yet."""


def record(root: Path, entries: Iterable[Entry]) -> None:
    """List files of a model store with their SHA-256; lines of the same names are replaced, others stay.

    Readers see the old list or the new one. Two that record at the same time wait for each other, so that no line is
    lost.

    Args:
        root: The store.
        entries: What to list.

    Raises:
        ModelNotInstalled: The list that is there has mistakes; it is left as it is.
        OSError: The store cannot be written to.
    """
    with _locked(root / LOCK_FILE):
        listed = {entry.name: entry.sha256 for entry in _read(root / SUMS_FILE)}
        listed |= {entry.name: entry.sha256 for entry in entries}
        content = "".join(f"{sha256}  {name}\n" for name, sha256 in listed.items()).encode()
        if len(content) > MAX_SUMS_BYTES:
            raise ModelNotInstalled(f"{root / SUMS_FILE} would have more than {MAX_SUMS_BYTES // 1024} KiB: no store")
        partial = root / f"{SUMS_FILE}{PARTIAL}"
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            put_in_place(file.fileno(), partial, root / SUMS_FILE)


def put_in_place(number: int, partial: Path, target: Path) -> None:
    """Let a finished file take its name, so that a power cut leaves the old one or the whole new one.

    Args:
        number: Descriptor of the file, to which all has been written.
        partial: The name that it has.
        target: The name that it gets, in the same folder.
    """
    os.fsync(number)
    partial.replace(target)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(path: Path) -> tuple[Entry, ...]:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SUMS_BYTES + 1)
    except FileNotFoundError:
        return ()
    if len(content) > MAX_SUMS_BYTES:
        raise ModelNotInstalled(f"{path} has more than {MAX_SUMS_BYTES // 1024} KiB: no list; delete it, and try again")
    sums = parse(content)
    if sums.mistakes:
        raise ModelNotInstalled(f"{path}: {sums.mistakes[0]}; correct the list, or delete it, and try again")
    return sums.entries


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    # A file of its own: the list is replaced, and a lock on the old one would lock nobody out.
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)
