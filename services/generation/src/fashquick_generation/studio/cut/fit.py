"""From a top's measures in pixels to a pattern's in metres, for one body.

Centimetres of the passport decide where it has them; else the chest has the ease that is usual for garments of the
kind. Proportions of the photo are kept within what garments of the kind have, since a photo taken at a slant makes
hems wide and tops short.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from fashquick_common.garment import Category, MeasurementName, Passport, SleeveLength
from fashquick_generation.engine import Fit, GarmentInput
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut.measuring import STATIONS, Shape
from fashquick_generation.studio.figure.measures import Measures

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Usual:
    """What garments of a kind are like.

    Attributes:
        ease: Girth at the chest over the body's.
        length: From the neck points to the hem, in chest widths.
        hem: Hem's width over the chest's.
        neck: Largest distance of the neck points over the width of the body's shoulders.
        beyond: Most by which the length may leave its usual range, in chest widths: mostly 6 cm. A photo in which a
            garment seems longer shows its chest folded, since it hangs, or part of it under its sleeves.
    """

    ease: float
    length: Range
    hem: Range
    neck: float
    beyond: float = 0.12


USUAL: Mapping[Category, Usual] = MappingProxyType(
    {
        Category.T_SHIRT: Usual(1.12, (0.90, 1.45), (0.88, 1.12), 0.64),
        Category.LONG_SLEEVE: Usual(1.10, (0.90, 1.45), (0.86, 1.12), 0.66),
        Category.SWEATER: Usual(1.20, (0.90, 1.25), (0.80, 1.10), 0.62),
        Category.SHIRT: Usual(1.18, (1.05, 1.45), (0.90, 1.15), 0.58),
        Category.JACKET: Usual(1.24, (0.90, 1.22), (0.82, 1.12), 0.58),
        Category.COAT: Usual(1.26, (1.20, 1.65), (0.95, 1.30), 0.58, 0.25),
        Category.VEST: Usual(1.20, (1.00, 1.30), (0.85, 1.15), 0.58),
        Category.SLEEVELESS_TOP: Usual(1.05, (0.95, 1.45), (0.85, 1.25), 0.70),
        Category.DRESS: Usual(1.06, (1.60, 2.20), (0.85, 1.80), 0.70, 0.40),
    }
)
"""By category."""
GIVE = 0.3
"""How much of a proportion beyond the usual range is believed."""
BY_WORD: Mapping[Fit, float] = MappingProxyType({Fit.SLIM: 0.94, Fit.REGULAR: 1.0, Fit.OVERSIZE: 1.20})
"""Girth by the caller's word, over the usual one."""
GIRTH_RANGE = (0.86, 1.9)
"""Girth over the body's: knits stretch, and the widest coats."""
HIP_EASE = 1.03
"""Girth at the hips of garments that reach them, over the body's."""
MOST_BULGE = 1.05
"""How much wider than its chest, and than the straight line from there to its hem, a garment may be in between; what
seems wider still has its armpits where its sleeves are, or a hem that lies rounded."""
ARMPIT_BELOW_NECK_M, ARMHOLE_BELOW_NECK_M = (0.215, 0.36), 0.30
"""Height of the neck points over the garment's armpit: the body's is 20 cm lower; most where there is no sleeve."""
NECK_ABOVE_SHOULDERS_M = 0.05
"""Height of the neck points over the shoulder joints."""
NARROWEST_NECK_M = 0.065
"""Half the distance of the neck points: what lies closer chokes."""
TIP_OVER_CHEST, STRAP_OVER_CHEST = (0.72, 1.10), 0.45
"""A shoulder tip's distance from the middle, in half chest widths; least of a strap's."""
NARROWEST_STRAP_M = 0.02
STRAP_M, STRAP_APART_M = (0.012, 0.055), (0.07, 0.125)
"""Width of a strap, and its distance from the middle where it lies on the shoulder."""
SHORTEST_STRAP_M, LONGEST_STRAP_M = 0.05, (0.10, 0.15)
"""Length of a strap from the shoulder down to the bodice: least, and most of the narrowest and the widest. Cloth hangs
from it, and a narrow one gives."""
ARMHOLE_OVER_SHOULDER = 1.08
"""Most that shoulders without sleeves may be wider than the body's: what reaches farther stands off like wings."""
SHOULDER_SLOPE = (0.21, 0.50)
"""Fall of the shoulder seam: 12 to 27 degrees. Shoulders of the body fall 20."""
SLEEVE_ANGLES = (42.0, 60.0)
"""Degrees from hanging at which a sleeve may be cut: what an arm can be lifted to in it."""
BICEP_M, CUFF_M = (0.165, 0.28), (0.095, 0.26)
"""Widths of a sleeve at the armhole and at the wrist: arms have 14 cm and hands go through 9.5."""
SHORT_CUFF_M = 0.150
"""Least width of a short sleeve's cuff."""
SLEEVE_SHARE: Mapping[SleeveLength, Range] = MappingProxyType(
    {
        SleeveLength.SHORT: (0.28, 0.62),
        SleeveLength.THREE_QUARTER: (0.40, 0.88),
        SleeveLength.LONG: (1.03, 1.12),
    }
)
"""Length of a sleeve from the tip of the body's shoulder, over the arm's: cloth goes around the shoulder and is
shortened by its folds, so that long ones reach the wrist."""
CAP_OVER_M, CAP_UNDER_M = 0.15, 0.02
"""A sleeve shorter than this on top and under the arm is no more than an armhole's edge."""
SHORTEST_UNDER_M = 0.05
"""Least length of the seam under the arm."""
ELBOW_M = 0.02
"""How much narrower than a straight taper a sleeve may be at the elbow."""
SAG_SHARE, ARCH_SHARE = 0.12, 0.02
"""Most that a hem's middle is lower and higher than its corners, as a share of the length. Higher ones are mostly the
photo's."""
SHORTEST_M = 0.40


