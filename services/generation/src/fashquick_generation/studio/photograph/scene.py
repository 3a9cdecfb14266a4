"""Everything that is in the picture as one mesh, and the camera."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

import numpy as np
from scipy.spatial import cKDTree

from fashquick_generation.engine import Framing, View
from fashquick_generation.studio.arrays import Bool, Float64, Int32, UInt8
from fashquick_generation.studio.drape.dressing import Dressed
from fashquick_generation.studio.figure.body import Part, PosedBody
from fashquick_generation.studio.figure.companions import Companion
from fashquick_generation.studio.mesh import subdivided, vertex_normals
from fashquick_generation.studio.photograph.camera import Camera, turntable

HEADROOM = 1.12
"""Height of the picture over the figure's."""
WIDTH_M = 1.0
"""Width that a picture shows at least."""
UPPER_BELOW_HIP_M = 0.22
UPPER_ABOVE_HEAD_M = 0.07
CLOTH_NEARER_M = 0.014
"""By how much cloth wins over the body that it lies on."""
COMPANION_NEARER_M = 0.004
"""By how much companion clothes win over the skin, and each over the one that is worn under it."""
UNDER_CLOTH_M = 0.022
"""Skin this close to cloth is under it."""
PRESSED_M = 0.006
"""How far skin under cloth is moved in, so that it does not show through between the cloth's vertices."""


class Kind(IntEnum):
    """What a face belongs to."""

    SKIN = 0
    TOP = 1
    TROUSERS = 2
    LEGGINGS = 3
    SHOES = 4
    FRONT = 5
    BACK = 6


COMPANION_KINDS: Mapping[Companion, Kind] = MappingProxyType(
    {
        Companion.TOP: Kind.TOP,
        Companion.TROUSERS: Kind.TROUSERS,
        Companion.LEGGINGS: Kind.LEGGINGS,
        Companion.SHOES: Kind.SHOES,
    }
)


@dataclass(frozen=True, slots=True)
class Scene:
    """A mesh of everything.

    Attributes:
        vertices: Vx3 float64, metres.
        normals: Vx3 float64.
        faces: Fx3 int32.
        kind: F uint8, `Kind` of each face.
        pixels: Vx2 float64, photo coordinates of cloth vertices.
        nearer: V float64, metres by which a vertex counts as nearer to the camera than it is.
        body: The figure.
    """

    vertices: Float64
    normals: Float64
    faces: Int32
    kind: UInt8
    pixels: Float64
    nearer: Float64
    body: PosedBody


def assembled(dressed: Dressed) -> Scene:
    """Put figure, companion clothes and garment together."""
    body = dressed.body
    (worn,) = dressed.garments
    x, faces, pixels = subdivided(worn.x, worn.cloth.faces, worn.texture)
    cloth_kind = np.where(np.tile(worn.cloth.back_face, 4), Kind.BACK, Kind.FRONT)
    model = body.model
    skin = _pressed_in(body.vertices, body.normals, x, body.of(Part.HEAD, Part.HAND_LEFT, Part.HAND_RIGHT))
    meshes = [(skin, model.bare, np.full(len(model.bare), Kind.SKIN), 0.0)]
    for name, points in body.companions.items():
        garment, its_faces = _companion(points, model.companions[name].faces, x)
        nearer = COMPANION_NEARER_M * len(meshes)
        meshes.append((garment, its_faces, np.full(len(its_faces), COMPANION_KINDS[name]), nearer))
    meshes.append((x, faces, cloth_kind, CLOTH_NEARER_M))
    starts = np.cumsum([0, *(len(mesh[0]) for mesh in meshes)])
    return Scene(
        vertices=np.concatenate([mesh[0] for mesh in meshes]),
        normals=np.concatenate([vertex_normals(np.ascontiguousarray(mesh[0]), mesh[1]) for mesh in meshes]),
        faces=np.concatenate([mesh[1] + np.int32(start) for mesh, start in zip(meshes, starts, strict=False)]),
        kind=np.concatenate([mesh[2] for mesh in meshes]).astype(np.uint8),
        pixels=np.concatenate([np.zeros((starts[-2], 2)), pixels]),
        nearer=np.concatenate([np.full(len(mesh[0]), mesh[3]) for mesh in meshes]),
        body=body,
    )


def _companion(points: Float64, faces: Int32, cloth: Float64) -> tuple[Float64, Int32]:
    """A companion garment's smooth surface, out of the way of the cloth over it."""
    points = _pressed_in(points, vertex_normals(points, faces), cloth, np.zeros(len(points), bool))
    points, faces, _ = subdivided(points, faces, np.zeros((len(points), 0)))
    return points, faces


def _pressed_in(skin: Float64, normals: Float64, cloth: Float64, free: Bool) -> Float64:
    away, _ = cKDTree(cloth).query(skin, distance_upper_bound=UNDER_CLOTH_M)
    under = np.isfinite(away) & ~free
    return np.where(under[:, None], skin - PRESSED_M * normals, skin)


def camera_for(view: View, body: PosedBody, width: int, height: int) -> Camera:
    """The camera that shows what a view asks for."""
    top = float(body.vertices[:, 2].max())
    if view.framing is Framing.UPPER:
        low = float(body.keypoints["left_hip"][2]) - UPPER_BELOW_HIP_M
        high = top + UPPER_ABOVE_HEAD_M
    else:
        low, high = top * (1 - HEADROOM) / 2, top * (1 + HEADROOM) / 2
    span = max(high - low, WIDTH_M * height / width * (0.85 if view.framing is Framing.UPPER else 1.0))
    target = np.array([0.0, float(body.vertices[:, 1].mean()), (low + high) / 2])
    return turntable(view.yaw_degrees, target, span, width, height)
