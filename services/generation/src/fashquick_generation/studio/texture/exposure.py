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
WHITE_FROM, WHITE_SURE = 76.0, 84.0
"""Estimated lightness (L*) of a cloth from which it may be, and surely is, a white one."""
UNDEREXPOSED_STOPS = 0.25
"""How much darker cameras usually show a light garment than it is: they expose for a grey average."""
USUAL_GROUND = 0.16
"""Reflectance of the brighter parts of wood, carpets and bedspreads, on which clothes are laid."""
GROUND_TRUST, MOST_STOPS = 0.3, 3.0
"""Part of the stops between that and what a photo shows which is put down to its exposure, and the most stops that
are believed: grounds differ more than cameras do. Of 61 white and 27 grey garments on coloured grounds so many a pair
are told apart by it as by no other weight: 91 of 100, 87 without the ground."""
BRIGHTER_THINGS = (8.0, 16.0)
"""Lightness by which other things in the photo may outshine a white garment, and by which a light one is grey: a
photo that shows brighter things is not underexposed."""
WHITE_LIGHTNESS = 92.5
"""Lightness of white cotton."""
TINTED, DYED = (4.0, 5.0), (8.0, 9.0)
"""Chroma up to which the room may have tinted a white cloth, and from which on the cloth itself is coloured: of
yellowish and of bluish cloth. Cream is commoner than palest blue, which cameras make of white beside wood and red."""
FAINT_TINT, PRINT_STRENGTH = 0.20, 0.50
"""Differences of the linear channels, as shares of their mean, below which a tint on a white garment is taken for
the room's, and above which it is a print's."""
SEEN_PX = 256
"""Side at which the photo's brightest things are looked for: smaller ones are glints."""
RIM_PX, ABSENT = 9, 40
"""Side of the square around a pixel of the ground, at that size, in which no alpha, 0 to 255, reaches this."""


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


def exposure_of(photo: UInt8, alpha: UInt8, garment: Float32, passport: Passport) -> Exposure:
    """What to do with a photo's colours.

    The passport tells the light where anything in the photo shows it, and its brightness where the ground is white.
    Where nothing tells how bright it is, only white clothes are corrected: they come out grey because cameras expose
    for a grey average.

    Args:
        photo: HxWx3 uint8 sRGB.
        alpha: HxW uint8, the garment's.
        garment: Nx3 float32, linear light of the pixels that are surely garment.
        passport: The garment's.
    """
    gains = np.array(passport.light.gains if passport.light.evidence is not None else (1, 1, 1), np.float32)
    told = passport.light.exposure_stops != 0
    if told or texture_class(passport) is TextureClass.DENIM:
        return Exposure(_three(gains), 0.0)
    if passport.palette:
        cloth = linear(np.array(passport.palette[0].srgb, np.uint8))
    else:
        cloth = np.median(garment, axis=0).astype(np.float32)
    cloth *= gains
    small, around = _seen(photo, alpha)
    sure = _whiteness(cloth, float(np.percentile(garment @ LUMINANCE, 75)), small, around)
    wanted = ((WHITE_LIGHTNESS + 16) / 116) ** 3
    lifted = gains * (1 + sure * (wanted / np.maximum(cloth, 1e-6) - 1))
    return Exposure(_three(lifted.astype(np.float32)), sure)


def _three(gains: Float32) -> tuple[float, float, float]:
    red, green, blue = (float(gain) for gain in gains)
    return red, green, blue


def texture_class(passport: Passport) -> TextureClass | None:
    """What the cloth is most likely like; None where the passport does not tell."""
    guesses = () if passport.texture is None else passport.texture.guesses
    return guesses[0].texture_class if guesses else None


def _whiteness(cloth: Float32, bright: float, photo: Float32, around: Float32) -> float:
    """How surely a cloth is white, 0 to 1.

    Args:
        cloth: 3 float32, its main colour in linear light.
        bright: Luminance of its bright parts.
        photo: Luminances of the photo.
        around: Those of what lies around the garment; may be none.
    """
    _, a, b = (float(value) for value in cv2.cvtColor(cloth[None, None], cv2.COLOR_LRGB2LAB)[0, 0])
    luminance = float(cloth @ LUMINANCE) * 2 ** _stops_too_dark(around)
    most = float(np.percentile(photo, 99))
    bluish = b < 0
    fine, grey = BRIGHTER_THINGS
    likely = np.array(
        [
            (lightness(luminance) - WHITE_FROM) / (WHITE_SURE - WHITE_FROM),
            (grey - (lightness(most) - lightness(bright))) / (grey - fine),
            (DYED[bluish] - np.hypot(a, b)) / (DYED[bluish] - TINTED[bluish]),
        ]
    )
    return float(np.clip(likely, 0, 1).prod())


def _stops_too_dark(around: Float32) -> float:
    """How much darker a photo shows a light garment than it is, by the luminances of what lies around it."""
    if not len(around):
        return UNDEREXPOSED_STOPS
    shown = max(float(np.percentile(around, 75)), 1e-6)
    return UNDEREXPOSED_STOPS + GROUND_TRUST * float(np.clip(np.log2(USUAL_GROUND / shown), -MOST_STOPS, MOST_STOPS))


def _seen(photo: UInt8, alpha: UInt8) -> tuple[Float32, Float32]:
    """Luminances of a small copy of the photo, and those around the garment in it."""
    scale = min(SEEN_PX / max(photo.shape[:2]), 1.0)
    size = (max(round(photo.shape[1] * scale), 1), max(round(photo.shape[0] * scale), 1))
    luminance: Float32 = linear(resized(photo, size)) @ LUMINANCE
    apart = cv2.dilate(resized(alpha, size), np.ones((RIM_PX, RIM_PX), np.uint8)) < ABSENT
    return luminance, luminance[apart]


def _compressed(light: Float32) -> Float32:
    """Highlights bent into what cloth can return, in hue and order as they were: all channels by one factor."""
    peak = np.maximum(np.maximum(light[..., 0], light[..., 1]), light[..., 2])[..., None]
    room = BRIGHTEST - KNEE
    bent = np.where(peak > KNEE, KNEE + room * (1 - np.exp(-np.maximum(peak - KNEE, 0) / room)), peak)
    out: Float32 = (light * (bent / np.maximum(peak, 1e-6))).astype(np.float32)
    return out