@dataclass(frozen=True, slots=True)
class SleeveCut:
    """A sleeve's measures, metres.

    Attributes:
        angle_degrees: From hanging.
        length: Along its upper edge from the shoulder's tip.
        widths: `STATIONS` float64, from the armpit to the cuff, across it.
    """

    angle_degrees: float
    length: float
    widths: Float64

    @property
    def along(self) -> Float64:
        """2 float64 unit vector along the left sleeve."""
        angle = np.radians(self.angle_degrees)
        return np.array([np.sin(angle), -np.cos(angle)])

    @property
    def under(self) -> Float64:
        """2 float64 unit vector from the left sleeve's upper edge to the lower one."""
        angle = np.radians(self.angle_degrees)
        return np.array([-np.cos(angle), -np.sin(angle)])


@dataclass(frozen=True, slots=True)
class Cut:
    """A top's measures in metres; see `Shape`.

    Attributes:
        neck: Half the distance of the neck points.
        tip: Of a shoulder's tip: from the middle, and down from the neck points.
        armpit: Likewise.
        length: Down to the hem's corners.
        widths: `STATIONS` float64, half widths from the armpit to the hem.
        sag: How far the hem is lower than its corners.
        sleeve: None for a garment without.
        m_per_px: 2 float64, across and down.
        sewn: 2 float64, where a strap's middle is sewn on, down from the neck points; None without straps.
    """

    neck: float
    tip: Float64
    armpit: Float64
    length: float
    widths: Float64
    sag: Float64
    sleeve: SleeveCut | None
    m_per_px: Float64
    sewn: Float64 | None = None


