"""Visibility: a z-buffer that keeps which face is seen at each pixel and where on it."""

# ruff: noqa: PLR0917 - kernels are called by position: numba has no keyword-only arguments.

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_generation.studio.arrays import Float32, Float64, Int32

FAR = np.float32(1e9)
"""Depth where nothing is seen."""
SLICE_FACES = 6000
"""Faces a kernel call; keeps a call under 50 ms even for faces that fill much of a large picture."""


@dataclass(frozen=True, slots=True)
class Visible:
    """What a camera sees.

    Attributes:
        depth: HxW float32, metres along the view, `FAR` where nothing is seen.
        face: HxW int32, index of the face, -1 where nothing is seen.
        corner: HxWx2 float32, perspective-correct weights of the face's second and third corner.
    """

    depth: Float32
    face: Int32
    corner: Float32


@numba.njit(nogil=True, cache=True)
def _draw(
    points: Float64, faces: Int32, first: int, last: int, nearer: Float64, depth: Float32, face: Int32, corner: Float32
) -> None:
    height, width = depth.shape
    for f in range(first, last):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        x0, y0, x1, y1, x2, y2 = points[a, 0], points[a, 1], points[b, 0], points[b, 1], points[c, 0], points[c, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-12:
            continue
        left = max(int(np.ceil(min(x0, x1, x2) - 0.5)), 0)
        right = min(int(np.floor(max(x0, x1, x2) - 0.5)), width - 1)
        top = max(int(np.ceil(min(y0, y1, y2) - 0.5)), 0)
        bottom = min(int(np.floor(max(y0, y1, y2) - 0.5)), height - 1)
        inverse = 1.0 / area
        za, zb, zc = 1.0 / points[a, 2], 1.0 / points[b, 2], 1.0 / points[c, 2]
        for y in range(top, bottom + 1):
            py = y + 0.5
            for x in range(left, right + 1):
                px = x + 0.5
                w1 = ((px - x0) * (y2 - y0) - (x2 - x0) * (py - y0)) * inverse
                w2 = ((x1 - x0) * (py - y0) - (px - x0) * (y1 - y0)) * inverse
                w0 = 1.0 - w1 - w2
                if w0 < 0.0 or w1 < 0.0 or w2 < 0.0:
                    continue
                z = 1.0 / (w0 * za + w1 * zb + w2 * zc)
                seen = z - (w0 * nearer[a] + w1 * nearer[b] + w2 * nearer[c])
                if seen < depth[y, x]:
                    depth[y, x] = seen
                    face[y, x] = f
                    corner[y, x, 0] = w1 * zb * z
                    corner[y, x, 1] = w2 * zc * z


def visible(points: Float64, faces: Int32, nearer: Float64, width: int, height: int, cancel: CancelFlag) -> Visible:
    """Draw a mesh.

    Args:
        points: Vx3 float64, as `Camera.project` gives them.
        faces: Fx3 int32; both sides are drawn.
        nearer: V float64, metres by which a point counts as nearer than it is, which settles who is seen
            where two surfaces lie closer together than the simulation is exact.
        width: Pixels.
        height: Pixels.
        cancel: Checked between slices.
    """
    out = Visible(
        depth=np.full((height, width), FAR, np.float32),
        face=np.full((height, width), -1, np.int32),
        corner=np.zeros((height, width, 2), np.float32),
    )
    for first in range(0, len(faces), SLICE_FACES):
        cancel.check()
        last = min(first + SLICE_FACES, len(faces))
        _draw(points, faces, first, last, nearer, out.depth, out.face, out.corner)
    return out
