"""Parts of a garment that may be of other cloth: yokes, panels, sleeves, cuffs, stripes along seams, prints.

A network that has learned from pictures of one cloth each cuts white panels off a black shirt on a white wall.
"""

from __future__ import annotations

import cv2
import numpy as np

from .drawing import Mask, extent, noise

# Of the whole, above or below a line, side panels, a placed print, one half, cuffs of sleeves, cuffs of legs or the
# hem, sleeves, a stripe along the outline, blotches with curved borders.
_SHARES = (0.2, 0.12, 0.09, 0.08, 0.08, 0.08, 0.1, 0.09, 0.08, 0.08)


def part_of_garment(rng: np.random.Generator, mask: Mask) -> Mask:
    """Choose a part at random.

    Args:
        rng: Random numbers.
        mask: SxS, 0 to 1, not empty.

    Returns:
        SxS, 0 or 1; it may reach over the garment's outline.
    """
    part = np.zeros_like(mask)
    top, bottom, left, right = extent(mask)
    height, width = bottom - top, right - left
    match rng.choice(len(_SHARES), p=_SHARES):
        case 0:
            part[:] = 1
        case 1:
            line = int(top + height * rng.uniform(0.15, 0.85))
            part[line:] = 1
            part = part if rng.random() < 0.5 else 1 - part
        case 2:
            share = rng.uniform(0.1, 0.35)
            part[:] = 1
            part[:, int(left + width * share) : int(right - width * share)] = 0
        case 3:
            x0, x1 = int(left + width * rng.uniform(0.2, 0.45)), int(right - width * rng.uniform(0.2, 0.45))
            y0, y1 = int(top + height * rng.uniform(0.15, 0.45)), int(bottom - height * rng.uniform(0.2, 0.45))
            part[y0:y1, x0:x1] = 1
        case 4:
            part[:, int(left + width * rng.uniform(0.25, 0.75)) :] = 1
        case 5:
            share = rng.uniform(0.03, 0.12)
            part[:, : int(left + width * share)] = 1
            part[:, int(right - width * share) :] = 1
        case 6:
            part[int(bottom - height * rng.uniform(0.03, 0.15)) :] = 1
        case 7:
            part = _sleeves(rng, mask)
        case 8:
            part = _along_outline(rng, mask)
        case _:
            part = (noise(rng, mask.shape[0], mask.shape[0] / rng.uniform(2, 5)) > rng.uniform(0.4, 0.6)).astype(
                mask.dtype
            )
    return part


def _sleeves(rng: np.random.Generator, mask: Mask) -> Mask:
    """What is outside the width of the lower body, along lines that lean as raglan seams do."""
    top, bottom, *_ = extent(mask)
    low = mask[int(bottom - 0.2 * (bottom - top)) : bottom + 1]
    columns = np.nonzero(low.max(0) > 0.5)[0]
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]]
    lean = rng.uniform(0, 0.5) * np.clip(bottom - y, 0, None) / max(1, bottom - top) * (columns[-1] - columns[0]) / 2
    inset = rng.uniform(-0.02, 0.08) * (columns[-1] - columns[0])
    return ((x < columns[0] + inset + lean) | (x > columns[-1] - inset - lean)).astype(mask.dtype)


def _along_outline(rng: np.random.Generator, mask: Mask) -> Mask:
    """A stripe that follows the outline on one side or on both, over some of the height."""
    top, bottom, left, right = extent(mask)
    depth = np.asarray(cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 5), np.float32)
    near = rng.uniform(0, 0.3) * float(depth.max())
    part = (depth >= near) & (depth < near + rng.uniform(0.08, 0.5) * float(depth.max())) & (mask > 0.5)
    if rng.random() < 0.4:
        middle = (left + right) // 2
        part[:, :middle] &= bool(rng.random() < 0.5)
    first = int(top + (bottom - top) * rng.uniform(0, 0.5)) if rng.random() < 0.6 else 0
    part[:first] = False
    return part.astype(mask.dtype)
