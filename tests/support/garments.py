"""Passports and fidelity reports with every field, and any that can be."""

from __future__ import annotations

import math

import hypothesis.strategies as st

from fashquick_common.garment import (
    UNKNOWN_LIGHT,
    Answer,
    Area,
    Box,
    Category,
    CategoryGuess,
    Colour,
    ColourRole,
    FeatureVector,
    FidelityControl,
    FidelityControlResult,
    FidelityGrade,
    FidelityMeasure,
    FidelityMeasurement,
    FidelityReport,
    Front,
    Geometry,
    Landmark,
    LandmarkName,
    LegLength,
    Light,
    LightEvidence,
    Measurement,
    MeasurementName,
    Neckline,
    PaletteColour,
    Passport,
    Pattern,
    PatternGuess,
    PatternKind,
    Print,
    Repeat,
    SleeveLength,
    TextLine,
    TextReading,
    Texture,
    TextureClass,
    TextureGuess,
    VectorBlock,
)

# All numbers are exact in 32 bits, so that they come back from the wire as they were.
SHIRT_PASSPORT = Passport(
    categories=(
        CategoryGuess(Category.T_SHIRT, 0.875),
        CategoryGuess(Category.SLEEVELESS_TOP, 0.0625),
        CategoryGuess(Category.DRESS, 0.03125),
    ),
    landmarks={
        LandmarkName.NECK_LEFT: Landmark(92.5, 18.5, 0.875),
        LandmarkName.NECK_RIGHT: Landmark(67.5, 18.5, 0.875),
        LandmarkName.COLLAR_BOTTOM: Landmark(80.0, 26.0, 0.75),
        LandmarkName.SHOULDER_LEFT: Landmark(112.0, 24.0, 0.9375),
        LandmarkName.SHOULDER_RIGHT: Landmark(48.0, 24.0, 0.9375),
        LandmarkName.ARMPIT_LEFT: Landmark(108.0, 50.0, 0.875),
        LandmarkName.ARMPIT_RIGHT: Landmark(52.0, 50.0, 0.875),
        LandmarkName.CUFF_LEFT_UPPER: Landmark(134.0, 44.0, 0.8125),
        LandmarkName.CUFF_LEFT_LOWER: Landmark(122.0, 56.0, 0.8125),
        LandmarkName.CUFF_RIGHT_UPPER: Landmark(26.0, 44.0, 0.8125),
        LandmarkName.CUFF_RIGHT_LOWER: Landmark(38.0, 56.0, 0.8125),
        LandmarkName.WAIST_LEFT: Landmark(106.0, 80.0, 0.5),
        LandmarkName.WAIST_RIGHT: Landmark(54.0, 80.0, 0.5),
        LandmarkName.HEM_LEFT: Landmark(110.0, 108.0, 1.0),
        LandmarkName.HEM_RIGHT: Landmark(50.0, 108.0, 1.0),
    },
    palette=(
        PaletteColour(
            (200, 30, 40),
            (43.0, 62.0, 39.0),
            0.625,
            "red",
            ColourRole.GROUND,
            Colour((206, 32, 52), (44.5, 64.0, 35.0)),
            0.9375,
        ),
        PaletteColour(
            (240, 236, 220),
            (93.5, -0.5, 7.5),
            0.25,
            "white",
            ColourRole.PRINT,
            Colour((246, 245, 244), (96.5, 0.0, 0.5)),
            0.75,
        ),
        PaletteColour((30, 34, 60), (14.0, 4.0, -17.0), 0.125, "navy", ColourRole.TRIM, None, 0.5),
    ),
    photo_width=160,
    photo_height=120,
    coverage=0.3125,
    light=Light(LightEvidence.GROUND, (1.5, 6.0), -0.5, 0.75),
    pattern=Pattern(
        (PatternGuess(PatternKind.STRIPES, 0.90625), PatternGuess(PatternKind.CHECK, 0.0625)),
        (Repeat(3.75, 0.041015625, 0.0, 0.375, 0.8125),),
    ),
    texture=Texture(
        (TextureGuess(TextureClass.KNIT, 0.6875), TextureGuess(TextureClass.SMOOTH, 0.25)),
        0.25,
        0.625,
        90.0,
        0.1875,
        0.125,
    ),
    geometry=Geometry(
        Answer(SleeveLength.SHORT, 0.9375),
        Answer(LegLength.NOT_APPLICABLE, 1.0),
        Answer(Neckline.CREW, 0.8125),
        Answer(None, 0.0),
        (
            Measurement(MeasurementName.LENGTH, 1.0, 72.0, 0.9375),
            Measurement(MeasurementName.CHEST, 0.625, 45.0, 0.875),
            Measurement(MeasurementName.SHOULDERS, 0.6875, 49.5, 0.875),
            Measurement(MeasurementName.HEM, 0.65625, 47.25, 0.9375),
            Measurement(MeasurementName.SLEEVE, 0.28125, 20.25, 0.75),
        ),
        -2.5,
        0.96875,
    ),
    prints=(
        Print(
            Box(66.0, 40.0, 28.0, 20.0),
            0.109375,
            0.875,
            (
                TextLine("NEW YORK", Box(67.0, 41.0, 26.0, 8.0), 0.96875),
                TextLine("CITY 1898", Box(67.0, 50.0, 26.0, 8.0), 0.875),
            ),
        ),
        Print(Box(100.0, 96.0, 6.0, 5.0), 0.0078125, 0.5),
    ),
    text_reading=TextReading.READ,
    vector=FeatureVector(
        "1",
        (0.5, 0.5, -0.5, 0.5),
        (VectorBlock("colour", 0, 2, 0.70703125), VectorBlock("shape", 2, 2, 0.70703125)),
    ),
    inside=(Area(((70.0, 10.0), (90.0, 10.0), (80.0, 18.0)), 0.9375),),
)

