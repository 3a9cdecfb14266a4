"""The model store that FASHQUICK_MODELS names: complete, and unchanged. Only SAM 2 and diffusion need one."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from fashquick_client.doctor.findings import Finding, Topic, note, ok, problem
from fashquick_client.fetching.store import PROFILES_VARIABLE, STORE_VARIABLE, Filled, filled, known_profiles
from fashquick_common.errors import BadField, FashquickError
from fashquick_common.models import ModelStore
from fashquick_common.models.recording import LOCK_FILE, PARTIAL
from fashquick_common.models.sums import MAX_SUMS_BYTES, SUMS_FILE, Entry, Sums, leads_outside, parse

_MAX_SHOWN = 5
_MAX_ENTRIES = 10_000  # More, and the variable names something else than a model store.
_COPY_AGAIN = "Copy it into the store again from where it came, or take its line out."
_MAKE_SUMS = "cd to the store and run: sha256sum FILES > SHA256SUMS, where you know that they are right."


def check(*, verify: bool) -> list[Finding]:
    """Look at the model store.

    Args:
        verify: Whether to compute the SHA-256 of every file.
    """
    name = os.environ.get(STORE_VARIABLE)
    if not name:
        return [ok(Topic.WEIGHTS, f"no model store ({STORE_VARIABLE} is not set); no weights are needed")]
    return [*store_findings(Path(name), verify=verify), *profile_findings(Path(name))]


def profile_findings(store: Path) -> list[Finding]:
    """Say which profiles of the diffusion backend a store has, by its list and the files' sizes.

    A store that has nothing of any profile, or has no list that can be read, gets no finding: that is told elsewhere.

    Args:
        store: Its folder.
    """
    try:
        stored = ModelStore(store).files()
        found = [filled(profile, stored) for profile in known_profiles(os.environ).values()]
    except FashquickError as error:
        return [] if not isinstance(error, BadField) else [problem(Topic.WEIGHTS, error.message, "Correct that file.")]
    # What another profile brings too says nothing of whether this one is wanted.
    begun = [each for each in found if each.begun]
    return [_profile_finding(each, wanted=not any(not other.missing for other in begun)) for each in begun]


def _profile_finding(found: Filled, *, wanted: bool) -> Finding:
    name = found.profile.name
    if not found.missing:
        return ok(Topic.WEIGHTS, f"the profile {name} is complete")
    lacks = f"the profile {name} lacks {_count(len(found.missing))}: {_listed(file.name for file in found.missing)}"
    if not wanted:
        return ok(Topic.WEIGHTS, lacks)
    return note(Topic.WEIGHTS, lacks, f"Run: fashquick models pull {name}")


def store_findings(store: Path, *, verify: bool) -> list[Finding]:
    """Judge a model store.

    Args:
        store: Its folder.
        verify: Whether to compute the SHA-256 of every file.
    """
    try:
        present = _files(store) - _own_profiles(store)
    except OSError as error:
        advice = "Make that folder readable, set FASHQUICK_MODELS to the right one, or unset it: no weights are needed."
        return [problem(Topic.WEIGHTS, f"the model store {store} cannot be read: {error.strerror}", advice)]
    if len(present) > _MAX_ENTRIES:
        advice = "Set FASHQUICK_MODELS to a folder that has only weights."
        return [problem(Topic.WEIGHTS, f"{store} has more than {_MAX_ENTRIES} files: no model store", advice)]
    try:
        content = _sums_bytes(store / SUMS_FILE)
    except OSError as error:
        text = f"{store / SUMS_FILE} cannot be read: {error.strerror or error}"
        return [problem(Topic.WEIGHTS, text, f"Get it from where the weights came, or {_MAKE_SUMS}")]
    return _judged(store, parse(content), present, verify=verify)


def _own_profiles(store: Path) -> set[str]:
    """Return the name in the store of the user's own profiles, if they lie there: they are no weights."""
    path, root = Path(os.environ.get(PROFILES_VARIABLE, "")).absolute(), store.absolute()
    return {path.relative_to(root).as_posix()} if path.is_relative_to(root) else set()


