"""Named points on the garment, found on its outline by the rules of its kind."""

from __future__ import annotations

from typing import Final

from fashquick_common.garment import Category, Landmark, LandmarkName
from fashquick_features.bottoms import find_skirt, find_trousers
from fashquick_features.outline import Outline, UprightFrame
from fashquick_features.tops import find_top

MIN_CONFIDENCE = 0.15  # a point less sure than this is left out: a wrong one ruins more than a missing one

_FINDERS: Final = {
    Category.TROUSERS: find_trousers,
    Category.SHORTS: find_trousers,
    Category.SKIRT: find_skirt,
}


def find(outline: Outline, frame: UprightFrame, category: Category | None) -> dict[LandmarkName, Landmark]:
    """Find a garment's landmarks.

    Args:
        outline: The garment's outline.
        frame: Its upright frame.
        category: What it is; None is read as a top.

    Returns:
        Landmarks on the photo by name; those that were not found are absent.
    """
    finder = find_top if category is None else _FINDERS.get(category, find_top)
    found = {}
    for name, (place, confidence) in finder(frame.to_frame(outline.points)).items():
        if confidence < MIN_CONFIDENCE:
            continue
        x, y = frame.to_photo(place[None])[0]
        found[name] = Landmark(float(x), float(y), min(1.0, confidence))
    return found
