"""Garments that a picture by diffusion has lost: their region is made again with other seeds, and the best one kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from fashquick.generation.v1 import scene_pb2
from fashquick_common.errors import FashquickError, InternalError, drop_frames
from fashquick_common.garment import FidelityReport
from fashquick_common.rpc.blobs import Blob
from fashquick_common.server.kit import Kit
from fashquick_orchestrator.account import Account
from fashquick_orchestrator.comparing import Comparison, is_compared
from fashquick_orchestrator.generating import CONDITIONS, GeneratedView, GenerationListener, repair
from fashquick_orchestrator.handover import in_place_of, region_of, renamed, without_alpha
from fashquick_orchestrator.stages import Generated, Stages
from fashquick_orchestrator.telling import Telling
from fashquick_orchestrator.values import Repair, RepairAttempt, Stage, TryOnJob

_SEED_BYTES = 4  # As the orchestrator's own seeds: survives every JSON reader.


@dataclass(frozen=True, slots=True)
class Judged:
    """A view as it is given to the caller.

    Attributes:
        view: With the picture that was kept.
        reports: How alike each garment is in it, by index; those are missing that could not be told.
        repairs: What was repaired.
    """

    view: GeneratedView
    reports: Mapping[int, FidelityReport]
    repairs: tuple[Repair, ...] = ()


def may_be_repaired(job: TryOnJob, view: GeneratedView) -> bool:
    """Whether a view's picture may still change after it was made."""
    return view.diffusion is not None and job.repairs.most > 0 and is_compared(job, view.index)


class Repairing:
    """Repairs the pictures of one job."""

    def __init__(
        self, kit: Kit, stages: Stages, job: TryOnJob, account: Account, *, comparison: Comparison, telling: Telling
    ) -> None:
        """Make it.

        Args:
            kit: What the server's calls share.
            stages: The stage services.
            job: The job, with the seed that its pictures were made with.
            account: Keeps what happens.
            comparison: Judges the pictures.
            telling: Shows early looks.
        """
        self._kit = kit
        self._stages = stages
        self._job = job
        self._account = account
        self._comparison = comparison
        self._telling = telling

    async def judged(self, view: GeneratedView) -> Judged:
        """Compare a view with its garments, and repair those that a picture by diffusion shows too unlike."""
        reports = await self._comparison.reports(view)
        repairs: list[Repair] = []
        if view.diffusion is None:
            return Judged(view, reports)
        for garment, before in sorted(reports.items()):
            if not self._is_lost(before):
                continue
            view, after, attempts = await self._repaired(view, garment, before)
            reports[garment] = after
            if attempts:
                repairs.append(Repair(garment, before, after, attempts))
            if self._is_lost(after):
                self._account.warnings.append(self._regret(garment, view, after, len(attempts)))
        return Judged(view, reports, tuple(repairs))

    def _is_lost(self, report: FidelityReport) -> bool:
        return report.grade is not None and report.overall < self._job.repairs.floor

    def _about(self, garment: int, view: GeneratedView) -> str:
        words = f"garment {garment + 1}" if len(self._job.garments) > 1 else "the garment"
        return f"{words} in view {view.index + 1}" if len(self._job.scene.views) > 1 else words

    def _regret(self, garment: int, view: GeneratedView, report: FidelityReport, attempts: int) -> str:
        wishes = self._job.repairs
        made = "1 repair was made" if attempts == 1 else f"{attempts} repairs were made"
        return (
            f"{self._about(garment, view)} is {report.grade} in the picture by diffusion: {report.overall:.2f} of 1, "
            f"wanted was {wishes.floor:g}; {made}, at most {wishes.most} may be; try another seed, a lower strength, "
            "or the studio"
        )

    async def _repaired(
        self, view: GeneratedView, garment: int, report: FidelityReport
    ) -> tuple[GeneratedView, FidelityReport, tuple[RepairAttempt, ...]]:
        """Return the best picture of a garment, how alike that is in it, and what was tried.

        A repair that fails costs nobody the picture that there is.
        """
        attempts: list[RepairAttempt] = []
        while self._is_lost(report) and len(attempts) < self._job.repairs.most:
            seed = repair_seed(self._job.seed, view.index, garment, len(attempts))
            try:
                candidate = await self._made_again(view, garment, seed)
            except FashquickError as error:
                drop_frames(error)
                self._account.warnings.append(f"{self._about(garment, view)} could not be repaired: {error.message}")
                attempts.append(RepairAttempt(seed, failure=error.message))
                break
            found = await self._comparison.report(candidate, garment)
            better = found is not None and found.grade is not None and found.overall > report.overall
            attempts.append(RepairAttempt(seed, found, kept=better))
            if found is not None and better:
                view, report = candidate, found
        return view, report, tuple(attempts)

    async def _made_again(self, view: GeneratedView, garment: int, seed: int) -> GeneratedView:
        """Return a view with the garment's region made again."""
        answers: list[GeneratedView] = []

        async def take(answer: GeneratedView) -> None:
            answers.append(answer)

        async def ignore(_: Blob) -> None:
            """A repair has no turntable."""

        async with self._account.stage(Stage.REPAIR, garment=garment, view=view.index) as step:
            missing = [scene_pb2.OutputKind.Name(kind) for kind in CONDITIONS if kind not in view.outputs]
            if missing:
                raise InternalError(f"the generation service did not send {', '.join(missing)}, which a repair needs")
            drawn = view.outputs[scene_pb2.OUTPUT_KIND_PICTURE]
            picture = await self._kit.codec(lambda: without_alpha(drawn, "picture"))
            region = await self._kit.codec(lambda: renamed(region_of(view.outputs, garment), "region"))
            asked = repair(self._job, view, picture, region, seed)
            listener = GenerationListener(
                partial(self._account.progress, Stage.REPAIR, garment=garment), self._telling.preview, take, ignore
            )

            async def call(seconds: float) -> Generated:
                answers.clear()
                return await self._stages.generate(self._job, asked, seconds=seconds, listener=listener)

            generated, attempts = await self._account.attempts(Stage.REPAIR, call)
            step.run = replace(generated.run, attempts=attempts)
            if len(answers) != 1 or scene_pb2.OUTPUT_KIND_PICTURE not in answers[0].outputs:
                raise InternalError("the generation service repaired a picture and did not send it")
            repaired = answers[0].outputs[scene_pb2.OUTPUT_KIND_PICTURE]
            drawn = await self._kit.codec(lambda: in_place_of(drawn, repaired))
        return replace(
            view,
            outputs={**view.outputs, scene_pb2.OUTPUT_KIND_PICTURE: drawn},
            diffusion=answers[0].diffusion or view.diffusion,
        )


def repair_seed(seed: int, view: int, garment: int, attempt: int) -> int:
    """Return the seed of a repair: another for each, and always the same for the same job."""
    digest = hashlib.sha256(f"repair {seed} {view} {garment} {attempt}".encode()).digest()
    return int.from_bytes(digest[:_SEED_BYTES], "big")
