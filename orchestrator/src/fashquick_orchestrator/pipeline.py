"""The way from garment photos to pictures, against the stage services."""

from __future__ import annotations

from prometheus_client import Counter

from fashquick_common.rpc.retry import RetryBudget, RetryRules
from fashquick_common.server.kit import Kit
from fashquick_orchestrator.account import Account, Listener, Persistence
from fashquick_orchestrator.deadlines import Deadlines
from fashquick_orchestrator.run import Run
from fashquick_orchestrator.stages import Stages
from fashquick_orchestrator.values import Stage, TryOnJob, TryOnResult


class Pipeline:
    """Runs jobs against the stage services.

    Attributes:
        kit: What the server's calls share.
        stages: The stage services.
        persistence: How persistently the stages are called.
    """

    def __init__(self, kit: Kit, stages: Stages, rules: RetryRules) -> None:
        """Make it for one server."""
        self.kit = kit
        self.stages = stages
        retries = Counter(
            "fashquick_stage_retries", "Further calls of a stage", ["stage", "reason"], registry=kit.metrics.registry
        )
        self.persistence = Persistence(rules, {stage: RetryBudget() for stage in Stage}, retries)

    async def run(self, job: TryOnJob, listener: Listener, seconds: float) -> TryOnResult:
        """Run one job.

        Args:
            job: What to do.
            listener: Hears of its events.
            seconds: Time that it has.

        Raises:
            FashquickError: A stage's failure, its name in `metadata["stage"]`.
        """
        account = Account(self.kit, listener, Deadlines(seconds), self.persistence)
        return await Run(self.kit, self.stages, job, account).result()
