"""What generation is asked, and what it answers, message by message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from fashquick.generation.v1 import diffusion_pb2, scene_pb2
from fashquick.generation.v1 import generation_pb2 as pb
from fashquick_common.garment import Passport
from fashquick_common.garment_codec import passport_to_proto
from fashquick_common.priority import priority_to_proto
from fashquick_common.rpc.blobs import Blob
from fashquick_orchestrator.peer import Parts
from fashquick_orchestrator.values import TryOnJob

CONDITIONS = (
    scene_pb2.OUTPUT_KIND_BASE,
    scene_pb2.OUTPUT_KIND_DEPTH,
    scene_pb2.OUTPUT_KIND_POSE,
    scene_pb2.OUTPUT_KIND_GARMENT_MASK,
)
"""What a repair needs of the view beside its picture."""


@dataclass(frozen=True, slots=True)
class Worn:
    """A garment as generation is given it."""

    photo: Blob
    alpha: Blob
    passport: Passport
    fit: int


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A Generate request: its header, and the parts that this announces."""

    header: pb.GenerateHeader
    blobs: Sequence[Blob]


@dataclass(frozen=True, slots=True)
class GeneratedView:
    """A finished view.

    Attributes:
        index: Of the view.
        outputs: Parts by number of the `fashquick.generation.v1.OutputKind`.
        facts: Measures of the computation.
        keypoints: Of the figure, where they were asked for.
        backend: That made it.
        diffusion: How diffusion made it; None from other backends.
    """

    index: int
    outputs: Mapping[int, Blob]
    facts: Mapping[str, float]
    keypoints: tuple[scene_pb2.Keypoint, ...]
    backend: str
    diffusion: diffusion_pb2.DiffusionRecord | None


@dataclass(frozen=True, slots=True)
class GenerationListener:
    """Who is told what generation has done; the stream waits meanwhile.

    Attributes:
        progress: Told step and fraction.
        preview: Given each preview, RGB8.
        view: Given each view as soon as it is there.
        turntable: Given the animation, a WebP file.
    """

    progress: Callable[[str, float], None]
    preview: Callable[[Blob], Awaitable[None]]
    view: Callable[[GeneratedView], Awaitable[None]]
    turntable: Callable[[Blob], Awaitable[None]]


class GenerationAnswer:
    """Turns the messages of a Generate response into what a listener is told.

    Attributes:
        result: The end of the answer; None before it.
    """

    def __init__(self, listener: GenerationListener) -> None:
        """Make it for one call."""
        self.result: pb.GenerateResult | None = None
        self._listener = listener
        self._parts = Parts()
        self._view = pb.FinishedView()
        self._turntable = ""

    async def add(self, message: pb.GenerateResponse) -> None:
        """Take a message.

        Raises:
            InternalError: It breaks the contract.
        """
        match message.WhichOneof("message"):
            case "progress":
                self._listener.progress(message.progress.step, message.progress.fraction)
            case "view":
                self._view = message.view
            case "output" if message.output.kind == scene_pb2.OUTPUT_KIND_TURNTABLE:
                self._turntable = message.output.part
            case "result":
                self.result = message.result
            case "blob":
                self._parts.announce(message.blob)
            case "chunk":
                done = self._parts.add(message.chunk)
                if done is not None:
                    await self._hand_over(done)

    async def _hand_over(self, part: str) -> None:
        """Tell of a part that is complete; a view is told with its last one."""
        of_view = [output.part for output in self._view.outputs]
        if part == self._turntable:
            await self._listener.turntable(self._parts.take(part))
        elif part not in of_view:
            await self._listener.preview(self._parts.take(part))
        elif self._parts.have(of_view):
            await self._listener.view(_finished(self._view, self._parts))


def _finished(view: pb.FinishedView, parts: Parts) -> GeneratedView:
    return GeneratedView(
        index=view.view,
        outputs={output.kind: parts.take(output.part) for output in view.outputs},
        facts=dict(view.facts),
        keypoints=tuple(view.keypoints),
        backend=view.backend,
        diffusion=view.diffusion if view.HasField("diffusion") else None,
    )


def creation(
    job: TryOnJob, garments: Sequence[Worn], maps: Sequence[scene_pb2.OutputKind.ValueType]
) -> GenerationRequest:
    """Ask for new pictures, with what their repairs would need where there may be any."""
    blobs = [blob for garment in garments for blob in (garment.photo, garment.alpha)]
    header = pb.GenerateHeader(
        request_id=job.request_id,
        blobs=[blob.header for blob in blobs],
        backend=scene_pb2.Backend.ValueType(job.generation_backend),
        allow_fallback=job.allow_fallback,
        seed=job.seed,
        diffusion=job.diffusion,
        priority=priority_to_proto(job.priority),
        create=pb.CreateTask(
            garments=[
                pb.Garment(
                    photo_part=garment.photo.part,
                    alpha_part=garment.alpha.part,
                    passport=passport_to_proto(garment.passport),
                    fit=scene_pb2.Fit.ValueType(garment.fit),
                )
                for garment in garments
            ],
            scene=job.scene,
            outputs=maps,
            repairable=job.fidelity and job.repairs.most > 0,
        ),
    )
    return GenerationRequest(header, blobs)


def repair(job: TryOnJob, view: GeneratedView, picture: Blob, region: Blob, seed: int) -> GenerationRequest:
    """Ask for a region of a picture again.

    Args:
        job: The job.
        view: Which diffusion has made, with the maps of `CONDITIONS`.
        picture: Its picture as it stands, RGB8.
        region: Where to work, GRAY8 of its size.
        seed: Of the new noise.
    """
    blobs = [picture, region, *(view.outputs[kind] for kind in CONDITIONS)]
    header = pb.GenerateHeader(
        request_id=job.request_id,
        blobs=[blob.header for blob in blobs],
        backend=scene_pb2.BACKEND_DIFFUSION,
        seed=seed,
        diffusion=job.diffusion,
        priority=priority_to_proto(job.priority),
        repair=pb.RepairTask(
            picture_part=picture.part,
            region_part=region.part,
            prior=view.diffusion,
            conditions=[pb.Output(kind=kind, part=view.outputs[kind].part) for kind in CONDITIONS],
        ),
    )
    return GenerationRequest(header, blobs)
