"""A garment's kind, landmarks and build to and from their wire form."""

from __future__ import annotations

from collections.abc import Mapping

from fashquick.garment.v1 import category_pb2, geometry_pb2, landmark_pb2, passport_pb2
from fashquick_common.errors import BadField
from fashquick_common.garment import (
    Answer,
    Category,
    CategoryGuess,
    Front,
    Geometry,
    KnownLength,
    Landmark,
    LandmarkName,
    LegLength,
    Measurement,
    MeasurementName,
    Neckline,
    SleeveLength,
)
from fashquick_common.garment_codec import checks
from fashquick_common.garment_codec.checks import E, Frame, V

MAX_CATEGORY_GUESSES = 64  # Far more than there are kinds, for versions to come.
MAX_LANDMARKS = 256  # Likewise.
MAX_MEASUREMENTS = 64
MAX_RATIO = 100.0  # A garment a hundred times as wide as it is long is none.
MIN_KNOWN_CM, MAX_KNOWN_CM = 1.0, 400.0
# The longest measurement where the longest length that a caller can know is the shortest ratio in sight.
MAX_CENTIMETRES = MAX_KNOWN_CM * MAX_RATIO

_CATEGORIES = checks.WireEnum(Category, category_pb2.Category)
_LANDMARKS = checks.WireEnum(LandmarkName, landmark_pb2.LandmarkName)
_SLEEVES = checks.WireEnum(SleeveLength, geometry_pb2.SleeveLength)
_LEGS = checks.WireEnum(LegLength, geometry_pb2.LegLength)
_NECKLINES = checks.WireEnum(Neckline, geometry_pb2.Neckline)
_FRONTS = checks.WireEnum(Front, geometry_pb2.Front)
_LENGTHS = checks.WireEnum(MeasurementName, geometry_pb2.MeasurementName)


def category_to_proto(category: Category | None) -> category_pb2.Category.ValueType:
    """Return the wire form of a category; None is CATEGORY_UNSPECIFIED."""
    return _CATEGORIES.number(category)


def category_from_proto(value: category_pb2.Category.ValueType) -> Category | None:
    """Return the category, or None for an unspecified or unknown one."""
    return _CATEGORIES.value(value)


def guesses_to_proto(guesses: tuple[CategoryGuess, ...]) -> list[passport_pb2.CategoryGuess]:
    """Return the wire form of guesses at the category."""
    return [
        passport_pb2.CategoryGuess(category=category_to_proto(guess.category), confidence=guess.confidence)
        for guess in guesses
    ]


def guesses_from_proto(message: passport_pb2.Passport) -> tuple[CategoryGuess, ...]:
    """Return a passport's guesses at the category; kinds that are not known here are left out.

    Raises:
        BadField: A confidence is outside its limits, there are too many guesses, or a kind comes twice.
    """
    field = "passport.categories"
    checks.count(message.categories, MAX_CATEGORY_GUESSES, field)
    checks.shares_of_one((guess.confidence for guess in message.categories), f"{field}.confidence")
    guesses = [
        (category_from_proto(guess.category), checks.share(guess.confidence, f"{field}.confidence"))
        for guess in message.categories
    ]
    known = tuple(CategoryGuess(category, confidence) for category, confidence in guesses if category is not None)
    checks.distinct((guess.category for guess in known), field)
    return known


def landmarks_to_proto(landmarks: Mapping[LandmarkName, Landmark]) -> list[landmark_pb2.Landmark]:
    """Return the wire form of landmarks."""
    return [
        landmark_pb2.Landmark(
            name=_LANDMARKS.number(name),
            x=point.x,
            y=point.y,
            confidence=point.confidence,
        )
        for name, point in landmarks.items()
    ]


def landmarks_from_proto(message: passport_pb2.Passport, frame: Frame) -> dict[LandmarkName, Landmark]:
    """Return a passport's landmarks; those whose names are not known here are left out.

    Raises:
        BadField: One comes twice or lies outside the photo, or there are too many.
    """
    checks.count(message.landmarks, MAX_LANDMARKS, "passport.landmarks")
    landmarks: dict[LandmarkName, Landmark] = {}
    for point in message.landmarks:
        name = _LANDMARKS.value(point.name)
        if name is None:
            continue
        if name in landmarks:
            raise BadField(f"landmark {name.value!r} comes twice", field="passport.landmarks")
        inside = 0 <= point.x <= frame.width and 0 <= point.y <= frame.height
        if not inside:  # Also when a coordinate is not a number.
            raise BadField(
                f"landmark {name.value!r} lies at ({point.x}, {point.y}), outside its photo of "
                f"{frame.width} x {frame.height} pixels",
                field="passport.landmarks",
            )
        landmarks[name] = Landmark(point.x, point.y, checks.share(point.confidence, "passport.landmarks.confidence"))
    return landmarks


