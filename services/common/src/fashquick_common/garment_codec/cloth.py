"""What is on the cloth and what it is like, to and from its wire form."""

from __future__ import annotations

from fashquick.garment.v1 import cloth_pb2, passport_pb2
from fashquick_common.garment import (
    Box,
    Pattern,
    PatternGuess,
    PatternKind,
    Print,
    Repeat,
    TextLine,
    TextReading,
    Texture,
    TextureClass,
    TextureGuess,
)
from fashquick_common.garment_codec import checks
from fashquick_common.garment_codec.checks import Frame

MAX_GUESSES = 64  # Far more than there are kinds, for versions to come.
MAX_REPEATS = 2
MAX_PRINTS = 32
MAX_TEXT_LINES = 64  # A print with more is a page.
MAX_TEXT_CHARS = 256
MAX_PERIOD_PX = 100_000.0  # More than the diagonal of any photo.
MAX_PERIOD_SHARE = 100.0  # A garment a hundred times as wide as it is long is none.

_KINDS = checks.WireEnum(PatternKind, cloth_pb2.PatternKind)
_TEXTURES = checks.WireEnum(TextureClass, cloth_pb2.TextureClass)
_READINGS = checks.WireEnum(TextReading, cloth_pb2.TextReading)


def pattern_to_proto(pattern: Pattern) -> cloth_pb2.Pattern:
    """Return the wire form of a pattern."""
    return cloth_pb2.Pattern(
        guesses=[
            cloth_pb2.PatternGuess(kind=_KINDS.number(guess.kind), confidence=guess.confidence)
            for guess in pattern.guesses
        ],
        repeats=[
            cloth_pb2.Repeat(
                period_px=repeat.period_px,
                period_share=repeat.period_share,
                angle_deg=repeat.angle_deg,
                duty=repeat.duty,
                strength=repeat.strength,
            )
            for repeat in pattern.repeats
        ],
    )


def pattern_from_proto(message: cloth_pb2.Pattern) -> Pattern:
    """Return a pattern; kinds that are not known here are left out.

    Raises:
        BadField: A number is outside its limits, there are too many of something, or a kind comes twice.
    """
    field = "passport.pattern.guesses"
    checks.count(message.guesses, MAX_GUESSES, field)
    checks.count(message.repeats, MAX_REPEATS, "passport.pattern.repeats")
    checks.shares_of_one((guess.confidence for guess in message.guesses), f"{field}.confidence")
    guesses = [
        (_KINDS.value(guess.kind), checks.share(guess.confidence, f"{field}.confidence")) for guess in message.guesses
    ]
    known = tuple(PatternGuess(kind, confidence) for kind, confidence in guesses if kind is not None)
    checks.distinct((guess.kind for guess in known), field)
    return Pattern(known, tuple(map(_repeat_from_proto, message.repeats)))


def texture_to_proto(texture: Texture) -> cloth_pb2.Texture:
    """Return the wire form of a texture."""
    return cloth_pb2.Texture(
        guesses=[
            cloth_pb2.TextureGuess(
                texture_class=_TEXTURES.number(guess.texture_class),
                confidence=guess.confidence,
            )
            for guess in texture.guesses
        ],
        coarseness=texture.coarseness,
        directionality=texture.directionality,
        direction_deg=texture.direction_deg,
        contrast=texture.contrast,
        sheen=texture.sheen,
    )


def texture_from_proto(message: cloth_pb2.Texture) -> Texture:
    """Return a texture; classes that are not known here are left out.

    Raises:
        BadField: A number is outside its limits, there are too many guesses, or a class comes twice.
    """
    field = "passport.texture.guesses"
    checks.count(message.guesses, MAX_GUESSES, field)
    checks.shares_of_one((guess.confidence for guess in message.guesses), f"{field}.confidence")
    guesses = [
        (_TEXTURES.value(guess.texture_class), checks.share(guess.confidence, f"{field}.confidence"))
        for guess in message.guesses
    ]
    known = tuple(TextureGuess(kind, confidence) for kind, confidence in guesses if kind is not None)
    checks.distinct((guess.texture_class for guess in known), field)
    return Texture(
        guesses=known,
        coarseness=checks.share(message.coarseness, "passport.texture.coarseness"),
        directionality=checks.share(message.directionality, "passport.texture.directionality"),
        direction_deg=checks.degrees(message.direction_deg, "passport.texture.direction_deg"),
        contrast=checks.share(message.contrast, "passport.texture.contrast"),
        sheen=checks.share(message.sheen, "passport.texture.sheen"),
    )


def print_to_proto(placed: Print) -> cloth_pb2.Print:
    """Return the wire form of a placed print."""
    return cloth_pb2.Print(
        box=_box_to_proto(placed.box),
        share=placed.share,
        confidence=placed.confidence,
        lines=[
            cloth_pb2.TextLine(text=line.text, box=_box_to_proto(line.box), confidence=line.confidence)
            for line in placed.lines
        ],
    )


def prints_from_proto(message: passport_pb2.Passport, frame: Frame) -> tuple[Print, ...]:
    """Return a passport's placed prints.

    Raises:
        BadField: There are too many prints or lines, a box is not on the photo, a number is outside its limits, or a
            text too long.
    """
    checks.count(message.prints, MAX_PRINTS, "passport.prints")
    return tuple(_print_from_proto(each, frame) for each in message.prints)


def text_reading_to_proto(reading: TextReading | None) -> cloth_pb2.TextReading.ValueType:
    """Return the wire form of whether text was looked for; None is TEXT_READING_UNSPECIFIED."""
    return _READINGS.number(reading)


def text_reading_from_proto(value: cloth_pb2.TextReading.ValueType) -> TextReading | None:
    """Return whether text was looked for; None where that is not said, or in a way that is not known here."""
    return _READINGS.value(value)


def _repeat_from_proto(message: cloth_pb2.Repeat) -> Repeat:
    field = "passport.pattern.repeats"
    return Repeat(
        period_px=checks.number(message.period_px, 0, MAX_PERIOD_PX, f"{field}.period_px"),
        period_share=checks.number(message.period_share, 0, MAX_PERIOD_SHARE, f"{field}.period_share"),
        angle_deg=checks.degrees(message.angle_deg, f"{field}.angle_deg"),
        duty=checks.share(message.duty, f"{field}.duty"),
        strength=checks.share(message.strength, f"{field}.strength"),
    )


def _print_from_proto(message: cloth_pb2.Print, frame: Frame) -> Print:
    field = "passport.prints"
    checks.count(message.lines, MAX_TEXT_LINES, f"{field}.lines")
    return Print(
        box=checks.box(_box_from_proto(message.box), frame, f"{field}.box"),
        share=checks.share(message.share, f"{field}.share"),
        confidence=checks.share(message.confidence, f"{field}.confidence"),
        lines=tuple(
            TextLine(
                text=checks.text(line.text, MAX_TEXT_CHARS, f"{field}.lines.text"),
                box=checks.box(_box_from_proto(line.box), frame, f"{field}.lines.box"),
                confidence=checks.share(line.confidence, f"{field}.lines.confidence"),
            )
            for line in message.lines
        ),
    )


def _box_to_proto(box: Box) -> cloth_pb2.Box:
    return cloth_pb2.Box(x=box.x, y=box.y, width=box.width, height=box.height)


def _box_from_proto(message: cloth_pb2.Box) -> Box:
    return Box(message.x, message.y, message.width, message.height)
