"""The figure: a baked body, posed by forward kinematics and linear blend skinning.

Metres; x points to the wearer's left, y backward, z up. `data/NOTICE.md` says where the body comes from.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.resources
import io
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from fashquick_common.errors import BadField
from fashquick_generation.studio.arrays import Bool, Float64, Int32, UInt8
from fashquick_generation.studio.mesh import vertex_normals

BODIES = ("woman", "man", "curvy")


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
        out = np.zeros_like(self.points)
        for k in range(self.bones.shape[1]):
            matrix = transforms[self.bones[:, k]]
            moved = np.einsum("nij,nj->ni", matrix[:, :, :3], self.points) + matrix[:, :, 3]
            out += self.weights[:, k, None] * moved
        return out


@dataclass(frozen=True, slots=True)
class Layer:
    """A surface that follows the bones: the body itself, its trousers or its shoes.

    Attributes:
        skin: V points.
        faces: Fx3 int32, counter-clockwise from outside.
    """

    skin: Skin
    faces: Int32


@dataclass(frozen=True, slots=True)
class BodyModel:
    """One body preset in its reference pose.

    Attributes:
        bones: Bone name to index; parents come before their children.
        parents: B int32, -1 for the root.
        heads: Bx3 float64, joints.
        body: Skin of the body.
        parts: V uint8, `Part` of each body vertex.
        trousers: Neutral companion garment.
        shoes: Neutral companion shoes.
        keypoints: K points of a skeleton.
        keypoint_names: Their COCO names.
    """

    bones: Mapping[str, int]
    parents: Int32
    heads: Float64
    body: Layer
    parts: UInt8
    trousers: Layer
    shoes: Layer
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
        body, shoes = self.body.skin.moved(transforms), self.shoes.skin.moved(transforms)
        floor = np.array([0.0, 0.0, shoes[:, 2].min()])
        keypoints = self.keypoints.moved(transforms) - floor
        return PosedBody(
            model=self,
            vertices=body - floor,
            trousers=self.trousers.skin.moved(transforms) - floor,
            shoes=shoes - floor,
            keypoints={name: keypoints[k] for k, name in enumerate(self.keypoint_names)},
        )


@dataclass(frozen=True, slots=True)
class PosedBody:
    """A figure in a pose, its soles at z = 0.

    Attributes:
        model: The body it was made from.
        vertices: Vx3 float64.
        trousers: Points of the trousers.
        shoes: Points of the shoes.
        keypoints: COCO name to point.
    """

    model: BodyModel
    vertices: Float64
    trousers: Float64
    shoes: Float64
    keypoints: Mapping[str, Float64]

    @property
    def normals(self) -> Float64:
        """Vx3 float64 unit vectors, outward."""
        return vertex_normals(self.vertices, self.model.body.faces)

    def of(self, *parts: Part) -> Bool:
        """Mask of the body vertices that belong to any of `parts`."""
        mask: Bool = np.isin(self.model.parts, parts)
        return mask


def _blob() -> bytes:
    return importlib.resources.files("fashquick_generation.studio.figure").joinpath("data/body.npz").read_bytes()


@functools.cache
def data_digest() -> str:
    """SHA-256, in hex, of the baked data."""
    return hashlib.sha256(_blob()).hexdigest()


@functools.cache
def load(preset: str) -> BodyModel:
    """The body preset of that name, read once.

    Raises:
        BadField: There is no such preset.
    """
    if preset not in BODIES:
        raise BadField(f"body {preset!r} is unknown; choose one of {', '.join(BODIES)}", field="body")
    with np.load(io.BytesIO(_blob())) as data:

        def skin(name: str) -> Skin:
            steps = data[f"{preset}_{name}"].astype(np.float64)
            weights = data[f"{name}_weights"].astype(np.float64)
            weights /= weights.sum(axis=1, keepdims=True)
            return _frozen(
                Skin(steps * float(data["metres_per_step"]), data[f"{name}_bones"].astype(np.int32), weights)
            )

        def layer(name: str) -> Layer:
            faces = data[f"{name}_faces"].astype(np.int32)
            faces.setflags(write=False)
            return Layer(skin(name), faces)

        return BodyModel(
            bones={str(name): k for k, name in enumerate(data["bone_names"])},
            parents=data["parents"].astype(np.int32),
            heads=data[f"{preset}_heads"].astype(np.float64),
            body=layer("body"),
            parts=data["parts"],
            trousers=layer("trousers"),
            shoes=layer("shoes"),
            keypoints=skin("keypoints"),
            keypoint_names=tuple(str(name) for name in data["keypoint_names"]),
        )


def _frozen(skin: Skin) -> Skin:
    for array in (skin.points, skin.bones, skin.weights):
        array.setflags(write=False)
    return skin
