"""Running a command's work: signals, failures as exit codes, servers for the command's own life."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import typer

import fashquick_client
from fashquick_client.console import file_progress
from fashquick_client.local import run_servers
from fashquick_client.photos import printable
from fashquick_client.problems import EXPECTED_ERRORS, ExitCode, Problem, problem_of
from fashquick_client.services import DEFAULT_ENDPOINT, Service

if TYPE_CHECKING:
    from fashquick_client import Client

T = TypeVar("T")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(work: Coroutine[Any, Any, int], *, stopped_code: int | None = None) -> int:
    """Run a command's work, report its failure in one line, and return the exit code.

    SIGINT and SIGTERM cancel the work, which then cleans up; a second one ends the process at once.

    Args:
        work: Returns the exit code.
        stopped_code: Exit code after a signal; by default 128 and the signal's number, as shells have it.
    """
    # gRPC's own remarks, such as on a server that says goodbye, are not for people; its failures are exceptions.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        return asyncio.run(_until_signal(work, stopped_code))
    except EXPECTED_ERRORS as error:
        problem = problem_of(error)
        complain(problem.message)
        return problem.exit_code


def attempt(work: Callable[[], int]) -> int:
    """Do a command's work that needs no server, report its failure in one line, and return the exit code."""
    try:
        return work()
    except EXPECTED_ERRORS as error:
        problem = problem_of(error)
        complain(problem.message)
        return problem.exit_code
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


async def _until_signal(work: Coroutine[Any, Any, int], stopped_code: int | None) -> int:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    received: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        received.append(number)
        for each in _SIGNALS:
            loop.remove_signal_handler(each)
        task.cancel()

    for number in _SIGNALS:
        loop.add_signal_handler(number, stop, number)
    try:
        return await task
    except asyncio.CancelledError:
        if not received:
            raise
        return 128 + received[0] if stopped_code is None else stopped_code
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


def complain(message: str) -> None:
    """Say on stderr what went wrong."""
    typer.echo(f"fashquick: {message}", err=True)


def usage_error(message: str) -> typer.Exit:
    """Say what is wrong with the command line; return what to raise."""
    complain(message)
    return typer.Exit(ExitCode.USAGE)


@contextlib.asynccontextmanager
async def connected(given: Mapping[Service, str | None]) -> AsyncIterator[Client]:
    """Yield a client for some services; those without an endpoint run on this machine meanwhile.

    Raises:
        LocalServersError: They cannot be started.
    """
    missing = [service for service, endpoint in given.items() if endpoint is None]
    endpoints = {service: endpoint for service, endpoint in given.items() if endpoint is not None}
    async with contextlib.AsyncExitStack() as stack:
        if missing:
            if sys.stderr.isatty():
                typer.echo("Starting the services on this machine ...", err=True)
            # The orchestrator is of no use without its stages.
            needed = tuple(Service) if Service.ORCHESTRATOR in missing else missing
            servers = await stack.enter_async_context(run_servers(needed))
            endpoints = {**servers.endpoints, **endpoints}
        client = fashquick_client.Client(
            endpoints.get(Service.ORCHESTRATOR, DEFAULT_ENDPOINT),
            segmentation=endpoints.get(Service.SEGMENTATION),
            features=endpoints.get(Service.FEATURES),
            generation=endpoints.get(Service.GENERATION),
        )
        yield await stack.enter_async_context(client)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What became of one file: either a value or a problem.

    Attributes:
        file: The file, as it was named.
        value: The result.
        problem: Why there is none.
    """

    file: str
    value: T | None
    problem: Problem | None


async def for_each(files: Sequence[str], work: Callable[[str], Awaitable[T]], *, doing: str) -> list[Outcome[T]]:
    """Work on files one after the other; a failure stops only its own file.

    Args:
        files: The files.
        work: What to do with one.
        doing: What is being done, for the progress bar.
    """
    outcomes: list[Outcome[T]] = []
    with file_progress(doing, len(files)) as advance:
        for file in files:
            try:
                outcomes.append(Outcome(file, await work(file), None))
            except EXPECTED_ERRORS as error:
                problem = problem_of(error)
                complain(f"{printable(file)}: {problem.message}")
                outcomes.append(Outcome(file, None, problem))
            advance()
    return outcomes
