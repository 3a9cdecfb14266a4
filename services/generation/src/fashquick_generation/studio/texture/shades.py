"""Folds and uneven light of the photo, taken out: the cloth is lit anew, and lies in folds of its own.

Shading multiplies light; what is dyed or printed has edges or another colour. So every pixel is compared with the
colour of the passport's palette that it shows, whatever its brightness (after E. Land, J. McCann, "Lightness and
retinex theory", 1971), and what the ratios have in common with their neighbours is shade. Only luminance is changed;
a plain cloth is also freed of the tints that a second light leaves on parts of it.
"""

# ruff: noqa: PLR0917 - kernels are called by position: numba has no keyword-only arguments.

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numba
import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import PatternKind, TextureClass
from fashquick_generation.studio.arrays import Bool, Float32, UInt8
from fashquick_generation.studio.colour import LUMINANCE

FIELD_PX = 360
"""Longest side at which shade is smoothed; it has no finer structure."""
ROWS = 256
"""Rows a kernel call: below 20 ms."""
FOLD_SHARE = 0.006
"""Reach of a fold's shade, as a share of the image's diagonal."""
BROAD_SIGMA_PX = 5.0
"""Standard deviation, in pixels of the image that is made for it, at which a wide blur is done."""
LIGHT_SHARE = 0.06
"""Reach of changes of the light over the garment."""
ALONG, ACROSS = 0.25, 0.035
"""Differences of the roots of linear light from a palette's colour, in logarithms of brightness and in colour, that
count alike: cloth varies more in brightness than in colour."""
DARKEST_SHADE, BRIGHTEST_SHADE = -1.2, 0.6
"""Logarithms of luminance over the cloth's own: what is darker or brighter is not its shade."""
MOST_LIFTED, MOST_DIMMED = 0.9, 0.6
"""Largest change of luminance, in logarithms: noise and compression show in shadows that are lifted more."""
SHADED, GLOSSY = (0.35, 0.05), (0.22, 0.12)
"""Least luminance ratio and most change of colour of two palette colours that are one cloth in light and shade, and
those of cloth of one dye, whose gloss takes on other colours."""
MOST_TINT = 0.2
"""Largest change of a channel, in logarithms, by which the tint of a second light is taken out."""
TINTED_OFF = 12.0
"""Square of the difference in colour, in units of `ACROSS`, up to which a pixel may be the tinted cloth."""
TINT_SCARCE = 0.05
"""Weight of the cloth's own colour against 1 of pixels that may show it."""
SCARCE = 0.03
"""Weight, against 1 of pixels that surely show their colour, of the light's changes where folds cannot be seen."""
PRINT_TRUST = 0.1
"""Weight of pixels in a print: its tones are not shades."""


@dataclass(frozen=True, slots=True)
class Strength:
    """Parts of the shade that are taken away, 0 to 1.

    Attributes:
        light: Of changes over the whole garment.
        folds: Of what is finer.
    """

    light: float
    folds: float


PLAIN = Strength(0.9, 0.8)
PATTERNED = Strength(0.8, 0.5)
"""Between the colours of a pattern, part of what looks like folds is the pattern's own tones."""
RELIEF: Mapping[TextureClass, Strength] = MappingProxyType(
    {
        TextureClass.QUILTED: Strength(0.85, 0.15),
        TextureClass.RIBBED: Strength(0.85, 0.35),
        TextureClass.CORDUROY: Strength(0.85, 0.35),
        TextureClass.LEATHER: Strength(0.7, 0.35),
        TextureClass.FLEECE: Strength(0.85, 0.4),
        TextureClass.DENIM: Strength(0.4, 0.4),
    }
)
"""Cloth whose own relief, gloss or washed-out places look like folds and light."""
ONE_CLOTH = frozenset({PatternKind.SOLID, PatternKind.GRAPHIC})
"""Kinds of which shades of one colour are its light and shade, not different dyes."""


@dataclass(frozen=True, slots=True)
class Dye:
    """A colour of the cloth.

    Attributes:
        colour: 3 float32, linear light.
        share: Part of the garment.
    """

    colour: Float32
    share: float


