"""What cloth is like from near: the light that stitches, ribs, twill, padding and pile make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from fashquick_common.garment import TextureClass

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]

TWILL = 1.0  # slope of denim's diagonal


def light(texture: TextureClass, u: Floats32, v: Floats32, rng: np.random.Generator) -> Floats:
    """Light on the cloth's structure.

    Args:
        texture: What it is like.
        u: HxW garment units of every pixel, folds included.
        v: HxW, likewise.
        rng: Decides how coarse and how deep.

    Returns:
        HxW float64 around 1, to multiply linear light by.
    """
    depth, size, style = rng.uniform(0.6, 1.4), float(rng.uniform(0.0, 1.0)), float(rng.random())
    place = _Place(u, v, int(rng.integers(1 << 30)))
    return np.asarray(1 + depth * np.asarray(_MADE[texture](place, size, style), np.float64))


@dataclass(frozen=True, slots=True)
class _Place:
    """Garment units of every pixel, and noise that belongs to the cloth."""

    u: Floats32
    v: Floats32
    seed: int

    def grain(self, cell: float, along: float = 1.0) -> Floats32:
        """Noise of unit strength with hills of `cell` garment units, `along` times as long as wide."""
        side = 512
        table = np.random.default_rng([self.seed, round(cell * 1e4)]).normal(0, 1, (side, side)).astype(np.float32)
        x = np.mod(self.u / np.float32(cell), side).astype(np.float32)
        y = np.mod(self.v / np.float32(cell * along), side).astype(np.float32)
        return np.asarray(cv2.remap(table, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), np.float32)


def _smooth(at: _Place, _size: float, _style: float) -> Floats32:
    return np.float32(0.02) * at.grain(0.004)


def _knit(at: _Place, size: float, _style: float) -> Floats32:
    pitch = 0.012 + 0.022 * size
    x = np.mod(at.u / pitch, 1.0)
    stitch = np.cos(2 * np.pi * (at.v / pitch * 1.2 + 1.1 * np.abs(x - 0.5)))
    return np.asarray(0.12 * stitch - 0.1 * (np.abs(x - 0.5) > 0.38) + 0.04 * at.grain(pitch / 3), np.float32)


def _ribbed(at: _Place, size: float, _style: float) -> Floats32:
    pitch = 0.012 + 0.02 * size
    return np.asarray(0.16 * np.cos(2 * np.pi * at.u / pitch) + 0.03 * at.grain(pitch / 3), np.float32)


def _corduroy(at: _Place, size: float, _style: float) -> Floats32:
    pitch = 0.01 + 0.014 * size
    return np.asarray(0.2 * (np.abs(np.sin(np.pi * at.u / pitch)) - 0.64) + 0.05 * at.grain(0.006), np.float32)


def _denim(at: _Place, size: float, style: float) -> Floats32:
    """Twill, slubs along the legs and, mostly, worn patches on the thighs."""
    pitch = 0.006 + 0.003 * size
    twill = 0.08 * np.cos(2 * np.pi * (at.u + TWILL * at.v) / pitch)
    worn = 0.18 * np.exp(-((np.abs(at.u) - 0.12) ** 2) / 0.004) * np.exp(-((at.v - 0.35) ** 2) / 0.05)
    return np.asarray(twill + 0.06 * at.grain(0.005) + 0.05 * at.grain(0.007, 12.0) + worn * (style < 0.6), np.float32)


def _quilted(at: _Place, size: float, style: float) -> Floats32:
    """Bars of padding across the garment, or diamonds."""
    pitch = 0.07 + 0.09 * size
    puff = np.abs(np.sin(np.pi * at.v / pitch))
    if style >= 0.6:
        slants = (np.abs(np.sin(np.pi * (at.u + sign * at.v) / pitch)) for sign in (1, -1))
        puff = np.minimum(*slants)
    return np.asarray(0.35 * (np.sqrt(puff) - 0.75) + 0.12 * at.grain(0.03) * (1 - puff), np.float32)


def _leather(at: _Place, _size: float, _style: float) -> Floats32:
    creases = at.grain(0.05)
    shine = 0.25 * np.maximum(creases, 0) ** 2 - 0.12 * np.maximum(-creases, 0)
    return np.asarray(shine + 0.05 * at.grain(0.006), np.float32)


def _fleece(at: _Place, size: float, _style: float) -> Floats32:
    return np.asarray(0.1 * at.grain(0.008 + 0.01 * size) + 0.08 * at.grain(0.02 + 0.03 * size), np.float32)


def _lace(at: _Place, size: float, _style: float) -> Floats32:
    """Flowers in a net of holes."""
    pitch = 0.05 + 0.06 * size
    x, y = np.mod(at.u / pitch, 1.0) - 0.5, np.mod(at.v / pitch, 1.0) - 0.5
    flower = np.cos(6 * np.arctan2(y, x)) * np.cos(6 * np.pi * np.hypot(x, y)) > 0.25
    net = np.cos(2 * np.pi * at.u / 0.012) * np.cos(2 * np.pi * at.v / 0.012) > 0.3
    return np.asarray(0.15 - 0.45 * flower - 0.25 * (net & ~flower), np.float32)


_MADE: Final[dict[TextureClass, Callable[[_Place, float, float], Floats32]]] = {
    TextureClass.SMOOTH: _smooth,
    TextureClass.KNIT: _knit,
    TextureClass.RIBBED: _ribbed,
    TextureClass.DENIM: _denim,
    TextureClass.QUILTED: _quilted,
    TextureClass.LEATHER: _leather,
    TextureClass.FLEECE: _fleece,
    TextureClass.LACE: _lace,
    TextureClass.CORDUROY: _corduroy,
}
