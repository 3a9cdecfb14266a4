"""How far two palettes lie apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linprog

from fashquick_common.garment import PaletteColour
from fashquick_common.image.spaces import Floats, ciede2000, lab_of_linear, linear_of_lab

STUDIO_STOPS = 0.5  # by which a picture's light may be brighter or darker than the photo's, corrected or not


def palette_distance(wanted: Sequence[PaletteColour], shown: Sequence[PaletteColour], *, corrected: bool) -> float:
    """Area-weighted CIEDE2000 between a garment's palette and a picture's.

    The earth mover's distance (Rubner, Tomasi, Guibas, "The earth mover's distance as a metric for image retrieval",
    2000) with shares of the area as masses and CIEDE2000 as the ground distance: the mean difference of the colours
    under the matching of areas that makes it smallest. The picture's palette is first brought to the garment's mean
    luminance, by at most `STUDIO_STOPS`, where that makes it smaller: a darker studio is no other garment.

    Args:
        wanted: The garment's palette, at least one colour.
        shown: The picture's, at least one colour.
        corrected: Whether to take the garment's colours under neutral light where they are known.

    Returns:
        CIEDE2000, 0 to about 100.
    """
    want = np.array([(colour.corrected or colour).lab if corrected else colour.lab for colour in wanted])
    have = np.array([colour.lab for colour in shown])
    want_share, have_share = (_shares(palette) for palette in (wanted, shown))
    want_linear, have_linear = (np.clip(linear_of_lab(lab), 0, 1) for lab in (want, have))
    wanted_light, light = float(want_share @ want_linear.mean(axis=1)), float(have_share @ have_linear.mean(axis=1))
    stops = np.clip(np.log2((wanted_light + 1e-3) / (light + 1e-3)), -STUDIO_STOPS, STUDIO_STOPS)
    lit = lab_of_linear(have_linear * 2.0**stops)
    return min(transport(want_share, have_share, ciede2000(want[:, None], side[None])) for side in (have, lit))


def transport(supply: Floats, demand: Floats, cost: Floats) -> float:
    """Least mean cost of moving `supply` (n, sum 1) to `demand` (m, sum 1) at `cost` (n x m) a unit."""
    n, m = cost.shape
    if min(n, m) == 1:
        return float(supply @ cost @ demand)
    rows, columns = np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))
    # The last equation follows from the others; without it, rounding cannot make them contradict each other.
    result = linprog(
        cost.ravel(),
        A_eq=np.vstack([rows, columns[:-1]]),
        b_eq=np.concatenate([supply, demand[:-1]]),
        bounds=(0, None),
        method="highs",
    )
    # Sums that differ by rounding make no plan infeasible, but a solver may say so: the independent plan always is one.
    return float(result.fun) if result.success else float(supply @ cost @ demand)


def _shares(palette: Sequence[PaletteColour]) -> Floats:
    share = np.array([max(0.0, colour.share) for colour in palette])
    total = float(share.sum())
    return share / total if total > 0 else np.full(len(share), 1 / len(share))
