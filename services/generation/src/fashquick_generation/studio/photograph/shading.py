"""From what is seen to light: the surfaces' colours, and what they send to the camera."""

# ruff: noqa: PLR0917 - kernels are called by position: numba has no keyword-only arguments.

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np

from fashquick_generation.studio.arrays import Float32, Float64, Int32, UInt8
from fashquick_generation.studio.photograph.camera import Camera
from fashquick_generation.studio.photograph.lighting import KEY
from fashquick_generation.studio.photograph.materials import Material
from fashquick_generation.studio.photograph.scene import Scene, Side
from fashquick_generation.studio.photograph.surfaces import HALO, Spots
from fashquick_generation.studio.texture.textures import Texture

REVERSE_DIM = 0.72
"""What the inside of a garment returns against its outside."""
REVERSE_GLOW = 0.22
"""Light that reaches the inside through the cloth."""
BOUNCE = 0.35
"""Part of the light missing in a fold that a perfectly white surface returns to itself."""
_INSIDE, _BACK = int(Side.INSIDE), int(Side.BACK)


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
