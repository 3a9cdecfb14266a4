"""UV maps that arrive as blobs."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from fashquick_common.errors import BadField
from fashquick_common.image import DEFAULT_LIMITS, DecodedImage
from fashquick_common.rpc.blobs import ENCODING_UV16, BlobLimits, check_header, make_blob
from fashquick_common.server.pictures import decode_bytes, gray8_blob, read_uv, uv16_blob


def picture(width: int, height: int, source: tuple[int, int] | None = None) -> DecodedImage:
    source_width, source_height = source or (width, height)
    rgb = np.zeros((height, width, 3), np.uint8)
    return DecodedImage(rgb, None, "png", source_width, source_height, ())


def positions(width: int, height: int) -> np.ndarray:
    """Each pixel comes from its own place; the upper left one shows nothing."""
    v, u = np.mgrid[:height, :width].astype(np.float32)
    uv = np.dstack([(u + 0.5) / width, (v + 0.5) / height])
    uv[0, 0] = np.nan
    return uv.astype(np.float32)


def test_a_uv_map_comes_as_it_was_sent() -> None:
    uv = positions(12, 8)
    read = read_uv(uv16_blob("uv", uv), picture(12, 8), DEFAULT_LIMITS)
    assert np.allclose(read, uv, atol=1e-5, equal_nan=True)


def test_a_uv_map_follows_its_picture_to_the_working_size() -> None:
    read = read_uv(uv16_blob("uv", positions(12, 8)), picture(6, 4, source=(12, 8)), DEFAULT_LIMITS)
    assert read.shape == (4, 6, 2)
    # Every position is one that was sent, at most half a pixel of the reduced picture away.
    assert np.abs(read - positions(6, 4))[1:, 1:].max() < 0.5 / 4
    assert np.isin(np.round(read[..., 0] * 24), np.arange(25)).all()


def test_another_size_or_encoding_is_refused() -> None:
    with pytest.raises(BadField, match="12 x 8 pixels, its picture 12 x 9") as refusal:
        read_uv(uv16_blob("uv", positions(12, 8)), picture(12, 9), DEFAULT_LIMITS)
    assert refusal.value.field == "uv"
    with pytest.raises(BadField, match="must be UV16"):
        read_uv(gray8_blob("uv", np.zeros((8, 12), np.uint8)), picture(12, 8), DEFAULT_LIMITS)


def test_its_header_needs_a_size_and_tells_the_memory() -> None:
    limits = BlobLimits(1 << 20, 4)
    blob = uv16_blob("uv", positions(12, 8))
    check_header(blob.header, limits)
    assert decode_bytes(blob, DEFAULT_LIMITS) >= 12 * 8 * (4 + 8)
    with pytest.raises(BadField, match="width and height"):
        check_header(make_blob("uv", zlib.compress(b"1234"), ENCODING_UV16).header, limits)
