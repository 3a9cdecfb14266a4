from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from fashquick.garment.v1 import category_pb2, cloth_pb2, fidelity_pb2, geometry_pb2, landmark_pb2, passport_pb2
from fashquick_common.errors import BadField
from fashquick_common.garment import (
    UNKNOWN_LIGHT,
    Category,
    Colour,
    FeatureVector,
    FidelityMeasure,
    FidelityReport,
    KnownLength,
    LandmarkName,
    MeasurementName,
    Passport,
    PatternKind,
    TextureClass,
)
from fashquick_common.garment_codec import (
    category_from_proto,
    category_to_proto,
    fidelity_from_proto,
    fidelity_to_proto,
    known_length_from_proto,
    known_length_to_proto,
    passport_from_proto,
    passport_to_proto,
)
from tests.support.garments import SHIRT_PASSPORT, STRIPED_REPORT, fidelity_reports, passports


@settings(max_examples=40, deadline=None)
@given(passports())
def test_a_passport_survives_the_wire(passport: Passport) -> None:
    wire = passport_pb2.Passport.FromString(passport_to_proto(passport).SerializeToString())
    assert passport_from_proto(wire) == passport


@settings(max_examples=40, deadline=None)
@given(fidelity_reports())
def test_a_fidelity_report_survives_the_wire(report: FidelityReport) -> None:
    wire = fidelity_pb2.FidelityReport.FromString(fidelity_to_proto(report).SerializeToString())
    assert fidelity_from_proto(wire) == report


@given(st.sampled_from(MeasurementName), st.floats(1, 400, width=32))
def test_a_known_length_survives_the_wire(name: MeasurementName, centimetres: float) -> None:
    length = KnownLength(name, centimetres)
    assert known_length_from_proto(known_length_to_proto(length)) == length


def test_a_passport_written_before_there_was_more_is_still_read() -> None:
    old = passport_pb2.Passport(
        categories=[{"category": 1, "confidence": 0.75}],  # type: ignore[list-item]  # protobuf takes dicts
        landmarks=[{"name": 1, "x": 5, "y": 1, "confidence": 1}],  # type: ignore[list-item]
        palette={"colours": [{"srgb": 0xC81E28, "lab_l": 43, "share": 1, "name": "red"}]},  # type: ignore[arg-type]
        photo_width=8,
        photo_height=6,
        coverage=0.5,
    )
    passport = passport_from_proto(passport_pb2.Passport.FromString(old.SerializeToString()))
    assert (passport.light, passport.pattern, passport.texture, passport.geometry) == (UNKNOWN_LIGHT, None, None, None)
    assert (passport.prints, passport.text_reading, passport.vector) == ((), None, None)
    assert passport.inside is None
    (red,) = passport.palette
    assert (red.role, red.corrected, red.confidence) == (None, None, 0.0)
    assert passport.category is Category.T_SHIRT


@pytest.mark.parametrize("category", [*Category, None])
def test_every_category_has_a_number_on_the_wire(category: Category | None) -> None:
    assert category_from_proto(category_to_proto(category)) == category


@pytest.mark.parametrize(
    ("values", "wire"),
    [
        (Category, category_pb2.Category),
        (LandmarkName, landmark_pb2.LandmarkName),
        (PatternKind, cloth_pb2.PatternKind),
        (TextureClass, cloth_pb2.TextureClass),
        (MeasurementName, geometry_pb2.MeasurementName),
        (FidelityMeasure, fidelity_pb2.FidelityMeasure),
    ],
)
def test_values_and_wire_name_the_same_things(values: Any, wire: Any) -> None:
    assert len(values) == len(wire.keys()) - 1


