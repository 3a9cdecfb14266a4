"""What must hold of a garment's photo for a pattern to be cut from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fashquick_common.errors import PhotoNotUsable
from fashquick_common.garment import Category

if TYPE_CHECKING:
    from fashquick_generation.studio.cut.measuring import Shape
    from fashquick_generation.studio.cut.warp import RigidWarp

LAY_FLAT = "lay the garment flat with its sleeves spread out and take the photo from straight above"
MOST_FOLDED = 0.12
"""Share of the pattern that may lie upside down in the photo: a crumpled sleeve's, not a trunk's."""


def check_shape(shape: Shape, category: Category) -> None:
    """Refuse an outline that is not that of a garment of the kind.

    Limits are wide: from baby tees to long coats, photographed at a slant.

    Args:
        shape: The garment's measures.
        category: What it should be.

    Raises:
        PhotoNotUsable: A proportion is outside its limits.
    """
    chest = 2 * float(shape.armpit[0])
    measures = (
        ("length against the chest's width", shape.length / chest, 0.6, 4.5),
        ("neck's width against the chest's", 2 * shape.neck / chest, 0.08, 0.95),
        ("hem's width against the chest's", float(shape.widths[-1] / shape.widths[0]), 0.45, 4.0),
        ("armpits' depth against the length", float(shape.armpit[1]) / max(shape.length, 1e-9), 0.05, 0.8),
    )
    for what, value, low, high in measures:
        if not (np.isfinite(value) and low <= value <= high):
            raise PhotoNotUsable(
                f"the {what} is {value:.2f}, outside {low:g} to {high:g} of a {category.value} lying flat: {LAY_FLAT}",
                metadata={"measure": what, "value": f"{value:.3f}"},
            )


def check_warp(warp: RigidWarp) -> None:
    """Refuse a photo whose outline does not go around the garment as its pattern does.

    Raises:
        PhotoNotUsable: Too much of the pattern lies upside down in it.
    """
    if warp.folded > MOST_FOLDED:
        raise PhotoNotUsable(
            f"{warp.folded:.0%} of the garment lies folded over itself in the photo: {LAY_FLAT}",
            metadata={"folded": f"{warp.folded:.3f}"},
        )