@dataclass(frozen=True, slots=True)
class Cloth:
    """What is known of a cloth before its shade is told.

    Attributes:
        dyes: Its colours, at least one.
        strength: How much of the shade to take away.
        plain: Whether the cloth under any print is of one colour.
    """

    dyes: list[Dye]
    strength: Strength
    plain: bool


def cloth_of(dyes: list[Dye], kind: PatternKind | None, surface: TextureClass | None) -> Cloth:
    """A cloth by its palette, pattern and surface.

    Args:
        dyes: The palette's colours in the light of the texture.
        kind: What is on the cloth; None where that is not known.
        surface: What it is like; likewise.
    """
    plain = kind is None or kind in ONE_CLOTH
    usual = PLAIN if plain else PATTERNED
    strength = usual if surface is None else RELIEF.get(surface, usual)
    limits = GLOSSY if kind is PatternKind.SOLID else SHADED
    return Cloth(_merged(dyes, limits) if plain else dyes, strength, plain)


def _merged(dyes: list[Dye], limits: tuple[float, float]) -> list[Dye]:
    """Dyes of a plain cloth: a palette's light and shade of one colour become one colour between them."""
    kept: list[Dye] = []
    for dye in sorted(dyes, key=lambda one: -float(one.colour @ LUMINANCE)):
        for place, lighter in enumerate(kept):
            if _is_shade(dye.colour, lighter.colour, limits):
                share = dye.share + lighter.share
                mean = (dye.share * dye.colour + lighter.share * lighter.colour) / share
                kept[place] = Dye(mean.astype(np.float32), share)
                break
        else:
            kept.append(dye)
    return kept


def _is_shade(dark: Float32, light: Float32, limits: tuple[float, float]) -> bool:
    level = float(light @ LUMINANCE)
    ratio = float(dark @ LUMINANCE) / max(level, 1e-6)
    lifted = np.sqrt(dark / max(ratio, 1e-6))
    deepest, drift = limits
    return ratio >= deepest and float(np.abs(lifted - np.sqrt(light)).max()) <= drift + 0.1 * (1 - ratio)


def evened(lit: Float32, known: Bool, prints: Bool, cloth: Cloth, cancel: CancelFlag) -> Float32:
    """A cloth with less of its photo's folds and light.

    Args:
        lit: HxWx3 float32, linear light.
        known: HxW, where the cloth is seen.
        prints: HxW, where something is printed.
        cloth: What it is.
        cancel: Checked between steps.
    """
    root = np.sqrt(np.array([dye.colour for dye in cloth.dyes], np.float32))
    shade, weight = np.empty(lit.shape[:2], np.float32), np.empty(lit.shape[:2], np.float32)
    shown = np.empty(lit.shape[:2], np.uint8)
    for first in range(0, len(lit), ROWS):
        cancel.check()
        rows = slice(first, first + ROWS)
        _compare(lit[rows], known[rows], prints[rows], root, shade[rows], weight[rows], shown[rows])
    size = _field_size(lit.shape)
    total, share = _shrunk(shade * weight, size), _shrunk(weight, size)
    diagonal = float(np.hypot(*size))
    broad_total, broad_share = (_blurred(one, LIGHT_SHARE * diagonal) for one in (total, share))
    cancel.check()
    broad = broad_total / (broad_share + 1e-3)
    fine_total, fine_share = (cv2.GaussianBlur(one, (0, 0), FOLD_SHARE * diagonal) for one in (total, share))
    fine = (fine_total + SCARCE * broad) / (fine_share + SCARCE)
    change = -(cloth.strength.light * broad + cloth.strength.folds * (fine - broad))
    gain = np.exp(np.clip(change, -MOST_DIMMED, MOST_LIFTED))[..., None].astype(np.float32)
    cancel.check()
    if cloth.plain:
        gain = gain * _untinted(lit, (shown == _ground(cloth.dyes)).astype(np.float32), cloth, size)
    spread = cv2.resize(gain, (lit.shape[1], lit.shape[0]), interpolation=cv2.INTER_LINEAR)
    out: Float32 = lit * np.asarray(spread, np.float32).reshape(*lit.shape[:2], -1)
    return out


