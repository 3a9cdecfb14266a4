"""GenerationService over gRPC: messages to plain values, the engine, and back."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import grpc

from fashquick.generation.v1 import generation_pb2 as pb
from fashquick.generation.v1 import generation_pb2_grpc
from fashquick_common.cancel import CancelFlag
from fashquick_common.diffusion_checks import check_diffusion
from fashquick_common.errors import BadField, FashquickError, drop_frames
from fashquick_common.image import ImageLimits
from fashquick_common.models import ModelManager, NoModels
from fashquick_common.priority import Priority
from fashquick_common.rpc.blobs import Blob
from fashquick_common.server.info import BackendInfo, service_version
from fashquick_common.server.kit import Kit
from fashquick_common.server.latest import Done, Latest
from fashquick_common.server.runtime import Service
from fashquick_common.server.upload import open_upload
from fashquick_generation.choosing import chosen, chosen_to_repair
from fashquick_generation.engine import (
    CollectiveGenerator,
    Event,
    GenerationJob,
    Generator,
    Picture,
    Progress,
    RepairJob,
    Task,
    Turntable,
)
from fashquick_generation.hearing import Hearing
from fashquick_generation.messages import (
    Answer,
    checked_passports,
    checked_prior,
    finished_turntable,
    finished_view,
    read_job,
    read_repair,
)

_NO_MODELS = NoModels("it has no model store")
_Seconds = Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """What a call has uploaded.

    Attributes:
        job: What to do.
        alone: Does it by itself; given who hears of it, and the call's flag.
    """

    job: GenerationJob | RepairJob
    alone: Callable[[Callable[[Event], None], CancelFlag], _Seconds]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a checked header asks for.

    Attributes:
        generator: Who does it.
        read: Makes the work from the uploaded parts.
    """

    generator: Generator
    read: Callable[[Mapping[str, Blob], ImageLimits], _Work]


class GenerationServicer(generation_pb2_grpc.GenerationServiceServicer):
    """Answers Generate with the backend asked for."""

    def __init__(self, kit: Kit, generators: Sequence[Generator]) -> None:
        """Make it for one server.

        Args:
            kit: What the server's calls share.
            generators: Backends, the default one first.
        """
        self._kit = kit
        self._generators = generators

    async def Generate(  # noqa: N802 - the contract's name
        self, requests: AsyncIterator[pb.GenerateRequest], context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[pb.GenerateResponse]:
        """Make pictures; each is sent as soon as it is finished, with progress and previews between them."""
        async with open_upload(requests, self._kit) as upload:
            plan = self._planned(upload.first.header)
            blobs = await upload.blobs()
            await upload.end()
            flag = self._kit.flag_for(context)
            limits = self._kit.settings.image_limits
            work = await self._kit.decode(blobs.values(), lambda: plan.read(blobs, limits))
            blobs.clear()
            events: Latest[Event] = Latest()
            computing = self._computed(plan.generator, work, Hearing(events), flag, upload.priority)
            answer = Answer(plan.generator.name)
            # Inside the upload, so that a slow reader's pictures count against the byte budget.
            async with contextlib.aclosing(events.during(computing)) as happenings:
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
                        result = _result(plan.generator, work.job.seed, happening)
                        for response in answer.end(result):
                            yield response

    def _planned(self, header: pb.GenerateHeader) -> _Plan:
        """Return what a header asks for, if that is built and within its limits."""
        task = header.WhichOneof("task")
        if task is None:
            raise BadField("the header says neither create nor repair", field="task")
        check_diffusion(header.diffusion, "diffusion")
        return self._repair(header) if task == "repair" else self._create(header)

    def _create(self, header: pb.GenerateHeader) -> _Plan:
        generator = chosen(header, self._generators)
        passports = checked_passports(header.create, upscale=header.diffusion.upscale)
        repairable = header.create.repairable and isinstance(generator, CollectiveGenerator)

        def read(blobs: Mapping[str, Blob], limits: ImageLimits) -> _Work:
            job = read_job(header, passports, blobs, limits, repairable=repairable)
            return _Work(job, partial(generator.generate, job))

        return _Plan(generator, read)

    def _repair(self, header: pb.GenerateHeader) -> _Plan:
        generator = chosen_to_repair(header, self._generators)
        prior = checked_prior(header.repair)

        def read(blobs: Mapping[str, Blob], limits: ImageLimits) -> _Work:
            job = read_repair(header, prior, blobs, limits)
            return _Work(job, partial(generator.repair, job))

        return _Plan(generator, read)

    async def _computed(
        self, generator: Generator, work: _Work, hear: Hearing, flag: CancelFlag, priority: Priority
    ) -> tuple[_Seconds, float]:
        """Do a call's work in its turn, where the backend can together with that of other calls."""
        if isinstance(generator, CollectiveGenerator):
            shape = generator.together(work.job)
            if shape is not None:
                task = Task(work.job, hear, flag)
                outcome, seconds = await self._kit.computed_batched(task, generator.work_on, shape, flag, priority)
                if isinstance(outcome, FashquickError):
                    drop_frames(outcome)
                    raise outcome
                return outcome, seconds
        return await self._kit.computed(lambda: work.alone(hear, flag), flag, priority)


def _result(generator: Generator, seed: int, done: Done[tuple[_Seconds, float]]) -> pb.GenerateResult:
    step_seconds, seconds = done.value
    return pb.GenerateResult(
        seed=seed,
        backend=generator.name,
        backend_digest=generator.digest,
        compute_seconds=seconds,
        step_seconds=step_seconds,
        version=service_version("generation"),
    )


def generation_service(kit: Kit, *generators: Generator, models: ModelManager = _NO_MODELS) -> Service:
    """Describe the service to the runtime.

    Args:
        kit: What the server's calls share.
        generators: Backends, the default one first.
        models: The backends' weights in the model store.
    """
    servicer = GenerationServicer(kit, generators)
    return Service(
        name="generation",
        full_name=pb.DESCRIPTOR.services_by_name["GenerationService"].full_name,
        register=lambda server: generation_pb2_grpc.add_GenerationServiceServicer_to_server(servicer, server),
        backends=tuple(BackendInfo(generator.name, generator.digest) for generator in generators),
        warm_up=generators[0].warm_up,  # The others take memory only when somebody asks for them.
        models=models,
    )
