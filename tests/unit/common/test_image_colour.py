from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageCms

from fashquick_common.image import decode
from tests.support.image_files import ADOBE_RGB, DISPLAY_P3, SRGB, gradient, matrix_profile, save, to_srgb

COLOURS = [(200, 60, 60), (60, 180, 90), (40, 80, 190), (128, 128, 128), (235, 200, 120), (255, 255, 255), (12, 8, 20)]


def patches(colours: list[tuple[int, int, int]]) -> np.ndarray:
    return np.repeat(np.repeat(np.array([colours], np.uint8), 100, axis=0), 40, axis=1)


@pytest.mark.parametrize("primaries", [DISPLAY_P3, ADOBE_RGB], ids=["display-p3", "adobe-rgb"])
@pytest.mark.parametrize("name", ["PNG", "WEBP", "AVIF"])
def test_wide_gamuts_become_srgb(primaries: tuple[tuple[float, float], ...], name: str) -> None:
    gamma = 563 / 256  # Adobe RGB (1998) 4.3.4.2
    data = save(patches(COLOURS), name, icc_profile=matrix_profile(primaries, gamma), lossless=True, quality=100)

    decoded = decode(data)

    for number, colour in enumerate(COLOURS):
        seen = decoded.rgb[50, number * 40 + 20].astype(int)
        # AVIF is YUV: its rounding grows where a saturated colour's least channel is nearly zero.
        assert np.abs(seen - to_srgb(colour, primaries, gamma)).max() <= (10 if name == "AVIF" else 2), colour
    assert decoded.warnings == ()


def test_the_test_sees_a_profile_that_is_ignored() -> None:
    assert np.abs(to_srgb(COLOURS[1], DISPLAY_P3, 563 / 256).astype(int) - COLOURS[1]).max() > 10


def test_an_srgb_profile_changes_no_pixel() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    assert (decode(save(gradient(), "PNG", icc_profile=profile)).rgb == gradient()).all()


def test_grey_with_a_grey_profile_and_palette_with_a_profile_are_read() -> None:
    profile = matrix_profile(ADOBE_RGB, 1.0)
    palette = Image.fromarray(patches(COLOURS)).quantize(16)

    decoded = decode(save(palette, "PNG", icc_profile=profile))

    expected = to_srgb(COLOURS[0], ADOBE_RGB, 1.0).astype(int)
    assert np.abs(decoded.rgb[50, 20].astype(int) - expected).max() <= 2


def test_cmyk_without_a_profile_is_close_and_says_so() -> None:
    data = save(Image.fromarray(gradient()).convert("CMYK"), "JPEG", quality=95)

    decoded = decode(data)

    assert np.abs(decoded.rgb.astype(int) - gradient()).max() <= 12
    assert "CMYK" in decoded.warnings[0]


@pytest.mark.parametrize("profile", [b"junk" * 100, matrix_profile(SRGB, 2.2)[:200]])
def test_a_broken_profile_is_ignored_and_said(profile: bytes) -> None:
    decoded = decode(save(gradient(), "PNG", icc_profile=profile))

    assert (decoded.rgb == gradient()).all()
    assert "profile" in decoded.warnings[0]


def test_a_profile_for_other_channels_is_ignored_and_said() -> None:
    decoded = decode(save(Image.fromarray(gradient()).convert("L"), "PNG", icc_profile=matrix_profile(SRGB, 2.2)))

    assert "profile" in decoded.warnings[0]
