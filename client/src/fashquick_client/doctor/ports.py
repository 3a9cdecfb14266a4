"""The ports that `fashquick up` takes on this machine: free, or taken, and by whom."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from fashquick_client.doctor.findings import Finding, Topic, ok, problem
from fashquick_client.doctor.places import FirstPort
from fashquick_client.doctor.probe import Answer, NoAnswer, Probes, Silence
from fashquick_client.services import ADMIN_PORT_OFFSET, DEFAULT_PORT, Service

_ADMIN_LIMIT_S = 2.0
_ADMIN_QUESTION = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_MAX_ANSWER_BYTES = 4096


class State(Enum):
    """What became of an attempt to listen."""

    FREE = auto()
    TAKEN = auto()
    FORBIDDEN = auto()


@dataclass(frozen=True, slots=True)
class Port:
    """What was learnt about one port.

    Attributes:
        number: The port.
        state: Whether it can be listened on.
        holder: What fashquick server has it, in words; empty for an admin port; None if it is free or another's.
        why: Why it cannot be listened on, in words.
    """

    number: int
    state: State
    holder: str | None = None
    why: str = ""


async def check(first: FirstPort | None, probes: Probes) -> list[Finding]:
    """Look at the ports.

    Args:
        first: Where the orchestrator would listen; None when it could not listen here.
        probes: Asks who has a port.
    """
    if first is None:
        return [ok(Topic.PORTS, "not looked at: at the endpoint that was named no server can be started here")]
    numbers = [first.port + service.port_offset for service in Service]
    states = await asyncio.gather(
        *(grpc_port(first.host, number, probes) for number in numbers),
        *(admin_port(first.host, number + ADMIN_PORT_OFFSET) for number in numbers),
    )
    return judged(first, states)


def judged(first: FirstPort, ports: Iterable[Port]) -> list[Finding]:
    """Return the findings about some ports: the free ones in one line, then those of fashquick, then the others."""
    ports = list(ports)
    free = [port.number for port in ports if port.state is State.FREE]
    own = [port for port in ports if port.holder is not None]
    found = []
    if free:
        found.append(ok(Topic.PORTS, f"free on {first.host}: {ranges(free)}"))
    if own:
        listed = [f"{port.number} {port.holder}" for port in own if port.holder]
        admin = [port.number for port in own if not port.holder]
        if admin:
            listed.append(f"{ranges(admin)} for probes and metrics")
        found.append(ok(Topic.PORTS, f"taken by fashquick on {first.host}: {', '.join(listed)}"))
    advice = f"Start the servers elsewhere, fashquick up --port {_other(first.port)}, or end the program that has it"
    for port in ports:
        if port.state is State.TAKEN and port.holder is None:
            text = f"port {port.number} on {first.host} is taken, not by a fashquick server that answers: {port.why}"
            found.append(problem(Topic.PORTS, text, f"{advice}: ss -ltnp 'sport = :{port.number}' shows which."))
        elif port.state is State.FORBIDDEN:
            text = f"port {port.number} on {first.host} cannot be listened on: {port.why}"
            found.append(problem(Topic.PORTS, text, f"Use other ports: fashquick up --port {_other(first.port)}."))
    return found


def ranges(numbers: Iterable[int]) -> str:
    """Return numbers in words, such as "7400-7402, 7500"."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def listening(host: str, number: int) -> tuple[State, str]:
    """Try to take a port, and give it back at once; return whether that worked, and why not."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # As servers do: only listeners count.
            attempt.bind((host, number))
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        return (State.TAKEN if error.errno == errno.EADDRINUSE else State.FORBIDDEN), why
    return State.FREE, ""


def _other(port: int) -> int:
    return DEFAULT_PORT if port != DEFAULT_PORT else DEFAULT_PORT + 10


async def grpc_port(host: str, number: int, probes: Probes) -> Port:
    """Learn who has a port that is meant for calls."""
    state, why = listening(host, number)
    if state is not State.TAKEN:
        return Port(number, state, why=why)
    match await probes.ask(f"[{host}]:{number}" if ":" in host else f"{host}:{number}"):
        case Answer(info):
            return Port(number, state, holder=f"{info.service or 'server'} (process {info.process_id})")
        case NoAnswer(silence, words):
            unknown = "the stubs cannot be loaded, so it was not asked"
            return Port(number, state, why=unknown if silence is Silence.BLOCKED else words)


async def admin_port(host: str, number: int) -> Port:
    """Learn who has a port that is meant for probes and metrics."""
    state, why = listening(host, number)
    if state is not State.TAKEN:
        return Port(number, state, why=why)
    if await _answers_as_admin(host, number):
        return Port(number, state, holder="")
    return Port(number, state, why="it does not answer as an admin port")


async def _answers_as_admin(host: str, number: int) -> bool:
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_ADMIN_LIMIT_S):
            reader, writer = await asyncio.open_connection(host, number, limit=_MAX_ANSWER_BYTES)
            try:
                writer.write(_ADMIN_QUESTION)
                answer = b""
                while len(answer) < _MAX_ANSWER_BYTES and (data := await reader.read(_MAX_ANSWER_BYTES)):
                    answer += data
            finally:
                writer.close()
            return answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"\r\n\r\nalive\n")
    return False