def test_values_of_a_newer_version_are_left_out() -> None:
    message = passport_to_proto(SHIRT_PASSPORT)
    message.categories.add(category=999, confidence=0.01)
    message.landmarks.add(name=999, x=1, y=1)
    message.palette.colours[0].role = 999  # type: ignore[assignment]
    message.light.evidence = 999  # type: ignore[assignment]
    message.pattern.guesses.add(kind=999, confidence=0.01)
    message.texture.guesses.add(texture_class=999, confidence=0.01)
    message.geometry.neckline = 999  # type: ignore[assignment]
    message.geometry.measurements.add(name=999, ratio=1)
    message.text_reading = 999  # type: ignore[assignment]

    passport = passport_from_proto(passport_pb2.Passport.FromString(message.SerializeToString()))

    assert passport.categories == SHIRT_PASSPORT.categories
    assert passport.landmarks == SHIRT_PASSPORT.landmarks
    assert passport.palette[0].role is None
    assert passport.palette[1:] == SHIRT_PASSPORT.palette[1:]
    assert passport.light.evidence is None
    assert passport.pattern == SHIRT_PASSPORT.pattern
    assert passport.texture == SHIRT_PASSPORT.texture
    assert passport.geometry is not None
    assert SHIRT_PASSPORT.geometry is not None
    assert passport.geometry.neckline.value is None
    assert passport.geometry.measurements == SHIRT_PASSPORT.geometry.measurements
    assert passport.text_reading is None
    assert category_from_proto(999) is None  # type: ignore[arg-type]


def test_measures_of_a_newer_version_are_left_out() -> None:
    message = fidelity_to_proto(STRIPED_REPORT)
    message.grade = 999  # type: ignore[assignment]
    message.measurements.add(measure=999, value=-7.0)
    message.measurements[0].controls.add(control=999, value=-7.0)
    report = fidelity_from_proto(fidelity_pb2.FidelityReport.FromString(message.SerializeToString()))
    assert report == replace(STRIPED_REPORT, grade=None)


def _with(**fields: object) -> passport_pb2.Passport:
    message = passport_pb2.Passport(photo_width=100, photo_height=100)
    message.MergeFrom(passport_pb2.Passport(**fields))  # type: ignore[arg-type]
    return message


