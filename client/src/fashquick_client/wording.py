"""A passport in plain words, for people who sell clothes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

from fashquick_common.garment import (
    Answer,
    Category,
    ColourRole,
    Front,
    LegLength,
    Light,
    LightEvidence,
    Measurement,
    MeasurementName,
    Neckline,
    Passport,
    PatternKind,
    Print,
    Repeat,
    SleeveLength,
    TextReading,
    Texture,
    TextureClass,
)

A = TypeVar("A", bound=str)

CANNOT_TELL = "cannot tell"
DOES_NOT_APPLY = "does not apply"
NOT_ASKED = "not told by this server"

CATEGORY_WORDS = {
    Category.T_SHIRT: "t-shirt",
    Category.SHIRT: "shirt",
    Category.LONG_SLEEVE: "long-sleeved top",
    Category.SWEATER: "sweater",
    Category.JACKET: "jacket",
    Category.COAT: "coat",
    Category.VEST: "vest",
    Category.DRESS: "dress",
    Category.SKIRT: "skirt",
    Category.TROUSERS: "trousers",
    Category.SHORTS: "shorts",
    Category.SLEEVELESS_TOP: "sleeveless top",
}
PATTERN_WORDS = {
    PatternKind.SOLID: "plain",
    PatternKind.STRIPES: "stripes",
    PatternKind.CHECK: "check",
    PatternKind.DOTS: "dots",
    PatternKind.FLORAL: "floral",
    PatternKind.GRAPHIC: "one placed print",
    PatternKind.ALLOVER: "allover motif",
    PatternKind.COLOURBLOCK: "colour blocks",
}
TEXTURE_WORDS = {
    TextureClass.SMOOTH: "smooth",
    TextureClass.KNIT: "knit",
    TextureClass.RIBBED: "ribbed",
    TextureClass.DENIM: "denim",
    TextureClass.QUILTED: "quilted",
    TextureClass.LEATHER: "leather",
    TextureClass.FLEECE: "fleece",
    TextureClass.LACE: "lace",
    TextureClass.CORDUROY: "corduroy",
}
ROLE_WORDS = {ColourRole.GROUND: "the cloth", ColourRole.PRINT: "print or weave", ColourRole.TRIM: "trim"}
LENGTH_WORDS = {name: name.replace("-", " ") for name in MeasurementName}

_SLEEVES = {
    SleeveLength.NOT_APPLICABLE: DOES_NOT_APPLY,
    SleeveLength.NONE: "none",
    SleeveLength.SHORT: "short",
    SleeveLength.THREE_QUARTER: "three-quarter",
    SleeveLength.LONG: "long",
}
_LEGS = {
    LegLength.NOT_APPLICABLE: DOES_NOT_APPLY,
    LegLength.SHORT: "short, above the knee",
    LegLength.CROPPED: "cropped, to knee or calf",
    LegLength.FULL: "full, to the ankle",
}
_NECKLINES = {
    Neckline.NOT_APPLICABLE: DOES_NOT_APPLY,
    Neckline.CREW: "crew",
    Neckline.V: "V",
    Neckline.SCOOP: "scoop or boat",
    Neckline.COLLAR: "collar",
    Neckline.HOOD: "hood",
    Neckline.HIGH: "high",
    Neckline.STRAPS: "straps or none",
}
_FRONTS = {Front.NOT_APPLICABLE: DOES_NOT_APPLY, Front.CLOSED: "closed", Front.OPEN: "open"}
_REPEAT_NOUNS = {PatternKind.STRIPES: "stripes", PatternKind.CHECK: "lines"}
_EVIDENCE = {
    LightEvidence.GROUND: "the ground around the garment",
    LightEvidence.NEUTRALS: "neutral parts of the photo",
}
# CIE hue angles, 45 degrees each, from the positive a* axis.
_HUES = ("red", "orange", "yellow", "yellow-green", "green", "blue-green", "blue", "purple")
_AXIS_DEG = 15.0  # What a person still calls horizontal or vertical.
_NEUTRAL_CAST = 2.0  # CIE units of a* and b*: below it a grey looks grey.
_SLIGHT_CAST = 8.0
_VISIBLE_STOPS = 0.25


def plain(text: str) -> str:
    """Return a text without what would steer a terminal or break a line."""
    return "".join(character if character.isprintable() else " " for character in text)


def percent(share: float) -> str:
    """Return a share as a percentage; a small one is not nothing."""
    if 0 < share < 0.005:
        return "under 1%"
    return f"{share:.0%}"


def categories(passport: Passport) -> list[tuple[str, float]]:
    """Return the guesses at the kind of garment with their confidences, likeliest first."""
    return [(CATEGORY_WORDS[guess.category], guess.confidence) for guess in passport.categories]


def patterns(passport: Passport) -> list[tuple[str, float]]:
    """Return the guesses at the pattern with their confidences, likeliest first."""
    guesses = passport.pattern.guesses if passport.pattern is not None else ()
    return [(PATTERN_WORDS[guess.kind], guess.confidence) for guess in guesses]


def textures(passport: Passport) -> list[tuple[str, float]]:
    """Return the guesses at the texture with their confidences, likeliest first."""
    guesses = passport.texture.guesses if passport.texture is not None else ()
    return [(TEXTURE_WORDS[guess.texture_class], guess.confidence) for guess in guesses]


def guessed(guesses: Sequence[tuple[str, float]], *, told: bool = True) -> str:
    """Return guesses in a line: the likeliest, and the next one where it is worth a word."""
    if not told:
        return NOT_ASKED
    if not guesses:
        return CANNOT_TELL
    words = f"{guesses[0][0]} {percent(guesses[0][1])}"
    if len(guesses) > 1 and guesses[1][1] >= 0.05:
        words += f", or {guesses[1][0]} {percent(guesses[1][1])}"
    return words


def repeats(passport: Passport) -> list[str]:
    """Return what repeats on the cloth, such as "horizontal stripes, 24 a garment length, ..."."""
    if passport.pattern is None:
        return []
    length_cm = _length_cm(passport)
    return [_repeat(repeat, passport.pattern.kind, length_cm) for repeat in passport.pattern.repeats]


def texture_details(texture: Texture | None) -> str:
    """Return how the cloth's structure looks; empty where the server does not tell."""
    if texture is None:
        return ""
    size = _graded(texture.coarseness, "fine structure", "medium structure", "coarse structure")
    lines = f"{direction(texture.direction_deg)} lines"
    grain = _graded(texture.directionality, "no direction", f"faint {lines}", f"clear {lines}")
    contrast = _graded(texture.contrast, "low contrast", "medium contrast", "high contrast")
    sheen = _graded(texture.sheen, "matt", "some sheen", "shiny")
    return ", ".join((size, grain, contrast, sheen))


