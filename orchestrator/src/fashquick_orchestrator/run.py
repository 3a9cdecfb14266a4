"""One job on its way: each stage in turn, its events as they happen.

Each photo is decoded once. Photo and alpha then travel as the very bytes that the stage before sent, so nothing is
encoded twice, but for the photo on its way to generation: along the garment's edge it gets the colours that
segmentation has freed from the ground's. Garments go through segmentation and features side by side.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from fashquick.generation.v1 import scene_pb2
from fashquick.tryon.v1 import try_on_pb2 as pb
from fashquick_common.errors import InternalError
from fashquick_common.garment import Passport
from fashquick_common.image import DecodedImage
from fashquick_common.rpc.blobs import Blob
from fashquick_common.server.kit import Kit
from fashquick_common.server.pictures import read_photo, rgb8_blob
from fashquick_orchestrator.account import Account, Step
from fashquick_orchestrator.comparing import COMPARED, Comparison, Original
from fashquick_orchestrator.generating import GeneratedView, GenerationListener, Worn, creation
from fashquick_orchestrator.handover import hint_of, mask_from_caller, photo_for_generation, renamed
from fashquick_orchestrator.manifest import Findings, GarmentFindings, ViewFindings, make_manifest, source_type_of
from fashquick_orchestrator.repairing import Judged, Repairing, may_be_repaired
from fashquick_orchestrator.stages import Described, Generated, Segmented, Stages
from fashquick_orchestrator.telling import MAPS, Telling
from fashquick_orchestrator.values import Garment, ResultPart, Stage, TryOnJob, TryOnResult

T = TypeVar("T")


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
        self._telling = Telling(kit, job, account)

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
        job = replace(job, seed=generated.seed)
        originals = [
            Original(photo.blob, mask.found.alpha, passport)
            for photo, mask, passport in zip(photos, masked, passports, strict=True)
        ]
        judged = await self._judge(job, originals)
        manifest = make_manifest(
            job,
            Findings(
                [
                    GarmentFindings(photo.image, mask.found.quality, passport)
                    for photo, mask, passport in zip(photos, masked, passports, strict=True)
                ],
                [ViewFindings(each.view, each.reports, each.repairs) for each in judged],
                source_type_of(generated.run.backend),
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
        wanted = {made for kind, made in MAPS.items() if kind in self._job.outputs}
        if self._job.fidelity:
            wanted.update(COMPARED)
            if len(masked) > 1:
                wanted.add(scene_pb2.OUTPUT_KIND_GARMENT_INDEX)
        garments = [
            Worn(renamed(mask.clean, f"photo/{k}"), renamed(mask.found.alpha, f"alpha/{k}"), passport, garment.fit)
            for k, (mask, passport, garment) in enumerate(zip(masked, passports, self._job.garments, strict=True))
        ]

        asked = creation(self._job, garments, sorted(wanted))
        listener = GenerationListener(
            self._progress(Stage.GENERATION), self._telling.preview, self._take, self._telling.turntable
        )

        async def call(seconds: float) -> Generated:
            return await self._stages.generate(self._job, asked, seconds=seconds, listener=listener)

        generated, attempts = await self._account.attempts(Stage.GENERATION, call)
        if self._views.keys() != set(range(len(self._job.scene.views))):
            raise InternalError(
                f"the generation service made views {sorted(self._views)} of {len(self._job.scene.views)}"
            )
        return replace(generated, run=replace(generated.run, attempts=attempts))

    async def _take(self, view: GeneratedView) -> None:
        """Keep a view, and tell it if it stays as it is; a retry makes the same again, which is told once."""
        if view.index in self._views:
            return
        if view.index >= len(self._job.scene.views):
            raise InternalError(f"the generation service made view {view.index}, which nobody asked for")
        if scene_pb2.OUTPUT_KIND_PICTURE not in view.outputs:
            raise InternalError(f"the generation service sent view {view.index} without a picture")
        if not may_be_repaired(self._job, view):
            await self._telling.view(view)
        self._views[view.index] = view

    async def _judge(self, job: TryOnJob, originals: Sequence[Original]) -> list[Judged]:
        """Compare each view with the garments, repair it where that is needed, and tell those that were held back."""
        comparison = Comparison(self._kit, self._stages, job, self._account, originals)
        repairing = Repairing(self._kit, self._stages, job, self._account, comparison=comparison, telling=self._telling)
        views = [self._views[index] for index in range(len(job.scene.views))]
        held = [view.index for view in views if may_be_repaired(job, view)]
        if not held:
            self._telling.finished()
        judged = []
        for view in views:
            judged.append(await repairing.judged(view))
            if view.index in held:
                await self._telling.view(judged[-1].view)
        if held:
            self._telling.finished()
        return judged

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
