"""Named points on the garment, found on its outline by the rules of its kind."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from fashquick_common.garment import Category, Landmark, LandmarkName
from fashquick_features.shape.bottoms import find_skirt, find_trousers
from fashquick_features.shape.collar import find_neckline
from fashquick_features.shape.outline import Outline, Plane, UprightFrame
from fashquick_features.shape.tops import find_coat, find_dress, find_sleeveless, find_top

MIN_CONFIDENCE = 0.15  # a point less sure than this is left out: a wrong one ruins more than a missing one

_FINDERS: Final = {
    Category.TROUSERS: find_trousers,
    Category.SHORTS: find_trousers,
    Category.SKIRT: find_skirt,
    Category.DRESS: find_dress,
    Category.COAT: find_coat,
    Category.VEST: find_sleeveless,
    Category.SLEEVELESS_TOP: find_sleeveless,
}


def find(
    photo: npt.NDArray[np.uint8], alpha: Plane, outline: Outline, frame: UprightFrame, category: Category
) -> dict[LandmarkName, Landmark]:
    """Find a garment's landmarks.

    Args:
        photo: HxWx3 uint8, sRGB; only the front neckline is looked for in it.
        alpha: HxW uint8, the garment's alpha.
        outline: The garment's outline.
        frame: Its upright frame.
        category: What it is.

    Returns:
        Landmarks on the photo by name; those that were not found are absent.
    """
    finder = _FINDERS.get(category, find_top)
    holes = tuple(frame.to_frame(hole) for hole in outline.holes)
    found = {}
    for name, (place, confidence) in finder(frame.to_frame(outline.points), holes).items():
        if confidence < MIN_CONFIDENCE:
            continue
        x, y = frame.to_photo(place[None])[0]
        found[name] = Landmark(float(x), float(y), min(1.0, confidence))
    collar = _collar(photo, alpha, found)
    if collar is not None:
        found[LandmarkName.COLLAR_BOTTOM] = collar
    return found


def _collar(photo: npt.NDArray[np.uint8], alpha: Plane, found: dict[LandmarkName, Landmark]) -> Landmark | None:
    """Lowest point of the front neckline; None where there is no neck or no edge to be seen."""
    if LandmarkName.NECK_LEFT not in found or LandmarkName.NECK_RIGHT not in found:
        return None
    right, left = found[LandmarkName.NECK_RIGHT], found[LandmarkName.NECK_LEFT]
    neckline = find_neckline(photo, alpha, np.array([right.x, right.y]), np.array([left.x, left.y]))
    if neckline is None:
        return None
    confidence = neckline.confidence * min(left.confidence, right.confidence)
    if confidence < MIN_CONFIDENCE:
        return None
    return Landmark(float(neckline.bottom[0]), float(neckline.bottom[1]), confidence)
