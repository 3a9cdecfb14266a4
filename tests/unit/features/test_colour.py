from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fashquick_common.image import spaces as colour
from fashquick_features.colour.names import SRGB, name_of

# Sharma, Wu, Dalal (2005), table 1: L, a, b of both colours and their difference.
SHARMA = np.array(
    [
        [50.0000, 2.6772, -79.7751, 50.0000, 0.0000, -82.7485, 2.0425],
        [50.0000, 3.1571, -77.2803, 50.0000, 0.0000, -82.7485, 2.8615],
        [50.0000, 2.8361, -74.0200, 50.0000, 0.0000, -82.7485, 3.4412],
        [50.0000, -1.3802, -84.2814, 50.0000, 0.0000, -82.7485, 1.0000],
        [50.0000, -1.1848, -84.8006, 50.0000, 0.0000, -82.7485, 1.0000],
        [50.0000, -0.9009, -85.5211, 50.0000, 0.0000, -82.7485, 1.0000],
        [50.0000, 0.0000, 0.0000, 50.0000, -1.0000, 2.0000, 2.3669],
        [50.0000, -1.0000, 2.0000, 50.0000, 0.0000, 0.0000, 2.3669],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0009, 7.1792],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0010, 7.1792],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0011, 7.2195],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0012, 7.2195],
        [50.0000, -0.0010, 2.4900, 50.0000, 0.0009, -2.4900, 4.8045],
        [50.0000, -0.0010, 2.4900, 50.0000, 0.0010, -2.4900, 4.8045],
        [50.0000, -0.0010, 2.4900, 50.0000, 0.0011, -2.4900, 4.7461],
        [50.0000, 2.5000, 0.0000, 50.0000, 0.0000, -2.5000, 4.3065],
        [50.0000, 2.5000, 0.0000, 73.0000, 25.0000, -18.0000, 27.1492],
        [50.0000, 2.5000, 0.0000, 61.0000, -5.0000, 29.0000, 22.8977],
        [50.0000, 2.5000, 0.0000, 56.0000, -27.0000, -3.0000, 31.9030],
        [50.0000, 2.5000, 0.0000, 58.0000, 24.0000, 15.0000, 19.4535],
        [50.0000, 2.5000, 0.0000, 50.0000, 3.1736, 0.5854, 1.0000],
        [50.0000, 2.5000, 0.0000, 50.0000, 3.2972, 0.0000, 1.0000],
        [50.0000, 2.5000, 0.0000, 50.0000, 1.8634, 0.5757, 1.0000],
        [50.0000, 2.5000, 0.0000, 50.0000, 3.2592, 0.3350, 1.0000],
        [60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644],
        [63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.2630],
        [61.2901, 3.7196, -5.3901, 61.4292, 2.2480, -4.9620, 1.8731],
        [35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645],
        [22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619, 2.0373],
        [36.4612, 47.8580, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146],
        [90.8027, -2.0831, 1.4410, 91.1528, -1.6435, 0.0447, 1.4441],
        [90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381],
        [6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377],
        [2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082],
    ]
)

lab_values = st.tuples(st.floats(0, 100), st.floats(-110, 110), st.floats(-110, 110))


def test_ciede2000_gives_the_published_differences() -> None:
    found = colour.ciede2000(SHARMA[:, :3], SHARMA[:, 3:6])
    np.testing.assert_allclose(found, SHARMA[:, 6], atol=5e-5)


@settings(derandomize=True)
@given(lab_values, lab_values)
def test_ciede2000_is_symmetric_and_finite(one: tuple[float, ...], two: tuple[float, ...]) -> None:
    there, back = colour.ciede2000(np.array([one, two]), np.array([two, one]))
    assert np.isfinite(there)
    assert there >= 0
    assert there == pytest.approx(back, abs=1e-9)


@settings(derandomize=True)
@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_oklab_and_back_keeps_every_srgb_colour(srgb: tuple[int, int, int]) -> None:
    value = np.array(srgb, np.uint8)
    back = colour.srgb_of_linear(colour.linear_of_oklab(colour.oklab_of_linear(colour.linear_of_srgb(value))))
    np.testing.assert_array_equal(back, value)


@settings(derandomize=True)
@given(st.tuples(*[st.integers(0, 255)] * 3), st.floats(0.05, 1.0))
def test_shading_scales_oklab_without_turning_it(srgb: tuple[int, int, int], light: float) -> None:
    linear = colour.linear_of_srgb(np.array(srgb, np.uint8))
    lit, shaded = colour.oklab_of_linear(linear), colour.oklab_of_linear(linear * light)
    np.testing.assert_allclose(shaded, lit * np.cbrt(light), atol=1e-6)


def test_oklab_of_the_primaries_is_the_published_one() -> None:
    red = colour.oklab_of_linear(np.array([1.0, 0.0, 0.0]))
    np.testing.assert_allclose(red, [0.62796, 0.22486, 0.12585], atol=2e-4)


def test_lab_of_known_colours() -> None:
    white, red = colour.lab_of_srgb(np.array([[255, 255, 255], [255, 0, 0]], np.uint8))
    np.testing.assert_allclose(white, [100, 0, 0], atol=0.01)
    np.testing.assert_allclose(red, [53.24, 80.09, 67.20], atol=0.05)


@pytest.mark.parametrize(
    ("srgb", "name"),
    [
        ((10, 10, 12), "black"),
        ((250, 250, 250), "white"),
        ((26, 34, 62), "navy"),
        ((200, 30, 36), "red"),
        ((130, 130, 130), "grey"),
        ((212, 194, 164), "beige"),
        ((90, 24, 40), "burgundy"),
        ((86, 108, 140), "denim blue"),
    ],
)
def test_colours_get_the_name_people_use(srgb: tuple[int, int, int], name: str) -> None:
    lab = colour.lab_of_srgb(np.array(srgb, np.uint8))
    assert name_of((float(lab[0]), float(lab[1]), float(lab[2]))) == name


def test_names_are_far_enough_apart_to_tell() -> None:
    lab = colour.lab_of_srgb(np.array(list(SRGB.values()), np.uint8))
    apart = colour.ciede2000(lab[:, None], lab[None]) + 100 * np.eye(len(lab))
    assert apart.min() > 4


@settings(derandomize=True, deadline=None)
@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_lab_and_back_keeps_every_srgb_colour(srgb: tuple[int, int, int]) -> None:
    value = np.array(srgb, np.uint8)
    np.testing.assert_array_equal(colour.srgb_of_linear(colour.linear_of_lab(colour.lab_of_srgb(value))), value)


def test_lamps_are_orange_and_shade_is_blue() -> None:
    lamp, noon, shade = colour.linear_of_daylight(np.array([2700.0, 6500.0, 10000.0]))
    # Published white of a 2700 K lamp in sRGB: 255, 169, 87.
    np.testing.assert_allclose(colour.srgb_of_linear(lamp / lamp.max()), [255, 169, 87], atol=4)
    assert noon.max() / noon.min() < 1.1
    assert shade[2] > shade[1] > shade[0]
