"""Whether the figure is dressed: sleeves that go all the way around their arms, cloth over the chest."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from fashquick_generation.studio.arrays import Bool, Float64
from fashquick_generation.studio.figure.body import Part, PosedBody

REACH_M = 0.07
"""Distance within which wide sleeves still hang around an arm."""
ASIDE_M = 0.03
"""How far beside a point's outward direction cloth may be and still lie over it."""
INNER_SHARE = (0.15, 0.80)
"""Part of a sleeve's span, from shoulder to cuff, that must cover the arm."""
CHEST_M = (0.13, 0.24)
"""Below the shoulder joints, in metres: from under a deep neckline to over the hem of a cropped top."""
FACING_FRONT = 0.6
"""Least part of a skin normal that points to the front."""
_ARMS = {"left": (Part.UPPER_ARM_LEFT, Part.FOREARM_LEFT), "right": (Part.UPPER_ARM_RIGHT, Part.FOREARM_RIGHT)}


def bare_share(cloth: Float64, on_sleeve: Bool, body: PosedBody, side: str) -> float:
    """Share of an arm's skin inside the span of its sleeve that no cloth lies over, 0 to 1.

    Args:
        cloth: Vx3 float64, where the cloth is.
        on_sleeve: V bool, points of this sleeve.
        body: The figure.
        side: `left` or `right`.
    """
    joints = np.array([body.keypoints[f"{side}_{joint}"] for joint in ("shoulder", "elbow", "wrist")])
    span = _along(cloth[on_sleeve], joints)
    if len(span) == 0:
        return 0.0
    first, last = np.percentile(span, (5, 95))
    low, high = (first + share * (last - first) for share in INNER_SHARE)
    arm = np.flatnonzero(body.of(*_ARMS[side]))
    at = _along(body.vertices[arm], joints)
    arm = arm[(at > low) & (at < high)]
    # Its own cloth only: the body panel beside an arm does not dress it.
    return _bare(body.vertices[arm], body.normals[arm], cloth[on_sleeve])


def bare_chest_share(cloth: Float64, body: PosedBody) -> float:
    """Share of the chest's skin that no cloth lies over, 0 to 1.

    The chest is the front of the torso in the band below the collar bones that every top covers, however deep its
    neckline and short its hem.

    Args:
        cloth: Vx3 float64, where the cloth is.
        body: The figure.
    """
    shoulders = (body.keypoints["left_shoulder"][2] + body.keypoints["right_shoulder"][2]) / 2
    below = shoulders - body.vertices[:, 2]
    in_front = body.normals[:, 1] < -FACING_FRONT  # The figure looks towards negative y.
    low, high = CHEST_M
    chest = np.flatnonzero(body.of(Part.TORSO) & in_front & (below > low) & (below < high))
    return _bare(body.vertices[chest], body.normals[chest], cloth)


def _bare(points: Float64, normals: Float64, cloth: Float64) -> float:
    if len(points) == 0 or len(cloth) == 0:
        return 0.0
    covered = 0
    for point, normal, near in zip(points, normals, cKDTree(cloth).query_ball_point(points, REACH_M), strict=True):
        arrows = cloth[near] - point
        outward = arrows @ normal
        aside = np.linalg.norm(arrows - outward[:, None] * normal, axis=1)
        covered += bool(((outward > 0) & (aside < ASIDE_M)).any())
    return 1 - covered / len(points)


def _along(points: Float64, joints: Float64) -> Float64:
    """Distance of each point from the shoulder along the arm, by the nearer of its two straight pieces."""
    shoulder, elbow, wrist = joints
    upper, fore = elbow - shoulder, wrist - elbow
    upper_length, fore_length = float(np.linalg.norm(upper)), float(np.linalg.norm(fore))
    on_upper = np.clip((points - shoulder) @ upper / upper_length, None, upper_length)
    on_fore = np.clip((points - elbow) @ fore / fore_length, 0, None)
    to_upper = np.linalg.norm(points - shoulder - on_upper[:, None] * upper / upper_length, axis=1)
    to_fore = np.linalg.norm(points - elbow - on_fore[:, None] * fore / fore_length, axis=1)
    along: Float64 = np.where(to_upper <= to_fore, on_upper, upper_length + on_fore)
    return along
