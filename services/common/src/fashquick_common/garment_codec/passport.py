"""Passports and feature vectors to and from their wire form."""

from __future__ import annotations

import math

from fashquick.garment.v1 import passport_pb2, vector_pb2
from fashquick_common.errors import BadField
from fashquick_common.garment import UNKNOWN_LIGHT, Area, FeatureVector, Passport, VectorBlock
from fashquick_common.garment_codec import checks
from fashquick_common.garment_codec.checks import Frame
from fashquick_common.garment_codec.cloth import (
    pattern_from_proto,
    pattern_to_proto,
    print_to_proto,
    prints_from_proto,
    text_reading_from_proto,
    text_reading_to_proto,
    texture_from_proto,
    texture_to_proto,
)
from fashquick_common.garment_codec.colour import light_from_proto, light_to_proto, palette_from_proto, palette_to_proto
from fashquick_common.garment_codec.shape import (
    geometry_from_proto,
    geometry_to_proto,
    guesses_from_proto,
    guesses_to_proto,
    landmarks_from_proto,
    landmarks_to_proto,
)

MAX_PHOTO_SIDE = 65_535  # No picture format in use goes beyond it.
MAX_VECTOR_VALUES = 4096
MAX_VECTOR_BLOCKS = 64
MAX_VECTOR_NAME_CHARS = 64  # Of its version and of a block.
MAX_AREAS = 16
MIN_CORNERS, MAX_CORNERS = 3, 1024  # Of an area.
_NORM_ROUNDING = 1e-3  # Of 4096 32-bit numbers.


def passport_to_proto(passport: Passport) -> passport_pb2.Passport:
    """Return the wire form of a passport."""
    return passport_pb2.Passport(
        categories=guesses_to_proto(passport.categories),
        landmarks=landmarks_to_proto(passport.landmarks),
        palette=palette_to_proto(passport.palette),
        photo_width=passport.photo_width,
        photo_height=passport.photo_height,
        coverage=passport.coverage,
        light=light_to_proto(passport.light),
        pattern=None if passport.pattern is None else pattern_to_proto(passport.pattern),
        texture=None if passport.texture is None else texture_to_proto(passport.texture),
        geometry=None if passport.geometry is None else geometry_to_proto(passport.geometry),
        prints=map(print_to_proto, passport.prints),
        text_reading=text_reading_to_proto(passport.text_reading),
        vector=None if passport.vector is None else _vector_to_proto(passport.vector),
        inside=None if passport.inside is None else passport_pb2.Inside(areas=map(_area_to_proto, passport.inside)),
    )


def passport_from_proto(message: passport_pb2.Passport) -> Passport:
    """Return the passport; values of enums that are not known here are left out, and so is what older services lack.

    Raises:
        BadField: A number is not finite or outside its limits, a text too long, there are too many of something, or
            something comes twice that can be there once.
    """
    if message.photo_width == 0 or message.photo_height == 0:
        raise BadField("the passport lacks the size of its photo", field="passport.photo_width")
    frame = Frame(
        width=round(checks.number(message.photo_width, 1, MAX_PHOTO_SIDE, "passport.photo_width")),
        height=round(checks.number(message.photo_height, 1, MAX_PHOTO_SIDE, "passport.photo_height")),
    )
    return Passport(
        categories=guesses_from_proto(message),
        landmarks=landmarks_from_proto(message, frame),
        palette=palette_from_proto(message.palette),
        photo_width=frame.width,
        photo_height=frame.height,
        coverage=checks.share(message.coverage, "passport.coverage"),
        light=light_from_proto(message.light) if message.HasField("light") else UNKNOWN_LIGHT,
        pattern=pattern_from_proto(message.pattern) if message.HasField("pattern") else None,
        texture=texture_from_proto(message.texture) if message.HasField("texture") else None,
        geometry=geometry_from_proto(message.geometry) if message.HasField("geometry") else None,
        prints=prints_from_proto(message, frame),
        text_reading=text_reading_from_proto(message.text_reading),
        vector=_vector_from_proto(message.vector) if message.HasField("vector") else None,
        inside=_areas_from_proto(message.inside, frame) if message.HasField("inside") else None,
    )


def _area_to_proto(area: Area) -> passport_pb2.Area:
    corners = (passport_pb2.Corner(x=x, y=y) for x, y in area.corners)
    return passport_pb2.Area(corners=corners, confidence=area.confidence)


def _areas_from_proto(message: passport_pb2.Inside, frame: Frame) -> tuple[Area, ...]:
    field = "passport.inside.areas"
    checks.count(message.areas, MAX_AREAS, field)
    areas = []
    for area in message.areas:
        checks.count(area.corners, MAX_CORNERS, f"{field}.corners")
        if len(area.corners) < MIN_CORNERS:
            raise BadField(
                f"{field}.corners has {len(area.corners)} entries, an area has {MIN_CORNERS} or more",
                field=f"{field}.corners",
            )
        corners = (
            (
                checks.number(corner.x, 0, frame.width, f"{field}.corners.x"),
                checks.number(corner.y, 0, frame.height, f"{field}.corners.y"),
            )
            for corner in area.corners
        )
        areas.append(Area(tuple(corners), checks.share(area.confidence, f"{field}.confidence")))
    return tuple(areas)


def _vector_to_proto(vector: FeatureVector) -> vector_pb2.FeatureVector:
    return vector_pb2.FeatureVector(
        version=vector.version,
        values=vector.values,
        blocks=[
            vector_pb2.VectorBlock(name=block.name, offset=block.offset, length=block.length, weight=block.weight)
            for block in vector.blocks
        ],
    )


def _vector_from_proto(message: vector_pb2.FeatureVector) -> FeatureVector:
    field = "passport.vector"
    checks.count(message.values, MAX_VECTOR_VALUES, f"{field}.values")
    checks.count(message.blocks, MAX_VECTOR_BLOCKS, f"{field}.blocks")
    # Also bounds each of its numbers; a garment that nothing can be said of has the length 0.
    norm = math.sqrt(math.fsum(value * value for value in message.values))
    if not norm <= 1 + _NORM_ROUNDING:
        raise BadField(f"{field}.values have the length {norm}, it must be 1", field=f"{field}.values")
    return FeatureVector(
        version=checks.text(message.version, MAX_VECTOR_NAME_CHARS, f"{field}.version"),
        values=tuple(message.values),
        blocks=_blocks_from_proto(message),
    )


def _blocks_from_proto(message: vector_pb2.FeatureVector) -> tuple[VectorBlock, ...]:
    field = "passport.vector.blocks"
    taken = 0
    for block in sorted(message.blocks, key=lambda block: block.offset):
        end = block.offset + block.length
        if block.length == 0 or block.offset < taken or end > len(message.values):
            raise BadField(
                f"{field}: {block.name[:MAX_VECTOR_NAME_CHARS]!r} takes numbers {block.offset} to {end} of "
                f"{len(message.values)}; blocks must lie within the vector and apart from each other",
                field=field,
            )
        taken = end
    checks.distinct((block.name for block in message.blocks), field)
    return tuple(
        VectorBlock(
            name=checks.text(block.name, MAX_VECTOR_NAME_CHARS, f"{field}.name"),
            offset=block.offset,
            length=block.length,
            weight=checks.share(block.weight, f"{field}.weight"),
        )
        for block in message.blocks
    )
