"""Prints drawn on plain, creased and patterned cloth: what is found where, and what is left alone."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import Cancelled
from fashquick_common.garment import Box, Print
from fashquick_features.prints.boxes import PrintFinder, load_finder
from fashquick_features.shape.upright import Upright

WIDTH, HEIGHT = 400, 480
Photo = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def finder() -> PrintFinder:
    return load_finder()[0]


def shirt() -> npt.NDArray[np.uint8]:
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    body = [
        (120, 30),
        (280, 30),
        (380, 110),
        (350, 170),
        (300, 140),
        (300, 450),
        (100, 450),
        (100, 140),
        (50, 170),
        (20, 110),
    ]
    cv2.fillPoly(alpha, [np.array(body, np.int32)], 255, cv2.LINE_AA)
    return alpha


def cloth(colour: tuple[int, int, int], *, creases: float = 0.0, seed: int = 0) -> Photo:
    """Cloth with soft changes of light and the camera's noise."""
    rng = np.random.default_rng(seed)
    light = 1 + creases * cv2.resize(
        rng.normal(0, 1, (12, 10)).astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC
    )
    noisy = np.array(colour) * light[..., None] + rng.normal(0, 1.5, (HEIGHT, WIDTH, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def view_of(rgb: Photo, alpha: npt.NDArray[np.uint8] | None = None) -> Upright:
    matrix = np.array([[1.0, 0, 0], [0, 1.0, 0]])
    return Upright(rgb, shirt() if alpha is None else alpha, 1.0, 420.0, matrix)


def with_words(rgb: Photo, ink: tuple[int, int, int] = (240, 240, 235)) -> tuple[Photo, Box]:
    printed = rgb.copy()
    cv2.putText(printed, "NORTH", (135, 190), cv2.FONT_HERSHEY_DUPLEX, 1.3, ink, 4, cv2.LINE_AA)
    cv2.circle(printed, (200, 250), 38, ink, 6, cv2.LINE_AA)
    cv2.circle(printed, (200, 250), 14, ink, -1, cv2.LINE_AA)
    rows, columns = np.nonzero((printed != rgb).any(axis=2))
    return printed, Box(float(columns.min()), float(rows.min()), float(np.ptp(columns)), float(np.ptp(rows)))


def overlap(one: Box, two: Box) -> float:
    across = min(one.x + one.width, two.x + two.width) - max(one.x, two.x)
    down = min(one.y + one.height, two.y + two.height) - max(one.y, two.y)
    common = max(0.0, across) * max(0.0, down)
    return common / (one.width * one.height + two.width * two.height - common)


def best(found: tuple[Print, ...], truth: Box) -> float:
    return max((overlap(item.box, truth) for item in found), default=0.0)


@pytest.mark.parametrize("creases", [0.0, 0.06])
@pytest.mark.parametrize("colour", [(40, 44, 90), (190, 60, 60), (35, 35, 36)])
def test_a_placed_print_is_found_where_it_is(finder: PrintFinder, colour: tuple[int, int, int], creases: float) -> None:
    photo, truth = with_words(cloth(colour, creases=creases))

    found = finder.find(view_of(photo), CancelFlag())

    assert best(found, truth) > 0.7
    assert all(0 < item.share < 0.2 and 0 <= item.confidence <= 1 and item.lines == () for item in found)


@pytest.mark.parametrize("seed", range(4))
def test_plain_and_creased_cloth_has_no_print(finder: PrintFinder, seed: int) -> None:
    photo = cloth((150, 120, 90), creases=0.03 * seed, seed=seed)

    assert finder.find(view_of(photo), CancelFlag()) == ()


def test_stripes_all_over_are_no_print(finder: PrintFinder) -> None:
    photo = cloth((235, 235, 230))
    for top in range(0, HEIGHT, 24):
        photo[top : top + 9] = (30, 40, 110)

    assert finder.find(view_of(photo), CancelFlag()) == ()


def test_boxes_follow_the_view_to_the_photo(finder: PrintFinder) -> None:
    photo, truth = with_words(cloth((40, 44, 90)))
    plain = view_of(photo)
    moved = Upright(plain.rgb, plain.alpha, 2.0, plain.length_px, np.array([[2.0, 0, 100.0], [0, 2.0, 50.0]]))

    found = finder.find(moved, CancelFlag())

    assert best(found, Box(2 * truth.x + 100, 2 * truth.y + 50, 2 * truth.width, 2 * truth.height)) > 0.7


@pytest.mark.parametrize(
    ("rgb", "alpha"),
    [
        (np.full((300, 40, 3), 90, np.uint8), np.pad(np.full((280, 5), 255, np.uint8), ((10, 10), (17, 18)))),
        (np.full((30, 30, 3), 90, np.uint8), np.pad(np.full((1, 1), 255, np.uint8), ((14, 15), (14, 15)))),
        (np.full((30, 30, 3), 90, np.uint8), np.zeros((30, 30), np.uint8)),
        (np.zeros((1, 1, 3), np.uint8), np.full((1, 1), 255, np.uint8)),
        (np.zeros((HEIGHT, WIDTH, 3), np.uint8), shirt()),
        (np.full((HEIGHT, WIDTH, 3), 255, np.uint8), shirt()),
        (np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8), shirt()),
    ],
    ids=["five pixels wide", "one pixel", "no pixel", "one pixel in all", "black", "white", "noise"],
)
def test_no_input_makes_anything_but_numbers_in_their_range(
    finder: PrintFinder, rgb: Photo, alpha: npt.NDArray[np.uint8]
) -> None:
    for item in finder.find(view_of(rgb, alpha), CancelFlag()):
        assert np.isfinite([item.box.x, item.box.y, item.box.width, item.box.height]).all()
        assert 0 <= item.share <= 1
        assert 0 <= item.confidence <= 1


def test_a_grey_photos_print_is_found_too(finder: PrintFinder) -> None:
    photo, truth = with_words(cloth((60, 60, 60)), ink=(230, 230, 230))
    grey = np.repeat(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)

    assert best(finder.find(view_of(grey), CancelFlag()), truth) > 0.7


def test_the_same_photo_gives_the_same_prints(finder: PrintFinder) -> None:
    photo, _ = with_words(cloth((40, 44, 90), creases=0.05))

    assert finder.find(view_of(photo), CancelFlag()) == finder.find(view_of(photo), CancelFlag())


def test_it_stops_when_it_is_told_to(finder: PrintFinder) -> None:
    cancel = CancelFlag()
    cancel.cancel()

    with pytest.raises(Cancelled):
        finder.find(view_of(cloth((40, 44, 90))), cancel)
