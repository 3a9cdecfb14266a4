"""`fashquick models`: what servers have in memory; `fashquick_client.commands.stored` is about files."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

from fashquick_client.commands.pull import chosen
from fashquick_client.commands.running import attempt, complain, connected, for_each, run
from fashquick_client.commands.stored import print_profiles, stored_profiles, verify_stored
from fashquick_client.fetching.store import STORE_VARIABLE, known_profiles
from fashquick_client.problems import ExitCode, gravest, problem_of
from fashquick_client.services import DEFAULT_ENDPOINT, Service, beside
from fashquick_common.errors import FashquickError, NotFound

if TYPE_CHECKING:
    from fashquick_client import Client, Model, ModelList

_MIB = 1024 * 1024
_KEEPERS = (Service.SEGMENTATION, Service.GENERATION)
"""Services that have models of a store."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a server said of its models.

    Attributes:
        service: The server.
        said: Its models, or why it did not answer.
    """

    service: Service
    said: ModelList | FashquickError

    @property
    def models(self) -> Sequence[Model]:
        """Its models; none where it did not answer."""
        return () if isinstance(self.said, FashquickError) else self.said.models


def list_models(endpoint: str | None, *, as_json: bool) -> int:
    """Print the models of a server, or of all that run here and the profiles too; return the exit code."""
    return run(_list_one(endpoint, as_json=as_json) if endpoint else _list_all(as_json=as_json))


def load(name: str, endpoint: str | None) -> int:
    """Load a model, print how it stands then, and return the exit code."""
    return run(_change(name, endpoint, lambda client, service: client.load_model(name, service)))


def unload(name: str, endpoint: str | None) -> int:
    """Unload a model, print how it stands then, and return the exit code."""
    return run(_change(name, endpoint, lambda client, service: client.unload_model(name, service)))


def verify(name: str | None, endpoint: str | None, store: Path | None) -> int:
    """Verify a model or all that are installed, on servers or in a store's folder; return the exit code."""
    if store is not None:
        names = [name] if name else list(known_profiles(os.environ))
        return attempt(lambda: verify_stored(chosen(names), store))
    return run(_verify(name, endpoint))


async def _list_one(endpoint: str, *, as_json: bool) -> int:
    async with connected({_KEEPERS[0]: endpoint}) as client:
        listed = await client.list_models(_KEEPERS[0])
    if as_json:
        typer.echo(json.dumps({"servers": [{"endpoint": endpoint, **asdict(listed)}]}, indent=2))
    else:
        _print_list(listed)
    return ExitCode.FINE


async def _list_all(*, as_json: bool) -> int:
    async with connected(usual_places()) as client:
        answers = await _answers(client)
    profiles = stored_profiles()
    if as_json:
        typer.echo(json.dumps({"servers": [*map(_report, answers)], "profiles": [*map(asdict, profiles)]}, indent=2))
        return ExitCode.FINE
    _mention_silent(answers)
    for answer in answers:
        if not isinstance(answer.said, FashquickError):
            typer.echo(f"Models of the {answer.service} server:")
            _print_list(answer.said)
    typer.echo("Profiles of the diffusion backend, which `fashquick models pull NAME` fetches:")
    print_profiles(profiles)
    return ExitCode.FINE


async def _change(name: str, endpoint: str | None, change: Callable[[Client, Service], Awaitable[Model]]) -> int:
    async with connected({_KEEPERS[0]: endpoint} if endpoint else usual_places()) as client:
        service = _KEEPERS[0] if endpoint else _who_knows(name, await _answers(client))
        _print_table([await change(client, service)])
    return ExitCode.FINE


