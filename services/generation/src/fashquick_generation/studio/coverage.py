"""Whether a sleeve still goes all the way around its arm."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from fashquick_generation.studio.arrays import Bool, Float64
from fashquick_generation.studio.body import Part, PosedBody

REACH_M = 0.07
"""Distance within which wide sleeves still hang around an arm."""
ASIDE_M = 0.03
"""How far beside a point's outward direction cloth may be and still lie over it."""
INNER_SHARE = (0.15, 0.80)
"""Part of a sleeve's span, from shoulder to cuff, that must cover the arm."""
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
    if len(arm) == 0:
        return 0.0
    points, normals = body.vertices[arm], body.normals[arm]
    tree = cKDTree(cloth)
    covered = 0
    for point, normal, near in zip(points, normals, tree.query_ball_point(points, REACH_M), strict=True):
        arrows = cloth[near] - point
        outward = arrows @ normal
        aside = np.linalg.norm(arrows - outward[:, None] * normal, axis=1)
        covered += bool(((outward > 0) & (aside < ASIDE_M)).any())
    return 1 - covered / len(arm)


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
