"""What hides what from the light: a depth map for each of its directions."""

# ruff: noqa: PLR0917 - kernels are called by position: numba has no keyword-only arguments.

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_generation.studio.arrays import Float32, Float64, Int32
from fashquick_generation.studio.photograph import lighting
from fashquick_generation.studio.photograph.threads import in_order

TEXEL_M = 0.005
"""Texel of a map: finer ones show no difference under so much soft light."""
LARGEST_MAP = 640
"""Texels of a map's side at most."""
SLICE_POINTS = 12_000
"""Points a kernel call: about 10 ms."""
AMBIENT = 0.10
"""Light that reaches even the deepest fold, after many reflections."""
SURFACE_BIAS_M = 0.0015
"""How far a point is lifted off its surface before it looks for shadow."""
DEPTH_BIAS_M = 0.002
"""How much nearer to the light than a point something must be to hide it; more under grazing light, where a texel
spans more depth. Small, so that a hem throws its shadow on the skin close by."""
SLANT_BIAS_M = 0.003
"""What is added for each time that grazing light spreads an area of light over one more of its like."""
FAR_M = 0.25
"""Distance at which a second look is taken for what hides a part of a direction's cone."""
NEAR_M = 0.05
"""What hides from nearer than this is found without it."""
FARTHEST_M = 0.7
"""From here on penumbras grow no wider."""
JITTER = 16
"""Places within a cone; neighbouring pixels take different ones and are averaged."""


def _disc(count: int) -> Float32:
    """Places spread evenly over the unit disc (Vogel's spiral), neighbours in the list far apart."""
    i = (np.arange(count) * 7) % count
    radius, angle = np.sqrt((i + 0.5) / count), np.pi * (3 - np.sqrt(5)) * i
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype(np.float32)


_PLACES = _disc(JITTER)


@numba.njit(nogil=True, cache=True)
def _draw_depth(vertices: Float64, faces: Int32, frame: Float64, corner: Float64, depth: Float32) -> None:
    height, width = depth.shape
    u = np.empty(vertices.shape[0], np.float32)
    v = np.empty(vertices.shape[0], np.float32)
    d = np.empty(vertices.shape[0], np.float32)
    for i in range(vertices.shape[0]):
        px, py, pz = vertices[i, 0], vertices[i, 1], vertices[i, 2]
        u[i] = frame[0, 0] * px + frame[0, 1] * py + frame[0, 2] * pz - corner[0]
        v[i] = frame[1, 0] * px + frame[1, 1] * py + frame[1, 2] * pz - corner[1]
        d[i] = frame[2, 0] * px + frame[2, 1] * py + frame[2, 2] * pz
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        x0, y0, x1, y1, x2, y2 = u[a], v[a], u[b], v[b], u[c], v[c]
        left = max(int(np.ceil(min(x0, x1, x2) - np.float32(0.5))), 0)
        right = min(int(np.floor(max(x0, x1, x2) - np.float32(0.5))), width - 1)
        top = max(int(np.ceil(min(y0, y1, y2) - np.float32(0.5))), 0)
        bottom = min(int(np.floor(max(y0, y1, y2) - np.float32(0.5))), height - 1)
        if left > right or top > bottom:
            continue
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-6:
            continue
        inverse = np.float32(1.0) / area
        ax, ay = (y2 - y0) * inverse, (x0 - x2) * inverse
        bx, by = (y0 - y1) * inverse, (x1 - x0) * inverse
        z0, dz1, dz2 = d[a], d[b] - d[a], d[c] - d[a]
        for y in range(top, bottom + 1):
            ry = y + np.float32(0.5) - y0
            for x in range(left, right + 1):
                rx = x + np.float32(0.5) - x0
                w1 = rx * ax + ry * ay
                w2 = rx * bx + ry * by
                if w1 < 0.0 or w2 < 0.0 or w1 + w2 > 1.0:
                    continue
                z = z0 + w1 * dz1 + w2 * dz2
                depth[y, x] = min(depth[y, x], z)


@numba.njit(nogil=True, cache=True)
def _bounds(vertices: Float64, frames: Float64, low: Float64, high: Float64) -> None:
    """Least and greatest column and row of the vertices in every map."""
    for k in range(frames.shape[0]):
        for axis in range(2):
            x, y, z = frames[k, axis, 0], frames[k, axis, 1], frames[k, axis, 2]
            least, most = 1e9, -1e9
            for i in range(vertices.shape[0]):
                at = x * vertices[i, 0] + y * vertices[i, 1] + z * vertices[i, 2]
                least, most = min(least, at), max(most, at)
            low[k, axis], high[k, axis] = least, most


@numba.njit(nogil=True, cache=True, inline="always")
def _depth_at(maps: Float32, start: int, width: int, height: int, u: float, v: float) -> float:
    x, y = int(np.floor(u)), int(np.floor(v))
    if x < 0 or y < 0 or x >= width or y >= height:
        return 1e9
    return float(maps[start + y * width + x])


