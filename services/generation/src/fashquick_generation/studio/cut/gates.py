"""What must hold in the photo for a garment to be cut from it."""

from __future__ import annotations

import numpy as np

from fashquick_common.errors import PhotoNotUsable
from fashquick_common.garment import Category
from fashquick_common.garment import LandmarkName as L
from fashquick_generation.studio.arrays import Float64
from fashquick_generation.studio.cut.outline import Outline

LONGEST_SLEEVE = {Category.T_SHIRT: 1.0, Category.LONG_SLEEVE: 2.6}
"""Length from neck to cuff over the chest's width: elbow-length on a wide T-shirt, down to the hand on a slim top."""
MAX_TILT_DEGREES = 40.0
"""More than a carelessly placed garment; less than one lying on its side."""
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
