"""Settings of the segmentation service."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from fashquick_common.server.settings import ServerSettings

DEFAULT_PORT = 7401
DEFAULT_ADMIN_PORT = 7501
_MIB = 1024 * 1024


class SegmentationSettings(ServerSettings):
    """Settings of the segmentation service: those of every server, its own ports, and SAM 2's."""

    port: int = Field(default=DEFAULT_PORT, ge=0, le=65_535, description="gRPC port; 0 takes a free one.")
    admin_port: int = Field(
        default=DEFAULT_ADMIN_PORT, ge=0, le=65_535, description="HTTP port for probes and metrics; 0: a free one."
    )
    prompt_idle_s: float = Field(
        default=120.0, gt=0, description="Seconds that a caller may take between two prompts about a photo."
    )

    models: Path | None = Field(
        default=None, description="Folder of the model store, with its SHA256SUMS; none: no backend that needs weights."
    )
    sam2_checkpoint: str = Field(
        default="sam2.1-hiera-tiny",
        description="Checkpoint of SAM 2 for calls that name none; the smallest, which a CPU carries.",
    )
    sam2_device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Where SAM 2 computes; auto: on a GPU where torch finds one."
    )
    sam2_bf16: bool = Field(
        default=True, description="Whether it computes in bfloat16: on a CPU 1.4 times faster than float32."
    )
    sam2_memory_bytes: int = Field(
        default=2048 * _MIB, gt=0, description="Bytes of all loaded weights: the largest checkpoint has 0.9 GB."
    )
    sam2_cache_bytes: int = Field(
        default=128 * _MIB,
        ge=0,
        description="Bytes of embeddings kept for further prompts on the same photo: 16 MiB each.",
    )
    sam2_side_px: int = Field(
        default=1024, ge=128, le=2048, multiple_of=32, description="Side of the square that SAM 2 looks at."
    )
