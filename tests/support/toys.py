"""Engines that answer at once, or as slowly as a test wants, and always the same."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import FashquickError, NoGarment
from fashquick_common.garment import (
    Category,
    CategoryGuess,
    FidelityGrade,
    FidelityMeasure,
    FidelityMeasurement,
    FidelityReport,
    Landmark,
    LandmarkName,
    PaletteColour,
    Passport,
)
from fashquick_features.engine import FidelityTask, ReadText, Wishes
from fashquick_generation.engine import (
    BackdropKind,
    Event,
    GenerationJob,
    MapKind,
    Outcome,
    Picture,
    Progress,
    RepairJob,
    Task,
    Turntable,
)
from fashquick_generation.wishes import DiffusionRecord, RegionKind, RegionRecord
from fashquick_segmentation.engine import Candidate, Hints, Quality, Segmentation, Side
from tests.support.image_files import animation

GARMENT_RGB = (200, 30, 40)
STEP_S = 0.005
COLOURED = (MapKind.NORMAL, MapKind.POSE, MapKind.PARTS, MapKind.BASE)
LOST_RGB = (20, 30, 200)


class Pace:
    """How long a toy computes: `steps` steps of 5 ms, each with a cancel check."""

    def __init__(self, steps: int = 1) -> None:
        self.steps = steps
        self.calls = 0
        self.running = threading.Event()

    def work(self, cancel: CancelFlag) -> None:
        self.calls += 1
        self.running.set()
        try:
            for _ in range(self.steps):
                cancel.check()
                threading.Event().wait(STEP_S)
        finally:
            self.running.clear()


def toy_quality(mask: np.ndarray, *, hint_used: bool = False) -> Quality:
    """What a toy says of a mask, HxW bool."""
    return Quality(
        confidence=0.9,
        view_agreement=0.9,
        separation=0.9,
        coverage=float(mask.mean()),
        border_contact=0.0,
        cut_off=(Side.LEFT,),
        fragments=1,
        symmetry=0.8,
        boundary_confidence=0.7,
        sharpness=0.6,
        lightness=50.0,
        clipped=0.1,
        hint_used=hint_used,
        warnings=(),
    )


class ToySegmenter:
    """The garment is whatever is clearly not white."""

    name = "toy"
    digest = "0" * 64

    def __init__(self, pace: Pace | None = None) -> None:
        self.pace = pace or Pace()
        self.hints: list[np.ndarray | None] = []

    def warm_up(self) -> None:
        pass

    def segment(self, photo: np.ndarray, hints: Hints, cancel: CancelFlag) -> Segmentation:
        self.pace.work(cancel)
        self.hints.append(hints.mask)
        mask = photo.min(axis=2) < 128
        if not mask.any():
            raise NoGarment("nothing but white in this photo")
        quality = toy_quality(mask, hint_used=hints.mask is not None)
        alpha = np.where(mask, np.uint8(255), np.uint8(0))
        return Segmentation(mask, alpha, quality, (Candidate(mask, 0.9), Candidate(~mask, 0.1)))


class ToyAnalyser:
    """Every garment is a T-shirt of its mean colour."""

    name = "toy"
    digest = "1" * 64

    def __init__(self, pace: Pace | None = None) -> None:
        self.pace = pace or Pace()
        self.tasks: list[FidelityTask] = []

    def warm_up(self) -> None:
        pass

    def analyse(self, photo: np.ndarray, alpha: np.ndarray, wishes: Wishes, cancel: CancelFlag) -> Passport:
        self.pace.work(cancel)
        inside = alpha >= 128
        red, green, blue = (int(value) for value in photo[inside].mean(axis=0).round())
        rows, columns = np.nonzero(inside)
        return Passport(
            categories=(CategoryGuess(wishes.category or Category.T_SHIRT, 0.9),),
            landmarks={LandmarkName.NECK_LEFT: Landmark(float(columns.mean()), float(rows.min()), 0.5)},
            palette=(PaletteColour((red, green, blue), (50.0, 0.0, 0.0), 1.0, "toy"),),
            photo_width=photo.shape[1],
            photo_height=photo.shape[0],
            coverage=float(inside.mean()),
        )

    def score(self, task: FidelityTask, read_text: ReadText, cancel: CancelFlag) -> FidelityReport:
        """How near the region's mean colour is to the garment's."""
        self.tasks.append(task)
        self.pace.work(cancel)
        wanted = task.photo[task.alpha >= 128].mean(axis=0)
        apart = float(np.abs(task.picture[task.region >= 128].mean(axis=0) - wanted).max())
        kept = apart < 10
        overall = 1.0 if kept else max(0.0, 0.6 - apart / 300)
        measurement = FidelityMeasurement(FidelityMeasure.PALETTE, apart, float(kept), counted=True)
        return FidelityReport(FidelityGrade.KEPT if kept else FidelityGrade.LOST, overall, (measurement,))


class ToyGenerator:
    """A picture of the palette's first colour, with progress at every step and one preview."""

    name = "studio"
    digest = "2" * 64

    def __init__(self, pace: Pace | None = None) -> None:
        self.pace = pace or Pace()
        self.jobs: list[GenerationJob] = []

    def warm_up(self) -> None:
        pass

    def generate(self, job: GenerationJob, hear: Callable[[Event], None], cancel: CancelFlag) -> Mapping[str, float]:
        self.jobs.append(job)
        colour = job.garments[0].passport.palette[0].srgb
        for index in range(len(job.views)):
            hear(Progress("draw", (index + 0.1) / len(job.views)))
            self.pace.work(cancel)
            hear(Progress("draw", (index + 0.5) / len(job.views), np.full((96, 64, 3), colour, np.uint8)))
            picture = np.full((job.height, job.width, 3), colour, np.uint8)
            clear = job.backdrop.kind is BackdropKind.TRANSPARENT
            alpha = np.full(picture.shape[:2], 128, np.uint8) if clear else None
            hear(Picture(index, picture, self._maps(job), {"stretch_p99": 1.0}, alpha))
        if job.turntable:
            hear(Turntable(animation()))
        return {"draw": 0.1}

    @staticmethod
    def _maps(job: GenerationJob) -> dict[MapKind, Any]:
        size = (job.height, job.width)
        maps: dict[MapKind, Any] = {
            kind: np.zeros((*size, 3) if kind in COLOURED else size, np.uint8)
            for kind in job.maps - {MapKind.GARMENT_UV}
        }
        where = np.s_[job.height // 4 : job.height // 2, job.width // 4 : job.width // 2]
        for kind, value in ((MapKind.GARMENT_MASK, 255), (MapKind.GARMENT_INDEX, 1)):
            if kind in maps:
                maps[kind][where] = value
        if MapKind.GARMENT_UV in job.maps:
            maps[MapKind.GARMENT_UV] = np.full((*size, 2), np.nan, np.float32)
            maps[MapKind.GARMENT_UV][where] = (0.25, 0.75)
        return maps


def toy_record(seed: int, *repairs: int) -> DiffusionRecord:
    """How the toy makes a picture, and repairs it with further seeds."""
    return DiffusionRecord(
        profile="toy",
        weights="4" * 64,
        prompt="a red t-shirt",
        negative_prompt="blurry",
        region_prompts={RegionKind.FACE: "a face"},
        seed=seed,
        steps=20,
        strength=0.45,
        guidance=7.5,
        control=1.0,
        scheduler="toy",
        plan="toy",
        batch_size=1,
        device="cpu",
        precision="float32",
        regions=(
            RegionRecord(RegionKind.GARMENT, seed),
            RegionRecord(RegionKind.HAND_LEFT, None, "it is not in the picture"),
            *(RegionRecord(RegionKind.REPAIR, repair) for repair in repairs),
        ),
    )


class ToyDiffusion(ToyGenerator):
    """Pictures of `paint` in the place of the garment's colour; repairs give the colours of `repaints` in turn.

    Like the true one, it tells the studio's animation before the pictures. Calls of one size are worked on together;
    `batches` says how many at a time.
    """

    name = "diffusion"
    digest = "3" * 64

    def __init__(self, pace: Pace | None = None) -> None:
        super().__init__(pace)
        self.paint: tuple[int, int, int] | None = None  # None: the garment's own.
        self.repaints: list[tuple[int, int, int] | FashquickError] = []  # Then the base's own.
        self.repairs: list[RepairJob] = []
        self.batches: list[int] = []

    def generate(self, job: GenerationJob, hear: Callable[[Event], None], cancel: CancelFlag) -> Mapping[str, float]:
        own = job.garments[0].passport.palette[0].srgb
        drawn: list[Picture] = []

        def hear_drawn(event: Event) -> None:
            if isinstance(event, Picture):
                drawn.append(event)
            else:
                hear(event)

        seconds = super().generate(job, hear_drawn, cancel)
        for picture in drawn:
            hear(self._painted(picture, job, own))
        return seconds

    def _painted(self, picture: Picture, job: GenerationJob, own: tuple[int, int, int]) -> Picture:
        maps = dict(picture.maps)
        if MapKind.BASE in maps:
            maps[MapKind.BASE] = np.full_like(picture.rgb, own)
        return replace(
            picture,
            rgb=picture.rgb if self.paint is None else np.full_like(picture.rgb, self.paint),
            maps=maps,
            making=toy_record(job.seed),
        )

    def repair(self, job: RepairJob, hear: Callable[[Event], None], cancel: CancelFlag) -> Mapping[str, float]:
        self.repairs.append(job)
        hear(Progress("repair", 0.1))
        self.pace.work(cancel)
        paint = self.repaints.pop(0) if self.repaints else None
        if isinstance(paint, FashquickError):
            raise paint
        inside = job.region >= 128
        rgb = job.picture.copy()
        rgb[inside] = job.maps[MapKind.BASE][inside] if paint is None else paint
        if job.previews:
            hear(Progress("repair", 0.9, rgb[::8, ::8].copy()))
        hear(Picture(0, rgb, {}, {}, making=replace(job.prior, regions=toy_record(job.prior.seed, job.seed).regions)))
        return {"repair": 0.1}

    def together(self, job: GenerationJob | RepairJob) -> Hashable | None:
        if isinstance(job, RepairJob):
            return ("repair", job.picture.shape)
        return None if job.diffusion.deterministic else (job.height, job.width)

    def work_on(self, tasks: Sequence[Task], cancel: CancelFlag) -> Sequence[Outcome]:
        self.batches.append(len(tasks))
        outcomes: list[Outcome] = []
        for task in tasks:
            try:
                if isinstance(task.job, RepairJob):
                    outcomes.append(self.repair(task.job, task.hear, task.cancel))
                else:
                    outcomes.append(self.generate(task.job, task.hear, task.cancel))
            except FashquickError as error:
                outcomes.append(error)
        return outcomes