@numba.njit(nogil=True, cache=True)
def _gather(
    points: Float32,
    normals: Float32,
    places: Int32,
    first: int,
    last: int,
    directions: Float64,
    powers: Float64,
    frames: Float64,
    corners: Float64,
    starts: Int32,
    sizes: Int32,
    maps: Float32,
    disc: Float32,
    spread: float,
    out: Float32,
) -> None:
    """`spread`: texels that a cone's radius covers at one metre."""
    for i in range(first, last):
        nx, ny, nz = normals[i, 0], normals[i, 1], normals[i, 2]
        px = points[i, 0] + nx * SURFACE_BIAS_M
        py = points[i, 1] + ny * SURFACE_BIAS_M
        pz = points[i, 2] + nz * SURFACE_BIAS_M
        total = 0.0
        for k in range(directions.shape[0]):
            cosine = nx * directions[k, 0] + ny * directions[k, 1] + nz * directions[k, 2]
            if cosine <= 0.0:
                continue
            u = frames[k, 0, 0] * px + frames[k, 0, 1] * py + frames[k, 0, 2] * pz - corners[k, 0]
            v = frames[k, 1, 0] * px + frames[k, 1, 1] * py + frames[k, 1, 2] * pz - corners[k, 1]
            d = frames[k, 2, 0] * px + frames[k, 2, 1] * py + frames[k, 2, 2] * pz
            d -= DEPTH_BIAS_M + SLANT_BIAS_M * (1.0 / max(cosine, 0.2) - 1.0)
            start, width, height = starts[k], sizes[k, 0], sizes[k, 1]
            j = (places[i] + 5 * k) & (JITTER - 1)
            ju, jv = disc[j, 0], disc[j, 1]
            gap = d - _depth_at(maps, start, width, height, u + 0.5 * ju, v + 0.5 * jv)
            if gap <= 0.0:
                reach = spread * FAR_M
                gap = d - NEAR_M - _depth_at(maps, start, width, height, u + reach * ju, v + reach * jv)
                if gap <= 0.0:
                    total += cosine * powers[k]
                    continue
                gap += NEAR_M
            reach = spread * min(gap, FARTHEST_M)
            if d - 0.5 * gap <= _depth_at(maps, start, width, height, u + reach * ju, v + reach * jv):
                total += cosine * powers[k]
        out[i] = AMBIENT + (1.0 - AMBIENT) * total


@dataclass(frozen=True, slots=True)
class ShadowMaps:
    """Depth of a scene from every direction of `lighting.directions`.

    Attributes:
        frames: Lx3x3 float64: rows give a point's column and row in a map, less its corner, and its depth in metres.
        corners: Lx2 float64, column and row of the maps' corners.
        starts: L int32, where each map begins in `maps`.
        sizes: Lx2 int32, columns and rows of the maps.
        maps: float32, all maps, one after the other, row by row.
        texel_m: Metres a texel.
    """

    frames: Float64
    corners: Float64
    starts: Int32
    sizes: Int32
    maps: Float32
    texel_m: float

    def irradiance(
        self, points: Float32, normals: Float32, places: Int32, powers: Float64, cancel: CancelFlag
    ) -> Float32:
        """Light that arrives at surface points.

        Args:
            points: Nx3 float32, metres.
            normals: Nx3 float32 unit vectors.
            places: N int32, each point's place within the directions' cones, 0 to `JITTER` - 1.
            powers: From `lighting.powers`.
            cancel: Checked between slices.

        Returns:
            N float32; 1 for an unshadowed surface that faces the camera.
        """
        out = np.empty(len(points), np.float32)
        directions, spread = lighting.directions(), lighting.CONE / self.texel_m
        for first in range(0, len(points), SLICE_POINTS):
            cancel.check()
            last = min(first + SLICE_POINTS, len(points))
            _gather(
                points,
                normals,
                places,
                first,
                last,
                directions,
                powers,
                self.frames,
                self.corners,
                self.starts,
                self.sizes,
                self.maps,
                _PLACES,
                spread,
                out,
            )
        return out


def shadow_maps(vertices: Float64, faces: Int32, cancel: CancelFlag) -> ShadowMaps:
    """Draw a scene's depth from every direction of the light.

    Args:
        vertices: Vx3 float64, metres.
        faces: Fx3 int32.
        cancel: Checked before each map.
    """
    directions = lighting.directions()
    texel_m = max(TEXEL_M, float(np.linalg.norm(np.ptp(vertices, axis=0))) / LARGEST_MAP)
    frames = np.stack([_frame(direction, texel_m) for direction in directions])
    low, high = np.empty((len(frames), 2)), np.empty((len(frames), 2))
    _bounds(vertices, frames, low, high)
    corners = np.floor(low) - 1
    sizes = (np.ceil(high) + 1 - corners).astype(np.int32)
    starts = np.r_[0, np.cumsum(sizes[:, 0] * sizes[:, 1])].astype(np.int32)
    maps = np.full(starts[-1], np.float32(1e9), np.float32)

    def draw(k: int) -> None:
        cancel.check()
        depth = maps[starts[k] : starts[k + 1]].reshape(sizes[k, 1], sizes[k, 0])
        _draw_depth(vertices, faces, frames[k], corners[k], depth)

    for _ in in_order(draw, range(len(directions))):
        pass
    return ShadowMaps(frames, corners, starts[:-1], sizes, maps, texel_m)


def _frame(direction: Float64, texel_m: float) -> Float64:
    helper = np.array([0.0, 0.0, 1.0]) if abs(direction[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    across = np.cross(helper, direction)
    across /= np.linalg.norm(across)
    return np.stack([across / texel_m, np.cross(direction, across) / texel_m, -direction])
