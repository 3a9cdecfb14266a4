"""Companion clothes: the neutral garments that dress the figure wherever the photographed ones leave it bare."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from fashquick_common.garment import Category


class Companion(StrEnum):
    """A plain garment of the studio's own, baked with the body."""

    LEGGINGS = "leggings"
    TROUSERS = "trousers"
    SHOES = "shoes"
    TOP = "top"


LOWER = frozenset({Category.SKIRT, Category.TROUSERS, Category.SHORTS})
"""Garments that hang from the waist; all others cover the upper body."""
OVER = frozenset({Category.JACKET, Category.COAT})
"""Garments that are worn over a top, which shows at their neck or between their fronts."""


def companions_for(worn: Collection[Category]) -> frozenset[Companion]:
    """What the figure wears besides the photographed garments.

    Args:
        worn: Their categories.

    Returns:
        Always shoes; a top unless a garment other than a jacket or coat covers the upper body; leggings under skirts,
        dresses and shorts, and trousers where no garment covers the legs at all.
    """
    kinds = set(worn)
    wears = {Companion.SHOES}
    if not kinds - LOWER - OVER:
        wears.add(Companion.TOP)
    if Category.TROUSERS not in kinds:
        legs_show = bool(kinds & (LOWER | {Category.DRESS}))
        wears.add(Companion.LEGGINGS if legs_show else Companion.TROUSERS)
    return frozenset(wears)
