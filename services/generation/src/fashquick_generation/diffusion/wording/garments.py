"""Garments in words, from their passports: what is sure of them, in the order in which it matters."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fashquick_common.garment import (
    Answer,
    ColourRole,
    Front,
    LegLength,
    Neckline,
    Passport,
    Pattern,
    PatternKind,
    Print,
    SleeveLength,
    TextureClass,
)
from fashquick_generation.diffusion.wording.words import GarmentWords, StripeDirection, StripeWidth, words
from fashquick_generation.engine import GarmentInput
from fashquick_generation.studio.figure.companions import LOWER

SURE = 0.5
"""Confidence of an answer from which it is said: a wrong word changes the garment, a missing one does not."""
LEAST_SHARE = 0.02
"""Share of the garment from which a colour is named; what is less is edges and noise."""
MOSTLY = 0.7
"""Share of the ground from which its first colour stands alone, and others are touches."""
REPEATED = frozenset(PatternKind) - {PatternKind.SOLID, PatternKind.GRAPHIC}
"""Patterns that cover the garment, whose colours are the garment's."""
MOST_COLOURS = 3
"""In one breath; others are touches."""
MOST_NAME_CHARS = 32
FINE_STRIPES, WIDE_STRIPES = 0.02, 0.08
"""Repeats of stripes, as shares of the garment's length, under and over which their width is told."""
LEVEL_DEG = 22.5
"""Farthest from level or upright that stripes are called so."""

Allows = Callable[[str], bool]
"""Whether a phrase may be said."""


@dataclass(frozen=True, slots=True)
class Described:
    """A garment in words.

    Attributes:
        phrase: The garment with its colours, such as "a navy and white striped long-sleeved T-shirt".
        noun: The garment alone, such as "T-shirt".
        details: What it has besides, each a noun with its adjectives.
        upper: Whether it covers the upper body.
    """

    phrase: str
    noun: str
    details: tuple[str, ...]
    upper: bool


def described(garment: GarmentInput, *, behind: bool, allows: Allows) -> Described:
    """Say what a garment is.

    Args:
        garment: With its passport; the likeliest category is said however sure it is, because it is what was draped.
        behind: Whether it is seen from behind, where a print on its front is not.
        allows: Whether a phrase may be said.
    """
    passport, say = garment.passport, words().garments
    template = say.unknown if passport.category is None else say.categories[passport.category]
    kind = _kind(passport)
    printed = () if kind in REPEATED else _names(passport, (ColourRole.PRINT,), allows)
    roles = (ColourRole.GROUND, None, *((ColourRole.PRINT,) if kind in REPEATED else ()))
    ground = _names(passport, roles, allows)
    main = ground[:1] if kind not in REPEATED and _first_share(passport, roles) >= MOSTLY else ground[:MOST_COLOURS]
    adjectives = (
        _of(say.fits, garment.fit),
        _pattern(passport, say).replace("{}", listed(main)).strip(),
        *_shape(passport, say),
        _of(say.textures, _texture(passport)),
    )
    details = (
        *_parts(passport, say),
        _stripes(passport.pattern, say),
        "" if behind else _print(passport, say, printed),
        _coloured(say.trim, _names(passport, (ColourRole.TRIM,), allows)),
        _coloured(say.touches, ground[len(main) :]),
    )
    said = " ".join(word for word in adjectives if word and allows(word))
    return Described(
        phrase=article(" ".join(template.replace("{}", said).split())),
        noun=template.replace("{}", "").removeprefix("a ").strip(),
        details=tuple(detail for detail in details if detail and allows(detail)),
        upper=passport.category not in LOWER,
    )


def has_print(passport: Passport) -> bool:
    """Whether something may be printed on the garment: a picture, words, a logo."""
    return _kind(passport) in {None, PatternKind.GRAPHIC} or _sure_print(passport) is not None


