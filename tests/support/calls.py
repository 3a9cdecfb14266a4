"""Raw calls of every RPC that takes an upload, message by message, so that tests can send nonsense too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc

from fashquick.common.v1 import blob_pb2
from fashquick.features.v1 import features_pb2, features_pb2_grpc
from fashquick.garment.v1 import passport_pb2
from fashquick.generation.v1 import generation_pb2, generation_pb2_grpc
from fashquick.segmentation.v1 import segmentation_pb2, segmentation_pb2_grpc
from fashquick.tryon.v1 import try_on_pb2, try_on_pb2_grpc
from fashquick_common.errors import FashquickError
from fashquick_common.rpc.blobs import Blob, chunks_of
from fashquick_common.rpc.status import error_from_rpc

Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Rpc:
    """One RPC: how to call it and how to say header and chunk in its own messages."""

    service: str
    make_stub: Callable[[grpc.aio.Channel], Any]
    header: Callable[[Sequence[Blob]], Any]
    chunk: Callable[[blob_pb2.Chunk], Any]
    parts: tuple[str, ...]

    async def collect(
        self, channel: grpc.aio.Channel, messages: Iterable[Any], timeout: float = 20.0, metadata: Metadata = ()
    ) -> list[Any]:
        """Send the messages, close the stream, return all answers."""
        return await self.stream(channel, _items(messages), timeout, metadata)

    async def stream(
        self, channel: grpc.aio.Channel, messages: AsyncIterator[Any], timeout: float = 20.0, metadata: Metadata = ()
    ) -> list[Any]:
        """Send messages as they come, return all answers. Raises the failure as an exception of ours."""
        call = self.make_stub(channel)(messages, timeout=timeout, metadata=metadata)
        try:
            if hasattr(call, "__aiter__"):
                return [answer async for answer in call]
            return [await call]
        except grpc.aio.AioRpcError as error:
            raise error_from_rpc(error) from None

    async def failure(
        self, channel: grpc.aio.Channel, messages: Iterable[Any], timeout: float = 20.0
    ) -> FashquickError:
        """Send the messages and return the error that must come."""
        try:
            answers = await self.collect(channel, messages, timeout)
        except FashquickError as error:
            return error
        raise AssertionError(f"{self.service} answered {len(answers)} messages instead of refusing")

    def messages(self, blobs: Sequence[Blob]) -> list[Any]:
        """A correct upload."""
        chunks = [self.chunk(chunk) for blob in blobs for chunk in chunks_of(blob)]
        return [self.header(blobs), *chunks]


async def _items(messages: Iterable[Any]) -> AsyncIterator[Any]:
    for message in messages:
        yield message


def _headers(blobs: Sequence[Blob]) -> list[blob_pb2.BlobHeader]:
    return [blob.header for blob in blobs]


def segment_header(blobs: Sequence[Blob], **fields: Any) -> segmentation_pb2.SegmentRequest:
    header = segmentation_pb2.SegmentHeader(blobs=_headers(blobs), photo_part="photo", **fields)
    return segmentation_pb2.SegmentRequest(header=header)


def features_header(blobs: Sequence[Blob], **fields: Any) -> features_pb2.ExtractFeaturesRequest:
    header = features_pb2.ExtractFeaturesHeader(blobs=_headers(blobs), photo_part="photo", alpha_part="alpha", **fields)
    return features_pb2.ExtractFeaturesRequest(header=header)


def fidelity_header(blobs: Sequence[Blob], **fields: Any) -> features_pb2.ScoreFidelityRequest:
    named = {f"{blob.part}_part": blob.part for blob in blobs}
    header = features_pb2.ScoreFidelityHeader(blobs=_headers(blobs), **named | fields)
    return features_pb2.ScoreFidelityRequest(header=header)


def passport_for(width: int = 200, height: int = 240) -> passport_pb2.Passport:
    palette = {"colours": [{"srgb": 0xC81E28, "share": 1.0, "name": "red"}]}
    return passport_pb2.Passport(photo_width=width, photo_height=height, coverage=0.25, palette=palette)


def generate_header(blobs: Sequence[Blob], **fields: Any) -> generation_pb2.GenerateRequest:
    garment = generation_pb2.Garment(
        photo_part="photo", alpha_part="alpha", passport=fields.pop("passport", passport_for())
    )
    create = generation_pb2.CreateTask(garments=[garment], **fields.pop("create", {}))
    header = generation_pb2.GenerateHeader(blobs=_headers(blobs), create=create, **fields)
    return generation_pb2.GenerateRequest(header=header)


def try_on_header(blobs: Sequence[Blob], **fields: Any) -> try_on_pb2.TryOnRequest:
    garments = fields.pop("garments", [try_on_pb2.Garment(photos=[try_on_pb2.Photo(part="photo")])])
    return try_on_pb2.TryOnRequest(header=try_on_pb2.TryOnHeader(blobs=_headers(blobs), garments=garments, **fields))


SEGMENT = Rpc(
    "segmentation",
    lambda channel: segmentation_pb2_grpc.SegmentationServiceStub(channel).Segment,
    segment_header,
    lambda chunk: segmentation_pb2.SegmentRequest(chunk=chunk),
    ("photo",),
)
EXTRACT_FEATURES = Rpc(
    "features",
    lambda channel: features_pb2_grpc.FeaturesServiceStub(channel).ExtractFeatures,
    features_header,
    lambda chunk: features_pb2.ExtractFeaturesRequest(chunk=chunk),
    ("photo", "alpha"),
)
SCORE_FIDELITY = Rpc(
    "features",
    lambda channel: features_pb2_grpc.FeaturesServiceStub(channel).ScoreFidelity,
    fidelity_header,
    lambda chunk: features_pb2.ScoreFidelityRequest(chunk=chunk),
    ("photo", "alpha", "picture", "region"),
)
GENERATE = Rpc(
    "generation",
    lambda channel: generation_pb2_grpc.GenerationServiceStub(channel).Generate,
    generate_header,
    lambda chunk: generation_pb2.GenerateRequest(chunk=chunk),
    ("photo", "alpha"),
)
TRY_ON = Rpc(
    "orchestrator",
    lambda channel: try_on_pb2_grpc.TryOnServiceStub(channel).TryOn,
    try_on_header,
    lambda chunk: try_on_pb2.TryOnRequest(chunk=chunk),
    ("photo",),
)
ALL = (SEGMENT, EXTRACT_FEATURES, GENERATE, TRY_ON)
