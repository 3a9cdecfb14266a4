"""Patterns of skirts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import PhotoNotUsable
from fashquick_common.garment import Category, Landmark
from fashquick_common.garment import LandmarkName as L
from fashquick_generation.engine import Fit, GarmentInput
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut import inside, waisted
from fashquick_generation.studio.cut.pattern import Family, Pattern, Role, Side, Stretch
from fashquick_generation.studio.cut.waisted import Frame, Lying
from fashquick_generation.studio.figure.measures import Measures

CORNERS = (L.WAIST_RIGHT, L.WAIST_LEFT, L.HEM_LEFT, L.HEM_RIGHT)
"""Clockwise in the photo."""
BELOW_WAIST_M = 0.05
"""Where a skirt's waistband sits, under the body's narrowest place."""
HIPS_DOWN_M = 0.20
"""Depth of the hips' widest place under a waistband."""
HIP_EASE = 1.03
"""Girth of a close skirt over that of the hips in it."""
SIZE_UP = 1.15
"""By how much a skirt that is narrow for the hips may be cut larger; what is still missing is stretched."""
SHORTEST_M = 0.28
SIDE_DEGREE, HEM_DEGREE = 4, 2
"""A side seam has a hip and perhaps a flare; a hem is one arc."""
PROPORTIONS = (
    ("length against the waist's width", 0.45, 5.0),
    ("hem's width against the waist's", 0.75, 4.5),
)


def drafted(garment: GarmentInput, category: Category, measures: Measures, cancel: CancelFlag) -> Pattern:
    """The pattern of a skirt.

    Args:
        garment: Photo, alpha and passport.
        category: A skirt's.
        measures: The body's.
        cancel: Checked between steps.

    Raises:
        BadMask: The alpha is empty or full.
        PhotoNotUsable: The garment's shape in this photo cannot be worn.
    """
    lying = _lying(garment, cancel)
    shape = _shape(lying)
    _check(shape, category)
    cancel.check()
    scale = _scale(garment, shape, measures)
    stretches = tuple(Stretch(role, side, line * scale) for role, side, line in shape)
    photo = [lying.outline.between(a, b) for a, b in zip(CORNERS, (*CORNERS[1:], CORNERS[0]), strict=True)]
    border = [stretch.line for stretch in stretches]
    warp = waisted.laid(border, border, photo, (float(scale[0]), float(scale[1])))
    return Pattern(Family.SKIRT, stretches, None, lying.outline, warp, float(np.sqrt(scale[0] * scale[1])))


def _lying(garment: GarmentInput, cancel: CancelFlag) -> Lying:
    landmarks = garment.passport.landmarks
    outline = waisted.outlined(inside.without(garment.passport, garment.alpha), cancel)
    frame = waisted.frame_of(outline.points, landmarks, (L.HEM_LEFT, L.HEM_RIGHT))
    corners = waisted.waist_corners(outline.points, frame, landmarks) | _hem(outline.points, frame, landmarks)
    return Lying(waisted.with_corners(outline, corners, CORNERS), frame)


def _hem(points: Float64, frame: Frame, landmarks: Mapping[L, Landmark]) -> dict[L, int]:
    """The hem's corners: by their landmarks, else the outline's points farthest down and out."""
    upright = frame.from_photo(points)
    shares = upright / np.ptp(upright, axis=0)
    out = {}
    for name, side in ((L.HEM_LEFT, 1.0), (L.HEM_RIGHT, -1.0)):
        found = waisted.snapped(points, frame, landmarks.get(name), (side, -0.6))
        out[name] = found if found is not None else int((side * shares[:, 0] - shares[:, 1]).argmax())
    return out


def _shape(lying: Lying) -> list[tuple[Role, Side, Float64]]:
    """The skirt's clean border in upright pixels."""
    left, hem, right = (lying.line(a, b) for a, b in zip(CORNERS[1:], (*CORNERS[2:], CORNERS[0]), strict=True))
    side = waisted.symmetric(left, right[::-1], SIDE_DEGREE)
    side -= (0.0, side[0, 1])
    bottom = waisted.symmetric(hem, hem[::-1], HEM_DEGREE)
    bottom[:, 1] -= bottom[0, 1] - side[-1, 1]
    bottom[:, 0] *= side[-1, 0] / bottom[0, 0]
    return [
        (Role.WAIST, Side.MIDDLE, waisted.waist_line(lying, float(side[0, 0]), 1.0)),
        (Role.SIDE, Side.LEFT, side),
        (Role.HEM, Side.MIDDLE, bottom),
        (Role.SIDE, Side.RIGHT, side[::-1] * (-1.0, 1.0)),
    ]


def _check(shape: list[tuple[Role, Side, Float64]], category: Category) -> None:
    """Refuse what has not the proportions of a skirt lying flat.

    Raises:
        PhotoNotUsable: A proportion is outside its limits.
    """
    side = shape[1][2]
    values = (-side[-1, 1] / (2 * side[0, 0]), side[-1, 0] / side[0, 0])
    for (what, low, high), value in zip(PROPORTIONS, values, strict=True):
        if not low <= value <= high:
            raise PhotoNotUsable(
                f"the {what} is {value:.2f}, outside {low:g} to {high:g} of a {category.value} lying flat: "
                f"{waisted.LAY_FLAT}",
                metadata={"measure": what, "value": f"{value:.3f}"},
            )


def _scale(garment: GarmentInput, shape: list[tuple[Role, Side, Float64]], measures: Measures) -> Float64:
    """Metres a pixel across and along."""
    side = shape[1][2]
    waist_px, length_px = 2 * side[0, 0], -side[-1, 1]
    known = waisted.known_pixel_m(garment.passport, length_px)
    grade = 1.0 if known is not None else waisted.length_grade(measures)
    if known is None:
        scale = waisted.waist_girth_at(measures, BELOW_WAIST_M) / 2 / waist_px
        hip_px = 2 * float(np.interp(HIPS_DOWN_M / scale, -side[:, 1], side[:, 0]))
        scale *= float(np.clip(measures.hip_girth_m * HIP_EASE / (2 * hip_px * scale), 1.0, SIZE_UP))
        scale *= waisted.FIT_WIDTH[garment.fit or Fit.REGULAR]
    else:
        scale = known
    length = max(length_px * scale * grade, SHORTEST_M)
    longest = measures.waist_height_m - BELOW_WAIST_M - measures.ankle_height_m
    fallen = _fall(shape, np.array([scale, length / length_px]))
    return np.array([scale, length / length_px * min(longest / fallen, 1.0)])


def _fall(shape: list[tuple[Role, Side, Float64]], scale: Float64) -> float:
    """How far a skirt's hem falls below its waist where it is longest, metres: along the cloth, not straight down."""
    waist, hem = (scale * line for line in (shape[0][2], shape[2][2]))
    return float(np.linalg.norm(hem[:, None] - waist, axis=2).min(axis=1).max())
