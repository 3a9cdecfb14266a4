"""The photo's light taken out: a white shirt becomes white, and a red one the same red in every photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fashquick_common.garment import Light
from fashquick_generation.studio.arrays import Float32, UInt8
from fashquick_generation.studio.colour import LUMINANCE, lightness, linear
from fashquick_generation.studio.texture.window import resized

KNEE, BRIGHTEST = 0.80, 0.93
"""Linear light from which brightened channels are compressed, and the most that any cloth returns."""
WHITE_FROM, WHITE_SURE = 66.0, 76.0
"""Lightness (L*) of a neutral garment's bright parts from which it may be, and surely is, a white one."""
BRIGHTER_THINGS = (8.0, 16.0)
"""Lightness by which other things in the photo may outshine a white garment, and by which a light one is grey: a
photo that shows brighter things is not underexposed."""
WHITE_LIGHTNESS = 94.0
"""Lightness of a white garment's bright parts in a well exposed picture."""
NEUTRAL_SPREAD = 0.22
"""Largest difference of the linear channels, as a share of their mean, of a garment that may be white."""
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
            mean = balanced.mean(axis=-1, keepdims=True)
            strength = np.ptp(balanced, axis=-1, keepdims=True) / np.maximum(mean, 1e-6)
            tint = np.clip((PRINT_STRENGTH - strength) / (PRINT_STRENGTH - FAINT_TINT), 0, 1)
            balanced = mean + (1 - self.whiteness * tint) * (balanced - mean)
        return _compressed(balanced.astype(np.float32)) if max(self.gains) > 1 else balanced


def exposure_of(photo: UInt8, garment: Float32, light: Light) -> Exposure:
    """What to do with a photo's colours.

    The passport tells the light where anything in the photo shows it. Where nothing does, only white clothes are
    corrected: they come out grey because cameras expose for a grey average.

    Args:
        photo: HxWx3 uint8 sRGB.
        garment: Nx3 float32, linear light of the pixels that are surely garment.
        light: As the passport tells it.
    """
    if light.evidence is not None:
        return Exposure(light.gains, 0.0)
    luminance = garment @ LUMINANCE
    level = float(garment[luminance >= np.percentile(luminance, 75)].mean(axis=0) @ LUMINANCE)
    tint = garment[luminance >= np.median(luminance)].mean(axis=0)
    spread = float(np.ptp(tint) / max(float(tint.mean()), 1e-6))
    fine, grey = BRIGHTER_THINGS
    sure = float(
        np.clip((lightness(level) - WHITE_FROM) / (WHITE_SURE - WHITE_FROM), 0, 1)
        * np.clip((grey - (lightness(_brightest(photo)) - lightness(level))) / (grey - fine), 0, 1)
        * np.clip(2.5 * (1 - spread / NEUTRAL_SPREAD), 0, 1)
    )
    wanted = ((WHITE_LIGHTNESS + 16) / 116) ** 3
    neutral = wanted / max(level, 1e-6) * float(tint @ LUMINANCE) / np.maximum(tint, 1e-6)
    red, green, blue = (float(gain) for gain in 1 + sure * (neutral - 1))
    return Exposure((red, green, blue), sure)


def _brightest(photo: UInt8) -> float:
    """Luminance that one pixel in a hundred of the photo exceeds."""
    scale = min(SEEN_PX / max(photo.shape[:2]), 1.0)
    size = (max(round(photo.shape[1] * scale), 1), max(round(photo.shape[0] * scale), 1))
    return float(np.percentile(linear(resized(photo, size)) @ LUMINANCE, 99))


def _compressed(light: Float32) -> Float32:
    """Highlights bent into what cloth can return, in hue and order as they were: all channels by one factor."""
    peak = light.max(axis=-1, keepdims=True)
    room = BRIGHTEST - KNEE
    bent = np.where(peak > KNEE, KNEE + room * (1 - np.exp(-np.maximum(peak - KNEE, 0) / room)), peak)
    out: Float32 = (light * (bent / np.maximum(peak, 1e-6))).astype(np.float32)
    return out
