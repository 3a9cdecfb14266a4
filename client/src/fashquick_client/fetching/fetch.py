"""One file of weights: fetched on from where it broke off, compared, and in its place as a whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path
from typing import Protocol

from fashquick_client.fetching.host import Host, RangeRefused, Sending
from fashquick_common.errors import BadField, DigestMismatch, SizeMismatch, UnavailableError
from fashquick_common.models.profiles import ProfileFile, Source
from fashquick_common.models.recording import PARTIAL, put_in_place, record
from fashquick_common.models.sums import SUMS_FILE, Entry, leads_outside

PAUSES_S = (1.0, 4.0, 15.0)  # Before a broken connection is made again.
SPARE_BYTES = 64 * 1024 * 1024  # Left free: a full disk troubles others too.
_READ_BYTES = 4 * 1024 * 1024
_READ_AGAIN_S = 60.0

OnBytes = Callable[[int, int], None]
"""Told the bytes of a file that are there, and all that it has."""


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that was fetched.

    Attributes:
        sha256: Its SHA-256.
        stated: Whether the profile or the host stated it, so that it was compared; else the first fetch is believed.
    """

    sha256: str
    stated: bool


class Fetcher:
    """Fetches files into a model store."""

    def __init__(self, store: Path, host: Host, *, pauses_s: Sequence[float] = PAUSES_S) -> None:
        """Make it.

        Args:
            store: The model store's folder, which is there.
            host: Where files come from.
            pauses_s: Seconds between attempts, of which there is one more.
        """
        self._store, self._host, self._pauses_s = store, host, pauses_s

    def fetch(self, file: ProfileFile, source: Source, on_bytes: OnBytes) -> Fetched:
        """Fetch a file, put it into its place, and list it. What there was before stays until then.

        A file that breaks off stays beside its place, under a name that ends in ".partial", and is gone on with.

        Args:
            file: Which.
            source: Where it is.
            on_bytes: Told how far it is.

        Raises:
            DigestMismatch: Its SHA-256 is not the one that the profile or the host states; nothing of it is kept.
            SizeMismatch: The host has a file of another size, or does not say of which.
            NotFound: The host does not have it.
            ModelNotInstalled: The repository asks for an agreement first.
            UnavailableError: The host cannot be reached, every attempt broke off, or another process fetches this file.
            BadField: The store leads elsewhere.
            OSError: The disk is full, or the store cannot be written to.
        """
        target = self._store / file.name
        for folder in reversed(target.relative_to(self._store).parents[:-1]):
            (self._store / folder).mkdir(exist_ok=True)
            if leads_outside(self._store / folder, self._store):
                raise BadField(f"{self._store / folder} leads out of the model store; take that link away")
        partial = target.with_name(target.name + PARTIAL)
        with _opened(partial) as opened:
            try:
                fetched = self._filled(opened, file, source, on_bytes)
            except DigestMismatch:
                partial.unlink()
                raise
            put_in_place(opened.fileno(), partial, target)
        record(self._store, [Entry(file.name, fetched.sha256)])
        return fetched

    def _filled(self, opened: BufferedRandom, file: ProfileFile, source: Source, on_bytes: OnBytes) -> Fetched:
        """Make a partial file whole."""
        pauses_s = iter(self._pauses_s)
        while True:
            try:
                return self._continued(opened, file, source, on_bytes)
            except RangeRefused as error:
                if not _length(opened):
                    raise UnavailableError(
                        f"{self._host.address} sends no byte of {file.path} of {source.repository}; try again later, "
                        "or name another mirror with HF_ENDPOINT",
                        retry_after_s=_READ_AGAIN_S,
                    ) from error
                opened.truncate(0)
            except UnavailableError as error:
                pause_s = next(pauses_s, None)
                if pause_s is None:
                    there = _length(opened)
                    kept = f"; {there / 1e6:.1f} MB of it are kept: the same command goes on from there"
                    raise UnavailableError(
                        error.message + (kept if there else ""), retry_after_s=error.retry_after_s
                    ) from error
                time.sleep(pause_s)

    def _continued(self, opened: BufferedRandom, file: ProfileFile, source: Source, on_bytes: OnBytes) -> Fetched:
        """Fetch what a partial file lacks; raises RangeRefused where what it has is of another file."""
        there = _length(opened)
        with self._host.sending(file, source, there) as sending:
            expected, size = _expected(file, sending)
            if sending.offset < there:
                opened.truncate(0)
            check_room(self._store, size - sending.offset)
            digest = _digest_of(opened)
            done = self._written(opened, sending, size, digest, on_bytes)
        if done < size:
            raise UnavailableError(f"{file.path} of {source.repository} broke off", retry_after_s=0)
        sha256 = digest.hexdigest()
        if expected in (None, sha256):
            return Fetched(sha256, stated=expected is not None)
        if sending.offset:
            raise RangeRefused
        raise DigestMismatch(
            f"{file.path} of {source.repository} has SHA-256 {sha256}, stated is {expected}: it was changed at its "
            "host or on its way, so it is not used; try again, or name another mirror with HF_ENDPOINT"
        )

    def _written(self, opened: BufferedRandom, sending: Sending, size: int, digest: _Digest, on_bytes: OnBytes) -> int:
        """Write what comes, and return how long the file then is."""
        done = sending.offset
        try:
            for chunk in sending.chunks():
                done += len(chunk)
                if done > size:
                    raise SizeMismatch(f"{sending.origin}: more comes than the {size} bytes that it should have")
                opened.write(chunk)
                digest.update(chunk)
                on_bytes(done, size)
            opened.flush()
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise OSError(f"{self._store} is full; what came is kept: make room, and run this again") from error
            raise
        return done


