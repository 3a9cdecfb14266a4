"""All that is read from the cloth of one upright garment, but for the pattern's kind."""

from __future__ import annotations

from typing import Final

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import Repeat
from fashquick_features.pattern import repeats
from fashquick_features.pattern.correlation import likeness
from fashquick_features.pattern.descriptor import Vector, describe
from fashquick_features.pattern.flatten import flatten
from fashquick_features.shape.upright import Upright

PATTERN_PX: Final = 448  # long side of the upright view that patterns are read from: what the networks were trained on


def analyse(view: Upright, cancel: CancelFlag) -> tuple[Vector, tuple[Repeat, ...]]:
    """Describe the cloth and find its repeats.

    Args:
        view: The garment upright, its longer side of `PATTERN_PX` where the kind is to be told.
        cancel: Checked between the steps.

    Returns:
        The pattern descriptor, and the directions in which the cloth repeats.

    Raises:
        Cancelled: `cancel` was raised.
        DeadlinePassed: Its deadline passed.
    """
    flat = flatten(view)
    cancel.check()
    levels = likeness(flat)
    cancel.check()
    found = repeats.find(flat, levels)
    cancel.check()
    return describe(flat, levels), found
