"""Everything that is in the picture as one mesh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_generation.studio.arrays import Bool, Float64, Int32, UInt8
from fashquick_generation.studio.drape.dressing import Dressed, Garment
from fashquick_generation.studio.figure.body import Part, PosedBody
from fashquick_generation.studio.figure.companions import Companion
from fashquick_generation.studio.mesh import subdivided, vertex_normals
from fashquick_generation.studio.photograph.covering import hidden, pressed
from fashquick_generation.studio.photograph.hems import hem

COMPANION_NEARER_M = 0.002
GARMENT_NEARER_M = 0.004
"""By how much cloth wins over what it lies on; each further garment wins by as much again."""
SKIN = 0
"""Layer of the skin."""
OUTWARD = (Companion.LEGGINGS, Companion.SHOES, Companion.TROUSERS, Companion.TOP)
"""Companions from the skin outward: trousers fall over shoes, leggings end in them."""


class Side(IntEnum):
    """Which image of a garment's texture a face shows on its outside."""

    FRONT = 0
    BACK = 1
    INSIDE = 2


@dataclass(frozen=True, slots=True)
class Scene:
    """A mesh of everything, in layers: the skin, companion clothes, then the garments, innermost first.

    Attributes:
        vertices: Vx3 float64, metres.
        normals: Vx3 float64.
        faces: Fx3 int32.
        layer: F uint8, of each face: `SKIN`, from 1 companions, from `first_garment` garments.
        side: F uint8, `Side` of each face of a garment.
        pixels: Vx2 float64, photo coordinates of garments' vertices.
        nearer: V float64, metres by which a vertex counts as nearer to the camera than it is.
        hiding: Hx3 float64, points of a coarser mesh for what only hides light.
        hiding_faces: Gx3 int32, over these points.
        companions: Names of the companions' layers.
        body: The figure.
    """

    vertices: Float64
    normals: Float64
    faces: Int32
    layer: UInt8
    side: UInt8
    pixels: Float64
    nearer: Float64
    hiding: Float64
    hiding_faces: Int32
    companions: tuple[Companion, ...]
    body: PosedBody

    @property
    def closed(self) -> int:
        """Number of the first faces, those of skin and companions, whose insides are never seen."""
        return int(np.searchsorted(self.layer, self.first_garment))

    @property
    def first_garment(self) -> int:
        """Layer of the innermost garment."""
        return 1 + len(self.companions)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """One layer on its way into the scene.

    Attributes:
        points: Vx3 float64.
        normals: Vx3 float64, outward.
        faces: Fx3 int32.
        coarse: Gx3 int32, over the first of the points.
        side: F uint8.
        pixels: Vx2 float64.
        free: V bool, points that nothing covers.
    """

    points: Float64
    normals: Float64
    faces: Int32
    coarse: Int32
    side: UInt8
    pixels: Float64
    free: Bool


def assembled(dressed: Dressed, cancel: CancelFlag) -> Scene:
    """Put figure, companion clothes and garments together.

    Args:
        dressed: Who and what.
        cancel: Checked between steps.
    """
    body = dressed.body
    companions, garments = _companions(body), []
    for garment in dressed.garments:
        cancel.check()
        garments.append(_garment(garment))
    sheets = _stacked([_skin(body), *companions.values(), *garments], cancel)
    meshes, first = [], 0
    for sheet in sheets:
        meshes.append((sheet.faces + np.int32(first), sheet.coarse + np.int32(first)))
        first += len(sheet.points)
    nearer = [0.0, *(COMPANION_NEARER_M for _ in companions)]
    nearer += [GARMENT_NEARER_M * (k + 1) for k in range(len(dressed.garments))]
    points = np.concatenate([sheet.points for sheet in sheets])
    used, renumbered = np.unique(np.concatenate([coarse for _, coarse in meshes]), return_inverse=True)
    return Scene(
        vertices=points,
        normals=np.concatenate([sheet.normals for sheet in sheets]),
        faces=np.concatenate([faces for faces, _ in meshes]),
        layer=np.repeat(np.arange(len(sheets)), [len(sheet.faces) for sheet in sheets]).astype(np.uint8),
        side=np.concatenate([sheet.side for sheet in sheets]),
        pixels=np.concatenate([sheet.pixels for sheet in sheets]),
        nearer=np.repeat(nearer, [len(sheet.points) for sheet in sheets]),
        hiding=points[used],
        hiding_faces=renumbered.reshape(-1, 3).astype(np.int32),
        companions=tuple(companions),
        body=body,
    )


def _skin(body: PosedBody) -> _Sheet:
    faces = body.model.bare
    free = body.of(Part.HEAD, Part.HAND_LEFT, Part.HAND_RIGHT)
    return _Sheet(body.vertices, body.normals, faces, faces, *_untextured(len(body.vertices), len(faces)), free)


def _companions(body: PosedBody) -> dict[Companion, _Sheet]:
    """From the skin outward."""
    layers, points = body.model.companions, body.companions
    return {name: _companion(points[name], layers[name].faces) for name in OUTWARD if name in layers}


def _companion(points: Float64, faces: Int32) -> _Sheet:
    fine, fine_faces, _ = subdivided(points, faces, np.zeros((len(points), 0)))
    free = np.zeros(len(fine), bool)
    return _Sheet(
        fine, vertex_normals(fine, fine_faces), fine_faces, faces, *_untextured(len(fine), len(fine_faces)), free
    )


def _garment(garment: Garment) -> _Sheet:
    points, faces, pixels = subdivided(garment.x, garment.cloth.faces, garment.texture)
    side = np.where(np.tile(garment.cloth.back_face, 4), Side.BACK, Side.FRONT).astype(np.uint8)
    return _hemmed(points, faces, garment.cloth.faces, side, pixels)


def _untextured(points: int, faces: int) -> tuple[UInt8, Float64]:
    return np.zeros(faces, np.uint8), np.zeros((points, 2))


def _hemmed(points: Float64, faces: Int32, coarse: Int32, side: UInt8, pixels: Float64) -> _Sheet:
    edge = hem(points, vertex_normals(points, faces), faces)
    points, faces = np.concatenate([points, edge.vertices]), np.concatenate([faces, edge.faces])
    return _Sheet(
        points=points,
        normals=vertex_normals(points, faces),
        faces=faces,
        coarse=coarse,
        side=np.concatenate([side, np.where(edge.inner, np.uint8(Side.INSIDE), side[edge.beside])]),
        pixels=np.concatenate([pixels, pixels[edge.source]]),
        free=np.zeros(len(points), bool),
    )


def _stacked(sheets: Sequence[_Sheet], cancel: CancelFlag) -> list[_Sheet]:
    """The sheets, each moved in under those over it, and without what they hide."""
    out = []
    for k, sheet in enumerate(sheets[:-1]):
        cancel.check()
        over = sheets[k + 1 :]
        points, covered = pressed(
            sheet.points,
            sheet.normals,
            np.concatenate([other.points for other in over]),
            np.concatenate([other.normals for other in over]),
        )
        points[sheet.free], covered[sheet.free] = sheet.points[sheet.free], False
        seen = ~hidden(sheet.faces, covered)
        out.append(
            replace(
                sheet,
                points=points,
                faces=sheet.faces[seen],
                coarse=sheet.coarse[~hidden(sheet.coarse, covered)],
                side=sheet.side[seen],
            )
        )
    return [*out, sheets[-1]]
