"""What must hold of a garment's photo for a pattern to be cut from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from fashquick_common.errors import PhotoNotUsable
from fashquick_common.garment import Category
from fashquick_generation.studio.arrays import Float64, UInt8

if TYPE_CHECKING:
    from fashquick_generation.studio.cut.measuring import Shape
    from fashquick_generation.studio.cut.warp import RigidWarp

LAY_FLAT = "lay the garment flat with its sleeves spread out and take the photo from straight above"
SMALLEST_PX = 48
"""Fewer pixels show no corners."""
RECTANGLE = 0.975
"""Share of its smallest box that a garment never fills: sleeves, neck and hem are cut off."""
MOST_RAGGED = 2.0
"""Length of an outline over that of a thread pulled tight around it; garments with spread sleeves stay under 1.7."""
LEAST_ALIKE = 0.58
"""Overlap of both halves; tops with one sleeve folded away have 65 % and more."""
MOST_FOLDED = 0.12
"""Share of the pattern that may lie upside down in the photo: a crumpled sleeve's, not a trunk's."""


def check_outline(line: Float64, mask: UInt8) -> None:
    """Refuse an outline too small to measure, a plain rectangle, or one as ragged as noise.

    Args:
        line: Nx2 float64, pixels.
        mask: HxW uint8, 1 within it.

    Raises:
        PhotoNotUsable: It is.
    """
    size = np.ptp(line, axis=0) if len(line) else np.zeros(2)
    if not size.min() >= SMALLEST_PX:
        raise PhotoNotUsable(
            f"the garment is {size[0]:.0f}x{size[1]:.0f} pixels in the photo; take it from closer, at least "
            f"{SMALLEST_PX} pixels each way",
            metadata={"pixels": f"{size.min():.0f}"},
        )
    _, (across, along), _ = cv2.minAreaRect(line.astype(np.float32))
    filled = float(mask.sum()) / max(across * along, 1.0)
    if filled > RECTANGLE:
        raise PhotoNotUsable(
            f"the mask is a rectangle ({filled:.1%} of its box is marked), not a garment's outline: send the mask of "
            "the garment alone",
            metadata={"filled": f"{filled:.3f}"},
        )
    points = line.astype(np.float32)
    ragged = cv2.arcLength(points, True) / cv2.arcLength(cv2.convexHull(points), True)
    if ragged > MOST_RAGGED:
        raise PhotoNotUsable(
            f"the mask's outline is {ragged:.1f} times as long as a thread around it, at most {MOST_RAGGED:g}, like "
            "noise: send the mask of the garment alone",
            metadata={"ragged": f"{ragged:.3f}"},
        )


def check_symmetry(left: Float64, right: Float64) -> None:
    """Refuse an outline whose halves are not alike: no top lying flat with its front up.

    Args:
        left: How far it reaches to the left of its middle line in each row, pixels.
        right: Likewise to the right.

    Raises:
        PhotoNotUsable: They are not alike.
    """
    both = np.isfinite(left) & np.isfinite(right)
    narrow, wide = np.minimum(left, right)[both].clip(0), np.maximum(left, right)[both].clip(0)
    alike = float(narrow.sum() / max(float(wide.sum()), 1e-9))
    if alike < LEAST_ALIKE:
        raise PhotoNotUsable(
            f"the two halves of the outline are not alike ({alike:.0%}, at least {LEAST_ALIKE:.0%}), as if the garment "
            f"were seen from the side or rolled up: {LAY_FLAT}",
            metadata={"alike": f"{alike:.3f}"},
        )


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