def geometry_to_proto(geometry: Geometry) -> geometry_pb2.Geometry:
    """Return the wire form of a garment's build."""
    return geometry_pb2.Geometry(
        sleeve=_SLEEVES.number(geometry.sleeve.value),
        sleeve_confidence=geometry.sleeve.confidence,
        leg=_LEGS.number(geometry.leg.value),
        leg_confidence=geometry.leg.confidence,
        neckline=_NECKLINES.number(geometry.neckline.value),
        neckline_confidence=geometry.neckline.confidence,
        front=_FRONTS.number(geometry.front.value),
        front_confidence=geometry.front.confidence,
        measurements=map(_measurement_to_proto, geometry.measurements),
        tilt_deg=geometry.tilt_deg,
        symmetry=geometry.symmetry,
    )


def geometry_from_proto(message: geometry_pb2.Geometry) -> Geometry:
    """Return a garment's build; an answer that is not known here cannot be told, and such a length is left out.

    Raises:
        BadField: A number is outside its limits, there are too many lengths, or one comes twice.
    """
    field = "passport.geometry"
    checks.count(message.measurements, MAX_MEASUREMENTS, f"{field}.measurements")
    lengths = [(_LENGTHS.value(each.name), each) for each in message.measurements]
    measurements = tuple(_measurement_from_proto(name, each) for name, each in lengths if name is not None)
    checks.distinct((each.name for each in measurements), f"{field}.measurements")
    return Geometry(
        sleeve=_answer(_SLEEVES, message.sleeve, message.sleeve_confidence, f"{field}.sleeve"),
        leg=_answer(_LEGS, message.leg, message.leg_confidence, f"{field}.leg"),
        neckline=_answer(_NECKLINES, message.neckline, message.neckline_confidence, f"{field}.neckline"),
        front=_answer(_FRONTS, message.front, message.front_confidence, f"{field}.front"),
        measurements=measurements,
        tilt_deg=checks.number(message.tilt_deg, -180, 180, f"{field}.tilt_deg"),
        symmetry=checks.share(message.symmetry, f"{field}.symmetry"),
    )


def known_length_to_proto(length: KnownLength) -> geometry_pb2.KnownLength:
    """Return the wire form of a length that the caller knows."""
    return geometry_pb2.KnownLength(name=_LENGTHS.number(length.name), centimetres=length.centimetres)


def known_length_from_proto(message: geometry_pb2.KnownLength) -> KnownLength:
    """Return a length that the caller knows.

    Raises:
        BadField: It is none that is known here, or not 1 to 400 cm.
    """
    name = _LENGTHS.value(message.name)
    if name is None:
        raise BadField(
            f"known_length.name is {message.name}, which is no length; name one of {', '.join(MeasurementName)}",
            field="known_length.name",
        )
    centimetres = checks.number(message.centimetres, MIN_KNOWN_CM, MAX_KNOWN_CM, "known_length.centimetres")
    return KnownLength(name, centimetres)


def _measurement_to_proto(measurement: Measurement) -> geometry_pb2.Measurement:
    return geometry_pb2.Measurement(
        name=_LENGTHS.number(measurement.name),
        ratio=measurement.ratio,
        centimetres=measurement.centimetres,
        confidence=measurement.confidence,
    )


def _measurement_from_proto(name: MeasurementName, message: geometry_pb2.Measurement) -> Measurement:
    field = "passport.geometry.measurements"
    centimetres = None
    if message.HasField("centimetres"):
        centimetres = checks.number(message.centimetres, 0, MAX_CENTIMETRES, f"{field}.centimetres")
    return Measurement(
        name=name,
        ratio=checks.number(message.ratio, 0, MAX_RATIO, f"{field}.ratio"),
        centimetres=centimetres,
        confidence=checks.share(message.confidence, f"{field}.confidence"),
    )


def _answer(answers: checks.WireEnum[E, V], value: int, confidence: float, field: str) -> Answer[E]:
    return Answer(answers.value(value), checks.share(confidence, f"{field}_confidence"))
