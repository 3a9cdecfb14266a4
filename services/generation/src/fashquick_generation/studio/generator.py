"""The studio: photos of garments, worn by a figure, without any network's weights."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256

import cv2
import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_generation.engine import BackdropKind, Event, GenerationJob, KeyPoint, MapKind, Picture, Progress, View
from fashquick_generation.studio import checks
from fashquick_generation.studio.arrays import Float32, UInt8
from fashquick_generation.studio.cut import drafting
from fashquick_generation.studio.cut.pattern import Pattern
from fashquick_generation.studio.drape import dressing, fabrics
from fashquick_generation.studio.figure import baked, body, finishes, measures, poses, posing
from fashquick_generation.studio.figure.companions import companions_for
from fashquick_generation.studio.photograph import framing, keypoints, maps, render, scene
from fashquick_generation.studio.sample import sample_job
from fashquick_generation.studio.texture import textures

VERSION = "studio-1"
"""Counts up when the same job would give other bytes."""
CUTTING_WORK, PHOTOGRAPHING_WORK = 3.0, 60.0
"""Time of cutting and of photographing a view against that of one frame of the simulation."""
PREVIEW_SIDE_PX = 384


class StudioGenerator:
    """Dresses a baked body by cloth simulation and photographs it in a virtual studio."""

    name = "studio"

    def __init__(self, effort: dressing.Effort | None = None) -> None:
        """Make a generator; it holds no state between jobs.

        Args:
            effort: How fine and long to simulate; by default as long as it takes to look right.
        """
        self._effort = effort or dressing.Effort()

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of the baked data, the backend's version and its settings."""
        return sha256(f"{VERSION} {baked.digest()} {self._effort}".encode()).hexdigest()

    def warm_up(self) -> None:
        """Load the figure and compile or load all kernels, by making a small picture of a drawn T-shirt."""
        quick = StudioGenerator(dressing.Effort(grid_m=0.03, sew=2, fall=2, move=2, settle=2, substeps=8))
        quick.generate(sample_job(), lambda _: None, CancelFlag())

    def generate(self, job: GenerationJob, hear: Callable[[Event], None], cancel: CancelFlag) -> Mapping[str, float]:
        """Make a picture of each view; see `Generator.generate`."""
        checks.check(job)
        return _Session(job, self._effort, hear, cancel).run()


@dataclass(slots=True)
class _Clock:
    """What has been done of a job's work, and the seconds that it took.

    Attributes:
        work: Of the whole job; 1 is a frame of the simulation.
        hear: Told of progress.
        done: Work that is done.
        seconds: By step.
    """

    work: float
    hear: Callable[[Event], None]
    done: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)

    def tell(self, step: str, part: float = 0.0, preview: UInt8 | None = None) -> None:
        """Tell that `part` of the work beyond what is done has been done too."""
        self.hear(Progress(step, min((self.done + part) / self.work, 1.0), preview))

    @contextmanager
    def timed(self, step: str, work: float = 0.0) -> Iterator[None]:
        """Add a step's seconds, and at its end its work."""
        start = time.perf_counter()
        self.tell(step)
        yield
        self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - start
        self.done += work


