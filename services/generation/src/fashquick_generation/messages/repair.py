"""A RepairTask to the engine's job."""

from __future__ import annotations

from collections.abc import Mapping

from fashquick.generation.v1 import generation_pb2 as pb
from fashquick_common.encodings import decode_gray8, decode_rgb8
from fashquick_common.errors import BadField, BadMask
from fashquick_common.image import FOREGROUND, DecodedImage, ImageLimits
from fashquick_common.rpc.blobs import ENCODING_GRAY8, ENCODING_RGB8, Blob, require_part
from fashquick_common.scene_limits import check_size
from fashquick_common.server.pictures import read_mask
from fashquick_generation.engine import REPAIR_MAPS, MapKind, RepairJob, UInt8Array
from fashquick_generation.messages.create import DEFAULT_SEED
from fashquick_generation.messages.diffusion import record_from_proto
from fashquick_generation.messages.kinds import MAPS
from fashquick_generation.wishes import DiffusionRecord

_COLOURED = (MapKind.BASE, MapKind.POSE)


def checked_prior(task: pb.RepairTask) -> DiffusionRecord:
    """Return how the picture of a task was made, if that asks for what the contract has, before any byte is read.

    Raises:
        BadField: The record or a part is missing, or one of its values is outside its limits.
    """
    if not task.HasField("prior"):
        raise BadField(
            "repair.prior is required: the record of how the picture was made, which came with it", field="repair.prior"
        )
    given = [MAPS.get(output.kind) for output in task.conditions]
    for kind in REPAIR_MAPS:
        if given.count(kind) != 1:
            raise BadField(
                f"repair.conditions has the {kind} {given.count(kind)} times; send it once, as it came with the "
                "picture of a request that says repairable",
                field="repair.conditions",
            )
    if len(given) > len(REPAIR_MAPS):
        raise BadField(
            f"repair.conditions has {len(given)} parts, a repair takes {', '.join(REPAIR_MAPS)}",
            field="repair.conditions",
        )
    return record_from_proto(task.prior, "repair.prior")


def read_repair(
    header: pb.GenerateHeader, prior: DiffusionRecord, blobs: Mapping[str, Blob], limits: ImageLimits
) -> RepairJob:
    """Return the job of a checked header, its pictures read.

    Args:
        header: The header.
        prior: As `checked_prior` returned it.
        blobs: Its parts.
        limits: How large the file of a region may be.

    Raises:
        BadField: A part is named that was not sent, or is not what was returned with a picture.
        BadMask: The region or the garment mask marks nothing or everything, or is of another size than the picture.
        InvalidArgumentError: The file of the region is refused.
    """
    task = header.repair
    picture = _picture(require_part(blobs, task.picture_part, "repair.picture_part"))
    maps = {}
    for output in task.conditions:
        blob = require_part(blobs, output.part, "repair.conditions.part")
        maps[MAPS[output.kind]] = _condition(MAPS[output.kind], blob, picture)
    return RepairJob(
        picture=picture,
        region=_region(require_part(blobs, task.region_part, "repair.region_part"), picture, limits),
        maps=maps,
        prior=prior,
        seed=header.seed if header.HasField("seed") else DEFAULT_SEED,
        previews=not header.diffusion.without_previews,
        safety=header.diffusion.safety_check,
        deterministic=header.diffusion.deterministic,
    )


def _picture(blob: Blob) -> UInt8Array:
    header = blob.header
    if header.encoding != ENCODING_RGB8:
        raise BadField("the picture to repair must be RGB8, as it was returned", field="repair.picture_part")
    check_size(header.width, header.height, "repair.picture_part")
    return decode_rgb8(blob.data, header.width, header.height, field="repair.picture_part")


def _region(blob: Blob, picture: UInt8Array, limits: ImageLimits) -> UInt8Array:
    height, width = picture.shape[:2]
    image = DecodedImage(picture, alpha=None, format="rgb8", source_width=width, source_height=height, warnings=())
    try:
        return read_mask(blob, image, limits)
    except BadMask as error:
        raise BadMask(f"this region cannot be repaired: {error.message}", field="repair.region_part") from None


def _condition(kind: MapKind, blob: Blob, picture: UInt8Array) -> UInt8Array:
    height, width = picture.shape[:2]
    header, field = blob.header, "repair.conditions"
    coloured = kind in _COLOURED
    if header.encoding != (ENCODING_RGB8 if coloured else ENCODING_GRAY8):
        raise BadField(f"the {kind} must be {'RGB8' if coloured else 'GRAY8'}, as it was returned", field=field)
    if (header.width, header.height) != (width, height):
        raise BadField(
            f"the {kind} has {header.width} x {header.height} pixels, its picture {width} x {height}", field=field
        )
    pixels = (decode_rgb8 if coloured else decode_gray8)(blob.data, width, height, field=field)
    if kind is MapKind.GARMENT_MASK and not (pixels >= FOREGROUND).any():
        raise BadMask("the garment mask is empty: there is nothing in this picture to keep", field=field)
    return pixels
