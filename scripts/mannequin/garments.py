"""The companion clothes that follow the body's surface: trousers, leggings, top."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fashquick_generation.studio.figure.body import Part
from fashquick_generation.studio.figure.companions import Companion
from fashquick_generation.studio.mesh import vertex_normals
from mannequin.meshes import Cut, Faces, Points, border_edges, cut_out, smoothed

Keypoints = Mapping[str, Points]

HIDDEN_M = 0.012
"""Skin farther than this inside a garment's edges is never seen."""

LAST_ROUNDS, LEAST_EASE = 2, 0.45
"""Smoothing after a garment was moved out of the skin takes away what folds of the skin left on it; where that took
it under this share of its ease, it is moved out again."""

WAIST_ABOVE_HIP_M = 0.18
LEGGINGS_WAIST_ABOVE_HIP_M = 0.09
"""Far enough under the hem of the top."""
TROUSERS_EASE_M = 0.011
TROUSERS_HEM_RADIUS_M = 0.062
HEM_BELOW_ANKLE_M = 0.035
TROUSERS_END_BELOW_ANKLE_M = 0.03
LEGGINGS_EASE_M = 0.004
LEGGINGS_END_BELOW_ANKLE_M = 0.065
"""Inside the shoes."""
TOP_EASE_M = 0.008
TOP_ROUNDS = 45
TOP_HEM_BELOW_HIP_M = 0.035
SLEEVE_SHARE = 0.42
"""Length of the top's sleeve as a share of the upper arm."""
NECKLINE_BACK_M, NECKLINE_FRONT_M = -0.008, -0.085
"""Height of the neckline over the neck's first joint, at the nape and 10 cm in front of it."""

_LEGS = (
    Part.TORSO,
    Part.HIPS,
    Part.THIGH_LEFT,
    Part.THIGH_RIGHT,
    Part.SHIN_LEFT,
    Part.SHIN_RIGHT,
    Part.FOOT_LEFT,
    Part.FOOT_RIGHT,
)
_ARMS = (Part.UPPER_ARM_LEFT, Part.UPPER_ARM_RIGHT, Part.FOREARM_LEFT, Part.FOREARM_RIGHT)
_CHEST = (
    Part.TORSO,
    Part.HIPS,
    Part.NECK,
    Part.UPPER_ARM_LEFT,
    Part.UPPER_ARM_RIGHT,
    Part.THIGH_LEFT,
    Part.THIGH_RIGHT,
)


@dataclass(frozen=True, slots=True)
class Form:
    """The body that the cutting lines are drawn on.

    Attributes:
        vertices: Vx3.
        faces: Fx3, the whole skin.
        parts: V, body part.
        keypoints: COCO name to point.
        nape: First joint of the neck.
    """

    vertices: Points
    faces: Faces
    parts: NDArray[np.uint8]
    keypoints: Keypoints
    nape: Points


@dataclass(frozen=True, slots=True)
class Garment:
    """A companion garment for any body.

    Attributes:
        cut: Its surface, out of the skin.
        hides: F bool, faces of the skin that it hides.
        rounds: How often its surface is smoothed.
        ease_m: Its least distance from the skin.
        finish: Further shaping, or None.
    """

    cut: Cut
    hides: NDArray[np.bool_]
    rounds: int
    ease_m: float
    finish: Callable[[Points, Faces, Keypoints], Points] | None = None

    def on(self, vertices: Points, keypoints: Keypoints) -> Points:
        """Its points on one body.

        Args:
            vertices: Vx3.
            keypoints: COCO name to point.
        """
        skin = self.cut.share @ vertices
        cloth = self.cut.faces.astype(np.int32)
        normals = vertex_normals(np.ascontiguousarray(smoothed(skin, self.cut.faces, 2)), cloth)
        points = smoothed(skin, self.cut.faces, self.rounds)
        points = smoothed(_outside(points, skin, normals, self.ease_m), self.cut.faces, LAST_ROUNDS)
        points = _outside(points, skin, normals, LEAST_EASE * self.ease_m)
        return self.finish(points, self.cut.faces, keypoints) if self.finish else points


def _outside(points: Points, skin: Points, normals: Points, ease_m: float) -> Points:
    """Points moved out along the normals of the skin under them until they are `ease_m` above it."""
    away = ((points - skin) * normals).sum(axis=1)
    return points + np.maximum(ease_m - away, 0)[:, None] * normals


