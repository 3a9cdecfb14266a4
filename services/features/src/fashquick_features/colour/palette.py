"""The garment's colours and how much of it each covers.

Colours are the modes of the pixels' density in OKLab, found by hill climbing on a smoothed histogram and merged
by the persistence of the valleys between them (Chazal et al., "Persistence-based clustering in Riemannian
manifolds", 2013). The number of colours thus follows from the photo: a shaded single colour is one ridge, stripes
are separate hills. Nothing is random.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import PaletteColour
from fashquick_features.colour.names import name_of
from fashquick_features.colour.spaces import (
    Floats,
    ciede2000,
    lab_of_linear,
    linear_of_oklab,
    linear_of_srgb,
    oklab_of_linear,
    srgb_of_linear,
)
from fashquick_features.shape.outline import OPAQUE, Plane

MAX_COLOURS = 8
SAMPLE_PX = 20_000  # pixels looked at; shares are then good to about 0.4 %
RIM_SHARE = 0.008  # of the garment's extent: rim whose pixels mix with the background
MIN_SHARE = 0.012  # smaller areas are buttons, labels and mask errors
ALIKE = 5.0  # CIEDE2000 below which two clusters are one colour of the cloth
BIN = 0.02  # side of a histogram cell in OKLab, about one just noticeable difference
BLUR_BINS = 1.2  # sigma of the histogram's smoothing: noise of one colour is one hill
MARGIN_BINS = 4  # empty cells around the histogram: the smoothing's reach
VALLEY = 0.7  # two hills are one if the pass between them is higher than this part of the lower top
MIN_TOP = 1.5e-4  # share in one cell: a MIN_SHARE of evenly coloured, noisy cloth tops out about here
SPLIT_APART = 14.0  # CIEDE2000 between the halves of a hill from which on it cannot be one colour, whatever the light
SPLIT_SHARE = 0.04  # smaller halves are the tails of one colour
EDGE_FLOOR = 0.15  # weight of a pixel on a strong edge, where camera and JPEG mix two colours
FOLD_QUANTILE = 0.30  # darker pixels of a colour are its fold shadows ...
HIGHLIGHT_QUANTILE = 0.92  # ... and lighter ones its highlights: neither says what colour the cloth has
SHADE_RATIO = 0.62  # OKLab lightness of a fold's shadow over that of the lit cloth
SHADE_CHROMA = 0.03  # mismatch of a/L and b/L up to which a darker colour can be the shadow of another
SHADE_SHARE = 0.30  # a shadow covers at most this part of what its lit colour covers


class _Cluster:
    """Pixels of one colour.

    Attributes:
        oklab: Nx3 float64.
        weight: N float64.
        mass: Sum of the weights.
        colour: OKLab of the evenly lit cloth: mean between the fold shadows and the highlights.
    """

    __slots__ = ("colour", "mass", "oklab", "weight")

    def __init__(self, oklab: Floats, weight: Floats) -> None:
        self.oklab, self.weight, self.mass = oklab, weight, float(weight.sum())
        order = np.argsort(oklab[:, 0], kind="stable")
        rank = np.cumsum(weight[order]) / self.mass
        lit = order[(rank >= FOLD_QUANTILE) & (rank <= HIGHLIGHT_QUANTILE)]
        used = lit if len(lit) else order
        self.colour: Floats = weight[used] @ oklab[used] / weight[used].sum()

    def joined(self, other: _Cluster) -> _Cluster:
        """Both clusters' pixels as one."""
        return _Cluster(np.vstack([self.oklab, other.oklab]), np.concatenate([self.weight, other.weight]))


def extract(photo: npt.NDArray[np.uint8], alpha: Plane, cancel: CancelFlag) -> tuple[PaletteColour, ...]:
    """Find the garment's palette.

    Args:
        photo: HxWx3 uint8, sRGB.
        alpha: HxW uint8, garment where >= `outline.OPAQUE`, not empty.
        cancel: Checked between the steps.

    Returns:
        One to eight colours, largest share first; shares add up to 1.

    Raises:
        Cancelled: `cancel` was raised.
        DeadlinePassed: Its deadline passed.
    """
    oklab, weight = _samples(photo, alpha)
    cancel.check()
    clusters = _hills(oklab, weight)
    cancel.check()
    total = sum(cluster.mass for cluster in clusters)
    parts = [part for cluster in clusters for part in _split(cluster, SPLIT_SHARE * total)]
    clusters = _without_shadows(_merged(parts))
    kept = [cluster for cluster in clusters if cluster.mass >= MIN_SHARE * total][:MAX_COLOURS] or clusters[:1]
    return _named(kept)


