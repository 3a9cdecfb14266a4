"""Where a top is before it falls: a tube around the trunk, sleeves as tubes around straight arms."""

from __future__ import annotations

from dataclasses import dataclass

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
SLEEVE_GAP_M = 0.008
"""Room between a sleeve and the arm at the start."""
ARM_STEP_M = 0.02
"""Length of the slices in which an arm's thickness is taken."""
UNDER_M = 0.06
"""How far garments underneath may stand off the trunk; what is farther out is their sleeves."""
TRUNK_AND_LEGS = (
    Part.TORSO,
    Part.HIPS,
    Part.THIGH_LEFT,
    Part.THIGH_RIGHT,
    Part.SHIN_LEFT,
    Part.SHIN_RIGHT,
    Part.FOOT_LEFT,
    Part.FOOT_RIGHT,
)
"""What a trunk may hang around; legs are bare where trousers are put on over it."""
SLAB_M = 0.02
"""Height of the slices in which the widths of body and cloth are compared."""
ELLIPSE_POINTS = 65
"""Of a half ellipse on which equal distances are found."""
TUBE_BLEND_M = 0.06
"""Height under the armpits over which the flat panels turn into the tube."""
SHOULDER_REACH_M = 0.17
"""Part of the shoulder seam, to either side of the middle, that rests on the body."""
FREE_ARM = 45.0
"""Degrees from hanging that arms start at where no sleeve goes along them: clear of the sides."""
LAYER_GAP_M = 0.013
"""Distance of a sleeve from the torso and of the body panels from the arms, so that both layers of cloth that
lie between arm and torso keep their order without cloth colliding with cloth."""
LONG_SLEEVE_M = 0.32
"""Sleeves longer than this reach the elbow, which can break through; short and cap sleeves may leave skin bare."""
ON_SLEEVE = 0.5
"""Share from which a point counts as the sleeve's own."""
PINNED_M = (0.065, 0.135)
"""Nearest and farthest place from the middle at which neck points rest on the shoulders."""
SIDES = ("left", "right")
NECK_POINTS = ((Role.SHOULDER, Side.LEFT), (Role.NECK, Side.MIDDLE))
"""Where the shoulder seams meet the neck."""


class TopPlacer:
    """Tops with and without sleeves, long and short."""

    def first(self, pattern: Pattern) -> Pose:
        """Arms where the sleeves are; see `Placer`."""
        angles = [sleeve.angle for sleeve in sleeves_of(pattern)]
        return arms_out(float(np.mean(angles)) if angles else FREE_ARM)

    def place(self, pattern: Pattern, cloth: Cloth, body: PosedBody, under: Float64) -> Placed:
        """Lay the cloth around the body; see `Placer`."""
        on_sleeve = sum((sleeve.share(cloth.rest) for sleeve in sleeves_of(pattern)), np.zeros(len(cloth.rest)))
        return Placed(
            cloth=cloth,
            start=placed(pattern, cloth, body, under),
            pins=_neck_pins(cloth, body),
            from_trunk=np.where(on_sleeve > 0.05, LAYER_GAP_M * on_sleeve, -1.0),
            from_arms=np.where(on_sleeve < 0.05, LAYER_GAP_M, -1.0),
        )

    def most_stretch(self, pattern: Pattern) -> float:
        """Stretch that the garment bears; see `Placer`."""
        longest = max((sleeve.length for sleeve in sleeves_of(pattern)), default=0.0)
        return gates.MAX_STRETCH_P99_LONG if longest > LONG_SLEEVE_M else gates.MAX_STRETCH_P99

    def check(self, pattern: Pattern, cloth: Cloth, x: Float64, body: PosedBody) -> dict[str, float]:
        """Sleeves closed, chest covered; see `Placer`."""
        bare = [0.0]
        for sleeve, side in zip(sleeves_of(pattern), SIDES, strict=False):
            if sleeve.length > LONG_SLEEVE_M:
                own = sleeve.share(cloth.rest) > ON_SLEEVE
                bare.append(bare_share(x, own, body, side))
        return {**gates.check_sleeves(max(bare)), **gates.check_chest(bare_chest_share(x, body))}


