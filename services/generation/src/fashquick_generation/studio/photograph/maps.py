"""Pictures of the scene's geometry: what other image generators take as conditions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_generation.engine import MapKind
from fashquick_generation.studio.arrays import Float32, Int32, UInt8
from fashquick_generation.studio.figure.body import Part
from fashquick_generation.studio.figure.companions import Companion
from fashquick_generation.studio.photograph import keypoints, raster
from fashquick_generation.studio.photograph.camera import Camera
from fashquick_generation.studio.photograph.render import Shot
from fashquick_generation.studio.photograph.scene import SKIN, Scene, Side

NEAREST, FARTHEST = 255, 40
"""Codes of the nearest and farthest visible point in a depth map; 0 is the background."""

BAND_ROWS = 64
"""Rows of a step, for a short time between looks at the cancel flag."""
SEEN_ROWS = 256
"""Likewise of looking at the scene, where each step goes over all of its faces."""

PART_COLOURS = np.array(
    [
        (60, 60, 200),
        (250, 210, 120),
        (200, 90, 60),
        (230, 130, 60),
        (160, 200, 60),
        (60, 200, 120),
        (250, 90, 160),
        (160, 90, 250),
        (90, 160, 250),
        (60, 110, 200),
        (60, 200, 220),
        (40, 160, 170),
        (200, 200, 80),
        (160, 160, 40),
        (240, 180, 180),
        (120, 60, 160),
    ],
    np.uint8,
)
"""Colour of each body `Part`."""
GARMENT_COLOUR = (255, 255, 255)
COMPANION_COLOURS: Mapping[Companion, tuple[int, int, int]] = MappingProxyType(
    {
        Companion.TOP: (70, 70, 70),
        Companion.TROUSERS: (40, 40, 40),
        Companion.LEGGINGS: (40, 40, 40),
        Companion.SHOES: (110, 110, 110),
    }
)
KEPT_PARTS = (Part.HEAD, Part.HAND_LEFT, Part.HAND_RIGHT)
"""Skin that a protected mask keeps beside the garments: what image generators draw worst."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a camera sees at the middle of each pixel; all maps are made from it.

    Attributes:
        face: HxW int32, index of the face, -1 where nothing is seen.
        corner: HxWx2 float32, weights of the face's second and third corner.
        depth: HxW float32, metres along the view, `raster.FAR` where nothing is seen.
    """

    face: Int32
    corner: Float32
    depth: Float32


def seen_by(camera: Camera, scene: Scene, cancel: CancelFlag) -> Seen:
    """Look at the scene.

    Args:
        camera: The picture's.
        scene: What is there.
        cancel: Checked between steps.
    """
    points, size = camera.project(scene.vertices), (camera.height, camera.width)
    seen = Seen(np.empty(size, np.int32), np.empty((*size, 2), np.float32), np.empty(size, np.float32))
    for first in range(0, camera.height, SEEN_ROWS):
        rows = (first, min(first + SEEN_ROWS, camera.height))
        found = raster.visible(
            points,
            scene.faces,
            scene.nearer,
            closed=scene.closed,
            width=camera.width,
            rows=rows,
            samples=raster.CENTRE,
            cancel=cancel,
        )
        band = slice(*rows)
        seen.face[band], seen.corner[band], seen.depth[band] = (
            image[:, :, 0] for image in (found.face, found.corner, found.depth)
        )
    return seen


def drawn(
    kinds: frozenset[MapKind],
    scene: Scene,
    camera: Camera,
    seen: Seen,
    shot: Shot,
    *,
    photo_sizes: Sequence[tuple[int, int]],
    cancel: CancelFlag,
) -> dict[MapKind, UInt8 | Float32]:
    """The maps asked for, aligned with the picture to the pixel.

    Args:
        kinds: Which; BASE is other backends' and left out.
        scene: What is there.
        camera: The picture's.
        seen: From `seen_by`.
        shot: The picture; the garment mask is of all its garments together.
        photo_sizes: Width and height of each garment's photo.
        cancel: Checked between steps.
    """

    def covered(rows: slice) -> UInt8:
        return _union([garment[rows] for garment in shot.garments])

    makers: dict[MapKind, Callable[[], UInt8 | Float32]] = {
        MapKind.DEPTH: lambda: _depth(seen, cancel),
        MapKind.NORMAL: lambda: _normal(scene, seen, camera, cancel),
        MapKind.PARTS: lambda: _by_bands(lambda rows: _parts(scene, seen.face[rows]), seen, cancel),
        MapKind.POSE: lambda: keypoints.skeleton(scene.body, camera),
        MapKind.GARMENT_MASK: lambda: _by_bands(covered, seen, cancel),
        MapKind.GARMENT_INDEX: lambda: _by_bands(lambda rows: _garment_index(scene, seen.face[rows]), seen, cancel),
        MapKind.GARMENT_UV: lambda: _garment_uv(scene, seen, camera, photo_sizes, cancel),
        MapKind.SHADOW: lambda: shot.shadow,
        MapKind.PROTECTED: lambda: _by_bands(
            lambda rows: _protected(scene, seen.face[rows], covered(rows)), seen, cancel
        ),
    }
    out: dict[MapKind, UInt8 | Float32] = {}
    for kind in sorted(kinds & makers.keys()):
        cancel.check()
        out[kind] = makers[kind]()
    return out


def _by_bands(of_rows: Callable[[slice], UInt8], seen: Seen, cancel: CancelFlag) -> UInt8:
    """A map from those of its bands."""
    bands = []
    for first in range(0, len(seen.face), BAND_ROWS):
        cancel.check()
        bands.append(of_rows(slice(first, first + BAND_ROWS)))
    return np.concatenate(bands)


def _union(garments: Sequence[UInt8]) -> UInt8:
    """Coverage by any: samples belong to one garment each, so shares add up, but for rounding."""
    return np.minimum(np.sum(garments, axis=0, dtype=np.uint16), 255).astype(np.uint8)


def _garment_index(scene: Scene, face: Int32) -> UInt8:
    """0 where no garment is seen, 1 for the innermost."""
    number = np.maximum(scene.layer[face].astype(np.int16) - scene.first_garment + 1, 0)
    return np.where(face >= 0, number, 0).astype(np.uint8)


def _protected(scene: Scene, face: Int32, garment: UInt8) -> UInt8:
    """What a later pass must not change: the garments' pixels, as far as they cover, and head and hands entirely."""
    kept = np.isin(_skin_part(scene, face), KEPT_PARTS)
    return np.where(kept, np.uint8(255), garment)


