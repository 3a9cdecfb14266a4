"""TryOnService over gRPC: messages to a job, its events to messages."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any

import grpc

from fashquick.common.v1 import blob_pb2, progress_pb2
from fashquick.tryon.v1 import try_on_pb2 as pb
from fashquick.tryon.v1 import try_on_pb2_grpc
from fashquick_common.garment import FidelityReport
from fashquick_common.garment_codec import fidelity_to_proto, passport_to_proto
from fashquick_common.rpc.blobs import Blob, chunks_of
from fashquick_common.rpc.request_id import new_request_id
from fashquick_common.server.kit import Kit
from fashquick_common.server.runtime import Service
from fashquick_common.server.telemetry import name_call
from fashquick_common.server.upload import open_upload
from fashquick_orchestrator.config import OrchestratorSettings
from fashquick_orchestrator.handover import renamed
from fashquick_orchestrator.jobs import Event, Job, JobStore
from fashquick_orchestrator.manifest import quality_to_proto
from fashquick_orchestrator.pipeline import Pipeline
from fashquick_orchestrator.request import check_header, make_job
from fashquick_orchestrator.stages import Stages
from fashquick_orchestrator.values import MaskQuality, Preview, Progress, ResultPart, StageFinished, TryOnResult


class TryOnServicer(try_on_pb2_grpc.TryOnServiceServicer):
    """Answers TryOn."""

    def __init__(self, kit: Kit, settings: OrchestratorSettings, pipeline: Pipeline) -> None:
        """Make it for one server."""
        self._kit = kit
        self._settings = settings
        self._pipeline = pipeline
        self._jobs = JobStore(settings.job_limits)

    async def TryOn(  # noqa: N802 - the contract's name
        self, requests: AsyncIterator[pb.TryOnRequest], context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[pb.TryOnResponse]:
        """Make pictures of a figure wearing the garment."""
        async with open_upload(requests, self._kit) as upload:
            header = upload.first.header
            check_header(header)
            request_id = header.request_id or new_request_id()
            name_call(request_id)
            digest = request_digest(header)
            if self._jobs.find(request_id, digest) is None:
                self._jobs.check_room(upload.priority)
            blobs = await upload.blobs()
            await upload.end()
            job = self._jobs.find(request_id, digest) or self._start(header, blobs, request_id, digest, context)
            blobs.clear()
            async with job.followed() as events:
                yield pb.TryOnResponse(accepted=pb.Accepted(request_id=request_id, seed=job.seed))
                async for response in _responses(events):
                    yield response

    def _start(
        self,
        header: pb.TryOnHeader,
        blobs: dict[str, Blob],
        request_id: str,
        digest: bytes,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> Job:
        job = make_job(header, blobs, request_id)
        seconds = self._kit.seconds_left(context, unset=self._settings.default_job_s)
        return self._jobs.start(
            request_id, digest, job.seed, job.priority, lambda listener: self._pipeline.run(job, listener, seconds)
        )


def request_digest(header: pb.TryOnHeader) -> bytes:
    """Return what tells two requests apart: SHA-256 over the header, its id and its priority left out.

    The blobs' digests are in the header.
    """
    copy = pb.TryOnHeader()
    copy.CopyFrom(header)
    copy.request_id = ""
    copy.ClearField("priority")
    return hashlib.sha256(copy.SerializeToString(deterministic=True)).digest()


async def _responses(events: AsyncGenerator[Event, None]) -> AsyncIterator[pb.TryOnResponse]:
    previews = 0
    async for event in events:
        match event:
            case Progress():
                progress = progress_pb2.Progress(step=event.step, fraction=event.fraction)
                yield pb.TryOnResponse(
                    progress=pb.StageProgress(stage=pb.Stage.ValueType(event.stage), progress=progress)
                )
            case Preview():
                for response in _part(ResultPart(pb.OUTPUT_KIND_PREVIEW, renamed(event.blob, f"preview/{previews}"))):
                    yield response
                previews += 1
            case StageFinished():
                yield pb.TryOnResponse(stage_finished=_finished(event))
            case ResultPart():
                for response in _part(event):
                    yield response
            case TryOnResult():
                yield pb.TryOnResponse(manifest=event.manifest)
                summary = blob_pb2.Summary(blobs=[part.blob.header for part in event.parts])
                yield pb.TryOnResponse(summary=summary)


def _finished(event: StageFinished) -> pb.StageFinished:
    message = pb.StageFinished(
        stage=pb.Stage.ValueType(event.stage), seconds=event.seconds, garment=event.garment, view=event.view
    )
    if isinstance(event.finding, MaskQuality):
        message.mask_quality.CopyFrom(quality_to_proto(event.finding))
    elif isinstance(event.finding, FidelityReport):
        message.fidelity.CopyFrom(fidelity_to_proto(event.finding))
    elif event.finding is not None:
        message.passport.CopyFrom(passport_to_proto(event.finding))
    return message


def _part(part: ResultPart) -> Iterator[pb.TryOnResponse]:
    kind = pb.OutputKind.ValueType(part.kind)
    yield pb.TryOnResponse(part=pb.ResultPart(blob=part.blob.header, kind=kind, garment=part.garment, view=part.view))
    for chunk in chunks_of(part.blob):
        yield pb.TryOnResponse(chunk=chunk)


def tryon_service(kit: Kit, settings: OrchestratorSettings) -> Service:
    """Describe the service to the runtime."""
    stages = Stages(settings.segmentation_target, settings.features_target, settings.generation_target, kit.tracing)
    servicer = TryOnServicer(kit, settings, Pipeline(kit, stages, settings.retry_rules))
    return Service(
        name="orchestrator",
        full_name=pb.DESCRIPTOR.services_by_name["TryOnService"].full_name,
        register=lambda server: try_on_pb2_grpc.add_TryOnServiceServicer_to_server(servicer, server),
        close=stages.close,
    )
