"""Where the cloth is before it falls: flat in front of and behind the body, sleeves along the arms."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d
from scipy.spatial import cKDTree

from fashquick_generation.studio.arrays import Float64, Int
from fashquick_generation.studio.cut.pattern import Pattern, Role, Side
from fashquick_generation.studio.cut.sleeves import Sleeve, sleeves_of
from fashquick_generation.studio.drape import gates
from fashquick_generation.studio.drape.cloth import Cloth
from fashquick_generation.studio.drape.coverage import bare_chest_share, bare_share
from fashquick_generation.studio.drape.placing.contract import CLEARANCE_M, Pin, Placed
from fashquick_generation.studio.drape.placing.pins import pinned
from fashquick_generation.studio.figure.body import Part, PosedBody
from fashquick_generation.studio.figure.poses import Pose, arms_out

OVER_SHOULDER_M = 0.012
"""Room between the shoulder seam and the body at the start."""
PANEL_GAP_M = 0.025
"""Room between a panel and the body at the start."""
SEAM_SPREAD_M = 0.03
"""Least distance of a panel from its seam, front to back, at the start."""
SLEEVE_PAST_WRIST_M = 0.01
UNDER_M = 0.06
"""How far garments underneath may stand off the trunk; what is farther out is their sleeves."""
SLAB_M = 0.02
"""Height of the slices in which the widths of body and cloth are compared."""
WIDEST_START = 2.0
"""How much wider than its pattern cloth may start."""
TUBE_ROUNDNESS = 3.0
"""Exponent of the tube's cross-section: 2 is an ellipse, more is boxier."""
TUBE_BLEND_M = 0.06
"""Height under the armpits over which the flat panels turn into the tube."""
SHOULDER_REACH_M = 0.17
"""Part of the shoulder seam, to either side of the middle, that rests on the body."""
FLATTEST_ARM, STEEPEST_ARM = 28.0, 60.0
"""Degrees from hanging that arms start at; sleeves cut outside of this are turned to it."""
LAYER_GAP_M = 0.013
"""Distance of a sleeve from the torso and of the body panels from the arms, so that both layers of cloth that
lie between arm and torso keep their order without cloth colliding with cloth."""
LONG_SLEEVE_M = 0.32
"""Sleeves longer than this reach the elbow, which can break through; short and cap sleeves may leave skin bare."""
ON_SLEEVE = 0.5
"""Share from which a point counts as the sleeve's own."""
NECK_POINTS = ((Role.SHOULDER, Side.LEFT), (Role.NECK, Side.MIDDLE))
"""Where the shoulder seams meet the neck."""


class TopPlacer:
    """Tops with sleeves: flat in front of and behind the body, sleeves along the arms."""

    def first(self, pattern: Pattern) -> Pose:
        """Arms where the sleeves are; see `Placer`."""
        return arms_out(start_angle(sleeves_of(pattern)))

    def place(self, pattern: Pattern, cloth: Cloth, body: PosedBody, under: Float64) -> Placed:
        """Lay the cloth around the body; see `Placer`."""
        sleeves = sleeves_of(pattern)
        for sleeve, side in zip(sleeves, ("left", "right"), strict=True):
            cloth = replace(cloth, rest=sleeve.shortened(cloth.rest, arm_reach(body, sleeve, side)))
        seam = np.concatenate([pattern.line(Role.SHOULDER, side) for side in (Side.LEFT, Side.RIGHT)])
        on_sleeve = sleeves[0].share(cloth.rest) + sleeves[1].share(cloth.rest)
        return Placed(
            cloth=cloth,
            start=placed(cloth, sleeves, seam, body, under),
            pins=_neck_pins(cloth, body),
            from_trunk=np.where(on_sleeve > 0.05, LAYER_GAP_M * on_sleeve, -1.0),
            from_arms=np.where(on_sleeve < 0.05, LAYER_GAP_M, -1.0),
        )

    def most_stretch(self, pattern: Pattern) -> float:
        """Stretch that the garment bears; see `Placer`."""
        longest = max(sleeve.length for sleeve in sleeves_of(pattern))
        return gates.MAX_STRETCH_P99_LONG if longest > LONG_SLEEVE_M else gates.MAX_STRETCH_P99

    def check(self, pattern: Pattern, cloth: Cloth, x: Float64, body: PosedBody) -> dict[str, float]:
        """Sleeves closed, chest covered, nothing before the face; see `Placer`."""
        bare = [0.0]
        for sleeve, side in zip(sleeves_of(pattern), ("left", "right"), strict=True):
            if sleeve.length > LONG_SLEEVE_M:
                own = sleeve.share(cloth.rest) > ON_SLEEVE
                bare.append(bare_share(x, own, body, side))
        shoulders_m = min(float(x[cloth.corner[corner], 2]) for corner in NECK_POINTS)
        return {
            **gates.check_sleeves(max(bare)),
            **gates.check_chest(bare_chest_share(x, body)),
            **gates.check_collar(float(x[:, 2].max()) - shoulders_m),
        }


