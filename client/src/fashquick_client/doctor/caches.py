"""Folders that the servers write to: numba's compiled kernels, temporary files.

numba takes the first folder of three in which it can write, and only there looks for compiled kernels
(`numba.core.caching`, 0.68: `CacheImpl._locator_classes`). It does not read a folder in which it cannot write, and
with no folder at all the generation server does not start.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from fashquick_client.doctor.backends import package_folder
from fashquick_client.doctor.findings import Finding, Topic, note, ok, problem
from fashquick_client.services import Service

_SET_IT = "Set NUMBA_CACHE_DIR to a folder in which the generation server may write"


@dataclass(frozen=True, slots=True)
class KernelFolder:
    """A folder in which numba may keep the studio's compiled kernels.

    Attributes:
        name: What makes numba look there.
        path: The folder.
    """

    name: str
    path: Path


def check() -> list[Finding]:
    """Look at all folders."""
    return [*kernels(), *temporary()]


def kernels() -> list[Finding]:
    """Judge where numba keeps the studio's kernels."""
    package = package_folder(Service.GENERATION.module)
    if package is None:
        return [ok(Topic.CACHES, "no kernels to keep: the generation service is not installed here")]
    folders = kernel_folders(package / "studio")
    usable = next((folder for folder in folders if is_writable(folder.path)), None)
    if usable is None:
        listed = ", ".join(str(folder.path) for folder in folders)
        text = f"the studio cannot keep its compiled kernels, and without that it does not start: {listed}"
        return [problem(Topic.CACHES, text, f"{_SET_IT}; kernels that are there already only count if it may.")]
    found = []
    if os.environ.get("NUMBA_CACHE_DIR") and usable is not folders[0]:
        text = f"NUMBA_CACHE_DIR cannot be written to, so kernels in it do not count: {folders[0].path}"
        found.append(note(Topic.CACHES, text, f"{_SET_IT}, or unset it."))
    count = compiled(usable.path)
    if count:
        return [*found, ok(Topic.CACHES, f"{count} compiled kernels of the studio in {usable.path}")]
    text = f"no compiled kernels yet in {usable.path}"
    advice = "The generation server's first start compiles them, about half a minute; later starts find them there."
    return [*found, note(Topic.CACHES, text, advice)]


def kernel_folders(source: Path) -> list[KernelFolder]:
    """Return where numba looks for a place to keep kernels, in its order.

    Args:
        source: Folder of the kernels' source files.
    """
    # numba's name for a source folder outside of it; SHA-1 only makes it short.
    name = f"{source.name}_{hashlib.sha1(str(source).encode(), usedforsecurity=False).hexdigest()}"
    folders = []
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        folders.append(KernelFolder("NUMBA_CACHE_DIR", Path(chosen).absolute() / name))
    folders.append(KernelFolder("beside the source", source / "__pycache__"))
    # Not Path.expanduser, which raises for users without a home.
    users = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    return [*folders, KernelFolder("the user's", Path(users) / "numba" / name)]


def compiled(folder: Path) -> int:
    """Return how many kernels are there for this Python."""
    tag = f".py{sys.version_info[0]}{sys.version_info[1]}{sys.abiflags}.nbi"
    try:
        return sum(1 for file in folder.iterdir() if file.name.endswith(tag))
    except OSError:
        return 0


def is_writable(folder: Path) -> bool:
    """Return whether files can be made in a folder, which may have to be made first. Makes nothing."""
    for each in (folder, *folder.parents):
        if os.path.lexists(each):  # Which, unlike Path.exists, takes a folder that may not be entered for missing.
            return each.is_dir() and os.access(each, os.W_OK | os.X_OK)
    return False


def temporary() -> list[Finding]:
    """Judge the folder for temporary files."""
    advice = "Make room, or set TMPDIR to a folder that can be written to: servers are started with files there."
    try:
        folder = tempfile.gettempdir()  # Tries by itself whether it can write.
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"fashquick doctor")
            file.flush()
    except OSError as error:
        return [problem(Topic.CACHES, f"no temporary file can be written: {error.strerror or error}", advice)]
    return [ok(Topic.CACHES, f"temporary files can be written in {folder}")]
