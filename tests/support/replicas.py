"""Replicas of toy services behind names, as a cluster has them: processes on loopback addresses of their own."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path

from tests.support.processes import STAGES, ServerProcess, server_process
from tests.support.resolver import Resolver

PORTS = {"segmentation": 17401, "features": 17402, "generation": 17403, "orchestrator": 17400}


class Cluster:
    """Servers that come and go; each has an address of its own under its service's name.

    Attributes:
        resolver: Answers with the addresses of those that are listed.
        members: Listed servers by service.
    """

    def __init__(self, folder: Path, resolver: Resolver, stack: contextlib.AsyncExitStack, **settings: str) -> None:
        self.resolver = resolver
        self.members: dict[str, list[ServerProcess]] = {service: [] for service in PORTS}
        self._folder = folder
        self._stack = stack
        self._settings = settings
        self._started = 1  # 127.0.0.1 stays free for the test itself.

    def target(self, service: str) -> str:
        """The name of a service as a gRPC target."""
        return self.resolver.target(f"{service}.test", PORTS[service])

    async def start(self, service: str, **settings: str) -> ServerProcess:
        """Start one more server and list it once it is ready."""
        self._started += 1
        host = f"127.0.0.{self._started}"
        environment = {"FASHQUICK_HOST": host, "FASHQUICK_PORT": str(PORTS[service]), **self._settings, **settings}
        if service == "orchestrator":
            environment |= {f"FASHQUICK_{stage.upper()}_TARGET": self.target(stage) for stage in STAGES}
        server = await self._stack.enter_async_context(
            server_process(
                service, self._folder, environment, name=f"{service}-{self._started}", toy=service != "orchestrator"
            )
        )
        self.members[service].append(server)
        self._list(service)
        return server

    def unlist(self, server: ServerProcess) -> None:
        """Take a server from its name's addresses."""
        self.members[server.service].remove(server)
        self._list(server.service)

    async def drain(self, server: ServerProcess) -> int:
        """Tell a server to stop, as a cluster does: the signal first, its address goes at about the same time."""
        server.process.send_signal(signal.SIGTERM)
        self.unlist(server)
        return await server.process.wait()

    def _list(self, service: str) -> None:
        self.resolver.addresses[f"{service}.test"] = [member.host for member in self.members[service]]


@contextlib.asynccontextmanager
async def cluster(folder: Path, **settings: str) -> AsyncIterator[Cluster]:
    """An empty cluster; its servers end with the context. The settings are environment variables of each."""
    with Resolver() as resolver:
        async with contextlib.AsyncExitStack() as stack:
            yield Cluster(folder, resolver, stack, **settings)