def arm_reach(body: PosedBody, sleeve: Sleeve, side: str) -> float:
    """Length from where a sleeve begins to where it ends at most: just past the wrist."""
    shoulder, elbow, wrist = (body.keypoints[f"{side}_{joint}"] for joint in ("shoulder", "elbow", "wrist"))
    arm = float(np.linalg.norm(elbow - shoulder) + np.linalg.norm(wrist - elbow))
    # A dropped shoulder's sleeve begins some way down the arm.
    outward = abs(float((elbow - shoulder)[0])) / float(np.linalg.norm(elbow - shoulder))
    begins = (abs(float(sleeve.root[0])) - abs(float(shoulder[0]))) / max(outward, 0.3)
    return arm - max(begins, 0.0) + SLEEVE_PAST_WRIST_M


def start_angle(sleeves: tuple[Sleeve, Sleeve]) -> float:
    """Degrees from hanging at which the arms meet the sleeves."""
    return float(np.clip((sleeves[0].angle + sleeves[1].angle) / 2, FLATTEST_ARM, STEEPEST_ARM))


def placed(cloth: Cloth, sleeves: tuple[Sleeve, Sleeve], seam: Float64, body: PosedBody, under: Float64) -> Float64:
    """Start positions.

    Args:
        cloth: The garment.
        sleeves: Its sleeves.
        seam: Mx2 float64, the shoulder seams in pattern coordinates.
        body: With its arms at `start_angle`.
        under: Nx3 float64, points of garments underneath.

    Returns:
        Vx3 float64 metres.
    """
    flat = cloth.rest.copy()
    height = _height(seam, body, under)
    flat[:, 1] += height
    for sleeve, side in zip(sleeves, ("left", "right"), strict=True):
        flat = _along_arm(flat, cloth.rest, sleeve, height=height, body=body, side=side)
    front, back, middle = _depths(flat, body, under)
    depth = np.select([cloth.panel == 0, cloth.panel == 1], [front, back], middle)
    armpit = min(float(sleeve.armpit[1]) for sleeve in sleeves)
    on_trunk = sleeves[0].share(cloth.rest) + sleeves[1].share(cloth.rest) == 0
    below = np.clip((armpit - cloth.rest[:, 1]) / TUBE_BLEND_M, 0, 1) * on_trunk
    x, y = _tube(flat, below, _slabs(body, under), cloth.panel)
    return np.stack([flat[:, 0] + below * (x - flat[:, 0]), depth + below * (y - depth), flat[:, 1]], axis=1)


@dataclass(frozen=True, slots=True)
class _Slabs:
    """Extents of body and cloth in horizontal slices of `SLAB_M`; the first is slice number `first`.

    Attributes:
        first: Number of the lowest slice.
        half_width: Of the body, from the middle, metres.
        front: Foremost point of the body's trunk.
        back: Hindmost point.
    """

    first: int
    half_width: Float64
    front: Float64
    back: Float64

    def of(self, height: Float64) -> Int:
        """Slice of each height."""
        number: Int = np.clip(np.round(height / SLAB_M).astype(int) - self.first, 0, len(self.front) - 1)
        return number


def _slabs(body: PosedBody, under: Float64) -> _Slabs:
    trunk = np.concatenate([body.vertices[body.of(Part.TORSO, Part.HIPS)], *body.companions.values()])
    reach = float(np.abs(trunk[:, 0]).max()) + UNDER_M
    trunk = np.concatenate([trunk, under[np.abs(under[:, 0]) < reach]])
    number = np.round(trunk[:, 2] / SLAB_M).astype(int)
    first, count = int(number.min()), int(np.ptp(number)) + 1
    half, front, back = np.zeros(count), np.full(count, np.inf), np.full(count, -np.inf)
    np.maximum.at(half, number - first, np.abs(trunk[:, 0]))
    np.minimum.at(front, number - first, trunk[:, 1])
    np.maximum.at(back, number - first, trunk[:, 1])
    return _Slabs(
        first,
        gaussian_filter1d(maximum_filter1d(half, 5), 2.0),
        -gaussian_filter1d(maximum_filter1d(-front, 5), 2.0),
        gaussian_filter1d(maximum_filter1d(back, 5), 2.0),
    )


