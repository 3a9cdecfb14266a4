"""The way from a garment photo to a picture: each stage in turn, its events as they happen.

The photo is decoded once. Photo and alpha then travel as the very bytes that the stage before sent, so nothing
is encoded twice, but for the photo on its way to generation: along the garment's edge it gets the colours that
segmentation has freed from the ground's.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import structlog
from prometheus_client import Counter

from fashquick.generation.v1 import scene_pb2
from fashquick.tryon.v1 import try_on_pb2 as pb
from fashquick_common.errors import DeadlinePassed, FashquickError, InternalError, drop_frames
from fashquick_common.garment import FidelityReport, Passport
from fashquick_common.image import DecodedImage, synthetic_media_xmp
from fashquick_common.rpc.blobs import Blob
from fashquick_common.rpc.retry import Retries, RetryBudget, RetryRules
from fashquick_common.server.info import service_version
from fashquick_common.server.kit import Kit
from fashquick_common.server.pictures import read_photo, rgb8_blob
from fashquick_orchestrator.deadlines import Deadlines
from fashquick_orchestrator.handover import (
    encode_picture,
    encode_preview,
    hint_of,
    mask_from_caller,
    photo_for_generation,
    renamed,
)
from fashquick_orchestrator.manifest import Findings, Record, make_manifest, source_type_of
from fashquick_orchestrator.retry import with_retries
from fashquick_orchestrator.stages import Compared, Described, Generated, Segmented, Stages
from fashquick_orchestrator.values import (
    MaskQuality,
    Passing,
    Preview,
    Progress,
    ResultPart,
    Stage,
    StageFinished,
    StageRun,
    TryOnJob,
    TryOnResult,
)

T = TypeVar("T")

log = structlog.get_logger(__name__)

# Maps that generation makes, by what the caller asks for.
_MAPS = {
    pb.OUTPUT_KIND_DEPTH: scene_pb2.OUTPUT_KIND_DEPTH,
    pb.OUTPUT_KIND_NORMAL: scene_pb2.OUTPUT_KIND_NORMAL,
    pb.OUTPUT_KIND_POSE: scene_pb2.OUTPUT_KIND_POSE,
    pb.OUTPUT_KIND_PARTS: scene_pb2.OUTPUT_KIND_PARTS,
    pb.OUTPUT_KIND_GARMENT_MASK: scene_pb2.OUTPUT_KIND_GARMENT_MASK,
}

_COMPARED = (scene_pb2.OUTPUT_KIND_GARMENT_MASK, scene_pb2.OUTPUT_KIND_GARMENT_UV)
"""What the comparison needs beside the picture; a backend that knows no UV map sends none."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears of a job's events.

    Attributes:
        passing: Told progress and previews; only the newest matters.
        lasting: Told that a stage has finished; every one matters.
    """

    passing: Callable[[Passing], None]
    lasting: Callable[[StageFinished], None]


class Pipeline:
    """Runs jobs against the stage services.

    Attributes:
        kit: What the server's calls share.
        stages: The stage services.
        rules: How persistently the stages are called.
        budgets: Bounds on the retries of each stage over all jobs.
        version: Version of the orchestrator.
        retries: Counts further calls by stage and by the reason for which they are made.
    """

    def __init__(self, kit: Kit, stages: Stages, rules: RetryRules) -> None:
        """Make it for one server."""
        self.kit = kit
        self.stages = stages
        self.rules = rules
        self.budgets = {stage: RetryBudget() for stage in Stage}
        self.version = service_version("orchestrator")
        self.retries = Counter(
            "fashquick_stage_retries", "Further calls of a stage", ["stage", "reason"], registry=kit.metrics.registry
        )

    async def run(self, job: TryOnJob, listener: Listener, seconds: float) -> TryOnResult:
        """Run one job.

        Args:
            job: What to do.
            listener: Hears of its events.
            seconds: Time that it has.

        Raises:
            FashquickError: A stage's failure, its name in `metadata["stage"]`.
        """
        return await _Run(self, job, listener, Deadlines(seconds)).result()


@dataclass(slots=True)
class _Step:
    """What a stage says of itself while it runs; recorded when it has succeeded."""

    run: StageRun
    finding: MaskQuality | Passport | FidelityReport | None = None


class _Run:
    """One job on its way."""

    def __init__(self, pipeline: Pipeline, job: TryOnJob, listener: Listener, deadlines: Deadlines) -> None:
        self._kit = pipeline.kit
        self._pipeline = pipeline
        self._job = job
        self._listener = listener
        self._deadlines = deadlines
        self._fractions: dict[Stage, float] = {}
        self._records: list[Record] = []
        self._warnings: list[str] = []

    async def result(self) -> TryOnResult:
        async with self._stage(Stage.IMAGE):
            limits = self._kit.settings.image_limits
            photo = await self._kit.decode([self._job.photo], lambda: read_photo(self._job.photo, limits))
            photo_blob = await self._kit.codec(lambda: rgb8_blob("photo", photo.rgb))
        async with self._stage(Stage.SEGMENTATION) as step:
            masked, clean_blob = await self._mask(photo, photo_blob)
            step.run, step.finding = masked.run, masked.quality
        async with self._stage(Stage.FEATURES) as step:
            described = await self._describe(photo_blob, masked.alpha)
            step.run, step.finding = described.run, described.passport
        async with self._stage(Stage.GENERATION) as step:
            generated = await self._generate(clean_blob, masked.alpha, described.passport)
            step.run = generated.run
        async with self._stage(Stage.ENCODING):
            source_type = source_type_of(generated.run.backend)
            xmp = synthetic_media_xmp(f"fashquick {self._pipeline.version}", source_type)
            drawn = generated.outputs[scene_pb2.OUTPUT_KIND_PICTURE]
            picture = await self._kit.codec(lambda: encode_picture(drawn, self._job.picture_format, xmp))
        report = await self._compare(photo_blob, masked.alpha, generated, described.passport)
        parts = self._parts(picture, masked, generated)
        manifest = make_manifest(
            replace(self._job, seed=generated.seed),
            Findings(
                photo,
                masked.quality,
                described.passport,
                generated.facts,
                source_type,
                report,
                tuple(self._warnings),
            ),
            self._records,
            [part.blob for part in parts],
        )
        return TryOnResult(parts, manifest)

    async def _mask(self, photo: DecodedImage, photo_blob: Blob) -> tuple[Segmented, Blob]:
        """Return the mask, its foreground left out, and the photo as generation gets it."""
        if self._job.mask is not None:
            mask = self._job.mask
            limits = self._kit.settings.image_limits
            return await self._kit.decode([mask], lambda: mask_from_caller(mask, photo, limits)), photo_blob
        hint = await self._kit.codec(lambda: hint_of(photo))

        async def call(seconds: float) -> Segmented:
            return await self._pipeline.stages.segment(
                self._job,
                photo_blob,
                hint,
                seconds=seconds,
                on_progress=partial(self._progress, Stage.SEGMENTATION),
            )

        found, attempts = await self._attempts(Stage.SEGMENTATION, call)
        clean_blob = await self._kit.codec(lambda: photo_for_generation(found, photo, photo_blob))
        return replace(found, foreground=None, run=replace(found.run, attempts=attempts)), clean_blob

    async def _describe(self, photo: Blob, alpha: Blob) -> Described:
        async def call(seconds: float) -> Described:
            return await self._pipeline.stages.describe(self._job, photo, alpha, seconds=seconds)

        described, attempts = await self._attempts(Stage.FEATURES, call)
        return replace(described, run=replace(described.run, attempts=attempts))

    async def _generate(self, photo: Blob, alpha: Blob, passport: Passport) -> Generated:
        async def preview(blob: Blob) -> None:
            self._listener.passing(Preview(await self._kit.codec(lambda: encode_preview(blob))))

        wanted = [made for kind, made in _MAPS.items() if kind in self._job.outputs]

        async def call(seconds: float) -> Generated:
            return await self._pipeline.stages.generate(
                self._job,
                photo,
                alpha,
                passport,
                maps=sorted({*wanted, *(_COMPARED if self._job.fidelity else ())}),
                seconds=seconds,
                on_progress=partial(self._progress, Stage.GENERATION),
                on_preview=preview,
            )

        generated, attempts = await self._attempts(Stage.GENERATION, call)
        if scene_pb2.OUTPUT_KIND_PICTURE not in generated.outputs:
            raise InternalError("the generation service ended without a picture")
        return replace(generated, run=replace(generated.run, attempts=attempts))

    async def _compare(
        self, photo: Blob, alpha: Blob, generated: Generated, passport: Passport
    ) -> FidelityReport | None:
        """Return the fidelity report. A picture that cannot be compared is still a picture: a warning says why."""
        if not self._job.fidelity:
            return None
        picture = renamed(generated.outputs[scene_pb2.OUTPUT_KIND_PICTURE], "picture")

        async def call(seconds: float) -> Compared:
            region = generated.outputs.get(scene_pb2.OUTPUT_KIND_GARMENT_MASK)
            if region is None:
                raise InternalError("the generation service did not say where the garment is")
            uv = generated.outputs.get(scene_pb2.OUTPUT_KIND_GARMENT_UV)
            return await self._pipeline.stages.compare(
                self._job,
                photo,
                alpha,
                passport,
                picture=picture,
                region=renamed(region, "region"),
                uv=None if uv is None else renamed(uv, "uv"),
                seconds=seconds,
            )

        try:
            async with self._stage(Stage.FIDELITY) as step:
                compared, attempts = await self._attempts(Stage.FIDELITY, call)
                step.run, step.finding = replace(compared.run, attempts=attempts), compared.report
        except FashquickError as error:
            drop_frames(error)
            self._warnings.append(f"the picture could not be compared with the garment: {error.message}")
            return None
        return compared.report

    def _parts(self, picture: Blob, masked: Segmented, generated: Generated) -> tuple[ResultPart, ...]:
        parts = {kind: generated.outputs[made] for kind, made in _MAPS.items() if made in generated.outputs}
        parts[pb.OUTPUT_KIND_PHOTO_MASK] = renamed(masked.mask, "photo-mask")
        parts[pb.OUTPUT_KIND_PHOTO_ALPHA] = renamed(masked.alpha, "photo-alpha")
        wanted = [ResultPart(kind, blob) for kind, blob in parts.items() if kind in self._job.outputs]
        return (ResultPart(pb.OUTPUT_KIND_PICTURE, picture), *wanted)

    async def _attempts(self, stage: Stage, call: Callable[[float], Awaitable[T]]) -> tuple[T, int]:
        async def once() -> T:
            seconds = self._deadlines.remaining(stage)
            if seconds <= 0:
                raise DeadlinePassed()
            return await call(seconds)

        pipeline = self._pipeline
        retries = Retries(pipeline.rules, self._deadlines.of(stage), pipeline.budgets[stage])
        return await with_retries(once, retries, lambda error: pipeline.retries.labels(stage.label, error.reason).inc())

    @contextlib.asynccontextmanager
    async def _stage(self, stage: Stage) -> AsyncIterator[_Step]:
        started = time.monotonic()
        step = _Step(StageRun("", "", self._pipeline.version, 0.0))
        self._progress(stage, "start", 0.0)
        try:
            with self._kit.tracing.span(stage.label):
                yield step
        except FashquickError as error:
            error.metadata.setdefault("stage", stage.label)
            raise
        except Exception as bug:
            log.exception("stage.crashed", stage=stage.label)
            drop_frames(bug)
            raise InternalError(
                "the server failed; its log has the cause under this request id", metadata={"stage": stage.label}
            ) from None
        seconds = time.monotonic() - started
        self._records.append(Record(stage, step.run, seconds))
        self._listener.lasting(StageFinished(stage, seconds, step.finding))

    def _progress(self, stage: Stage, step: str, fraction: float) -> None:
        # A retry begins again at 0; what the caller sees never falls.
        highest = max(self._fractions.get(stage, 0.0), min(fraction, 1.0))
        self._fractions[stage] = highest
        self._listener.passing(Progress(stage, step, highest))
