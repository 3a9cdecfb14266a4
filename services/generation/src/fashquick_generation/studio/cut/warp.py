"""The way from a clean pattern back to the photo: rigid inside, along the photo's outline at the border.

A print must be neither stretched nor sheared, while the photo's outline wobbles, its sleeves hang or are bent, and
one side is longer than the other. The map is the one that turns each small triangle of the pattern as rigidly as
possible while lines of the pattern lie on their lines in the photo: L. Liu et al., "A local/global approach to mesh
parameterization" (2008), section 4, with the soft constraints of O. Sorkine and M. Alexa, "As-rigid-as-possible
surface modeling" (2007).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import bsr_matrix, csc_matrix, csr_matrix, identity, kron
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from fashquick_generation.studio.arrays import Float64, Int, Int32
from fashquick_generation.studio.cut.outline import resampled
from fashquick_generation.studio.cut.panel import grid_inside, triangles_inside

CELL_M = 0.025
"""Length of a triangle's edge: finer than creases that should not be followed, coarse enough for 50 ms."""
ROUNDS = 12
"""Local and global steps; after these, triangles of garments as crumpled as any turn by less than a degree more."""
LOOSE = 1e-9
"""Weight of every node's place at the origin, against 1 of a triangle's shape: keeps the system solvable."""
NEAREST = 8
"""Triangles around a point that may hold it."""
FARTHEST = 1.5
"""How far outside of its triangle, in the triangle's own coordinates, a point is carried on with it."""
TYPICAL = 99
"""Percentile of the distortion that is told: single triangles in corners do not show."""


@dataclass(frozen=True, slots=True)
class Trace:
    """A line of the pattern and where the photo shows it.

    Attributes:
        metres: Mx2 float64, on the pattern.
        pixels: Mx2 float64, their places in the photo.
        across: How firmly it holds the pattern across the line; at 1 a bend of a triangle's size is evened out by half.
        along: How firmly along the line. Its ends are held as firmly as across it.
    """

    metres: Float64
    pixels: Float64
    across: float = 4.0
    along: float = 0.4


@dataclass(frozen=True, slots=True)
class RigidWarp:
    """A piecewise linear map between pattern and photo.

    Attributes:
        metres: Nx2 float64, nodes in the pattern.
        pixels: Nx2 float64, their places in the photo.
        triangles: Tx3 int32.
        folded: Share of the pattern's area that lies upside down in the photo.
        distortion: Largest stretch or squeeze of cloth against the whole, as a factor from 1, of all but the worst
            hundredth of the area.
    """

    metres: Float64
    pixels: Float64
    triangles: Int32
    folded: float
    distortion: float

    def to_photo(self, metres: Float64) -> Float64:
        """Nx2 metres to Nx2 pixels; points outside go on as their nearest triangle does."""
        return _carried(self.metres, self.pixels, self.triangles, metres)

    def from_photo(self, pixels: Float64) -> Float64:
        """Nx2 pixels to Nx2 metres."""
        return _carried(self.pixels, self.metres, self.triangles, pixels)


def rigid_warp(
    border: Sequence[Float64], traces: Sequence[Trace], px_per_m: tuple[float, float], cell_m: float = CELL_M
) -> RigidWarp:
    """Lay a pattern on the photo.

    Args:
        border: Stretches of the pattern's closed border, each Mx2 float64 metres (y up), ends included.
        traces: Lines whose place in the photo is known. What none of them holds goes on rigidly.
        px_per_m: Size of the garment in the photo, pixels (y down) a metre, along the pattern's x and y.
        cell_m: Edge length of the triangles.
    """
    pieces = [_every(line, cell_m)[:-1] for line in border]
    closed = np.concatenate(pieces)
    nodes = np.concatenate([closed, grid_inside(closed, cell_m)])
    triangles = triangles_inside(nodes, closed, cell_m)
    used = np.unique(triangles)
    nodes, triangles = nodes[used], np.searchsorted(used, triangles).astype(np.int32)
    rest = nodes * np.array([px_per_m[0], -px_per_m[1]])
    area, slopes = _slopes(rest, triangles)
    held, wanted = _held(nodes, triangles, traces, cell_m)
    count = len(nodes)
    spread = _matrix(triangles, slopes, count)
    weight = np.repeat(area, 2)
    stiff = kron(identity(2), spread.T @ spread.multiply(weight[:, None]))
    system = csc_matrix(stiff + held + LOOSE * identity(2 * count))
    solve = splu(system, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).solve
    # Without any turns first: the harmonic map, which finds the turns of bent sleeves by itself.
    pixels = solve(wanted).reshape(2, count).T
    for _ in range(ROUNDS):
        jacobian = (spread @ pixels).reshape(-1, 2, 2).transpose(0, 2, 1)
        turned = weight[:, None] * _rotations(jacobian).transpose(0, 2, 1).reshape(-1, 2)
        pixels = solve((spread.T @ turned).T.ravel() + wanted).reshape(2, count).T
    folded, distortion = _quality((spread @ pixels).reshape(-1, 2, 2), area)
    return RigidWarp(nodes, pixels, triangles, folded, distortion)


def _every(line: Float64, step: float) -> Float64:
    length = float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())
    return resampled(line, max(round(length / step), 1) + 1)


def _slopes(rest: Float64, triangles: Int32) -> tuple[Float64, Float64]:
    """Triangles' areas (T) and gradients of their corners' hat functions (Tx3x2)."""
    a, b, c = (rest[triangles[:, k]] for k in range(3))
    twice = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    opposite = np.stack([c - b, a - c, b - a], axis=1)
    slopes = np.stack([-opposite[..., 1], opposite[..., 0]], axis=-1) / twice[:, None, None]
    return np.abs(twice) / 2, slopes


