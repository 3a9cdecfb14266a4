"""Studio light: many directional lights with shadow maps that stand for soft boxes and a bright room.

Enough of them give soft shadows, ambient occlusion and contact shadows at once, without rays.
"""

# ruff: noqa: PLR0917 - kernels are called by position: numba has no keyword-only arguments.

from __future__ import annotations

import functools
from dataclasses import dataclass

import numba
import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_generation.studio.arrays import Float32, Float64, Int32

DOME_LIGHTS = 44
"""Directions that sample the bright room."""
KEY_LIGHTS = 20
"""Directions that sample the large soft box to the camera's left; fewer show as steps in its shadow."""
MAP_SIZE = 512
"""Texels a side of a shadow map: 4 mm for a standing figure."""
SLICE_POINTS = 12_000
"""Points a kernel call: about 20 ms."""
AMBIENT = 0.10
"""Light that reaches even the deepest fold, after many reflections."""
SURFACE_BIAS_M = 0.003
"""How far a point is lifted off its surface before it looks for shadow."""
DEPTH_BIAS_M = 0.004


@dataclass(frozen=True, slots=True)
class Lights:
    """Directional lights.

    Attributes:
        directions: Lx3 float64 unit vectors towards the light.
        powers: L float64; a surface that faces the front unshadowed receives 1 in all.
    """

    directions: Float64
    powers: Float64

    def turned(self, yaw_degrees: float) -> Lights:
        """The same lights, fixed to a camera that stands at `yaw_degrees`."""
        yaw = np.radians(yaw_degrees)
        c, s = np.cos(yaw), np.sin(yaw)
        turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        return Lights(self.directions @ turn.T, self.powers)


@functools.cache
def studio() -> Lights:
    """The lights of the studio, for a camera at the front."""
    golden = np.pi * (3 - np.sqrt(5))
    i = np.arange(DOME_LIGHTS) + 0.5
    z = 1 - 1.55 * i / DOME_LIGHTS
    ring = np.sqrt(1 - z * z)
    dome = np.stack([ring * np.cos(golden * i), ring * np.sin(golden * i), z], axis=1)
    from_front = np.clip(-dome[:, 1], 0, 1)
    # The floor returns less than the walls and the ceiling give; the front wall is open towards the camera.
    dome_power = (0.75 + 0.55 * from_front) * np.where(dome[:, 2] < 0, 0.55, 1.0)
    centre = np.array([-0.62, -0.95, 0.72])
    key = _disc(centre / np.linalg.norm(centre), radius=0.5, count=KEY_LIGHTS)
    directions = np.concatenate([dome, key])
    facing = np.clip(-directions[:, 1], 0, 1)
    share = np.r_[np.full(DOME_LIGHTS, 0.62), np.full(KEY_LIGHTS, 0.38)]
    powers = np.r_[dome_power, np.ones(KEY_LIGHTS)]
    for group in (slice(0, DOME_LIGHTS), slice(DOME_LIGHTS, None)):
        powers[group] *= share[group] / (powers[group] * facing[group]).sum()
    return Lights(directions, powers)


def _disc(centre: Float64, radius: float, count: int) -> Float64:
    """Directions spread evenly (Vogel's spiral) over a disc around `centre`, `radius` at distance 1."""
    across = np.cross([0.0, 0.0, 1.0], centre)
    across /= np.linalg.norm(across)
    up = np.cross(centre, across)
    i = np.arange(count) + 0.5
    r, angle = radius * np.sqrt(i / count), np.pi * (3 - np.sqrt(5)) * i
    directions = centre + (r * np.cos(angle))[:, None] * across + (r * np.sin(angle))[:, None] * up
    out: Float64 = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    return out


