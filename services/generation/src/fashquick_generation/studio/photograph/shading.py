"""From visible faces to light: surface points, cloth pixels, and the picture's pixels."""

# ruff: noqa: PLR0917 - kernels are called by position: numba has no keyword-only arguments.

from __future__ import annotations

from collections.abc import Iterator

import numba
import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_generation.studio.arrays import Float32, Float64, Int32, UInt8
from fashquick_generation.studio.photograph.camera import Camera
from fashquick_generation.studio.photograph.lighting import ShadowMaps
from fashquick_generation.studio.photograph.raster import Visible
from fashquick_generation.studio.photograph.scene import Kind, Scene
from fashquick_generation.studio.texture.textures import Texture

SLICE_POINTS = 60_000
"""Points a kernel call: about 10 ms."""
PAINT = np.array(
    [
        [0.56, 0.525, 0.495],
        [0.60, 0.60, 0.59],
        [0.040, 0.041, 0.046],
        [0.040, 0.041, 0.046],
        [0.60, 0.60, 0.59],
    ],
    np.float32,
)
"""Linear light that skin and companion clothes return, by kind: matte mannequin, charcoal, off-white."""
SHOULDER_FROM = 0.86
"""Linear light from which highlights are compressed instead of clipped."""
FRONT = int(Kind.FRONT)
REVERSE_DIM = 0.80
"""What the inside of a garment returns against its outside."""
REVERSE_GLOW = 0.30
"""Light that reaches the inside through the cloth."""


@numba.njit(nogil=True, cache=True)
def _surface(
    spots: Int32,
    first: int,
    last: int,
    face: Int32,
    corner: Float32,
    faces: Int32,
    kind: UInt8,
    vertices: Float64,
    normals: Float64,
    texels: Float64,
    eye: Float64,
    points: Float32,
    directions: Float32,
    place: Float32,
    outside: UInt8,
) -> None:
    for n in range(first, last):
        at = spots[n]
        f = face[at]
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        w1, w2 = corner[at, 0], corner[at, 1]
        w0 = 1.0 - w1 - w2
        length = 0.0
        for k in range(3):
            points[n, k] = w0 * vertices[a, k] + w1 * vertices[b, k] + w2 * vertices[c, k]
            directions[n, k] = w0 * normals[a, k] + w1 * normals[b, k] + w2 * normals[c, k]
            length += directions[n, k] ** 2
        ux, uy, uz = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1], vertices[b, 2] - vertices[a, 2]
        vx, vy, vz = vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1], vertices[c, 2] - vertices[a, 2]
        facing = (uy * vz - uz * vy) * (eye[0] - points[n, 0])
        facing += (uz * vx - ux * vz) * (eye[1] - points[n, 1])
        facing += (ux * vy - uy * vx) * (eye[2] - points[n, 2])
        outside[n] = facing >= 0.0
        scale = 1.0 / np.sqrt(length + 1e-12)
        if facing < 0.0:
            scale = -scale
        for k in range(3):
            directions[n, k] *= scale
        if kind[f] >= FRONT:
            for k in range(2):
                place[n, k] = w0 * texels[a, k] + w1 * texels[b, k] + w2 * texels[c, k]


@numba.njit(nogil=True, cache=True)
def _paint(
    spots: Int32,
    first: int,
    last: int,
    face: Int32,
    kind: UInt8,
    outside: UInt8,
    place: Float32,
    front: Float32,
    inside: Float32,
    back: Float32,
    paint: Float32,
    light: Float32,
    out: Float32,
) -> None:
    height, width = front.shape[0], front.shape[1]
    for n in range(first, last):
        what = kind[face[spots[n]]]
        if what < FRONT:
            for k in range(3):
                out[n, k] = paint[what, k] * light[n]
            continue
        x = min(max(place[n, 0], 0.0), width - 1.001)
        y = min(max(place[n, 1], 0.0), height - 1.001)
        x0, y0 = int(x), int(y)
        fx, fy = x - x0, y - y0
        image, strength = inside, REVERSE_DIM * (REVERSE_GLOW + (1.0 - REVERSE_GLOW) * light[n])
        if outside[n] == 1:
            image, strength = (front if what == FRONT else back), light[n]
        for k in range(3):
            upper = image[y0, x0, k] * (1.0 - fx) + image[y0, x0 + 1, k] * fx
            lower = image[y0 + 1, x0, k] * (1.0 - fx) + image[y0 + 1, x0 + 1, k] * fx
            out[n, k] = (upper * (1.0 - fy) + lower * fy) * strength