def _tube(flat: Float64, below: Float64, slabs: _Slabs, panel: Float64) -> tuple[Float64, Float64]:
    """Start of the trunk as a tube around the body, so that no seam starts, and is caught, inside the body.

    Args:
        flat: Vx2 float64, x and z of each point.
        below: V float64, 1 for points under the armpits.
        slabs: The body's extents.
        panel: V float64, 0 front, 1 back, 0.5 on a seam.

    Returns:
        x and y of each point.
    """
    number = slabs.of(flat[:, 1])
    width = np.zeros(len(slabs.front))
    np.maximum.at(width, number[below > 0], np.abs(flat[below > 0, 0]))
    width = maximum_filter1d(width, 3)
    factor = np.where(width > 0, (slabs.half_width + PANEL_GAP_M) / np.maximum(width, 1e-6), 1.0)
    factor = np.clip(factor, 1.0, WIDEST_START)
    x = flat[:, 0] * factor[number]
    outward = np.clip(np.abs(x) / np.maximum((width * factor)[number], 1e-6), 0, 1)
    profile = (1 - outward**TUBE_ROUNDNESS) ** (1 / TUBE_ROUNDNESS)
    middle = ((slabs.front + slabs.back) / 2)[number]
    reach = ((slabs.back - slabs.front) / 2)[number] + PANEL_GAP_M
    side = np.select([panel == 0, panel == 1], [-1.0, 1.0], 0.0)
    return x, middle + side * reach * profile


def _height(seam: Float64, body: PosedBody, under: Float64) -> float:
    """Height of the pattern's zero at which the whole seam is just above the body."""
    upper = body.vertices[body.of(Part.TORSO, Part.NECK, Part.UPPER_ARM_LEFT, Part.UPPER_ARM_RIGHT)]
    upper = np.concatenate([upper, under])
    seam = seam[np.abs(seam[:, 0]) < SHOULDER_REACH_M]
    highest = -np.inf
    for x, y in seam[::4]:
        near = np.abs(upper[:, 0] - x) < 0.015
        if near.any():
            highest = max(highest, float(upper[near, 2].max()) + OVER_SHOULDER_M - y)
    return highest


def _along_arm(flat: Float64, rest: Float64, sleeve: Sleeve, *, height: float, body: PosedBody, side: str) -> Float64:
    """Lay a sleeve's points along the arm, more the farther they are from the body."""
    shoulder, elbow = (body.keypoints[f"{side}_{joint}"][[0, 2]] for joint in ("shoulder", "elbow"))
    arm = (elbow - shoulder) / np.linalg.norm(elbow - shoulder)
    root = sleeve.root + np.array([0.0, height])
    on_arm = shoulder + ((root - shoulder) @ arm) * arm
    along, across = sleeve.along(rest)
    laid = on_arm + along[:, None] * arm + across[:, None] * np.array([-arm[1], arm[0]])
    share = sleeve.share(rest)[:, None]
    out: Float64 = flat + share * (laid - flat)
    return out


def _depths(flat: Float64, body: PosedBody, under: Float64) -> tuple[Float64, Float64, Float64]:
    """Where the body's front and back are next to each point, and the middle between them."""
    solid = body.of(*(part for part in Part if part not in (Part.HEAD, Part.HAND_LEFT, Part.HAND_RIGHT)))
    points = np.concatenate([body.vertices[solid], *body.companions.values(), under])
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


def _neck_pins(cloth: Cloth, body: PosedBody) -> tuple[Pin, ...]:
    """The two neck points rest beside the neck."""
    places, vertices = [], [cloth.corner[corner] for corner in NECK_POINTS]
    trunk = body.of(Part.TORSO, Part.NECK, Part.UPPER_ARM_LEFT, Part.UPPER_ARM_RIGHT)
    shoulders = (body.keypoints["left_shoulder"] + body.keypoints["right_shoulder"]) / 2
    for vertex in vertices:
        x = float(np.sign(cloth.rest[vertex, 0]) * np.clip(abs(cloth.rest[vertex, 0]), 0.065, 0.095))
        near = trunk & (np.abs(body.vertices[:, 0] - x) < 0.012) & (np.abs(body.vertices[:, 1] - shoulders[1]) < 0.09)
        candidates = np.flatnonzero(near)
        highest = candidates[body.vertices[candidates, 2].argmax()]
        places.append(body.vertices[highest] + CLEARANCE_M * body.normals[highest])
    return pinned(np.array(vertices), np.array(places), body, (Part.TORSO, Part.NECK))