def _samples(photo: npt.NDArray[np.uint8], alpha: Plane) -> tuple[Floats, Floats]:
    """OKLab values (Nx3) and weights (N) of an even sample of the garment's inner pixels."""
    top, bottom = np.nonzero((alpha >= OPAQUE).any(axis=1))[0][[0, -1]]
    left, right = np.nonzero((alpha >= OPAQUE).any(axis=0))[0][[0, -1]]
    photo, alpha = photo[top : bottom + 1, left : right + 1], alpha[top : bottom + 1, left : right + 1]
    rim = 2 * max(1, round(RIM_SHARE * max(alpha.shape))) + 1
    solid = (alpha >= OPAQUE).astype(np.uint8)
    inner = cv2.erode(solid, np.ones((rim, rim), np.uint8))
    inside = inner if np.count_nonzero(inner) > 0.2 * np.count_nonzero(solid) else solid
    smooth = np.asarray(cv2.GaussianBlur(photo, (0, 0), 0.8), np.uint8)
    step = max(1, round(float(np.sqrt(np.count_nonzero(inside) / SAMPLE_PX))))
    rows, columns = np.nonzero(inside[::step, ::step])
    if not len(rows):
        rows, columns, step = *np.nonzero(inside), 1
    rows, columns = rows * step, columns * step
    oklab = oklab_of_linear(linear_of_srgb(smooth[rows, columns]))
    light = cv2.cvtColor(smooth, cv2.COLOR_RGB2GRAY)
    slope = np.hypot(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1))[rows, columns]
    usual = max(float(np.median(slope)), 4.0)  # 4: the slope of sensor noise in 8-bit steps
    weight = alpha[rows, columns] / 255.0 * np.maximum(EDGE_FLOOR, 1 / (1 + (slope / (4 * usual)) ** 2))
    return oklab, weight.astype(np.float64)


def _hills(oklab: Floats, weight: Floats) -> list[_Cluster]:
    """Split the samples along the valleys of their density."""
    cells = np.floor(oklab / BIN).astype(np.intp)
    cells += MARGIN_BINS - cells.min(axis=0)
    shape = tuple(int(size) for size in cells.max(axis=0) + 1 + MARGIN_BINS)
    flat = np.ravel_multi_index(tuple(cells.T), shape)
    raw = np.bincount(flat, weight, minlength=int(np.prod(shape))).reshape(shape)
    density = gaussian_filter(raw / weight.sum(), BLUR_BINS, mode="constant", truncate=3)
    top_of = _climb(density)
    parent = _join_basins(density, top_of)
    basin = parent[top_of.ravel()[flat]]
    tops = np.unique(basin)
    high = tops[density.ravel()[tops] >= MIN_TOP]
    if not len(high):
        high = tops[[int(density.ravel()[tops].argmax())]]
    found = [_Cluster(oklab[basin == top], weight[basin == top]) for top in high]
    return sorted(found, key=lambda cluster: -cluster.mass)


def _neighbours(shape: tuple[int, ...]) -> list[tuple[tuple[slice, ...], tuple[slice, ...]]]:
    """Slices that pair every cell with one of its 13 forward neighbours."""
    pairs = []
    for offset in np.ndindex(3, 3, 3):
        step = np.array(offset) - 1
        if tuple(step) <= (0, 0, 0):
            continue
        here = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(step, shape, strict=True))
        there = tuple(slice(max(0, s), n - max(0, -s)) for s, n in zip(step, shape, strict=True))
        pairs.append((here, there))
    return pairs


def _climb(density: Floats) -> npt.NDArray[np.intp]:
    """Flat index of the hilltop that each cell's steepest way leads to."""
    index = np.arange(density.size).reshape(density.shape)
    best, way = density.copy(), index.copy()
    for here, there in _neighbours(density.shape):
        for at, to in ((here, there), (there, here)):
            higher = density[to] > best[at]
            best[at] = np.where(higher, density[to], best[at])
            way[at] = np.where(higher, index[to], way[at])
    top = way.ravel()
    while not np.array_equal(top, top[top]):
        top = top[top]
    return top.reshape(density.shape)


