"""One job on its way: each stage in turn, its events as they happen.

Each photo is decoded once. Photo and alpha then travel as the very bytes that the stage before sent, so nothing is
encoded twice, but for the photo on its way to generation: along the garment's edge it gets the colours that
segmentation has freed from the ground's. Garments go through segmentation and features side by side.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from fashquick.generation.v1 import scene_pb2
from fashquick.tryon.v1 import try_on_pb2 as pb
from fashquick_common.errors import FashquickError, InternalError, drop_frames
from fashquick_common.garment import FidelityReport, Passport
from fashquick_common.image import DecodedImage, synthetic_media_xmp
from fashquick_common.rpc.blobs import Blob
from fashquick_common.server.kit import Kit
from fashquick_common.server.pictures import read_photo, rgb8_blob
from fashquick_orchestrator.account import Account, Step
from fashquick_orchestrator.generating import GeneratedView, GenerationListener
from fashquick_orchestrator.handover import (
    encode_picture,
    encode_preview,
    hint_of,
    mark_turntable,
    mask_from_caller,
    opaque,
    photo_for_generation,
    region_of,
    renamed,
)
from fashquick_orchestrator.manifest import Findings, GarmentFindings, make_manifest, source_type_of
from fashquick_orchestrator.stages import Compared, Described, Generated, Segmented, Stages, Worn
from fashquick_orchestrator.values import Garment, Preview, ResultPart, Stage, StageRun, TryOnJob, TryOnResult

T = TypeVar("T")

# Maps that generation makes, by what the caller asks for.
_MAPS = {
    pb.OUTPUT_KIND_DEPTH: scene_pb2.OUTPUT_KIND_DEPTH,
    pb.OUTPUT_KIND_NORMAL: scene_pb2.OUTPUT_KIND_NORMAL,
    pb.OUTPUT_KIND_POSE: scene_pb2.OUTPUT_KIND_POSE,
    pb.OUTPUT_KIND_PARTS: scene_pb2.OUTPUT_KIND_PARTS,
    pb.OUTPUT_KIND_GARMENT_MASK: scene_pb2.OUTPUT_KIND_GARMENT_MASK,
    pb.OUTPUT_KIND_GARMENT_INDEX: scene_pb2.OUTPUT_KIND_GARMENT_INDEX,
    pb.OUTPUT_KIND_PROTECTED_MASK: scene_pb2.OUTPUT_KIND_PROTECTED_MASK,
    pb.OUTPUT_KIND_SHADOW: scene_pb2.OUTPUT_KIND_SHADOW,
    pb.OUTPUT_KIND_KEYPOINTS: scene_pb2.OUTPUT_KIND_KEYPOINTS,
    pb.OUTPUT_KIND_TURNTABLE: scene_pb2.OUTPUT_KIND_TURNTABLE,
}

_COMPARED = (scene_pb2.OUTPUT_KIND_GARMENT_MASK, scene_pb2.OUTPUT_KIND_GARMENT_UV)
"""What the comparison needs beside the picture; a backend that knows no UV map sends none."""

_FROM_FRONT_DEGREES = 75.0
"""Camera's turn up to which a picture shows enough of the front, which is what the photo shows, to compare them."""


@dataclass(frozen=True, slots=True)
class _Photo:
    """A garment's photo, read: as pixels, and as RGB8 for the stages."""

    garment: Garment
    image: DecodedImage
    blob: Blob


@dataclass(frozen=True, slots=True)
class _Masked:
    """A garment that was found: its mask, the foreground left out, and the photo as generation gets it."""

    found: Segmented
    clean: Blob


