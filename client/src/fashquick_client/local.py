"""Servers on this machine, as child processes that live no longer than this one."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import signal
import socket
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from fashquick_client.services import ADMIN_PORT_OFFSET, DEFAULT_HOST, STAGES, Service
from fashquick_common.errors import UnavailableError

START_TIMEOUT_S = 180.0  # The first start after an installation compiles kernels.
STOP_TIMEOUT_S = 10.0  # Then a server is killed.
_DRAIN_S = 5  # Seconds that running calls get when their server is told to stop.
_POLL_S = 0.02
_TAIL_LINES = 12
_READ_BYTES = 64 * 1024

# Without these glibc gives every large buffer back to the kernel and asks for it again: 50 ms instead of 16 ms
# for a call of 8 MiB.
_ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(64 * 1024 * 1024),
    "MALLOC_TRIM_THRESHOLD_": str(128 * 1024 * 1024),
    "MALLOC_TOP_PAD_": str(16 * 1024 * 1024),
}

LineSink = Callable[[Service, str], None]


def ignore_line(service: Service, line: str) -> None:
    """Take a line and do nothing with it."""


class LocalServersError(Exception):
    """The servers on this machine cannot run, in words for a person."""


class NotInstalledError(LocalServersError):
    """The distributions of the servers are not installed."""


class _Child:
    """One server process."""

    def __init__(self, service: Service, process: asyncio.subprocess.Process, ready_file: Path, sink: LineSink) -> None:
        self.service = service
        self._process = process
        self._ready_file = ready_file
        self._sink = sink
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._reading = asyncio.create_task(self._read_lines())

    async def ready(self) -> int:
        """Wait until the server serves; return its port."""
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                while not self._ready_file.exists():
                    if self.has_ended:
                        raise await self.unexpected_end("while starting")
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise LocalServersError(f"the {self.service} server was not ready after {START_TIMEOUT_S:g} s") from None
        # The server moves the file into place, so it is there as a whole.
        return int(json.loads(self._ready_file.read_text(encoding="utf-8"))["port"])

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.returncode is not None

    async def unexpected_end(self, when: str) -> LocalServersError:
        """Return the error that says how the process has ended, with its last words."""
        await self.finish()
        lines = "".join(f"\n  {line}" for line in self._tail)
        return LocalServersError(f"the {self.service} server {describe_exit(await self.ended())} {when}{lines}")

    async def ended(self) -> int:
        """Wait until the process has ended; return its exit code, negative for a signal."""
        return await self._process.wait()

    def terminate(self) -> None:
        """Ask the server to stop."""
        if not self.has_ended:
            self._process.terminate()

    def kill(self) -> None:
        """End the server and what it started."""
        if not self.has_ended:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def finish(self) -> None:
        """Wait for the end of the process and of its lines."""
        await self._process.wait()
        await self._reading

    async def _read_lines(self) -> None:
        # By hand, because StreamReader.readline gives up on long lines, and a pipe nobody reads stops the server.
        output = self._process.stdout
        rest = b""
        while output is not None and (data := await output.read(_READ_BYTES)):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._take(line)
        if rest:
            self._take(rest)

    def _take(self, line: bytes) -> None:
        text = line.decode("utf-8", errors="replace").rstrip()
        self._tail.append(text)
        try:
            self._sink(self.service, text)
        except OSError:
            # Nobody reads our own output any more; the server's must be read on, or it would stand still.
            self._sink = ignore_line


@dataclass(frozen=True, slots=True)
class LocalServers:
    """Running servers.

    Attributes:
        endpoints: `host:port` of each.
    """

    endpoints: Mapping[Service, str]
    _children: tuple[_Child, ...]

    async def first_end(self) -> tuple[Service, int]:
        """Wait until one of the servers has ended; return which, and its exit code."""
        waits = {asyncio.create_task(child.ended()): child.service for child in self._children}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        first = done.pop()
        return waits[first], first.result()


@contextlib.asynccontextmanager
async def run_servers(
    services: Collection[Service],
    *,
    host: str = DEFAULT_HOST,
    port: int = 0,
    sink: LineSink = ignore_line,
) -> AsyncIterator[LocalServers]:
    """Start servers, all at the same time; stop them when the context ends, however it ends.

    Args:
        services: Which servers. The orchestrator needs all others.
        host: Address to listen on.
        port: Port of the orchestrator, the others follow it; 0 for any free ports.
        sink: Told every line that a server writes.

    Yields:
        The servers, ready to take calls.

    Raises:
        NotInstalledError: A server's distribution is not installed.
        LocalServersError: A server ended by itself, or was not ready in time.
    """
    check_installed(services)
    ports = _ports(services, port)
    children: list[_Child] = []
    with tempfile.TemporaryDirectory(prefix="fashquick-") as folder:
        try:
            for service in services:
                ready_file = Path(folder) / f"{service}.json"
                environment = _environment(service, host, ports, ready_file)
                if port:
                    environment["FASHQUICK_ADMIN_PORT"] = str(ports[service] + ADMIN_PORT_OFFSET)
                children.append(_Child(service, await _spawn(service, environment), ready_file, sink))
            found = await _all_ready(children)
            endpoints = {service: f"{_reachable(host)}:{number}" for service, number in found.items()}
            yield LocalServers(endpoints, tuple(children))
        except UnavailableError as error:
            # The caller heard that a server is gone; here it can be told why.
            for child in children:
                if child.has_ended:
                    raise await child.unexpected_end("while working") from error
            raise
        finally:
            await _stop(children)


def check_installed(services: Collection[Service]) -> None:
    """Return if the servers can be started here.

    Raises:
        NotInstalledError: A distribution is missing; the message says how to get it.
    """
    missing = [f"fashquick-{service}" for service in services if importlib.util.find_spec(service.module) is None]
    if missing:
        raise NotInstalledError(
            f"not installed here: {', '.join(missing)}; install fashquick-client[local], "
            "or say with --endpoint where a server runs"
        )


def describe_exit(code: int) -> str:
    """Put an exit code into words, such as "ended with exit code 1" or "was ended by SIGKILL"."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


