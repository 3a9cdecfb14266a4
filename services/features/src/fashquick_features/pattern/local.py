"""What the cloth's edges and spots are like, wherever they are."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from fashquick_features.pattern.flatten import Flat

Floats = npt.NDArray[np.float32]

SCALES = (2, 4, 8)  # shrink factors at which edges are looked at
BINS = 8  # orientations of an edge, 180 degrees
EDGE = 3.0  # units of L* a pixel below which a gradient is noise
APART = (2, 5)  # pixels of the scale between two edges whose orientations are compared
BLOB_SIGMAS = (1.0, 1.6, 2.6, 4.2)  # pixels of the half-size picture
BLOB_EDGE = 2.5  # response, units of L*, from which an extremum is a spot
CONTRASTS = (4.0, 8.0, 16.0, 32.0)  # units of L*: classes of gradient strength

_PAIRS = len(APART) * 2 * BINS // 2
_A_SCALE = 2 * BINS + 3 + len(CONTRASTS) + _PAIRS + 10
_A_SIGMA = 8
LOCAL_LENGTH = len(SCALES) * _A_SCALE + len(BLOB_SIGMAS) * _A_SIGMA


def local(flat: Flat) -> Floats:
    """Describe edges and spots; LOCAL_LENGTH float32."""
    parts = []
    weight = flat.inside.astype(np.float32)
    for scale in SCALES:
        even, mask = _shrunk(flat.even, weight, scale)
        parts.append(_edges(even, mask))
    even, mask = _shrunk(flat.even, weight, 2)
    parts += [_spots(even, mask, sigma) for sigma in BLOB_SIGMAS]
    return np.concatenate(parts).astype(np.float32)


def _shrunk(even: Floats, weight: Floats, scale: int) -> tuple[Floats, npt.NDArray[np.bool_]]:
    size = (max(4, weight.shape[1] // scale), max(4, weight.shape[0] // scale))
    mass = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    mean = cv2.resize(even, size, interpolation=cv2.INTER_AREA) / np.maximum(mass, 0.25)[..., None]
    return np.asarray(mean, np.float32), np.asarray(mass > 0.9)


def gradient(even: Floats) -> tuple[Floats, Floats, Floats]:
    """Strength, cosine and sine of twice the orientation of the colour gradient (Di Zenzo 1986); hxw each."""
    dx = cv2.Sobel(even, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    dy = cv2.Sobel(even, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    xx, yy, xy = (np.einsum("hwc,hwc->hw", one, two) for one, two in ((dx, dx), (dy, dy), (dx, dy)))
    spread = np.sqrt((xx - yy) ** 2 + 4 * xy**2)
    strength = np.sqrt(np.maximum((xx + yy + spread) / 2, 0))
    safe = np.maximum(spread, 1e-6)
    return strength, (xx - yy) / safe, 2 * xy / safe


def _edges(even: Floats, inside: npt.NDArray[np.bool_]) -> Floats:
    """Orientations, strengths, how orientations of neighbouring edges go together, and local binary patterns."""
    strength, cosine, sine = gradient(even)
    kernel = np.ones((3, 3), np.uint8)
    solid = cv2.erode(inside.astype(np.uint8), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0
    area = max(int(np.count_nonzero(solid)), 1)
    bins = np.floor((np.arctan2(sine, cosine) / (2 * np.pi) % 1.0) * BINS).astype(np.int64) % BINS
    strong = solid & (strength > EDGE)
    amount = np.minimum(strength, 30.0)
    histogram = np.bincount(bins[strong], weights=amount[strong], minlength=BINS)[:BINS]
    total = max(float(histogram.sum()), 1e-6)
    share = histogram / max(total, area * 0.05)
    turned = np.roll(share, -int(share.argmax()))
    sharp = np.hypot((amount * cosine)[strong].sum(), (amount * sine)[strong].sum()) / total
    cross = np.hypot((amount * (cosine**2 - sine**2))[strong].sum(), (amount * 2 * cosine * sine)[strong].sum()) / total
    values = np.sort(strength[solid]) if solid.any() else np.zeros(1, np.float32)
    levels = [1 - float(np.searchsorted(values, level)) / len(values) for level in CONTRASTS]
    pairs = _pairs(bins, strong)
    return np.concatenate(
        [share, turned, [sharp, cross, np.log1p(float(values.mean()))], levels, pairs, _binary(even[..., 0], solid)]
    ).astype(np.float32)


def _pairs(bins: npt.NDArray[np.int64], strong: npt.NDArray[np.bool_]) -> Floats:
    """How often two edges a step apart, across and along, differ in orientation by so much."""
    found = []
    for step in APART:
        for axis in (0, 1):
            one = [slice(None), slice(None)]
            two = [slice(None), slice(None)]
            one[axis], two[axis] = slice(None, -step), slice(step, None)
            both = strong[tuple(one)] & strong[tuple(two)]
            apart = np.abs(bins[tuple(one)] - bins[tuple(two)])[both]
            apart = np.minimum(apart, BINS - apart)
            count = np.bincount(apart, minlength=BINS // 2 + 1)[: BINS // 2 + 1].astype(np.float64)
            count = count / max(float(count.sum()), 20.0)
            found.append(np.concatenate([count[:-2], [count[-2] + count[-1]]]))
    return np.concatenate(found).astype(np.float32)


def _binary(light: Floats, solid: npt.NDArray[np.bool_]) -> Floats:
    """Rotation-invariant uniform local binary patterns (Ojala et al. 2002), eight neighbours, with a dead zone."""
    height, width = light.shape
    core = light[1 : height - 1, 1 : width - 1]
    shifts = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))
    higher = np.stack([light[1 + dy : height - 1 + dy, 1 + dx : width - 1 + dx] > core + EDGE for dy, dx in shifts])
    changes = (higher != np.roll(higher, 1, axis=0)).sum(axis=0)
    code = np.where(changes <= 2, higher.sum(axis=0), 9)
    chosen = code[solid[1 : height - 1, 1 : width - 1]]
    return (np.bincount(chosen, minlength=10)[:10] / max(len(chosen), 1)).astype(np.float32)


def _spots(even: Floats, inside: npt.NDArray[np.bool_], sigma: float) -> Floats:
    """Light and dark spots of one size: how many, how strong, how round, how evenly apart (difference of Gaussians)."""
    plane = even[..., 0] + 0.7 * even[..., 1] + 0.7 * even[..., 2]
    response = cv2.GaussianBlur(plane, (0, 0), sigma) - cv2.GaussianBlur(plane, (0, 0), 1.6 * sigma)
    side = 2 * max(1, round(sigma)) + 1
    kernel = np.ones((side, side), np.uint8)
    area = max(int(np.count_nonzero(inside)), 1)
    numbers: list[float] = []
    for sign in (1.0, -1.0):
        signed = sign * response
        top = (signed >= cv2.dilate(signed, kernel)) & inside & (signed > BLOB_EDGE)
        rows, columns = np.nonzero(top)
        count = len(rows)
        strength = signed[rows, columns]
        numbers += [
            float(np.log1p(count * 30 * sigma**2 / area)),
            float(strength.mean()) / 20 if count else 0.0,
            float(strength.std() / strength.mean()) if count > 2 else 1.0,
            _roundness(signed, rows, columns),
        ]
    return np.array(numbers, np.float32)


def _roundness(plane: Floats, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> float:
    """Mean ratio of the weaker to the stronger curvature at peaks: 0 ridges, 1 round."""
    height, width = plane.shape
    keep = (rows > 0) & (rows < height - 1) & (columns > 0) & (columns < width - 1)
    y, x = rows[keep], columns[keep]
    if not len(y):
        return 0.0
    middle = plane[y, x]
    xx = 2 * middle - plane[y, x - 1] - plane[y, x + 1]
    yy = 2 * middle - plane[y - 1, x] - plane[y + 1, x]
    xy = (plane[y - 1, x - 1] + plane[y + 1, x + 1] - plane[y - 1, x + 1] - plane[y + 1, x - 1]) / 4
    spread = np.sqrt((xx - yy) ** 2 / 4 + xy**2)
    ratio = ((xx + yy) / 2 - spread) / np.maximum((xx + yy) / 2 + spread, 1e-6)
    return float(np.clip(ratio, -1, 1).mean())
