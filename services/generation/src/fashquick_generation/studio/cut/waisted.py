"""What garments that hang from the waist have in common: how they lie in the photo, and clean lines for their pattern.

A photo shows a garment askew, creased and never quite symmetric. Its measures are taken from the outline, halves are
averaged, and every seam is drawn as a short polynomial between its corners.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import PhotoNotUsable
from fashquick_common.garment import Landmark, MeasurementName, Passport
from fashquick_common.garment import LandmarkName as L
from fashquick_generation.engine import Fit
from fashquick_generation.studio.arrays import Float64, UInt8
from fashquick_generation.studio.cut.outline import Outline, resampled, smooth_contour, solid
from fashquick_generation.studio.cut.warp import RigidWarp, Trace, rigid_warp
from fashquick_generation.studio.figure.measures import Measures

SNAP_SHARE = 0.12
"""A landmark farther from the outline than this share of the garment's diagonal belongs to something else."""
CORNER_SHARE = 0.03
"""How far along the outline a corner may be from its landmark, as a share of the garment's diagonal."""
MAX_TILT_DEGREES = 40.0
"""More than a carelessly placed garment; less than one lying on its side."""
LINE_POINTS = 49
"""Points of a drawn seam or edge."""
MOST_FOLDED = 0.04
"""Share of the pattern that may lie upside down in the photo: creases at corners, not a leg turned over."""
FIT_WIDTH: Mapping[Fit, float] = {Fit.SLIM: 0.96, Fit.REGULAR: 1.0, Fit.OVERSIZE: 1.09}
"""Size of a garment over the usual one: about two sizes between slim and regular, and two more."""
HIPS_TO_WAIST_HEIGHT = 0.87
"""Girth of the hips over the height of the waist in the sizes that garments are designed in."""
GRADED, GRADES = 0.8, (0.65, 1.1)
"""Exponent and limits of how lengths follow girths from size to size."""
WAIST_ARC = (-0.12, 0.02)
"""Rise of the waist's middle over its corners against half its width: waists dip, or are gathered straight."""
LAY_FLAT = "lay the garment flat and smooth, waistband and hems visible, and take the photo from straight above"


@dataclass(frozen=True, slots=True)
class Frame:
    """Upright coordinates of a garment in its photo, in pixels.

    Attributes:
        origin: 2 float64, pixels: the middle of the waist.
        right: 2 float64 unit vector in the photo, to the wearer's left.
    """

    origin: Float64
    right: Float64

    @property
    def _axes(self) -> Float64:
        return np.array([self.right, [self.right[1], -self.right[0]]])

    def from_photo(self, pixels: Float64) -> Float64:
        """Nx2 photo coordinates to x to the wearer's left and y upward from the waist's middle."""
        out: Float64 = (pixels - self.origin) @ self._axes.T
        return out

    def to_photo(self, upright: Float64) -> Float64:
        """The way back."""
        out: Float64 = upright @ self._axes + self.origin
        return out


@dataclass(frozen=True, slots=True)
class Lying:
    """A garment as it lies in its photo.

    Attributes:
        outline: Its border; the corners are those that were asked for.
        frame: How it is turned.
    """

    outline: Outline
    frame: Frame

    def line(self, first: L, last: L) -> Float64:
        """Mx2 float64, upright: the outline from one corner clockwise to another."""
        return self.frame.from_photo(self.outline.between(first, last))

    def at(self, corner: L) -> Float64:
        """2 float64, upright."""
        point: Float64 = self.frame.from_photo(self.outline.at(corner)[None])[0]
        return point


def outlined(alpha: UInt8, cancel: CancelFlag) -> Outline:
    """The garment's border without corners.

    Raises:
        BadMask: The alpha is empty or full.
    """
    mask, holes = solid(alpha)
    cancel.check()
    return Outline(mask, holes, smooth_contour(mask), {})


