"""Clusters of colours as the hills of their density in OKLab.

Hills are found by climbing a smoothed histogram and joined by the persistence of the passes between them (Chazal et
al., "Persistence-based clustering in Riemannian manifolds", 2013). How many there are thus follows from the photo: a
shaded single colour is one ridge, stripes are separate hills. Nothing is random.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from fashquick_common.image.spaces import Floats, ciede2000, lab_of_linear, linear_of_oklab

ALIKE = 5.0  # CIEDE2000 below which two clusters are one colour of the cloth
BIN = 0.02  # side of a histogram cell in OKLab, about one just noticeable difference
BLUR_BINS = 0.8  # sigma of the histogram's smoothing: noise of one colour is one hill
MARGIN_BINS = 4  # empty cells around the histogram: the smoothing's reach
VALLEY = 0.7  # two hills are one if the pass between them is higher than this part of the lower top
MIN_TOP = 1.2e-4  # share in one cell: a hundredth of the garment in evenly coloured, noisy cloth tops out about here
SPLIT_APART = 12.0  # CIEDE2000 between the halves of a hill from which on it cannot be one colour, whatever the light
SPLIT_SHARE = 0.04  # smaller halves are the tails of one colour
FOLD_QUANTILE = 0.20  # darker pixels of a colour are its fold shadows ...
HIGHLIGHT_QUANTILE = 0.92  # ... and lighter ones its highlights: neither says what colour the cloth has
SHADE_RATIO = 0.72  # OKLab lightness of a sharp shadow over that of the lit cloth, such as a back's inside
SHADE_CHROMA = 0.03  # mismatch of a/L and b/L up to which a darker colour can be the shadow of another
SHADE_SHARE = 0.30  # a shadow covers at most this part of what its lit colour covers


class Cluster:
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

    def joined(self, other: Cluster) -> Cluster:
        """Both clusters' pixels as one."""
        return Cluster(np.vstack([self.oklab, other.oklab]), np.concatenate([self.weight, other.weight]))


def cluster(oklab: Floats, weight: Floats) -> list[Cluster]:
    """Find the colours of a garment's pixels.

    Args:
        oklab: Nx3, N at least 1.
        weight: N, positive: how far each pixel shows one colour of the cloth.

    Returns:
        At least one cluster, largest first.
    """
    clusters = _hills(oklab, weight)
    total = sum(found.mass for found in clusters)
    parts = [part for found in clusters for part in _split(found, SPLIT_SHARE * total)]
    return _without_shadows(_merged(parts))


def apart(clusters: list[Cluster]) -> Floats:
    """CIEDE2000 between the colours of clusters (KxK), infinite on the diagonal."""
    lab = lab_of_linear(np.clip(linear_of_oklab(np.array([found.colour for found in clusters])), 0, 1))
    return np.asarray(ciede2000(lab[:, None], lab[None]) + np.where(np.eye(len(lab), dtype=bool), np.inf, 0.0))


def _hills(oklab: Floats, weight: Floats) -> list[Cluster]:
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
    found = [Cluster(oklab[basin == top], weight[basin == top]) for top in high]
    return sorted(found, key=lambda found: -found.mass)


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


def _merged(clusters: list[Cluster]) -> list[Cluster]:
    """Join clusters that the eye takes for one colour, closest first."""
    while len(clusters) > 1:
        distance = apart(clusters)
        one, two = sorted(int(i) for i in np.unravel_index(int(distance.argmin()), distance.shape))
        if distance[one, two] >= ALIKE:
            break
        joined = clusters[one].joined(clusters[two])
        clusters = [found for index, found in enumerate(clusters) if index not in (one, two)] + [joined]
    return sorted(clusters, key=lambda found: -found.mass)


def _split(whole: Cluster, least: float) -> list[Cluster]:
    """Divide a hill too wide for one colour under changing light: fine patterns whose colours mix leave no valley."""
    if whole.mass <= 2 * least:
        return [whole]
    mean = np.average(whole.oklab, axis=0, weights=whole.weight)
    centred = whole.oklab - mean
    _, axes = np.linalg.eigh((centred * whole.weight[:, None]).T @ centred)
    along = centred @ axes[:, -1]
    upper = along > _otsu(along, whole.weight)
    if min(float(whole.weight[side].sum()) for side in (upper, ~upper)) < least:
        return [whole]
    halves = [Cluster(whole.oklab[side], whole.weight[side]) for side in (upper, ~upper)]
    one, two = (half.colour for half in halves)
    lab = lab_of_linear(np.clip(linear_of_oklab(np.array([one, two])), 0, 1))
    if ciede2000(lab[0], lab[1]) < SPLIT_APART or is_shade(one, two) or is_shade(two, one):
        return [whole]
    return [part for half in halves for part in _split(half, least)]


def _otsu(values: Floats, weight: Floats) -> float:
    """Threshold that separates weighted values best (Otsu 1979)."""
    count, edges = np.histogram(values, bins=64, weights=weight)
    middle = (edges[1:] + edges[:-1]) / 2
    below, moment = np.cumsum(count), np.cumsum(count * middle)
    above = below[-1] - below
    gap = moment / np.maximum(below, 1e-12) - (moment[-1] - moment) / np.maximum(above, 1e-12)
    return float(edges[1 + int((below * above * gap**2).argmax())])


def is_shade(shade: Floats, cloth: Floats, deepest: float = SHADE_RATIO, drift: float = SHADE_CHROMA) -> bool:
    """Whether one OKLab colour can be the other in a fold's shadow.

    Shading multiplies linear light and therefore scales L, a and b of OKLab alike: a shadow keeps a/L and b/L.

    Args:
        shade: The darker colour.
        cloth: The lighter one.
        deepest: Least ratio of their lightness.
        drift: Most difference of a/L and of b/L.
    """
    ratio = shade[0] / max(float(cloth[0]), 1e-6)
    turned = np.abs(shade[1:] / max(float(shade[0]), 1e-6) - cloth[1:] / max(float(cloth[0]), 1e-6)).max()
    return bool(deepest < ratio < 1 and turned < drift)


def _without_shadows(clusters: list[Cluster]) -> list[Cluster]:
    """Give fold shadows back to the colour they fall on."""
    lit: list[Cluster] = []
    for dark in clusters:
        for place, other in enumerate(lit):
            if dark.mass < SHADE_SHARE * other.mass and is_shade(dark.colour, other.colour):
                lit[place] = other.joined(dark)
                break
        else:
            lit.append(dark)
    return sorted(lit, key=lambda found: -found.mass)
