"""What must hold before and after the simulation for a picture to be worth showing."""

from __future__ import annotations

import numpy as np

from fashquick_common.errors import PhotoNotUsable, SimulationFailed
from fashquick_common.garment import Category
from fashquick_common.garment import LandmarkName as L
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.outline import Outline

LONGEST_SLEEVE = {Category.T_SHIRT: 1.0, Category.LONG_SLEEVE: 2.6}
"""Length from neck to cuff over the chest's width: elbow-length on a wide T-shirt, down to the hand on a slim top."""
MAX_TILT_DEGREES = 40.0
"""More than a carelessly placed garment; less than one lying on its side."""
MAX_STRETCH_P99 = 2.2
"""Cloth may give way to a limb wider than a sleeve looks in a photo taken at a slant, but not by more than this."""
MAX_STRETCH_P99_LONG = 1.65
"""The same for long sleeves: what pulls harder there is a sleeve that lies doubled or crossed in the photo, and tears
open along the arm."""
MAX_TENSION_P99 = 1.4
"""Cloth pulled harder than this, after it has given way, is torn or caught; worn T-shirts stay under 1.2."""
MAX_TENSION_MEDIAN = 1.05
MAX_BARE = 0.10
"""Share of an arm inside a sleeve's span that may be bare: a sleeve that is whole covers all but its folds."""
MAX_BARE_CHEST = 0.05
"""Share of the chest's skin; on tops that are whole it is 0."""
MAX_COLLAR_RISE_M = 0.03
"""Ribbed collars rise up to 2 cm over the points beside the neck; what rises more (turtlenecks, hoods, a hanger left
in the mask) reaches the chin."""

LAY_FLAT = "lay the garment flat with its sleeves spread out and take the photo from straight above"


def check_proportions(outline: Outline, category: Category) -> None:
    """Refuse an outline that is not that of a T-shirt or long-sleeved top lying flat.

    Limits are wide: from baby tees to oversized ones, photographed at a slant.

    Args:
        outline: The garment's.
        category: One of `LONGEST_SLEEVE`.

    Raises:
        PhotoNotUsable: A proportion is outside its limits.
    """
    chest = float(np.linalg.norm(outline.at(L.ARMPIT_LEFT) - outline.at(L.ARMPIT_RIGHT)))
    neck, hem = (_middle(outline, *pair) for pair in ((L.NECK_LEFT, L.NECK_RIGHT), (L.HEM_LEFT, L.HEM_RIGHT)))
    across = outline.at(L.ARMPIT_LEFT) - outline.at(L.ARMPIT_RIGHT)
    down = hem - neck
    tilt = abs(float(np.degrees(np.arctan2(down[0], down[1]))))
    if tilt > MAX_TILT_DEGREES:
        raise PhotoNotUsable(f"the garment lies {tilt:.0f} degrees askew in the photo; turn the photo upright")
    skew = abs(float(np.dot(across, down)) / (chest * np.linalg.norm(down) + 1e-9))
    sleeves = [_sleeve(outline, side) for side in ("LEFT", "RIGHT")]
    measures = (
        ("length from neck to hem against the chest's width", np.linalg.norm(down) / chest, 0.75, 2.3),
        ("neck's width against the chest's", _width(outline, L.NECK_LEFT, L.NECK_RIGHT) / chest, 0.15, 0.75),
        ("hem's width against the chest's", _width(outline, L.HEM_LEFT, L.HEM_RIGHT) / chest, 0.65, 1.7),
        ("armpits' height above the hem against the chest's width", _drop(outline) / chest, 0.25, 1.9),
        ("slant between the armpits and the middle line", skew, 0.0, 0.35),
        ("longer sleeve against the shorter", max(sleeves) / max(min(sleeves), 1e-9), 1.0, 1.9),
        ("sleeve's length against the chest's width", max(sleeves) / chest, 0.12, LONGEST_SLEEVE[category]),
    )
    for what, value, low, high in measures:
        if not low <= value <= high:
            raise PhotoNotUsable(
                f"the {what} is {value:.2f}, outside {low:g} to {high:g} of a {category.value} lying flat: {LAY_FLAT}",
                metadata={"measure": what, "value": f"{value:.3f}"},
            )


def check_stretch(stretch: Float64, tension: Float64, *, long_sleeves: bool) -> dict[str, float]:
    """Refuse cloth that is torn, caught or gone.

    Args:
        stretch: E float64, length of each cloth edge over its length in the pattern.
        tension: E float64, the same over its length after the cloth has given way.
        long_sleeves: Whether the sleeves reach over the elbow.

    Returns:
        The measures, as facts of the picture.

    Raises:
        SimulationFailed: A measure is over its limit or not a number.
    """
    if not (np.isfinite(stretch).all() and np.isfinite(tension).all()):
        raise SimulationFailed("the cloth simulation diverged; send a photo of the garment lying flat, or another body")
    limits = (
        ("stretch_p99", float(np.percentile(stretch, 99)), MAX_STRETCH_P99_LONG if long_sleeves else MAX_STRETCH_P99),
        ("tension_p99", float(np.percentile(tension, 99)), MAX_TENSION_P99),
        ("tension_median", float(np.median(tension)), MAX_TENSION_MEDIAN),
    )
    facts = {name: value for name, value, _ in limits}
    for name, value, limit in limits:
        if value > limit:
            raise SimulationFailed(
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


def check_collar(rise_m: float) -> dict[str, float]:
    """Refuse a garment that stands up before the face.

    The studio knows no hoods and no collars that stand; cut from such a photo they would hide the chin.

    Args:
        rise_m: Metres from the lower neck point, where collar and shoulder seam meet, up to the highest point of
            the cloth.

    Returns:
        The measure, as a fact of the picture.

    Raises:
        PhotoNotUsable: The cloth rises too high.
    """
    if rise_m > MAX_COLLAR_RISE_M:
        raise PhotoNotUsable(
            f"something stands {rise_m * 100:.0f} cm up over the neckline: collars that stand, turtlenecks and hoods "
            "are not dressed yet; if it is a hanger or a fold, take it away and take the photo again",
            metadata={"collar_rise_m": f"{rise_m:.3f}"},
        )
    return {"collar_rise_m": rise_m}


def _middle(outline: Outline, a: L, b: L) -> Float64:
    middle: Float64 = (outline.at(a) + outline.at(b)) / 2
    return middle


def _width(outline: Outline, a: L, b: L) -> float:
    return float(np.linalg.norm(outline.at(a) - outline.at(b)))


def _drop(outline: Outline) -> float:
    return float(
        np.linalg.norm(_middle(outline, L.HEM_LEFT, L.HEM_RIGHT) - _middle(outline, L.ARMPIT_LEFT, L.ARMPIT_RIGHT))
    )


def _sleeve(outline: Outline, side: str) -> float:
    neck = outline.at(L[f"NECK_{side}"])
    return float(np.linalg.norm(outline.at(L[f"CUFF_{side}_UPPER"]) - neck))