def direction(angle_deg: float) -> str:
    """Return a direction of lines in a word: horizontal is across the garment."""
    if angle_deg <= _AXIS_DEG or angle_deg >= 180 - _AXIS_DEG:
        return "horizontal"
    if abs(angle_deg - 90) <= _AXIS_DEG:
        return "vertical"
    return "diagonal"


def build(passport: Passport) -> list[tuple[str, str, float | None]]:
    """Return what sleeves, legs, neckline and front are, each with its confidence where there is an answer."""
    geometry = passport.geometry
    if geometry is None:
        return [(name, NOT_ASKED, None) for name in ("Sleeves", "Legs", "Neckline", "Front")]
    return [
        ("Sleeves", *_answer(geometry.sleeve, _SLEEVES)),
        ("Legs", *_answer(geometry.leg, _LEGS)),
        ("Neckline", *_answer(geometry.neckline, _NECKLINES)),
        ("Front", *_answer(geometry.front, _FRONTS)),
    ]


def stance(passport: Passport) -> str:
    """Return how the garment lies in the photo; empty where the server does not tell."""
    geometry = passport.geometry
    if geometry is None:
        return ""
    if abs(geometry.tilt_deg) < 1:
        turn = "upright"
    else:
        turn = f"turned {abs(geometry.tilt_deg):.0f}° {'clockwise' if geometry.tilt_deg > 0 else 'counter-clockwise'}"
    return f"{turn}, {percent(geometry.symmetry)} symmetric"


