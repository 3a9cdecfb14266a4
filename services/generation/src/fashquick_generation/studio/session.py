"""One job in the studio: cut once, draped once a pose, photographed once a view."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import cv2
import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_generation.clock import Clock
from fashquick_generation.engine import (
    BackdropKind,
    Event,
    GenerationJob,
    KeyPoint,
    MapKind,
    Picture,
    Turntable,
    View,
)
from fashquick_generation.studio.arrays import Float32, UInt8
from fashquick_generation.studio.cut import drafting
from fashquick_generation.studio.cut.pattern import Pattern
from fashquick_generation.studio.drape import dressing, fabrics
from fashquick_generation.studio.figure import body, finishes, measures, poses, posing
from fashquick_generation.studio.figure.companions import companions_for
from fashquick_generation.studio.photograph import framing, keypoints, maps, render, scene, spin
from fashquick_generation.studio.photograph.camera import Camera
from fashquick_generation.studio.texture import textures

CUTTING_WORK, PHOTOGRAPHING_WORK, TURNTABLE_WORK = 3.0, 60.0, 240.0
"""Time of cutting, of a view and of a turntable against that of one frame of the simulation."""
PREVIEW_SIDE_PX = 384
TURNTABLE_SIDE_PX = 512
"""Longest side of the turntable: enough to look at on a page, and seconds to make."""
TEXELS_STEP = 1.1
"""Scales of the garments' pixels: cameras whose scales differ less share them."""


class Session:
    """One job in the studio: cut once, draped once a pose, photographed once a view."""

    def __init__(
        self, job: GenerationJob, effort: dressing.Effort, hear: Callable[[Event], None], cancel: CancelFlag
    ) -> None:
        """Begin; arguments as for `Generator.generate`.

        Raises:
            BadField: A name is unknown, or a pose is none that people can take.
        """
        self._job, self._effort, self._hear, self._cancel = job, effort, hear, cancel
        categories = [drafting.supported(garment.passport.category) for garment in job.garments]
        self._model = body.load(job.figure, companions_for(categories))
        # Looked up at once, so that an unknown name is told before any work.
        self._finish = finishes.named(job.figure.finish)
        self._poses = {_stance(view): posing.posed_by(view, self._model) for view in job.views}
        self._steps: int | None = None
        self._textures: list[textures.Texture] = []
        garments = len(job.garments)
        frames = effort.frames(garments, len(self._poses))
        pictures = PHOTOGRAPHING_WORK * len(job.views) + TURNTABLE_WORK * job.turntable
        work = CUTTING_WORK * garments + frames + pictures
        self._clock = Clock(work, hear)

    def run(self) -> Mapping[str, float]:
        """Do it; see `Generator.generate`."""
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
            if self._job.turntable and stance == _stance(self._job.views[0]):
                self._hear(self._turned(pieces, sitting))
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
            cloth = self._cloth(pieces, camera)
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

    def _turned(self, pieces: list[dressing.Piece], sitting: render.Sitting) -> Turntable:
        job = self._job
        share = min(TURNTABLE_SIDE_PX / max(job.width, job.height), 1.0)
        width, height = round(job.width * share), round(job.height * share)
        with self._clock.timed("turntable", TURNTABLE_WORK):
            first, *_ = framing.cameras_around(job.views[0].framing, sitting.world, width, height, spin.FRAMES)
            return Turntable(
                spin.turntable(
                    sitting,
                    self._cloth(pieces, first),
                    job.backdrop,
                    width=width,
                    height=height,
                    seed=job.seed,
                    framing=job.views[0].framing,
                    on_share=lambda done: self._clock.tell("turntable", TURNTABLE_WORK * done),
                    cancel=self._cancel,
                )
            )

    def _cloth(self, pieces: list[dressing.Piece], camera: Camera) -> list[textures.Texture]:
        """The garments' pixels for a camera; further cameras at about the same distance share them."""
        steps = math.ceil(math.log(render.TEXELS * camera.pixels_per_metre, TEXELS_STEP))
        if self._steps != steps:
            self._textures = [
                textures.textures(garment, piece.pattern, piece.pattern.pixel_m * TEXELS_STEP**steps, self._cancel)
                for garment, piece in zip(self._job.garments, pieces, strict=True)
            ]
            self._steps = steps
        return self._textures


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