def fitted(shape: Shape, category: Category, sleeves: SleeveLength, measures: Measures, garment: GarmentInput) -> Cut:
    """Measures of the pattern.

    Args:
        shape: The garment's, in its photo.
        category: What it is.
        sleeves: What sleeves it has.
        measures: The body's.
        garment: The passport's centimetres are used where it knows them, and the caller's word on the fit.
    """
    usual = USUAL[category]
    chest = _chest(usual, measures, garment.passport, garment.fit)
    across = chest / (2 * shape.armpit[0])
    known = _centimetres(garment.passport, MeasurementName.LENGTH)
    length = chest * _length(shape.length * across / chest, usual) if known is None else known
    length = max(length, SHORTEST_M)
    down = length / shape.length
    highest, lowest = ARMPIT_BELOW_NECK_M
    lowest = ARMHOLE_BELOW_NECK_M if sleeves is SleeveLength.NONE else lowest
    armpit = np.array([chest / 2, float(np.clip(shape.armpit[1] * down, highest, lowest))])
    least, most = TIP_OVER_CHEST
    least = STRAP_OVER_CHEST if sleeves is SleeveLength.NONE else least
    tip_x = chest / 2 * float(np.clip(shape.tip[0] / shape.armpit[0], least, most))
    shoulder = measures.shoulder_width_m / 2
    if sleeves is SleeveLength.NONE:
        tip_x = min(tip_x, ARMHOLE_OVER_SHOULDER * shoulder)
    widest = min(usual.neck * shoulder, tip_x - NARROWEST_STRAP_M)
    neck = float(np.clip(shape.neck * across, NARROWEST_NECK_M, widest))
    sewn: Float64 | None = None
    if shape.strap is not None:
        wide = float(np.clip(shape.strap * across, *STRAP_M))
        neck = float(np.clip(shape.neck * across, *STRAP_APART_M)) - wide / 2
        tip_x = neck + wide
        longest = float(np.interp(wide, STRAP_M, LONGEST_STRAP_M))
        sewn = np.array([shape.neck * across, float(np.clip(shape.tip[1] * down, SHORTEST_STRAP_M, longest))])
    slope = float(np.clip(shape.tip[1] * down / max(tip_x - neck, 1e-6), *SHOULDER_SLOPE))
    tip = np.array([tip_x, slope * (tip_x - neck)])
    return Cut(
        neck=neck,
        tip=tip,
        armpit=armpit,
        length=length,
        widths=_widths(shape, usual, measures, armpit, length),
        sag=np.clip(shape.sag * down, -ARCH_SHARE * length, SAG_SHARE * length),
        sleeve=_sleeve(shape, sleeves, measures, np.stack([tip, armpit]), (across + down) / 2),
        m_per_px=np.array([across, down]),
        sewn=sewn,
    )


def _chest(usual: Usual, measures: Measures, passport: Passport, fit: Fit | None) -> float:
    """Width of the chest lying flat."""
    known = _centimetres(passport, MeasurementName.CHEST)
    least, most = GIRTH_RANGE
    if known is not None and fit is None:
        return float(np.clip(known, least * measures.chest_girth_m / 2, most * measures.chest_girth_m / 2))
    return measures.chest_girth_m / 2 * usual.ease * BY_WORD[fit or Fit.REGULAR]


def _centimetres(passport: Passport, name: MeasurementName) -> float | None:
    """A length that the passport knows, in metres."""
    for measurement in () if passport.geometry is None else passport.geometry.measurements:
        if measurement.name is name and measurement.centimetres is not None:
            return measurement.centimetres / 100
    return None


def _soft(value: float, usual: Range) -> float:
    """A proportion, drawn towards its usual range."""
    nearest = float(np.clip(value, *usual))
    return nearest + GIVE * (value - nearest)


def _length(value: float, usual: Usual) -> float:
    """A length in chest widths: in its usual range or near it."""
    least, most = usual.length
    return float(np.clip(_soft(value, usual.length), least - usual.beyond, most + usual.beyond))


def _widths(shape: Shape, usual: Usual, measures: Measures, armpit: Float64, length: float) -> Float64:
    """Half widths from the armpit to the hem, wide enough for the hips if they pass them."""
    profile = shape.widths / shape.widths[0]
    t = np.linspace(0, 1, STATIONS)
    hem = _soft(float(profile[-1]), usual.hem)
    profile = profile + t * (hem - profile[-1])
    widths = armpit[0] * np.clip(profile, 0.6, 2.5)
    height = (measures.shoulder_height_m + NECK_ABOVE_SHOULDERS_M) - (armpit[1] + t * (length - armpit[1]))
    hips = measures.hip_girth_m * HIP_EASE / 4
    # From the waist down to the hips a body grows; below them a hem must not be narrower for the legs to part.
    body = np.interp(height, (measures.hip_height_m, measures.waist_height_m), (hips, measures.waist_girth_m / 4))
    straight = np.maximum(widths[0] + t * (widths[-1] - widths[0]), widths[0])
    out: Float64 = np.clip(widths, body, np.maximum(MOST_BULGE * straight, body))
    below_hips = height < measures.hip_height_m
    return _straight_below(out, max(int(below_hips.argmax()) - 1, 0)) if below_hips.any() else out