def frame_of(points: Float64, landmarks: Mapping[L, Landmark], lower: tuple[L, L]) -> Frame:
    """How a garment is turned: from its waist and its lower corners where they are known, else as the photo stands.

    Args:
        points: Nx2 float64, the outline in pixels.
        landmarks: From the passport.
        lower: The left and the right corner of its lower end.

    Raises:
        PhotoNotUsable: It lies on its side or upside down.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    middle = np.array([(low[0] + high[0]) / 2, low[1]])
    pairs = [_pair(landmarks, *names) for names in ((L.WAIST_LEFT, L.WAIST_RIGHT), lower)]
    across = [_unit(left - right) for left, right in (pair for pair in pairs if pair is not None)]
    origin = middle if pairs[0] is None else (pairs[0][0] + pairs[0][1]) / 2
    if pairs[0] is not None and pairs[1] is not None:
        down = _unit((pairs[1][0] + pairs[1][1]) / 2 - origin)
        across.append(np.array([down[1], -down[0]]))
    right = _unit(np.sum(across, axis=0)) if across else np.array([1.0, 0.0])
    tilt = abs(float(np.degrees(np.arctan2(right[1], right[0]))))
    if tilt > MAX_TILT_DEGREES:
        raise PhotoNotUsable(f"the garment lies {tilt:.0f} degrees askew in the photo; turn the photo upright")
    return Frame(origin, right)


def snapped(points: Float64, frame: Frame, landmark: Landmark | None, outward: tuple[float, float]) -> int | None:
    """The outline's point that is the corner a landmark means.

    Args:
        points: Nx2 float64, pixels.
        frame: How the garment is turned.
        landmark: Close to the corner, or None.
        outward: Upright direction in which the corner points.

    Returns:
        Index, or None without a landmark or when it lies far off the outline.
    """
    if landmark is None:
        return None
    diagonal = float(np.linalg.norm(np.ptp(points, axis=0)))
    away = np.linalg.norm(points - (landmark.x, landmark.y), axis=1)
    nearest = int(away.argmin())
    if away[nearest] > SNAP_SHARE * diagonal:
        return None
    near = np.flatnonzero(np.linalg.norm(points - points[nearest], axis=1) <= CORNER_SHARE * diagonal)
    return int(near[(frame.from_photo(points[near]) @ np.array(outward)).argmax()])


def waist_corners(points: Float64, frame: Frame, landmarks: Mapping[L, Landmark]) -> dict[L, int]:
    """The waist's two corners: by their landmarks, else the outline's points farthest up and out."""
    upright = frame.from_photo(points)
    shares = upright / np.ptp(upright, axis=0)
    out = {}
    for name, side in ((L.WAIST_LEFT, 1.0), (L.WAIST_RIGHT, -1.0)):
        found = snapped(points, frame, landmarks.get(name), (side, 1.0))
        out[name] = found if found is not None else int((side * shares[:, 0] + shares[:, 1]).argmax())
    return out


def with_corners(outline: Outline, corners: Mapping[L, int], order: tuple[L, ...]) -> Outline:
    """The outline with its corners.

    Args:
        outline: Without.
        corners: Indices of its points.
        order: The corners, clockwise in the photo.

    Raises:
        PhotoNotUsable: They do not follow each other in that order.
    """
    numbers = np.array([corners[name] for name in order])
    if (np.diff((numbers - numbers[0]) % len(outline.points)) <= 0).any():
        raise PhotoNotUsable(
            f"waist and hems do not follow each other around the garment; a part of it seems folded over: {LAY_FLAT}"
        )
    return Outline(outline.mask, outline.holes, outline.points, {name: corners[name] for name in order})


def symmetric(left: Float64, right: Float64, degree: int, weight: float = 0.5) -> Float64:
    """One clean line for both halves.

    Args:
        left: Mx2 float64, a stretch of the wearer's left half.
        right: Kx2 float64, the same of the right half, from the same end.
        degree: Of the polynomial between the ends, at least 2.
        weight: Of the left half, 0 to 1.

    Returns:
        LINE_POINTSx2 float64, for the left half.
    """
    mirrored = right * (-1.0, 1.0)
    return clean(weight * resampled(left, LINE_POINTS) + (1 - weight) * resampled(mirrored, LINE_POINTS), degree)


def clean(line: Float64, degree: int) -> Float64:
    """A line's ends, joined by the polynomial closest to it; LINE_POINTSx2 float64."""
    return drawn(resampled(line, LINE_POINTS), degree)


