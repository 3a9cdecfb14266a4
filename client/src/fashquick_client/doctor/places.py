"""Where servers may be: as named on the command line, else beside the orchestrator, else in the usual layout."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from fashquick_client.services import ADMIN_PORT_OFFSET, DEFAULT_ENDPOINT, DEFAULT_HOST, DEFAULT_PORT, Service, beside
from fashquick_common.errors import BadField

_MAX_PORT = 65_535


class How(Enum):
    """Why a server is looked for at a place."""

    NAMED = auto()
    """Its endpoint is on the command line."""
    BESIDE = auto()
    """The orchestrator's is, and `fashquick up` puts it beside that."""
    USUAL = auto()
    """`fashquick up` puts it there unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server may be.

    Attributes:
        service: The server.
        endpoint: Its `host:port` or `dns:///name:port`.
        how: Why it is looked for there.
    """

    service: Service
    endpoint: str
    how: How


def places_of(endpoint: str | None, stages: Mapping[Service, str | None]) -> list[Place]:
    """Return where each of the four servers may be.

    Args:
        endpoint: The orchestrator's, if named.
        stages: Those of the stages that are named.

    Raises:
        BadField: An endpoint is not `host:port`.
    """
    named = {service: given for service, given in {Service.ORCHESTRATOR: endpoint, **stages}.items() if given}
    for given in named.values():
        _check_port(given)
    around, how = (DEFAULT_ENDPOINT, How.USUAL) if endpoint is None else (endpoint, How.BESIDE)
    places = []
    for service in Service:
        if service in named:
            places.append(Place(service, named[service], How.NAMED))
        elif _port_of(around) + service.port_offset <= _MAX_PORT:
            places.append(Place(service, beside(around, service), how))
    return places


@dataclass(frozen=True, slots=True)
class FirstPort:
    """Where `fashquick up` would listen on this machine.

    Attributes:
        host: Loopback address to listen on.
        port: Port of the orchestrator; the stages and the admin ports follow it.
    """

    host: str
    port: int


def first_port_of(endpoint: str | None) -> FirstPort | None:
    """Return where `fashquick up` would listen to be reached at an endpoint.

    Returns:
        None when it cannot: the endpoint is not on this machine, or its port too high for the others to follow.
    """
    if endpoint is None:
        return FirstPort(DEFAULT_HOST, DEFAULT_PORT)
    host = host_of(endpoint)
    if not is_loopback(host) or _port_of(endpoint) + ADMIN_PORT_OFFSET + len(Service) > _MAX_PORT:
        return None
    return FirstPort(DEFAULT_HOST if host == "localhost" else host, _port_of(endpoint))


def host_of(endpoint: str) -> str:
    """Return the host of `host:port`, `[host]:port` or `dns:///host:port`."""
    return endpoint.rpartition(":")[0].rpartition("/")[2].strip("[]")


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine by its loopback address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _port_of(endpoint: str) -> int:
    return int(endpoint.rpartition(":")[2])


def _check_port(endpoint: str) -> None:
    beside(endpoint, Service.ORCHESTRATOR)
    if not (endpoint.isascii() and 0 < _port_of(endpoint) <= _MAX_PORT and host_of(endpoint)):
        raise BadField(f"{endpoint!r} is not HOST:PORT, such as localhost:{DEFAULT_PORT}", field="endpoint")
