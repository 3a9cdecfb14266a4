"""From visible faces to light: surfaces, cloth pixels, and the picture's pixels."""

# ruff: noqa: PLR0917 - kernels are called by position: numba has no keyword-only arguments.

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np

from fashquick_generation.studio.arrays import Float32, Float64, Int32, UInt8
from fashquick_generation.studio.photograph.backdrop import Ground
from fashquick_generation.studio.photograph.camera import Camera
from fashquick_generation.studio.photograph.lighting import KEY
from fashquick_generation.studio.photograph.materials import Material
from fashquick_generation.studio.photograph.raster import Visible
from fashquick_generation.studio.photograph.scene import Scene, Side
from fashquick_generation.studio.texture.textures import Texture

HALO = 3
"""Rows beyond a band in which its pixels' light is averaged and looked up."""
PLANE_M = 0.008
"""Pixels whose surfaces are farther apart than this, along the normal, do not share their light."""
ALIKE = 0.7
"""Least cosine between the normals of pixels that share their light."""
REVERSE_DIM = 0.72
"""What the inside of a garment returns against its outside."""
REVERSE_GLOW = 0.22
"""Light that reaches the inside through the cloth."""
BOUNCE = 0.35
"""Part of the light missing in a fold that a perfectly white surface returns to itself."""
SHOULDER_FROM = 0.86
"""Linear light from which highlights are compressed instead of clipped."""
GAMMA = 2.2
"""What lies over a layer is mixed with it in sRGB codes, not in linear light; a shadow's opacity allows for it."""
_INSIDE, _BACK = int(Side.INSIDE), int(Side.BACK)


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


@numba.njit(nogil=True, cache=True)
def _plain(face: Int32, layer: UInt8, paint: Float32, out: Float32) -> None:
    for y in range(face.shape[0]):
        for x in range(face.shape[1]):
            for s in range(face.shape[2]):
                f = face[y, x, s]
                if f >= 0 and layer[f] < paint.shape[0]:
                    for k in range(3):
                        out[y, x, s, k] = paint[layer[f], k]


@numba.njit(nogil=True, cache=True)
def _textured(
    which: int,
    face: Int32,
    corner: Float32,
    outside: UInt8,
    faces: Int32,
    layer: UInt8,
    side: UInt8,
    texels: Float64,
    front: Float32,
    inside: Float32,
    back: Float32,
    out: Float32,
    reverse: UInt8,
) -> None:
    height, width = front.shape[0], front.shape[1]
    for y in range(face.shape[0]):
        for x in range(face.shape[1]):
            for s in range(face.shape[2]):
                f = face[y, x, s]
                if f < 0 or layer[f] != which:
                    continue
                a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
                w1, w2 = corner[y, x, s, 0], corner[y, x, s, 1]
                w0 = 1.0 - w1 - w2
                u = min(max(w0 * texels[a, 0] + w1 * texels[b, 0] + w2 * texels[c, 0], 0.0), width - 1.001)
                v = min(max(w0 * texels[a, 1] + w1 * texels[b, 1] + w2 * texels[c, 1], 0.0), height - 1.001)
                i, j = int(u), int(v)
                fu, fv = u - i, v - j
                image = front
                if side[f] == _INSIDE or outside[y, x, s] == 0:
                    image = inside
                    reverse[y, x, s] = 1
                elif side[f] == _BACK:
                    image = back
                for k in range(3):
                    upper = image[j, i, k] * (1.0 - fu) + image[j, i + 1, k] * fu
                    lower = image[j + 1, i, k] * (1.0 - fu) + image[j + 1, i + 1, k] * fu
                    out[y, x, s, k] = upper * (1.0 - fv) + lower * fv


def coloured(
    scene: Scene, face: Int32, corner: Float32, outside: UInt8, paint: Float32, cloth: Sequence[Texture]
) -> tuple[Float32, UInt8]:
    """What the samples' surfaces return of white light.

    Args:
        scene: What is there.
        face: HxWxS int32, of a band.
        corner: HxWxSx2 float32.
        outside: HxWxS uint8.
        paint: Cx3 float32, of the skin and the companions.
        cloth: The garments' pixels.

    Returns:
        HxWxSx3 float32, linear; HxWxS uint8, 1 where a garment's inside is seen.
    """
    out = np.zeros((*face.shape, 3), np.float32)
    reverse = np.zeros(face.shape, np.uint8)
    _plain(face, scene.layer, paint, out)
    for k, texture in enumerate(cloth):
        _textured(
            scene.first_garment + k,
            face,
            corner,
            outside,
            scene.faces,
            scene.layer,
            scene.side,
            texture.at(scene.pixels),
            texture.front,
            texture.inside,
            texture.back,
            out,
            reverse,
        )
    return out, reverse


