"""What the model store has of the diffusion backend's profiles, as `fashquick models` tells it without a server."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from fashquick_client.commands.running import complain
from fashquick_client.console import file_progress
from fashquick_client.fetching.store import STORE_VARIABLE, Filled, filled, known_profiles, listed
from fashquick_client.problems import ExitCode
from fashquick_common.errors import ModelNotInstalled
from fashquick_common.models import ModelStore, Profile, ProfileFile, gaps

_GB_FROM = 100_000_000  # Bytes; below, megabytes say more.


@dataclass(frozen=True, slots=True)
class StoredProfile:
    """How a profile stands in the store.

    Attributes:
        name: Its name.
        about: One sentence.
        state: "complete", "incomplete", "absent", or "unknown" without a store or with one whose list is wrong.
        missing: Names of needed files that the store lacks.
        missing_bytes: Their sizes together, as far as the profile knows them.
    """

    name: str
    about: str
    state: str
    missing: tuple[str, ...]
    missing_bytes: int


def stored_profiles() -> list[StoredProfile]:
    """Return how all profiles stand in the store that FASHQUICK_MODELS names; a list that is wrong is complained of.

    Raises:
        BadField: The user's own profiles are wrong.
    """
    profiles = known_profiles(os.environ).values()
    folder = os.environ.get(STORE_VARIABLE)
    try:
        stored = listed(Path(folder)) if folder else None
    except ModelNotInstalled as error:
        complain(error.message)
        stored = None
    return [_described(filled(profile, stored or ()), known=stored is not None) for profile in profiles]


def _described(found: Filled, *, known: bool) -> StoredProfile:
    state = "complete" if not found.missing else "incomplete" if found.begun else "absent"
    return StoredProfile(
        name=found.profile.name,
        about=found.profile.about,
        state=state if known else "unknown",
        missing=tuple(file.name for file in found.missing),
        missing_bytes=sum(file.size_bytes or 0 for file in found.missing),
    )


def print_profiles(profiles: Sequence[StoredProfile]) -> None:
    """Print the profiles as a table."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("Profile", overflow="fold")
    table.add_column("In the store", overflow="fold")
    table.add_column("To fetch", justify="right", overflow="fold")
    table.add_column("For", overflow="fold")
    for profile in profiles:
        table.add_row(profile.name, profile.state, _to_fetch(profile), profile.about)
    Console(highlight=False).print(table)


def _to_fetch(profile: StoredProfile) -> str:
    if not profile.missing:
        return ""
    size = profile.missing_bytes
    return f"{size / 1e9:.1f} GB" if size >= _GB_FROM else f"{size / 1e6:.1f} MB"


def verify_stored(profiles: Iterable[Profile], store: Path) -> int:
    """Read the files that a store has of profiles, print how each is, and return the exit code.

    Args:
        profiles: The profiles.
        store: The store's folder.

    Raises:
        ModelNotInstalled: The store's list is wrong.
    """
    files = list(dict.fromkeys(file for profile in profiles for file in profile.files))
    needed = {file for profile in profiles for file in profile.needed}
    stored = listed(store)
    lacking, names = set(gaps(files, stored)), {each.name for each in stored if each.size_bytes is not None}
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("File", overflow="fold")
    table.add_column("State", overflow="fold")
    code = ExitCode.FINE
    with file_progress("Verifying", len(files)) as advance:
        for file in files:
            state, is_fine = _verified(file, ModelStore(store), lacks=file in lacking, has=file.name in names)
            if not is_fine and file in needed:
                code = ExitCode.FAILED
            table.add_row(file.name, state if file in needed else f"{state} (works without)")
            advance()
    Console(highlight=False).print(table)
    if code:
        typer.echo(f"fashquick models pull brings what is wrong or missing into {store}.")
    return code


def _verified(file: ProfileFile, store: ModelStore, *, lacks: bool, has: bool) -> tuple[str, bool]:
    if lacks:
        return ("another file than the profile's" if has else "missing"), False
    try:
        store.verified(file.name, anew=True)
    except ModelNotInstalled as error:
        complain(error.message)
        return "damaged", False
    return "verified", True
