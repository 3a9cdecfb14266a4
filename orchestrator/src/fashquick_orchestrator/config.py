"""Settings of the orchestrator."""

from __future__ import annotations

from pydantic import Field

from fashquick_common.server.settings import ServerSettings

_MIB = 1024 * 1024


class OrchestratorSettings(ServerSettings):
    """Settings of the orchestrator: those of every server, where the stages are, and how jobs are kept."""

    port: int = Field(default=7400, ge=0, le=65_535, description="gRPC port; 0 takes a free one.")
    admin_port: int = Field(
        default=7500, ge=0, le=65_535, description="HTTP port for probes and metrics; 0: a free one."
    )

    segmentation_target: str = Field(
        default="localhost:7401", description="host:port, or dns:///name:port to balance over replicas."
    )
    features_target: str = Field(default="localhost:7402", description="Likewise.")
    generation_target: str = Field(default="localhost:7403", description="Likewise.")

    stage_attempts: int = Field(default=3, ge=1, le=10, description="Calls of one stage in one job, retries included.")
    max_jobs: int = Field(default=16, ge=1, description="Jobs at one time; the stages behind have lines of their own.")
    default_job_s: float = Field(default=120.0, gt=0, description="Deadline of a job whose caller sets none.")
    result_keep_s: float = Field(default=600.0, ge=0, description="Seconds for which a finished job answers its id.")
    result_store_bytes: int = Field(
        default=64 * _MIB, ge=0, description="Bytes of finished jobs that are kept; the oldest go first."
    )
