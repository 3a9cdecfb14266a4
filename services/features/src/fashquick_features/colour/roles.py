"""What each colour does on a garment: the cloth itself, something on it, or its edges."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from fashquick_common.garment import ColourRole

EDGE_SHARE = 0.06  # of the garment's longer side: collars, cuffs, hems and edgings lie this near to the outline
TRIM_NEAR = 0.75  # part of a trim's pixels that lie there ...
TRIM_LIFT = 1.5  # ... and how much more that must be than of the garment's pixels
END_SHARE = 0.09  # of the garment's height at its top and bottom: waistbands and leg ends
TRIM_SHARE = 0.30  # a trim covers at most this part of the garment
PANEL_SHARE = 0.08  # a panel's pieces are at least this part of the garment each, ...
PANEL_PIECES = 2  # ... there are no more of them (two sleeves, two sides), ...
PANEL_WHOLE = 0.85  # ... they hold this part of the colour
PANEL_RIM = 0.02  # ... and reach the outline to this part of the garment's longer side
CLOSE: Final = np.ones((3, 3), np.uint8)


def of_colours(label: npt.NDArray[np.intp], count: int, inside: npt.NDArray[np.bool_]) -> list[ColourRole]:
    """Tell the roles.

    Args:
        label: hxw: which colour lies where, below 0 where none is known.
        count: Number of colours.
        inside: hxw, the garment.

    Returns:
        A role a colour. The largest colour is the ground, and so is every colour of a large panel that reaches the
        outline (colour blocking). A trim lies along the outline. All else is a print.
    """
    area = np.bincount(label[label >= 0], minlength=count)
    total = max(int(area.sum()), 1)
    rows, columns = np.nonzero(inside)
    top, height = int(rows.min()), int(np.ptp(rows)) + 1
    longer = max(height, int(np.ptp(columns)) + 1)
    depth = cv2.distanceTransform(np.pad(inside.astype(np.uint8), 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    near = depth <= EDGE_SHARE * longer
    down = (np.arange(inside.shape[0]) - top) / height
    ends = np.broadcast_to(((down < END_SHARE) | (down > 1 - END_SHARE))[:, None], inside.shape)
    usual = float(near[label >= 0].mean()) if (label >= 0).any() else 1.0
    largest = int(area.argmax())
    found = []
    for colour in range(count):
        here = label == colour
        if colour == largest:
            found.append(ColourRole.GROUND)
        elif area[colour] and area[colour] <= TRIM_SHARE * total and _is_trim(near[here], ends[here], usual):
            found.append(ColourRole.TRIM)
        elif _is_panel(here, depth <= max(PANEL_RIM * longer, 2.0), total):
            found.append(ColourRole.GROUND)
        else:
            found.append(ColourRole.PRINT)
    return found


def _is_trim(near: npt.NDArray[np.bool_], ends: npt.NDArray[np.bool_], usual: float) -> bool:
    along = float(near.mean())
    return (along >= TRIM_NEAR and along >= TRIM_LIFT * usual) or float(ends.mean()) >= TRIM_NEAR


def _is_panel(here: npt.NDArray[np.bool_], rim: npt.NDArray[np.bool_], total: int) -> bool:
    closed = cv2.morphologyEx(here.astype(np.uint8), cv2.MORPH_CLOSE, CLOSE)
    count, parts = cv2.connectedComponents(closed, connectivity=4)
    held, at_rim = (np.bincount(parts[which], minlength=count)[1:] for which in (here, here & rim))
    large = held >= PANEL_SHARE * total
    pieces = int(np.count_nonzero(large))
    whole = float(held[large].sum()) >= PANEL_WHOLE * max(int(here.sum()), 1)
    return 0 < pieces <= PANEL_PIECES and whole and bool((at_rim[large] > 0).all())
