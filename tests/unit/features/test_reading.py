"""What prints say: tidied text, boxes on the photo, and the reader of the extra `ocr` where it is installed."""

from __future__ import annotations

import socket

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageFont

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import Cancelled
from fashquick_common.garment import Box, Print, TextLine
from fashquick_features.prints.reading import MAX_READ, MAX_TEXT, Reader, find_reader, normalised, read_prints
from fashquick_features.shape.upright import Upright

Pixels = npt.NDArray[np.uint8]


class EchoReader:
    """Says one word whose box is the whole picture, and keeps the pictures it got."""

    name = "echo"
    digest = ""

    def __init__(self) -> None:
        self.seen: list[Pixels] = []

    def warm_up(self) -> None:
        """Nothing to load."""

    def read(self, rgb: Pixels, cancel: CancelFlag) -> tuple[TextLine, ...]:
        cancel.check()
        self.seen.append(rgb)
        return (TextLine("WORD", Box(0.0, 0.0, float(rgb.shape[1]), float(rgb.shape[0])), 0.9),)


def view_of(rgb: Pixels, matrix: list[list[float]] | None = None) -> Upright:
    alpha = np.full(rgb.shape[:2], 255, np.uint8)
    return Upright(rgb, alpha, 1.0, float(rgb.shape[0]), np.array(matrix or [[1.0, 0, 0], [0, 1.0, 0]]))


def written(words: list[str], height_px: int) -> tuple[Pixels, Box]:
    """A garment's picture with rows of words whose capitals are `height_px` high."""
    image = Image.new("RGB", (640, 720), (52, 60, 96))
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(height_px / 0.72)
    for row, word in enumerate(words):
        pen.text((320, 200 + 2.2 * height_px * row), word, (236, 232, 220), font, anchor="mm")
    pixels = np.asarray(image, np.uint8).copy()
    rows, columns = np.nonzero((pixels != pixels[0, 0]).any(axis=2))
    return pixels, Box(float(columns.min()), float(rows.min()), float(np.ptp(columns)), float(np.ptp(rows)))


@pytest.fixture(scope="module")
def reader() -> Reader:
    found = find_reader()
    if found is None:
        pytest.skip("the extra ocr is not installed")
    found.warm_up()
    return found


@pytest.mark.parametrize(
    ("raw", "tidy"),
    [
        ("  NORTH \t COAST\n", "NORTH COAST"),
        ("cafe\u0301", "caf\u00e9"),
        ("A\x00B\x1b[31m\u202eC\u200b", "AB[31mC"),
        ("\x07\n ", ""),
    ],
)
def test_text_is_tidied(raw: str, tidy: str) -> None:
    assert normalised(raw) == tidy


def test_text_is_no_longer_than_stated() -> None:
    assert len(normalised("x" * 1000)) == MAX_TEXT


def test_lines_stand_on_the_photo_where_the_print_is() -> None:
    picture, box = np.zeros((300, 300, 3), np.uint8), Box(100.0, 100.0, 60.0, 30.0)

    [item] = read_prints(view_of(picture), (Print(box, 0.1, 0.9),), EchoReader(), CancelFlag())

    [line] = item.lines
    assert (item.box, line.text) == (box, "WORD")
    assert line.box.x == pytest.approx(100 - 0.12 * 60, abs=1.5)
    assert line.box.width == pytest.approx(60 * 1.24, abs=2.5)


def test_a_turned_garments_print_is_read_upright() -> None:
    """The view is the photo turned by a quarter: what is wide there is high on the photo."""
    picture = np.zeros((300, 400, 3), np.uint8)
    view = view_of(picture, [[0.0, -1.0, 300.0], [1.0, 0.0, 0.0]])
    reader = EchoReader()

    [item] = read_prints(view, (Print(Box(100.0, 50.0, 30.0, 90.0), 0.1, 0.9),), reader, CancelFlag())

    height, width = reader.seen[0].shape[:2]
    assert width > 1.8 * height
    assert item.lines[0].box.height > 1.8 * item.lines[0].box.width


def test_no_more_prints_are_read_than_stated() -> None:
    prints = tuple(Print(Box(20.0 * index, 20.0, 15.0, 15.0), 0.01, 0.9) for index in range(MAX_READ + 2))

    read = read_prints(view_of(np.zeros((200, 200, 3), np.uint8)), prints, EchoReader(), CancelFlag())

    assert [len(item.lines) for item in read] == [1] * MAX_READ + [0, 0]
    assert [item.box for item in read] == [item.box for item in prints]


def test_a_print_outside_the_view_is_not_read_but_kept() -> None:
    away = Print(Box(-500.0, -500.0, 10.0, 10.0), 0.01, 0.9)

    read = read_prints(view_of(np.zeros((50, 50, 3), np.uint8)), (away,), EchoReader(), CancelFlag())

    [kept] = [item for item in read if item.box == away.box]
    assert kept.lines == ()


def test_words_where_no_print_was_found_are_a_print() -> None:
    picture = np.zeros((60, 50, 3), np.uint8)

    [item] = read_prints(view_of(picture), (), EchoReader(), CancelFlag())

    assert [line.text for line in item.lines] == ["WORD"]
    assert (item.box.x, item.box.y) == pytest.approx((0, 0), abs=0.5)
    assert (item.box.width, item.box.height) == pytest.approx((50, 60), abs=0.5)
    assert item.share == pytest.approx(1.0, abs=0.02)


def test_reading_stops_when_it_is_told_to() -> None:
    cancel = CancelFlag()
    cancel.cancel()

    with pytest.raises(Cancelled):
        read_prints(view_of(np.zeros((50, 50, 3), np.uint8)), (Print(Box(1, 1, 9, 9), 0.1, 0.9),), EchoReader(), cancel)


@pytest.mark.parametrize("height", [12, 40])
def test_words_are_read(reader: Reader, height: int) -> None:
    words = ["NORTH", "COAST 1987"]
    picture, box = written(words, height)

    [item] = read_prints(view_of(picture), (Print(box, 0.1, 0.9),), reader, CancelFlag())

    assert [line.text.replace(" ", "") for line in item.lines] == [word.replace(" ", "") for word in words]
    assert all(0.5 < line.confidence <= 1 for line in item.lines)
    for line in item.lines:
        assert box.x - height < line.box.x < line.box.x + line.box.width < box.x + box.width + height


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((400, 5, 3), np.uint8),
        np.full((200, 200, 3), 255, np.uint8),
        cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8), (0, 0), 4),
    ],
    ids=["one pixel", "five wide", "white", "blots"],
)
def test_nothing_is_read_where_nothing_is_written(reader: Reader, picture: Pixels) -> None:
    assert reader.read(picture, CancelFlag()) == ()


def test_the_reader_needs_no_network(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    fresh = find_reader()

    assert fresh is not None
    fresh.warm_up()
    assert len(fresh.digest) == 64
