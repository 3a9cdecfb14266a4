"""Settings of the features service."""

from __future__ import annotations

from pydantic import Field

from fashquick_common.server.settings import ServerSettings

DEFAULT_PORT = 7402
DEFAULT_ADMIN_PORT = 7502


class FeaturesSettings(ServerSettings):
    """Settings of the features service: those of every server, with its own ports."""

    port: int = Field(default=DEFAULT_PORT, ge=0, le=65_535, description="gRPC port; 0 takes a free one.")
    admin_port: int = Field(
        default=DEFAULT_ADMIN_PORT, ge=0, le=65_535, description="HTTP port for probes and metrics; 0: a free one."
    )
