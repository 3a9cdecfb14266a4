"""A DNS server on loopback whose answers a test sets: names that resolve to several replicas, as in a cluster."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from dnslib import QTYPE, RR, A, DNSRecord
from dnslib.server import BaseResolver, DNSHandler, DNSLogger, DNSServer

_TTL_S = 0


class Resolver(BaseResolver):  # type: ignore[misc] # dnslib has no types
    """Answers A queries; a name that is not known has no addresses.

    Attributes:
        addresses: IPv4 addresses by name.
        queries: Names asked for, in their order.
    """

    def __init__(self) -> None:
        self.addresses: dict[str, list[str]] = {}
        self.queries: list[str] = []
        self._server = DNSServer(
            self, address="127.0.0.1", port=0, logger=DNSLogger(log="-truncated,-error,-request,-reply")
        )

    def __enter__(self) -> Self:
        self._server.start_thread()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
        self._server.server.server_close()

    def target(self, name: str, port: int) -> str:
        """A gRPC target that asks this server."""
        return f"dns://127.0.0.1:{self._server.server.server_address[1]}/{name}:{port}"

    def resolve(self, request: DNSRecord, handler: DNSHandler) -> DNSRecord:
        name = str(request.q.qname).rstrip(".")
        self.queries.append(name)
        reply = request.reply()
        if request.q.qtype == QTYPE.A:
            for address in self.addresses.get(name, ()):
                reply.add_answer(RR(request.q.qname, QTYPE.A, rdata=A(address), ttl=_TTL_S))
        return reply