def check_room(store: Path, wanted_bytes: int) -> None:
    """Return if there is room for files.

    Raises:
        OSError: There is not; the message says how much is missing.
    """
    missing = wanted_bytes + SPARE_BYTES - shutil.disk_usage(store).free
    if missing > 0:
        raise OSError(f"{store} lacks {missing / 1e6:.0f} MB of room; make room, or name another folder with --store")


def partial_bytes(store: Path, file: ProfileFile) -> int:
    """Return how much of a file an earlier fetch has left."""
    try:
        return (store / (file.name + PARTIAL)).stat().st_size
    except OSError:
        return 0


def _expected(file: ProfileFile, sending: Sending) -> tuple[str | None, int]:
    """Return SHA-256 and size that a file must have; None for a SHA-256 that nobody states."""
    size = file.size_bytes if file.size_bytes is not None else sending.size_bytes
    if size is None:
        raise SizeMismatch(f"{sending.origin}: the host does not say how long it is; name another mirror")
    if sending.size_bytes not in (None, size):
        raise SizeMismatch(
            f"{sending.origin} has {sending.size_bytes} bytes, the profile says {size}: it is another file; "
            "correct the profile, or name another mirror with HF_ENDPOINT"
        )
    if file.sha256 and sending.sha256 and file.sha256 != sending.sha256:
        raise DigestMismatch(
            f"{sending.origin} has SHA-256 {sending.sha256} as its host states, the profile or {SUMS_FILE} "
            f"says {file.sha256}: it is another file than before; correct that, or name another mirror"
        )
    return file.sha256 or sending.sha256, size


@contextmanager
def _opened(partial: Path) -> Iterator[BufferedRandom]:
    """Open a partial file for this process alone.

    Raises:
        UnavailableError: Another process has it.
    """
    number = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    with os.fdopen(number, "r+b") as opened:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise BadField(f"{partial} is no file; take it away")
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnavailableError(
                f"{partial} is being fetched by another process; wait for that", retry_after_s=_READ_AGAIN_S
            ) from None
        yield opened


def _length(opened: BufferedRandom) -> int:
    return opened.seek(0, os.SEEK_END)


def _digest_of(opened: BufferedRandom) -> _Digest:
    """Begin a SHA-256 with what a file has; leave it at its end."""
    digest = hashlib.sha256()
    opened.seek(0)
    while data := opened.read(_READ_BYTES):
        digest.update(data)
    return digest