class Run:
    """One job on its way."""

    def __init__(self, kit: Kit, stages: Stages, job: TryOnJob, account: Account) -> None:
        """Begin.

        Args:
            kit: What the server's calls share.
            stages: The stage services.
            job: What to do.
            account: Keeps what happens.
        """
        self._kit = kit
        self._stages = stages
        self._job = job
        self._account = account
        self._views: dict[int, GeneratedView] = {}
        self._encoding_s = 0.0

    async def result(self) -> TryOnResult:
        """Go all the way.

        Raises:
            FashquickError: A stage's failure, its name in `metadata["stage"]`.
        """
        account, job = self._account, self._job
        async with account.stage(Stage.IMAGE):
            # One after the other: reading takes much more memory than the pixels that are kept.
            photos = [await self._photo(garment) for garment in job.garments]
        masked = await _together([self._mask(index, photo) for index, photo in enumerate(photos)])
        passports = await _together(
            [self._describe(index, photo, masked[index].found.alpha) for index, photo in enumerate(photos)]
        )
        async with account.stage(Stage.GENERATION) as step:
            generated = await self._generate(masked, passports)
            step.run = generated.run
        account.finished(Stage.ENCODING, Step(StageRun("", "", account.version, 0.0)), self._encoding_s)
        reports = await self._compare_all(photos, masked, passports)
        manifest = make_manifest(
            replace(job, seed=generated.seed),
            Findings(
                [
                    GarmentFindings(photo.image, mask.found.quality, passport)
                    for photo, mask, passport in zip(photos, masked, passports, strict=True)
                ],
                [self._views[index] for index in range(len(job.scene.views))],
                source_type_of(generated.run.backend),
                reports,
                tuple(account.warnings),
            ),
            account.records,
            [part.blob for part in account.parts],
        )
        return TryOnResult(tuple(account.parts), manifest)

    async def _photo(self, garment: Garment) -> _Photo:
        limits = self._kit.settings.image_limits
        image = await self._kit.decode([garment.photo], lambda: read_photo(garment.photo, limits))
        return _Photo(garment, image, await self._kit.codec(lambda: rgb8_blob("photo", image.rgb)))

    async def _mask(self, index: int, photo: _Photo) -> _Masked:
        async with self._stage(Stage.SEGMENTATION, index) as step:
            masked = await self._found(index, photo)
            step.run, step.finding = masked.found.run, masked.found.quality
        found = {pb.OUTPUT_KIND_PHOTO_MASK: masked.found.mask, pb.OUTPUT_KIND_PHOTO_ALPHA: masked.found.alpha}
        for kind, name in ((pb.OUTPUT_KIND_PHOTO_MASK, "photo-mask"), (pb.OUTPUT_KIND_PHOTO_ALPHA, "photo-alpha")):
            if kind in self._job.outputs:
                part = renamed(found[kind], f"garment/{index}/{name}")
                self._account.part(ResultPart(kind, part, garment=index))
        return masked

    async def _found(self, index: int, photo: _Photo) -> _Masked:
        mask = photo.garment.mask
        if mask is not None:
            limits = self._kit.settings.image_limits
            given = await self._kit.decode([mask], lambda: mask_from_caller(mask, photo.image, limits))
            return _Masked(given, photo.blob)
        hint = await self._kit.codec(lambda: hint_of(photo.image))

        async def call(seconds: float) -> Segmented:
            return await self._stages.segment(
                self._job, photo.blob, hint, seconds=seconds, on_progress=self._progress(Stage.SEGMENTATION, index)
            )

        found, attempts = await self._account.attempts(Stage.SEGMENTATION, call)
        clean = await self._kit.codec(lambda: photo_for_generation(found, photo.image, photo.blob))
        return _Masked(replace(found, foreground=None, run=replace(found.run, attempts=attempts)), clean)

    async def _describe(self, index: int, photo: _Photo, alpha: Blob) -> Passport:
        async def call(seconds: float) -> Described:
            return await self._stages.describe(
                self._job, photo.blob, alpha, photo.garment.category_hint, seconds=seconds
            )

        async with self._stage(Stage.FEATURES, index) as step:
            described, attempts = await self._account.attempts(Stage.FEATURES, call)
            step.run, step.finding = replace(described.run, attempts=attempts), described.passport
        return described.passport

    async def _generate(self, masked: Sequence[_Masked], passports: Sequence[Passport]) -> Generated:
        async def preview(blob: Blob) -> None:
            self._account.listener.passing(Preview(await self._kit.codec(lambda: encode_preview(blob))))

        wanted = {made for kind, made in _MAPS.items() if kind in self._job.outputs}
        if self._job.fidelity:
            wanted.update(_COMPARED)
            if len(masked) > 1:
                wanted.add(scene_pb2.OUTPUT_KIND_GARMENT_INDEX)
        garments = [
            Worn(renamed(mask.clean, f"photo/{k}"), renamed(mask.found.alpha, f"alpha/{k}"), passport, garment.fit)
            for k, (mask, passport, garment) in enumerate(zip(masked, passports, self._job.garments, strict=True))
        ]

        async def call(seconds: float) -> Generated:
            return await self._stages.generate(
                self._job,
                garments,
                maps=sorted(wanted),
                seconds=seconds,
                listener=GenerationListener(
                    self._progress(Stage.GENERATION), preview, self._take, self._take_turntable
                ),
            )

        generated, attempts = await self._account.attempts(Stage.GENERATION, call)
        if self._views.keys() != set(range(len(self._job.scene.views))):
            raise InternalError(
                f"the generation service made views {sorted(self._views)} of {len(self._job.scene.views)}"
            )
        return replace(generated, run=replace(generated.run, attempts=attempts))

    async def _take(self, view: GeneratedView) -> None:
        """Write a view's picture and tell its parts; a retry makes the same again, which is told once."""
        if view.index in self._views:
            return
        if scene_pb2.OUTPUT_KIND_PICTURE not in view.outputs:
            raise InternalError(f"the generation service sent view {view.index} without a picture")
        started = time.monotonic()
        xmp = self._xmp(view.backend)
        drawn = view.outputs[scene_pb2.OUTPUT_KIND_PICTURE]
        name = f"view/{view.index}/"
        with self._account.blamed(Stage.ENCODING, {}):
            picture = await self._kit.codec(
                lambda: encode_picture(drawn, name + "picture", self._job.picture_format, xmp)
            )
        self._encoding_s += time.monotonic() - started
        self._views[view.index] = view
        self._account.part(ResultPart(pb.OUTPUT_KIND_PICTURE, picture, view=view.index))
        for kind, made in _MAPS.items():
            if kind in self._job.outputs and made in view.outputs:
                self._account.part(ResultPart(kind, view.outputs[made], view=view.index))

    async def _take_turntable(self, turntable: Blob) -> None:
        if any(part.kind == pb.OUTPUT_KIND_TURNTABLE for part in self._account.parts):
            return
        with self._account.blamed(Stage.ENCODING, {}):
            marked = await self._kit.codec(lambda: mark_turntable(turntable, self._xmp(self._views[0].backend)))
        self._account.part(ResultPart(pb.OUTPUT_KIND_TURNTABLE, marked))

    def _xmp(self, backend: str) -> bytes:
        """Return what a picture of a backend says of itself."""
        return synthetic_media_xmp(f"fashquick {self._account.version}", source_type_of(backend))

    async def _compare_all(
        self, photos: Sequence[_Photo], masked: Sequence[_Masked], passports: Sequence[Passport]
    ) -> Mapping[int, Mapping[int, FidelityReport]]:
        """Return for each view the fidelity reports by garment, of those that can be compared."""
        reports: dict[int, dict[int, FidelityReport]] = {}
        if not self._job.fidelity:
            return reports
        for index, view in enumerate(self._job.scene.views):
            if abs(view.camera_yaw_degrees) > _FROM_FRONT_DEGREES:
                continue
            for garment, (photo, mask, passport) in enumerate(zip(photos, masked, passports, strict=True)):
                report = await self._compare(self._views[index], garment, photo.blob, mask.found.alpha, passport)
                if report is not None:
                    reports.setdefault(index, {})[garment] = report
        return reports

    async def _compare(
        self, view: GeneratedView, garment: int, photo: Blob, alpha: Blob, passport: Passport
    ) -> FidelityReport | None:
        """Return the fidelity report. A picture that cannot be compared is still a picture: a warning says why."""
        uv = view.outputs.get(scene_pb2.OUTPUT_KIND_GARMENT_UV)
        try:
            async with self._account.stage(Stage.FIDELITY, garment=garment, view=view.index) as step:
                region = await self._kit.codec(lambda: region_of(view.outputs, garment))
                picture = await self._kit.codec(lambda: opaque(view.outputs[scene_pb2.OUTPUT_KIND_PICTURE]))

                async def call(seconds: float) -> Compared:
                    return await self._stages.compare(
                        self._job,
                        photo,
                        alpha,
                        passport,
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

    def _stage(self, stage: Stage, garment: int) -> AbstractAsyncContextManager[Step]:
        """Be in a stage that works on one garment."""
        return self._account.stage(stage, garment=garment, of=len(self._job.garments))

    def _progress(self, stage: Stage, garment: int | None = None) -> Callable[[str, float], None]:
        """Tell how far a stage is, with one garment or with all."""
        of = 1 if garment is None else len(self._job.garments)
        return partial(self._account.progress, stage, garment=garment or 0, of=of)


async def _together(works: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Do works side by side; return their results in order.

    Raises:
        FashquickError: The first failure; the other works are cancelled.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
