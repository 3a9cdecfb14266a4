"""From light to the picture's pixels."""

# ruff: noqa: PLR0917 - kernels are called by position: numba has no keyword-only arguments.

from __future__ import annotations

import functools

import numba
import numpy as np

from fashquick_generation.studio.arrays import Float32, Int32, UInt8
from fashquick_generation.studio.photograph.backdrop import Ground
from fashquick_generation.studio.photograph.scene import Scene

SHOULDER_FROM = 0.86
"""Linear light from which highlights are compressed instead of clipped."""
GAMMA = 2.2
"""What lies over a layer is mixed with it in sRGB codes, not in linear light; a shadow's opacity allows for it."""


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
