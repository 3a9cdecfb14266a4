"""The sheet: photo with points and prints on the left, cut-out and colours in the middle, facts on the right."""

from __future__ import annotations

import numpy as np

from fashquick_client import wording
from fashquick_client.passport_sheet.canvas import GREY, INK, Area, Canvas, text_width
from fashquick_client.passport_sheet.panels import draw_colours, draw_facts
from fashquick_client.passport_sheet.photo import SheetPhoto, draw_cutout, draw_photo
from fashquick_common.garment import Passport
from fashquick_common.image import encode

_WIDTH, _HEIGHT = 1680, 1050
_TITLE_SIZE, _UNDER_SIZE = 34, 16
_PHOTO = Area(32, 108, 732, 1022)
_CUTOUT = Area(772, 108, 1172, 512)
_COLOURS = Area(772, 536, 1172, 1026)
_FACTS = Area(1212, 108, 1648, 1026)


def make_passport_sheet(photo: SheetPhoto, passport: Passport, name: str) -> bytes:
    """Draw a passport on one sheet.

    Args:
        photo: The photo that it was made from, and the garment's mask.
        passport: The passport.
        name: Name of the photo, for the sheet's head.

    Returns:
        A PNG file of 1680 x 1050 pixels.
    """
    canvas = Canvas(_WIDTH, _HEIGHT)
    _draw_head(canvas, passport, wording.plain(name))
    draw_photo(canvas, _PHOTO, photo, passport)
    draw_cutout(canvas, _CUTOUT, photo, passport)
    draw_colours(canvas, _COLOURS, passport)
    draw_facts(canvas, _FACTS, passport)
    return encode(np.asarray(canvas.image))


def _draw_head(canvas: Canvas, passport: Passport, name: str) -> None:
    guesses = wording.categories(passport)
    title = guesses[0][0] if guesses else "garment of a kind that cannot be told"
    title = title[0].upper() + title[1:]
    canvas.text(_PHOTO.left, 22, title, _TITLE_SIZE, INK, bold=True)
    after = _PHOTO.left + text_width(title, _TITLE_SIZE) + 18
    canvas.fitted(_FACTS.right, 34, name, _UNDER_SIZE, width=_FACTS.right - after, colour=GREY, anchor="ra")
    seen = [f"{wording.percent(passport.coverage)} of the photo", wording.stance(passport)]
    seen.append(f"Light: {wording.light(passport)}")
    width = _FACTS.right - _PHOTO.left
    canvas.fitted(_PHOTO.left, 70, " · ".join(filter(None, seen)), _UNDER_SIZE, width=width, colour=GREY)