LANDMARK = landmark_pb2.LANDMARK_NAME_CROTCH
BOX = {"x": 1.0, "y": 1.0, "width": 10.0, "height": 10.0}
LINE = {"text": "a", "box": BOX}
BLOCK = {"name": "colour", "offset": 0, "length": 2, "weight": 1.0}
NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("message", "field", "words"),
    [
        (passport_pb2.Passport(), "photo_width", "lacks the size"),
        (_with(photo_width=70_000), "photo_width", "70000"),
        (_with(coverage=NAN), "coverage", "nan"),
        (_with(coverage=2.0), "coverage", "2.0"),
        (_with(categories=[{"category": 1, "confidence": -0.1}]), "categories.confidence", "-0.1"),
        (_with(categories=[{"category": 1, "confidence": NAN}]), "categories.confidence", "nan"),
        (_with(categories=[{"category": 99}] * 65), "categories", "65"),
        (_with(categories=[{"category": 1}, {"category": 1}]), "categories", "'t-shirt'"),
        (
            _with(categories=[{"category": 1, "confidence": 0.6}, {"category": 2, "confidence": 0.6}]),
            "categories.confidence",
            "1.2",
        ),
        (_with(landmarks=[{"name": LANDMARK, "x": NAN}]), "landmarks", "nan"),
        (_with(landmarks=[{"name": LANDMARK, "x": 101.0}]), "landmarks", "101.0"),
        (_with(landmarks=[{"name": LANDMARK, "x": INF}]), "landmarks", "inf"),
        (_with(landmarks=[{"name": LANDMARK}, {"name": LANDMARK}]), "landmarks", "'crotch'"),
        (_with(landmarks=[{}] * 257), "landmarks", "257"),
        (_with(palette={"colours": [{"srgb": 0x1000000}]}), "palette", "0x1000000"),
        (_with(palette={"colours": [{"lab_l": NAN}]}), "palette", "nan"),
        (_with(palette={"colours": [{}] * 9}), "palette", "9"),
        (_with(palette={"colours": [{"name": "x" * 65}]}), "palette.name", "65"),
        (_with(palette={"colours": [{"corrected": {"lab_a": 200.0}}]}), "palette.corrected", "200"),
        (_with(palette={"colours": [{"confidence": INF}]}), "palette.confidence", "inf"),
        (_with(palette={"colours": [{"share": 0.6}, {"share": 0.6}]}), "palette.share", "1.2"),
        (_with(light={"evidence": 1, "cast_a": NAN}), "light.cast_a", "nan"),
        (_with(light={"evidence": 1, "exposure_stops": -INF}), "light.exposure_stops", "inf"),
        (_with(light={"evidence": 1, "confidence": 3}), "light.confidence", "3"),
        (_with(pattern={"guesses": [{"kind": 1}, {"kind": 1}]}), "pattern.guesses", "'solid'"),
        (_with(pattern={"guesses": [{"kind": 1, "confidence": 1.1}]}), "pattern.guesses.confidence", "1.1"),
        (_with(pattern={"guesses": [{}] * 65}), "pattern.guesses", "65"),
        (_with(pattern={"repeats": [{}] * 3}), "pattern.repeats", "3"),
        (_with(pattern={"repeats": [{"period_px": INF}]}), "pattern.repeats.period_px", "inf"),
        (_with(pattern={"repeats": [{"period_share": -1}]}), "pattern.repeats.period_share", "-1"),
        (_with(pattern={"repeats": [{"angle_deg": 181}]}), "pattern.repeats.angle_deg", "181"),
        (_with(pattern={"repeats": [{"duty": NAN}]}), "pattern.repeats.duty", "nan"),
        (_with(texture={"coarseness": NAN}), "texture.coarseness", "nan"),
        (_with(texture={"direction_deg": -1}), "texture.direction_deg", "-1"),
        (_with(texture={"guesses": [{"texture_class": 2}] * 2}), "texture.guesses", "'knit'"),
        (_with(geometry={"sleeve": 3, "sleeve_confidence": NAN}), "geometry.sleeve_confidence", "nan"),
        (_with(geometry={"tilt_deg": 181}), "geometry.tilt_deg", "181"),
        (_with(geometry={"measurements": [{}] * 65}), "geometry.measurements", "65"),
        (_with(geometry={"measurements": [{"name": 3}, {"name": 3}]}), "geometry.measurements", "'chest'"),
        (_with(geometry={"measurements": [{"name": 3, "ratio": INF}]}), "geometry.measurements.ratio", "inf"),
        (
            _with(geometry={"measurements": [{"name": 3, "centimetres": NAN}]}),
            "geometry.measurements.centimetres",
            "nan",
        ),
        (_with(prints=[{"box": BOX}] * 33), "prints", "33"),
        (_with(inside={"areas": [{}] * 17}), "inside.areas", "17"),
        (_with(inside={"areas": [{"corners": [{}] * 2}]}), "inside.areas.corners", "2"),
        (_with(inside={"areas": [{"corners": [{}] * 1025}]}), "inside.areas.corners", "1025"),
        (_with(inside={"areas": [{"corners": [{"x": NAN}] * 3}]}), "inside.areas.corners.x", "nan"),
        (_with(inside={"areas": [{"corners": [{"y": 101.0}] * 3}]}), "inside.areas.corners.y", "101"),
        (_with(inside={"areas": [{"corners": [{}] * 3, "confidence": 2.0}]}), "inside.areas.confidence", "2.0"),
        (_with(prints=[{}]), "prints.box", "no box"),
        (_with(prints=[{"box": {**BOX, "x": 95}}]), "prints.box", "95"),
        (_with(prints=[{"box": {**BOX, "y": NAN}}]), "prints.box", "nan"),
        (_with(prints=[{"box": {**BOX, "height": -10}}]), "prints.box", "-10"),
        (_with(prints=[{"box": BOX, "share": 1.5}]), "prints.share", "1.5"),
        (_with(prints=[{"box": BOX, "lines": [LINE] * 65}]), "prints.lines", "65"),
        (_with(prints=[{"box": BOX, "lines": [{**LINE, "text": "x" * 257}]}]), "prints.lines.text", "257"),
        (_with(prints=[{"box": BOX, "lines": [{"text": "a"}]}]), "prints.lines.box", "no box"),
        (_with(vector={"values": [0.0] * 4097}), "vector.values", "4097"),
        (_with(vector={"values": [NAN]}), "vector.values", "nan"),
        (_with(vector={"values": [1.0, 1.0]}), "vector.values", "1.41"),
        (_with(vector={"version": "v" * 65}), "vector.version", "65"),
        (_with(vector={"values": [1.0], "blocks": [BLOCK]}), "vector.blocks", "0 to 2 of 1"),
        (_with(vector={"values": [1.0, 0.0], "blocks": [BLOCK, {**BLOCK, "name": "x"}]}), "vector.blocks", "apart"),
        (
            _with(vector={"values": [1, 0, 0, 0], "blocks": [BLOCK, {**BLOCK, "offset": 2}]}),
            "vector.blocks",
            "'colour' comes twice",
        ),
        (_with(vector={"values": [1.0, 0.0], "blocks": [{**BLOCK, "weight": NAN}]}), "vector.blocks.weight", "nan"),
    ],
)
def test_a_passport_that_makes_no_sense_is_refused(message: passport_pb2.Passport, field: str, words: str) -> None:
    with pytest.raises(BadField) as refusal:
        passport_from_proto(message)
    assert refusal.value.field == f"passport.{field}"
    assert words in refusal.value.message