def drawn(values: Float64, degree: int) -> Float64:
    """Values at equal steps, the first and last kept, as the closest polynomial.

    Args:
        values: Mx... float64.
        degree: At least 2.
    """
    flat = values.reshape(len(values), -1)
    t = np.linspace(0, 1, len(values))
    straight: Float64 = flat[0] + t[:, None] * (flat[-1] - flat[0])
    # Terms that vanish at both ends.
    terms = np.stack([t * (1 - t) * (2 * t - 1) ** k for k in range(degree - 1)], axis=1)
    bend: Float64 = terms @ np.linalg.lstsq(terms, flat - straight, rcond=None)[0]
    return (straight + bend).reshape(values.shape)


def waist_line(lying: Lying, half_width: float, scale: float) -> Float64:
    """The waist's edge in the pattern.

    Args:
        lying: The garment in its photo.
        half_width: From the middle to a corner, metres.
        scale: Metres a pixel.

    Returns:
        LINE_POINTSx2 float64 metres, from the right corner to the left one, both at height 0.
    """
    seen = lying.line(L.WAIST_RIGHT, L.WAIST_LEFT)
    line = scale * symmetric(seen, seen[::-1], 2)
    line -= (0.0, line[0, 1])
    line[:, 0] *= half_width / line[-1, 0]
    arc = line[LINE_POINTS // 2, 1]
    line[:, 1] *= float(np.clip(arc / half_width, *WAIST_ARC)) * half_width / arc if arc != 0 else 0.0
    return line


def laid(
    border: Sequence[Float64], lines: Sequence[Float64], photo: Sequence[Float64], scale: tuple[float, float]
) -> RigidWarp:
    """Where the pattern lies in the photo.

    Args:
        border: The pattern's stretches, metres.
        lines: Lines of the pattern whose place in the photo is known, metres.
        photo: These places, pixels.
        scale: Metres a pixel across and along.

    Raises:
        PhotoNotUsable: The pattern cannot be laid on the photo without folding it over.
    """
    traces = [
        Trace(resampled(line, LINE_POINTS), resampled(seen, LINE_POINTS))
        for line, seen in zip(lines, photo, strict=True)
    ]
    warp = rigid_warp(border, traces, (1 / scale[0], 1 / scale[1]))
    if warp.folded > MOST_FOLDED:
        raise PhotoNotUsable(f"{warp.folded:.0%} of the garment seems folded over: {LAY_FLAT}")
    return warp


def known_pixel_m(passport: Passport, length_px: float) -> float | None:
    """Metres a pixel where the passport knows centimetres.

    Args:
        passport: The garment's.
        length_px: Its whole length in the photo.
    """
    if passport.geometry is None:
        return None
    order = (MeasurementName.WAIST, MeasurementName.HIPS, MeasurementName.LENGTH)
    known = {m.name: m for m in passport.geometry.measurements if m.centimetres is not None and m.ratio > 0}
    for name in order:
        if name in known and known[name].centimetres is not None:
            return float(known[name].centimetres or 0.0) / 100 / known[name].ratio / length_px
    return None


def waist_girth_at(measures: Measures, below_m: float) -> float:
    """Girth of the body below its narrowest place: a straight line down to the hips."""
    depth = measures.waist_height_m - measures.hip_height_m
    share = float(np.clip(below_m / depth, 0, 1))
    return measures.waist_girth_m + share * (measures.hip_girth_m - measures.waist_girth_m)


def length_grade(measures: Measures) -> float:
    """Length of a garment on this body over the length that its girth alone would give it.

    Larger sizes are cut wider much more than they are cut longer.
    """
    usual = HIPS_TO_WAIST_HEIGHT * measures.waist_height_m / measures.hip_girth_m
    return float(np.clip(usual**GRADED, *GRADES))


def _pair(landmarks: Mapping[L, Landmark], left: L, right: L) -> tuple[Float64, Float64] | None:
    if left not in landmarks or right not in landmarks:
        return None
    a, b = landmarks[left], landmarks[right]
    return np.array([a.x, a.y]), np.array([b.x, b.y])


def _unit(arrow: Float64) -> Float64:
    unit: Float64 = arrow / max(float(np.linalg.norm(arrow)), 1e-9)
    return unit
