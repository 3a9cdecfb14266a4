"""A passport on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fashquick_client import wording

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fashquick_common.garment import Passport

_SWATCH = "██"


def passport_view(name: str, passport: Passport) -> RenderableType:
    """Return what to print about a garment.

    Args:
        name: Name of its photo.
        passport: What is known about it.
    """
    facts = Table.grid(padding=(0, 2, 0, 0))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for label, words in _rows(passport):
        facts.add_row(label, words)
    return Group(Text(wording.plain(name), style="bold"), Padding(facts, (0, 0, 1, 2)))


def _rows(passport: Passport) -> list[tuple[str, RenderableType]]:
    rows: list[tuple[str, RenderableType]] = [
        ("Garment", wording.guessed(wording.categories(passport))),
        ("Colours", _palette(passport)),
        ("Light", wording.light(passport)),
        ("Pattern", wording.guessed(wording.patterns(passport), told=passport.pattern is not None)),
    ]
    rows += [("", words) for words in wording.repeats(passport)]
    rows.append(("Texture", wording.guessed(wording.textures(passport), told=passport.texture is not None)))
    rows += [("", words) for words in (wording.texture_details(passport.texture),) if words]
    rows += [(label, _sure(words, confidence)) for label, words, confidence in wording.build(passport)]
    rows.append(("Measurements", _measurements(passport)))
    prints = wording.printed(passport) or ["none found" if passport.pattern is not None else wording.NOT_ASKED]
    rows += [("Prints" if number == 0 else "", Text(words)) for number, words in enumerate(prints)]
    covered = f"{wording.percent(passport.coverage)} of the photo, {_points(len(passport.landmarks))} found"
    rows.append(("Outline", ", ".join(filter(None, (covered, wording.stance(passport))))))
    return rows


def _palette(passport: Passport) -> RenderableType:
    if not passport.palette:
        return wording.CANNOT_TELL
    corrected = any(colour.corrected is not None for colour in passport.palette)
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(5 if corrected else 4):
        table.add_column(no_wrap=True)
    for colour in passport.palette:
        cells = [
            Text(wording.plain(colour.name)),
            Text(wording.percent(colour.share), justify="right"),
            _swatch(colour.srgb),
        ]
        if corrected:
            cells.append(
                _swatch(colour.corrected.srgb, "corrected") if colour.corrected is not None else Text("not corrected")
            )
        cells.append(Text(wording.ROLE_WORDS[colour.role] if colour.role is not None else "", style="dim"))
        table.add_row(*cells)
    return table


def _swatch(srgb: tuple[int, int, int], label: str = "") -> Text:
    red, green, blue = srgb
    return Text.assemble(
        (_SWATCH, f"rgb({red},{green},{blue})"), f" {wording.hex_of(srgb)}", (f" {label}".rstrip(), "dim")
    )


def _sure(words: str, confidence: float | None) -> str:
    return words if confidence is None else f"{words} {wording.percent(confidence)}"


def _measurements(passport: Passport) -> RenderableType:
    if passport.geometry is None:
        return wording.NOT_ASKED
    lengths = wording.measurements(passport)
    if not lengths:
        return wording.CANNOT_TELL
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, value, confidence in lengths:
        table.add_row(name, Text(value, justify="right"), Text(f"{wording.percent(confidence)} sure", style="dim"))
    return table


def _points(number: int) -> str:
    return "1 point" if number == 1 else f"{number} points"
