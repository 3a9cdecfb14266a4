"""The figure: a baked body, posed by forward kinematics and linear blend skinning.

Metres; x points to the wearer's left, y backward, z up. `data/NOTICE.md` says where the body comes from.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from fashquick_generation.engine import Figure, Phenotype
from fashquick_generation.studio.arrays import Bool, Float64, Int32, UInt8
from fashquick_generation.studio.figure import baked, phenotypes
from fashquick_generation.studio.figure.companions import Companion
from fashquick_generation.studio.figure.skinning import blended
from fashquick_generation.studio.mesh import vertex_normals

KEPT_BODIES = 12
"""Bodies kept for the next job, some 2 MB each."""


class Part(IntEnum):
    """Region of the body that a vertex belongs to; left is the wearer's."""

    TORSO = 0
    HEAD = 1
    UPPER_ARM_LEFT = 2
    UPPER_ARM_RIGHT = 3
    FOREARM_LEFT = 4
    FOREARM_RIGHT = 5
    HAND_LEFT = 6
    HAND_RIGHT = 7
    THIGH_LEFT = 8
    THIGH_RIGHT = 9
    SHIN_LEFT = 10
    SHIN_RIGHT = 11
    FOOT_LEFT = 12
    FOOT_RIGHT = 13
    NECK = 14
    HIPS = 15


@dataclass(frozen=True, slots=True)
class Skin:
    """Points that follow the bones.

    Attributes:
        points: Nx3 float64, in the reference pose.
        bones: NxK int32, bones that move a point.
        weights: NxK float64, their shares; rows add up to 1.
    """

    points: Float64
    bones: Int32
    weights: Float64

    def moved(self, transforms: Float64) -> Float64:
        """Linear blend skinning.

        Args:
            transforms: Bx3x4 float64, from `BodyModel.transforms`.

        Returns:
            Nx3 float64.
        """
        return blended(self.points, self.bones, self.weights, transforms)


@dataclass(frozen=True, slots=True)
class Layer:
    """A surface that follows the bones: the skin or a companion garment.

    Attributes:
        skin: V points.
        faces: Fx3 int32, counter-clockwise from outside.
    """

    skin: Skin
    faces: Int32


@dataclass(frozen=True, slots=True, eq=False)
class BodyModel:
    """One body in its reference pose, with its companion clothes; each is equal to itself alone.

    Attributes:
        bones: Bone name to index; parents come before their children.
        parents: B int32, -1 for the root.
        heads: Bx3 float64, joints.
        body: All of the skin.
        parts: V uint8, `Part` of each vertex of the skin.
        bare: Fx3 int32, faces of the skin that no companion hides.
        companions: What is worn, from the skin outward.
        solid_faces: Fx3 int32, what shows of skin and companions, over the points of `PosedBody.solid`.
        keypoints: K points of a skeleton.
        keypoint_names: Their COCO names.
    """

    bones: Mapping[str, int]
    parents: Int32
    heads: Float64
    body: Layer
    parts: UInt8
    bare: Int32
    companions: Mapping[Companion, Layer]
    solid_faces: Int32
    keypoints: Skin
    keypoint_names: tuple[str, ...]

    def transforms(self, turns: Float64) -> Float64:
        """Forward kinematics.

        Each bone turns about its head, in fixed axes, on top of what its parent does:
        A_child = A_parent T(head) R T(-head).

        Args:
            turns: Bx3x3 rotation matrices.

        Returns:
            Bx3x4 float64 that take points of the reference pose to their place.
        """
        out = np.zeros((len(self.parents), 3, 4))
        for bone, parent in enumerate(self.parents):
            turn, head = turns[bone], self.heads[bone]
            shift = head - turn @ head
            if parent < 0:
                out[bone, :, :3], out[bone, :, 3] = turn, shift
            else:
                above = out[parent]
                out[bone, :, :3] = above[:, :3] @ turn
                out[bone, :, 3] = above[:, :3] @ shift + above[:, 3]
        return out

    def posed(self, turns: Float64) -> PosedBody:
        """The figure with its bones turned, standing with its soles at z = 0.

        Args:
            turns: Bx3x3 rotation matrices.
        """
        transforms = self.transforms(turns)
        skin = self.body.skin.moved(transforms)
        worn = {name: layer.skin.moved(transforms) for name, layer in self.companions.items()}
        lowest = min(float(points[:, 2].min()) for points in (skin, *worn.values()))
        floor = np.array([0.0, 0.0, lowest])
        keypoints = self.keypoints.moved(transforms) - floor
        return PosedBody(
            model=self,
            vertices=skin - floor,
            companions={name: points - floor for name, points in worn.items()},
            keypoints={name: keypoints[k] for k, name in enumerate(self.keypoint_names)},
            joints=np.einsum("bij,bj->bi", transforms[:, :, :3], self.heads) + transforms[:, :, 3] - floor,
        )


@dataclass(frozen=True, slots=True)
class PosedBody:
    """A figure in a pose, its soles at z = 0.

    Attributes:
        model: The body it was made from.
        vertices: Vx3 float64, of the skin, under companions too.
        companions: What is worn, to the points of its surface.
        keypoints: COCO name to point.
        joints: Bx3 float64, where each bone turns.
    """

    model: BodyModel
    vertices: Float64
    companions: Mapping[Companion, Float64]
    keypoints: Mapping[str, Float64]
    joints: Float64

    @property
    def solid(self) -> Float64:
        """Points of the skin and then of each companion, for `BodyModel.solid_faces`."""
        return np.concatenate([self.vertices, *self.companions.values()])

    @property
    def normals(self) -> Float64:
        """Vx3 float64 unit vectors, outward."""
        return vertex_normals(self.vertices, self.model.body.faces)

    def of(self, *parts: Part) -> Bool:
        """Mask of the body vertices that belong to any of `parts`."""
        mask: Bool = np.isin(self.model.parts, parts)
        return mask


def load(figure: Figure, wears: frozenset[Companion]) -> BodyModel:
    """The body of a figure with its companion clothes, kept for the next time.

    Args:
        figure: Who.
        wears: The companions it is dressed in.

    Raises:
        BadField: There is no such preset or size, or a phenotype is not from 0 to 1.
    """
    return _built(phenotypes.phenotype_of(figure), wears)


@functools.lru_cache(maxsize=KEPT_BODIES)
def _built(phenotype: Phenotype, wears: frozenset[Companion]) -> BodyModel:
    data = baked.read()
    points = data.points(phenotype)

    def skin(name: str) -> Skin:
        points[name].setflags(write=False)
        return Skin(points[name], data.surfaces[name].bones, data.surfaces[name].weights)

    def layer(name: str) -> Layer:
        return Layer(skin(name), data.surfaces[name].faces)

    body = layer(baked.SKIN)
    companions = {companion: layer(companion) for companion in Companion if companion in wears}
    shows = ~np.any([np.zeros(len(body.faces), bool), *(data.hidden[companion] for companion in companions)], axis=0)
    bare, solid, first = body.faces[shows], [body.faces[shows]], len(points[baked.SKIN])
    for name, garment in companions.items():
        solid.append(garment.faces + np.int32(first))
        first += len(points[name])
    return BodyModel(
        bones={name: k for k, name in enumerate(data.bone_names)},
        parents=data.parents,
        heads=points[baked.JOINTS],
        body=body,
        parts=data.parts,
        bare=bare,
        companions=companions,
        solid_faces=np.concatenate(solid),
        keypoints=skin(baked.KEYPOINTS),
        keypoint_names=data.keypoint_names,
    )
