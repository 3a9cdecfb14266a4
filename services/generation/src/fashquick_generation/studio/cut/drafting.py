"""The one way from a garment's photo to its sewing pattern."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import CategoryNotSupported
from fashquick_common.garment import Category
from fashquick_generation.engine import GarmentInput
from fashquick_generation.studio.cut import skirts, tops, trousers
from fashquick_generation.studio.cut.pattern import Pattern
from fashquick_generation.studio.figure.measures import Measures

Drafter = Callable[[GarmentInput, Category, Measures, CancelFlag], Pattern]

DRAFTERS: Mapping[Category, Drafter] = {
    Category.T_SHIRT: tops.drafted,
    Category.SHIRT: tops.drafted,
    Category.LONG_SLEEVE: tops.drafted,
    Category.SWEATER: tops.drafted,
    Category.JACKET: tops.drafted,
    Category.COAT: tops.drafted,
    Category.VEST: tops.drafted,
    Category.SLEEVELESS_TOP: tops.drafted,
    Category.DRESS: tops.drafted,
    Category.SKIRT: skirts.drafted,
    Category.TROUSERS: trousers.drafted,
    Category.SHORTS: trousers.drafted,
}
"""Who cuts what."""


def supported(category: Category | None) -> Category:
    """The category, if garments of it can be cut.

    Raises:
        CategoryNotSupported: They cannot.
    """
    if category is None or category not in DRAFTERS:
        known = ", ".join(name.value for name in DRAFTERS)
        raise CategoryNotSupported(
            f"the studio does not dress {'unknown garments' if category is None else category.value};"
            f" it dresses: {known}",
            metadata={"category": "" if category is None else category.value, "supported": known},
        )
    return category


def drafted(garment: GarmentInput, measures: Measures, cancel: CancelFlag) -> Pattern:
    """The pattern of any garment.

    Args:
        garment: Photo, alpha and passport.
        measures: The body's.
        cancel: Checked between steps.

    Raises:
        BadMask: The alpha is empty or full.
        CategoryNotSupported: Garments of this category cannot be cut.
        PhotoNotUsable: The garment's shape in this photo cannot be worn.
    """
    category = supported(garment.passport.category)
    return DRAFTERS[category](garment, category, measures, cancel)
