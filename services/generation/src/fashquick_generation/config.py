"""Settings of the generation service."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from fashquick_common.server.settings import ServerSettings

DEFAULT_PORT = 7403
DEFAULT_ADMIN_PORT = 7503


class GenerationSettings(ServerSettings):
    """Settings of the generation service: those of every server, its own ports and batches, and diffusion's."""

    port: int = Field(default=DEFAULT_PORT, ge=0, le=65_535, description="gRPC port; 0 takes a free one.")
    admin_port: int = Field(
        default=DEFAULT_ADMIN_PORT, ge=0, le=65_535, description="HTTP port for probes and metrics; 0: a free one."
    )
    batch_size: int = Field(
        default=4,
        ge=1,
        le=64,
        description="Most calls of diffusion that are worked on side by side, of those that wait; 1: off. The studio "
        "works on one at a time.",
    )

    models: Path | None = Field(
        default=None, description="Folder of the model store, with its SHA256SUMS; none: no backend that needs weights."
    )
    diffusion_profile: str | None = Field(
        default=None,
        description="Profile of diffusion for calls that name none; none: the first of which the store has all files.",
    )
    diffusion_profiles: Path | None = Field(
        default=None, description="File with profiles of one's own, beside the packaged ones; none: no others."
    )
    diffusion_device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Where diffusion computes; auto: on a GPU where torch finds one."
    )
    diffusion_precision: Literal["auto", "float16", "bfloat16", "float32"] = Field(
        default="auto",
        description="Numbers that it computes with; auto: float16 on a GPU, half the memory and more than twice as "
        "fast, and float32 on a CPU, where half precision is slower.",
    )
    diffusion_memory_bytes: int | None = Field(
        default=None,
        gt=0,
        description="Most bytes of that device's memory that diffusion takes, for one that others use too; none: what "
        "is free when a profile is loaded.",
    )