def garments(form: Form) -> dict[Companion, Garment]:
    """All companion garments that follow the body's surface."""
    z, hip = form.vertices[:, 2], float(form.keypoints["left_hip"][2])
    ankle = float(form.keypoints["left_ankle"][2])
    waist, low_waist = hip + WAIST_ABOVE_HIP_M - z, hip + LEGGINGS_WAIST_ABOVE_HIP_M - z
    return {
        Companion.LEGGINGS: _garment(
            form, _LEGS, np.minimum(low_waist, z - ankle + LEGGINGS_END_BELOW_ANKLE_M), 3, LEGGINGS_EASE_M
        ),
        Companion.TROUSERS: _garment(
            form,
            _LEGS,
            np.minimum(waist, z - ankle + TROUSERS_END_BELOW_ANKLE_M),
            6,
            TROUSERS_EASE_M,
            trouser_legs,
        ),
        Companion.TOP: _garment(form, _CHEST, _top(form), TOP_ROUNDS, TOP_EASE_M),
    }


def _garment(  # noqa: PLR0917 - what makes a garment
    form: Form,
    parts: tuple[Part, ...],
    field: NDArray[np.float64],
    rounds: int,
    ease_m: float,
    finish: Callable[[Points, Faces, Keypoints], Points] | None = None,
) -> Garment:
    allowed = np.isin(form.parts, parts)[form.faces].all(axis=1)
    cut = cut_out(form.faces[allowed], field)
    hides = allowed & (field[form.faces] > HIDDEN_M).all(axis=1)
    return Garment(cut, hides, rounds, ease_m, finish)


def _top(form: Form) -> NDArray[np.float64]:
    """Distance from hem, neckline and sleeve ends of the top; positive on it."""
    x, y, z = form.vertices.T
    hem = z - form.keypoints["left_hip"][2] + TOP_HEM_BELOW_HIP_M
    in_front = (form.nape[1] - y) / 0.10
    neckline = form.nape[2] + NECKLINE_BACK_M + in_front * (NECKLINE_FRONT_M - NECKLINE_BACK_M) - z
    sleeve = np.full(len(x), np.inf)
    for side, left in (("left", True), ("right", False)):
        shoulder, elbow = form.keypoints[f"{side}_shoulder"], form.keypoints[f"{side}_elbow"]
        length = float(np.linalg.norm(elbow - shoulder))
        mine = np.isin(form.parts, _ARMS) & ((x > 0) == left)
        sleeve[mine] = SLEEVE_SHARE * length - (form.vertices[mine] - shoulder) @ (elbow - shoulder) / length
    return np.minimum(np.minimum(hem, neckline), sleeve)


def trouser_legs(points: Points, faces: Faces, keypoints: Keypoints) -> Points:
    """Legs that fall straight from the knee, with folds above the hem and behind the knee."""
    points = points.copy()
    height = points[:, 2].copy()
    for side in ("left", "right"):
        hip, knee, ankle = (keypoints[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle"))
        mine = (np.sign(points[:, 0]) == np.sign(hip[0])) & (height < hip[2] - 0.10)
        bend = (height - ankle[2]) / (hip[2] - ankle[2])
        stations = np.stack([ankle, knee, hip])
        axis = np.stack([np.interp(height, stations[:, 2], stations[:, k]) for k in (0, 1)], axis=1)
        arrow = points[:, :2] - axis
        radius = np.linalg.norm(arrow, axis=1)
        knee_at = (knee[2] - ankle[2]) / (hip[2] - ankle[2])
        at_knee = radius[mine & (np.abs(bend - knee_at) < 0.06)].mean() + 0.006
        least = np.interp(bend, [0.0, knee_at], [TROUSERS_HEM_RADIUS_M, at_knee])
        fades = np.clip((knee_at + 0.18 - bend) / 0.18, 0, 1)
        wanted = radius + np.maximum(least - radius, 0) * fades
        around = np.arctan2(arrow[:, 0], -arrow[:, 1])
        wanted += _folds(height - ankle[2], around, knee[2] - ankle[2])
        points[mine, :2] = axis[mine] + arrow[mine] * (wanted / radius)[mine, None]
    points = smoothed(points, faces, 2)
    rim = np.unique(border_edges(faces))
    for side in ("left", "right"):
        ankle = keypoints[f"{side}_ankle"]
        hem = rim[(np.sign(points[rim, 0]) == np.sign(ankle[0])) & (points[rim, 2] < ankle[2] + 0.1)]
        points[hem, 2] = ankle[2] - HEM_BELOW_ANKLE_M
    return points


def _folds(height: Points, around: Points, knee: float) -> Points:
    """Depth in metres of the oblique folds that trousers have above the hem and behind the knee."""
    hem = 0.008 * np.exp(-((height / 0.10) ** 2)) * np.sin(2 * np.pi * (height / 0.055 + 0.35 * np.cos(around + 0.6)))
    back = np.exp(-(((height - knee) / 0.10) ** 2)) * (0.4 + 0.6 * np.cos(around + np.pi))
    return hem + 0.006 * back * np.sin(2 * np.pi * (height / 0.05 + 0.3 * np.sin(around)))
