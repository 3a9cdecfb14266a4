"""Patterns of trousers and shorts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import PhotoNotUsable
from fashquick_common.garment import Category, LegLength
from fashquick_common.garment import LandmarkName as L
from fashquick_generation.engine import Fit, GarmentInput
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut import inside, waisted
from fashquick_generation.studio.cut.legs import CORNERS, leg_corners, parted
from fashquick_generation.studio.cut.outline import resampled
from fashquick_generation.studio.cut.pattern import Family, Pattern, Role, Side, Stretch
from fashquick_generation.studio.cut.waisted import LINE_POINTS, Lying
from fashquick_generation.studio.cut.warp import RigidWarp
from fashquick_generation.studio.figure.measures import Measures

BELOW_WAIST_M = 0.06
"""Where trousers sit, under the body's narrowest place."""
HIPS_DOWN = 0.62
"""Where hips are widest, as a share of the way from waist to crotch."""
USUAL_RISE_M = 0.27
CLOSE_EASE, WIDE_EASE = 1.03, 1.12
"""Girth of trousers at the hips over that of the hips in them."""
DEEP_RISES_M = (0.33, 0.42)
"""Ways from the waist down to where the legs part that may be, and cannot be, the way to the crotch: farther up than it
seems are the crotches of legs that lie close together."""
SHORTEST_RISE_M = 0.18
SHORTEST_INSEAM_M = 0.035
SEEN_INSEAM, CLOSED_LENGTH_M = 0.25, 0.43
"""Shorts that show less of an inseam than this share of their length are usually that long. Seen from close by, their
hems look wide and far from the waist: between this length and the one that they seem to have lies theirs."""
LONG_INSEAM_M = 0.62
"""Full-length trousers have at least this; what looks shorter in a photo of them is seen at a slant."""
HEM_GIRTHS_M, HEM_HEIGHTS_M = (0.36, 0.48, 0.62), (0.112, 0.085, 0.055)
"""Girths of full-length hems, and how high they end over the floor: where the shoe is as wide and bears them."""
LEAST_SLANT_DEGREES, MOST_SLANT_DEGREES = 4.0, 40.0
"""Of the legs in the pattern, so that they do not touch."""
LEGS_APART_M = 0.012
"""Least distance of a leg from the middle line, from `APART_FROM` of its length on."""
APART_FROM = 0.15
OTHER_LENGTH, OTHER_WIDTH = 1.12, 1.8
"""Legs whose lengths or hems differ by more are not both to be trusted: the longer one counts for both."""
TRUNK_DEGREE, LEG_DEGREE, SHORT_LEG_DEGREE = 3, 4, 2
"""A trunk has one hip; a leg may narrow to the knee and widen below, unless it ends over it."""
LONG_LEG_M = 0.35


@dataclass(frozen=True, slots=True)
class Mirrored:
    """A way to the photo by which both halves lie where one of them does.

    Attributes:
        warp: Of that half.
        sign: 1 if it is the wearer's left, -1 if it is the right.
    """

    warp: RigidWarp
    sign: float

    def to_photo(self, metres: Float64) -> Float64:
        """Nx2 metres to Nx2 pixels."""
        return self.warp.to_photo(np.stack([self.sign * np.abs(metres[:, 0]), metres[:, 1]], axis=1))


@dataclass(frozen=True, slots=True)
class _Leg:
    """One half of the garment in the photo, from waist to hem.

    Attributes:
        outer: Mx2 float64, upright pixels: the side from the waist's corner to the hem.
        inner: Kx2 float64, the inseam from the crotch to the hem.
        thigh: Number of the outer point that is as far from the hem as the crotch is.
    """

    outer: Float64
    inner: Float64
    thigh: int

    @property
    def length(self) -> float:
        """Of the inseam, pixels."""
        return _length(self.inner)

    @property
    def widths(self) -> Float64:
        """LINE_POINTS float64, pixels across from thigh to hem."""
        across = resampled(self.outer[self.thigh :], LINE_POINTS) - resampled(self.inner, LINE_POINTS)
        out: Float64 = np.linalg.norm(across, axis=1)
        return out


