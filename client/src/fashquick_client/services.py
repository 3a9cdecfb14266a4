"""The four servers of fashquick and where `fashquick up` puts them."""

from __future__ import annotations

from enum import StrEnum

from fashquick_common.errors import BadField

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 7400
DEFAULT_ENDPOINT = f"{DEFAULT_HOST}:{DEFAULT_PORT}"
ADMIN_PORT_OFFSET = 100  # The admin port of 7400 is 7500.


class Service(StrEnum):
    """A server, by the name it gives itself."""

    ORCHESTRATOR = "orchestrator"
    SEGMENTATION = "segmentation"
    FEATURES = "features"
    GENERATION = "generation"

    @property
    def module(self) -> str:
        """Python module that runs the server."""
        return f"fashquick_{self.value}"

    @property
    def port_offset(self) -> int:
        """Distance of its port to the orchestrator's in the usual layout: 7400, 7401, 7402, 7403."""
        return list(Service).index(self)


STAGES = (Service.SEGMENTATION, Service.FEATURES, Service.GENERATION)
"""The services that the orchestrator calls."""


def beside(endpoint: str, service: Service) -> str:
    """Return where a service is in the usual layout, given the orchestrator's `host:port`.

    Raises:
        BadField: The endpoint does not end in a port.
    """
    host, _, port = endpoint.rpartition(":")
    if not host or not port.isdecimal():
        raise BadField(
            f"{endpoint!r} is not HOST:PORT, such as localhost:{DEFAULT_PORT}; "
            f"say where the {service} server is, or name the orchestrator's port",
            field="endpoint",
        )
    return f"{host}:{int(port) + service.port_offset}"
