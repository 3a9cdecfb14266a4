"""Garment values to and from their wire form, `fashquick.garment.v1`."""

from __future__ import annotations

from fashquick.garment.v1 import category_pb2, landmark_pb2, palette_pb2, passport_pb2
from fashquick_common.errors import BadField
from fashquick_common.garment import Category, CategoryGuess, Landmark, LandmarkName, PaletteColour, Passport

MAX_PALETTE_COLOURS = 8
MAX_LANDMARKS = 256  # Far more than there are names, for versions to come.
MAX_COLOUR_NAME_CHARS = 64
MAX_CATEGORY_GUESSES = len(Category)
# sRGB stays within 100 and 128; the rest is room for rounding.
_LAB_LIMITS = ((-0.5, 100.5), (-128.5, 128.5), (-128.5, 128.5))


def category_to_proto(category: Category | None) -> category_pb2.Category.ValueType:
    """Return the wire form of a category; None is CATEGORY_UNSPECIFIED."""
    if category is None:
        return category_pb2.CATEGORY_UNSPECIFIED
    return category_pb2.Category.Value("CATEGORY_" + category.name)


def category_from_proto(value: category_pb2.Category.ValueType) -> Category | None:
    """Return the category, or None for an unspecified or unknown one."""
    if value == category_pb2.CATEGORY_UNSPECIFIED or value not in category_pb2.Category.values():
        return None
    return Category[category_pb2.Category.Name(value).removeprefix("CATEGORY_")]


def passport_to_proto(passport: Passport) -> passport_pb2.Passport:
    """Return the wire form of a passport."""
    return passport_pb2.Passport(
        categories=[
            passport_pb2.CategoryGuess(category=category_to_proto(guess.category), confidence=guess.confidence)
            for guess in passport.categories
        ],
        landmarks=[
            landmark_pb2.Landmark(
                name=landmark_pb2.LandmarkName.Value("LANDMARK_NAME_" + name.name),
                x=point.x,
                y=point.y,
                confidence=point.confidence,
            )
            for name, point in passport.landmarks.items()
        ],
        palette=palette_pb2.Palette(colours=[_colour_to_proto(colour) for colour in passport.palette]),
        photo_width=passport.photo_width,
        photo_height=passport.photo_height,
        coverage=passport.coverage,
    )


def passport_from_proto(message: passport_pb2.Passport) -> Passport:
    """Return the passport; values of enums that are not known here are left out.

    Raises:
        BadField: A number is not finite or outside its limits, a name too long, there are too many of something, or
            a landmark comes twice.
    """
    _check_counts(message)
    if message.photo_width == 0 or message.photo_height == 0:
        raise BadField("the passport lacks the size of its photo", field="passport.photo_width")
    guesses = (
        (category_from_proto(guess.category), _share(guess.confidence, "passport.categories.confidence"))
        for guess in message.categories
    )
    return Passport(
        categories=tuple(CategoryGuess(category, confidence) for category, confidence in guesses if category),
        landmarks=_landmarks_from_proto(message),
        palette=tuple(_colour_from_proto(colour) for colour in message.palette.colours),
        photo_width=message.photo_width,
        photo_height=message.photo_height,
        coverage=_share(message.coverage, "passport.coverage"),
    )


def _check_counts(message: passport_pb2.Passport) -> None:
    for field, what, count, most in (
        ("palette", "colours", len(message.palette.colours), MAX_PALETTE_COLOURS),
        ("categories", "category guesses", len(message.categories), MAX_CATEGORY_GUESSES),
        ("landmarks", "landmarks", len(message.landmarks), MAX_LANDMARKS),
    ):
        if count > most:
            raise BadField(f"the passport has {count} {what}, at most {most} are allowed", field=f"passport.{field}")


def _landmarks_from_proto(message: passport_pb2.Passport) -> dict[LandmarkName, Landmark]:
    landmarks: dict[LandmarkName, Landmark] = {}
    for point in message.landmarks:
        if point.name == landmark_pb2.LANDMARK_NAME_UNSPECIFIED or point.name not in landmark_pb2.LandmarkName.values():
            continue
        name = LandmarkName[landmark_pb2.LandmarkName.Name(point.name).removeprefix("LANDMARK_NAME_")]
        if name in landmarks:
            raise BadField(f"landmark {name.value!r} comes twice", field="passport.landmarks")
        inside = 0 <= point.x <= message.photo_width and 0 <= point.y <= message.photo_height
        if not inside:  # Also when a coordinate is not a number.
            raise BadField(
                f"landmark {name.value!r} lies at ({point.x}, {point.y}), outside its photo of "
                f"{message.photo_width} x {message.photo_height} pixels",
                field="passport.landmarks",
            )
        landmarks[name] = Landmark(point.x, point.y, _share(point.confidence, "passport.landmarks.confidence"))
    return landmarks


def _colour_to_proto(colour: PaletteColour) -> palette_pb2.PaletteColour:
    red, green, blue = colour.srgb
    return palette_pb2.PaletteColour(
        srgb=red << 16 | green << 8 | blue,
        lab_l=colour.lab[0],
        lab_a=colour.lab[1],
        lab_b=colour.lab[2],
        share=colour.share,
        name=colour.name,
    )


def _colour_from_proto(message: palette_pb2.PaletteColour) -> PaletteColour:
    lab = (message.lab_l, message.lab_a, message.lab_b)
    inside = all(low <= value <= high for value, (low, high) in zip(lab, _LAB_LIMITS, strict=True))
    if message.srgb > 0xFFFFFF or not inside:  # Also when a value is not a number.
        raise BadField(f"palette colour {message.srgb:#x} with Lab {lab} is not a colour", field="passport.palette")
    if len(message.name) > MAX_COLOUR_NAME_CHARS:
        raise BadField(
            f"the name of palette colour {message.srgb:#x} has {len(message.name)} characters, "
            f"at most {MAX_COLOUR_NAME_CHARS} are allowed",
            field="passport.palette",
        )
    srgb = (message.srgb >> 16, message.srgb >> 8 & 0xFF, message.srgb & 0xFF)
    return PaletteColour(srgb, lab, _share(message.share, "passport.palette.share"), message.name)


def _share(value: float, field: str) -> float:
    # A little above 1 is rounding on the way.
    if not 0 <= value <= 1 + 1e-6:
        raise BadField(f"{field} is {value}, not between 0 and 1", field=field)
    return min(value, 1.0)
