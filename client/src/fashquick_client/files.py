"""Files that are either there as a whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file beside its place, then move it there.

    Raises:
        OSError: The folder is missing or not writable, or the disk is full; nothing is left behind.
    """
    target = Path(path)
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        # mkstemp makes files for the owner's eyes only; give this one what any new file gets.
        partial.chmod(0o666 & ~_umask())
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def check_writable(path: Path) -> None:
    """Return if a file can probably be written, so that no work is done in vain.

    Raises:
        IsADirectoryError: There is a folder in its place.
        FileNotFoundError: Its folder does not exist.
        NotADirectoryError: Its folder is a file.
        PermissionError: Its folder is not writable.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file")
    check_writable_folder(path.parent)


def check_writable_folder(folder: Path) -> None:
    """Return if files can probably be written into a folder.

    Raises:
        FileNotFoundError: It does not exist.
        NotADirectoryError: It is a file.
        PermissionError: It is not writable.
    """
    if not folder.exists():
        raise FileNotFoundError(f"the folder {folder} does not exist; make it first")
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"the folder {folder} is not writable")