@dataclass(frozen=True, slots=True)
class _Cut:
    """Measures of the pattern, metres.

    Attributes:
        waist: LINE_POINTSx2 float64, from the right corner to the left, corners at height 0.
        half_widths: LINE_POINTS float64, of the trunk from waist to thigh.
        rise: From the waist's corners down to the crotch.
        inseam: Length.
        widths: LINE_POINTS float64, of a leg from thigh to hem.
        slant: Sine of the angle at which the line from crotch to thigh rises.
    """

    waist: Float64
    half_widths: Float64
    rise: float
    inseam: float
    widths: Float64
    slant: float


def drafted(garment: GarmentInput, category: Category, measures: Measures, cancel: CancelFlag) -> Pattern:
    """The pattern of trousers or shorts.

    Args:
        garment: Photo, alpha and passport.
        category: Which.
        measures: The body's.
        cancel: Checked between steps.

    Raises:
        BadMask: The alpha is empty or full.
        PhotoNotUsable: The garment's shape in this photo cannot be worn.
    """
    lying = _lying(garment, cancel)
    scale = _scale(garment, lying, measures)
    left, right = _legs(lying, scale)
    cancel.check()
    _check(left if left.length >= right.length else right, lying, category)
    cut = _cut(garment, lying, (left, right), scale, measures)
    border = _border(cut)
    cancel.check()
    warp = _laid(cut, border, lying, (left, right), scale)
    return Pattern(Family.TROUSERS, border, None, lying.outline, warp, scale)


def _lying(garment: GarmentInput, cancel: CancelFlag) -> Lying:
    landmarks = garment.passport.landmarks
    outline = waisted.outlined(parted(inside.without(garment.passport, garment.alpha)), cancel)
    frame = waisted.frame_of(outline.points, landmarks, (L.LEG_LEFT_OUTER, L.LEG_RIGHT_OUTER))
    corners = waisted.waist_corners(outline.points, frame, landmarks)
    corners |= leg_corners(outline.points, frame, landmarks)
    return Lying(waisted.with_corners(outline, corners, CORNERS), frame)


def _scale(garment: GarmentInput, lying: Lying, measures: Measures) -> float:
    """Metres a pixel."""
    waist_px = float(lying.at(L.WAIST_LEFT)[0] - lying.at(L.WAIST_RIGHT)[0])
    upright = lying.frame.from_photo(lying.outline.points)
    lowest = -min(lying.at(name)[1] for name in CORNERS[2:])
    known = waisted.known_pixel_m(garment.passport, lowest)
    if known is not None:
        return known
    scale = waisted.waist_girth_at(measures, BELOW_WAIST_M) / 2 / waist_px
    for _ in range(3):
        rise_px = min(-float(lying.at(L.CROTCH)[1]), USUAL_RISE_M / scale)
        hip_px = _width_at(upright, -HIPS_DOWN * rise_px)
        low, high = (ease * measures.hip_girth_m / 2 / hip_px for ease in (CLOSE_EASE, WIDE_EASE))
        scale = float(np.clip(scale, low, high))
    inseam_px = _length(lying.line(L.LEG_LEFT_INNER, L.CROTCH))
    if inseam_px < SEEN_INSEAM * lowest:
        scale = min(scale, float(np.sqrt(scale * CLOSED_LENGTH_M / lowest)))
    return scale * waisted.FIT_WIDTH[garment.fit or Fit.REGULAR]


def _width_at(upright: Float64, y: float) -> float:
    near = np.abs(upright[:, 1] - y) < 0.02 * np.ptp(upright[:, 1])
    return float(np.ptp(upright[near, 0]))