def placed(pattern: Pattern, cloth: Cloth, body: PosedBody, under: Float64) -> Float64:
    """Start positions.

    Args:
        pattern: The garment's.
        cloth: Sewn from it.
        body: With its arms along the sleeves.
        under: Nx3 float64, points of garments underneath.

    Returns:
        Vx3 float64 metres.
    """
    seam = np.concatenate([pattern.line(Role.SHOULDER, side) for side in (Side.LEFT, Side.RIGHT)])
    flat = cloth.rest + np.array([0.0, _height(seam, body, under)])
    front, back, middle = _depths(flat, body, under)
    depth = np.select([cloth.panel == 0, cloth.panel == 1], [front, back], middle)
    start = np.stack([flat[:, 0], depth, flat[:, 1]], axis=1)
    armpit = float(pattern.line(Role.SIDE, Side.LEFT)[0, 1])
    below = np.clip((armpit - cloth.rest[:, 1]) / TUBE_BLEND_M, 0, 1)[:, None]
    start += below * (_tube(pattern, cloth, flat, _slabs(body, under)) - start)
    for sleeve, side in zip(sleeves_of(pattern), SIDES, strict=False):
        start += sleeve.share(cloth.rest)[:, None] * (_along_arm(cloth, sleeve, body, side) - start)
    return start


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
    trunk = np.concatenate([body.vertices[body.of(*TRUNK_AND_LEGS)], *body.companions.values()])
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


def _tube(pattern: Pattern, cloth: Cloth, flat: Float64, slabs: _Slabs) -> Float64:
    """The trunk as a tube around the body, as wide as its cloth, at least as wide as the body.

    Args:
        pattern: The garment's.
        cloth: Sewn from it.
        flat: Vx2 float64, x and z of each vertex.
        slabs: The body's extents.

    Returns:
        Vx3 float64.
    """
    side = pattern.line(Role.SIDE, Side.LEFT)
    wide = np.interp(-cloth.rest[:, 1], -side[:, 1], side[:, 0])
    number = slabs.of(flat[:, 1])
    across, deep = slabs.half_width[number], ((slabs.back - slabs.front) / 2)[number]
    # An ellipse that is larger by d all around is longer by 2 pi d.
    more = np.maximum((4 * wide - _girth(across, deep)) / (2 * np.pi), PANEL_GAP_M)
    angle = _even_angle(np.clip(flat[:, 0] / wide, -1, 1), across + more, deep + more)
    facing = np.select([cloth.panel == 0, cloth.panel == 1], [-1.0, 1.0], 0.0)
    middle = ((slabs.front + slabs.back) / 2)[number]
    return np.stack(
        [(across + more) * np.sin(angle), middle + facing * (deep + more) * np.cos(angle), flat[:, 1]], axis=1
    )


def _girth(a: Float64, b: Float64) -> Float64:
    """Length of ellipses with half axes a and b: S. Ramanujan's first approximation (1914)."""
    girth: Float64 = np.pi * (3 * (a + b) - np.sqrt((3 * a + b) * (a + 3 * b)))
    return girth


def _even_angle(share: Float64, a: Float64, b: Float64) -> Float64:
    """Angle from the front at which points lie on their ellipses.

    Args:
        share: N float64, -1 to 1, part of the way along the front from its middle to the side.
        a: N float64, half axes across.
        b: N float64, half axes front to back.

    Returns:
        N float64 radians.
    """
    angles = np.linspace(0, np.pi / 2, ELLIPSE_POINTS)
    flatness = np.round(b / np.maximum(a, 1e-6), 2)
    out = np.zeros(len(share))
    for ratio in np.unique(flatness):
        steps = np.hypot(np.diff(np.sin(angles)), ratio * np.diff(np.cos(angles)))
        along = np.r_[0.0, np.cumsum(steps)]
        own = flatness == ratio
        out[own] = np.interp(np.abs(share[own]), along / along[-1], angles)
    return np.sign(share) * out


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