def _straight_below(widths: Float64, first: int) -> Float64:
    """Half widths whose side is straight or flares below the hips.

    Two panels sewn along sides that curve in towards the hem close like a balloon; skirts are cut straight there, and
    what a photo shows of such a curve is mostly a hem that lies rounded.

    Args:
        widths: N float64, at equal steps down.
        first: Number of the last width above the hips.
    """
    kept = [first]
    for k in range(first + 1, len(widths)):
        # Where the side would turn inward, the straight line past that place takes over.
        while len(kept) > 1 and _slope(widths, kept[-2], kept[-1]) >= _slope(widths, kept[-1], k):
            kept.pop()
        kept.append(k)
    lower = np.interp(np.arange(first, len(widths)), kept, widths[kept])
    return np.concatenate([widths[:first], lower])


def _slope(values: Float64, first: int, last: int) -> float:
    return float(values[last] - values[first]) / (last - first)


def _sleeve(
    shape: Shape, sleeves: SleeveLength, measures: Measures, armhole: Float64, scale: float
) -> SleeveCut | None:
    """The sleeve that goes into an armhole, from its tip to the armpit (2x2)."""
    tip, armpit = armhole
    if sleeves is SleeveLength.NONE:
        return None
    arm, lowered = measures.arm_length_m, np.sin(np.radians(SLEEVE_ANGLES[1]))
    beyond = max(float(tip[0]) - measures.shoulder_width_m / 2, 0.0) / lowered
    least, most = (share * arm - beyond for share in SLEEVE_SHARE[sleeves])
    if shape.sleeve is None:
        length, under = (least + most) / 2, 0.0
        wide = np.linspace(0.19, 0.17 if sleeves is SleeveLength.SHORT else 0.11, STATIONS)
    else:
        length, under = shape.sleeve.length * scale, shape.sleeve.under * scale
        wide = shape.sleeve.widths * scale
        if length < CAP_OVER_M and under < CAP_UNDER_M:
            return None
    cut = SleeveCut(_angle(tip, armpit, float(np.clip(wide[0], *BICEP_M))), length, wide)
    across = (armpit - tip) * (1, -1)
    root, begins = float(across @ cut.under), float(across @ cut.along)
    # Between the seam over the arm and the one under it, whose lengths change as a sleeve is turned outward.
    both = (length + begins + max(under, SHORTEST_UNDER_M)) / 2
    length = float(np.clip(max(length, both, begins + SHORTEST_UNDER_M), least, most))
    cuff_least = SHORT_CUFF_M if sleeves is SleeveLength.SHORT else CUFF_M[0]
    t = np.linspace(0, 1, STATIONS)
    wide = wide + (1 - t) * (root - wide[0])
    least_wide = root + t * (min(cuff_least, root) - root) - ELBOW_M * 4 * t * (1 - t)
    return SleeveCut(cut.angle_degrees, length, np.clip(wide, least_wide, max(root, CUFF_M[1])))


def _angle(tip: Float64, armpit: Float64, bicep: float) -> float:
    """Degrees from hanging at which a sleeve from tip to armpit is `bicep` wide, as far as arms can be lifted."""
    angles = np.arange(SLEEVE_ANGLES[0], SLEEVE_ANGLES[1] + 0.5)
    inward, down = tip[0] - armpit[0], armpit[1] - tip[1]
    wide = inward * np.cos(np.radians(angles)) + down * np.sin(np.radians(angles))
    return float(angles[int(np.abs(wide - bicep).argmin())])