def _legs(lying: Lying, scale: float) -> tuple[_Leg, _Leg]:
    """Both halves in the photo, the inseams carried on up to where the crotch must be."""
    parting = lying.at(L.CROTCH)
    inseams = [lying.line(L.LEG_LEFT_INNER, L.CROTCH)[::-1], lying.line(L.CROTCH, L.LEG_RIGHT_INNER)]
    inseam_m = scale * max(_length(line) for line in inseams)
    rise_m = -float(parting[1]) * scale
    deepest = float(np.interp(rise_m, DEEP_RISES_M, (DEEP_RISES_M[0], USUAL_RISE_M)))
    wanted = min(rise_m, deepest, max(rise_m + inseam_m - SHORTEST_INSEAM_M, SHORTEST_RISE_M))
    sides = [lying.line(L.WAIST_LEFT, L.LEG_LEFT_OUTER), lying.line(L.LEG_RIGHT_OUTER, L.WAIST_RIGHT)[::-1]]
    if rise_m - wanted > 1e-6:
        top_y = -wanted / scale
        middle = np.mean([np.interp(-top_y, -np.minimum.accumulate(side[:, 1]), side[:, 0]) for side in sides])
        crotch = np.array([middle, top_y])
        inseams = [np.concatenate([crotch[None], line]) for line in inseams]
    left, right = (_leg(side, inseam) for side, inseam in zip(sides, inseams, strict=True))
    return left, right


def _leg(side: Float64, inseam: Float64) -> _Leg:
    to_go = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(side[::-1], axis=0), axis=1))][::-1]
    # At least a little of the side belongs to the trunk.
    thigh = int(np.abs(to_go - min(_length(inseam), 0.85 * to_go[0])).argmin())
    return _Leg(side, inseam, int(np.clip(thigh, 2, len(side) - 3)))


def _weight(left: _Leg, right: _Leg) -> float:
    """How much the left half counts for the pattern: half, or all or nothing where one leg is folded or hidden."""
    lengths, hems = (_length(left.outer), _length(right.outer)), (left.widths[-1], right.widths[-1])
    if max(lengths) > OTHER_LENGTH * min(lengths):
        return float(lengths[0] > lengths[1])
    if max(hems) > OTHER_WIDTH * min(hems):
        return float(left.widths.mean() > right.widths.mean())
    return 0.5


def _check(leg: _Leg, lying: Lying, category: Category) -> None:
    """Refuse what has not the proportions of trousers lying flat.

    Raises:
        PhotoNotUsable: A proportion is outside its limits.
    """
    waist = float(lying.at(L.WAIST_LEFT)[0] - lying.at(L.WAIST_RIGHT)[0])
    measures = (
        ("side's length against the waist's width", _length(leg.outer) / waist, 0.35, 6.0),
        ("thigh's width against the waist's", leg.widths[0] / waist, 0.3, 1.6),
        ("hem's width against the thigh's", leg.widths[-1] / leg.widths[0], 0.2, 2.2),
    )
    for what, value, low, high in measures:
        if not low <= value <= high:
            raise PhotoNotUsable(
                f"the {what} is {value:.2f}, outside {low:g} to {high:g} of {category.value} lying flat: "
                f"{waisted.LAY_FLAT}; spread the legs a little",
                metadata={"measure": what, "value": f"{value:.3f}"},
            )


def _cut(garment: GarmentInput, lying: Lying, legs: tuple[_Leg, _Leg], scale: float, measures: Measures) -> _Cut:
    weight = _weight(*legs)
    down = np.linspace(0, 1, LINE_POINTS)
    middle = down * legs[0].inner[0, 0]
    trunks = [resampled(leg.outer[: leg.thigh + 1], LINE_POINTS) for leg in legs]
    halves = [np.abs(trunk[:, 0] - middle) for trunk in trunks]
    shares = (weight, 1 - weight)
    half = scale * np.average(halves, axis=0, weights=shares)
    widths = scale * np.average([leg.widths for leg in legs], axis=0, weights=shares)
    side = -scale * float(np.average([trunk[-1, 1] for trunk in trunks], weights=shares))
    inseam = scale * float(np.average([leg.length for leg in legs], weights=shares))
    # Where the legs lie apart, the thighs lie farther out than they are wide.
    half = half + down**2 * (widths[0] - half[-1])
    rise = -scale * float(legs[0].inner[0, 1])
    return _Cut(
        waist=waisted.waist_line(lying, float(half[0]), scale),
        half_widths=waisted.drawn(half, TRUNK_DEGREE),
        rise=rise,
        inseam=_leg_length(garment, inseam, float(widths[-1]), measures),
        widths=waisted.drawn(widths, LEG_DEGREE if inseam > LONG_LEG_M else SHORT_LEG_DEGREE),
        slant=float(np.clip((rise - side) / widths[0], 0.0, np.sin(np.radians(MOST_SLANT_DEGREES)))),
    )


