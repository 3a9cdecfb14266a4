"""Another garment in the photo: the network finds one, the largest or most central, and takes others for ground.

So it is shown what lies beside that garment alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from fashquick_segmentation.embedded.views import SIDE_PX, Probability
from fashquick_segmentation.refinement.cleanup import clean
from fashquick_segmentation.refinement.quality import colour_separation, expected_iou

STRIP_SHARE = 0.25  # of the photo's side; a narrower strip beside the garment has no room for another
AREA_SHARE = 0.3  # of the first one's area; less is a sock, a toy, a cushion
EXPECTED_MIN = 0.9  # expected intersection over union
SEPARATION_MIN = 0.5  # see `colour_separation`; folds and patterns of the ground share its colours
BORDER_MAX = 0.02  # of the strip's border; what leaves it was not laid there to be sold
SURE = 0.5


def another_garment(
    probability: Probability, small: NDArray[np.uint8], mask: NDArray[np.bool_]
) -> NDArray[np.bool_] | None:
    """Look for a second garment beside, above and below the box of the first one.

    Args:
        probability: The network.
        small: hxwx3 uint8, sRGB: the photo at working size.
        mask: hxw bool: the first garment, not empty.

    Returns:
        hxw bool; None where nothing there is as surely a garment and large enough.
    """
    for rows, columns in _strips(mask):
        strip = small[rows, columns]
        square = np.asarray(cv2.resize(strip, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA), np.float32)
        likely = np.asarray(cv2.resize(probability(square / np.float32(255)), strip.shape[1::-1]), np.float32)
        found = clean(likely > SURE)
        border = np.concatenate([found[0], found[-1], found[:, 0], found[:, -1]])
        if (
            np.count_nonzero(found) >= AREA_SHARE * np.count_nonzero(mask)
            and border.mean() <= BORDER_MAX
            and expected_iou(found, likely) >= EXPECTED_MIN
            and colour_separation(strip, found) >= SEPARATION_MIN
        ):
            whole = np.zeros_like(mask)
            whole[rows, columns] = found
            return whole
    return None


def _strips(mask: NDArray[np.bool_]) -> Iterator[tuple[slice, slice]]:
    """What lies left, right, above and below of a mask's box, the largest first, as rows and columns."""
    height, width = mask.shape
    left, top, across, down = cv2.boundingRect(mask.astype(np.uint8))
    all_rows, all_columns = slice(0, height), slice(0, width)
    strips = [
        (left / width, (all_rows, slice(0, left))),
        (1 - (left + across) / width, (all_rows, slice(left + across, width))),
        (top / height, (slice(0, top), all_columns)),
        (1 - (top + down) / height, (slice(top + down, height), all_columns)),
    ]
    yield from (place for share, place in sorted(strips, key=lambda strip: -strip[0]) if share >= STRIP_SHARE)
