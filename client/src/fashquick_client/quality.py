"""Measures of a garment's mask."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MaskQuality:
    """How good a mask is.

    Attributes:
        confidence: How sure the backend is, 0 to 1.
        coverage: Share of the photo that is garment, 0 to 1.
        border_contact: Share of the photo's border that is garment, 0 to 1.
        fragments: Number of separate pieces.
        warnings: Plain sentences about what to photograph better; empty when all is well.
    """

    confidence: float
    coverage: float
    border_contact: float
    fragments: int
    warnings: tuple[str, ...]
