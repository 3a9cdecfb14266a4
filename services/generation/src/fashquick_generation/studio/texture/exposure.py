"""The photo's light taken out: a white shirt becomes white, and a red one the same red in every photo."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from fashquick_common.garment import Passport, TextureClass
from fashquick_generation.studio.arrays import Float32, UInt8
from fashquick_generation.studio.colour import LUMINANCE, lightness, linear
from fashquick_generation.studio.texture.window import resized

KNEE, BRIGHTEST = 0.80, 0.93
"""Linear light from which brightened channels are compressed, and the most that any cloth returns."""
WHITE_FROM, WHITE_SURE = 66.0, 80.0
"""Lightness (L*) of a cloth, made up for an underexposed photo, from which it may be, and surely is, a white one."""
USUAL_BRIGHTEST, MOST_MADE_UP = 85.0, 8.0
"""Lightness that the brightest things of a well exposed photo have at least, and the most that is made up for."""
BRIGHTER_THINGS = (8.0, 16.0)
"""Lightness by which other things in the photo may outshine a white garment, and by which a light one is grey: a
photo that shows brighter things is not underexposed."""
WHITE_LIGHTNESS = 92.5
"""Lightness of white cotton."""
TINTED, DYED = 5.0, 9.0
"""Chroma up to which the room may have tinted a white cloth, and from which on the cloth itself is coloured."""
BLUEST = -4.5
"""CIE b* below which a light cloth is pale blue: rooms tint yellow."""
FAINT_TINT, PRINT_STRENGTH = 0.20, 0.50
"""Differences of the linear channels, as shares of their mean, below which a tint on a white garment is taken for
the room's, and above which it is a print's."""
SEEN_PX = 256
"""Side at which the photo's brightest things are looked for: smaller ones are glints."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """How a photo's colours become those of the cloth.

    Attributes:
        gains: Factors on linear red, green and blue.
        whiteness: How surely the garment is a white one whose tints are the room's, 0 to 1.
    """

    gains: tuple[float, float, float]
    whiteness: float

    def applied(self, light: Float32) -> Float32:
        """(..., 3) float32 linear light of the photo to that of the cloth, 0 to `BRIGHTEST` where brightened."""
        balanced = light * np.array(self.gains, np.float32)
        if self.whiteness > 0:
            # What is left of the room's tint is faint; a print's colours are not.
            red, green, blue = (balanced[..., k : k + 1] for k in range(3))
            mean = (red + green + blue) / 3
            spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
            strength = spread / np.maximum(mean, 1e-6)
            tint = np.clip((PRINT_STRENGTH - strength) / (PRINT_STRENGTH - FAINT_TINT), 0, 1)
            balanced = np.asarray(mean + (1 - self.whiteness * tint) * (balanced - mean), np.float32)
        return _compressed(balanced) if max(self.gains) > 1 else balanced


def exposure_of(photo: UInt8, garment: Float32, passport: Passport) -> Exposure:
    """What to do with a photo's colours.

    The passport tells the light where anything in the photo shows it. Where nothing does, only white clothes are
    corrected: they come out grey because cameras expose for a grey average.

    Args:
        photo: HxWx3 uint8 sRGB.
        garment: Nx3 float32, linear light of the pixels that are surely garment.
        passport: The garment's.
    """
    if passport.light.evidence is not None:
        return Exposure(passport.light.gains, 0.0)
    if passport.palette:
        ground = linear(np.array(passport.palette[0].srgb, np.uint8))
    else:
        ground = np.median(garment, axis=0).astype(np.float32)
    sure = 0.0
    if texture_class(passport) is not TextureClass.DENIM:
        sure = _whiteness(ground, float(np.percentile(garment @ LUMINANCE, 75)), _brightest(photo))
    wanted = ((WHITE_LIGHTNESS + 16) / 116) ** 3
    red, green, blue = (float(gain) for gain in 1 + sure * (wanted / np.maximum(ground, 1e-6) - 1))
    return Exposure((red, green, blue), sure)


def texture_class(passport: Passport) -> TextureClass | None:
    """What the cloth is most likely like; None where the passport does not tell."""
    guesses = () if passport.texture is None else passport.texture.guesses
    return guesses[0].texture_class if guesses else None


def _whiteness(ground: Float32, bright: float, brightest: float) -> float:
    """How surely a cloth is white, 0 to 1.

    Args:
        ground: 3 float32, its main colour in linear light.
        bright: Luminance of its bright parts.
        brightest: Luminance of the brightest things in the photo.
    """
    level, a, b = (float(value) for value in cv2.cvtColor(ground[None, None], cv2.COLOR_LRGB2LAB)[0, 0])
    most = lightness(brightest)
    fine, grey = BRIGHTER_THINGS
    likely = np.array(
        [
            (level + float(np.clip(USUAL_BRIGHTEST - most, 0, MOST_MADE_UP)) - WHITE_FROM) / (WHITE_SURE - WHITE_FROM),
            (grey - (most - lightness(bright))) / (grey - fine),
            (DYED - np.hypot(a, b)) / (DYED - TINTED),
        ]
    )
    return float(np.clip(likely, 0, 1).prod()) if b > BLUEST else 0.0


def _brightest(photo: UInt8) -> float:
    """Luminance that one pixel in a hundred of the photo exceeds."""
    scale = min(SEEN_PX / max(photo.shape[:2]), 1.0)
    size = (max(round(photo.shape[1] * scale), 1), max(round(photo.shape[0] * scale), 1))
    return float(np.percentile(linear(resized(photo, size)) @ LUMINANCE, 99))


def _compressed(light: Float32) -> Float32:
    """Highlights bent into what cloth can return, in hue and order as they were: all channels by one factor."""
    peak = np.maximum(np.maximum(light[..., 0], light[..., 1]), light[..., 2])[..., None]
    room = BRIGHTEST - KNEE
    bent = np.where(peak > KNEE, KNEE + room * (1 - np.exp(-np.maximum(peak - KNEE, 0) / room)), peak)
    out: Float32 = (light * (bent / np.maximum(peak, 1e-6))).astype(np.float32)
    return out