@numba.njit(nogil=True, cache=True, inline="always")
def _light_around(
    row: int, column: int, layer: int, normal: Float32, number: Int32, normals: Float32, layers: UInt8, light: Float32
) -> float:
    """The light of the pixel, here or beside, whose surface is most like a sample's."""
    best, arrives = -9.0, 0.0
    for y in range(max(row - 1, 0), min(row + 2, number.shape[0])):
        for x in range(max(column - 1, 0), min(column + 2, number.shape[1])):
            n = number[y, x]
            if n < 0:
                continue
            alike = 0.0 if layers[n] == layer else -2.0
            alike += 0.01 if x == column and y == row else 0.0
            for k in range(3):
                alike += normal[k] * normals[n, k]
            if alike > best:
                best, arrives = alike, light[n]
    return arrives


@numba.njit(nogil=True, cache=True)
def _light(
    rows: int,
    face: Int32,
    layer: UInt8,
    normal: Float32,
    reverse: UInt8,
    number: Int32,
    normals: Float32,
    layers: UInt8,
    light: Float32,
    materials: Float32,
    towards: Float64,
    half: Float64,
    colour: Float32,
) -> None:
    """`rows`: of `number` before the first of the other images."""
    for y in range(face.shape[0]):
        for x in range(face.shape[1]):
            for s in range(face.shape[2]):
                f = face[y, x, s]
                if f < 0:
                    continue
                what = layer[f]
                arrives = _light_around(y + rows, x, what, normal[y, x, s], number, normals, layers, light)
                cosine, shine = 0.0, 0.0
                for k in range(3):
                    cosine += normal[y, x, s, k] * towards[k]
                    shine += normal[y, x, s, k] * half[k]
                edge = 1.0 - min(max(cosine, 0.0), 1.0)
                veil = materials[what, 0] * edge * edge * edge
                if materials[what, 1] > 0.0:
                    veil += materials[what, 1] * max(shine, 0.0) ** materials[what, 2]
                dim = 1.0
                if reverse[y, x, s] == 1:
                    dim, veil = REVERSE_DIM, 0.0
                    arrives = REVERSE_GLOW + (1.0 - REVERSE_GLOW) * arrives
                missing = BOUNCE * max(1.0 - arrives, 0.0)
                for k in range(3):
                    own = colour[y, x, s, k]
                    colour[y, x, s, k] = dim * own * (arrives + missing * own) + veil * arrives


def light_up(
    scene: Scene,
    face: Int32,
    normal: Float32,
    reverse: UInt8,
    spots: Spots,
    light: Float32,
    materials: Sequence[Material],
    camera: Camera,
    colour: Float32,
) -> None:
    """Turn what surfaces return of white light into what they send to the camera.

    Args:
        scene: What is there.
        face: HxWxS int32, of a band's own rows; so the next two and the last.
        normal: HxWxSx3 float32.
        reverse: HxWxS uint8.
        spots: Of the band with `HALO` more rows on either side.
        light: N float32, at the spots.
        materials: One a layer.
        camera: From where.
        colour: HxWxSx3 float32, changed in place.
    """
    key = np.array(KEY.towards) @ np.stack([camera.right, [0.0, 0.0, 1.0], -_level(camera.forward)])
    half = key / np.linalg.norm(key) - camera.forward
    table = np.array([(m.fuzz, m.gloss, m.sharpness) for m in materials], np.float32)
    _light(
        HALO,
        face,
        scene.layer,
        normal,
        reverse,
        spots.number,
        spots.normals,
        spots.layers,
        light,
        table,
        -camera.forward,
        half / np.linalg.norm(half),
        colour,
    )


def _level(direction: Float64) -> Float64:
    level = direction * np.array([1.0, 1.0, 0.0])
    return np.asarray(level / np.linalg.norm(level), np.float64)


