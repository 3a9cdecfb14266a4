"""Text, bars and swatches on a sheet, with Pillow's own typeface."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

Rgb = tuple[int, int, int]

INK: Rgb = (28, 30, 34)
GREY: Rgb = (112, 116, 124)
PALE: Rgb = (226, 229, 233)
PAPER: Rgb = (255, 255, 255)
ACCENT: Rgb = (20, 98, 190)
WARM: Rgb = (214, 84, 24)

_BOLD_PX = 0.5  # Stroke round the letters: Pillow's own typeface comes in one weight.
# All that Pillow's own typeface has beside ASCII.
_KNOWN = frozenset("·°“”\u2018\u2019±…")


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle on the sheet, in pixels."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Pixels across."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Pixels down."""
        return self.bottom - self.top


class Canvas:
    """A sheet while it is drawn."""

    def __init__(self, width: int, height: int) -> None:
        """Make an empty one."""
        self.image = Image.new("RGB", (width, height), PAPER)
        self._draw = ImageDraw.Draw(self.image)

    def text(
        self, x: float, y: float, words: str, size: int, colour: Rgb = INK, *, bold: bool = False, anchor: str = "la"
    ) -> None:
        """Write a line; `anchor` as Pillow has it: "la" is left and top, "ra" right and top, "lm" left and middle."""
        stroke = _BOLD_PX if bold else 0
        self._draw.text((x, y), drawable(words), colour, _font(size), anchor, stroke_width=stroke)

    def fitted(
        self,
        x: float,
        y: float,
        words: str,
        size: int,
        *,
        width: float,
        colour: Rgb = INK,
        bold: bool = False,
        anchor: str = "la",
    ) -> None:
        """Write a line that ends in an ellipsis where it would be wider than `width`."""
        self.text(x, y, shortened(words, size, width), size, colour, bold=bold, anchor=anchor)

    def pill(self, x: float, y: float, words: str, size: int, colour: Rgb, *, anchor: str = "mm") -> None:
        """Write a word on a white plate, so that it can be read on a photo."""
        left, top, right, bottom = self._draw.textbbox((x, y), drawable(words), _font(size), anchor)
        plate = Image.new("RGBA", (round(right - left) + 8, round(bottom - top) + 6), (*PAPER, 225))
        self.image.paste(plate.convert("RGB"), (round(left) - 4, round(top) - 3), plate.getchannel("A"))
        self.text(x, y, words, size, colour, anchor=anchor)

    def rule(self, left: float, right: float, y: float) -> None:
        """Draw a thin line across."""
        self._draw.line([(left, y), (right, y)], PALE, 1)

    def bar(self, area: Area, share: float, colour: Rgb = ACCENT) -> None:
        """Draw how far something reaches of the whole."""
        radius = area.height // 2
        self._draw.rounded_rectangle((area.left, area.top, area.right, area.bottom), radius, PALE)
        reach = area.left + max(round(area.width * share), 2 * radius)
        if share > 0:
            self._draw.rounded_rectangle((area.left, area.top, reach, area.bottom), radius, colour)

    def swatch(self, area: Area, colour: Rgb | None) -> None:
        """Draw a colour; crossed out where there is none."""
        box = (area.left, area.top, area.right, area.bottom)
        self._draw.rounded_rectangle(box, 5, colour or PAPER, outline=(190, 194, 200))
        if colour is None:
            self._draw.line([(area.left + 8, area.bottom - 8), (area.right - 8, area.top + 8)], PALE, 2)

    def arrow(self, x: float, y: float, colour: Rgb = GREY) -> None:
        """Draw a small arrow to the right, its middle at a point."""
        self._draw.line([(x - 8, y), (x + 4, y)], colour, 2)
        self._draw.polygon([(x + 8, y), (x + 1, y - 5), (x + 1, y + 5)], colour)


def text_width(words: str, size: int) -> float:
    """Return how wide a line is, in pixels."""
    return _font(size).getlength(drawable(words))


def shortened(words: str, size: int, width: float) -> str:
    """Return a line that is at most `width` wide, with an ellipsis where something is left out."""
    if text_width(words, size) <= width:
        return words
    while words and text_width(words + "…", size) > width:
        words = words[:-1]
    return words.rstrip() + "…"


def wrapped(words: str, size: int, width: float, most: int) -> list[str]:
    """Return lines that are at most `width` wide; the last of `most` ends in an ellipsis where there is more."""
    lines: list[str] = []
    line = ""
    rest = words.split(" ")
    while rest:
        longer = f"{line} {rest[0]}".strip()
        if line and text_width(longer, size) > width:
            if len(lines) == most - 1:
                return [*lines, shortened(" ".join([line, *rest]), size, width)]
            lines.append(shortened(line, size, width))
            line = ""
        else:
            line = longer
            rest.pop(0)
    return [*lines, shortened(line, size, width)]


def drawable(words: str) -> str:
    """Return a text without accents, and with a question mark for what else the typeface lacks."""
    return "".join(character if character in _KNOWN else _ascii(character) for character in words)


def _ascii(character: str) -> str:
    letters = unicodedata.normalize("NFKD", character)
    base = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return base if base.isascii() and base.isprintable() else "?"


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise ImportError("sheets need Pillow with FreeType: pip install 'fashquick-client[images]'")
    return font
