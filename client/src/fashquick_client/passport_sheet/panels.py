"""What is known about a garment in words, bars and swatches."""

from __future__ import annotations

from collections.abc import Sequence

from fashquick_client import wording
from fashquick_client.passport_sheet.canvas import ACCENT, GREY, INK, Area, Canvas, shortened, text_width, wrapped
from fashquick_common.garment import PaletteColour, Passport

_HEADING_SIZE = 15
_SIZE = 16
_SMALL_SIZE = 14
_NAME_SIZE = 18
_HEADING_STEP = 27
_STEP = 23
_SMALL_STEP = 19
_GAP = 13  # Between two sections.
_LABEL_WIDTH = 150
_NUMBER_WIDTH = 52
_BAR_HEIGHT = 10
_MOST_GUESSES = 3
_SURE = 0.5  # Lengths below it are grey.
_MOST_PRINTS = 4
_SWATCH_WIDTH = 62
_MOST_COLOUR_STEP = 66


def draw_colours(canvas: Canvas, area: Area, passport: Passport) -> None:
    """Draw the palette: each colour as photographed, and beside it in neutral light."""
    canvas.text(area.left, area.top, "Colours", _HEADING_SIZE, GREY, bold=True)
    canvas.text(area.right, area.top, "as photographed, in neutral light", _SMALL_SIZE, GREY, anchor="ra")
    top = area.top + _HEADING_STEP
    if not passport.palette:
        canvas.text(area.left, top, wording.CANNOT_TELL, _SIZE)
        return
    step = min(_MOST_COLOUR_STEP, (area.bottom - top) // len(passport.palette))
    for number, colour in enumerate(passport.palette):
        row = top + number * step
        _draw_colour(canvas, Area(area.left, row, area.right, row + step - 8), colour)


def draw_facts(canvas: Canvas, area: Area, passport: Passport) -> None:
    """Draw guesses with their confidences as bars, the garment's build, its lengths, and what its prints say."""
    y = _guesses(canvas, area, area.top, "Garment", wording.categories(passport))
    y = _guesses(
        canvas,
        area,
        y,
        "Pattern",
        wording.patterns(passport),
        details=wording.repeats(passport),
        told=passport.pattern is not None,
    )
    y = _guesses(
        canvas,
        area,
        y,
        "Texture",
        wording.textures(passport),
        details=[words for words in (wording.texture_details(passport.texture),) if words],
        told=passport.texture is not None,
    )
    y = _build(canvas, area, y, passport)
    y = _measurements(canvas, area, y, passport)
    _prints(canvas, area, y, passport)


def _draw_colour(canvas: Canvas, area: Area, colour: PaletteColour) -> None:
    first = Area(area.left, area.top, area.left + _SWATCH_WIDTH, area.bottom)
    second = Area(first.right + 30, area.top, first.right + 30 + _SWATCH_WIDTH, area.bottom)
    middle = (area.top + area.bottom) / 2
    canvas.swatch(first, colour.srgb)
    canvas.arrow((first.right + second.left) / 2, middle)
    canvas.swatch(second, colour.corrected.srgb if colour.corrected is not None else None)
    left = second.right + 14
    spread = min(11.0, area.height / 4)
    share = wording.percent(colour.share)
    canvas.text(area.right, middle - spread, share, _NAME_SIZE, bold=True, anchor="rm")
    room = area.right - left - text_width(share, _NAME_SIZE) - 10
    name = shortened(wording.plain(colour.name), _NAME_SIZE, room)
    canvas.text(left, middle - spread, name, _NAME_SIZE, anchor="lm")
    role = wording.ROLE_WORDS[colour.role] if colour.role is not None else ""
    after = text_width(name, _NAME_SIZE) + 10
    if after + text_width(role, _SMALL_SIZE) <= room:
        canvas.text(left + after, middle - spread, role, _SMALL_SIZE, GREY, anchor="lm")
    corrected = wording.hex_of(colour.corrected.srgb) if colour.corrected is not None else "not corrected"
    codes = f"{wording.hex_of(colour.srgb)} · {corrected}"
    canvas.text(left, middle + spread, codes, _SMALL_SIZE, GREY, anchor="lm")


def _heading(canvas: Canvas, area: Area, y: int, words: str) -> int:
    canvas.rule(area.left, area.right, y)
    canvas.text(area.left, y + 7, words, _HEADING_SIZE, GREY, bold=True)
    return y + 7 + _HEADING_STEP


def _guesses(
    canvas: Canvas,
    area: Area,
    y: int,
    heading: str,
    guesses: Sequence[tuple[str, float]],
    *,
    details: Sequence[str] = (),
    told: bool = True,
) -> int:
    y = _heading(canvas, area, y, heading)
    if not guesses:
        canvas.text(area.left, y, wording.CANNOT_TELL if told else wording.NOT_ASKED, _SIZE)
        y += _STEP
    for number, (words, confidence) in enumerate(guesses[:_MOST_GUESSES]):
        _confidence(canvas, area, y, words, confidence, strong=number == 0)
        y += _STEP
    for detail in details:
        for line in wrapped(detail, _SMALL_SIZE, area.width, 2):
            canvas.text(area.left, y, line, _SMALL_SIZE, GREY)
            y += _SMALL_STEP
    return y + _GAP


def _confidence(canvas: Canvas, area: Area, y: int, words: str, confidence: float, *, strong: bool) -> None:
    canvas.fitted(area.left, y, words, _SIZE, width=_LABEL_WIDTH, colour=INK if strong else GREY, bold=strong)
    middle = y + _SIZE // 2 + 1
    bar = Area(
        area.left + _LABEL_WIDTH + 8,
        middle - _BAR_HEIGHT // 2,
        area.right - _NUMBER_WIDTH,
        middle + _BAR_HEIGHT // 2,
    )
    canvas.bar(bar, confidence, ACCENT if strong else (150, 170, 196))
    canvas.text(area.right, y, wording.percent(confidence), _SIZE, INK if strong else GREY, anchor="ra")


def _build(canvas: Canvas, area: Area, y: int, passport: Passport) -> int:
    y = _heading(canvas, area, y, "Build")
    for label, words, confidence in wording.build(passport):
        canvas.text(area.left, y, label, _SIZE, GREY)
        canvas.fitted(area.left + 90, y, words, _SIZE, width=190, colour=GREY if confidence is None else INK)
        if confidence is not None:
            middle = y + _SIZE // 2 + 1
            left = area.left + 290
            bar = Area(left, middle - _BAR_HEIGHT // 2, area.right - _NUMBER_WIDTH, middle + _BAR_HEIGHT // 2)
            canvas.bar(bar, confidence)
            canvas.text(area.right, y, wording.percent(confidence), _SIZE, anchor="ra")
        y += _STEP
    return y + _GAP


def _measurements(canvas: Canvas, area: Area, y: int, passport: Passport) -> int:
    lengths = wording.measurements(passport)
    known = passport.geometry is not None and any(each.centimetres for each in passport.geometry.measurements)
    y = _heading(canvas, area, y, "Measurements" if known else "Measurements, as parts of the length")
    if not lengths:
        canvas.text(area.left, y, wording.CANNOT_TELL if passport.geometry is not None else wording.NOT_ASKED, _SIZE)
        return y + _STEP + _GAP
    column = (area.width - 24) // 2
    for number, (name, value, confidence) in enumerate(lengths):
        left = area.left + (number % 2) * (column + 24)
        row = y + number // 2 * _STEP
        ink = INK if confidence >= _SURE else GREY
        canvas.text(left, row, name, _SIZE, GREY)
        canvas.text(left + column - 46, row, value.removesuffix(" of the length"), _SIZE, ink, anchor="ra")
        canvas.text(left + column, row + 2, wording.percent(confidence), _SMALL_SIZE, GREY, anchor="ra")
    return y + (len(lengths) + 1) // 2 * _STEP + _GAP


def _prints(canvas: Canvas, area: Area, y: int, passport: Passport) -> None:
    y = _heading(canvas, area, y, "Prints, logos, labels")
    prints = wording.printed(passport)
    if not prints:
        nothing = "none found" if passport.pattern is not None else wording.NOT_ASKED
        canvas.text(area.left, y, nothing, _SIZE)
    for number, words in enumerate(prints[:_MOST_PRINTS], start=1):
        for line in wrapped(f"{number}: {words}", _SMALL_SIZE, area.width, 2):
            if y + _SMALL_STEP > area.bottom:
                return
            canvas.text(area.left, y, line, _SMALL_SIZE)
            y += _SMALL_STEP
    if len(prints) > _MOST_PRINTS and y + _SMALL_STEP <= area.bottom:
        canvas.text(area.left, y, f"and {len(prints) - _MOST_PRINTS} more", _SMALL_SIZE, GREY)
