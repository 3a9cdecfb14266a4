"""What is printed on the shirts, drawn by Pillow with its own font."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
PRINT_PIXELS = 900
"""Side of the square a print is drawn in."""


def emblem(ink: Colour, paper: Colour) -> npt.NDArray[np.uint8]:
    """A round badge: STUDIO around the top, No. 7 in the middle, a town and a year around the bottom."""
    picture, draw = _canvas()
    middle = PRINT_PIXELS // 2
    for radius, colour in ((440, ink), (408, paper), (396, ink), (262, paper), (250, ink)):
        draw.ellipse([middle - radius, middle - radius, middle + radius, middle + radius], fill=(*colour, 255))
    _arc_text(picture, "STUDIO", radius=326, at_deg=-90, step_deg=21, size=112, fill=(*paper, 255))
    _arc_text(picture, "EST. 1987", radius=326, at_deg=90, step_deg=-13, size=74, fill=(*paper, 255))
    for angle in (0, 180):
        _star(draw, middle + 326 * math.cos(math.radians(angle)), middle, 34, (*paper, 255))
    _centred(draw, "No. 7", middle, middle - 8, size=176, fill=(*paper, 255))
    draw.rectangle([middle - 150, middle + 92, middle + 150, middle + 104], fill=(*paper, 255))
    return np.asarray(picture)


def wordmark(ink: Colour) -> npt.NDArray[np.uint8]:
    """Two small lines of text with a rule between them."""
    picture, draw = _canvas()
    middle = PRINT_PIXELS // 2
    _centred(draw, "ATELIER NORD", middle, middle - 52, size=118, fill=(*ink, 255))
    draw.rectangle([middle - 130, middle + 22, middle + 130, middle + 28], fill=(*ink, 255))
    _centred(draw, "hand made goods", middle, middle + 78, size=62, fill=(*ink, 255))
    return np.asarray(picture)


def mountains(sky: Colour, rock: Colour, snow: Colour) -> npt.NDArray[np.uint8]:
    """A large picture: a sun behind three peaks and their mirror in a lake, with a title."""
    picture, draw = _canvas()
    draw.rounded_rectangle([40, 20, 860, 700], 46, fill=(*sky, 255))
    draw.ellipse([330, 90, 590, 350], fill=(*snow, 255))
    for peak, base in (((250, 250), 300), ((650, 210), 330), ((450, 330), 260)):
        x, y = peak
        draw.polygon([(x - base, 560), (x, y), (x + base, 560)], fill=(*rock, 255))
        cap = [(x - 0.2 * base, y + 62), (x, y), (x + 0.2 * base, y + 62), (x + 22, y + 44), (x - 18, y + 74)]
        draw.polygon(cap, fill=(*snow, 255))
    draw.rectangle([40, 556, 860, 640], fill=(*rock, 255))
    for row, width in ((580, 300), (604, 210), (628, 130)):
        draw.rounded_rectangle([460 - width, row, 460 + width, row + 9], 4, fill=(*snow, 255))
    # What stands out of the rounded frame is cut off.
    frame = Image.new("L", picture.size, 0)
    ImageDraw.Draw(frame).rounded_rectangle([40, 20, 860, 640], 46, fill=255)
    picture.putalpha(Image.composite(picture.getchannel("A"), Image.new("L", picture.size, 0), frame))
    _centred(ImageDraw.Draw(picture), "HIGH COUNTRY", 450, 740, size=112, fill=(*snow, 255))
    _centred(ImageDraw.Draw(picture), "WALKING CLUB", 450, 838, size=66, fill=(*snow, 255))
    return np.asarray(picture)


def care_label(ink: Colour, paper: Colour) -> npt.NDArray[np.uint8]:
    """The label in the collar."""
    picture, draw = _canvas()
    draw.rectangle([0, 0, PRINT_PIXELS, PRINT_PIXELS], fill=(*paper, 255))
    _centred(draw, "NORD", PRINT_PIXELS // 2, 330, size=300, fill=(*ink, 255))
    _centred(draw, "M", PRINT_PIXELS // 2, 670, size=240, fill=(*ink, 255))
    return np.asarray(picture)


def _canvas() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("RGBA", (PRINT_PIXELS, PRINT_PIXELS), (0, 0, 0, 0))
    return picture, ImageDraw.Draw(picture)


def _centred(
    draw: ImageDraw.ImageDraw, text: str, x: float, y: float, *, size: int, fill: tuple[int, int, int, int]
) -> None:
    draw.text((x, y), text, fill=fill, font=ImageFont.load_default(size), anchor="mm", stroke_width=size // 40)


def _arc_text(
    picture: Image.Image,
    text: str,
    *,
    radius: float,
    at_deg: float,
    step_deg: float,
    size: int,
    fill: tuple[int, int, int, int],
) -> None:
    """Set text along a circle around the canvas' middle; a negative step reads along the lower half."""
    flip = 90 if step_deg > 0 else -90
    for number, letter in enumerate(text):
        angle = at_deg + (number - (len(text) - 1) / 2) * step_deg
        tile = Image.new("RGBA", (2 * size, 2 * size), (*fill[:3], 0))
        _centred(ImageDraw.Draw(tile), letter, size, size, size=size, fill=fill)
        turned = tile.rotate(-(angle + flip), Image.Resampling.BICUBIC)
        x = PRINT_PIXELS / 2 + radius * math.cos(math.radians(angle)) - size
        y = PRINT_PIXELS / 2 + radius * math.sin(math.radians(angle)) - size
        picture.alpha_composite(turned, (round(x), round(y)))


def _star(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, fill: tuple[int, int, int, int]) -> None:
    reach = [radius if number % 2 == 0 else radius * 0.42 for number in range(10)]
    angles = [math.radians(36 * number - 90) for number in range(10)]
    draw.polygon([(x + r * math.cos(a), y + r * math.sin(a)) for r, a in zip(reach, angles, strict=True)], fill=fill)