class _Session:
    """One job in the studio: cut once, draped once a pose, photographed once a view."""

    def __init__(
        self, job: GenerationJob, effort: dressing.Effort, hear: Callable[[Event], None], cancel: CancelFlag
    ) -> None:
        self._job, self._effort, self._hear, self._cancel = job, effort, hear, cancel
        categories = [drafting.supported(garment.passport.category) for garment in job.garments]
        self._model = body.load(job.figure, companions_for(categories))
        # Looked up at once, so that an unknown name is told before any work.
        self._finish = finishes.named(job.figure.finish)
        self._poses = {_stance(view): posing.posed_by(view, self._model) for view in job.views}
        self._textures: dict[tuple[int, float], textures.Texture] = {}
        garments = len(job.garments)
        frames = effort.frames(garments, len(self._poses))
        work = CUTTING_WORK * garments + frames + PHOTOGRAPHING_WORK * len(job.views)
        self._clock = _Clock(work, hear)

    def run(self) -> Mapping[str, float]:
        pieces = self._cut()
        with self._clock.timed("drape"):
            outfit = dressing.fallen(
                self._model, pieces, effort=self._effort, on_frame=self._on_frame, cancel=self._cancel
            )
        for stance, pose in self._poses.items():
            with self._clock.timed("drape"):
                dressed = dressing.posed(outfit, pose, on_frame=self._on_frame, cancel=self._cancel)
            with self._clock.timed("render"):
                feel = [garment.passport.texture for garment in self._job.garments]
                sitting = render.seated(scene.assembled(dressed, self._cancel), feel, self._finish, self._cancel)
            for index, view in enumerate(self._job.views):
                if _stance(view) == stance:
                    self._hear(self._photograph(index, view, pieces, sitting, dressed.facts))
        self._clock.tell("done", self._clock.work)
        return self._clock.seconds

    def _cut(self) -> list[dressing.Piece]:
        standing = poses.rotations(self._model, poses.arms_out(45.0))
        measured = measures.measured(self._model.posed(standing))
        pieces = []
        for garment in self._job.garments:
            with self._clock.timed("pattern", CUTTING_WORK):
                pattern = drafting.drafted(garment, measured, self._cancel)
                self._clock.tell("pattern", preview=_preview(garment.photo, pattern))
            pieces.append(dressing.Piece(pattern, fabrics.fabric_of(garment.passport)))
        return pieces

    def _on_frame(self) -> None:
        self._clock.done += 1
        self._clock.tell("drape")

    def _photograph(
        self, index: int, view: View, pieces: list[dressing.Piece], sitting: render.Sitting, facts: Mapping[str, float]
    ) -> Picture:
        job, cancel = self._job, self._cancel
        with self._clock.timed("texture"):
            camera = framing.camera_for(view, sitting.world, job.width, job.height)
            texels_per_metre = render.TEXELS * camera.pixels_per_metre
            cloth = [self._texture(k, piece.pattern, texels_per_metre) for k, piece in enumerate(pieces)]
        with self._clock.timed("render", PHOTOGRAPHING_WORK):
            shot = render.photographed(
                sitting,
                camera,
                cloth,
                job.backdrop,
                seed=job.seed,
                on_share=lambda done: self._clock.tell("render", PHOTOGRAPHING_WORK * (0.1 + 0.9 * done)),
                cancel=cancel,
            )
        extra: Mapping[MapKind, UInt8 | Float32] = {}
        points: tuple[KeyPoint, ...] = ()
        if job.maps or job.key_points:
            with self._clock.timed("maps"):
                seen = maps.seen_by(camera, sitting.world, cancel)
                sizes = [(garment.photo.shape[1], garment.photo.shape[0]) for garment in job.garments]
                extra = maps.drawn(job.maps, sitting.world, camera, seen, shot, photo_sizes=sizes, cancel=cancel)
                points = keypoints.key_points(sitting.world.body, camera, seen.depth) if job.key_points else ()
        clear = job.backdrop.kind is BackdropKind.TRANSPARENT
        return Picture(index, shot.rgb, extra, facts, alpha=shot.alpha if clear else None, key_points=points)

    def _texture(self, index: int, pattern: Pattern, texels_per_metre: float) -> textures.Texture:
        """A garment's pixels; further views of the same scale share them."""
        key = (index, texels_per_metre)
        if key not in self._textures:
            kept = {other: texture for other, texture in self._textures.items() if other[0] != index}
            scale = pattern.pixel_m * texels_per_metre
            self._textures = kept | {key: textures.textures(self._job.garments[index], pattern, scale, self._cancel)}
        return self._textures[key]


def _stance(view: View) -> tuple[object, ...]:
    """What tells one pose from another."""
    return view.pose, *sorted(view.angles.items())


def _preview(photo: UInt8, pattern: Pattern) -> UInt8:
    """The photo, small, with the pattern's pieces drawn on it."""
    scale = min(PREVIEW_SIDE_PX / max(photo.shape[:2]), 1.0)
    size = (max(round(photo.shape[1] * scale), 1), max(round(photo.shape[0] * scale), 1))
    image = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
    lines = [(pattern.border, True)] + ([] if pattern.front_edge is None else [(pattern.front_edge, False)])
    for metres, closed in lines:
        points = pattern.warp.to_photo(metres)
        cv2.polylines(image, [np.round(points * scale).astype(np.int32)], closed, (255, 255, 255), 3, cv2.LINE_AA)
        cv2.polylines(image, [np.round(points * scale).astype(np.int32)], closed, (30, 110, 220), 1, cv2.LINE_AA)
    return image
