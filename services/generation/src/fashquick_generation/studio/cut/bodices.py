"""A bodice's upper edge and its straps, from measures: see `straps`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut.fit import Cut
from fashquick_generation.studio.cut.measuring import Seen
from fashquick_generation.studio.cut.outline import resampled
from fashquick_generation.studio.cut.warp import Trace

POINTS = 60
"""Of a drafted line."""
FIRM = 2.0
"""How firmly the upper edge is held to the one seen."""
DEEPEST_M = 0.08
"""How far the upper edge dips between the straps: deeper ones show what lies inside."""
CORNER_M = 0.015
"""How far an edge may lie beyond the straight line from strap to armhole's end and still be followed."""
LEAST_M = 0.015
"""Length under which a piece of an edge is not held."""


@dataclass(frozen=True, slots=True)
class Bodice:
    """Its lines and where the photo shows them.

    Attributes:
        neck: Mx2 float64, metres, from the right strap's upper end along its inner edge, the bodice's upper edge and
            the left strap's inner edge.
        armhole: Mx2 float64, metres, from the left strap's upper end along its outer edge to the armhole's end.
        traces: Of the bodice; straps lie anyhow in a photo.
    """

    neck: Float64
    armhole: Float64
    traces: tuple[Trace, ...]


def drafted(top: Seen, cut: Cut, sewn: Float64) -> Bodice:
    """The bodice of a cut.

    Args:
        top: The garment in its photo.
        cut: Its measures.
        sewn: 2 float64, metres: where the left strap's middle is sewn on, from the middle and down.
    """
    inner, outer = sewn[0] - (cut.tip[0] - cut.neck) / 2, sewn[0] + (cut.tip[0] - cut.neck) / 2
    armpit, joint = cut.armpit * (1, -1), sewn * (1, -1)
    under = [half.under.line for half in (top.left, top.right)]
    below = np.mean([_between(resampled(line, POINTS), joint, armpit) for line in under], axis=0)
    way = armpit - joint
    outward = np.array([-way[1], way[0]]) / max(float(np.linalg.norm(way)), 1e-9)
    beyond = np.maximum((below - joint) @ outward, 0.0)
    # A corner that stands out where the arm is, is cut off.
    below = below - beyond[:, None] * outward
    cornered = float(beyond.max()) > CORNER_M
    beside = below[:, 0] > outer
    armhole = np.concatenate([[[outer, joint[1]]], below[beside]])
    upper = top.frame.inward(resampled(top.neck.front_edge, 2 * POINTS + 1))
    across = _level(upper, sewn, float(cut.m_per_px[0]))
    even = (across + across[::-1] * (-1, 1)) / 2
    dip = joint[1] - even[:, 1]
    even[:, 1] = joint[1] - dip * min(1.0, DEEPEST_M / max(float(dip.max()), 1e-9))
    among = np.abs(even[:, 0]) < inner
    ends = np.array([[-inner, joint[1]], [inner, joint[1]]])
    edge = np.concatenate([ends[:1], even[among], ends[1:]])
    straps = np.array([[-cut.neck, 0.0], [cut.neck, 0.0]])
    traces = (
        [Trace(even[among], resampled(top.neck.front_edge, 2 * POINTS + 1)[among], FIRM)] if among.sum() > 1 else []
    )
    for half, sign in ((top.left, 1.0), (top.right, -1.0)):
        line = resampled(half.under.line, POINTS)[beside]
        if half.under.seen and not cornered and len(line) > 1 and _length(below[beside]) > LEAST_M:
            traces.append(Trace(below[beside] * (sign, 1), top.frame.outward(line, sign), FIRM))
    return Bodice(
        resampled(np.concatenate([straps[:1], edge, straps[1:]]), 4 * POINTS),
        resampled(np.concatenate([[cut.tip * (1, -1)], armhole]), 2 * POINTS),
        tuple(traces),
    )


def _length(line: Float64) -> float:
    return float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())


def _between(line: Float64, first: Float64, last: Float64) -> Float64:
    """A line (Mx2), stretched so that it goes from one point to another."""
    span = line[-1] - line[0]
    t = np.linspace(0, 1, len(line))[:, None]
    way = last - first
    bent = (line - (line[0] + t * span)) * float(np.linalg.norm(way) / max(_length(line), 1e-9))
    out: Float64 = first + t * way + bent
    return out


def _level(upper: Float64, sewn: Float64, m_per_px: float) -> Float64:
    """The upper edge (Mx2, u and v, from right to left) in metres, its ends level and where straps are sewn on."""
    t = np.linspace(0, 1, len(upper))[:, None]
    chord = upper[0] + t * (upper[-1] - upper[0])
    along = sewn * (-1, -1) + t * (sewn * (1, -1) - sewn * (-1, -1))
    out: Float64 = along + (upper - chord) * m_per_px
    return out