STRIPED_REPORT = FidelityReport(
    FidelityGrade.CLOSE,
    0.78125,
    (
        FidelityMeasurement(
            FidelityMeasure.PALETTE,
            3.5,
            0.75,
            True,
            "",
            (
                FidelityControlResult(FidelityControl.RECOLOUR, 28.5, 0.0, True),
                FidelityControlResult(FidelityControl.BLANK, 41.0, 0.0, True),
            ),
        ),
        FidelityMeasurement(
            FidelityMeasure.PATTERN,
            0.9375,
            0.9375,
            True,
            "",
            (FidelityControlResult(FidelityControl.OTHER_PATTERN, 0.125, 0.125, True),),
        ),
        FidelityMeasurement(
            FidelityMeasure.TEXTURE,
            0.5,
            0.5,
            False,
            "it does not tell the garment from a blurred print",
            (FidelityControlResult(FidelityControl.BLUR, 0.5, 0.5, False),),
        ),
        FidelityMeasurement(FidelityMeasure.TEXT, 0.0, 0.0, False, "nothing is printed on the garment"),
        FidelityMeasurement(FidelityMeasure.ORIGINAL_PIXELS, 0.875, 0.875, True),
        FidelityMeasurement(FidelityMeasure.OUTSIDE, 0.0, 1.0, True),
        FidelityMeasurement(FidelityMeasure.HALO, 4.5, 0.375, True),
    ),
)

_shares = st.floats(0, 1, width=32)
_degrees = st.floats(0, 180, width=32)


def passports() -> st.SearchStrategy[Passport]:
    """Any passport that a server may send, of a photo of one of three sizes."""
    return st.one_of(*(_passports_of(width, height) for width, height in ((64, 64), (768, 1024), (4096, 333))))


def fidelity_reports() -> st.SearchStrategy[FidelityReport]:
    """Any fidelity report that a server may send."""
    controls = _each_of(FidelityControl, FidelityControlResult, _shares, _shares, st.booleans())
    measurements = _each_of(
        FidelityMeasure, FidelityMeasurement, _shares, _shares, st.booleans(), st.text(max_size=8), controls
    )
    return st.builds(FidelityReport, st.none() | st.sampled_from(FidelityGrade), _shares, measurements)


