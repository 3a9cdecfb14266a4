"""Colours and light to and from their wire form."""

from __future__ import annotations

from fashquick.garment.v1 import palette_pb2
from fashquick_common.errors import BadField
from fashquick_common.garment import UNKNOWN_LIGHT, Colour, ColourRole, Light, LightEvidence, PaletteColour
from fashquick_common.garment_codec import checks

MAX_PALETTE_COLOURS = 8
MAX_COLOUR_NAME_CHARS = 64
MAX_EXPOSURE_STOPS = 16.0  # A 16-bit photo has no more between its darkest grey and white.
# sRGB stays within 100 and 128; the rest is room for rounding.
_LAB_LIMITS = ((-0.5, 100.5), (-128.5, 128.5), (-128.5, 128.5))

_ROLES = checks.WireEnum(ColourRole, palette_pb2.ColourRole)
_EVIDENCE = checks.WireEnum(LightEvidence, palette_pb2.LightEvidence)

Rgb = tuple[int, int, int]
Lab = tuple[float, float, float]


def palette_to_proto(palette: tuple[PaletteColour, ...]) -> palette_pb2.Palette:
    """Return the wire form of a garment's colours."""
    return palette_pb2.Palette(colours=map(_colour_to_proto, palette))


def palette_from_proto(message: palette_pb2.Palette) -> tuple[PaletteColour, ...]:
    """Return a garment's colours.

    Raises:
        BadField: There are too many, or one is no colour.
    """
    checks.count(message.colours, MAX_PALETTE_COLOURS, "passport.palette")
    checks.shares_of_one((each.share for each in message.colours), "passport.palette.share")
    return tuple(map(_colour_from_proto, message.colours))


def light_to_proto(light: Light) -> palette_pb2.Light:
    """Return the wire form of a photo's light."""
    return palette_pb2.Light(
        evidence=_EVIDENCE.number(light.evidence),
        cast_a=light.cast[0],
        cast_b=light.cast[1],
        exposure_stops=light.exposure_stops,
        confidence=light.confidence,
    )


def light_from_proto(message: palette_pb2.Light) -> Light:
    """Return a photo's light; one told by something that is not known here counts as not told.

    Raises:
        BadField: A number is outside its limits.
    """
    (_, a_limits, b_limits) = _LAB_LIMITS
    light = Light(
        evidence=_EVIDENCE.value(message.evidence),
        cast=(
            checks.number(message.cast_a, *a_limits, "passport.light.cast_a"),
            checks.number(message.cast_b, *b_limits, "passport.light.cast_b"),
        ),
        exposure_stops=checks.number(
            message.exposure_stops, -MAX_EXPOSURE_STOPS, MAX_EXPOSURE_STOPS, "passport.light.exposure_stops"
        ),
        confidence=checks.share(message.confidence, "passport.light.confidence"),
    )
    return light if message.evidence != palette_pb2.LIGHT_EVIDENCE_UNSPECIFIED else UNKNOWN_LIGHT


def _colour_to_proto(colour: PaletteColour) -> palette_pb2.PaletteColour:
    message = palette_pb2.PaletteColour(
        srgb=_packed(colour.srgb),
        lab_l=colour.lab[0],
        lab_a=colour.lab[1],
        lab_b=colour.lab[2],
        share=colour.share,
        name=colour.name,
        role=_ROLES.number(colour.role),
        confidence=colour.confidence,
    )
    if colour.corrected is not None:
        lightness, a, b = colour.corrected.lab
        message.corrected.CopyFrom(
            palette_pb2.Colour(srgb=_packed(colour.corrected.srgb), lab_l=lightness, lab_a=a, lab_b=b)
        )
    return message


def _colour_from_proto(message: palette_pb2.PaletteColour) -> PaletteColour:
    srgb, lab = _checked(message, "passport.palette")
    corrected = None
    if message.HasField("corrected"):
        corrected = Colour(*_checked(message.corrected, "passport.palette.corrected"))
    return PaletteColour(
        srgb=srgb,
        lab=lab,
        share=checks.share(message.share, "passport.palette.share"),
        name=checks.text(message.name, MAX_COLOUR_NAME_CHARS, "passport.palette.name"),
        role=_ROLES.value(message.role),
        corrected=corrected,
        confidence=checks.share(message.confidence, "passport.palette.confidence"),
    )


def _packed(srgb: Rgb) -> int:
    red, green, blue = srgb
    return red << 16 | green << 8 | blue


def _checked(message: palette_pb2.PaletteColour | palette_pb2.Colour, field: str) -> tuple[Rgb, Lab]:
    lab = (message.lab_l, message.lab_a, message.lab_b)
    inside = all(low <= value <= high for value, (low, high) in zip(lab, _LAB_LIMITS, strict=True))
    if message.srgb > 0xFFFFFF or not inside:  # Also when a value is not a number.
        raise BadField(f"{field} has {message.srgb:#x} with Lab {lab}, which is not a colour", field=field)
    return (message.srgb >> 16, message.srgb >> 8 & 0xFF, message.srgb & 0xFF), lab
