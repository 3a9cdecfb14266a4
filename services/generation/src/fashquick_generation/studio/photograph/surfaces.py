"""What a camera sees at its samples: normals, and the spots whose light is found."""

# ruff: noqa: PLR0917 - kernels are called by position: numba has no keyword-only arguments.

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from fashquick_generation.studio.arrays import Float32, Float64, Int32, UInt8
from fashquick_generation.studio.photograph.camera import Camera
from fashquick_generation.studio.photograph.raster import Visible
from fashquick_generation.studio.photograph.scene import Scene

HALO = 3
"""Rows beyond a band in which its pixels' light is averaged and looked up."""
PLANE_M = 0.008
"""Pixels whose surfaces are farther apart than this, along the normal, do not share their light."""
ALIKE = 0.7
"""Least cosine between the normals of pixels that share their light."""


@dataclass(frozen=True, slots=True)
class Spots:
    """The surface that stands for a pixel: that of its first sample which shows anything.

    Attributes:
        number: HxW int32, a pixel's row in the others, or -1.
        points: Nx3 float32, metres.
        normals: Nx3 float32, towards the camera.
        places: N int32, a pixel's place in its 4x4 tile, for `ShadowMaps.irradiance`.
        layers: N uint8.
    """

    number: Int32
    points: Float32
    normals: Float32
    places: Int32
    layers: UInt8


@numba.njit(nogil=True, cache=True)
def _normals(
    face: Int32,
    corner: Float32,
    faces: Int32,
    vertices: Float64,
    normals: Float64,
    eye: Float64,
    outside: UInt8,
    out: Float32,
) -> None:
    for y in range(face.shape[0]):
        for x in range(face.shape[1]):
            for s in range(face.shape[2]):
                f = face[y, x, s]
                if f < 0:
                    continue
                a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
                ux, uy = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1]
                vx, vy = vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1]
                uz, vz = vertices[b, 2] - vertices[a, 2], vertices[c, 2] - vertices[a, 2]
                facing = (uy * vz - uz * vy) * (eye[0] - vertices[a, 0])
                facing += (uz * vx - ux * vz) * (eye[1] - vertices[a, 1])
                facing += (ux * vy - uy * vx) * (eye[2] - vertices[a, 2])
                outside[y, x, s] = facing >= 0.0
                w1, w2 = corner[y, x, s, 0], corner[y, x, s, 1]
                w0 = 1.0 - w1 - w2
                length = 1e-12
                for k in range(3):
                    value = w0 * normals[a, k] + w1 * normals[b, k] + w2 * normals[c, k]
                    out[y, x, s, k] = value
                    length += value * value
                scale = (1.0 if facing >= 0.0 else -1.0) / np.sqrt(length)
                for k in range(3):
                    out[y, x, s, k] *= scale


def normals_of(scene: Scene, seen: Visible, camera: Camera) -> tuple[UInt8, Float32]:
    """Which side of its face a sample shows, and the normal there.

    Returns:
        HxWxS uint8, 1 for the outside; HxWxSx3 float32 unit vectors towards the camera, undefined where nothing is.
    """
    outside = np.zeros(seen.face.shape, np.uint8)
    out = np.zeros((*seen.face.shape, 3), np.float32)
    _normals(seen.face, seen.corner, scene.faces, scene.vertices, scene.normals, camera.eye, outside, out)
    return outside, out


@numba.njit(nogil=True, cache=True, inline="always")
def _inner(face: Int32, layer: UInt8, y: int, x: int) -> bool:
    """Whether all of a pixel and its neighbours in the row show one layer."""
    first = face[y, x, 0]
    for column in range(max(x - 1, 0), min(x + 2, face.shape[1])):
        for s in range(face.shape[2]):
            f = face[y, column, s]
            if f < 0 or first < 0 or layer[f] != layer[first]:
                return False
    return True


@numba.njit(nogil=True, cache=True)
def _spots(
    row: int,
    face: Int32,
    corner: Float32,
    normal: Float32,
    faces: Int32,
    layer: UInt8,
    vertices: Float64,
    number: Int32,
    points: Float32,
    normals: Float32,
    places: Int32,
    layers: UInt8,
) -> int:
    count = 0
    for y in range(face.shape[0]):
        for x in range(face.shape[1]):
            number[y, x] = -1
            if (x + row + y) & 1 and _inner(face, layer, y, x):
                continue
            for s in range(face.shape[2]):
                f = face[y, x, s]
                if f < 0:
                    continue
                w1, w2 = corner[y, x, s, 0], corner[y, x, s, 1]
                w0 = 1.0 - w1 - w2
                for k in range(3):
                    points[count, k] = (
                        w0 * vertices[faces[f, 0], k] + w1 * vertices[faces[f, 1], k] + w2 * vertices[faces[f, 2], k]
                    )
                    normals[count, k] = normal[y, x, s, k]
                places[count] = (x & 3) + 4 * ((row + y) & 3)
                layers[count] = layer[f]
                number[y, x] = count
                count += 1
                break
    return count


def spots_of(scene: Scene, seen: Visible, normal: Float32, first_row: int) -> Spots:
    """The surfaces whose light is found: light is smooth, so every other pixel does within a layer.

    Args:
        scene: What is there.
        seen: Of a band.
        normal: From `normals_of`.
        first_row: The band's first row in the picture.
    """
    height, width = seen.face.shape[:2]
    most = height * width
    number = np.empty((height, width), np.int32)
    points, normals = np.empty((most, 3), np.float32), np.empty((most, 3), np.float32)
    places, layers = np.empty(most, np.int32), np.empty(most, np.uint8)
    out = (number, points, normals, places, layers)
    count = _spots(first_row, seen.face, seen.corner, normal, scene.faces, scene.layer, scene.vertices, *out)
    return Spots(number, *(array[:count] for array in out[1:]))


@numba.njit(nogil=True, cache=True)
def _smoothed(
    number: Int32, points: Float32, normals: Float32, layers: UInt8, light: Float32, weights: Float32, out: Float32
) -> None:
    height, width = number.shape
    for y in range(height):
        for x in range(width):
            n = number[y, x]
            if n < 0:
                continue
            total, weight = 0.0, 0.0
            for dy in range(-2, 3):
                for dx in range(-2, 3):
                    if y + dy < 0 or y + dy >= height or x + dx < 0 or x + dx >= width:
                        continue
                    m = number[y + dy, x + dx]
                    if m < 0 or layers[m] != layers[n]:
                        continue
                    cosine, away = 0.0, 0.0
                    for k in range(3):
                        cosine += normals[n, k] * normals[m, k]
                        away += normals[n, k] * (points[m, k] - points[n, k])
                    if cosine < ALIKE or abs(away) > PLANE_M:
                        continue
                    w = weights[dy + 2] * weights[dx + 2] * (cosine - ALIKE)
                    total += w * light[m]
                    weight += w
            out[n] = total / weight


def smoothed(spots: Spots, light: Float32) -> Float32:
    """Light averaged over a pixel's like neighbours: over each place in a cone of light, so that no grain is left.

    Args:
        spots: Of a band.
        light: N float32, what arrives at each spot.
    """
    out = np.empty_like(light)
    # These weights count each column, modulo 4, alike; so with the rows.
    weights = np.array([0.5, 1, 1, 1, 0.5], np.float32)
    _smoothed(spots.number, spots.points, spots.normals, spots.layers, light, weights, out)
    return out
