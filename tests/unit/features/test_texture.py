"""Cloth drawn with known structure: what the measures and the class say of it, and what broken input does to them."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import Cancelled
from fashquick_common.garment import TextureClass
from fashquick_features.recognition.ensemble import Ensemble
from fashquick_features.shape.upright import Upright
from fashquick_features.texture import measures
from fashquick_features.texture.cloth import cloth_of
from fashquick_features.texture.descriptor import COLOUR, LENGTH, STRUCTURE, describe
from fashquick_features.texture.model import TextureModel, load_model

SIDE = 448  # the size that cloth is brought to: what is drawn is what is measured
Grey = npt.NDArray[np.float64]


def view_of(grey: Grey, *, tint: tuple[float, float, float] = (1.0, 1.0, 1.0), margin: int = 16) -> Upright:
    rgb = np.clip(grey[..., None] * np.array(tint), 0, 255).astype(np.uint8)
    alpha = np.zeros(grey.shape, np.uint8)
    alpha[margin : grey.shape[0] - margin, margin : grey.shape[1] - margin] = 255
    return Upright(rgb, alpha, 1.0, float(grey.shape[0] - 2 * margin), np.array([[1.0, 0, 0], [0, 1.0, 0]]))


def ribs(period: float, *, depth: float = 20.0, angle_deg: float = 90.0) -> Grey:
    """Lines that run `angle_deg` counter-clockwise from the horizontal."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    turn = np.deg2rad(angle_deg)
    return 130 + depth * np.sin(2 * np.pi * (x * np.sin(turn) + y * np.cos(turn)) / period)


def measured(grey: Grey) -> measures.Measures:
    return measures.measure(cloth_of(view_of(grey)), CancelFlag())


def noise(seed: int = 0, sigma: float = 8.0) -> Grey:
    return 130 + np.random.default_rng(seed).normal(0, sigma, (SIDE, SIDE))


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0, 135.0])
def test_lines_are_told_with_their_direction(angle: float) -> None:
    found = measured(ribs(10, angle_deg=angle))

    assert found.directionality > 0.8
    assert abs((found.direction_deg - angle + 90) % 180 - 90) < 3


def test_structure_without_direction_is_not_taken_for_lines() -> None:
    assert measured(noise()).directionality < 0.1


def test_wide_ribs_are_coarser_than_fine_ones() -> None:
    sizes = [measured(ribs(period)).coarseness for period in (4, 9, 18, 30)]

    assert sizes == sorted(sizes)
    assert sizes[0] < 0.2
    assert sizes[-1] > 0.6


def test_deep_structure_has_more_contrast_than_shallow_structure() -> None:
    even, shallow, deep = (measured(ribs(10, depth=depth)).contrast for depth in (0.0, 8.0, 40.0))

    assert even == 0
    assert 0 < shallow < 0.5 * deep


def test_a_slow_change_of_light_is_not_structure() -> None:
    slope = np.linspace(70, 200, SIDE)[None] * np.ones((SIDE, 1))

    assert measured(slope).contrast < 0.25


def test_soft_highlights_are_sheen_and_hard_patches_are_not() -> None:
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    apart = np.hypot(np.mod(x, 96) - 48, np.mod(y, 96) - 48)
    matt = np.full((SIDE, SIDE), 70.0)
    glossy = matt + 150 * np.exp(-((apart / 14) ** 2))
    printed = np.where(apart < 10, 220.0, 70.0)

    assert measured(matt).sheen < 0.05
    assert measured(glossy).sheen > 0.5
    assert measured(printed).sheen < 0.3


def test_the_descriptor_tells_cloths_apart_and_not_their_dyes() -> None:
    def structure(grey: Grey, tint: tuple[float, float, float]) -> npt.NDArray[np.float32]:
        return describe(view_of(grey, tint=tint), CancelFlag())[STRUCTURE]

    red, blue = structure(ribs(10), (1.0, 0.6, 0.6)), structure(ribs(10), (0.6, 0.8, 1.0))
    other = structure(noise(), (1.0, 0.6, 0.6))

    assert np.linalg.norm(red - blue) < 0.25 * np.linalg.norm(red - other)


def test_the_dye_is_told_by_the_descriptors_last_part() -> None:
    grey = ribs(10)
    red, blue = (describe(view_of(grey, tint=tint), CancelFlag())[COLOUR] for tint in ((1, 0.5, 0.5), (0.5, 0.5, 1)))

    assert np.linalg.norm(red - blue) > 0.5


