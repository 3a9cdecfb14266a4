"""Settings of the generation service."""

from __future__ import annotations

from pydantic import Field

from fashquick_common.server.settings import ServerSettings

DEFAULT_PORT = 7403
DEFAULT_ADMIN_PORT = 7503


class GenerationSettings(ServerSettings):
    """Settings of the generation service: those of every server, with its own ports."""

    port: int = Field(default=DEFAULT_PORT, ge=0, le=65_535, description="gRPC port; 0 takes a free one.")
    admin_port: int = Field(
        default=DEFAULT_ADMIN_PORT, ge=0, le=65_535, description="HTTP port for probes and metrics; 0: a free one."
    )
