"""Asking an endpoint what it is, once, within a short time."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import grpc

    from fashquick.common.v1 import server_info_pb2

ANSWER_LIMIT_S = 3.0  # On a network servers answer within milliseconds, a busy one within tenths of seconds.


class Silence(Enum):
    """Why there is no answer."""

    NOBODY = auto()
    """Nothing listens there."""
    SLOW = auto()
    """Nothing has come within `ANSWER_LIMIT_S`."""
    FOREIGN = auto()
    """What answers is no fashquick server, or not without TLS."""
    BLOCKED = auto()
    """This installation cannot ask."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing was learnt.

    Attributes:
        silence: Why.
        words: What gRPC said.
    """

    silence: Silence
    words: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer.

    Attributes:
        info: What it says about itself.
        seconds: Seconds from question to answer, on a connection that was open.
    """

    info: server_info_pb2.GetServerInfoResponse
    seconds: float


class Probes:
    """Asks every endpoint once, whoever wants to know. Use it within one event loop."""

    def __init__(self, *, blocked: bool = False) -> None:
        """Make it.

        Args:
            blocked: Whether gRPC or the stubs cannot be loaded, so that nobody can be asked.
        """
        self._blocked = blocked
        self._asked: dict[str, asyncio.Task[Answer | NoAnswer]] = {}

    async def ask(self, endpoint: str) -> Answer | NoAnswer:
        """Return what the server at `host:port` says, or why it says nothing."""
        if self._blocked:
            return NoAnswer(Silence.BLOCKED, "")
        if endpoint not in self._asked:
            self._asked[endpoint] = asyncio.create_task(_ask(endpoint))
        return await asyncio.shield(self._asked[endpoint])


async def _ask(endpoint: str) -> Answer | NoAnswer:
    import grpc  # noqa: PLC0415 - may be broken here

    from fashquick.common.v1 import server_info_pb2, server_info_pb2_grpc  # noqa: PLC0415 - likewise
    from fashquick_common.rpc.channel import open_channel  # noqa: PLC0415 - likewise

    deadline = time.monotonic() + ANSWER_LIMIT_S
    async with open_channel(endpoint) as channel:
        stub = server_info_pb2_grpc.ServerInfoServiceStub(channel)
        try:
            # The first answer has waited for the connection; the second tells how far away the server is.
            for _ in range(2):
                begun = time.monotonic()
                info = await stub.GetServerInfo(server_info_pb2.GetServerInfoRequest(), timeout=deadline - begun)
                answer = Answer(info, time.monotonic() - begun)
        except grpc.aio.AioRpcError as error:
            return _no_answer(error)
    return answer


def _no_answer(error: grpc.aio.AioRpcError) -> NoAnswer:
    words = error.details() or "no reason given"
    # gRPC puts "last error: UNKNOWN: ipv4:127.0.0.1:1: Failed to connect" before what the system said.
    last = words.rpartition("last error: ")[2]
    match error.code().name:
        case "DEADLINE_EXCEEDED":
            return NoAnswer(Silence.SLOW, f"no answer within {ANSWER_LIMIT_S:g} seconds")
        case "UNAVAILABLE" if "HTTP/2" in last or "Socket closed" in last or "reset" in last:
            return NoAnswer(Silence.FOREIGN, "it does not speak gRPC here, or only with TLS")
        case "UNAVAILABLE":
            return NoAnswer(Silence.NOBODY, last.rpartition(": ")[2].rstrip("]"))
        case "UNIMPLEMENTED":
            return NoAnswer(Silence.FOREIGN, "it speaks gRPC, but is no fashquick server")
        case status:
            return NoAnswer(Silence.FOREIGN, f"{status}: {words}")
