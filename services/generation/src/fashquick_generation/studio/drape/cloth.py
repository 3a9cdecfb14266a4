"""The sewing pattern as a triangle mesh: a front and a back panel, sewn together at the seams.

Seams are welded: both panels share the vertices there, so nothing has to be pulled together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import cKDTree

from fashquick_generation.studio.arrays import Bool, Float64, Int32
from fashquick_generation.studio.cut.outline import resampled
from fashquick_generation.studio.cut.panel import contains, grid_inside, triangles_inside
from fashquick_generation.studio.cut.pattern import SEWN, Pattern, Role, Side
from fashquick_generation.studio.mesh import Edges, edges_of

RASTER_M = 0.002
"""Distance of the points between which a seam is smoothed."""
SEAM_SMOOTHING_M = 0.02
"""Standard deviation of the smoothing along a seam."""


Corner = tuple[Role, Side]


@dataclass(frozen=True, slots=True)
class Cloth:
    """A garment's mesh in its pattern.

    Attributes:
        rest: Vx2 float64, pattern coordinates in metres.
        faces: Fx3 int32, counter-clockwise from outside once worn.
        back_face: F bool, faces of the back panel.
        panel: V float64, 0 front, 1 back, 0.5 on a seam.
        corner: Vertex at which each stretch of the pattern begins; the back panel's where it ends an opening.
        neck_edge: V bool, on the edge of the neck opening.
        edges: The mesh's edges.
        shape: Vx3 float64 metres, the garment as it is sewn, where that is not flat: what its lengths at rest are
            taken from; None for the flat pattern.
    """

    rest: Float64
    faces: Int32
    back_face: Bool
    panel: Float64
    corner: dict[Corner, int]
    neck_edge: Bool
    edges: Edges
    shape: Float64 | None = None


def sewn(pattern: Pattern, grid_m: float) -> Cloth:
    """Mesh and sew a garment.

    Args:
        pattern: Of any family.
        grid_m: Length of an edge.
    """
    border, is_open, corner = _border(pattern, grid_m)
    front_edge = np.zeros((0, 2)) if pattern.front_edge is None else _between_ends(pattern.front_edge, grid_m)
    inside = grid_inside(border, grid_m)
    # Where the front edge runs close along the border, one point serves both.
    free = cKDTree(border).query(front_edge)[0] > 0.45 * grid_m
    clear = cKDTree(np.concatenate([border, front_edge])).query(inside)[0] > 0.6 * grid_m
    points = np.concatenate([border, front_edge[free], inside[clear]])
    triangles = triangles_inside(points, border, grid_m)
    is_front = np.ones(len(triangles), bool)
    if pattern.front_edge is not None:
        is_front = ~contains(_opened_upward(pattern.front_edge), points[triangles].mean(axis=1))
    seam = np.zeros(len(points), bool)
    seam[: len(border)] = ~is_open
    on_front_edge = np.zeros(len(points), bool)
    on_front_edge[len(border) : len(border) + int(free.sum())] = True
    return _welded(points, triangles, is_front=is_front, seam=seam, on_front_edge=on_front_edge, corner=corner)


def _between_ends(line: Float64, grid_m: float) -> Float64:
    length = float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())
    return resampled(line, max(round(length / grid_m), 6) + 1)[1:-1]


def _border(pattern: Pattern, grid_m: float) -> tuple[Float64, Bool, dict[Corner, int]]:
    pieces, is_open, corner = [], [], {}
    count = 0
    for stretch in pattern.stretches:
        length = float(np.linalg.norm(np.diff(stretch.line, axis=0), axis=1).sum())
        piece = resampled(_unwrinkled(stretch.line, length), max(round(length / grid_m), 1) + 1)[:-1]
        corner[stretch.role, stretch.side] = count
        count += len(piece)
        pieces.append(piece)
        opened = np.full(len(piece), stretch.role not in SEWN)
        opened[0] = False
        is_open.append(opened)
    return np.concatenate(pieces), np.concatenate(is_open), corner


def _unwrinkled(line: Float64, length: float) -> Float64:
    """The line without its short waves, its ends kept: creases in the photo, not cuts of the cloth."""
    count = max(round(length / RASTER_M), 2)
    fine = resampled(line, count + 1)
    straight = fine[0] + np.linspace(0, 1, count + 1)[:, None] * (fine[-1] - fine[0])
    waves = np.concatenate([fine - straight, -(fine - straight)[-2:0:-1]])
    smooth: Float64 = straight + gaussian_filter1d(waves, SEAM_SMOOTHING_M / RASTER_M, axis=0, mode="wrap")[: count + 1]
    return smooth


def _opened_upward(neckline: Float64) -> Float64:
    """What the neckline cuts away from the front: all above it."""
    above = np.array([0.0, 1.0])
    return np.concatenate([neckline, neckline[-1:] + above, neckline[:1] + above])


def _welded(
    points: Float64, triangles: Int32, *, is_front: Bool, seam: Bool, on_front_edge: Bool, corner: dict[Corner, int]
) -> Cloth:
    count = len(points)
    to_back = np.arange(count)
    to_back[~seam] = count + np.arange(int((~seam).sum()))
    faces = np.concatenate([triangles[is_front], to_back[triangles[:, ::-1]]])
    back_face = np.r_[np.zeros(int(is_front.sum()), bool), np.ones(len(triangles), bool)]
    rest = np.concatenate([points, points[~seam]])
    panel = np.r_[np.where(seam, 0.5, 0.0), np.ones(int((~seam).sum()))]
    neck = np.zeros(count, bool)
    if (Role.NECK, Side.MIDDLE) in corner:
        neck[: corner[Role.SHOULDER, Side.LEFT] + 1] = True
    neck_edge = np.r_[(neck & seam) | on_front_edge, neck[~seam]]
    used = np.zeros(len(rest), bool)
    used[faces] = True
    renumbered = np.cumsum(used) - 1
    faces = renumbered[faces].astype(np.int32)
    return Cloth(
        rest=rest[used],
        faces=faces,
        back_face=back_face,
        panel=panel[used],
        corner={name: int(renumbered[to_back[index]]) for name, index in corner.items()},
        neck_edge=neck_edge[used],
        edges=edges_of(faces),
    )
