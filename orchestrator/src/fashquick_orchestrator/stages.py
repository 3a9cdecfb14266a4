"""Calls of the three stage services, as plain functions: values in, values out, errors raised."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import grpc

from fashquick.common.v1 import blob_pb2
from fashquick.features.v1 import features_pb2, features_pb2_grpc
from fashquick.generation.v1 import generation_pb2, generation_pb2_grpc
from fashquick.segmentation.v1 import segmentation_pb2, segmentation_pb2_grpc
from fashquick_common.errors import InternalError
from fashquick_common.garment import Category, FidelityReport, Passport
from fashquick_common.garment_codec import (
    category_to_proto,
    fidelity_from_proto,
    passport_from_proto,
    passport_to_proto,
)
from fashquick_common.priority import priority_to_proto
from fashquick_common.rpc.blobs import Blob
from fashquick_common.rpc.channel import open_channel
from fashquick_common.rpc.ending import CallEnding
from fashquick_common.rpc.request_id import REQUEST_ID_KEY
from fashquick_common.rpc.status import error_from_rpc
from fashquick_common.server.tracing import Tracing
from fashquick_orchestrator.generating import GenerationAnswer, GenerationListener, GenerationRequest
from fashquick_orchestrator.peer import Parts, peer_errors, responses, stream
from fashquick_orchestrator.values import MaskQuality, StageRun, TryOnJob


@dataclass(frozen=True, slots=True)
class Segmented:
    """Answer of segmentation, all parts of the photo's size.

    Attributes:
        alpha: GRAY8.
        mask: BITS1.
        foreground: RGB8, the garment's own colours; None from a server that has none.
        quality: Measures of the mask.
        run: What made it.
    """

    alpha: Blob
    mask: Blob
    foreground: Blob | None
    quality: MaskQuality
    run: StageRun


@dataclass(frozen=True, slots=True)
class Described:
    """Answer of features."""

    passport: Passport
    run: StageRun


@dataclass(frozen=True, slots=True)
class Compared:
    """What features says of the finished picture."""

    report: FidelityReport
    run: StageRun


@dataclass(frozen=True, slots=True)
class Generated:
    """End of generation's answer."""

    seed: int
    run: StageRun