def _matrix(triangles: Int32, slopes: Float64, count: int) -> csr_matrix:
    """Values at N nodes to gradients of T triangles: 2T x N."""
    rows = 2 * np.arange(len(triangles))[:, None, None] + np.arange(2)[None, None]
    rows = np.broadcast_to(rows, slopes.shape)
    columns = np.broadcast_to(triangles[..., None], slopes.shape)
    return csr_matrix((slopes.ravel(), (rows.ravel(), columns.ravel())), shape=(2 * len(triangles), count))


def _rotations(jacobian: Float64) -> Float64:
    """The rotation closest to each 2x2 matrix."""
    a, b = jacobian[:, 0, 0] + jacobian[:, 1, 1], jacobian[:, 1, 0] - jacobian[:, 0, 1]
    length = np.hypot(a, b)
    safe = length > 1e-12
    cos, sin = np.where(safe, a, 1.0) / np.where(safe, length, 1.0), np.where(safe, b, 0.0) / np.where(safe, length, 1)
    return np.stack([np.stack([cos, -sin], axis=-1), np.stack([sin, cos], axis=-1)], axis=-2)


def _held(nodes: Float64, triangles: Int32, traces: Sequence[Trace], cell_m: float) -> tuple[csr_matrix, Float64]:
    """What the traces add to the system: a 2N x 2N matrix and a right side of 2N."""
    points, pixels, firm = (np.concatenate(parts) for parts in zip(*(_stops(t, cell_m) for t in traces), strict=True))
    index, share = _located(nodes, triangles, points)
    # Row 2 p + i holds coordinate i of point p; column N j + n is coordinate j of node n.
    count, rows = len(nodes), np.arange(2 * len(points)).reshape(-1, 2, 1)
    columns = triangles[index][:, None] + count * np.arange(2)[None, :, None]
    shape = (2 * len(points), 2 * count)
    places = np.broadcast_arrays(share[:, None], rows, columns)
    pick = csr_matrix((places[0].ravel(), (places[1].ravel(), places[2].ravel())), shape=shape)
    strength = bsr_matrix((firm, np.arange(len(points)), np.arange(len(points) + 1)))
    pull = (pick.T @ strength).tocsr()
    return pull @ pick, pull @ pixels.ravel()


def _stops(trace: Trace, cell_m: float) -> tuple[Float64, Float64, Float64]:
    """Points a cell apart on a trace: in the pattern (Px2), in the photo (Px2), and how firmly held (Px2x2)."""
    along = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(trace.metres, axis=0), axis=1))]
    where = np.linspace(0, along[-1], max(round(float(along[-1]) / cell_m), 1) + 1)
    points, pixels = (
        np.stack([np.interp(where, along, line[:, k]) for k in (0, 1)], axis=1) for line in (trace.metres, trace.pixels)
    )
    tangent = np.gradient(pixels, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-12
    loose = np.full(len(points), trace.across - trace.along)
    loose[[0, -1]] = 0.0
    firm = trace.across * np.eye(2) - loose[:, None, None] * tangent[:, :, None] * tangent[:, None]
    return points, pixels, firm


def _quality(gradients: Float64, area: Float64) -> tuple[float, float]:
    """Share of the area that is folded, and the usual worst distortion against the mean size."""
    turned = np.linalg.det(gradients) <= 0
    sizes = np.linalg.svd(gradients, compute_uv=False)
    middle = float(np.sqrt(np.average(sizes[:, 0] * sizes[:, 1], weights=area)))
    worst = np.maximum(sizes[:, 0] / middle, middle / np.maximum(sizes[:, 1], 1e-3 * middle))
    return float(area[turned].sum() / area.sum()), float(np.percentile(worst, TYPICAL))


def _located(nodes: Float64, triangles: Int32, points: Float64) -> tuple[Int, Float64]:
    """The triangle that holds each point, or comes closest to holding it, and the point's shares of its corners."""
    corners = nodes[triangles]
    near = cKDTree(corners.mean(axis=1)).query(points, k=min(NEAREST, len(triangles)))[1].reshape(len(points), -1)
    a, b, c = (corners[near, k] for k in range(3))
    twice = (b - a)[..., 0] * (c - a)[..., 1] - (b - a)[..., 1] * (c - a)[..., 0]
    twice = np.where(np.abs(twice) > 1e-15, twice, 1e-15)
    away = points[:, None] - a
    second = (away[..., 0] * (c - a)[..., 1] - away[..., 1] * (c - a)[..., 0]) / twice
    third = ((b - a)[..., 0] * away[..., 1] - (b - a)[..., 1] * away[..., 0]) / twice
    shares = np.stack([1 - second - third, second, third], axis=-1)
    best = shares.min(axis=-1).argmax(axis=1)
    rows = np.arange(len(points))
    return near[rows, best], shares[rows, best]


def _carried(nodes: Float64, images: Float64, triangles: Int32, points: Float64) -> Float64:
    index, share = _located(nodes, triangles, points)
    # Far outside the pattern a small triangle's turn would count for too much.
    middle = np.full(3, 1 / 3)
    reach = np.abs(share - middle).max(axis=1, keepdims=True)
    near = middle + (share - middle) * np.minimum(1, (FARTHEST + 1) / np.maximum(reach, 1e-12))
    out: Float64 = np.einsum("nk,nkd->nd", near, images[triangles[index]])
    return out
