"""Tiles: a large picture as overlapping parts of one size, and made whole again without a seam."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]
Box = tuple[int, int, int, int]
"""Left, top, right and bottom, pixels."""


def tiles_of(width: int, height: int, tile: tuple[int, int], overlap: int) -> tuple[Box, ...]:
    """Cover a picture with tiles, all of one size, so that they can be made together.

    Args:
        width: Pixels of the picture.
        height: Likewise.
        tile: Width and height of a tile; as large as the picture at most is taken.
        overlap: Pixels that neighbours share at least; less than a tile's sides.

    Returns:
        Boxes, row by row, spread evenly.
    """
    columns, rows = (_starts(side, part, overlap) for side, part in ((width, tile[0]), (height, tile[1])))
    across, down = min(tile[0], width), min(tile[1], height)
    return tuple((left, top, left + across, top + down) for top in rows for left in columns)


def _starts(side: int, tile: int, overlap: int) -> list[int]:
    if tile >= side:
        return [0]
    count = math.ceil((side - overlap) / (tile - overlap))
    return [round(k * (side - tile) / (count - 1)) for k in range(count)]


def joined(tiles: Iterable[tuple[Box, UInt8]], width: int, height: int) -> UInt8:
    """Make a picture of its tiles; each counts less towards its edges, so that neighbours fade into each other.

    Args:
        tiles: Boxes of `tiles_of`, each with what was made of it, height x width x 3 uint8.
        width: Pixels of the picture.
        height: Likewise.

    Returns:
        height x width x 3 uint8; where all tiles say the same, that.
    """
    total, weights = np.zeros((height, width, 3), np.float32), np.zeros((height, width, 1), np.float32)
    for (left, top, right, bottom), image in tiles:
        weight = (_fading(bottom - top)[:, None] * _fading(right - left)[None])[..., None]
        total[top:bottom, left:right] += weight * image
        weights[top:bottom, left:right] += weight
    return np.asarray(np.round(total / weights), np.uint8)


def _fading(side: int) -> Float32:
    """From nearly 0 at both ends to 1 in the middle."""
    place = (np.arange(side, dtype=np.float32) + 0.5) / side
    return np.asarray(1 - np.abs(2 * place - 1), np.float32)