def _depth(seen: Seen, cancel: CancelFlag) -> UInt8:
    near = float(seen.depth.min())
    far = float(seen.depth.max(where=seen.face >= 0, initial=near))

    def codes(rows: slice) -> UInt8:
        code = NEAREST - (NEAREST - FARTHEST) * (seen.depth[rows] - near) / max(far - near, 1e-6)
        return np.where(seen.face[rows] >= 0, np.round(code), 0).astype(np.uint8)

    return _by_bands(codes, seen, cancel)


def _normal(scene: Scene, seen: Seen, camera: Camera, cancel: CancelFlag) -> UInt8:
    """Red right, green up, blue towards the camera; the background faces the camera."""
    axes = np.stack([camera.right, camera.up, -camera.forward], axis=1)
    image = np.empty((*seen.face.shape, 3), np.uint8)
    for first in range(0, len(image), BAND_ROWS):
        cancel.check()
        band = slice(first, first + BAND_ROWS)
        image[band] = (128, 128, 255)
        shown = seen.face[band] >= 0
        weights = _weights(seen.corner[band][shown])
        normals = (scene.normals[scene.faces[seen.face[band][shown]]] * weights[..., None]).sum(axis=1)
        local = normals @ axes
        local *= np.where(local[:, 2:] < 0, -1, 1)
        local /= np.linalg.norm(local, axis=1, keepdims=True) + 1e-9
        image[band][shown] = np.round(127.5 * (local + 1))
    return image


def _garment_uv(
    scene: Scene, seen: Seen, camera: Camera, photo_sizes: Sequence[tuple[int, int]], cancel: CancelFlag
) -> Float32:
    """Places in the photo of the garment seen, 0 to 1; NaN where no outside of a front panel, which alone shows it."""
    uv = np.empty((*seen.face.shape, 2), np.float32)
    a, b, c = (scene.vertices[scene.faces[:, k]] for k in range(3))
    outward = (np.cross(b - a, c - a) * (camera.eye - a)).sum(axis=1) > 0
    shows_photo = outward & (scene.layer >= scene.first_garment) & (scene.side == Side.FRONT)
    sizes = np.array(photo_sizes, np.float64)
    for first in range(0, len(uv), BAND_ROWS):
        cancel.check()
        band = slice(first, first + BAND_ROWS)
        uv[band] = np.nan
        shown = (seen.face[band] >= 0) & shows_photo[seen.face[band]]
        face = seen.face[band][shown]
        at = (scene.pixels[scene.faces[face]] * _weights(seen.corner[band][shown])[..., None]).sum(axis=1)
        at /= sizes[scene.layer[face].astype(np.intp) - scene.first_garment]
        inside = ((at >= 0) & (at <= 1)).all(axis=1)
        uv[band][shown] = np.where(inside[:, None], at, np.nan)
    return uv


def _weights(corner: Float32) -> Float32:
    """Nx3 weights of all corners from those of the second and third."""
    return np.concatenate([1 - corner.sum(axis=1, keepdims=True), corner], axis=1)


def _skin_part(scene: Scene, face: Int32) -> Int32:
    """HxW int32, `Part` where skin is seen, -1 elsewhere."""
    part = scene.body.model.parts[np.minimum(scene.faces[face, 0], len(scene.body.model.parts) - 1)]
    return np.where((face >= 0) & (scene.layer[face] == SKIN), part.astype(np.int32), -1)


def _parts(scene: Scene, face: Int32) -> UInt8:
    colours = [(0, 0, 0), *(COMPANION_COLOURS[name] for name in scene.companions)]
    colours += [GARMENT_COLOUR] * (int(scene.layer.max()) + 1 - scene.first_garment)
    image = np.array(colours, np.uint8)[scene.layer[face]]
    part = _skin_part(scene, face)
    image[part >= 0] = PART_COLOURS[part[part >= 0]]
    image[face < 0] = 0
    return image
