"""Any colour space to sRGB, by the ICC profile in the file."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

MAX_PROFILE_BYTES = 4 * 1024 * 1024
"""Largest profile that is used; those of presses with fine tables have up to about 3 MiB."""

_CACHED_TRANSFORMS = 32  # a table transform takes about 0.2 MB, a matrix one next to nothing
_IDENTITY_TOLERANCE = 1  # of 255; the rounding of 8-bit colour
_PROBE_LEVELS = 6  # levels an axis of the colours that tell whether a profile is sRGB in all but name

_SPACE_OF_MODE = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK", "LAB": "Lab"}


def to_srgb(picture: Image.Image, profile: bytes | None) -> tuple[Image.Image, tuple[str, ...]]:
    """Convert a picture to sRGB.

    Args:
        picture: Mode L, RGB, CMYK or LAB.
        profile: The ICC profile embedded in the file, if any.

    Returns:
        The picture in mode RGB, and warnings about a profile that is missing or cannot be used. RGB and grey
        without a profile are sRGB by convention; CMYK without one is converted without colour management.
    """
    if not profile:
        warnings = ("the CMYK picture has no colour profile, its colours are approximate",)
        return picture.convert("RGB"), warnings if picture.mode == "CMYK" else ()
    if len(profile) > MAX_PROFILE_BYTES:
        return picture.convert("RGB"), (f"the colour profile has {len(profile)} bytes and was ignored",)
    try:
        transform = _transform(bytes(profile), picture.mode)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture.convert("RGB"), ("the colour profile cannot be used and was ignored",)
    if transform is None:
        return picture.convert("RGB"), ()
    converted = ImageCms.applyTransform(picture, transform)
    return (converted if converted is not None else picture), ()


@lru_cache(maxsize=_CACHED_TRANSFORMS)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Transform from a profile to sRGB; None when it changes nothing.

    Relative colorimetric with black point compensation: what Display P3 and sRGB share stays as it is, and
    the blacks of a press become black. Little CMS applies one transform from several threads safely.

    Raises:
        ValueError: The profile is for other channels than the picture has.
        PyCMSError: The profile is broken.
    """
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    space = source.profile.xcolor_space.strip()
    if space != _SPACE_OF_MODE.get(mode):
        raise ValueError(f"a profile for {space} on a picture in {mode}")
    transform = ImageCms.buildTransform(
        source,
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return None if mode == "RGB" and _changes_nothing(transform) else transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    levels = np.linspace(0, 255, _PROBE_LEVELS).round().astype(np.uint8)
    before = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    after = ImageCms.applyTransform(Image.fromarray(before), transform)
    return int(np.abs(np.asarray(after).astype(int) - before).max()) <= _IDENTITY_TOLERANCE
