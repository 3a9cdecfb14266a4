"""Requests to the features service as message streams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fashquick.features.v1 import features_pb2
from fashquick_client.options import ReadTextName
from fashquick_client.parts import ALPHA_PART, PHOTO_PART, category_of, choice, file_blob, pixel_blob
from fashquick_client.photos import PhotoSource
from fashquick_client.pixels import PixelEncoding, PixelMap
from fashquick_common.errors import BadField
from fashquick_common.garment import Category, KnownLength, Passport
from fashquick_common.garment_codec import (
    MAX_KNOWN_CM,
    MIN_KNOWN_CM,
    category_to_proto,
    known_length_to_proto,
    passport_to_proto,
)
from fashquick_common.rpc.blobs import Blob, chunks_of

PICTURE_PART = "picture"
REGION_PART = "region"
UV_PART = "uv"
PRIOR_PART = "prior"
_READ_TEXT = {
    "auto": features_pb2.READ_TEXT_WHERE_INSTALLED,
    "never": features_pb2.READ_TEXT_NEVER,
    "required": features_pb2.READ_TEXT_REQUIRED,
}


def features_request(
    photo: PhotoSource,
    alpha: PixelMap | PhotoSource,
    request_id: str,
    *,
    category: Category | str | None,
    known_length: KnownLength | None,
    read_text: ReadTextName,
) -> tuple[features_pb2.ExtractFeaturesHeader, list[Blob]]:
    """Return the header and the parts of an ExtractFeatures request.

    Raises:
        BadField: The category is none of `Category`, or the known length is not 1 to 400 cm.
        OSError: A file cannot be read.
        NotAnImage: A file is empty.
    """
    blobs = [file_blob(PHOTO_PART, photo), pixel_blob(ALPHA_PART, alpha)]
    header = features_pb2.ExtractFeaturesHeader(
        request_id=request_id,
        blobs=[blob.header for blob in blobs],
        photo_part=PHOTO_PART,
        alpha_part=ALPHA_PART,
        category_hint=category_to_proto(category_of(category)),
        read_text=choice("read_text", read_text, _READ_TEXT),
    )
    if known_length is not None:
        if not MIN_KNOWN_CM <= known_length.centimetres <= MAX_KNOWN_CM:
            raise BadField(
                f"known_length is {known_length.centimetres} cm, "
                f"it must be between {MIN_KNOWN_CM:g} and {MAX_KNOWN_CM:g}",
                field="known_length",
            )
        header.known_length.CopyFrom(known_length_to_proto(known_length))
    return header, blobs


def fidelity_request(
    photo: PhotoSource,
    alpha: PixelMap | PhotoSource,
    picture: PhotoSource,
    region: PixelMap | PhotoSource,
    request_id: str,
    *,
    uv: PixelMap | None,
    prior: PhotoSource | None,
    passport: Passport | None,
    read_text: ReadTextName,
) -> tuple[features_pb2.ScoreFidelityHeader, list[Blob]]:
    """Return the header and the parts of a ScoreFidelity request.

    Raises:
        BadField: The UV map is not UV16.
        OSError: A file cannot be read.
        NotAnImage: A file is empty.
    """
    blobs = [
        file_blob(PHOTO_PART, photo),
        pixel_blob(ALPHA_PART, alpha),
        file_blob(PICTURE_PART, picture),
        pixel_blob(REGION_PART, region),
    ]
    if uv is not None:
        if uv.encoding is not PixelEncoding.UV16:
            raise BadField(f"uv is {uv.encoding}, it must be uv16; make it with PixelMap.of_uv", field="uv")
        blobs.append(pixel_blob(UV_PART, uv))
    if prior is not None:
        blobs.append(file_blob(PRIOR_PART, prior))
    header = features_pb2.ScoreFidelityHeader(
        request_id=request_id,
        blobs=[blob.header for blob in blobs],
        photo_part=PHOTO_PART,
        alpha_part=ALPHA_PART,
        picture_part=PICTURE_PART,
        region_part=REGION_PART,
        uv_part=UV_PART if uv is not None else "",
        prior_part=PRIOR_PART if prior is not None else "",
        passport=None if passport is None else passport_to_proto(passport),
        read_text=choice("read_text", read_text, _READ_TEXT),
    )
    return header, blobs


def features_messages(
    header: features_pb2.ExtractFeaturesHeader, blobs: Sequence[Blob]
) -> Iterator[features_pb2.ExtractFeaturesRequest]:
    """Return the messages of an ExtractFeatures request in their order."""
    yield features_pb2.ExtractFeaturesRequest(header=header)
    for blob in blobs:
        for chunk in chunks_of(blob):
            yield features_pb2.ExtractFeaturesRequest(chunk=chunk)


def fidelity_messages(
    header: features_pb2.ScoreFidelityHeader, blobs: Sequence[Blob]
) -> Iterator[features_pb2.ScoreFidelityRequest]:
    """Return the messages of a ScoreFidelity request in their order."""
    yield features_pb2.ScoreFidelityRequest(header=header)
    for blob in blobs:
        for chunk in chunks_of(blob):
            yield features_pb2.ScoreFidelityRequest(chunk=chunk)