def _join_basins(density: Floats, top_of: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Map every hilltop to the one it belongs to once hills with a high pass between them are joined."""
    passes: dict[tuple[int, int], float] = {}
    for here, there in _neighbours(density.shape):
        level = np.minimum(density[here], density[there])
        border = (top_of[here] != top_of[there]) & (level > MIN_TOP * VALLEY)
        for one, two, height in zip(top_of[here][border], top_of[there][border], level[border], strict=True):
            key = (int(min(one, two)), int(max(one, two)))
            passes[key] = max(passes.get(key, 0.0), float(height))
    heights = density.ravel()
    parent = np.arange(density.size)
    for (one, two), height in sorted(passes.items(), key=lambda item: (-item[1], item[0])):
        a, b = _root(parent, one), _root(parent, two)
        low, top = (a, b) if heights[a] < heights[b] else (b, a)
        if a != b and height > VALLEY * heights[low]:
            parent[low] = top
    while not np.array_equal(parent, parent[parent]):
        parent = parent[parent]
    return parent


def _root(parent: npt.NDArray[np.intp], node: int) -> int:
    while parent[node] != node:
        node = int(parent[node])
    return node


def _merged(clusters: list[_Cluster]) -> list[_Cluster]:
    """Join clusters that the eye takes for one colour, closest first."""
    while len(clusters) > 1:
        lab = lab_of_linear(np.clip(linear_of_oklab(np.array([cluster.colour for cluster in clusters])), 0, 1))
        apart = ciede2000(lab[:, None], lab[None]) + np.where(np.eye(len(lab), dtype=bool), np.inf, 0.0)
        one, two = sorted(int(i) for i in np.unravel_index(int(apart.argmin()), apart.shape))
        if apart[one, two] >= ALIKE:
            break
        joined = clusters[one].joined(clusters[two])
        clusters = [cluster for index, cluster in enumerate(clusters) if index not in (one, two)] + [joined]
    return sorted(clusters, key=lambda cluster: -cluster.mass)


def _split(cluster: _Cluster, least: float) -> list[_Cluster]:
    """Divide a hill too wide for one colour under changing light: fine patterns whose colours mix leave no valley."""
    if cluster.mass <= 2 * least:
        return [cluster]
    mean = np.average(cluster.oklab, axis=0, weights=cluster.weight)
    centred = cluster.oklab - mean
    _, axes = np.linalg.eigh((centred * cluster.weight[:, None]).T @ centred)
    along = centred @ axes[:, -1]
    upper = along > _otsu(along, cluster.weight)
    if min(float(cluster.weight[side].sum()) for side in (upper, ~upper)) < least:
        return [cluster]
    halves = [_Cluster(cluster.oklab[side], cluster.weight[side]) for side in (upper, ~upper)]
    one, two = (half.colour for half in halves)
    lab = lab_of_linear(np.clip(linear_of_oklab(np.array([one, two])), 0, 1))
    if ciede2000(lab[0], lab[1]) < SPLIT_APART or _is_shade(one, two) or _is_shade(two, one):
        return [cluster]
    return [part for half in halves for part in _split(half, least)]


def _otsu(values: Floats, weight: Floats) -> float:
    """Threshold that separates weighted values best (Otsu 1979)."""
    count, edges = np.histogram(values, bins=64, weights=weight)
    middle = (edges[1:] + edges[:-1]) / 2
    below, moment = np.cumsum(count), np.cumsum(count * middle)
    above = below[-1] - below
    gap = moment / np.maximum(below, 1e-12) - (moment[-1] - moment) / np.maximum(above, 1e-12)
    return float(edges[1 + int((below * above * gap**2).argmax())])


def _is_shade(shade: Floats, cloth: Floats) -> bool:
    """Whether one OKLab colour can be the other in a fold's shadow.

    Shading multiplies linear light and therefore scales L, a and b of OKLab alike: a shadow keeps a/L and b/L.
    """
    ratio = shade[0] / max(float(cloth[0]), 1e-6)
    drift = np.abs(shade[1:] / max(float(shade[0]), 1e-6) - cloth[1:] / max(float(cloth[0]), 1e-6)).max()
    return bool(SHADE_RATIO < ratio < 1 and drift < SHADE_CHROMA)


def _without_shadows(clusters: list[_Cluster]) -> list[_Cluster]:
    """Give fold shadows back to the colour they fall on."""
    lit: list[_Cluster] = []
    for cluster in clusters:
        for place, other in enumerate(lit):
            if cluster.mass < SHADE_SHARE * other.mass and _is_shade(cluster.colour, other.colour):
                lit[place] = other.joined(cluster)
                break
        else:
            lit.append(cluster)
    return sorted(lit, key=lambda cluster: -cluster.mass)


def _named(clusters: list[_Cluster]) -> tuple[PaletteColour, ...]:
    total = sum(cluster.mass for cluster in clusters)
    linear = np.clip(linear_of_oklab(np.array([cluster.colour for cluster in clusters])), 0, 1)
    found = []
    for cluster, srgb, lab in zip(clusters, srgb_of_linear(linear), lab_of_linear(linear), strict=True):
        exact = (float(lab[0]), float(lab[1]), float(lab[2]))
        triple = (int(srgb[0]), int(srgb[1]), int(srgb[2]))
        found.append(PaletteColour(triple, exact, cluster.mass / total, name_of(exact)))
    return tuple(found)