def listed(items: Sequence[str]) -> str:
    """Words in a row, such as "navy, white and red"."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def _kind(passport: Passport) -> PatternKind | None:
    guesses = () if passport.pattern is None else passport.pattern.guesses
    return guesses[0].kind if guesses and guesses[0].confidence >= SURE else None


def _pattern(passport: Passport, say: GarmentWords) -> str:
    """What the colours are put into; nothing with a print on it is called plain."""
    kind = _kind(passport)
    if kind is None or (kind is PatternKind.SOLID and has_print(passport)):
        return "{}"
    return say.patterns[kind]


def _texture(passport: Passport) -> TextureClass | None:
    guesses = () if passport.texture is None else passport.texture.guesses
    return guesses[0].texture_class if guesses and guesses[0].confidence >= SURE else None


def _sure_print(passport: Passport) -> Print | None:
    """The largest that is sure."""
    return next((found for found in passport.prints if found.confidence >= SURE), None)


def _shape(passport: Passport, say: GarmentWords) -> tuple[str, ...]:
    """Lengths of sleeves and legs, as adjectives."""
    build = passport.geometry
    if build is None:
        return ()
    return _answer(build.sleeve, say.sleeves, passport, say), _answer(build.leg, say.legs, passport, say)


def _parts(passport: Passport, say: GarmentWords) -> tuple[str, ...]:
    """Neckline and front, as nouns."""
    build = passport.geometry
    if build is None:
        return ()
    return _answer(build.neckline, say.necklines, passport, say), _answer(build.front, say.fronts, passport, say)


def _answer(
    answer: Answer[SleeveLength] | Answer[LegLength] | Answer[Neckline] | Answer[Front],
    table: Mapping[str, str],
    passport: Passport,
    say: GarmentWords,
) -> str:
    implied = () if passport.category is None else say.implied.get(passport.category, ())
    if answer.value is None or answer.confidence < SURE or answer.value in implied:
        return ""
    return table[answer.value]


def _stripes(pattern: Pattern | None, say: GarmentWords) -> str:
    """How stripes run and how wide they are, where the cloth tells."""
    if pattern is None or not pattern.repeats or not pattern.guesses:
        return ""
    guess, repeat = pattern.guesses[0], pattern.repeats[0]
    if guess.kind is not PatternKind.STRIPES or guess.confidence < SURE or repeat.strength < SURE:
        return ""
    width = StripeWidth.USUAL
    if repeat.period_share < FINE_STRIPES:
        width = StripeWidth.FINE
    elif repeat.period_share > WIDE_STRIPES:
        width = StripeWidth.WIDE
    direction = StripeDirection.DIAGONAL
    if abs(repeat.angle_deg - 90) <= LEVEL_DEG:
        direction = StripeDirection.VERTICAL
    elif min(repeat.angle_deg, 180 - repeat.angle_deg) <= LEVEL_DEG:
        direction = StripeDirection.HORIZONTAL
    text = say.stripes.format(width=say.stripe_widths[width], direction=say.stripe_directions[direction])
    return " ".join(text.split())


def _print(passport: Passport, say: GarmentWords, colours: Sequence[str]) -> str:
    """What is printed on it; words are never spelt out, as networks write them wrong and pixels bring them back."""
    found = _sure_print(passport)
    if found is not None and found.lines:
        template = say.lettering
    elif _kind(passport) is PatternKind.GRAPHIC or found is not None:
        template = say.graphic
    else:
        return _coloured(say.print, colours)
    return article(" ".join(template.replace("{}", listed(colours)).split()))


def _coloured(template: str, colours: Sequence[str]) -> str:
    return template.replace("{}", listed(colours)) if colours else ""


def _first_share(passport: Passport, roles: Collection[ColourRole | None]) -> float:
    """Share that the first of the colours with these roles has of them all."""
    shares = [colour.share for colour in passport.palette if colour.role in roles]
    return max(shares) / sum(shares) if sum(shares) > 0 else 0.0


def _names(passport: Passport, roles: Collection[ColourRole | None], allows: Allows) -> list[str]:
    """Names of the colours with these roles, each once, largest share first."""
    found = sorted(
        (colour for colour in passport.palette if colour.role in roles and colour.share >= LEAST_SHARE),
        key=lambda colour: -colour.share,
    )
    names = dict.fromkeys(_plain(colour.name) for colour in found)
    return [name for name in names if name and allows(name)]


def _plain(name: str) -> str:
    """A colour's name as one word of a prompt: callers may have given it, and it must stay one."""
    kept = "".join(char if char.isalnum() or char in " -'" else " " for char in name)
    return " ".join(kept.split())[:MOST_NAME_CHARS].strip()


def _of(table: Mapping[str, str], value: StrEnum | None) -> str:
    return "" if value is None else table[value]


def article(phrase: str) -> str:
    """`a` is `an` before a vowel."""
    return f"an {phrase[2:]}" if phrase[:3].lower() in {"a a", "a e", "a i", "a o", "a u"} else phrase