def _untinted(lit: Float32, weight: Float32, cloth: Cloth, size: tuple[int, int]) -> Float32:
    """Gains, of the field's size, that give a plain cloth one hue where two lights met on it; brightness stays."""
    colour, share = _shrunk(lit * weight[..., None], size), _shrunk(weight, size)
    sigma = LIGHT_SHARE * float(np.hypot(*size))
    ground = cloth.dyes[_ground(cloth.dyes)].colour
    prior = TINT_SCARCE * ground
    seen = (_blurred(colour, sigma) + prior) / (_blurred(share, sigma) + TINT_SCARCE)[..., None]
    there, wanted = (one / np.maximum(one @ LUMINANCE, 1e-5)[..., None] for one in (seen, ground))
    tint = np.clip(np.log(np.maximum(wanted, 1e-3) / np.maximum(there, 1e-3)), -MOST_TINT, MOST_TINT)
    return np.asarray(np.exp(cloth.strength.light * tint), np.float32)


def _ground(dyes: list[Dye]) -> int:
    return max(range(len(dyes)), key=lambda index: dyes[index].share)


def _blurred(image: Float32, sigma: float) -> Float32:
    """A wide Gaussian blur, by way of a small image: what is so smooth needs no more."""
    step = max(sigma / BROAD_SIGMA_PX, 1.0)
    size = (max(round(image.shape[1] / step), 1), max(round(image.shape[0] / step), 1))
    small = cv2.GaussianBlur(_shrunk(image, size), (0, 0), sigma / step)
    return np.asarray(cv2.resize(small, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR), np.float32)


def _shrunk(image: Float32, size: tuple[int, int]) -> Float32:
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.float32)


def _field_size(shape: tuple[int, ...]) -> tuple[int, int]:
    scale = min(FIELD_PX / max(shape[:2]), 1.0)
    return max(round(shape[1] * scale), 1), max(round(shape[0] * scale), 1)


@numba.njit(nogil=True, cache=True)
def _compare(
    lit: Float32, known: Bool, prints: Bool, dyes: Float32, shade: Float32, weight: Float32, shown: UInt8
) -> None:
    """Logarithm of each pixel's luminance over that of the dye it shows, how surely it shows it, and which."""
    count = dyes.shape[0]
    for y in range(lit.shape[0]):
        for x in range(lit.shape[1]):
            shade[y, x] = 0.0
            weight[y, x] = 0.0
            shown[y, x] = 255
            if not known[y, x]:
                continue
            r, g, b = np.sqrt(lit[y, x, 0]), np.sqrt(lit[y, x, 1]), np.sqrt(lit[y, x, 2])
            square = r * r + g * g + b * b
            best, second, best_ratio, best_off = 1e9, 1e9, 0.0, 0.0
            for k in range(count):
                length = np.sqrt(dyes[k, 0] ** 2 + dyes[k, 1] ** 2 + dyes[k, 2] ** 2) + 1e-6
                along = (r * dyes[k, 0] + g * dyes[k, 1] + b * dyes[k, 2]) / length
                off = max(square - along * along, 0.0) / (ACROSS * ACROSS)
                ratio = np.log((along + 1e-3) / (length + 1e-3))
                distance = (ratio / ALONG) ** 2 + off
                if distance < best:
                    best, second, best_ratio, best_off, shown[y, x] = distance, best, ratio, off, k
                elif distance < second:
                    second = distance
            logarithm = 2.0 * best_ratio
            if logarithm < DARKEST_SHADE or logarithm > BRIGHTEST_SHADE:
                shown[y, x] = 255
                continue
            if best_off > TINTED_OFF or prints[y, x]:
                shown[y, x] = 255
            sure = np.exp(-0.5 * best_off)
            if count > 1:
                sure *= (second - best) / (second + best + 0.2)
            shade[y, x] = logarithm
            weight[y, x] = sure * (PRINT_TRUST if prints[y, x] else 1.0)
