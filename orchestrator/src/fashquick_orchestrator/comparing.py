"""Whether the garments survived in the pictures, as the features service measures it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fashquick.generation.v1 import scene_pb2
from fashquick_common.errors import FashquickError, drop_frames
from fashquick_common.garment import FidelityReport, Passport
from fashquick_common.rpc.blobs import Blob
from fashquick_common.server.kit import Kit
from fashquick_orchestrator.account import Account
from fashquick_orchestrator.generating import GeneratedView
from fashquick_orchestrator.handover import for_comparison, opaque, region_of, renamed
from fashquick_orchestrator.stages import Compared, Stages
from fashquick_orchestrator.values import Stage, TryOnJob

COMPARED = (scene_pb2.OUTPUT_KIND_GARMENT_MASK, scene_pb2.OUTPUT_KIND_GARMENT_UV)
"""What the comparison needs beside the picture; a backend that knows no UV map sends none."""

_FROM_FRONT_DEGREES = 75.0
"""Camera's turn up to which a picture shows enough of the front, which is what the photo shows, to compare them."""


@dataclass(frozen=True, slots=True)
class Original:
    """A garment as it was photographed.

    Attributes:
        photo: RGB8.
        alpha: GRAY8.
        passport: What is known about it.
    """

    photo: Blob
    alpha: Blob
    passport: Passport


class Comparison:
    """Compares the pictures of one job with its garments."""

    def __init__(
        self, kit: Kit, stages: Stages, job: TryOnJob, account: Account, originals: Sequence[Original]
    ) -> None:
        """Make it.

        Args:
            kit: What the server's calls share.
            stages: The stage services.
            job: The job.
            account: Keeps what happens.
            originals: Its garments, innermost first.
        """
        self._kit = kit
        self._stages = stages
        self._job = job
        self._account = account
        self._originals = originals

    async def reports(self, view: GeneratedView) -> dict[int, FidelityReport]:
        """Return the fidelity reports of a view by garment; those are missing that could not be told."""
        reports: dict[int, FidelityReport] = {}
        if not is_compared(self._job, view.index):
            return reports
        for garment in range(len(self._originals)):
            report = await self.report(view, garment)
            if report is not None:
                reports[garment] = report
        return reports

    async def report(self, view: GeneratedView, garment: int) -> FidelityReport | None:
        """Return the fidelity report. A picture that cannot be compared is still a picture: a warning says why."""
        original = self._originals[garment]
        uv = view.outputs.get(scene_pb2.OUTPUT_KIND_GARMENT_UV)
        try:
            async with self._account.stage(Stage.FIDELITY, garment=garment, view=view.index) as step:
                region = await self._kit.codec(lambda: for_comparison(region_of(view.outputs, garment)))
                drawn = view.outputs[scene_pb2.OUTPUT_KIND_PICTURE]
                picture = await self._kit.codec(lambda: for_comparison(opaque(drawn)))

                async def call(seconds: float) -> Compared:
                    return await self._stages.compare(
                        self._job,
                        original.photo,
                        original.alpha,
                        original.passport,
                        picture=picture,
                        region=region,
                        uv=None if uv is None else renamed(uv, "uv"),
                        seconds=seconds,
                    )

                compared, attempts = await self._account.attempts(Stage.FIDELITY, call)
                step.run, step.finding = replace(compared.run, attempts=attempts), compared.report
        except FashquickError as error:
            drop_frames(error)
            self._account.warnings.append(f"the picture could not be compared with the garment: {error.message}")
            return None
        return compared.report


def is_compared(job: TryOnJob, view: int) -> bool:
    """Whether a view is compared with the garments: where that is wanted, and it shows them from the front."""
    return job.fidelity and abs(job.scene.views[view].camera_yaw_degrees) <= _FROM_FRONT_DEGREES
