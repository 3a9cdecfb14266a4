"""Where the cloth is before it falls: flat in front of and behind the body, sleeves along the arms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull, cKDTree

from fashquick_common.garment import LandmarkName as L
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.body import Part, PosedBody
from fashquick_generation.studio.cloth import Cloth
from fashquick_generation.studio.outline import Outline
from fashquick_generation.studio.pattern import Pattern

ARMPIT_BELOW_SHOULDER_M = 0.105
"""An armpit's height under the shoulder joint."""
OVER_SHOULDER_M = 0.012
"""Room between the shoulder seam and the body at the start."""
PANEL_GAP_M = 0.025
"""Room between a panel and the body at the start."""
SEAM_SPREAD_M = 0.03
SHOULDER_REACH_M = 0.17
"""Part of the shoulder seam, to either side of the middle, that rests on the body."""
FLATTEST_ARM, STEEPEST_ARM = 28.0, 60.0
"""Degrees from hanging that arms start at; sleeves cut outside of this are turned to it."""


@dataclass(frozen=True, slots=True)
class Sleeve:
    """One sleeve in the pattern.

    Attributes:
        root: 2 float64, middle of the line from armpit to shoulder.
        outward: 2 float64 unit vector, across that line, away from the body.
        axis: 2 float64 unit vector, from the root to the middle of the cuff.
        length: Metres along it.
    """

    root: Float64
    outward: Float64
    axis: Float64
    length: float

    @property
    def angle(self) -> float:
        """Degrees from hanging."""
        return float(np.degrees(np.arctan2(abs(self.axis[0]), -self.axis[1])))

    def share(self, points: Float64) -> Float64:
        """How much each point belongs to the sleeve: 0 on the body, 1 from half its length on, smooth between."""
        t = np.clip((points - self.root) @ self.outward / max(0.5 * self.length, 1e-6), 0, 1)
        out: Float64 = t * t * (3 - 2 * t)
        return out


def sleeves_of(outline: Outline, pattern: Pattern) -> tuple[Sleeve, Sleeve]:
    """The wearer's left and right sleeve."""

    def sleeve(side: str, mirror: float) -> Sleeve:
        upper, lower, armpit = (
            pattern.from_photo(outline.at(L[name])[None])[0]
            for name in (f"CUFF_{side}_UPPER", f"CUFF_{side}_LOWER", f"ARMPIT_{side}")
        )
        ends = (L.NECK_LEFT, L.CUFF_LEFT_UPPER) if side == "LEFT" else (L.CUFF_RIGHT_UPPER, L.NECK_RIGHT)
        seam = pattern.from_photo(outline.between(*ends))
        shoulder = seam[np.abs(seam[:, 0] - 0.97 * armpit[0]).argmin()]
        root, cuff = (armpit + shoulder) / 2, (upper + lower) / 2
        line = shoulder - armpit
        outward = mirror * np.array([line[1], -line[0]]) / np.linalg.norm(line)
        length = float(np.linalg.norm(cuff - root))
        return Sleeve(root, outward, (cuff - root) / length, length)

    return sleeve("LEFT", 1.0), sleeve("RIGHT", -1.0)


def chest_girth(body: PosedBody) -> float:
    """Largest girth of the torso in the hand's breadth under the armpits, metres."""
    top = _shoulder_height(body) - ARMPIT_BELOW_SHOULDER_M
    torso = body.vertices[body.of(Part.TORSO, Part.HIPS)]
    girths = []
    for z in np.linspace(top - 0.10, top, 6):
        slab = torso[np.abs(torso[:, 2] - z) < 0.012][:, :2]
        girths.append(ConvexHull(slab).area)  # in two dimensions `area` is the perimeter
    return float(max(girths))


def _shoulder_height(body: PosedBody) -> float:
    return float((body.keypoints["left_shoulder"][2] + body.keypoints["right_shoulder"][2]) / 2)


def start_angle(sleeves: tuple[Sleeve, Sleeve]) -> float:
    """Degrees from hanging at which the arms meet the sleeves."""
    return float(np.clip((sleeves[0].angle + sleeves[1].angle) / 2, FLATTEST_ARM, STEEPEST_ARM))


def placed(cloth: Cloth, sleeves: tuple[Sleeve, Sleeve], seam: Float64, body: PosedBody) -> Float64:
    """Start positions.

    Args:
        cloth: The garment.
        sleeves: Its sleeves.
        seam: Mx2 float64, the shoulder seams in pattern coordinates.
        body: With its arms at `start_angle`.

    Returns:
        Vx3 float64 metres.
    """
    flat = cloth.rest.copy()
    height = _height(seam, body)
    flat[:, 1] += height
    for sleeve, side in zip(sleeves, ("left", "right"), strict=True):
        flat = _along_arm(flat, cloth.rest, sleeve, height=height, body=body, side=side)
    front, back, middle = _depths(flat, body)
    depth = np.select([cloth.panel == 0, cloth.panel == 1], [front, back], middle)
    return np.stack([flat[:, 0], depth, flat[:, 1]], axis=1)


def _height(seam: Float64, body: PosedBody) -> float:
    """Height of the pattern's zero at which the whole seam is just above the body."""
    upper = body.vertices[body.of(Part.TORSO, Part.NECK, Part.UPPER_ARM_LEFT, Part.UPPER_ARM_RIGHT)]
    seam = seam[np.abs(seam[:, 0]) < SHOULDER_REACH_M]
    highest = -np.inf
    for x, y in seam[::4]:
        near = np.abs(upper[:, 0] - x) < 0.015
        if near.any():
            highest = max(highest, float(upper[near, 2].max()) + OVER_SHOULDER_M - y)
    return highest


def _along_arm(flat: Float64, rest: Float64, sleeve: Sleeve, *, height: float, body: PosedBody, side: str) -> Float64:
    """Turn and shift a sleeve's points onto the arm, more the farther they are from the body."""
    shoulder, elbow = (body.keypoints[f"{side}_{joint}"][[0, 2]] for joint in ("shoulder", "elbow"))
    arm = (elbow - shoulder) / np.linalg.norm(elbow - shoulder)
    root = sleeve.root + np.array([0.0, height])
    cosine = float(sleeve.axis @ arm)
    sine = float(sleeve.axis[0] * arm[1] - sleeve.axis[1] * arm[0])
    turned = root + (flat - root) @ np.array([[cosine, sine], [-sine, cosine]])
    aside = (root - shoulder) - ((root - shoulder) @ arm) * arm
    share = sleeve.share(rest)[:, None]
    out: Float64 = flat + share * (turned - aside - flat)
    return out


def _depths(flat: Float64, body: PosedBody) -> tuple[Float64, Float64, Float64]:
    """Where the body's front and back are next to each point, and the middle between them."""
    solid = body.of(*(part for part in Part if part not in (Part.HEAD, Part.HAND_LEFT, Part.HAND_RIGHT)))
    points = np.concatenate([body.vertices[solid], body.trousers])
    away, index = cKDTree(points[:, [0, 2]]).query(flat, k=16)
    near = away < 0.06
    y = points[:, 1][index]
    spine = float(points[:, 1].mean())
    any_near = near.any(axis=1)
    front = np.where(any_near, np.where(near, y, np.inf).min(axis=1), spine)
    back = np.where(any_near, np.where(near, y, -np.inf).max(axis=1), spine)
    middle = (front + back) / 2
    return (
        np.minimum(front - PANEL_GAP_M, middle - SEAM_SPREAD_M),
        np.maximum(back + PANEL_GAP_M, middle + SEAM_SPREAD_M),
        middle,
    )
