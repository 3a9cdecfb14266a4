"""What a model store has of profiles: found by reading its files, and fetched where it lacks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fashquick_common.errors import BadField, ModelNotInstalled
from fashquick_common.models import SUMS_FILE, ModelStore, Profile, ProfileFile, StoredFile, gaps, profiles
from fashquick_common.models.recording import record
from fashquick_common.models.sums import Entry, leads_outside

PROFILE_VARIABLE = "FASHQUICK_DIFFUSION_PROFILE"
PROFILES_VARIABLE = "FASHQUICK_DIFFUSION_PROFILES"
STORE_VARIABLE = "FASHQUICK_MODELS"
OFFLINE_VARIABLE = "FASHQUICK_OFFLINE"
_NO = ("", "0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class Filled:
    """How far a store has a profile.

    Attributes:
        profile: The profile.
        missing: Needed files that are not there, or other ones.
        missing_optional: Likewise of those that it works without.
    """

    profile: Profile
    missing: tuple[ProfileFile, ...]
    missing_optional: tuple[ProfileFile, ...]

    @property
    def begun(self) -> bool:
        """Whether some needed file is there."""
        return len(self.missing) < len(self.profile.needed)


def known_profiles(environment: Mapping[str, str]) -> Mapping[str, Profile]:
    """Return the packaged profiles and those of the user's own file.

    Raises:
        BadField: That file is wrong.
    """
    own = environment.get(PROFILES_VARIABLE)
    return profiles(Path(own) if own else None)


def store_of(given: Path | None, environment: Mapping[str, str]) -> Path:
    """Return the store's folder: the one that is given, or that of the environment.

    Raises:
        BadField: There is neither.
    """
    if given is None and not environment.get(STORE_VARIABLE):
        raise BadField(f"say which folder is the model store: --store DIR, or {STORE_VARIABLE}", field="store")
    return given or Path(environment[STORE_VARIABLE])


def is_offline(environment: Mapping[str, str]) -> bool:
    """Return whether the network must not be used."""
    return environment.get(OFFLINE_VARIABLE, "").lower() not in _NO


def listed(store: Path) -> tuple[StoredFile, ...]:
    """Return what a store lists; nothing for a store that is still to be made.

    Raises:
        ModelNotInstalled: Its list is wrong.
    """
    return ModelStore(store).files() if (store / SUMS_FILE).exists() else ()


def filled(profile: Profile, stored: Iterable[StoredFile]) -> Filled:
    """Return how far a store has a profile, by its list and the files' sizes."""
    missing = gaps(profile.files, stored)
    needed = set(profile.needed)
    return Filled(
        profile,
        tuple(file for file in missing if file in needed),
        tuple(file for file in missing if file not in needed),
    )


def to_fetch(files: Iterable[ProfileFile], store: Path, on_file: Callable[[ProfileFile], None]) -> list[ProfileFile]:
    """Return those files that are not there or not right, which reads those that are there.

    A file that is there and has the SHA-256 that its profile states is listed, if it is not yet.

    Args:
        files: Files of profiles.
        store: The store's folder.
        on_file: Told each file that is read.

    Raises:
        ModelNotInstalled: The store's list is wrong.
        OSError: The store cannot be read or written to.
    """
    wanted = list(dict.fromkeys(files))
    lacking = set(gaps(wanted, listed(store)))
    known = ModelStore(store)
    missing: list[ProfileFile] = []
    for file in wanted:
        on_file(file)
        if file in lacking:
            if not _adopted(file, store):
                missing.append(file)
            continue
        try:
            known.verified(file.name)
        except ModelNotInstalled:
            missing.append(file)
    return missing


def _adopted(file: ProfileFile, store: Path) -> bool:
    """List a file that was put there by hand, if it is the one that its profile means."""
    path = store / file.name
    if file.sha256 is None or not path.is_file() or leads_outside(path, store):
        return False
    with path.open("rb") as opened:
        if hashlib.file_digest(opened, "sha256").hexdigest() != file.sha256:
            return False
    record(store, [Entry(file.name, file.sha256)])
    return True
