"""Settings of the orchestrator."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from fashquick_common.rpc.retry import RetryRules
from fashquick_common.server.settings import ServerSettings

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class JobLimits:
    """How many jobs may run, and what is kept of them.

    Attributes:
        max_jobs: Jobs that may run at one time.
        max_bulk_jobs: Of those, bulk jobs, so that the rest is left to interactive ones.
        keep_s: Seconds for which a finished job is kept.
        max_bytes: Bytes of results that are kept.
    """

    max_jobs: int
    max_bulk_jobs: int
    keep_s: float
    max_bytes: int


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

    stage_attempts: int = Field(
        default=5,
        ge=1,
        le=20,
        description="Calls of one stage in one job, retries included, while it is busy or fails.",
    )
    stage_patience_s: float = Field(
        default=20.0, ge=0, description="Seconds for which a stage that cannot be reached is called again: a restart."
    )
    max_jobs: int = Field(default=16, ge=1, description="Jobs at one time; the stages behind have lines of their own.")
    interactive_jobs: int = Field(
        default=4, ge=0, description="Of those: jobs that bulk requests leave to interactive ones."
    )
    default_job_s: float = Field(default=120.0, gt=0, description="Deadline of a job whose caller sets none.")
    result_keep_s: float = Field(default=600.0, ge=0, description="Seconds for which a finished job answers its id.")
    result_store_bytes: int = Field(
        default=64 * _MIB, ge=0, description="Bytes of finished jobs that are kept; the oldest go first."
    )

    @property
    def retry_rules(self) -> RetryRules:
        """How persistently the stages are called."""
        return RetryRules(self.stage_attempts, self.stage_patience_s)

    @property
    def job_limits(self) -> JobLimits:
        """How many jobs may run, and what is kept of them."""
        return JobLimits(
            max_jobs=self.max_jobs,
            max_bulk_jobs=max(0, self.max_jobs - self.interactive_jobs),
            keep_s=self.result_keep_s,
            max_bytes=self.result_store_bytes,
        )