async def _spawn(service: Service, environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # A module in the current folder must not take the place of an installed one.
        "-m",
        "fashquick_client.child",
        str(os.getpid()),
        service.module,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C reaches this process only, which then stops its servers in order.
    )


def _environment(service: Service, host: str, ports: Mapping[Service, int], ready_file: Path) -> dict[str, str]:
    defaults = {
        **_ALLOCATOR,
        "FASHQUICK_LOG_FORMAT": "text",
        "FASHQUICK_DRAIN_S": str(_DRAIN_S),
        "PYTHONUNBUFFERED": "1",
    }
    chosen = {
        "FASHQUICK_HOST": host,
        "FASHQUICK_PORT": str(ports[service]),
        "FASHQUICK_ADMIN_PORT": "0",
        "FASHQUICK_READY_FILE": str(ready_file),
    }
    if service is Service.ORCHESTRATOR:
        for stage in STAGES:
            chosen[f"FASHQUICK_{stage.upper()}_TARGET"] = f"{_reachable(host)}:{ports[stage]}"
    return {**defaults, **os.environ, **chosen}


def _ports(services: Collection[Service], port: int) -> dict[Service, int]:
    if port:
        return {service: port + service.port_offset for service in services}
    ports = dict.fromkeys(services, 0)
    if Service.ORCHESTRATOR in services:
        # It is told at its start where the stages will be. A port that somebody else takes in between ends the
        # start with a message; waiting for the stages first would cost every start the orchestrator's second.
        ports.update(zip(STAGES, _free_ports(len(STAGES)), strict=True))
    return ports


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((DEFAULT_HOST, 0))
        return [int(each.getsockname()[1]) for each in sockets]


def _reachable(host: str) -> str:
    return DEFAULT_HOST if host in ("", "0.0.0.0") else host  # noqa: S104 - compared, not bound


async def _all_ready(children: Collection[_Child]) -> dict[Service, int]:
    waits = {child.service: asyncio.create_task(child.ready()) for child in children}
    try:
        # The first failure ends the wait.
        await asyncio.gather(*waits.values())
    finally:
        for wait in waits.values():
            wait.cancel()
    return {service: wait.result() for service, wait in waits.items()}


async def _stop(children: Collection[_Child]) -> None:
    for child in children:
        child.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await asyncio.gather(*(child.ended() for child in children))
    except TimeoutError:
        pass
    finally:
        for child in children:
            child.kill()
    await asyncio.gather(*(child.finish() for child in children))
