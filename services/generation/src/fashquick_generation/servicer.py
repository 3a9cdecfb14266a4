"""GenerationService over gRPC: messages to plain values, the engine, and back."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from typing import Any

import grpc

from fashquick.common.v1 import blob_pb2, progress_pb2
from fashquick.generation.v1 import generation_pb2 as pb
from fashquick.generation.v1 import generation_pb2_grpc, scene_pb2
from fashquick_common.errors import BadField, ModelNotInstalled, NotBuilt
from fashquick_common.garment import Passport
from fashquick_common.rpc.blobs import Blob, chunks_of
from fashquick_common.server.info import BackendInfo, service_version
from fashquick_common.server.kit import Kit
from fashquick_common.server.latest import Done, Latest
from fashquick_common.server.pictures import rgb8_blob
from fashquick_common.server.runtime import Service
from fashquick_common.server.upload import open_upload
from fashquick_generation.engine import Event, Generator, Picture, Progress, Turntable
from fashquick_generation.messages import checked_passports, finished_turntable, finished_view, read_job


class GenerationServicer(generation_pb2_grpc.GenerationServiceServicer):
    """Answers Generate with one backend."""

    def __init__(self, kit: Kit, generator: Generator) -> None:
        """Make it for one server."""
        self._kit = kit
        self._generator = generator

    async def Generate(  # noqa: N802 - the contract's name
        self, requests: AsyncIterator[pb.GenerateRequest], context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[pb.GenerateResponse]:
        """Make pictures; each is sent as soon as it is finished, with progress and previews between them."""
        async with open_upload(requests, self._kit) as upload:
            header = upload.first.header
            passports = self._checked_passports(header)
            blobs = await upload.blobs()
            await upload.end()
            flag = self._kit.flag_for(context)
            limits = self._kit.settings.image_limits
            job = await self._kit.decode(blobs.values(), lambda: read_job(header, passports, blobs, limits))
            blobs.clear()
            events: Latest[Event] = Latest()
            work = self._kit.computed(
                lambda: self._generator.generate(job, lambda event: events.put(_kind(event), event), flag),
                flag,
                upload.priority,
            )
            answer = _Answer(self._generator.name)
            # Inside the upload, so that a slow reader's pictures count against the byte budget.
            async with contextlib.aclosing(events.during(work)) as happenings:
                async for happening in happenings:
                    if isinstance(happening, Picture):
                        view, parts = await self._kit.codec(partial(finished_view, happening))
                        for response in answer.view(view, parts):
                            yield response
                    elif isinstance(happening, Turntable):
                        output, part = await self._kit.codec(partial(finished_turntable, happening))
                        for response in answer.output(output, part):
                            yield response
                    elif isinstance(happening, Progress):
                        for response in answer.progress(happening):
                            yield response
                    else:
                        result = self._result(job.seed, happening)
                        for response in answer.end(result):
                            yield response

    def _checked_passports(self, header: pb.GenerateHeader) -> tuple[Passport, ...]:
        """Return the passports of a header that asks for what is built."""
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
        return checked_passports(header.create)

    def _result(self, seed: int, done: Done[tuple[Mapping[str, float], float]]) -> pb.GenerateResult:
        step_seconds, seconds = done.value
        return pb.GenerateResult(
            seed=seed,
            backend=self._generator.name,
            backend_digest=self._generator.digest,
            compute_seconds=seconds,
            step_seconds=step_seconds,
            version=service_version("generation"),
        )


def _kind(event: Event) -> str:
    """Of progress and previews only the newest matters; every picture does."""
    if isinstance(event, Picture):
        return f"view {event.view}"
    if isinstance(event, Turntable):
        return "turntable"
    return "progress" if event.preview is None else "preview"


class _Answer:
    """The messages of one answer, and what its end must say of them."""

    def __init__(self, backend: str) -> None:
        self._backend = backend
        self._outputs: list[pb.Output] = []
        self._headers: list[blob_pb2.BlobHeader] = []
        self._facts: dict[int, Mapping[str, float]] = {}
        self._previews = 0

    def progress(self, progress: Progress) -> Iterator[pb.GenerateResponse]:
        yield pb.GenerateResponse(progress=progress_pb2.Progress(step=progress.step, fraction=progress.fraction))
        if progress.preview is not None:
            yield from _part(rgb8_blob(f"preview/{self._previews}", progress.preview))
            self._previews += 1

    def view(self, view: pb.FinishedView, parts: list[Blob]) -> Iterator[pb.GenerateResponse]:
        self._outputs += view.outputs
        self._headers += (part.header for part in parts)
        self._facts[view.view] = view.facts
        view.backend = self._backend
        yield pb.GenerateResponse(view=view)
        for part in parts:
            yield from _part(part)

    def output(self, output: pb.Output, part: Blob) -> Iterator[pb.GenerateResponse]:
        self._outputs.append(output)
        self._headers.append(part.header)
        yield pb.GenerateResponse(output=output)
        yield from _part(part)

    def end(self, result: pb.GenerateResult) -> Iterator[pb.GenerateResponse]:
        result.outputs.extend(self._outputs)
        result.facts.update(self._facts.get(0, {}))
        yield pb.GenerateResponse(result=result)
        yield pb.GenerateResponse(summary=blob_pb2.Summary(blobs=self._headers))


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
