"""`fashquick models`."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

from fashquick_client.commands.running import connected, for_each, run
from fashquick_client.problems import ExitCode, gravest
from fashquick_client.services import Service

if TYPE_CHECKING:
    from fashquick_client import Client, Model

_MIB = 1024 * 1024


def list_models(endpoint: str, *, as_json: bool) -> int:
    """Print the models of a server; return the exit code."""
    return run(_list(endpoint, as_json=as_json))


def load(name: str, endpoint: str) -> int:
    """Load a model, print how it stands then, and return the exit code."""
    return run(_change(endpoint, lambda client: client.load_model(name)))


def unload(name: str, endpoint: str) -> int:
    """Unload a model, print how it stands then, and return the exit code."""
    return run(_change(endpoint, lambda client: client.unload_model(name)))


def verify(name: str | None, endpoint: str) -> int:
    """Verify a model, or all that are installed, print how they stand then, and return the exit code."""
    return run(_verify(name, endpoint))


async def _list(endpoint: str, *, as_json: bool) -> int:
    async with connected({Service.SEGMENTATION: endpoint}) as client:
        listed = await client.list_models()
    if as_json:
        typer.echo(json.dumps(asdict(listed), indent=2))
    elif not listed.models:
        typer.echo("This server knows no models: no backend of it needs weights.")
    else:
        _print_table(listed.models)
        typer.echo(f"Loaded weights may take {_mib(listed.budget_bytes)} together.")
    return ExitCode.FINE


async def _change(endpoint: str, change: Callable[[Client], Awaitable[Model]]) -> int:
    async with connected({Service.SEGMENTATION: endpoint}) as client:
        _print_table([await change(client)])
    return ExitCode.FINE


async def _verify(name: str | None, endpoint: str) -> int:
    async with connected({Service.SEGMENTATION: endpoint}) as client:
        names = [name] if name else [model.name for model in (await client.list_models()).models if model.installed]
        if not names:
            typer.echo("No model is installed on this server.")
        outcomes = await for_each(names, client.verify_model, doing="Verifying")
    _print_table([outcome.value for outcome in outcomes if outcome.value is not None])
    return gravest(outcome.problem.exit_code for outcome in outcomes if outcome.problem is not None)


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
