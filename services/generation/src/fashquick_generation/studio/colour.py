"""sRGB and linear light (IEC 61966-2-1)."""

from __future__ import annotations

import numpy as np

from fashquick_generation.studio.arrays import Float32, UInt8

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Shares of linear red, green and blue in luminance (ITU-R BT.709)."""

_CODES = np.arange(256, dtype=np.float64) / 255
_TO_LINEAR = np.where(_CODES <= 0.04045, _CODES / 12.92, ((_CODES + 0.055) / 1.055) ** 2.4).astype(np.float32)


def linear(srgb: UInt8) -> Float32:
    """uint8 sRGB to float32 linear light, 0 to 1, any shape."""
    return _TO_LINEAR[srgb]


def lightness(luminance: float) -> float:
    """CIE L*, 0 to 100, of relative luminance 0 to 1."""
    return 116 * luminance ** (1 / 3) - 16 if luminance > 0.008856 else 903.3 * luminance