def _leg_length(garment: GarmentInput, inseam: float, hem: float, measures: Measures) -> float:
    """Length of the inseam on this body.

    Args:
        garment: Whose passport may say that its legs are of full length.
        inseam: In the photo, metres.
        hem: Width of the hem, metres.
        measures: The body's.
    """
    longest = measures.crotch_height_m - float(np.interp(2 * hem, HEM_GIRTHS_M, HEM_HEIGHTS_M))
    geometry = garment.passport.geometry
    full = geometry is not None and geometry.leg.value is LegLength.FULL and inseam >= LONG_INSEAM_M
    if full:
        return longest
    known = waisted.known_pixel_m(garment.passport, 1.0) is not None
    graded = inseam if known else inseam * waisted.length_grade(measures)
    return float(np.clip(graded, SHORTEST_INSEAM_M, longest))


def _border(cut: _Cut) -> tuple[Stretch, ...]:
    """The pattern's border: legs are straight, at right angles to the line from crotch to thigh."""
    down = np.linspace(0, 1, LINE_POINTS)
    least = np.sin(np.radians(LEAST_SLANT_DEGREES))
    for slant in np.arange(max(cut.slant, least), np.sin(np.radians(MOST_SLANT_DEGREES)) + 0.02, 0.02):
        across = np.array([np.sqrt(1 - slant**2), slant])
        along = np.array([across[1], -across[0]])
        crotch = np.array([0.0, -cut.rise])
        middle = crotch + cut.widths[0] / 2 * across + cut.inseam * down[:, None] * along
        inner = middle - cut.widths[:, None] / 2 * across
        if (inner[down > APART_FROM, 0] > LEGS_APART_M).all():
            break
    outer = middle + cut.widths[:, None] / 2 * across
    trunk = np.stack([cut.half_widths + down**2 * (outer[0, 0] - cut.half_widths[-1]), down * outer[0, 1]], axis=1)
    left = (
        (Role.SIDE, np.concatenate([trunk, outer[1:]])),
        (Role.CUFF, np.stack([outer[-1], inner[-1]])),
        (Role.INSEAM, inner[::-1]),
    )
    return (
        Stretch(Role.WAIST, Side.MIDDLE, cut.waist),
        *(Stretch(role, Side.LEFT, line) for role, line in left),
        *(Stretch(role, Side.RIGHT, line[::-1] * (-1.0, 1.0)) for role, line in reversed(left)),
    )


def _laid(
    cut: _Cut, border: tuple[Stretch, ...], lying: Lying, legs: tuple[_Leg, _Leg], scale: float
) -> RigidWarp | Mirrored:
    """Where the pattern lies in the photo; the half that counts for both lies there twice."""
    weight, to_photo = _weight(*legs), lying.frame.to_photo
    waist = lying.outline.between(L.WAIST_RIGHT, L.WAIST_LEFT)
    lines, photo = [cut.waist], [waist]
    for side, leg, share in ((Side.LEFT, legs[0], weight), (Side.RIGHT, legs[1], 1 - weight)):
        if share == 0:
            continue
        way = slice(None) if side is Side.LEFT else slice(None, None, -1)
        found = {stretch.role: stretch.line[way] for stretch in border if stretch.side is side}
        seam, hem = found[Role.SIDE], [L[f"LEG_{side.name}_{end}"] for end in ("OUTER", "INNER")][way]
        lines += [seam[:LINE_POINTS], seam[LINE_POINTS - 1 :], found[Role.CUFF], found[Role.INSEAM]]
        photo += [to_photo(leg.outer[: leg.thigh + 1]), to_photo(leg.outer[leg.thigh :])]
        photo += [lying.outline.between(*hem)[way], to_photo(leg.inner[::-1])]
    if weight != 0.5:
        lines.append(np.array([[0.0, cut.waist[LINE_POINTS // 2, 1]], [0.0, -cut.rise]]))
        photo.append(to_photo(np.stack([np.zeros(2), legs[0].inner[0]])))
    warp = waisted.laid([stretch.line for stretch in border], lines, photo, (scale, scale))
    return warp if weight == 0.5 else Mirrored(warp, 2 * weight - 1)


def _length(line: Float64) -> float:
    return float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())
