"""ServerInfoService: what a server is and what it accepts."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

import grpc

from fashquick.common.v1 import server_info_pb2, server_info_pb2_grpc
from fashquick_common.server.kit import Kit, State


@dataclass(frozen=True, slots=True)
class BackendInfo:
    """One way of doing a service's work.

    Attributes:
        name: Name, such as "embedded".
        digest: SHA-256 over its weights and data, in hexadecimal.
        device: Device it computes on.
    """

    name: str
    digest: str
    device: str = "cpu"


def service_version(service: str) -> str:
    """Return the version of a service's distribution."""
    return version(f"fashquick-{service}")


class ServerInfoServicer(server_info_pb2_grpc.ServerInfoServiceServicer):
    """Answers GetServerInfo in every state of the server."""

    def __init__(self, kit: Kit, service: str, backends: Sequence[BackendInfo]) -> None:
        """Make it for one server."""
        self._kit = kit
        self._service = service
        self._backends = [
            server_info_pb2.Backend(name=backend.name, digest=backend.digest, device=backend.device)
            for backend in backends
        ]
        self._version = service_version(service)
        self._instance_id = uuid.uuid4().hex

    async def GetServerInfo(  # noqa: N802 - the contract's name
        self,
        request: server_info_pb2.GetServerInfoRequest,  # noqa: ARG002 - it has no fields
        context: grpc.aio.ServicerContext[server_info_pb2.GetServerInfoRequest, server_info_pb2.GetServerInfoResponse],  # noqa: ARG002 - nothing to ask it
    ) -> server_info_pb2.GetServerInfoResponse:
        """Describe the server."""
        compute = self._kit.compute
        return server_info_pb2.GetServerInfoResponse(
            service=self._service,
            version=self._version,
            process_id=os.getpid(),
            instance_id=self._instance_id,
            ready=self._kit.state is State.READY,
            limits=self._kit.settings.limits_message(),
            backends=self._backends,
            compute_steps=self._kit.steps.total,
            # A cancelled call counts until its computation has really stopped.
            calls_in_progress=max(self._kit.active, compute.waiting + compute.computing),
        )
