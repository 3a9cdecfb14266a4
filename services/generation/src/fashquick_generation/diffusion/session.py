"""New pictures for several calls, side by side through the stages; what fails for one leaves the others alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from fashquick_generation.clock import Clock
from fashquick_generation.diffusion import regions, safety
from fashquick_generation.diffusion.choices import choices_of
from fashquick_generation.diffusion.denoising.embeddings import Embedding, PromptEncoder
from fashquick_generation.diffusion.regions import Region
from fashquick_generation.diffusion.stages import enhancement, initial, inpainting
from fashquick_generation.diffusion.stages.conditions import Conditions, conditions_of, off_ground, studio_job
from fashquick_generation.diffusion.stages.prompts import Prompts, prompts_for
from fashquick_generation.diffusion.upscaling import Mosaic
from fashquick_generation.diffusion.weights.memory import peaks
from fashquick_generation.diffusion.weights.networks import Networks
from fashquick_generation.diffusion.works import FINISHING_WORK, Batch, Work, seed_of
from fashquick_generation.engine import (
    Event,
    GenerationJob,
    Generator,
    MapKind,
    Outcome,
    Picture,
    Progress,
    Task,
    Turntable,
    UInt8Array,
)
from fashquick_generation.wishes import DiffusionRecord, RegionKind, RegionRecord

STUDIO_WORK = 8.0
"""Time of the studio's pictures against that of one denoising step."""
KEPT_ERROR = 3.0
"""CIEDE2000 between a garment's colours in the first pass and in the studio's picture up to which its region is left as
it is."""
_BATCHES = ((RegionKind.GARMENT,), (RegionKind.FACE, RegionKind.HAND_LEFT, RegionKind.HAND_RIGHT))
"""Regions whose crops are denoised together."""


@dataclass(slots=True)
class _Scene:
    """A view of a job on its way.

    Attributes:
        work: The job.
        shot: The studio's picture.
        conditions: What diffusion sees of that.
        prompts: What it is told.
        image: HxWx3 uint8, the picture so far.
        records: Of its regions.
        cut_characters: What of a prompt was not read, at most 200.
    """

    work: Work[GenerationJob]
    shot: Picture
    conditions: Conditions
    prompts: Prompts
    image: UInt8Array
    records: list[RegionRecord] = field(default_factory=list)
    cut_characters: int = 0

    def seed(self, what: str) -> int:
        """Of some of its noise."""
        return seed_of(self.work.job.seed, self.shot.view, what)


