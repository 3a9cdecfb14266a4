"""Requests of TryOn and what their answers hold."""

from __future__ import annotations

from typing import Any

from fashquick.tryon.v1 import try_on_pb2 as pb
from fashquick_common.rpc.blobs import Blob, BlobLimits, BlobReader, make_blob
from tests.support.calls import TRY_ON
from tests.support.photos import plain_photo, png
from tests.support.servers import Stack


def photo_blob() -> Blob:
    return make_blob("photo", png(plain_photo()), name="shirt.png")


def request(*blobs: Blob, **fields: Any) -> list[Any]:
    blobs = blobs or (photo_blob(),)
    messages = TRY_ON.messages(blobs)
    garments = fields.pop("garments", None)
    header = messages[0].header
    for name, value in fields.items():
        if isinstance(value, list):
            getattr(header, name).extend(value)
        elif isinstance(value, (int, str)):
            setattr(header, name, value)
        else:
            getattr(header, name).CopyFrom(value)
    if garments is not None:
        del header.garments[:]
        header.garments.extend(garments)
    return messages


def parts_of(answers: list[pb.TryOnResponse]) -> dict[int, Blob]:
    """All parts by kind, verified; previews too."""
    reader = BlobReader(BlobLimits(max_part_bytes=2**26, max_parts=100))
    kinds: dict[str, int] = {}
    parts: dict[int, Blob] = {}
    for answer in answers:
        match answer.WhichOneof("message"):
            case "part":
                reader.announce(answer.part.blob)
                kinds[answer.part.blob.part] = answer.part.kind
            case "chunk":
                if blob := reader.add(answer.chunk):
                    parts[kinds[blob.part]] = blob
    reader.check_complete()
    return parts


def manifest_of(answers: list[pb.TryOnResponse]) -> pb.Manifest:
    [manifest] = [answer.manifest for answer in answers if answer.HasField("manifest")]
    return manifest


async def try_on(stack: Stack, messages: list[Any], timeout: float = 20.0) -> list[pb.TryOnResponse]:
    return await TRY_ON.collect(stack.channels["orchestrator"], messages, timeout)