def _report(**fields: object) -> fidelity_pb2.FidelityReport:
    return fidelity_pb2.FidelityReport(measurements=[{"measure": 1, **fields}])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("message", "field", "words"),
    [
        (fidelity_pb2.FidelityReport(overall=NAN), "overall", "nan"),
        (fidelity_pb2.FidelityReport(measurements=[{}] * 65), "measurements", "65"),  # type: ignore[list-item]
        (
            fidelity_pb2.FidelityReport(measurements=[{"measure": 1}] * 2),  # type: ignore[list-item]
            "measurements",
            "'palette'",
        ),
        (_report(value=INF), "measurements.value", "inf"),
        (_report(measure=3, value=1.5), "measurements.value", "1.5"),
        (_report(measure=7, value=256), "measurements.value", "256"),
        (_report(score=-0.5), "measurements.score", "-0.5"),
        (_report(reason="x" * 501), "measurements.reason", "501"),
        (_report(controls=[{}] * 65), "measurements.controls", "65"),
        (_report(controls=[{"control": 1}] * 2), "measurements.controls", "'recolour'"),
        (_report(controls=[{"control": 1, "value": NAN}]), "measurements.controls.value", "nan"),
        (_report(controls=[{"control": 1, "score": 2}]), "measurements.controls.score", "2"),
    ],
)
def test_a_report_that_makes_no_sense_is_refused(message: fidelity_pb2.FidelityReport, field: str, words: str) -> None:
    with pytest.raises(BadField) as refusal:
        fidelity_from_proto(message)
    assert refusal.value.field == f"report.{field}"
    assert words in refusal.value.message


@pytest.mark.parametrize(
    ("name", "centimetres", "field"),
    [(0, 50, "name"), (999, 50, "name"), (3, 0.5, "centimetres"), (3, 401, "centimetres"), (3, NAN, "centimetres")],
)
def test_a_known_length_that_makes_no_sense_is_refused(name: Any, centimetres: float, field: str) -> None:
    with pytest.raises(BadField) as refusal:
        known_length_from_proto(geometry_pb2.KnownLength(name=name, centimetres=centimetres))
    assert refusal.value.field == f"known_length.{field}"


def test_a_garment_that_nothing_can_be_said_of_has_a_vector_of_zeros() -> None:
    silent = replace(SHIRT_PASSPORT, vector=FeatureVector("1", (0.0, 0.0), ()), palette=())
    assert passport_from_proto(passport_to_proto(silent)) == silent


def test_a_corrected_colour_may_be_black() -> None:
    black = replace(SHIRT_PASSPORT.palette[0], corrected=Colour((0, 0, 0), (0.0, 0.0, 0.0)))
    passport = replace(SHIRT_PASSPORT, palette=(black,))
    assert passport_from_proto(passport_to_proto(passport)) == passport