@numba.njit(nogil=True, cache=True)
def _coverage(first: int, face: Int32, layer: UInt8, out: UInt8) -> None:
    samples = face.shape[2]
    for y in range(face.shape[0]):
        for x in range(face.shape[1]):
            for s in range(samples):
                f = face[y, x, s]
                if f >= 0 and layer[f] >= first:
                    out[layer[f] - first, y, x] += 1
            for k in range(out.shape[0]):
                out[k, y, x] = (255 * out[k, y, x] + samples // 2) // samples


def coverage(scene: Scene, face: Int32, garments: int) -> tuple[UInt8, ...]:
    """For each garment HxW uint8, its share of each pixel's samples, 0 to 255."""
    out = np.zeros((garments, *face.shape[:2]), np.uint8)
    _coverage(scene.first_garment, face, scene.layer, out)
    return tuple(out)


@numba.njit(nogil=True, cache=True, inline="always")
def _noise(x: int, y: int, seed: int) -> float:
    """Even noise, 0 to 1, from a pixel's place alone (an integer hash by C. Wellons, "lowbias32")."""
    h = np.uint32(x) * np.uint32(0x9E3779B1) ^ np.uint32(y) * np.uint32(0x85EBCA77) ^ np.uint32(seed)
    h = np.uint32((h ^ (h >> np.uint32(16))) * np.uint32(0x7FEB352D))
    h = np.uint32((h ^ (h >> np.uint32(15))) * np.uint32(0x846CA68B))
    h = np.uint32(h ^ (h >> np.uint32(16)))
    return h / 4294967296.0


@numba.njit(nogil=True, cache=True)
def _develop(
    row: int,
    seed: int,
    transparent: bool,
    face: Int32,
    colour: Float32,
    light: Float32,
    shade: Float32,
    codes: Float32,
    rgb: UInt8,
    alpha: UInt8,
    shadow: UInt8,
) -> None:
    samples = face.shape[2]
    for y in range(face.shape[0]):
        for x in range(face.shape[1]):
            red, green, blue, covered = 0.0, 0.0, 0.0, 0
            for s in range(samples):
                if face[y, x, s] < 0:
                    continue
                covered += 1
                r, g, b = colour[y, x, s, 0], colour[y, x, s, 1], colour[y, x, s, 2]
                most = max(r, g, b)
                scale = 1.0
                if most > SHOULDER_FROM:
                    # All channels alike, so that a highlight keeps its hue.
                    room = 1.0 - SHOULDER_FROM
                    scale = (SHOULDER_FROM + room * (1.0 - np.exp(-(most - SHOULDER_FROM) / room))) / most
                red, green, blue = red + scale * r, green + scale * g, blue + scale * b
            alpha[y, x] = (255 * covered + samples // 2) // samples
            shadow[y, x] = int(255.0 * (1.0 - shade[y, x] ** (1.0 / GAMMA)) + 0.5)
            if transparent:
                share, rest = (1.0 / covered, 0.0) if covered > 0 else (0.0, 1.0)
            else:
                share, rest = 1.0 / samples, shade[y, x] * (samples - covered) / samples
            noise = _noise(x, row + y, seed)
            for k in range(3):
                figure = red if k == 0 else (green if k == 1 else blue)
                value = min(share * figure + rest * light[y, x, k], 1.0)
                rgb[y, x, k] = int(min(codes[int(value * (codes.shape[0] - 1))] + noise, 255.0))


@functools.cache
def _codes() -> Float32:
    """SRGB codes, 0 to 255, of linear light in equal steps from 0 to 1."""
    light = np.linspace(0, 1, 1 << 16)
    code = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (255 * code).astype(np.float32)


def developed(
    face: Int32, colour: Float32, ground: Ground, *, first_row: int, seed: int, transparent: bool
) -> tuple[UInt8, UInt8, UInt8]:
    """The finished pixels of a band.

    Samples are averaged in linear light; highlights are compressed first, so that bright edges stay smooth.

    Args:
        face: HxWxS int32.
        colour: HxWxSx3 float32, linear light.
        ground: Behind the figure.
        first_row: The band's in the picture.
        seed: Of the dither, which keeps even backdrops free of steps.
        transparent: Leave the ground out.

    Returns:
        HxWx3 uint8 sRGB, the figure alone where it is transparent, white where nothing is; HxW uint8 coverage of
        the figure; HxW uint8, opacity of the shadow as a black layer under the figure.
    """
    shape = face.shape[:2]
    out = (np.empty((*shape, 3), np.uint8), np.empty(shape, np.uint8), np.empty(shape, np.uint8))
    _develop(first_row, seed & 0xFFFFFFFF, transparent, face, colour, ground.light, ground.shade, _codes(), *out)
    return out