async def _verify(name: str | None, endpoint: str | None) -> int:
    async with connected({_KEEPERS[0]: endpoint} if endpoint else usual_places()) as client:
        if endpoint:
            places = {name: _KEEPERS[0]} if name else _installed([await _asked(client, _KEEPERS[0])])
        elif name is None:
            places = _installed(await _answers(client))
        else:
            try:
                places = {name: _who_knows(name, await _answers(client))}
            except FashquickError:
                if name not in known_profiles(os.environ) or not os.environ.get(STORE_VARIABLE):
                    raise
                return _verify_here(name)
        outcomes = await for_each([*places], lambda each: client.verify_model(each, places[each]), doing="Verifying")
    if not outcomes:
        typer.echo("No model is installed on the servers that answer.")
    _print_table([outcome.value for outcome in outcomes if outcome.value is not None])
    return gravest(outcome.problem.exit_code for outcome in outcomes if outcome.problem is not None)


def _verify_here(name: str) -> int:
    store = Path(os.environ[STORE_VARIABLE])
    typer.echo(f"No server that runs here has {name}: looking at its files in {store}.", err=True)
    return verify_stored(chosen([name]), store)


def usual_places() -> Mapping[Service, str]:
    """Return where `fashquick up` starts the servers that have models."""
    return {service: beside(DEFAULT_ENDPOINT, service) for service in _KEEPERS}


async def _answers(client: Client) -> list[_Answer]:
    return list(await asyncio.gather(*(_asked(client, service) for service in _KEEPERS)))


async def _asked(client: Client, service: Service) -> _Answer:
    try:
        return _Answer(service, await client.list_models(service))
    except FashquickError as error:
        return _Answer(service, error)


def _who_knows(name: str, answers: Sequence[_Answer]) -> Service:
    """Return the server that knows a model.

    Raises:
        NotFound: None of those that answer does.
        FashquickError: None answers.
    """
    for answer in answers:
        if any(model.name == name for model in answer.models):
            return answer.service
    _check_some(answers)
    known = ", ".join(model.name for answer in answers for model in answer.models)
    silent = "".join(f"; {answer.said.message}" for answer in answers if isinstance(answer.said, FashquickError))
    raise NotFound(f"no server that answers has a model {name[:80]!r}; there are {known or 'none'}{silent}")


def _installed(answers: Sequence[_Answer]) -> dict[str, Service]:
    """Return the server of each model that is installed; servers that are silent are mentioned.

    Raises:
        FashquickError: None answers.
    """
    _check_some(answers)
    _mention_silent(answers)
    return {model.name: answer.service for answer in answers for model in answer.models if model.installed}


def _check_some(answers: Sequence[_Answer]) -> None:
    errors = [answer.said for answer in answers if isinstance(answer.said, FashquickError)]
    if len(errors) == len(answers):
        raise errors[0]


def _mention_silent(answers: Sequence[_Answer]) -> None:
    for answer in answers:
        if isinstance(answer.said, FashquickError):
            complain(answer.said.message)


def _report(answer: _Answer) -> dict[str, Any]:
    about = {"service": answer.service.value, "endpoint": usual_places()[answer.service]}
    if isinstance(answer.said, FashquickError):
        problem = problem_of(answer.said)
        return {**about, "error": {"status": problem.status, "reason": problem.reason, "message": problem.message}}
    return {**about, **asdict(answer.said)}


def _print_list(listed: ModelList) -> None:
    if not listed.models:
        typer.echo("This server knows no models: no backend of it needs weights.")
        return
    _print_table(listed.models)
    typer.echo(f"Loaded weights may take {_mib(listed.budget_bytes)} together.")


def _print_table(models: Sequence[Model]) -> None:
    if not models:
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("Model", "Backend", "State", "Weights"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "Weights" else "left")
    for model in models:
        name = f"{model.name} (default)" if model.is_default else model.name
        table.add_row(name, model.backend, _state(model), _mib(model.weight_bytes))
    Console(highlight=False).print(table)


def _state(model: Model) -> str:
    if not model.installed:
        return "not installed"
    words = ["loaded" if model.loaded else "installed"]
    if model.verified:
        words.append("verified")
    if model.users:
        words.append(f"used by {model.users} {'call' if model.users == 1 else 'calls'}")
    return ", ".join(words)


def _mib(size: int) -> str:
    return f"{size / _MIB:.0f} MiB"