class Stages:
    """Channels to the stage services; each reconnects by itself."""

    def __init__(self, segmentation: str, features: str, generation: str, tracing: Tracing) -> None:
        """Open the channels inside the event loop; nothing connects before the first call.

        Args:
            segmentation: Target of the service, `host:port` or `dns:///name:port`.
            features: Likewise.
            generation: Likewise.
            tracing: Puts the calls into the job's trace.
        """
        self._tracing = tracing
        self._channels = [open_channel(target) for target in (segmentation, features, generation)]
        self._segmentation = segmentation_pb2_grpc.SegmentationServiceStub(self._channels[0])
        self._features = features_pb2_grpc.FeaturesServiceStub(self._channels[1])
        self._generation = generation_pb2_grpc.GenerationServiceStub(self._channels[2])

    async def close(self) -> None:
        """Close the channels."""
        for channel in self._channels:
            await channel.close(None)

    async def segment(
        self,
        job: TryOnJob,
        photo: Blob,
        hint: Blob | None,
        *,
        seconds: float,
        on_progress: Callable[[str, float], None],
    ) -> Segmented:
        """Find the garment. Raises what the service answered."""
        blobs = [photo] if hint is None else [photo, hint]
        header = segmentation_pb2.SegmentHeader(
            request_id=job.request_id,
            blobs=[blob.header for blob in blobs],
            photo_part=photo.part,
            mask_hint_part=hint.part if hint else "",
            backend=segmentation_pb2.Backend.ValueType(job.segmentation_backend),
            priority=priority_to_proto(job.priority),
            foreground=True,
        )
        call = self._segmentation.Segment(
            stream(segmentation_pb2.SegmentRequest(header=header), _segment_chunk, blobs),
            timeout=seconds,
            metadata=self._metadata(job),
        )
        result: segmentation_pb2.SegmentResult | None = None
        parts = Parts()
        async with contextlib.aclosing(responses(call)) as messages:
            async for message in messages:
                match message.WhichOneof("message"):
                    case "progress":
                        on_progress(message.progress.step, message.progress.fraction)
                    case "result":
                        result = message.result
                    case "blob":
                        parts.announce(message.blob)
                    case "chunk":
                        parts.add(message.chunk)
        if result is None:
            raise InternalError("the segmentation service ended without a result")
        return Segmented(
            alpha=parts.take(result.alpha_part),
            mask=parts.take(result.mask_part),
            foreground=parts.take(result.foreground_part) if result.foreground_part else None,
            quality=_quality(result.quality),
            run=StageRun(result.backend, result.backend_digest, result.version, result.compute_seconds),
        )

    async def describe(
        self, job: TryOnJob, photo: Blob, alpha: Blob, category_hint: Category | None, *, seconds: float
    ) -> Described:
        """Describe the garment. Raises what the service answered."""
        blobs = [photo, alpha]
        header = features_pb2.ExtractFeaturesHeader(
            request_id=job.request_id,
            blobs=[blob.header for blob in blobs],
            photo_part=photo.part,
            alpha_part=alpha.part,
            category_hint=category_to_proto(category_hint),
            priority=priority_to_proto(job.priority),
        )
        call = self._features.ExtractFeatures(
            stream(features_pb2.ExtractFeaturesRequest(header=header), _features_chunk, blobs),
            timeout=seconds,
            metadata=self._metadata(job),
        )
        ending = CallEnding(call)
        try:
            answer = await call
        except grpc.aio.AioRpcError as error:
            raise error_from_rpc(ending.error(error)) from None
        with peer_errors():
            passport = passport_from_proto(answer.passport)
        return Described(
            passport=passport,
            run=StageRun(answer.backend, answer.backend_digest, answer.version, answer.compute_seconds),
        )

    async def generate(
        self, job: TryOnJob, asked: GenerationRequest, *, seconds: float, listener: GenerationListener
    ) -> Generated:
        """Make the pictures, or one of them again; the listener is given them. Raises what the service answered."""
        call = self._generation.Generate(
            stream(generation_pb2.GenerateRequest(header=asked.header), _generate_chunk, asked.blobs),
            timeout=seconds,
            metadata=self._metadata(job),
        )
        answer = GenerationAnswer(listener)
        async with contextlib.aclosing(responses(call)) as messages:
            async for message in messages:
                await answer.add(message)
        result = answer.result
        if result is None:
            raise InternalError("the generation service ended without a result")
        return Generated(
            result.seed, StageRun(result.backend, result.backend_digest, result.version, result.compute_seconds)
        )

    async def compare(
        self,
        job: TryOnJob,
        photo: Blob,
        alpha: Blob,
        passport: Passport,
        *,
        picture: Blob,
        region: Blob,
        uv: Blob | None,
        seconds: float,
    ) -> Compared:
        """Compare the picture with the garment. Raises what the service answered."""
        blobs = [photo, alpha, picture, region, *([] if uv is None else [uv])]
        header = features_pb2.ScoreFidelityHeader(
            request_id=job.request_id,
            blobs=[blob.header for blob in blobs],
            photo_part=photo.part,
            alpha_part=alpha.part,
            picture_part=picture.part,
            region_part=region.part,
            uv_part="" if uv is None else uv.part,
            passport=passport_to_proto(passport),
            priority=priority_to_proto(job.priority),
        )
        call = self._features.ScoreFidelity(
            stream(features_pb2.ScoreFidelityRequest(header=header), _fidelity_chunk, blobs),
            timeout=seconds,
            metadata=self._metadata(job),
        )
        ending = CallEnding(call)
        try:
            answer = await call
        except grpc.aio.AioRpcError as error:
            raise error_from_rpc(ending.error(error)) from None
        with peer_errors():
            report = fidelity_from_proto(answer.report)
        return Compared(report, StageRun(answer.backend, answer.backend_digest, answer.version, answer.compute_seconds))

    def _metadata(self, job: TryOnJob) -> tuple[tuple[str, str], ...]:
        return ((REQUEST_ID_KEY, job.request_id), *self._tracing.headers())


def _quality(quality: segmentation_pb2.MaskQuality) -> MaskQuality:
    return MaskQuality(
        confidence=quality.confidence,
        coverage=quality.coverage,
        border_contact=quality.border_contact,
        fragments=quality.fragments,
        warnings=tuple(quality.warnings),
        symmetry=quality.symmetry,
        boundary_confidence=quality.boundary_confidence,
        sharpness=quality.sharpness,
        lightness=quality.lightness,
        clipped=quality.clipped,
        cut_off=tuple(quality.cut_off),
    )


def _segment_chunk(chunk: blob_pb2.Chunk) -> segmentation_pb2.SegmentRequest:
    return segmentation_pb2.SegmentRequest(chunk=chunk)


def _features_chunk(chunk: blob_pb2.Chunk) -> features_pb2.ExtractFeaturesRequest:
    return features_pb2.ExtractFeaturesRequest(chunk=chunk)


def _fidelity_chunk(chunk: blob_pb2.Chunk) -> features_pb2.ScoreFidelityRequest:
    return features_pb2.ScoreFidelityRequest(chunk=chunk)


def _generate_chunk(chunk: blob_pb2.Chunk) -> generation_pb2.GenerateRequest:
    return generation_pb2.GenerateRequest(chunk=chunk)