def measurements(passport: Passport) -> list[tuple[str, str, float]]:
    """Return the lengths that were measured: name, value and confidence.

    Without a length that is known in centimetres all are parts of the garment's own, which is then left out.
    """
    if passport.geometry is None:
        return []
    return [
        (LENGTH_WORDS[each.name], length(each), each.confidence)
        for each in passport.geometry.measurements
        if each.centimetres is not None or each.name is not MeasurementName.LENGTH
    ]


def length(measurement: Measurement) -> str:
    """Return a length: centimetres where they are known, else a part of the garment's length."""
    if measurement.centimetres is not None:
        return f"{measurement.centimetres:.1f} cm"
    return f"{measurement.ratio:.2f} of the length"


def light(passport: Passport) -> str:
    """Return what the light was like."""
    seen = passport.light
    if seen.evidence is None:
        return CANNOT_TELL
    return f"{_cast(seen)}, {_exposure(seen)}; told by {_EVIDENCE[seen.evidence]}, {percent(seen.confidence)} sure"


def printed(passport: Passport) -> list[str]:
    """Return what is printed, stitched or sewn on the garment, a line each."""
    return [_print(each, passport.text_reading) for each in passport.prints]


def hex_of(srgb: tuple[int, int, int]) -> str:
    """Return a colour as designers write it, such as "#c81e28"."""
    return "#{:02x}{:02x}{:02x}".format(*srgb)


def _length_cm(passport: Passport) -> float | None:
    if passport.geometry is None:
        return None
    return next(
        (each.centimetres for each in passport.geometry.measurements if each.name is MeasurementName.LENGTH), None
    )


def _repeat(repeat: Repeat, kind: PatternKind | None, length_cm: float | None) -> str:
    way = direction(repeat.angle_deg)
    noun = _REPEAT_NOUNS.get(kind, "rows") if kind is not None else "rows"
    angle = f" ({repeat.angle_deg:.0f}°)" if way == "diagonal" else ""
    words = [f"{way} {noun}{angle}"]
    if repeat.period_share > 0:
        number = 1 / repeat.period_share
        words.append(f"{number:.0f} a garment length" if number >= 10 else f"{number:.1f} a garment length")
        if length_cm is not None:
            words.append(f"one every {repeat.period_share * length_cm:.1f} cm")
    words.append(f"dark part {percent(repeat.duty)}")
    words.append(_graded(repeat.strength, "hardly regular", "fairly regular", "very regular"))
    return ", ".join(words)


def _answer(answer: Answer[A], words: dict[A, str]) -> tuple[str, float | None]:
    if answer.value is None:
        return CANNOT_TELL, None
    told = words[answer.value]
    return told, None if told == DOES_NOT_APPLY else answer.confidence


def _graded(value: float, low: str, middle: str, high: str) -> str:
    if value < 0.2:
        return low
    return middle if value < 0.55 else high


def _cast(seen: Light) -> str:
    a, b = seen.cast
    strength = math.hypot(a, b)
    if strength < _NEUTRAL_CAST:
        return "neutral"
    hue = _HUES[round(math.degrees(math.atan2(b, a)) % 360 / 45) % len(_HUES)]
    return f"{'slightly' if strength < _SLIGHT_CAST else 'strongly'} {hue} (a* {a:+.1f}, b* {b:+.1f})"


def _exposure(seen: Light) -> str:
    if abs(seen.exposure_stops) < _VISIBLE_STOPS:
        return "well exposed"
    return f"{abs(seen.exposure_stops):.1f} stops too {'bright' if seen.exposure_stops > 0 else 'dark'}"


def _print(placed: Print, reading: TextReading | None) -> str:
    words = f"{percent(placed.share)} of the garment, {percent(placed.confidence)} sure"
    if placed.lines:
        return f"{words}, says “{' / '.join(plain(line.text) for line in placed.lines)}”"
    if reading is TextReading.READ:
        return f"{words}, no text read"
    return f"{words}, nobody looked for text" if reading is TextReading.NOT_READ else words
