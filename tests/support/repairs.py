"""Generate calls of the diffusion backend: new pictures, and repairs of what came back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fashquick.generation.v1 import generation_pb2 as pb
from fashquick.generation.v1 import scene_pb2
from fashquick_common import encodings
from fashquick_common.rpc.blobs import Blob, BlobLimits, BlobReader, chunks_of
from fashquick_common.server.pictures import gray8_blob, rgb8_blob
from fashquick_generation.messages.diffusion import record_to_proto
from tests.support.toys import GARMENT_RGB, LOST_RGB, toy_record

WIDTH, HEIGHT = 256, 300
CONDITIONS = {
    "base": scene_pb2.OUTPUT_KIND_BASE,
    "depth": scene_pb2.OUTPUT_KIND_DEPTH,
    "pose": scene_pb2.OUTPUT_KIND_POSE,
    "garment-mask": scene_pb2.OUTPUT_KIND_GARMENT_MASK,
}


def region() -> np.ndarray:
    """Where to repair, HxW uint8."""
    inside = np.zeros((HEIGHT, WIDTH), np.uint8)
    inside[100:200, 50:150] = 255
    return inside


def repair_blobs(**replaced: Blob | None) -> list[Blob]:
    """A picture in the wrong colour, its region and its conditions; some replaced or, by None, left out."""
    flat = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    blobs = {
        "picture": rgb8_blob("picture", flat + np.array(LOST_RGB, np.uint8)),
        "region": gray8_blob("region", region()),
        "base": rgb8_blob("base", flat + np.array(GARMENT_RGB, np.uint8)),
        "depth": gray8_blob("depth", region()),
        "pose": rgb8_blob("pose", flat),
        "garment-mask": gray8_blob("garment-mask", region()),
    }
    return [blob for blob in (blobs | replaced).values() if blob is not None]


def repair_messages(
    blobs: Sequence[Blob], change: Callable[[pb.GenerateHeader], object] = lambda _: None, seed: int = 9
) -> list[Any]:
    """A repair of these parts; its header changed."""
    conditions = [pb.Output(kind=kind, part=part) for part, kind in CONDITIONS.items()]
    task = pb.RepairTask(
        picture_part="picture", region_part="region", prior=record_to_proto(toy_record(5)), conditions=conditions
    )
    header = pb.GenerateHeader(blobs=[blob.header for blob in blobs], repair=task, seed=seed)
    change(header)
    chunks = [pb.GenerateRequest(chunk=chunk) for blob in blobs for chunk in chunks_of(blob)]
    return [pb.GenerateRequest(header=header), *chunks]


def result_of(answers: Sequence[pb.GenerateResponse]) -> pb.GenerateResult:
    [result] = [answer.result for answer in answers if answer.HasField("result")]
    return result


def views_of(answers: Sequence[pb.GenerateResponse]) -> list[pb.FinishedView]:
    return [answer.view for answer in answers if answer.HasField("view")]


def parts_of(answers: Sequence[pb.GenerateResponse]) -> dict[str, Blob]:
    """All parts by name, verified; previews too."""
    reader, parts = BlobReader(BlobLimits(max_part_bytes=2**26, max_parts=100)), {}
    for answer in answers:
        match answer.WhichOneof("message"):
            case "blob":
                reader.announce(answer.blob)
            case "chunk":
                if blob := reader.add(answer.chunk):
                    parts[blob.part] = blob
    reader.check_complete()
    return parts


def pixels_of(blob: Blob) -> np.ndarray:
    """An RGB8 part, HxWx3 uint8."""
    return encodings.decode_rgb8(blob.data, blob.header.width, blob.header.height)
