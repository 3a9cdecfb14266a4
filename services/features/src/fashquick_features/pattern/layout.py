"""Where on the garment its colours and edges are: one print, all over, or panels."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from fashquick_features.pattern.flatten import Flat
from fashquick_features.pattern.local import gradient

Floats = npt.NDArray[np.float32]

SHRINK = 4
GRID = 6  # cells each way over the garment's bounding box
COLOUR_GRID = 4
MODES = 5  # colours told apart
MODE_APART = 14.0  # CIE76 from which two colours are two
MODE_STEP = 8.0  # width of a histogram's cell, L* a* b*
SHADE = 0.6  # weight of L*: folds change it
EDGE_CELL = 2.0  # mean gradient (units of L* a pixel) from which a cell holds something
_A_MODE = 6
LAYOUT_LENGTH = 2 * GRID * GRID + 8 + 6 * COLOUR_GRID * COLOUR_GRID + MODES * _A_MODE + 3


def layout(flat: Flat) -> Floats:
    """Describe where things are; LAYOUT_LENGTH float32."""
    weight = flat.inside.astype(np.float32)
    size = (max(4, weight.shape[1] // SHRINK), max(4, weight.shape[0] // SHRINK))
    mass = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    safe = np.maximum(mass, 0.25)[..., None]
    even = np.asarray(cv2.resize(flat.even, size, interpolation=cv2.INTER_AREA) / safe, np.float32)
    lab = np.asarray(cv2.resize(flat.lab * weight[..., None], size, interpolation=cv2.INTER_AREA) / safe, np.float32)
    inside = mass > 0.9
    box = _box(inside if inside.any() else mass > 0)
    even, lab, inside = even[box], lab[box], inside[box]
    return np.concatenate([_activity(even, inside), _colours(lab, inside), _modes(lab, inside)]).astype(np.float32)


def _box(inside: npt.NDArray[np.bool_]) -> tuple[slice, slice]:
    rows, columns = np.nonzero(inside.any(axis=1))[0], np.nonzero(inside.any(axis=0))[0]
    if not len(rows):
        return slice(None), slice(None)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _cells(plane: Floats, inside: npt.NDArray[np.bool_], grid: int) -> tuple[Floats, Floats]:
    """Mean of a plane (hxw or hxwxc) over the cloth in each cell, and the part of the cell that is cloth."""
    weight = inside.astype(np.float32)
    mass = np.asarray(cv2.resize(weight, (grid, grid), interpolation=cv2.INTER_AREA), np.float32)
    masked = plane * (weight if plane.ndim == 2 else weight[..., None])
    total = np.asarray(cv2.resize(masked, (grid, grid), interpolation=cv2.INTER_AREA), np.float32)
    safe = np.maximum(mass, 0.02)
    return np.asarray(total / (safe if plane.ndim == 2 else safe[..., None]), np.float32), mass


def _activity(even: Floats, inside: npt.NDArray[np.bool_]) -> Floats:
    """Edges cell by cell, and how far they keep to one place."""
    strength, _, _ = gradient(even)
    solid = cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    means, mass = _cells(strength, solid > 0, GRID)
    used = mass > 0.1
    values = np.sort(means[used])[::-1] if used.any() else np.zeros(1, np.float32)
    top = max(float(values[0]), 1e-3)
    ys, xs = np.mgrid[0 : 1 : GRID * 1j, 0 : 1 : GRID * 1j]
    heavy = np.where(used, means, 0).astype(np.float64) ** 2
    total = max(float(heavy.sum()), 1e-6)
    x, y = float((heavy * xs).sum() / total), float((heavy * ys).sum() / total)
    spread = float(np.sqrt((heavy * ((xs - x) ** 2 + (ys - y) ** 2)).sum() / total))
    quarter = max(1, len(values) // 4)
    numbers = [
        np.log1p(top), float(values.mean()) / top, float(np.median(values)) / top, float(np.mean(values > EDGE_CELL)),
        float(values[:quarter].sum() / max(float(values.sum()), 1e-6)), x, y, spread,
    ]  # fmt: skip
    return np.concatenate([np.where(used, means / top, 0).ravel(), np.log1p(np.where(used, means, 0)).ravel(), numbers])


def _colours(lab: Floats, inside: npt.NDArray[np.bool_]) -> Floats:
    """Mean and spread of colour cell by cell, less the garment's own."""
    means, mass = _cells(lab, inside, COLOUR_GRID)
    squares, _ = _cells(lab**2, inside, COLOUR_GRID)
    used = (mass > 0.1)[..., None]
    whole = lab[inside].mean(axis=0) if inside.any() else np.zeros(3, np.float32)
    spread = np.sqrt(np.maximum(squares - means**2, 0))
    return np.concatenate([np.where(used, means - whole, 0).ravel() / 20, np.where(used, spread, 0).ravel() / 20])


def _modes(lab: Floats, inside: npt.NDArray[np.bool_]) -> Floats:
    """The garment's main colours: share, spread over the garment, and how large and whole their pieces are."""
    numbers = np.zeros(MODES * _A_MODE + 3, np.float32)
    values = lab[inside] * np.array([SHADE, 1.0, 1.0], np.float32)
    if not len(values):
        return numbers
    centres, shares = _mode_centres(values)
    apart = np.linalg.norm(values[:, None] - centres[None], axis=2)
    label = np.full(inside.shape, -1, np.int64)
    label[inside] = apart.argmin(axis=1)
    ys, xs = np.nonzero(inside)
    height, width = inside.shape
    total = len(values)
    for mode in range(len(centres)):
        mine = label[inside] == mode
        count = int(np.count_nonzero(mine))
        if not count:
            continue
        plane = (label == mode).astype(np.uint8)
        pieces, _, stats, _ = cv2.connectedComponentsWithStats(plane, connectivity=4)
        largest = int(stats[1:, cv2.CC_STAT_AREA].max()) if pieces > 1 else 0
        rim = int(np.count_nonzero(plane != cv2.erode(plane, np.ones((3, 3), np.uint8))))
        numbers[mode * _A_MODE : (mode + 1) * _A_MODE] = (
            count / total,
            float(np.std(xs[mine])) / width,
            float(np.std(ys[mine])) / height,
            largest / count,
            np.log1p(pieces - 1),
            rim / np.sqrt(count) / 10,
        )
    numbers[-3:] = (len(centres), float(shares[0]), float(np.linalg.norm(values.std(axis=0))) / 20)
    return numbers


def _mode_centres(values: Floats) -> tuple[Floats, Floats]:
    """Up to MODES colours that many pixels have, most frequent first, and their shares: peaks of a coarse histogram."""
    cells = np.floor(values / MODE_STEP).astype(np.int64)
    low = cells.min(axis=0)
    shape = cells.max(axis=0) - low + 1
    flat = np.ravel_multi_index(tuple((cells - low).T), tuple(shape))
    order, inverse, counts = np.unique(flat, return_inverse=True, return_counts=True)
    means = np.stack([np.bincount(inverse, weights=values[:, axis]) for axis in range(3)], axis=1) / counts[:, None]
    chosen: list[int] = []
    for index in np.lexsort((order, -counts)):
        if all(np.linalg.norm(means[index] - means[other]) >= MODE_APART for other in chosen):
            chosen.append(int(index))
        if len(chosen) == MODES or counts[index] < 0.01 * len(values):
            break
    return means[chosen].astype(np.float32), (counts[chosen] / len(values)).astype(np.float32)
