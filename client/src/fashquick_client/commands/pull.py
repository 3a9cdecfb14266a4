"""`fashquick models pull`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from fashquick_client.commands.running import attempt
from fashquick_client.console import byte_progress
from fashquick_client.fetching.fetch import Fetcher, check_room, partial_bytes
from fashquick_client.fetching.host import Host
from fashquick_client.fetching.store import OFFLINE_VARIABLE, is_offline, known_profiles, listed, store_of, to_fetch
from fashquick_client.problems import ExitCode
from fashquick_common.errors import BadField, ModelNotInstalled, NotFound
from fashquick_common.models import SUMS_FILE, Profile, ProfileFile, Source


@dataclass(frozen=True, slots=True)
class PullJob:
    """What to fetch.

    Attributes:
        names: Names of profiles.
        store: Folder of the model store; None for the one that FASHQUICK_MODELS names.
        optional: Whether also the files that the profiles work without are fetched.
        agreed: Whether the licences are agreed to.
    """

    names: Sequence[str]
    store: Path | None
    optional: bool
    agreed: bool


def pull(job: PullJob) -> int:
    """Fetch what a store lacks of profiles, and return the exit code."""
    return attempt(lambda: _pull(job))


def chosen(names: Sequence[str]) -> list[Profile]:
    """Return profiles by their names.

    Raises:
        NotFound: There is none of a name.
        BadField: The user's own profiles are wrong.
    """
    known = known_profiles(os.environ)
    for name in names:
        if name not in known:
            raise NotFound(f"there is no profile {name[:80]!r}; there are {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(names)]


def _pull(job: PullJob) -> int:
    store = store_of(job.store, os.environ)
    wanted = [file for profile in chosen(job.names) for file in (profile.files if job.optional else profile.needed)]
    store.mkdir(parents=True, exist_ok=True)
    missing = to_fetch(wanted, store, _reading)
    by_hand = [file for file in missing if file.source is None]
    sources = {file: file.source for file in missing if file.source is not None}
    if sources:
        _fetch(sources, store, agreed=job.agreed)
    if by_hand:
        names = ", ".join(file.name for file in by_hand)
        raise ModelNotInstalled(
            f"put {names} into {store} by hand, and list them in {SUMS_FILE}: no repository has them"
        )
    typer.echo(f"{', '.join(dict.fromkeys(job.names))}: all is in {store}.")
    return ExitCode.FINE


def _fetch(sources: dict[ProfileFile, Source], store: Path, *, agreed: bool) -> None:
    size = sum((file.size_bytes or 0) - partial_bytes(store, file) for file in sources)
    if is_offline(os.environ):
        raise ModelNotInstalled(
            f"{_count(len(sources))} {'is' if len(sources) == 1 else 'are'} missing in {store}, the first is "
            f"{next(iter(sources)).name}, and {OFFLINE_VARIABLE} forbids the network: copy the store from elsewhere, "
            f"or unset {OFFLINE_VARIABLE}"
        )
    host = Host.of(os.environ)
    check_room(store, max(size, 0))
    typer.echo(f"{_count(len(sources))}, {size / 1e6:.0f} MB, from {host.address} to {store}:")
    for source, files in _by_source(sources).items():
        typer.echo(f"  {source.repository}: {', '.join(file.path for file in files)}")
        typer.echo(f"    licence: {source.licence}, {source.licence_url}")
    _ask(agreed=agreed)
    notes: list[str] = []
    # A file that came once stays the one that it was, also where the profile does not say which it is.
    remembered = {each.name: each.sha256 for each in listed(store)}
    fetcher = Fetcher(store, host)
    with byte_progress(len(sources)) as begin:
        for file, source in sources.items():
            wanted = replace(file, sha256=file.sha256 or remembered.get(file.name))
            fetched = fetcher.fetch(wanted, source, begin(file.name))
            if wanted.sha256 is None:
                by = "the host states" if fetched.stated else "nobody states"
                notes.append(f"{file.name} has the SHA-256 that {by}; the profile has none. {SUMS_FILE} remembers it.")
    for note in notes:
        typer.echo(f"Note: {note}")


def _ask(*, agreed: bool) -> None:
    if agreed:
        return
    if not sys.stdin.isatty():
        raise BadField("read the licences, and say --yes if you agree to them: here nobody can be asked", field="yes")
    if not typer.confirm("Do you agree to these licences?", err=True):
        raise typer.Exit(ExitCode.FAILED)


def _by_source(sources: dict[ProfileFile, Source]) -> dict[Source, list[ProfileFile]]:
    found: dict[Source, list[ProfileFile]] = {}
    for file, source in sources.items():
        found.setdefault(source, []).append(file)
    return found


def _reading(file: ProfileFile) -> None:
    if sys.stderr.isatty():
        typer.echo(f"Looking at {file.name} ...", err=True)


def _count(number: int) -> str:
    return f"{number} {'file' if number == 1 else 'files'}"