@numba.njit(nogil=True, cache=True)
def _resolve(
    first: int, last: int, samples: int, number: Int32, lit: Float32, ground: Float32, noise: Float32, rgb: UInt8
) -> None:
    """Average the samples of each pixel in linear light, compress highlights, encode and dither."""
    for y in range(first, last):
        for x in range(rgb.shape[1]):
            for k in range(3):
                total = 0.0
                for sy in range(samples):
                    for sx in range(samples):
                        n = number[y * samples + sy, x * samples + sx]
                        value = ground[y, x, k] if n < 0 else lit[n, k]
                        if value > SHOULDER_FROM:
                            room = 1.0 - SHOULDER_FROM
                            value = SHOULDER_FROM + room * (1.0 - np.exp(-(value - SHOULDER_FROM) / room))
                        total += value
                value = total / (samples * samples)
                code = 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1.0 / 2.4) - 0.055
                rgb[y, x, k] = int(min(max(255.0 * code + noise[y, x], 0.0), 254.999))


def lit_pixels(
    scene: Scene,
    visible: Visible,
    camera: Camera,
    texture: Texture,
    shadows: ShadowMaps,
    cancel: CancelFlag,
) -> tuple[Int32, Float32]:
    """Light that every sample which shows something sends to the camera.

    Args:
        scene: What is there.
        visible: What of it is seen.
        camera: From where; of the samples' resolution.
        texture: The garment's pixels.
        shadows: The light.
        cancel: Checked between slices.

    Returns:
        HxW int32, a sample's row in the second array or -1; Nx3 float32, linear light.
    """
    flat = visible.face.ravel()
    spots = np.flatnonzero(flat >= 0).astype(np.int32)
    number = np.full(flat.shape, -1, np.int32)
    number[spots] = np.arange(len(spots), dtype=np.int32)
    count = len(spots)
    points, directions = np.empty((count, 3), np.float32), np.empty((count, 3), np.float32)
    place, outside = np.zeros((count, 2), np.float32), np.empty(count, np.uint8)
    corner, texels = visible.corner.reshape(-1, 2), texture.at(scene.pixels)
    for first, last in _slices(count, cancel):
        _surface(
            spots,
            first,
            last,
            flat,
            corner,
            scene.faces,
            scene.kind,
            scene.vertices,
            scene.normals,
            texels,
            camera.eye,
            points,
            directions,
            place,
            outside,
        )
    light = shadows.irradiance(points, directions, cancel)
    lit = np.empty((count, 3), np.float32)
    images = (texture.front, texture.inside, texture.back)
    for first, last in _slices(count, cancel):
        _paint(spots, first, last, flat, scene.kind, outside, place, *images, PAINT, light, lit)
    return number.reshape(visible.face.shape), lit


def resolved(number: Int32, lit: Float32, ground: Float32, noise: Float32) -> UInt8:
    """The finished pixels.

    Args:
        number: (sH)x(sW) int32 and
        lit: Nx3 float32, from `lit_pixels`, with s samples a pixel's side.
        ground: HxWx3 float32, linear light behind the figure.
        noise: HxW float32, 0 to 1, the dither that keeps the even backdrop free of steps.

    Returns:
        HxWx3 uint8 sRGB.
    """
    rgb = np.empty(ground.shape, np.uint8)
    _resolve(0, len(rgb), number.shape[0] // len(rgb), number, lit, ground, noise, rgb)
    return rgb


def _slices(count: int, cancel: CancelFlag) -> Iterator[tuple[int, int]]:
    for first in range(0, count, SLICE_POINTS):
        cancel.check()
        yield first, min(first + SLICE_POINTS, count)
