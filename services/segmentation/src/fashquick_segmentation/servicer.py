"""SegmentationService over gRPC: messages to plain values, the engine, and back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc

from fashquick.common.v1 import blob_pb2
from fashquick.segmentation.v1 import segmentation_pb2 as pb
from fashquick.segmentation.v1 import segmentation_pb2_grpc
from fashquick_common.errors import BadField, ModelNotInstalled, NotBuilt, UploadOutOfOrder
from fashquick_common.image import DecodedImage
from fashquick_common.rpc.blobs import Blob, chunks_of, require_part
from fashquick_common.server.info import BackendInfo, service_version
from fashquick_common.server.kit import Kit
from fashquick_common.server.pictures import bits1_blob, gray8_blob, read_mask, read_photo
from fashquick_common.server.runtime import Service
from fashquick_common.server.upload import Upload, open_upload
from fashquick_segmentation.engine import Segmentation, Segmenter

MAX_CANDIDATES = 16

_Upload = Upload[pb.SegmentRequest]


class SegmentationServicer(segmentation_pb2_grpc.SegmentationServiceServicer):
    """Answers Segment with one backend."""

    def __init__(self, kit: Kit, segmenter: Segmenter) -> None:
        """Make it for one server."""
        self._kit = kit
        self._segmenter = segmenter

    async def Segment(  # noqa: N802 - the contract's name
        self, requests: AsyncIterator[pb.SegmentRequest], context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[pb.SegmentResponse]:
        """Find the garment in one photo."""
        async with open_upload(requests, self._kit) as upload:
            header = upload.first.header
            self._check(header)
            blobs = await upload.blobs()
            await _end_or_prompt(upload)
            flag = self._kit.flag_for(context)
            photo, hint = await self._kit.decode(blobs.values(), lambda: self._read(header, blobs))
            blobs.clear()
            found, seconds = await self._kit.computed(
                lambda: self._segmenter.segment(photo.rgb, hint, flag), flag, upload.priority
            )
            result, parts = await self._kit.codec(lambda: self._result(found, photo, header, seconds))
            # Inside, so that a slow reader's result counts against the byte budget.
            yield pb.SegmentResponse(result=result)
            for response in _parts(parts):
                yield response

    def _check(self, header: pb.SegmentHeader) -> None:
        if header.max_candidates > MAX_CANDIDATES:
            raise BadField(
                f"max_candidates is {header.max_candidates}, at most {MAX_CANDIDATES} are returned",
                field="max_candidates",
            )
        if header.backend == pb.BACKEND_SAM2 or header.WhichOneof("settings") == "sam2":
            raise ModelNotInstalled(
                "the SAM 2 backend is not installed on this server; leave the backend unspecified for "
                f"{self._segmenter.name!r}"
            )
        if header.backend not in (pb.BACKEND_UNSPECIFIED, pb.BACKEND_EMBEDDED):
            raise NotBuilt(f"this server does not know backend {header.backend}")

    def _read(self, header: pb.SegmentHeader, blobs: dict[str, Blob]) -> tuple[DecodedImage, Any]:
        limits = self._kit.settings.image_limits
        photo = read_photo(require_part(blobs, header.photo_part, "photo_part"), limits)
        if not header.mask_hint_part:
            return photo, photo.alpha
        hint = read_mask(require_part(blobs, header.mask_hint_part, "mask_hint_part"), photo, limits)
        return photo, hint

    def _result(
        self, found: Segmentation, photo: DecodedImage, header: pb.SegmentHeader, seconds: float
    ) -> tuple[pb.SegmentResult, list[Blob]]:
        # The first candidate is the answer itself.
        others = found.candidates[1 : header.max_candidates + 1]
        parts = [bits1_blob("mask", found.mask), gray8_blob("alpha", found.alpha)]
        parts += [bits1_blob(f"candidate/{index}", other.mask) for index, other in enumerate(others)]
        quality = found.quality
        result = pb.SegmentResult(
            mask_part="mask",
            alpha_part="alpha",
            width=photo.rgb.shape[1],
            height=photo.rgb.shape[0],
            quality=pb.MaskQuality(
                confidence=quality.confidence,
                coverage=quality.coverage,
                border_contact=quality.border_contact,
                fragments=quality.fragments,
                warnings=(*photo.warnings, *quality.warnings),
            ),
            candidates=[
                pb.Candidate(mask_part=f"candidate/{index}", score=other.score) for index, other in enumerate(others)
            ],
            backend=self._segmenter.name,
            backend_digest=self._segmenter.digest,
            compute_seconds=seconds,
            version=service_version("segmentation"),
        )
        return result, parts


async def _end_or_prompt(upload: _Upload) -> None:
    message = await upload.more()
    if message is None:
        return
    if message.WhichOneof("message") == "prompt":
        raise NotBuilt("this backend takes no prompts; close the stream after the upload for the automatic mask")
    raise UploadOutOfOrder(
        f"a {message.WhichOneof('message')} came after everything announced was complete; close the stream"
    )


def _parts(parts: list[Blob]) -> Iterator[pb.SegmentResponse]:
    for part in parts:
        yield pb.SegmentResponse(blob=part.header)
        for chunk in chunks_of(part):
            yield pb.SegmentResponse(chunk=chunk)
    yield pb.SegmentResponse(summary=blob_pb2.Summary(blobs=[part.header for part in parts]))


def segmentation_service(kit: Kit, segmenter: Segmenter) -> Service:
    """Describe the service to the runtime."""
    servicer = SegmentationServicer(kit, segmenter)
    return Service(
        name="segmentation",
        full_name=pb.DESCRIPTOR.services_by_name["SegmentationService"].full_name,
        register=lambda server: segmentation_pb2_grpc.add_SegmentationServiceServicer_to_server(servicer, server),
        backends=(BackendInfo(segmenter.name, segmenter.digest),),
        warm_up=segmenter.warm_up,
    )
