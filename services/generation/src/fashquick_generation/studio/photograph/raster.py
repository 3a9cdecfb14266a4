"""Visibility: a z-buffer that keeps which face is seen at each sample of a pixel and where on it."""

# ruff: noqa: PLR0917 - kernels are called by position: numba has no keyword-only arguments.

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_generation.studio.arrays import Float32, Float64, Int32

FAR = np.float32(1e9)
"""Depth where nothing is seen."""
SLICE_FACES = 20_000
"""Faces a kernel call: some 20 ms."""
CENTRE = np.array([[0.5, 0.5]])
"""One sample a pixel, as maps have it."""
ROTATED_GRID = np.array([[0.375, 0.125], [0.875, 0.375], [0.125, 0.625], [0.625, 0.875]])
"""Four samples a pixel, each in a row and column of its own: edges near the vertical and the horizontal, as limbs have
them, get four steps of coverage where a square grid gives two."""


@dataclass(frozen=True, slots=True)
class Visible:
    """What a camera sees in some rows of its picture, at S samples a pixel.

    Attributes:
        depth: HxWxS float32, metres along the view, `FAR` where nothing is seen.
        face: HxWxS int32, index of the face, -1 where nothing is seen.
        corner: HxWxSx2 float32, perspective-correct weights of the face's second and third corner.
    """

    depth: Float32
    face: Int32
    corner: Float32


@numba.njit(nogil=True, cache=True)
def _draw(
    points: Float64,
    faces: Int32,
    first: int,
    last: int,
    nearer: Float64,
    closed: int,
    row: int,
    samples: Float64,
    depth: Float32,
    face: Int32,
    corner: Float32,
) -> None:
    height, width = depth.shape[:2]
    for f in range(first, last):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        y0, y1, y2 = points[a, 1] - row, points[b, 1] - row, points[c, 1] - row
        top, bottom = max(int(np.floor(min(y0, y1, y2))), 0), min(int(np.floor(max(y0, y1, y2))), height - 1)
        if top > bottom:
            continue
        x0, x1, x2 = points[a, 0], points[b, 0], points[c, 0]
        left, right = max(int(np.floor(min(x0, x1, x2))), 0), min(int(np.floor(max(x0, x1, x2))), width - 1)
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if left > right or abs(area) < 1e-12 or (f < closed and area > 0.0):
            continue
        inverse = 1.0 / area
        ax, ay, bx, by = (y2 - y0) * inverse, (x0 - x2) * inverse, (y0 - y1) * inverse, (x1 - x0) * inverse
        za, zb, zc = 1.0 / points[a, 2], 1.0 / points[b, 2], 1.0 / points[c, 2]
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                for s in range(samples.shape[0]):
                    rx, ry = x + samples[s, 0] - x0, y + samples[s, 1] - y0
                    w1, w2 = rx * ax + ry * ay, rx * bx + ry * by
                    w0 = 1.0 - w1 - w2
                    if w0 < 0.0 or w1 < 0.0 or w2 < 0.0:
                        continue
                    z = 1.0 / (w0 * za + w1 * zb + w2 * zc)
                    seen = z - (w0 * nearer[a] + w1 * nearer[b] + w2 * nearer[c])
                    if seen < depth[y, x, s]:
                        depth[y, x, s] = seen
                        face[y, x, s] = f
                        corner[y, x, s, 0] = w1 * zb * z
                        corner[y, x, s, 1] = w2 * zc * z


def visible(
    points: Float64,
    faces: Int32,
    nearer: Float64,
    *,
    closed: int,
    width: int,
    rows: tuple[int, int],
    samples: Float64,
    cancel: CancelFlag,
) -> Visible:
    """Draw a mesh.

    Args:
        points: Vx3 float64, as `Camera.project` gives them.
        faces: Fx3 int32, counter-clockwise from outside.
        nearer: V float64, metres by which a point counts as nearer than it is, which settles who is seen
            where two surfaces lie closer together than the simulation is exact.
        closed: Number of the first faces of which only the outside is drawn; of the others both sides are.
        width: Pixels.
        rows: First row, and that after the last; they may lie outside the picture.
        samples: Sx2 float64, places within a pixel, 0 to 1.
        cancel: Checked between slices.
    """
    shape = (rows[1] - rows[0], width, len(samples))
    out = Visible(
        depth=np.full(shape, FAR, np.float32),
        face=np.full(shape, -1, np.int32),
        corner=np.zeros((*shape, 2), np.float32),
    )
    for first in range(0, len(faces), SLICE_FACES):
        cancel.check()
        last = min(first + SLICE_FACES, len(faces))
        _draw(points, faces, first, last, nearer, closed, rows[0], samples, out.depth, out.face, out.corner)
    return out
