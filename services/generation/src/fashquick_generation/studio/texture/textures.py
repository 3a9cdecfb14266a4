"""The garment's own pixels, ready to be put on the cloth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import Passport
from fashquick_generation.engine import GarmentInput
from fashquick_generation.studio.arrays import Bool, Float32, Float64
from fashquick_generation.studio.colour import LUMINANCE, linear
from fashquick_generation.studio.cut.inside import shown
from fashquick_generation.studio.cut.pattern import Family, Pattern
from fashquick_generation.studio.texture import shades
from fashquick_generation.studio.texture.back import ALL_OVER, LINED, STRUCTURED, back_of, reverse_of
from fashquick_generation.studio.texture.cuts import front_only, printed_of
from fashquick_generation.studio.texture.exposure import Exposure, exposure_of, texture_class
from fashquick_generation.studio.texture.filling import continued
from fashquick_generation.studio.texture.seen import above, surely_garment
from fashquick_generation.studio.texture.window import resized, window_of

MIRRORED_SHARE = 0.03
"""Depth, as a share of the window's diagonal, of the cloth along the border that is mirrored beyond it."""
SEEN_LEVEL = 25
"""Of 255, from which on a pixel shows some of the inside: its edge is mixed."""
MAIN_SHARE = 0.1
"""Part of the garment from which on a colour surely is its own: a loose mask brings others along."""
BRIGHT_PERCENTILE = 95
"""Of a cloth's luminance, where its highlights are; what is brighter still are buttons, labels and trimmings."""


@dataclass(frozen=True, slots=True)
class Texture:
    """Linear light images of the cloth; texel (x, y) lies at the photo's pixel `origin + (x, y) / scale`.

    Attributes:
        front: HxWx3 float32, outside of the front panel.
        inside: HxWx3 float32, reverse of both panels.
        back: HxWx3 float32, outside of the back panel.
        origin: 2 float64, pixels of the photo.
        scale: Texels a pixel.
        sheen: Linear light by which the photo's brightest parts of the bare cloth outshine its usual ones.
    """

    front: Float32
    inside: Float32
    back: Float32
    origin: Float64
    scale: float
    sheen: float

    def at(self, pixels: Float64) -> Float64:
        """Texel coordinates, centres at integers, of coordinates in the photo, centres at half-integers."""
        texels: Float64 = (pixels - self.origin) * self.scale - 0.5
        return texels


def textures(garment: GarmentInput, pattern: Pattern, scale: float, cancel: CancelFlag) -> Texture:
    """Cut the garment out of its photo.

    Args:
        garment: Photo and passport.
        pattern: The garment's.
        scale: Texels wanted a pixel of the photo: less than 1 averages, more interpolates.
        cancel: Checked between steps.
    """
    window, passport = window_of(pattern, scale), garment.passport
    light = linear(window.cut(garment.photo))
    mask, holes = (window.cut_flags(flags) > 127 for flags in (pattern.outline.mask, pattern.outline.holes))
    cancel.check()
    main = linear(np.array([one.srgb for one in passport.palette if one.share >= MAIN_SHARE], np.uint8).reshape(-1, 3))
    sure = surely_garment(light, mask, holes, main, cancel)
    exposure = exposure_of(garment.photo, garment.alpha, light[sure], passport)
    lit = exposure.applied(light)
    cancel.check()
    neck = window.cut_flags(shown(passport, pattern.outline.mask)) > SEEN_LEVEL
    if pattern.inside_above is not None:
        neck |= above(window.place(pattern.inside_above), mask.shape)
    kind = None if passport.pattern is None else passport.pattern.kind
    surface = texture_class(passport)
    cloth = shades.cloth_of(_dyes(passport, exposure, lit[sure]), kind, surface)
    cancel.check()
    prints = printed_of(passport, window)
    sheen = _sheen(lit, sure & ~neck, prints)
    cancel.check()
    lit = shades.evened(lit, sure & ~neck, prints, cloth, cancel)
    cancel.check()
    front = continued(lit, sure & ~neck, MIRRORED_SHARE * window.diagonal, cancel)
    cancel.check()
    inside = reverse_of(lit, sure & neck, front, lined=passport.category in LINED, cancel=cancel)
    cancel.check()
    cuts = front_only(pattern, passport, window) | neck
    alike = kind in ALL_OVER or surface in STRUCTURED or pattern.family is Family.TROUSERS
    back = back_of(front, sure, cuts, alike=alike, cancel=cancel)

    def finished(image: Float32) -> Float32:
        cancel.check()
        image = resized(image, window.full)
        cancel.check()
        return np.clip(image, 0, 1, out=image)

    front, inside, back = (finished(image) for image in (front, inside, back))
    return Texture(front, inside, back, window.low.astype(np.float64), window.full_scale, sheen)


def _sheen(lit: Float32, seen: Bool, prints: Bool) -> float:
    bare = seen & ~prints
    if not bare.any():
        return 0.0
    usual, bright = np.percentile(lit[bare] @ LUMINANCE, [50, BRIGHT_PERCENTILE])
    return float(bright - usual)


def _dyes(passport: Passport, exposure: Exposure, garment: Float32) -> list[shades.Dye]:
    """The palette's colours in the cloth's own light; the garment's median colour where there is no palette."""
    if not passport.palette:
        return [shades.Dye(np.median(garment, axis=0).astype(np.float32), 1.0)]
    colours = exposure.applied(linear(np.array([one.srgb for one in passport.palette], np.uint8)))
    return [shades.Dye(colour, one.share) for colour, one in zip(colours, passport.palette, strict=True)]