def _along_arm(cloth: Cloth, sleeve: Sleeve, body: PosedBody, side: str) -> Float64:
    """A sleeve as a tube around the straight arm, as wide as its cloth, at least as wide as the arm.

    Args:
        cloth: The garment.
        sleeve: Its left or right one.
        body: With its arms along the sleeves.
        side: "left" or "right".

    Returns:
        Vx3 float64; those of the sleeve's own vertices are of use.
    """
    shoulder, elbow, wrist = (body.keypoints[f"{side}_{joint}"] for joint in ("shoulder", "elbow", "wrist"))
    axis = (wrist - shoulder) / np.linalg.norm(wrist - shoulder)
    up = np.array([-axis[2], 0.0, axis[0]]) * np.sign(axis[0])
    up /= np.linalg.norm(up)
    front = np.array([0.0, -1.0, 0.0])
    before_cuff, down, width = sleeve.at(cloth.rest)
    # The pattern's upper edge and the arm's begin at the same distance from the middle.
    along = before_cuff + (abs(float(sleeve.upper[0])) - abs(float(shoulder[0]))) / max(abs(float(axis[0])), 0.3)
    bent = np.linalg.norm(elbow - shoulder)
    centre = shoulder + np.minimum(along, bent)[:, None] * (elbow - shoulder) / bent
    centre += np.maximum(along - bent, 0)[:, None] * (wrist - elbow) / np.linalg.norm(wrist - elbow)
    radius = np.maximum(width / np.pi, _thickness(body, side, along) + SLEEVE_GAP_M)
    turn = np.pi * np.clip(down / np.maximum(width, 1e-6), 0, 1)
    facing = np.select([cloth.panel == 0, cloth.panel == 1], [1.0, -1.0], 0.0)
    ring = np.cos(turn)[:, None] * up + (facing * np.sin(turn))[:, None] * front
    tube: Float64 = centre + radius[:, None] * ring
    return tube


def _thickness(body: PosedBody, side: str, along: Float64) -> Float64:
    """An arm's radius at each distance from the shoulder joint."""
    upper, fore = (Part[f"{part}_{side.upper()}"] for part in ("UPPER_ARM", "FOREARM"))
    shoulder, elbow, wrist = (body.keypoints[f"{side}_{joint}"] for joint in ("shoulder", "elbow", "wrist"))
    skin = body.vertices[body.of(upper, fore)] - shoulder
    axis = (elbow - shoulder) / np.linalg.norm(elbow - shoulder)
    beyond = (skin - (elbow - shoulder)) @ axis > 0
    lower = (wrist - elbow) / np.linalg.norm(wrist - elbow)
    from_upper = np.linalg.norm(skin - (skin @ axis)[:, None] * axis, axis=1)
    rest = skin - (elbow - shoulder)
    from_lower = np.linalg.norm(rest - (rest @ lower)[:, None] * lower, axis=1)
    far, radius = skin @ axis, np.where(beyond, from_lower, from_upper)
    count = max(int(np.ceil(float(far.max()) / ARM_STEP_M)), 1)
    number = np.clip((far / ARM_STEP_M).astype(int), 0, count - 1)
    widest = np.zeros(count)
    # Nearer than this the arm is part of the shoulder.
    free = far > 2 * ARM_STEP_M
    np.maximum.at(widest, number[free], radius[free])
    usual = np.where(widest > 0, widest, np.median(widest[widest > 0]))
    thickness: Float64 = np.interp(along, (np.arange(count) + 0.5) * ARM_STEP_M, maximum_filter1d(usual, 3))
    return thickness


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
        x = float(np.sign(cloth.rest[vertex, 0]) * np.clip(abs(cloth.rest[vertex, 0]), *PINNED_M))
        near = trunk & (np.abs(body.vertices[:, 0] - x) < 0.012) & (np.abs(body.vertices[:, 1] - shoulders[1]) < 0.09)
        candidates = np.flatnonzero(near)
        highest = candidates[body.vertices[candidates, 2].argmax()]
        places.append(body.vertices[highest] + CLEARANCE_M * body.normals[highest])
    return pinned(np.array(vertices), np.array(places), body, (Part.TORSO, Part.NECK))