@numba.njit(nogil=True, cache=True)
def _draw_depth(points: Float64, faces: Int32, depth: Float32) -> None:
    size = depth.shape[0]
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        x0, y0, x1, y1, x2, y2 = points[a, 0], points[a, 1], points[b, 0], points[b, 1], points[c, 0], points[c, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-9:
            continue
        left = max(int(np.ceil(min(x0, x1, x2) - 0.5)), 0)
        right = min(int(np.floor(max(x0, x1, x2) - 0.5)), size - 1)
        top = max(int(np.ceil(min(y0, y1, y2) - 0.5)), 0)
        bottom = min(int(np.floor(max(y0, y1, y2) - 0.5)), size - 1)
        inverse = 1.0 / area
        z0, dz1, dz2 = points[a, 2], points[b, 2] - points[a, 2], points[c, 2] - points[a, 2]
        for y in range(top, bottom + 1):
            py = y + 0.5
            for x in range(left, right + 1):
                px = x + 0.5
                w1 = ((px - x0) * (y2 - y0) - (x2 - x0) * (py - y0)) * inverse
                w2 = ((x1 - x0) * (py - y0) - (px - x0) * (y1 - y0)) * inverse
                if w1 < 0.0 or w2 < 0.0 or w1 + w2 > 1.0:
                    continue
                z = z0 + w1 * dz1 + w2 * dz2
                depth[y, x] = min(depth[y, x], z)


@numba.njit(nogil=True, cache=True)
def _gather(
    points: Float32,
    normals: Float32,
    first: int,
    last: int,
    directions: Float64,
    powers: Float64,
    frames: Float64,
    origin: Float64,
    maps: Float32,
    out: Float32,
) -> None:
    size = maps.shape[1]
    for i in range(first, last):
        nx, ny, nz = normals[i, 0], normals[i, 1], normals[i, 2]
        px = points[i, 0] + nx * SURFACE_BIAS_M - origin[0]
        py = points[i, 1] + ny * SURFACE_BIAS_M - origin[1]
        pz = points[i, 2] + nz * SURFACE_BIAS_M - origin[2]
        total = 0.0
        for k in range(directions.shape[0]):
            cosine = nx * directions[k, 0] + ny * directions[k, 1] + nz * directions[k, 2]
            if cosine <= 0.0:
                continue
            u = frames[k, 0, 0] * px + frames[k, 0, 1] * py + frames[k, 0, 2] * pz + size * 0.5 - 0.5
            v = frames[k, 1, 0] * px + frames[k, 1, 1] * py + frames[k, 1, 2] * pz + size * 0.5 - 0.5
            d = frames[k, 2, 0] * px + frames[k, 2, 1] * py + frames[k, 2, 2] * pz - DEPTH_BIAS_M
            lit = 1.0
            if u >= 0.0 and v >= 0.0 and u < size - 1 and v < size - 1:
                x, y = int(u), int(v)
                fx, fy = u - x, v - y
                lit = 0.0
                if maps[k, y, x] > d:
                    lit += (1.0 - fx) * (1.0 - fy)
                if maps[k, y, x + 1] > d:
                    lit += fx * (1.0 - fy)
                if maps[k, y + 1, x] > d:
                    lit += (1.0 - fx) * fy
                if maps[k, y + 1, x + 1] > d:
                    lit += fx * fy
            total += cosine * lit * powers[k]
        out[i] = AMBIENT + (1.0 - AMBIENT) * total


@dataclass(frozen=True, slots=True)
class ShadowMaps:
    """Depth of a scene from every light.

    Attributes:
        lights: The lights.
        frames: Lx3x3 float64: rows give a point's texel offset from the map's centre and its depth.
        origin: 3 float64, centre of the scene.
        maps: LxSxS float32.
    """

    lights: Lights
    frames: Float64
    origin: Float64
    maps: Float32

    def irradiance(self, points: Float32, normals: Float32, cancel: CancelFlag) -> Float32:
        """Light that arrives at surface points.

        Args:
            points: Nx3 float32, metres.
            normals: Nx3 float32 unit vectors.
            cancel: Checked between slices.

        Returns:
            N float32; 1 for an unshadowed surface that faces the front.
        """
        out = np.empty(len(points), np.float32)
        for first in range(0, len(points), SLICE_POINTS):
            cancel.check()
            last = min(first + SLICE_POINTS, len(points))
            lights = self.lights
            _gather(
                points,
                normals,
                first,
                last,
                lights.directions,
                lights.powers,
                self.frames,
                self.origin,
                self.maps,
                out,
            )
        return out


def shadow_maps(vertices: Float64, faces: Int32, lights: Lights, size: int, cancel: CancelFlag) -> ShadowMaps:
    """Draw the scene's depth from every light.

    Args:
        vertices: Vx3 float64, metres.
        faces: Fx3 int32.
        lights: The lights.
        size: Texels a side of each map.
        cancel: Checked after each light.
    """
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    origin = (low + high) / 2
    texels_per_metre = size / (np.linalg.norm(high - low) * 1.02)
    frames = np.empty((len(lights.powers), 3, 3))
    maps = np.full((len(lights.powers), size, size), np.float32(1e9), np.float32)
    for k, direction in enumerate(lights.directions):
        helper = np.array([0.0, 0.0, 1.0]) if abs(direction[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
        across = np.cross(helper, direction)
        across /= np.linalg.norm(across)
        frames[k] = across * texels_per_metre, np.cross(direction, across) * texels_per_metre, -direction
        local = (vertices - origin) @ frames[k].T
        local[:, :2] += size / 2
        cancel.check()
        _draw_depth(local, faces, maps[k])
    return ShadowMaps(lights, frames, origin, maps)
