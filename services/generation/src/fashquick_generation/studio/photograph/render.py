"""The picture, made in bands of rows, so that memory does not grow with its size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import Texture as Feel
from fashquick_generation.engine import Backdrop, BackdropKind
from fashquick_generation.studio.arrays import Float32, UInt8
from fashquick_generation.studio.colour import linear
from fashquick_generation.studio.figure.companions import Companion
from fashquick_generation.studio.figure.finishes import Finish
from fashquick_generation.studio.photograph import backdrop as sweeps
from fashquick_generation.studio.photograph import developing, lighting, materials, raster, shading, surfaces
from fashquick_generation.studio.photograph.camera import Camera
from fashquick_generation.studio.photograph.materials import Material
from fashquick_generation.studio.photograph.scene import Scene
from fashquick_generation.studio.photograph.shadows import ShadowMaps, shadow_maps
from fashquick_generation.studio.photograph.threads import in_order
from fashquick_generation.studio.texture.textures import Texture

TEXELS = 2
"""Texels of cloth wanted a pixel's side: one for each of its samples."""
COMPANION_PAINT: Mapping[Companion, tuple[float, float, float]] = MappingProxyType(
    {
        Companion.LEGGINGS: (0.040, 0.041, 0.046),
        Companion.SHOES: (0.78, 0.78, 0.77),
        Companion.TROUSERS: (0.040, 0.041, 0.046),
        Companion.TOP: (0.76, 0.76, 0.75),
    }
)
"""Linear light that companion clothes return: charcoal, off-white."""
BAND_PIXELS = 100_000
"""Pixels of a band: some 40 MB of buffers a thread, and no step on them longer than 50 ms."""


@dataclass(frozen=True, slots=True)
class Sitting:
    """A dressed figure in the studio, ready for any number of pictures from any side.

    Attributes:
        world: What is there.
        shadows: What hides what from the light.
        paint: Cx3 float32, linear light that skin and companions return, in the layers' order.
        materials: Of all layers; the garments' usual ones.
    """

    world: Scene
    shadows: ShadowMaps
    paint: Float32
    materials: tuple[Material, ...]


def seated(world: Scene, feel: Sequence[Feel | None], finish: Finish, cancel: CancelFlag) -> Sitting:
    """Prepare a scene for its pictures.

    Args:
        world: What is there.
        feel: What each garment's cloth is like, as its passport says.
        finish: The mannequin's.
        cancel: Checked between steps.
    """
    paint = np.array(
        [linear(np.array(finish.colour, np.uint8)), *(COMPANION_PAINT[name] for name in world.companions)], np.float32
    )
    companions = [materials.COMPANION] * len(world.companions)
    return Sitting(
        world,
        shadow_maps(world.hiding, world.hiding_faces, cancel),
        paint,
        (Material(finish.fuzz, finish.gloss, finish.sharpness), *companions, *map(materials.cloth_of, feel)),
    )


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture and its layers, all of one size.

    Attributes:
        rgb: HxWx3 uint8, sRGB. Of a transparent backdrop the figure alone, in straight colours, white elsewhere.
        alpha: HxW uint8, the figure's coverage of each pixel.
        shadow: HxW uint8, opacity of the figure's shadow. Over a colour c in sRGB codes, the picture is
            alpha rgb + (1 - alpha) (1 - shadow) c, with a transparent backdrop's rgb.
        garments: HxW uint8 for each garment, its coverage of each pixel.
    """

    rgb: UInt8
    alpha: UInt8
    shadow: UInt8
    garments: tuple[UInt8, ...]


def photographed(
    sitting: Sitting,
    camera: Camera,
    cloth: Sequence[Texture],
    backdrop: Backdrop,
    *,
    seed: int,
    on_share: Callable[[float], None],
    cancel: CancelFlag,
) -> Shot:
    """Take a picture.

    Args:
        sitting: Of whom.
        camera: From where.
        cloth: Pixels of each garment, with some `TEXELS` texels a pixel.
        backdrop: What is behind.
        seed: Of the dither.
        on_share: Told the share of the picture that is done, after each band.
        cancel: Checked between steps.
    """
    return _Exposure(sitting, camera, cloth, backdrop, seed=seed, cancel=cancel).shot(on_share)


class _Exposure:
    """One picture on its way."""

    def __init__(
        self,
        sitting: Sitting,
        camera: Camera,
        cloth: Sequence[Texture],
        backdrop: Backdrop,
        *,
        seed: int,
        cancel: CancelFlag,
    ) -> None:
        self._sitting, self._camera, self._cloth, self._backdrop = sitting, camera, cloth, backdrop
        self._seed, self._cancel = seed, cancel
        first = len(sitting.materials) - len(cloth)
        shown = (
            materials.as_shown(usual, one.sheen) for usual, one in zip(sitting.materials[first:], cloth, strict=True)
        )
        self._materials = (*sitting.materials[:first], *shown)
        self._powers = lighting.powers(camera.yaw)
        self._floor = sweeps.floor_light(sitting.shadows, self._powers, cancel)
        self._points = camera.project(sitting.world.vertices)

    def shot(self, on_share: Callable[[float], None]) -> Shot:
        """All bands, one under the other."""
        height = self._camera.height
        step = max(BAND_PIXELS // self._camera.width, 1)
        bands = [(first, min(first + step, height)) for first in range(0, height, step)]
        size = (height, self._camera.width)
        whole = Shot(
            np.empty((*size, 3), np.uint8),
            np.empty(size, np.uint8),
            np.empty(size, np.uint8),
            tuple(np.empty(size, np.uint8) for _ in self._cloth),
        )
        for part, (first, last) in zip(in_order(self._band, bands), bands, strict=True):
            whole.rgb[first:last], whole.alpha[first:last], whole.shadow[first:last] = part.rgb, part.alpha, part.shadow
            for mask, rows in zip(whole.garments, part.garments, strict=True):
                mask[first:last] = rows
            on_share(last / height)
        return whole

    def _band(self, rows: tuple[int, int]) -> Shot:
        world, camera, cancel = self._sitting.world, self._camera, self._cancel
        wide = (rows[0] - surfaces.HALO, rows[1] + surfaces.HALO)
        seen = raster.visible(
            self._points,
            world.faces,
            world.nearer,
            closed=world.closed,
            width=camera.width,
            rows=wide,
            samples=raster.ROTATED_GRID,
            cancel=cancel,
        )
        cancel.check()
        outside, normal = surfaces.normals_of(world, seen, camera)
        cancel.check()
        spots = surfaces.spots_of(world, seen, normal, wide[0])
        light = self._sitting.shadows.irradiance(spots.points, spots.normals, spots.places, self._powers, cancel)
        light = surfaces.smoothed(spots, light)
        cancel.check()
        own = slice(surfaces.HALO, -surfaces.HALO)
        face = seen.face[own]
        colour, reverse = shading.coloured(
            world, face, seen.corner[own], outside[own], self._sitting.paint, self._cloth
        )
        cancel.check()
        shading.light_up(world, face, normal[own], reverse, spots, light, self._materials, camera, colour)
        cancel.check()
        finished = developing.developed(
            face,
            colour,
            sweeps.ground(self._backdrop, camera, self._floor, rows),
            first_row=rows[0],
            seed=self._seed,
            transparent=self._backdrop.kind is BackdropKind.TRANSPARENT,
        )
        return Shot(*finished, developing.coverage(world, face, len(self._cloth)))