def _judged(store: Path, sums: Sums, present: set[str], *, verify: bool) -> list[Finding]:
    found = []
    if sums.mistakes:
        text = f"{store / SUMS_FILE}: {_listed(sums.mistakes)}"
        found.append(problem(Topic.WEIGHTS, text, "Get the list again from where the weights came."))
    size, faults = 0, 0
    for entry in sums.entries:
        try:
            size += _checked_size(store, entry, verify=verify)
        except (OSError, _Fault) as error:
            faults += 1
            why = error.strerror or str(error) if isinstance(error, OSError) else str(error)
            found.append(problem(Topic.WEIGHTS, f"{store / entry.name}: {why}", _COPY_AGAIN))
    unlisted = sorted(present - {entry.name for entry in sums.entries} - {SUMS_FILE, LOCK_FILE})
    if partial := [name for name in unlisted if name.endswith(PARTIAL)]:
        text = f"{store} has {_count(len(partial))} of which only a part came: {_listed(partial)}"
        found.append(note(Topic.WEIGHTS, text, "Run fashquick models pull again: it goes on from there."))
    if unlisted := [name for name in unlisted if name not in partial]:
        text = f"{store} has {_count(len(unlisted))} that {SUMS_FILE} does not list: {_listed(unlisted)}"
        found.append(note(Topic.WEIGHTS, text, "Nothing says whether they are right: list them, or delete them."))
    if not sums.entries and not sums.mistakes:
        found.append(note(Topic.WEIGHTS, f"{store / SUMS_FILE} lists no file", f"To list them, {_MAKE_SUMS}"))
    good = len(sums.entries) - faults
    if good:
        how = "unchanged (SHA-256 compared)" if verify else "there (--verify also compares their SHA-256)"
        found.insert(0, ok(Topic.WEIGHTS, f"{_count(good)} of {store}, {size / 1e6:.1f} MB, {how}"))
    return found


class _Fault(Exception):
    """A file is not what the list says, in words for a person."""


def _checked_size(store: Path, entry: Entry, *, verify: bool) -> int:
    """Return the bytes of a listed file.

    Raises:
        _Fault: It is not as listed.
        OSError: It cannot be read.
    """
    file = store / entry.name
    if leads_outside(file, store):
        raise _Fault("a link leads out of the store; put the file itself there")
    # Opening a pipe would wait for a writer.
    if not stat.S_ISREG(file.stat().st_mode):
        raise _Fault("it is no file")
    with file.open("rb") as opened:
        if verify:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
            if digest != entry.sha256:
                raise _Fault(f"its SHA-256 is {digest[:12]}..., listed is {entry.sha256[:12]}...")
        return os.fstat(opened.fileno()).st_size


def _sums_bytes(file: Path) -> bytes:
    """Return the list's bytes.

    Raises:
        OSError: It cannot be read, or is no list.
    """
    if not stat.S_ISREG(file.stat().st_mode):
        raise OSError("it is no file")
    with file.open("rb") as opened:
        content = opened.read(MAX_SUMS_BYTES + 1)
    if len(content) > MAX_SUMS_BYTES:
        raise OSError(f"it has more than {MAX_SUMS_BYTES // 1024} KiB; a list is shorter")
    return content


def _files(store: Path) -> set[str]:
    """Return the names of all files in a store, a few more than `_MAX_ENTRIES` at most.

    Raises:
        OSError: A folder cannot be read.
    """
    names: set[str] = set()
    folders = [store]
    while folders and len(names) <= _MAX_ENTRIES:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                else:
                    names.add(Path(entry.path).relative_to(store).as_posix())
                if len(names) > _MAX_ENTRIES:
                    break
    return names


def _listed(names: Iterable[str]) -> str:
    shown = list(names)
    more = f" and {len(shown) - _MAX_SHOWN} more" if len(shown) > _MAX_SHOWN else ""
    return ", ".join(shown[:_MAX_SHOWN]) + more


def _count(number: int) -> str:
    return f"{number} {'file' if number == 1 else 'files'}"
