"""The studio: a garment's photo, worn by a figure, without any network's weights."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256

import cv2
import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import BadField, BadMask
from fashquick_common.scene_limits import MAX_HEIGHT_PX, MAX_WIDTH_PX, MIN_SIDE_PX
from fashquick_generation.engine import (
    GenerationJob,
    Picture,
    Progress,
)
from fashquick_generation.studio.arrays import UInt8
from fashquick_generation.studio.cut import drafting
from fashquick_generation.studio.cut.pattern import Pattern
from fashquick_generation.studio.drape import dressing
from fashquick_generation.studio.figure import body, measures, poses
from fashquick_generation.studio.photograph import lighting, maps, render, scene
from fashquick_generation.studio.sample import sample_job
from fashquick_generation.studio.texture import textures

VERSION = "studio-1"
"""Counts up when the same job would give other bytes."""
DRESSING_SHARE = 0.6
"""Part of the time that goes into the cloth."""
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
        return sha256(f"{VERSION} {body.data_digest()} {self._effort}".encode()).hexdigest()

    def warm_up(self) -> None:
        """Load the bodies and compile or load all kernels, by making a small picture of a drawn T-shirt."""
        for name in body.BODIES:
            body.load(name)
        quick = StudioGenerator(dressing.Effort(grid_m=0.03, sew=2, fall=2, move=2, settle=2, substeps=8))
        quick.generate(sample_job(), lambda _: None, CancelFlag())

    def generate(self, job: GenerationJob, on_progress: Callable[[Progress], None], cancel: CancelFlag) -> Picture:
        """Make one picture; see `Generator.generate`."""
        _checked(job)
        seconds: dict[str, float] = {}
        pose, model = poses.named(job.view.pose), body.load(job.body)
        with _timed("pattern", seconds):
            on_progress(Progress("pattern", 0.0))
            upright = model.posed(poses.rotations(model, poses.arms_out(45.0)))
            pattern = drafting.drafted(job.garment, measures.measured(upright), cancel)
            on_progress(Progress("pattern", 0.02, _preview(job.garment.photo, pattern)))
        with _timed("drape", seconds):
            share, frames = DRESSING_SHARE / self._effort.frames(1, 1), itertools.count(1)

            def on_frame() -> None:
                on_progress(Progress("drape", min(0.02 + share * next(frames), 0.62)))

            outfit = dressing.fallen(model, [pattern], effort=self._effort, on_frame=on_frame, cancel=cancel)
            dressed = dressing.posed(outfit, pose, on_frame=on_frame, cancel=cancel)
        with _timed("texture", seconds):
            on_progress(Progress("texture", 0.64))
            world = scene.assembled(dressed)
            cancel.check()
            camera = scene.camera_for(job.view, dressed.body, job.width, job.height)
            distance = float(np.linalg.norm(camera.eye - world.vertices.mean(axis=0)))
            texels = pattern.pixel_m * render.SAMPLES * camera.focal_px / distance
            cancel.check()
            cloth = textures.textures(job.garment.photo, pattern, texels, cancel)
        with _timed("render", seconds):
            on_progress(Progress("render", 0.7))
            lights = lighting.studio().turned(job.view.yaw_degrees)
            shadows = lighting.shadow_maps(world.vertices, world.faces, lights, lighting.MAP_SIZE, cancel)

            def on_share(done: float) -> None:
                on_progress(Progress("render", 0.75 + 0.24 * done))

            rgb, garment = render.rendered(
                world, camera, cloth, shadows, seed=job.seed, on_share=on_share, cancel=cancel
            )
        with _timed("maps", seconds):
            photo_size = (job.garment.photo.shape[1], job.garment.photo.shape[0])
            extra = (
                maps.drawn(job.maps, world, camera, garment, photo_size=photo_size, cancel=cancel) if job.maps else {}
            )
        on_progress(Progress("done", 1.0))
        return Picture(rgb, extra, seconds, dressed.facts)


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


def _checked(job: GenerationJob) -> None:
    """Refuse a job that cannot be done, before any work.

    Raises:
        BadField: A size or angle is outside its limits, or photo and passport do not belong together.
        BadMask: The alpha has another size than the photo.
        CategoryNotSupported: The studio cannot cut garments of this category.
    """
    for field, value, limit in (("width", job.width, MAX_WIDTH_PX), ("height", job.height, MAX_HEIGHT_PX)):
        if not MIN_SIDE_PX <= value <= limit:
            raise BadField(f"{field} is {value}; choose {MIN_SIDE_PX} to {limit} pixels", field=field)
    if not math.isfinite(job.view.yaw_degrees):
        raise BadField(f"yaw is {job.view.yaw_degrees}; give a finite angle in degrees", field="view.yaw_degrees")
    if job.seed < 0:
        raise BadField(f"seed is {job.seed}; give a whole number from 0", field="seed")
    drafting.supported(job.garment.passport.category)
    photo, alpha, passport = job.garment.photo, job.garment.alpha, job.garment.passport
    if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8:
        raise BadField(
            f"the photo is {photo.shape} {photo.dtype}; give height x width x 3 uint8", field="garment.photo"
        )
    if alpha.shape != photo.shape[:2] or alpha.dtype != np.uint8:
        raise BadMask(
            f"the mask is {alpha.shape} {alpha.dtype}, the photo {photo.shape[:2]}; give one uint8 a pixel",
            field="alpha",
        )
    if (passport.photo_height, passport.photo_width) != photo.shape[:2]:
        raise BadField(
            f"the passport is of a photo of {passport.photo_width}x{passport.photo_height} pixels, "
            f"this one has {photo.shape[1]}x{photo.shape[0]}",
            field="garment.passport",
        )


@contextmanager
def _timed(stage: str, seconds: dict[str, float]) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - start
