"""What must hold after the simulation for a picture to be worth showing."""

from __future__ import annotations

import numpy as np

from fashquick_common.errors import PhotoNotUsable, SimulationFailed
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut.gates import LAY_FLAT

MAX_STRETCH_P99 = 2.2
"""Cloth may give way to a limb wider than a sleeve looks in a photo taken at a slant, but not by more than this."""
MAX_STRETCH_P99_LONG = 1.65
"""The same for long sleeves: what pulls harder there is a sleeve that lies doubled or crossed in the photo, and tears
open along the arm."""
MAX_TENSION_P99 = 1.4
"""Cloth pulled harder than this, after it has given way, is torn or caught; worn T-shirts stay under 1.2."""
MAX_TENSION_MEDIAN = 1.05
FARTHEST_M = 3.0
"""Distance from the middle of the floor that no cloth on a figure reaches."""
MAX_BARE = 0.10
"""Share of an arm inside a sleeve's span that may be bare: a sleeve that is whole covers all but its folds."""
MAX_BARE_CHEST = 0.12
"""Share of the chest's skin: deep necklines leave up to 10 %."""


class Unstable(SimulationFailed):
    """The cloth flew apart: safer settings may hold it together."""


def check_motion(x: Float64) -> None:
    """Stop a simulation that explodes, within a frame.

    Args:
        x: Vx3 float64 metres, where the cloth is.

    Raises:
        Unstable: It is nowhere, or flies away from the figure.
    """
    # Not a number is not less than anything.
    if not float(np.abs(x).max()) < FARTHEST_M:
        raise Unstable(
            f"the cloth simulation diverged: cloth flew more than {FARTHEST_M:g} m away, or nowhere; send a photo of "
            "the garment lying flat, or choose another body or pose"
        )


def check_stretch(stretch: Float64, tension: Float64, *, most: float) -> dict[str, float]:
    """Refuse cloth that is torn, caught or gone.

    Args:
        stretch: E float64, length of each cloth edge over its length in the pattern.
        tension: E float64, the same over its length after the cloth has given way.
        most: Limit of the 99th percentile of `stretch`.

    Returns:
        The measures, as facts of the picture.

    Raises:
        SimulationFailed: A measure of `stretch` is over its limit.
        Unstable: One of `tension` is.
    """
    limits = (
        ("stretch_p99", float(np.percentile(stretch, 99)), most),
        ("tension_p99", float(np.percentile(tension, 99)), MAX_TENSION_P99),
        ("tension_median", float(np.median(tension)), MAX_TENSION_MEDIAN),
    )
    facts = {name: value for name, value, _ in limits}
    for name, value, limit in limits:
        # Not a number is over no limit and under none.
        if not value <= limit:
            error = SimulationFailed if name == "stretch_p99" else Unstable
            raise error(
                f"the cloth does not fit around the body ({name.replace('_', ' ')} {value:.2f}, limit {limit:g}): "
                f"{LAY_FLAT}",
                metadata={name: f"{value:.3f}" for name, value in facts.items()},
            )
    return facts


def check_sleeves(bare: float) -> dict[str, float]:
    """Refuse a sleeve that an arm has broken through.

    Args:
        bare: Share of an arm's skin within its sleeve's span that no cloth covers.

    Returns:
        The measure, as a fact of the picture.

    Raises:
        SimulationFailed: The share is over its limit.
    """
    if bare > MAX_BARE:
        raise SimulationFailed(
            f"a sleeve does not close around its arm ({bare:.0%} of it is bare, limit {MAX_BARE:.0%}): spread the "
            "sleeves out to the sides and take the photo from straight above",
            metadata={"bare_share": f"{bare:.3f}"},
        )
    return {"bare_share": bare}


def check_chest(bare: float) -> dict[str, float]:
    """Refuse a garment that leaves the chest bare: the figure is always dressed.

    Args:
        bare: Share of the chest's skin that no cloth covers.

    Returns:
        The measure, as a fact of the picture.

    Raises:
        PhotoNotUsable: The share is over its limit.
    """
    if bare > MAX_BARE_CHEST:
        raise PhotoNotUsable(
            f"the garment would leave {bare:.0%} of the chest bare: its neckline was not told apart from what lies "
            "in it; take the photo from straight above on a plain ground of another colour",
            metadata={"bare_chest_share": f"{bare:.3f}"},
        )
    return {"bare_chest_share": bare}