class Session:
    """New pictures for several calls; see `CollectiveGenerator.work_on`."""

    def __init__(self, networks: Networks, encoder: PromptEncoder, studio: Generator, *, alone: bool) -> None:
        """Make it.

        Args:
            networks: Of the profile that all jobs ask for.
            encoder: Encodes prompts.
            studio: Makes the pictures that diffusion starts from.
            alone: Whether each row is computed by itself.
        """
        self._networks = networks
        self._encoder = encoder
        self._profile = networks.profile
        self._studio = studio
        self._alone = alone
        self._scenes: list[_Scene] = []

    def run(self, tasks: Sequence[tuple[Task, GenerationJob]]) -> list[Outcome]:
        """Do the jobs; returns what became of each."""
        works = [self._begun(task, job) for task, job in tasks]
        for work in works:
            with work.failing():
                if work.job.diffusion.safety:
                    safety.require_checker(self._networks)
                self._photograph(work)
        self._first_pass()
        for kinds in _BATCHES:
            self._inpaint(kinds)
        self._refine()
        while self._going():
            scene = self._scenes.pop(0)  # What has been told is large, and needs no memory while others are finished.
            with scene.work.failing():
                self._finish(scene)
        return [work.outcome for work in works]

    def _begun(self, task: Task, job: GenerationJob) -> Work[GenerationJob]:
        choices = choices_of(job.diffusion, self._profile)
        steps = choices.steps_at(choices.strength) + sum(
            choices.steps_at(inpainting.strength_of(kind, self._profile)) for kinds in _BATCHES for kind in kinds
        )
        if job.diffusion.upscale:
            steps += Mosaic.steps_of(job, self._profile, choices)
        return Work(task, job, choices, Clock(STUDIO_WORK + len(job.views) * (steps + FINISHING_WORK), task.hear))

    def _photograph(self, work: Work[GenerationJob]) -> None:
        """Stages 1 and 2: the studio's pictures, what diffusion sees of them, and what it is told."""
        job, shots = work.job, list[Picture]()

        def hear(event: Event) -> None:
            if isinstance(event, Progress):
                work.clock.tell("studio", STUDIO_WORK * event.fraction, event.preview)
            elif isinstance(event, Turntable):
                work.task.hear(event)
            else:
                shots.append(event)

        with work.clock.timed("studio", STUDIO_WORK):
            self._studio.generate(studio_job(job), hear, work.task.cancel)
        for shot in sorted(shots, key=lambda picture: picture.view):
            conditions = conditions_of(shot)
            prompts = prompts_for(job, job.views[shot.view], job.diffusion.prompt)
            self._scenes.append(_Scene(work, shot, conditions, prompts, conditions.base))

    def _first_pass(self) -> None:
        """Stage 3."""
        batch = Batch(self._networks, "initial", alone=self._alone)
        for scene in self._going():
            with scene.work.failing():
                row = initial.first_row(
                    scene.conditions,
                    self._embedded(scene),
                    self._profile,
                    scene.work.choices,
                    seed=scene.seed("initial"),
                    cancel=scene.work.task.cancel,
                    on_step=batch.hearing(scene.work),
                )
                batch.add(scene.work, row, partial(_take_first, scene))
        batch.run()

    def _inpaint(self, kinds: tuple[RegionKind, ...]) -> None:
        """Stage 4, for some of the regions."""
        batch = Batch(self._networks, "inpainting", alone=self._alone)
        for scene in self._going():
            with scene.work.failing():
                for found in regions.regions_of(scene.conditions, kinds, self._profile.working_pixels):
                    if isinstance(found, RegionRecord):
                        scene.records.append(found)
                    elif note := _kept(scene, found):
                        scene.records.append(RegionRecord(found.kind, None, note))
                    else:
                        scene.records.append(RegionRecord(found.kind, scene.seed(found.kind)))
                        row = inpainting.row_of(self._spot(scene, found, batch), self._profile, scene.work.choices)
                        batch.add(scene.work, row, partial(_take_region, scene, found))
        batch.run()

    def _spot(self, scene: _Scene, region: Region, batch: Batch) -> inpainting.Spot:
        return inpainting.Spot(
            picture=scene.image,
            region=region,
            conditions=scene.conditions,
            prompt=self._embedded(scene, region.kind),
            seed=scene.seed(region.kind),
            cancel=scene.work.task.cancel,
            on_step=batch.hearing(scene.work),
        )

    def _refine(self) -> None:
        """The larger picture of those who want one, by tiles."""
        batch = Batch(self._networks, "upscaling", alone=self._alone)
        larger: list[tuple[_Scene, Mosaic]] = []
        for scene in self._going():
            work = scene.work
            if not work.job.diffusion.upscale:
                continue
            with work.failing():
                mosaic = Mosaic(scene.image, scene.conditions, self._profile)
                larger.append((scene, mosaic))
                for row, take in mosaic.rows(
                    self._embedded(scene),
                    work.choices,
                    seed=scene.seed("tiles"),
                    cancel=work.task.cancel,
                    hearing=partial(batch.hearing, work),
                ):
                    batch.add(work, row, take)
        batch.run()
        for scene, mosaic in larger:
            if scene.work.error is None:
                scene.image = mosaic.joined()

    def _finish(self, scene: _Scene) -> None:
        """Stage 5, and the picture is told."""
        work, shot = scene.work, scene.shot
        with work.clock.timed("enhancement", FINISHING_WORK):
            picture = enhancement.enhanced(scene.image, scene.conditions, work.task.cancel)
            if work.job.diffusion.safety:
                safety.check_safety(picture, self._networks)
        available = {**shot.maps, MapKind.BASE: scene.conditions.base, MapKind.POSE: scene.conditions.pose}
        maps = {kind: image for kind, image in available.items() if kind in work.job.maps}
        work.task.hear(
            replace(
                shot,
                rgb=picture if shot.alpha is None else off_ground(picture, shot.alpha),
                maps=maps,
                facts={
                    **shot.facts,
                    **peaks(self._networks.device),
                    "prompt_cut_characters": scene.cut_characters,
                },
                key_points=shot.key_points if work.job.key_points else (),
                making=self._record(scene),
            )
        )

    def _embedded(self, scene: _Scene, kind: RegionKind | None = None) -> Embedding:
        prompts = scene.prompts
        positive = prompts.positive if kind is None else prompts.regions.get(kind, prompts.positive)
        encoded = self._encoder.encode(positive, prompts.negative, self._networks)
        scene.cut_characters = max(scene.cut_characters, len(encoded.cut), len(encoded.cut_negative))
        return encoded.embedding

    def _record(self, scene: _Scene) -> DiffusionRecord:
        networks, work = self._networks, scene.work
        choices, prompts = work.choices, scene.prompts
        return DiffusionRecord(
            profile=self._profile.name,
            weights=networks.digest,
            prompt=prompts.positive,
            negative_prompt=prompts.negative,
            region_prompts=prompts.regions,
            seed=scene.seed("initial"),
            steps=choices.steps,
            strength=choices.strength,
            guidance=choices.guidance,
            control=choices.control,
            scheduler=self._profile.scheduler,
            plan=networks.plan.name,
            batch_size=work.together,
            device=str(networks.device),
            precision=work.precision,
            regions=tuple(scene.records),
        )

    def _going(self) -> list[_Scene]:
        """The views of jobs that have not failed; those of the others are forgotten."""
        self._scenes = [scene for scene in self._scenes if scene.work.error is None]
        return self._scenes


def _take_first(scene: _Scene, made: UInt8Array) -> None:
    scene.image = initial.enlarged(made, scene.conditions)


def _take_region(scene: _Scene, region: Region, made: UInt8Array) -> None:
    scene.image = regions.pasted(scene.image, made, region)


def _kept(scene: _Scene, region: Region) -> str:
    """Why a region need not be made again; empty where it must be."""
    if region.kind is not RegionKind.GARMENT:
        return ""
    error = enhancement.palette_error(scene.image, scene.conditions.base, scene.conditions.garment > 127)
    return f"its colours came through: CIEDE2000 {error:.1f} of {KEPT_ERROR:g}" if error <= KEPT_ERROR else ""
