"""Where a client's calls go, and the connections that they share."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self

import grpc

from fashquick.common.v1 import priority_pb2
from fashquick_client.calls import Address
from fashquick_client.services import Service, beside
from fashquick_common.rpc.channel import open_channel


class Connections:
    """One connection a server, opened at the first call that needs it."""

    def __init__(
        self, endpoint: str, given: Mapping[Service, str | None], priority: priority_pb2.Priority.ValueType
    ) -> None:
        """Make it without a connection yet.

        Args:
            endpoint: `host:port` of the orchestrator.
            given: `host:port` of other services; those without one are sought beside the orchestrator.
            priority: Priority of all calls.
        """
        self._endpoint = endpoint
        self._given = {Service.ORCHESTRATOR: endpoint, **given}
        self._priority = priority
        self._channels: dict[str, grpc.aio.Channel] = {}

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        await self.close()

    async def close(self) -> None:
        """End all calls and connections."""
        channels, self._channels = self._channels, {}
        for channel in channels.values():
            await channel.close(grace=None)

    def _address(self, service: Service) -> Address:
        return Address(service, self._given.get(service) or beside(self._endpoint, service))

    def _channel(self, address: Address) -> grpc.aio.Channel:
        channel = self._channels.get(address.endpoint)
        if channel is None:
            channel = self._channels[address.endpoint] = open_channel(address.endpoint)
        return channel
