"""Garment values to and from their wire form, `fashquick.garment.v1`.

What comes from outside is checked: every number finite and within its documented range, every count and text bounded.
"""

from fashquick_common.garment_codec.cloth import MAX_PRINTS, MAX_REPEATS, MAX_TEXT_CHARS, MAX_TEXT_LINES
from fashquick_common.garment_codec.colour import MAX_COLOUR_NAME_CHARS, MAX_PALETTE_COLOURS
from fashquick_common.garment_codec.fidelity import MAX_REASON_CHARS, fidelity_from_proto, fidelity_to_proto
from fashquick_common.garment_codec.passport import (
    MAX_VECTOR_BLOCKS,
    MAX_VECTOR_VALUES,
    passport_from_proto,
    passport_to_proto,
)
from fashquick_common.garment_codec.shape import (
    MAX_CATEGORY_GUESSES,
    MAX_KNOWN_CM,
    MAX_LANDMARKS,
    MAX_MEASUREMENTS,
    MIN_KNOWN_CM,
    category_from_proto,
    category_to_proto,
    known_length_from_proto,
    known_length_to_proto,
)

__all__ = [
    "MAX_CATEGORY_GUESSES",
    "MAX_COLOUR_NAME_CHARS",
    "MAX_KNOWN_CM",
    "MAX_LANDMARKS",
    "MAX_MEASUREMENTS",
    "MAX_PALETTE_COLOURS",
    "MAX_PRINTS",
    "MAX_REASON_CHARS",
    "MAX_REPEATS",
    "MAX_TEXT_CHARS",
    "MAX_TEXT_LINES",
    "MAX_VECTOR_BLOCKS",
    "MAX_VECTOR_VALUES",
    "MIN_KNOWN_CM",
    "category_from_proto",
    "category_to_proto",
    "fidelity_from_proto",
    "fidelity_to_proto",
    "known_length_from_proto",
    "known_length_to_proto",
    "passport_from_proto",
    "passport_to_proto",
]
