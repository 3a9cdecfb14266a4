"""Lengths of a garment, from its landmarks and outline.

All are of the garment as it lies on the photo: widths are of one layer, half the way around. They are told as parts
of the garment's own length and, when the caller knows one of them, in centimetres.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from fashquick_common.errors import BadField
from fashquick_common.garment import Category, KnownLength, Landmark, Measurement, MeasurementName
from fashquick_common.garment import LandmarkName as Name
from fashquick_features.shape.outline import Outline, UprightFrame

CENTIMETRES = (1.0, 400.0)  # from an infant's cuff to the longest train
OUTLINE_CONFIDENCE = 0.6  # of a length that is that of the whole outline, what stands out of it included
FOLDED = 0.75  # of the other one's length: a sleeve or leg shorter than this does not lie straight
MIN_PX = 1.0  # shorter than a pixel nothing is measured

LEGGED: Final = frozenset({Category.TROUSERS, Category.SHORTS})

Found = Mapping[Name, Landmark]
Length = tuple[float, float]  # pixels, confidence


def measure(
    landmarks: Found, outline: Outline, frame: UprightFrame, category: Category, known: KnownLength | None
) -> tuple[Measurement, ...]:
    """Measure a garment.

    Args:
        landmarks: Its landmarks on the photo.
        outline: Its outline.
        frame: Its upright frame.
        category: What it is.
        known: A length that the caller knows, or None.

    Returns:
        The lengths that can be measured, in the order of `MeasurementName`; the garment's length always is.

    Raises:
        BadField: `known` is not within `CENTIMETRES`, or its length cannot be measured on this garment.
    """
    if known is not None and not (
        math.isfinite(known.centimetres) and CENTIMETRES[0] <= known.centimetres <= CENTIMETRES[1]
    ):
        raise BadField(
            f"the known length is {known.centimetres} cm; give {CENTIMETRES[0]:.0f} to {CENTIMETRES[1]:.0f}",
            field="known_length.centimetres",
        )
    lengths = {MeasurementName.LENGTH: _length(landmarks, outline, frame, category)}
    for name, rule in _RULES.items():
        length = rule(landmarks, frame)
        if length is not None and length[0] >= MIN_PX:
            lengths[name] = length
    whole = lengths[MeasurementName.LENGTH][0]
    per_px = 0.0
    if known is not None:
        if known.name not in lengths:
            raise BadField(
                f"{known.name.value} cannot be measured on this garment; "
                f"give one of {', '.join(name.value for name in lengths)}",
                field="known_length.name",
            )
        per_px = known.centimetres / lengths[known.name][0]
    sure = 1.0 if known is None else lengths[known.name][1]
    return tuple(
        Measurement(
            name,
            length / whole,
            None if known is None else length * per_px,
            confidence if known is None or name is known.name else min(confidence, sure),
        )
        for name, (length, confidence) in lengths.items()
    )


def _length(landmarks: Found, outline: Outline, frame: UprightFrame, category: Category) -> Length:
    """Along the axis: neck or waist to the hem or the legs' ends; without these the outline's extent."""
    if category in LEGGED:
        top, bottom = (Name.WAIST_LEFT, Name.WAIST_RIGHT), (Name.LEG_LEFT_OUTER, Name.LEG_RIGHT_OUTER)
    elif category is Category.SKIRT:
        top, bottom = (Name.WAIST_LEFT, Name.WAIST_RIGHT), (Name.HEM_LEFT, Name.HEM_RIGHT)
    else:
        top, bottom = (Name.NECK_LEFT, Name.NECK_RIGHT), (Name.HEM_LEFT, Name.HEM_RIGHT)
    upper, lower = _middle(landmarks, top), _middle(landmarks, bottom)
    if upper is not None and lower is not None:
        v = frame.to_frame(np.array([upper[:2], lower[:2]]))[:, 1]
        if (v[1] - v[0]) * frame.height_px >= MIN_PX:
            return float(v[1] - v[0]) * frame.height_px, min(upper[2], lower[2])
    extent = float(np.ptp(frame.to_frame(outline.points)[:, 1])) * frame.height_px
    return max(extent, MIN_PX), OUTLINE_CONFIDENCE * frame.symmetry


def _middle(landmarks: Found, names: tuple[Name, Name]) -> tuple[float, float, float] | None:
    """Mean position of a pair and the confidence of its less sure point."""
    if any(name not in landmarks for name in names):
        return None
    one, two = (landmarks[name] for name in names)
    return 0.5 * (one.x + two.x), 0.5 * (one.y + two.y), min(one.confidence, two.confidence)


def _between(landmarks: Found, one: Name, two: Name) -> Length | None:
    """Distance of two landmarks."""
    if one not in landmarks or two not in landmarks:
        return None
    a, b = landmarks[one], landmarks[two]
    return math.hypot(a.x - b.x, a.y - b.y), min(a.confidence, b.confidence)


def _across(one: Name, two: Name) -> Callable[[Found, UprightFrame], Length | None]:
    return lambda landmarks, _: _between(landmarks, one, two)


def _mean(left: tuple[Name, Name], right: tuple[Name, Name]) -> Callable[[Found, UprightFrame], Length | None]:
    """Mean of both sides, or the one that can be measured."""

    def rule(landmarks: Found, _: UprightFrame) -> Length | None:
        sides = [side for side in (_between(landmarks, *left), _between(landmarks, *right)) if side is not None]
        if not sides:
            return None
        if len(sides) == 2 and min(sides)[0] < FOLDED * max(sides)[0]:
            return max(sides)  # the shorter one is folded in or cut off
        return sum(side[0] for side in sides) / len(sides), min(side[1] for side in sides)

    return rule


def _rise(landmarks: Found, frame: UprightFrame) -> Length | None:
    """Waist to crotch along the axis."""
    waist = _middle(landmarks, (Name.WAIST_LEFT, Name.WAIST_RIGHT))
    if waist is None or Name.CROTCH not in landmarks:
        return None
    crotch = landmarks[Name.CROTCH]
    v = frame.to_frame(np.array([waist[:2], (crotch.x, crotch.y)]))[:, 1]
    return float(v[1] - v[0]) * frame.height_px, min(waist[2], crotch.confidence)


_RULES: Final[dict[MeasurementName, Callable[[Found, UprightFrame], Length | None]]] = {
    MeasurementName.SHOULDERS: _across(Name.SHOULDER_LEFT, Name.SHOULDER_RIGHT),
    MeasurementName.CHEST: _across(Name.ARMPIT_LEFT, Name.ARMPIT_RIGHT),
    MeasurementName.SLEEVE: _mean(
        (Name.SHOULDER_LEFT, Name.CUFF_LEFT_UPPER), (Name.SHOULDER_RIGHT, Name.CUFF_RIGHT_UPPER)
    ),
    MeasurementName.WAIST: _across(Name.WAIST_LEFT, Name.WAIST_RIGHT),
    MeasurementName.HIPS: _across(Name.HIP_LEFT, Name.HIP_RIGHT),
    MeasurementName.HEM: _across(Name.HEM_LEFT, Name.HEM_RIGHT),
    MeasurementName.INSEAM: _mean((Name.CROTCH, Name.LEG_LEFT_INNER), (Name.CROTCH, Name.LEG_RIGHT_INNER)),
    MeasurementName.RISE: _rise,
    MeasurementName.LEG_OPENING: _mean(
        (Name.LEG_LEFT_OUTER, Name.LEG_LEFT_INNER), (Name.LEG_RIGHT_OUTER, Name.LEG_RIGHT_INNER)
    ),
    MeasurementName.CUFF: _mean(
        (Name.CUFF_LEFT_UPPER, Name.CUFF_LEFT_LOWER), (Name.CUFF_RIGHT_UPPER, Name.CUFF_RIGHT_LOWER)
    ),
    MeasurementName.NECK: _across(Name.NECK_LEFT, Name.NECK_RIGHT),
}
