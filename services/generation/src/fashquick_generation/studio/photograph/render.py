"""The picture, made in bands of rows, so that memory does not grow with its size."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_generation.studio.arrays import UInt8
from fashquick_generation.studio.photograph import backdrop, raster, shading
from fashquick_generation.studio.photograph.camera import Camera
from fashquick_generation.studio.photograph.lighting import ShadowMaps
from fashquick_generation.studio.photograph.scene import Kind, Scene
from fashquick_generation.studio.texture.textures import Texture

SAMPLES = 2
"""Samples a side of a pixel."""
BAND_SAMPLES = 600_000
"""Samples of a band: some 50 MB of buffers, and no step on them longer than 50 ms."""


def rendered(
    scene: Scene,
    camera: Camera,
    texture: Texture,
    shadows: ShadowMaps,
    *,
    seed: int,
    on_share: Callable[[float], None],
    cancel: CancelFlag,
) -> tuple[UInt8, UInt8]:
    """Photograph a scene.

    Args:
        scene: What is there.
        camera: From where.
        texture: The garment's pixels.
        shadows: The light.
        seed: Of the dither.
        on_share: Told the share of the picture that is done, after each band.
        cancel: Checked between steps.

    Returns:
        HxWx3 uint8 sRGB, and HxW uint8, the garment's coverage of each pixel.
    """
    rgb = np.empty((camera.height, camera.width, 3), np.uint8)
    garment = np.empty((camera.height, camera.width), np.uint8)
    floor = backdrop.floor_shadow(shadows, cancel)
    dither = np.random.default_rng(seed)
    step = max(BAND_SAMPLES // (camera.width * SAMPLES**2), 1)
    for first in range(0, camera.height, step):
        last = min(first + step, camera.height)
        band = camera.rows(first, last)
        fine = band.scaled(SAMPLES)
        points = fine.project(scene.vertices)
        seen = raster.visible(points, scene.faces, scene.nearer, fine.width, fine.height, cancel)
        number, lit = shading.lit_pixels(scene, seen, fine, texture, shadows, cancel)
        ground = backdrop.backdrop(band, camera.height, floor)
        cancel.check()
        noise = dither.random((last - first, camera.width), np.float32)
        rgb[first:last] = shading.resolved(number, lit, ground, noise)
        is_garment = ((seen.face >= 0) & (scene.kind[seen.face] >= Kind.FRONT)).astype(np.float32)
        cover = cv2.resize(is_garment, (camera.width, last - first), interpolation=cv2.INTER_AREA)
        garment[first:last] = np.round(255 * np.asarray(cover))
        on_share(last / camera.height)
    return rgb, garment
