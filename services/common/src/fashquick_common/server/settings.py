"""Settings that every server has. Each field is set by `FASHQUICK_` and its name in capitals."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from fashquick.common.v1 import limits_pb2
from fashquick_common.image import ImageLimits
from fashquick_common.rpc.blobs import MAX_CHUNK_BYTES, BlobLimits
from fashquick_common.server.line import LineLimits

_MIB = 1024 * 1024


class ServerSettings(BaseSettings):
    """Settings of a server; frozen, read once at start."""

    model_config = SettingsConfigDict(env_prefix="FASHQUICK_", frozen=True, extra="ignore")

    host: str = Field(default="127.0.0.1", description="Address to listen on; loopback unless told otherwise.")
    port: int = Field(default=0, ge=0, le=65_535, description="gRPC port; 0 takes a free one.")
    admin_port: int = Field(default=0, ge=0, le=65_535, description="HTTP port for probes and metrics; 0: a free one.")
    ready_file: Path | None = Field(default=None, description="Where to write the ports, as JSON, once ready.")
    reflection: bool = Field(default=False, description="Whether gRPC reflection is served, for tools like grpcurl.")
    log_format: Literal["json", "text"] = Field(default="json", description="Log lines for programs or for people.")
    trace_endpoint: str = Field(
        default="", description="host:port of an OpenTelemetry collector (OTLP over gRPC); empty: no traces."
    )
    trace_ratio: float = Field(
        default=1.0, ge=0, le=1, description="Share of traces recorded where the caller has not decided."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least severe line.")

    max_file_bytes: int = Field(default=32 * _MIB, gt=0, description="Largest image file: a 48 MP JPEG has 25 MiB.")
    max_pixels: int = Field(default=64_000_000, gt=0, description="Largest picture: phones reach 50 megapixels.")
    min_side: int = Field(default=64, gt=0, description="Shortest side in pixels; below it no garment is recognisable.")
    working_side: int = Field(
        default=2048, ge=256, le=4096, description="Long side in pixels to which photos are reduced; never enlarged."
    )
    max_parts: int = Field(default=8, gt=0, description="Most parts in one request.")

    upload_idle_s: float = Field(default=15.0, gt=0, description="Seconds without a chunk that end an upload.")
    upload_s: float = Field(
        default=300.0, gt=0, description="Seconds that a whole upload may take: 32 MiB over a line of 1 Mbit/s."
    )
    write_idle_s: float = Field(default=60.0, gt=0, description="Seconds in which a client must take one message.")
    max_call_s: float = Field(default=600.0, gt=0, description="Seconds after which any call ends.")
    drain_s: float = Field(default=30.0, ge=0, description="Seconds that running calls get to finish at shutdown.")
    max_connection_age_s: float = Field(
        default=300.0, gt=0, description="Seconds after which a connection is renewed, so that load finds new servers."
    )

    byte_budget: int = Field(
        default=256 * _MIB, gt=0, description="Bytes that all uploads in progress may announce together."
    )
    decode_budget: int = Field(
        default=1024 * _MIB,
        gt=0,
        description="Bytes of memory that reading image files may take at one time: a 48 MP WebP takes 0.8 GB.",
    )
    queue_length: int = Field(default=8, ge=0, description="Calls that may wait for the compute thread.")
    interactive_places: int = Field(
        default=4, ge=0, description="Of those that may wait: places that bulk calls leave to interactive ones."
    )
    batch_size: int = Field(
        default=1, ge=1, le=64, description="Most calls of one shape computed together, where the backend can; 1: off."
    )
    batch_window_s: float = Field(
        default=0.0, ge=0, le=1, description="Seconds that an idle compute thread waits for company of a lone call."
    )
    codec_threads: int = Field(default=2, ge=1, le=16, description="Threads that read and write image files.")

    @property
    def image_limits(self) -> ImageLimits:
        """What the image edge accepts."""
        return ImageLimits(
            max_pixels=self.max_pixels,
            max_bytes=self.max_file_bytes,
            min_side=self.min_side,
            working_side=self.working_side,
        )

    @property
    def blob_limits(self) -> BlobLimits:
        """What one request may announce; a raw picture may have the bytes of the working size."""
        return BlobLimits(
            max_part_bytes=max(self.max_file_bytes, 3 * self.working_side * self.working_side),
            max_parts=self.max_parts,
        )

    @property
    def line_limits(self) -> LineLimits:
        """How long the line before the compute thread may be, and what is computed together."""
        return LineLimits(
            queue_length=self.queue_length,
            bulk_queue_length=max(0, self.queue_length - self.interactive_places),
            batch_size=self.batch_size,
            batch_window_s=self.batch_window_s,
        )

    def limits_message(self) -> limits_pb2.Limits:
        """What GetServerInfo says about these settings."""
        return limits_pb2.Limits(
            max_file_bytes=self.max_file_bytes,
            max_pixels=self.max_pixels,
            min_side=self.min_side,
            working_side=self.working_side,
            max_chunk_bytes=MAX_CHUNK_BYTES,
            max_parts=self.max_parts,
            upload_idle_seconds=self.upload_idle_s,
            byte_budget=self.byte_budget,
            queue_length=self.queue_length,
            bulk_queue_length=self.line_limits.bulk_queue_length,
        )
