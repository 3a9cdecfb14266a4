"""The words that prompts are made of, read from `prompts.json` once; `prompts.schema.json` says what they are."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from fashquick_common.garment import Category, Front, LegLength, Neckline, PatternKind, SleeveLength, TextureClass
from fashquick_common.models.fields import Fields, read_fields
from fashquick_generation.engine import BackdropKind, Fit, Framing
from fashquick_generation.studio.figure.companions import Companion

FILE = Path(__file__).with_name("prompts.json")
_MOST_BYTES = 64 * 1024
_MOST_PHRASES = 64
_WORDS = re.compile(r"[^\x00-\x1f\x7f-\x9f]{0,200}")
_PHRASE = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,200}")
_WANTED = "a text of at most 200 characters without control characters"


class StripeWidth(StrEnum):
    """How wide a repeat of stripes is."""

    FINE = "fine"
    USUAL = "usual"
    WIDE = "wide"


class StripeDirection(StrEnum):
    """How stripes run."""

    HORIZONTAL = "horizontal"
    VERTICAL = "vertical"
    DIAGONAL = "diagonal"


class Gender(StrEnum):
    """How a figure looks."""

    FEMININE = "feminine"
    MASCULINE = "masculine"
    NEUTRAL = "neutral"


class Camera(StrEnum):
    """From where the figure is seen."""

    FRONT = "front"
    THREE_QUARTER = "three-quarter"
    SIDE = "side"
    THREE_QUARTER_BACK = "three-quarter-back"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class GarmentWords:
    """Words for garments; {} in a text takes adjectives or colours, and an empty text says nothing."""

    unknown: str
    categories: Mapping[str, str]
    implied: Mapping[str, tuple[str, ...]]
    patterns: Mapping[str, str]
    textures: Mapping[str, str]
    sleeves: Mapping[str, str]
    legs: Mapping[str, str]
    necklines: Mapping[str, str]
    fronts: Mapping[str, str]
    fits: Mapping[str, str]
    stripes: str
    stripe_widths: Mapping[str, str]
    stripe_directions: Mapping[str, str]
    graphic: str
    lettering: str
    print: str
    trim: str
    touches: str


@dataclass(frozen=True, slots=True)
class FigureWords:
    """Words for who wears them."""

    noun: str
    people: Mapping[str, Mapping[str, str]]
    ages: Mapping[str, str]
    builds: Mapping[str, str]
    statures: Mapping[str, str]
    skins: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Words:
    """All of `prompts.json`."""

    positive: tuple[str, ...]
    regions: Mapping[str, tuple[str, ...]]
    negative: tuple[str, ...]
    negative_without_print: tuple[str, ...]
    always: tuple[str, ...]
    never: tuple[str, ...]
    refused: tuple[str, ...]
    garments: GarmentWords
    figure: FigureWords
    companions: Mapping[str, str]
    poses: Mapping[str, str]
    cameras: Mapping[str, str]
    gazes: Mapping[str, str]
    framings: Mapping[str, str]
    backdrops: Mapping[str, str]
    backdrop_colours: Mapping[str, tuple[int, int, int]]


@functools.cache
def words() -> Words:
    """The packaged words.

    Raises:
        BadField: The file is not as its schema says.
    """
    return read_words(FILE)


def read_words(path: Path) -> Words:
    """Read a file of words; raises as `words`."""
    fields = read_fields(path, _MOST_BYTES)
    fields.only(*Words.__dataclass_fields__)
    regions, colours = fields.inner("regions"), fields.inner("backdrop_colours")
    regions.only("garment", "face", "hand")
    return Words(
        positive=_phrases(fields, "positive"),
        regions={name: _phrases(regions, name) for name in ("garment", "face", "hand")},
        negative=_phrases(fields, "negative"),
        negative_without_print=_phrases(fields, "negative_without_print"),
        always=_phrases(fields, "always"),
        never=_phrases(fields, "never"),
        refused=_phrases(fields, "refused"),
        garments=_garments(fields.inner("garments")),
        figure=_figure(fields.inner("figure")),
        companions=_table(fields, "companions", Companion),
        poses=_table(fields, "poses"),
        cameras=_table(fields, "cameras", Camera),
        gazes=_table(fields, "gazes", (Camera.FRONT, Camera.THREE_QUARTER, Camera.SIDE)),
        framings=_table(fields, "framings", [framing for framing in Framing if framing is not Framing.AUTO]),
        backdrops=_table(fields, "backdrops", BackdropKind),
        backdrop_colours={name: _srgb(colours, name) for name in colours.names()},
    )


def _garments(fields: Fields) -> GarmentWords:
    fields.only(*GarmentWords.__dataclass_fields__)
    implied = fields.inner("implied")
    implied.only(*Category)
    return GarmentWords(
        unknown=_phrase(fields, "unknown"),
        categories=_table(fields, "categories", Category),
        implied={kind: _phrases(implied, kind) for kind in implied.names()},
        patterns=_table(fields, "patterns", PatternKind),
        textures=_table(fields, "textures", TextureClass),
        sleeves=_table(fields, "sleeves", SleeveLength),
        legs=_table(fields, "legs", LegLength),
        necklines=_table(fields, "necklines", Neckline),
        fronts=_table(fields, "fronts", Front),
        fits=_table(fields, "fits", Fit),
        stripes=_phrase(fields, "stripes"),
        stripe_widths=_table(fields, "stripe_widths", StripeWidth),
        stripe_directions=_table(fields, "stripe_directions", StripeDirection),
        graphic=_phrase(fields, "graphic"),
        lettering=_phrase(fields, "lettering"),
        print=_phrase(fields, "print"),
        trim=_phrase(fields, "trim"),
        touches=_phrase(fields, "touches"),
    )


def _figure(fields: Fields) -> FigureWords:
    fields.only("noun", *Gender, "ages", "builds", "statures", "skins")
    return FigureWords(
        noun=_phrase(fields, "noun"),
        people={gender: _table(fields, gender, ("person", "age")) for gender in Gender},
        ages=_table(fields, "ages", ("young", "middle", "older")),
        builds=_table(fields, "builds", ("slender", "usual", "full", "large", "athletic")),
        statures=_table(fields, "statures", ("short", "usual", "tall")),
        skins=_table(fields, "skins"),
    )


def _phrase(fields: Fields, key: str) -> str:
    return fields.text(key, _PHRASE, _WANTED)


def _phrases(fields: Fields, key: str) -> tuple[str, ...]:
    return fields.texts(key, _PHRASE, _WANTED, _MOST_PHRASES)


def _table(fields: Fields, key: str, names: Iterable[str] | None = None) -> dict[str, str]:
    """Texts by name: of exactly these names, or of any."""
    inner = fields.inner(key)
    if names is not None:
        inner.only(*names)
    return {str(name): inner.text(name, _WORDS, _WANTED) for name in (inner.names() if names is None else names)}


def _srgb(fields: Fields, key: str) -> tuple[int, int, int]:
    red, green, blue = fields.wholes(key, 0, 255, 3)
    return red, green, blue