def test_a_photo_of_twice_the_size_is_described_alike() -> None:
    small = noise(3, 25.0)
    small = np.asarray(cv2.GaussianBlur(small, (0, 0), 3.0))
    large = np.asarray(cv2.resize(small, (2 * SIDE, 2 * SIDE), interpolation=cv2.INTER_CUBIC))

    one, two = (describe(view_of(grey, margin=margin), CancelFlag()) for grey, margin in ((small, 16), (large, 32)))

    assert np.abs(one - two).max() < 0.5


def broken_views() -> dict[str, Upright]:
    eye = np.array([[1.0, 0, 0], [0, 1.0, 0]])
    narrow = np.zeros((300, 40), np.uint8)
    narrow[10:290, 17:22] = 255
    pixel = np.zeros((30, 30), np.uint8)
    pixel[14, 14] = 255
    whole = np.full((200, 150), 255, np.uint8)
    rng = np.random.default_rng(1)
    return {
        "five pixels wide": Upright(np.full((300, 40, 3), 90, np.uint8), narrow, 1.0, 280.0, eye),
        "one pixel": Upright(np.full((30, 30, 3), 90, np.uint8), pixel, 1.0, 1.0, eye),
        "no pixel": Upright(np.full((30, 30, 3), 90, np.uint8), np.zeros((30, 30), np.uint8), 1.0, 1.0, eye),
        "one pixel in all": Upright(np.zeros((1, 1, 3), np.uint8), np.full((1, 1), 255, np.uint8), 1.0, 1.0, eye),
        "black": Upright(np.zeros((200, 150, 3), np.uint8), whole, 1.0, 200.0, eye),
        "white": Upright(np.full((200, 150, 3), 255, np.uint8), whole, 1.0, 200.0, eye),
        "noise": Upright(rng.integers(0, 256, (200, 150, 3), dtype=np.uint8), whole, 1.0, 200.0, eye),
    }


@pytest.mark.parametrize("name", broken_views())
def test_no_input_makes_anything_but_numbers_in_their_range(name: str) -> None:
    view = broken_views()[name]

    vector, found = describe(view, CancelFlag()), measures.measure(cloth_of(view), CancelFlag())

    assert vector.shape == (LENGTH,)
    assert vector.dtype == np.float32
    assert np.isfinite(vector).all()
    for value in (found.coarseness, found.directionality, found.contrast, found.sheen):
        assert 0 <= value <= 1
    assert 0 <= found.direction_deg < 180


def test_the_same_garment_is_described_alike_every_time() -> None:
    view = view_of(noise())

    assert describe(view, CancelFlag()).tobytes() == describe(view, CancelFlag()).tobytes()


def test_it_stops_when_it_is_told_to() -> None:
    cancel = CancelFlag()
    cancel.cancel()

    with pytest.raises(Cancelled):
        describe(view_of(noise()), cancel)


UNDECIDED = dict.fromkeys(TextureClass, 1 / len(TextureClass))  # a network that cannot tell


def unsure_model(least: float) -> TextureModel:
    """Its descriptor's part takes any cloth for smooth with probability 0.73, else for knit."""
    described = Ensemble(
        {
            "mean": np.zeros(3), "scale": np.ones(3), "nets": np.array(1), "temperature": np.array(1.0),
            "w1_0": np.zeros((3, 2)), "b1_0": np.zeros(2), "w2_0": np.zeros((2, 2)), "b2_0": np.array([1.0, 0.0]),
            "classes": np.array(["smooth", "knit"]),
        }
    )  # fmt: skip
    return TextureModel(described, (1.0, 1.0), dict.fromkeys(TextureClass, least))


def test_the_class_is_named_only_where_it_is_sure_enough() -> None:
    vector = np.zeros(3, np.float32)

    first, second = unsure_model(0.7).guess(vector, UNDECIDED)

    assert (first.texture_class.value, second.texture_class.value) == ("smooth", "knit")
    assert first.confidence + second.confidence <= 1 + 1e-9
    assert unsure_model(0.75).guess(vector, UNDECIDED) == ()


@pytest.mark.parametrize("vector", [np.zeros(4, np.float32), np.full(3, np.nan, np.float32)])
def test_a_vector_that_does_not_fit_is_refused(vector: npt.NDArray[np.float32]) -> None:
    with pytest.raises(ValueError, match="vector"):
        unsure_model(0.5).guess(vector, UNDECIDED)


def test_the_committed_model_takes_the_descriptor() -> None:
    model, digest = load_model()

    guesses = model.guess(describe(view_of(noise()), CancelFlag()), UNDECIDED)

    assert len(digest) == 64
    assert sum(guess.confidence for guess in guesses) <= 1 + 1e-9
