"""A server from start to stop: listen, warm up, serve, drain.

The ports answer before the backend is warm, so that probes tell a starting server from a dead one. SIGTERM or
SIGINT begins the drain: probes turn, connections are told to go away, running calls get `drain_s` seconds, then
the process ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from fashquick.common.v1 import models_pb2, models_pb2_grpc, server_info_pb2, server_info_pb2_grpc
from fashquick_common.models import ModelManager
from fashquick_common.server.admin import start_admin
from fashquick_common.server.info import BackendInfo, ServerInfoServicer
from fashquick_common.server.interceptor import CallInterceptor
from fashquick_common.server.kit import Kit, State
from fashquick_common.server.models import ModelServicer
from fashquick_common.server.settings import ServerSettings
from fashquick_common.server.tracing import Tracing

log = structlog.get_logger(__name__)

_SERVER_INFO = server_info_pb2.DESCRIPTOR.services_by_name["ServerInfoService"].full_name
_MODELS = models_pb2.DESCRIPTOR.services_by_name["ModelService"].full_name
# More than the 1 MiB of a chunk, so that a chunk that is too long gets an answer that says so.
_MAX_MESSAGE_BYTES = 4 * 1024 * 1024
_KEEPALIVE_MIN_MS = 10_000


@dataclass(frozen=True, slots=True)
class Service:
    """What one server serves.

    Attributes:
        name: Short name, such as "segmentation".
        full_name: gRPC name of the service, for health and reflection.
        register: Adds the servicer to a server.
        backends: What does the work, for ServerInfo.
        warm_up: Done once, in a thread, before the server is ready.
        close: Done in the event loop after the last call.
        models: Weights that operators may list, load, unload and verify; None: the server has no ModelService.
    """

    name: str
    full_name: str
    register: Callable[[grpc.aio.Server], None]
    backends: Sequence[BackendInfo] = ()
    warm_up: Callable[[], None] = field(default=lambda: None)
    close: Callable[[], object] = field(default=lambda: None)
    models: ModelManager | None = None


class Server:
    """One running server.

    Attributes:
        port: gRPC port.
        admin_port: HTTP port.
        kit: What its calls share.
    """

    def __init__(
        self, settings: ServerSettings, make_service: Callable[[Kit], Service], tracing: Tracing | None = None
    ) -> None:
        """Make it inside the event loop; `start` makes it listen."""
        self.kit = Kit(settings, tracing)
        self._service = make_service(self.kit)
        self._models = None if self._service.models is None else ModelServicer(self.kit, self._service.models)
        self._health = health.aio.HealthServicer()  # type: ignore[attr-defined] # the stubs lack it
        self._server = grpc.aio.server(interceptors=[CallInterceptor(self.kit)], options=_options(settings))
        self.port = 0
        self.admin_port = 0

    async def start(self) -> None:
        """Listen, then warm the backend up and become ready.

        Raises:
            OSError: A port is taken.
        """
        settings = self.kit.settings
        self._service.register(self._server)
        info = ServerInfoServicer(self.kit, self._service.name, self._service.backends)
        server_info_pb2_grpc.add_ServerInfoServiceServicer_to_server(info, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = [self._service.full_name, _SERVER_INFO, health.SERVICE_NAME, reflection.SERVICE_NAME]
        if self._models is not None:
            models_pb2_grpc.add_ModelServiceServicer_to_server(self._models, self._server)
            names.append(_MODELS)
        if settings.reflection:
            reflection.enable_server_reflection(names, self._server)
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        try:
            self.port = self._server.add_insecure_port(f"{settings.host}:{settings.port}")
        except RuntimeError as error:
            raise OSError(f"cannot listen on {settings.host}:{settings.port}: is the port taken?") from error
        await self._server.start()
        self._admin, self.admin_port = await start_admin(self.kit)
        await asyncio.get_running_loop().run_in_executor(None, self._service.warm_up)
        self.kit.state = State.READY
        await self._set_health(health_pb2.HealthCheckResponse.SERVING)
        log.info("server.ready", port=self.port, admin_port=self.admin_port)
        if settings.ready_file is not None:
            self._write_ready_file(settings.ready_file)

    async def stop(self) -> None:
        """Send callers elsewhere, let the running calls finish, end.

        Every connection is told to go away (GOAWAY) and nobody can connect any more, so that balancing clients
        take the other replicas at once; a call that was on its way is refused with DRAINING.
        """
        self.kit.state = State.DRAINING
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        log.info("server.draining", calls=self.kit.active)
        await self._server.stop(grace=self.kit.settings.drain_s)
        await self._admin.cleanup()
        closed = self._service.close()
        if asyncio.iscoroutine(closed):
            await closed
        if self._models is not None:
            await self._models.close()
        await asyncio.to_thread(self.kit.close)
        await asyncio.to_thread(self.kit.tracing.close)
        log.info("server.stopped")

    async def _set_health(self, status: health_pb2.HealthCheckResponse.ServingStatus.ValueType) -> None:
        for name in ("", self._service.full_name):
            await self._health.set(name, status)

    def _write_ready_file(self, path: Path) -> None:
        line = json.dumps(
            {
                "service": self._service.name,
                "host": self.kit.settings.host,
                "port": self.port,
                "admin_port": self.admin_port,
                "pid": os.getpid(),
            }
        )
        partial = path.with_name(path.name + ".partial")
        partial.write_text(line + "\n", encoding="utf-8")
        partial.replace(path)


def _options(settings: ServerSettings) -> list[tuple[str, int]]:
    age_ms = round(settings.max_connection_age_s * 1000)
    # The grace exceeds the longest call, so that renewing a connection never breaks one.
    grace_ms = round((settings.max_call_s + settings.upload_idle_s) * 1000)
    return [
        ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
        ("grpc.max_connection_age_ms", age_ms),
        ("grpc.max_connection_age_grace_ms", grace_ms),
        ("grpc.http2.min_ping_interval_without_data_ms", _KEEPALIVE_MIN_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.so_reuseport", 0),
    ]


async def serve(settings: ServerSettings, make_service: Callable[[Kit], Service], tracing: Tracing) -> None:
    """Run a server until SIGTERM or SIGINT."""
    server = Server(settings, make_service, tracing)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    starting = asyncio.create_task(server.start())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if starting.done():
        starting.result()
    await stopping
    await starting
    await server.stop()
