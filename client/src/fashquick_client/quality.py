"""Measures of a garment's mask."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """A side of the photo, as the viewer sees it; as in `fashquick.segmentation.v1.Side`."""

    LEFT = "left"
    TOP = "top"
    RIGHT = "right"
    BOTTOM = "bottom"


@dataclass(frozen=True, slots=True)
class MaskQuality:
    """How good a mask is. What a server does not measure is 0.

    Attributes:
        confidence: How sure the backend is, 0 to 1.
        coverage: Share of the photo that is garment, 0 to 1.
        border_contact: Share of the photo's border that is garment, 0 to 1.
        fragments: Number of separate pieces.
        warnings: Plain sentences about what to photograph better; empty when all is well.
        symmetry: How alike the garment's outline and its mirror image are, 0 to 1.
        boundary_confidence: Share of the outline along which the photo has an edge, 0 to 1.
        sharpness: How sharp the garment's details are for its size, 0 to 1.
        lightness: Median lightness of the garment, CIE L*, 0 to 100.
        clipped: Share of the garment's pixels that are burnt out or black, 0 to 1.
        cut_off: Sides on which the garment leaves the picture.
    """

    confidence: float
    coverage: float
    border_contact: float
    fragments: int
    warnings: tuple[str, ...]
    symmetry: float
    boundary_confidence: float
    sharpness: float
    lightness: float
    clipped: float
    cut_off: tuple[Side, ...]
