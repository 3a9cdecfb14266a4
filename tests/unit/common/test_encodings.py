from __future__ import annotations

import tracemalloc
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fashquick_common.encodings import (
    decode_bits1,
    decode_gray8,
    decode_rgb8,
    decode_rgba8,
    decode_uv16,
    encode_bits1,
    encode_gray8,
    encode_rgb8,
    encode_rgba8,
    encode_uv16,
)
from fashquick_common.errors import BadField

Decoder = Callable[..., np.ndarray]
SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))


@settings(deadline=None)
@given(SIZES, st.integers(0, 2**32 - 1))
def test_pixels_come_back_as_they_were(size: tuple[int, int], seed: int) -> None:
    height, width = size
    rng = np.random.default_rng(seed)
    rgb = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    mask = rng.random((height, width)) < 0.5

    assert np.array_equal(decode_rgb8(encode_rgb8(rgb), width, height), rgb)
    rgba = np.dstack([rgb, mask * np.uint8(200)])
    assert np.array_equal(decode_rgba8(encode_rgba8(rgba), width, height), rgba)
    assert np.array_equal(decode_gray8(encode_gray8(rgb[..., 0]), width, height), rgb[..., 0])
    assert np.array_equal(decode_bits1(encode_bits1(mask), width, height), mask)
    assert np.array_equal(decode_bits1(encode_bits1(mask * np.uint8(255)), width, height), mask)
    assert decode_bits1(encode_bits1(mask), width, height).dtype == np.bool_


def test_views_are_encoded_by_what_they_show() -> None:
    rgb = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)[:, ::-1]
    assert np.array_equal(decode_rgb8(encode_rgb8(rgb), 8, 6), rgb)
    assert np.array_equal(decode_gray8(encode_gray8(rgb[..., 1]), 8, 6), rgb[..., 1])


def test_the_wire_form_is_the_documented_one() -> None:
    mask = np.zeros((2, 9), bool)
    mask[0, 0] = mask[1, 8] = True
    assert zlib.decompress(encode_bits1(mask)) == b"\x80\x00\x00\x80"
    assert encode_rgb8(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)) == bytes([1, 2, 3, 4, 5, 6])


@pytest.mark.parametrize(
    ("decoder", "good"),
    [
        (decode_rgb8, bytes(4 * 5 * 3)),
        (decode_rgba8, zlib.compress(bytes(4 * 5 * 4))),
        (decode_gray8, zlib.compress(bytes(4 * 5))),
        (decode_bits1, zlib.compress(bytes(1 * 5))),
        (decode_uv16, zlib.compress(bytes(4 * 5 * 4))),
    ],
)
def test_a_size_that_does_not_fit_the_bytes_is_refused(decoder: Decoder, good: bytes) -> None:
    assert decoder(good, 4, 5).shape[:2] == (5, 4)
    for data, width, height in [(good, 9, 5), (good, 4, 6), (good, 4, 4), (good[:-1], 4, 5), (good + b"x", 4, 5)]:
        with pytest.raises(BadField, match=f"mask is announced as {width} x {height}") as caught:
            decoder(data, width, height, field="mask")
        assert caught.value.field == "mask"
    for width, height in [(0, 5), (4, -1), (100_000, 100_000)]:
        with pytest.raises(BadField, match="at least 1 and the area at most"):
            decoder(good, width, height)
    with pytest.raises(BadField, match="at most 19 pixels"):
        decoder(good, 4, 5, max_pixels=19)


@pytest.mark.parametrize("decoder", [decode_gray8, decode_bits1, decode_uv16])
def test_what_is_not_zlib_is_refused(decoder: Decoder) -> None:
    for data in (b"", b"garbage", zlib.compress(bytes(500))[:-3]):
        with pytest.raises(BadField):
            decoder(data, 20, 25)


@pytest.mark.parametrize("decoder", [decode_gray8, decode_bits1, decode_uv16])
def test_a_bomb_is_not_inflated(decoder: Decoder) -> None:
    bomb = zlib.compress(bytes(200_000_000), 9)

    tracemalloc.start()
    with pytest.raises(BadField, match="inflates to more"):
        decoder(bomb, 64, 64)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 5_000_000


@settings(deadline=None)
@given(SIZES, st.integers(0, 2**32 - 1))
def test_positions_come_back_to_half_a_step(size: tuple[int, int], seed: int) -> None:
    height, width = size
    rng = np.random.default_rng(seed)
    uv = rng.random((height, width, 2), dtype=np.float32)
    uv[rng.random((height, width)) < 0.3] = np.nan

    back = decode_uv16(encode_uv16(uv), width, height)

    assert back.dtype == np.float32
    assert np.array_equal(np.isnan(back), np.isnan(uv))
    assert np.nan_to_num(np.abs(back - uv)).max() < 0.51 / 65_534
    assert encode_uv16(back) == encode_uv16(uv)


def test_the_wire_form_of_positions_is_the_documented_one() -> None:
    uv = np.array([[[0, 1], [1, 256 / 65_534], [np.nan, np.nan]]], np.float32)
    assert zlib.decompress(encode_uv16(uv)) == b"\x00\x00\xfe\xff" + b"\xfe\xff\x00\x01" + b"\xff\xff\xff\xff"
    # Whatever stands beside a u that says so, the pixel shows nothing.
    assert np.isnan(decode_uv16(zlib.compress(b"\xff\xff\x01\x00"), 1, 1)).all()


def test_a_v_that_is_no_position_is_refused() -> None:
    with pytest.raises(BadField, match="a v is 65535"):
        decode_uv16(zlib.compress(b"\x01\x00\xff\xff"), 1, 1, field="uv")


@pytest.mark.parametrize("pair", [(0.5, 1.01), (-0.01, 0.5), (np.inf, 0.5), (np.nan, 0.5)])
def test_positions_outside_the_photo_are_a_mistake_of_the_program(pair: tuple[float, float]) -> None:
    uv = np.full((2, 2, 2), 0.5, np.float32)
    uv[1, 1] = pair
    with pytest.raises(ValueError, match="expected u and v"):
        encode_uv16(uv)


def test_wrong_arrays_are_a_mistake_of_the_program() -> None:
    with pytest.raises(ValueError, match="HxWx3"):
        encode_rgb8(np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match="float64"):
        encode_gray8(np.zeros((4, 4)))  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(ValueError, match="HxWx2"):
        encode_uv16(np.zeros((4, 4, 3), np.float32))
    with pytest.raises(ValueError, match="HxW bool"):
        encode_bits1(np.zeros((4, 4, 3), np.uint8))
