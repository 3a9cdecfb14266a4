"""A folder of weights with a list of their SHA-256: no file is used that is not the listed one.

Messages name files by their place in the store: callers of a server read them, and where the store is on its disk is
not for them.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import ModelNotInstalled
from fashquick_common.models.sums import MAX_SUMS_BYTES, SUMS_FILE, Entry, leads_outside, parse

_COPY_AGAIN = "copy it into the store again from where it came"
_LIST_AGAIN = f"get {SUMS_FILE} again from where the weights came"
_STEP_BYTES = 4 * 1024 * 1024  # Read and hashed between two looks at the flag: some 10 ms.
_STEP_S = 0.05  # Between two looks while another call reads.

# Device, inode, time of the last change in nanoseconds, size in bytes: what a file was when it was read.
_Seen = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that the list names.

    Attributes:
        name: Its name, relative to the store.
        sha256: The SHA-256 that it should have, in small hexadecimal digits.
        size_bytes: Its size; None if it is missing or leads out of the store.
        verified: Whether its SHA-256 was computed, was right, and it has not changed since.
    """

    name: str
    sha256: str
    size_bytes: int | None
    verified: bool


class ModelStore:
    """The folder that FASHQUICK_MODELS names.

    The list is read anew each time, so files may be added while servers run. A file is read once to verify it;
    then its inode, time of change and size stand for its content. Thread-safe.

    Attributes:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        """Make it; nothing is read yet, and the folder need not exist."""
        self.root = root
        self._seen: dict[str, tuple[_Seen, str]] = {}
        self._reading = threading.Lock()

    def files(self) -> tuple[StoredFile, ...]:
        """List what the list names, in its order, without reading the files.

        Raises:
            ModelNotInstalled: There is no list, or it is wrong.
        """
        return tuple(self._stored(entry) for entry in self._entries())

    def find(self, name: str) -> StoredFile | None:
        """Return what is known of a listed file; None if it is not listed.

        Raises:
            ModelNotInstalled: There is no list, or it is wrong.
        """
        return next((self._stored(entry) for entry in self._entries() if entry.name == name), None)

    def verified(self, name: str, cancel: CancelFlag | None = None, *, anew: bool = False) -> Path:
        """Return the path of a file whose content is the listed one.

        The first call for a file reads all of it, some 2 seconds a gigabyte; others that ask meanwhile wait.

        Args:
            name: Name of the file, relative to the store.
            cancel: Checked between steps; None: it is not stopped.
            anew: Whether to read the file also if it was verified before and seems unchanged.

        Raises:
            ModelNotInstalled: The file is not listed, missing, not a plain file in the store, or another one.
            Cancelled: The flag was raised.
            DeadlinePassed: The flag's deadline passed.
        """
        entry = next((entry for entry in self._entries() if entry.name == name), None)
        if entry is None:
            raise ModelNotInstalled(
                f"the model store does not list {name}; put that file there and add its line to {SUMS_FILE}"
            )
        try:
            digest = self._digest(entry, cancel or CancelFlag(), anew)
        except OSError as error:
            raise ModelNotInstalled(
                f"{name} in the model store cannot be used: {error.strerror or error}; {_COPY_AGAIN}"
            ) from error
        if digest != entry.sha256:
            raise ModelNotInstalled(
                f"{name} in the model store has SHA-256 {digest}, listed is {entry.sha256}: "
                f"it is damaged or another file; {_COPY_AGAIN}"
            )
        return self.root / name

    def _digest(self, entry: Entry, cancel: CancelFlag, anew: bool) -> str:
        """Return the SHA-256 of a listed file.

        Raises:
            OSError: It cannot be read, is no file, leads out of the store or is being written.
        """
        with self._turn(cancel), _open(self.root / entry.name, self.root) as file:
            before = _look(file)
            known = self._seen.get(entry.name)
            if known is not None and known[0] == before and not anew:
                return known[1]
            digest = _sha256(file, cancel)
            if _look(file) != before:
                raise OSError("it changed while it was read")
            self._seen[entry.name] = (before, digest)
        return digest

    @contextmanager
    def _turn(self, cancel: CancelFlag) -> Iterator[None]:
        """Wait until no other call reads."""
        while not self._reading.acquire(timeout=_STEP_S):
            cancel.check()
        try:
            yield
        finally:
            self._reading.release()

    def _stored(self, entry: Entry) -> StoredFile:
        try:
            with _open(self.root / entry.name, self.root) as file:
                now = _look(file)
        except OSError:
            return StoredFile(entry.name, entry.sha256, None, verified=False)
        return StoredFile(entry.name, entry.sha256, now[3], self._seen.get(entry.name) == (now, entry.sha256))

    def _entries(self) -> tuple[Entry, ...]:
        """Read the list.

        Raises:
            ModelNotInstalled: It cannot be read, or one of its lines is wrong: then none of it is believed.
        """
        try:
            with _open(self.root / SUMS_FILE, self.root) as file:
                content = file.read(MAX_SUMS_BYTES + 1)
        except OSError as error:
            raise ModelNotInstalled(
                f"the model store's list {SUMS_FILE} cannot be read: {error.strerror or error}; "
                "set FASHQUICK_MODELS to a folder with weights, or ask for a backend that needs none"
            ) from error
        if len(content) > MAX_SUMS_BYTES:
            raise ModelNotInstalled(
                f"the model store's {SUMS_FILE} has more than {MAX_SUMS_BYTES // 1024} KiB: no list; {_LIST_AGAIN}"
            )
        sums = parse(content)
        if sums.mistakes:
            raise ModelNotInstalled(f"the model store's {SUMS_FILE}: {sums.mistakes[0]}; {_LIST_AGAIN}")
        return sums.entries


def _open(path: Path, store: Path) -> BufferedReader:
    """Open a plain file that lies in the store.

    Raises:
        OSError: It cannot be opened, is no file, or a link leads out of the store.
    """
    if leads_outside(path, store):
        raise OSError("a link leads out of the store")
    # Without O_NONBLOCK, opening a pipe would wait for a writer.
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise OSError("it is no file")
        return os.fdopen(number, "rb")
    except BaseException:
        os.close(number)
        raise


def _sha256(file: BufferedReader, cancel: CancelFlag) -> str:
    digest = hashlib.sha256()
    step = memoryview(bytearray(_STEP_BYTES))
    while count := file.readinto(step):
        cancel.check()
        digest.update(step[:count])
    return digest.hexdigest()


def _look(file: BufferedReader) -> _Seen:
    found = os.fstat(file.fileno())
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