def _passports_of(width: int, height: int) -> st.SearchStrategy[Passport]:
    points = st.builds(Landmark, st.floats(0, width, width=32), st.floats(0, height, width=32), _shares)
    return st.builds(
        Passport,
        categories=_guesses(CategoryGuess, Category),
        landmarks=st.dictionaries(st.sampled_from(LandmarkName), points),
        palette=_palettes(),
        photo_width=st.just(width),
        photo_height=st.just(height),
        coverage=_shares,
        light=st.just(UNKNOWN_LIGHT) | _lights(),
        pattern=st.none() | st.builds(Pattern, _guesses(PatternGuess, PatternKind), _few(_repeats(), 2)),
        texture=st.none()
        | st.builds(Texture, _guesses(TextureGuess, TextureClass), _shares, _shares, _degrees, _shares, _shares),
        geometry=st.none() | _geometries(),
        prints=_few(_prints(width, height), 3),
        text_reading=st.none() | st.sampled_from(TextReading),
        vector=st.none() | _vectors(),
        inside=st.none() | _few(_areas(width, height), 2),
    )


def _few(items, most: int):
    return st.lists(items, max_size=most).map(tuple)


def _each_of(values, make, *parts):
    """Something of a few parts for each of some values, none of them twice."""
    chosen = st.dictionaries(st.sampled_from(values), st.tuples(*parts), max_size=4)
    return chosen.map(lambda found: tuple(make(value, *rest) for value, rest in found.items()))


def _guesses(guess, values):
    """Guesses at different values that add up to at most 1."""
    return _each_of(values, guess, st.floats(0, 2**-2, width=32))


def _colours(*parts):
    rgb = st.tuples(*[st.integers(0, 255)] * 3)
    lab = st.tuples(st.floats(0, 100, width=32), *[st.floats(-128, 128, width=32)] * 2)
    return rgb, lab, *parts


def _palettes():
    colour = st.builds(
        PaletteColour,
        *_colours(st.floats(0, 2**-3, width=32), st.text(max_size=20)),
        st.none() | st.sampled_from(ColourRole),
        st.none() | st.builds(Colour, *_colours()),
        _shares,
    )
    return _few(colour, 8)


def _lights():
    cast = st.tuples(*[st.floats(-128, 127, width=32)] * 2)
    return st.builds(Light, st.sampled_from(LightEvidence), cast, st.floats(-16, 16, width=32), _shares)


def _repeats():
    return st.builds(Repeat, st.floats(0, 4096, width=32), st.floats(0, 4, width=32), _degrees, _shares, _shares)


def _geometries():
    lengths = (st.floats(0, 8, width=32), st.none() | st.floats(0, 400, width=32), _shares)
    return st.builds(
        Geometry,
        *(
            st.builds(Answer, st.none() | st.sampled_from(values), _shares)
            for values in (SleeveLength, LegLength, Neckline, Front)
        ),
        _each_of(MeasurementName, Measurement, *lengths),
        st.floats(-180, 180, width=32),
        _shares,
    )


def _prints(width: int, height: int):
    boxes = st.builds(
        Box,
        st.integers(0, width // 2).map(float),
        st.integers(0, height // 2).map(float),
        st.integers(1, width // 2).map(float),
        st.integers(1, height // 2).map(float),
    )
    lines = st.builds(TextLine, st.text(max_size=20), boxes, _shares)
    return st.builds(Print, boxes, _shares, _shares, _few(lines, 3))


def _areas(width: int, height: int):
    corner = st.tuples(st.floats(0, width, width=32), st.floats(0, height, width=32))
    return st.builds(Area, st.lists(corner, min_size=3, max_size=6).map(tuple), _shares)


def _vectors():
    # A sixteenth each: 32 of them are shorter than 1.
    values = st.lists(st.sampled_from((0.0, 0.0625, -0.0625)), min_size=2, max_size=32).map(tuple)
    blocks = (VectorBlock("colour", 0, 1, 0.5), VectorBlock("shape", 1, 1, math.ldexp(1, -3)))
    return st.builds(FeatureVector, st.text(max_size=8), values, st.just(()) | st.just(blocks))
