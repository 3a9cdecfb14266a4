"""GenerationService over gRPC: messages to plain values, the engine, and back."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import grpc
import numpy as np

from fashquick.common.v1 import blob_pb2, progress_pb2
from fashquick.generation.v1 import generation_pb2 as pb
from fashquick.generation.v1 import generation_pb2_grpc, scene_pb2
from fashquick_common.errors import BadField, ModelNotInstalled, NotBuilt
from fashquick_common.garment import Passport
from fashquick_common.garment_codec import passport_from_proto
from fashquick_common.rpc.blobs import Blob, chunks_of, require_part
from fashquick_common.scene_limits import (
    DEFAULT_BODY,
    DEFAULT_HEIGHT_PX,
    DEFAULT_POSE,
    DEFAULT_WIDTH_PX,
    check_name,
    check_outputs,
    check_size,
    check_yaw,
)
from fashquick_common.server.info import BackendInfo, service_version
from fashquick_common.server.kit import Kit
from fashquick_common.server.latest import Done, Latest
from fashquick_common.server.pictures import gray8_blob, read_mask, read_photo, rgb8_blob, uv16_blob
from fashquick_common.server.runtime import Service
from fashquick_common.server.upload import open_upload
from fashquick_generation.engine import (
    Event,
    Figure,
    Float32Array,
    Framing,
    GarmentInput,
    GenerationJob,
    Generator,
    MapKind,
    Picture,
    Progress,
    UInt8Array,
    View,
)

DEFAULT_SEED = 0  # The studio has no randomness that anyone should wish to vary by default.
_MAPS = {
    scene_pb2.OUTPUT_KIND_DEPTH: MapKind.DEPTH,
    scene_pb2.OUTPUT_KIND_NORMAL: MapKind.NORMAL,
    scene_pb2.OUTPUT_KIND_POSE: MapKind.POSE,
    scene_pb2.OUTPUT_KIND_PARTS: MapKind.PARTS,
    scene_pb2.OUTPUT_KIND_GARMENT_MASK: MapKind.GARMENT_MASK,
    scene_pb2.OUTPUT_KIND_GARMENT_UV: MapKind.GARMENT_UV,
}
_ALWAYS_SENT = {scene_pb2.OUTPUT_KIND_PICTURE, scene_pb2.OUTPUT_KIND_PREVIEW}
_FRAMINGS = {
    scene_pb2.FRAMING_UNSPECIFIED: Framing.FULL,
    scene_pb2.FRAMING_FULL: Framing.FULL,
    scene_pb2.FRAMING_UPPER: Framing.UPPER,
}
_PICTURE_PART = "picture"


class GenerationServicer(generation_pb2_grpc.GenerationServiceServicer):
    """Answers Generate with one backend."""

    def __init__(self, kit: Kit, generator: Generator) -> None:
        """Make it for one server."""
        self._kit = kit
        self._generator = generator

    async def Generate(  # noqa: N802 - the contract's name
        self, requests: AsyncIterator[pb.GenerateRequest], context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[pb.GenerateResponse]:
        """Make one picture, with progress and previews on the way."""
        async with open_upload(requests, self._kit) as upload:
            header = upload.first.header
            passport = self._checked_passport(header)
            blobs = await upload.blobs()
            await upload.end()
            flag = self._kit.flag_for(context)
            job = await self._kit.decode(blobs.values(), lambda: self._read(header, passport, blobs))
            blobs.clear()
            events: Latest[Progress] = Latest()
            made: list[Picture] = []

            def leave(event: Event) -> None:
                if isinstance(event, Picture):
                    made.append(event)
                else:
                    events.put("progress" if event.preview is None else "preview", event)

            work = self._kit.computed(lambda: self._generator.generate(job, leave, flag), flag, upload.priority)
            previews = 0
            async with contextlib.aclosing(events.during(work)) as happenings:
                async for happening in happenings:
                    if isinstance(happening, Done):
                        step_seconds, seconds = happening.value
                        break
                    for response in _progress(happening, previews):
                        yield response
                    previews += happening.preview is not None
            result, parts = await self._kit.codec(lambda: self._result(made[0], step_seconds, job, seconds))
            # Inside, so that a slow reader's result counts against the byte budget.
            yield pb.GenerateResponse(result=result)
            for part in parts:
                for response in _part(part):
                    yield response
            yield pb.GenerateResponse(summary=blob_pb2.Summary(blobs=[part.header for part in parts]))

    def _checked_passport(self, header: pb.GenerateHeader) -> Passport:
        """Return the passport of a header that asks for what is built."""
        task = header.WhichOneof("task")
        if task is None:
            raise BadField("the header says neither create nor repair", field="task")
        if task == "repair":
            raise NotBuilt("repairing a region of a picture is not built yet; ask for a new picture with create")
        diffusion = header.backend == scene_pb2.BACKEND_DIFFUSION or header.WhichOneof("settings") == "diffusion"
        if diffusion and not header.allow_fallback:
            raise ModelNotInstalled(
                "the diffusion backend is not installed on this server; leave the backend unspecified for "
                f"{self._generator.name!r}, or set allow_fallback"
            )
        if header.backend not in scene_pb2.Backend.values():
            raise NotBuilt(f"this server does not know backend {header.backend}")
        if not header.create.HasField("passport"):
            raise BadField("a passport is required; get it from FeaturesService.ExtractFeatures", field="passport")
        passport = passport_from_proto(header.create.passport)
        _check_scene(header.create.scene)
        check_outputs(header.create.outputs, "outputs")
        unknown = set(header.create.outputs) - _MAPS.keys() - _ALWAYS_SENT
        if unknown:
            raise NotBuilt(f"this server does not make outputs {sorted(unknown)}")
        if header.create.scene.view.framing not in _FRAMINGS:
            raise NotBuilt(f"this server does not know framing {header.create.scene.view.framing}")
        return passport

    def _read(self, header: pb.GenerateHeader, passport: Passport, blobs: dict[str, Blob]) -> GenerationJob:
        limits, task = self._kit.settings.image_limits, header.create
        photo = read_photo(require_part(blobs, task.photo_part, "photo_part"), limits)
        alpha = read_mask(require_part(blobs, task.alpha_part, "alpha_part"), photo, limits)
        height, width = alpha.shape
        if (passport.photo_width, passport.photo_height) != (width, height):
            raise BadField(
                f"the passport is of a photo of {passport.photo_width} x {passport.photo_height} pixels, "
                f"this one has {width} x {height}",
                field="passport",
            )
        scene = task.scene
        return GenerationJob(
            garments=(GarmentInput(photo.rgb, alpha, passport),),
            figure=Figure(body=scene.body or DEFAULT_BODY),
            views=(
                View(
                    pose=scene.view.pose or DEFAULT_POSE,
                    yaw_degrees=scene.view.camera_yaw_degrees,
                    framing=_FRAMINGS[scene.view.framing],
                ),
            ),
            width=scene.width or DEFAULT_WIDTH_PX,
            height=scene.height or DEFAULT_HEIGHT_PX,
            seed=header.seed if header.HasField("seed") else DEFAULT_SEED,
            maps=frozenset(_MAPS[kind] for kind in task.outputs if kind in _MAPS),
        )

    def _result(
        self, made: Picture, step_seconds: Mapping[str, float], job: GenerationJob, seconds: float
    ) -> tuple[pb.GenerateResult, list[Blob]]:
        parts = [rgb8_blob(_PICTURE_PART, made.rgb)]
        outputs = [pb.Output(kind=scene_pb2.OUTPUT_KIND_PICTURE, part=_PICTURE_PART)]
        for kind, map_kind in _MAPS.items():
            if map_kind not in made.maps:
                continue
            parts.append(_map_blob(map_kind.value, made.maps[map_kind]))
            outputs.append(pb.Output(kind=kind, part=map_kind.value))
        result = pb.GenerateResult(
            outputs=outputs,
            seed=job.seed,
            backend=self._generator.name,
            backend_digest=self._generator.digest,
            compute_seconds=seconds,
            version=service_version("generation"),
            step_seconds=step_seconds,
            facts=made.facts,
        )
        return result, parts


def _map_blob(part: str, pixels: UInt8Array | Float32Array) -> Blob:
    if pixels.dtype == np.float32:
        return uv16_blob(part, pixels.astype(np.float32, copy=False))
    image = pixels.astype(np.uint8, copy=False)
    return gray8_blob(part, image) if image.ndim == 2 else rgb8_blob(part, image)


def _check_scene(scene: scene_pb2.Scene) -> None:
    check_name(scene.body, "scene.body")
    check_name(scene.view.pose, "scene.view.pose")
    check_yaw(scene.view.camera_yaw_degrees, "scene.view")
    check_size(scene.width, scene.height, "scene")


def _progress(progress: Progress, previews: int) -> Iterator[pb.GenerateResponse]:
    yield pb.GenerateResponse(progress=progress_pb2.Progress(step=progress.step, fraction=progress.fraction))
    if progress.preview is not None:
        yield from _part(rgb8_blob(f"preview/{previews}", progress.preview))


def _part(part: Blob) -> Iterator[pb.GenerateResponse]:
    yield pb.GenerateResponse(blob=part.header)
    for chunk in chunks_of(part):
        yield pb.GenerateResponse(chunk=chunk)


def generation_service(kit: Kit, generator: Generator) -> Service:
    """Describe the service to the runtime."""
    servicer = GenerationServicer(kit, generator)
    return Service(
        name="generation",
        full_name=pb.DESCRIPTOR.services_by_name["GenerationService"].full_name,
        register=lambda server: generation_pb2_grpc.add_GenerationServiceServicer_to_server(servicer, server),
        backends=(BackendInfo(generator.name, generator.digest),),
        warm_up=generator.warm_up,
    )
