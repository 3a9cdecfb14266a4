"""Clean patterns of garments that hang from the shoulders, and how they lie in the photo.

The photo's outline wobbles, its sleeves hang or are bent, and one side is longer than the other. So the garment is
measured, a symmetric pattern is drafted to its measures, and the photo lends its pixels through a smooth warp.
"""

from __future__ import annotations

import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import Category, Passport, SleeveLength
from fashquick_generation.engine import GarmentInput
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut import bodices, gates
from fashquick_generation.studio.cut.collar import collar_of
from fashquick_generation.studio.cut.fit import Cut, SleeveCut, fitted
from fashquick_generation.studio.cut.marks import Edge
from fashquick_generation.studio.cut.measuring import Half, Seen, measured, seen
from fashquick_generation.studio.cut.outline import resampled
from fashquick_generation.studio.cut.pattern import Family, Pattern, Role, Side, Stretch
from fashquick_generation.studio.cut.warp import Trace, rigid_warp
from fashquick_generation.studio.figure.measures import Measures

POINTS = 60
"""Of a drafted line."""
BACK_NECK_M = (0.008, 0.10)
"""Depth of the back's neckline."""
TIP_ROUNDING_M = 0.05
"""Length over which the shoulder seam turns into the sleeve's upper edge."""
HOLLOW = 0.22
"""How far an armhole is cut into the trunk, as a share of its length."""
ALWAYS_SLEEVELESS = frozenset({Category.VEST, Category.SLEEVELESS_TOP})
LONG = frozenset({Category.DRESS, Category.COAT})
MAY_BE_SLEEVELESS = frozenset({Category.DRESS, Category.SHIRT})
"""Kinds whose sleeves the passport tells."""
USUAL_SLEEVES = {Category.T_SHIRT: SleeveLength.SHORT, Category.DRESS: SleeveLength.NONE}
"""Where the passport does not tell; long for all other kinds."""
SURE = 0.5
"""Confidence from which the passport's answer is taken."""
SAME_LENGTH = (0.55, 1.8)
"""Length of an edge in the photo over its length in the pattern, between which it is the same edge."""
NECK_FIRM = 2.0
"""How firmly the front's edge at the neck is held to the one seen."""


def drafted(garment: GarmentInput, category: Category, measures: Measures, cancel: CancelFlag) -> Pattern:
    """The pattern of a garment that hangs from the shoulders.

    Args:
        garment: Photo, alpha and passport.
        category: What it is.
        measures: The body's.
        cancel: Checked between steps.

    Raises:
        BadMask: The alpha is empty or full.
        PhotoNotUsable: The garment's shape in this photo cannot be worn.
    """
    sleeves = sleeves_of(garment.passport, category)
    top = seen(garment, sleeves=sleeves, long=category in LONG, cancel=cancel)
    shape = measured(top)
    gates.check_shape(shape, category)
    cut = fitted(shape, category, sleeves, measures, garment)
    cancel.check()
    half = _half(cut)
    edge: Float64 | None = None
    if cut.sewn is None:
        edge = _front_edge(top, cut)
        stretches = _stretches(half, _back_neck(top, cut), _hem(cut))
        held = [*_traces(half, top, cut), Trace(edge, resampled(top.neck.front_edge, len(edge)), NECK_FIRM)]
    else:
        bodice = bodices.drafted(top, cut, cut.sewn)
        half |= {Role.ARMHOLE: bodice.armhole}
        stretches = _stretches(half, bodice.neck, _hem(cut))
        held = [*_traces(half, top, cut), *bodice.traces]
    warp = rigid_warp(
        [stretch.line for stretch in stretches], held, (1 / float(cut.m_per_px[0]), 1 / float(cut.m_per_px[1]))
    )
    cancel.check()
    gates.check_warp(warp)
    size = float(cut.m_per_px.mean())
    return Pattern(Family.TOP, stretches, edge, top.outline, warp, size, collar_of(top.neck, size))


def sleeves_of(passport: Passport, category: Category) -> SleeveLength:
    """What sleeves a garment has."""
    if category in ALWAYS_SLEEVELESS:
        return SleeveLength.NONE
    answer = None if passport.geometry is None else passport.geometry.sleeve
    usual = USUAL_SLEEVES.get(category, SleeveLength.LONG)
    if answer is None or answer.value is None or answer.confidence < SURE:
        return usual
    if answer.value is SleeveLength.NOT_APPLICABLE:
        return usual
    if answer.value is SleeveLength.NONE and category not in MAY_BE_SLEEVELESS:
        return usual
    return answer.value


def _half(cut: Cut) -> dict[Role, Float64]:
    """Lines of the left half, each from the neck down, metres."""
    neck, tip, armpit = np.array([cut.neck, 0.0]), cut.tip * (1, -1), cut.armpit * (1, -1)
    lines: dict[Role, Float64] = {}
    if cut.sleeve is None:
        lines[Role.SHOULDER] = resampled(np.stack([neck, tip]), POINTS)
        lines[Role.ARMHOLE] = _armhole(tip, armpit)
    else:
        over, cuff, under = _sleeve(tip, armpit, cut.sleeve)
        lines[Role.SHOULDER] = _rounded(neck, tip, over)
        lines[Role.CUFF] = cuff
        lines[Role.UNDERARM] = under
    heights = np.linspace(armpit[1], -cut.length, len(cut.widths))
    lines[Role.SIDE] = resampled(np.stack([cut.widths, heights], axis=1), POINTS)
    return lines


