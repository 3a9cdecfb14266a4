"""Colour spaces and colour difference: sRGB, OKLab, CIE L*a*b*, CIEDE2000."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# IEC 61966-2-1: linear sRGB to CIE XYZ, D65 white.
_XYZ_OF_RGB: Final = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_RGB_OF_XYZ: Final = np.linalg.inv(_XYZ_OF_RGB)
_WHITE: Final = _XYZ_OF_RGB.sum(axis=1)
LUMINANCE: Final = _XYZ_OF_RGB[1]  # of the red, green and blue primary

# Björn Ottosson, "A perceptual color space for image processing" (2020): linear sRGB to cone response, and its
# cube root to L, a, b.
_CONES_OF_RGB: Final = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
     [0.0883024619, 0.2817188376, 0.6299787005]]
)  # fmt: skip
_OKLAB_OF_CONES: Final = np.array(
    [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
     [0.0259040371, 0.7827717662, -0.8086757660]]
)  # fmt: skip
_RGB_OF_CONES: Final = np.linalg.inv(_CONES_OF_RGB)
_CONES_OF_OKLAB: Final = np.linalg.inv(_OKLAB_OF_CONES)

_CIE_EPSILON: Final = 216 / 24389
_CIE_KAPPA: Final = 24389 / 27


def linear_of_srgb(srgb: npt.NDArray[np.uint8]) -> Floats:
    """Undo the sRGB transfer curve: uint8 of any shape to linear light, 0 to 1."""
    return np.asarray(_LINEAR_TABLE[srgb])


def srgb_of_linear(linear: Floats) -> npt.NDArray[np.uint8]:
    """Apply the sRGB transfer curve: linear light (clipped to 0 to 1) to uint8."""
    light = np.clip(linear, 0.0, 1.0)
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.round(curve * 255).astype(np.uint8)


def oklab_of_linear(linear: Floats) -> Floats:
    """Linear sRGB (..., 3) to OKLab: L 0 to 1, a and b about -0.4 to 0.4."""
    return np.asarray(np.cbrt(linear @ _CONES_OF_RGB.T) @ _OKLAB_OF_CONES.T)


def linear_of_oklab(oklab: Floats) -> Floats:
    """OKLab (..., 3) to linear sRGB, which leaves 0 to 1 for colours outside sRGB."""
    return np.asarray((oklab @ _CONES_OF_OKLAB.T) ** 3 @ _RGB_OF_CONES.T)


def lab_of_linear(linear: Floats) -> Floats:
    """Linear sRGB (..., 3) to CIE L*a*b* under D65, 2 degrees (CIE 15:2004, section 8.2.1)."""
    relative = linear @ _XYZ_OF_RGB.T / _WHITE
    curve = np.where(relative > _CIE_EPSILON, np.cbrt(relative), (_CIE_KAPPA * relative + 16) / 116)
    x, y, z = np.moveaxis(curve, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def linear_of_lab(lab: Floats) -> Floats:
    """CIE L*a*b* (D65) to linear sRGB (..., 3), which leaves 0 to 1 for colours outside sRGB."""
    fy = (lab[..., 0] + 16) / 116
    curve = np.stack([fy + lab[..., 1] / 500, fy, fy - lab[..., 2] / 200], axis=-1)
    relative = np.where(curve**3 > _CIE_EPSILON, curve**3, (116 * curve - 16) / _CIE_KAPPA)
    return np.asarray(relative * _WHITE @ _RGB_OF_XYZ.T)


def linear_of_daylight(kelvin: Floats) -> Floats:
    """Linear sRGB of a white surface under a black body, green at 1.

    Kim et al., "Design of advanced color temperature control system for HDTV applications" (2002), as cited by
    CIE 15: cubic fits to the Planckian locus.

    Args:
        kelvin: (...) colour temperatures, 1667 to 25,000.

    Returns:
        (..., 3), not clipped.
    """
    t = 1e3 / np.asarray(kelvin, np.float64)
    x = np.where(
        t > 0.25,
        -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910,
        -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390,
    )
    warm = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    cool = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    y = np.where(t > 0.25, warm, cool)
    rgb = np.stack([x / y, np.ones_like(x), (1 - x - y) / y], axis=-1) @ _RGB_OF_XYZ.T
    return np.asarray(rgb / rgb[..., 1:2])


def lab_of_srgb(srgb: npt.NDArray[np.uint8]) -> Floats:
    """Convert uint8 sRGB (..., 3) to CIE L*a*b* under D65."""
    return lab_of_linear(linear_of_srgb(srgb))


def ciede2000(one: Floats, two: Floats) -> Floats:
    """CIEDE2000 colour difference with kL = kC = kH = 1.

    Sharma, Wu, Dalal, "The CIEDE2000 color-difference formula" (2005), equations 2 to 22.

    Args:
        one: L*a*b* (..., 3).
        two: L*a*b* (..., 3), broadcast against `one`.

    Returns:
        Differences; about 1 is just noticeable side by side.
    """
    one, two = np.broadcast_arrays(np.asarray(one, np.float64), np.asarray(two, np.float64))
    mean_chroma7 = ((np.hypot(one[..., 1], one[..., 2]) + np.hypot(two[..., 1], two[..., 2])) / 2) ** 7
    stretch = 1.5 - 0.5 * np.sqrt(mean_chroma7 / (mean_chroma7 + 25.0**7))
    chroma1, hue1 = _chroma_and_hue(one, stretch)
    chroma2, hue2 = _chroma_and_hue(two, stretch)
    grey = chroma1 * chroma2 == 0

    step = (hue2 - hue1 + 180) % 360 - 180
    step = np.where(np.abs(hue2 - hue1) == 180, hue2 - hue1, step)
    d_light, d_chroma = two[..., 0] - one[..., 0], chroma2 - chroma1
    d_hue = 2 * np.sqrt(chroma1 * chroma2) * np.sin(np.deg2rad(np.where(grey, 0.0, step)) / 2)

    light, chroma, total = (one[..., 0] + two[..., 0]) / 2, (chroma1 + chroma2) / 2, hue1 + hue2
    wrapped = np.where(total < 360, total + 360, total - 360)
    hue = np.where(grey, total, np.where(np.abs(hue1 - hue2) <= 180, total, wrapped) / 2)
    weight = 1 - 0.17 * _cos(hue - 30) + 0.24 * _cos(2 * hue) + 0.32 * _cos(3 * hue + 6) - 0.20 * _cos(4 * hue - 63)
    scale_light = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    scale_chroma, scale_hue = 1 + 0.045 * chroma, 1 + 0.015 * chroma * weight
    twist = np.sin(np.deg2rad(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    rotation = -2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7)) * twist
    l_term, c_term, h_term = d_light / scale_light, d_chroma / scale_chroma, d_hue / scale_hue
    return np.asarray(np.sqrt(np.maximum(l_term**2 + c_term**2 + h_term**2 + rotation * c_term * h_term, 0.0)))


def _chroma_and_hue(lab: Floats, stretch: Floats) -> tuple[Floats, Floats]:
    a, b = stretch * lab[..., 1], lab[..., 2]
    return np.hypot(a, b), np.rad2deg(np.arctan2(b, a)) % 360


def _cos(degrees: Floats) -> Floats:
    return np.asarray(np.cos(np.deg2rad(degrees)))


def _linear_table() -> Floats:
    value = np.arange(256) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


_LINEAR_TABLE: Final = _linear_table()