def _sleeve(tip: Float64, armpit: Float64, sleeve: SleeveCut) -> tuple[Float64, Float64, Float64]:
    """End of the upper edge, the cuff and the lower edge from the cuff to the armpit."""
    over = tip + sleeve.length * sleeve.along
    root = float((armpit - tip) @ sleeve.along)
    along = np.linspace(root, sleeve.length, len(sleeve.widths))
    lower = tip + along[:, None] * sleeve.along + sleeve.widths[:, None] * sleeve.under
    lower[0] = armpit
    return over, resampled(np.stack([over, lower[-1]]), POINTS), resampled(lower[::-1], POINTS)


def _rounded(neck: Float64, tip: Float64, over: Float64) -> Float64:
    """From the neck over the tip to the cuff, its corner rounded by a quadratic Bezier curve."""
    before, after = (end - tip for end in (neck, over))
    first, last = (
        tip + min(TIP_ROUNDING_M, 0.45 * float(np.linalg.norm(way))) * way / np.linalg.norm(way)
        for way in (before, after)
    )
    t = np.linspace(0, 1, 12)[:, None]
    bend = (1 - t) ** 2 * first + 2 * t * (1 - t) * tip + t**2 * last
    return resampled(np.concatenate([neck[None], bend, over[None]]), 2 * POINTS)


def _armhole(tip: Float64, armpit: Float64) -> Float64:
    """From the shoulder's tip to the armpit: down first, then outward."""
    t = np.linspace(0, 1, POINTS)[:, None]
    corner = np.array(
        [min(tip[0], armpit[0]) - HOLLOW * abs(tip[1] - armpit[1]), armpit[1] + 0.25 * (tip[1] - armpit[1])]
    )
    return resampled((1 - t) ** 2 * tip + 2 * t * (1 - t) * corner + t**2 * armpit, POINTS)


def _hem(cut: Cut) -> Float64:
    """From the left hem corner to the right one."""
    x = np.linspace(1, -1, POINTS)
    y = -cut.length - (1 - x**2) * (cut.sag[0] + cut.sag[1] * x**2)
    return np.stack([x * cut.widths[-1], y], axis=1)


def _back_neck(top: Seen, cut: Cut) -> Float64:
    """From the right neck point to the left one."""
    line = top.frame.inward(top.neck.back_edge)
    deep = (line[[0, -1], 1].mean() - line[:, 1].min()) * float(cut.m_per_px[1])
    x = np.linspace(-1, 1, POINTS)
    return np.stack([x * cut.neck, -float(np.clip(deep, *BACK_NECK_M)) * (1 - x**2)], axis=1)


def _front_edge(top: Seen, cut: Cut) -> Float64:
    """The front's edge at the neck, both halves averaged, from the right neck point to the left one."""
    line = resampled(top.frame.inward(top.neck.front_edge), 2 * POINTS + 1)
    t = np.linspace(0, 1, len(line))[:, None]
    away = line - (line[0] + t * (line[-1] - line[0]))
    away[:, 0] += (t[:, 0] - 0.5) * (line[-1, 0] - line[0, 0])
    away *= (cut.neck / max(float(away[-1, 0]), 1e-6), float(cut.m_per_px[1]))
    even: Float64 = (away + away[::-1] * (-1, 1)) / 2
    return even


def _stretches(half: dict[Role, Float64], back_neck: Float64, hem: Float64) -> tuple[Stretch, ...]:
    """The border, clockwise as seen in the photo, from the left half's lines."""
    left = [Stretch(role, Side.LEFT, line) for role, line in half.items()]
    right = [Stretch(role, Side.RIGHT, (line * (-1, 1))[::-1]) for role, line in reversed(half.items())]
    return (Stretch(Role.NECK, Side.MIDDLE, back_neck), *left, Stretch(Role.HEM, Side.MIDDLE, hem), *right)


def _traces(half: dict[Role, Float64], top: Seen, cut: Cut) -> list[Trace]:
    """Where the photo shows the pattern's lines."""
    traces = []
    for of, sign in ((top.left, 1.0), (top.right, -1.0)):
        for metres, seen_px in _pairs(half, of, cut):
            pixels = top.frame.outward(resampled(seen_px, len(metres)), sign)
            traces.append(Trace(metres * (sign, 1), pixels))
    if top.hem.seen:
        hem = _hem(cut)
        traces.append(Trace(hem, top.frame.outward(resampled(top.hem.line, len(hem)))))
    return traces


def _pairs(half: dict[Role, Float64], of: Half, cut: Cut) -> list[tuple[Float64, Float64]]:
    """Lines of the pattern's left half with those of half a photo that show them."""
    tip = cut.tip * (1, -1)
    over = half[Role.SHOULDER]
    bend = int(np.linalg.norm(over - tip, axis=1).argmin())
    edges = [(over[: bend + 1], of.shoulder), (half[Role.SIDE], of.side)]
    if cut.sleeve is None and cut.sewn is None:
        edges.append((half[Role.ARMHOLE], of.under))
    elif of.over is not None and of.cuff is not None:
        edges += [(over[bend:], of.over), (half[Role.CUFF], of.cuff), (half[Role.UNDERARM], of.under)]
    return [
        (metres, edge.line) for metres, edge in edges if edge.seen and len(metres) > 1 and _as_long(metres, edge, cut)
    ]


def _as_long(metres: Float64, edge: Edge, cut: Cut) -> bool:
    """Whether the photo shows all of a line: not the folds of a sleeve that hangs."""
    cut_m = float(np.linalg.norm(np.diff(metres, axis=0), axis=1).sum())
    low, high = SAME_LENGTH
    return low * cut_m < edge.length * float(cut.m_per_px.mean()) < high * cut_m
