"""SegmentationService over gRPC: messages to plain values, the engine, and back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray

from fashquick.common.v1 import blob_pb2
from fashquick.segmentation.v1 import segmentation_pb2 as pb
from fashquick.segmentation.v1 import segmentation_pb2_grpc
from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import BadField, ModelNotInstalled, NotBuilt, UploadOutOfOrder
from fashquick_common.image import DecodedImage
from fashquick_common.models import ModelManager, NoModels
from fashquick_common.rpc.blobs import Blob, chunks_of, require_part
from fashquick_common.server.info import BackendInfo, service_version
from fashquick_common.server.kit import Kit
from fashquick_common.server.pictures import bits1_blob, gray8_blob, read_mask, read_photo, rgb8_blob
from fashquick_common.server.runtime import Service
from fashquick_common.server.upload import open_upload
from fashquick_segmentation.engine import (
    MAX_POINTS,
    Candidate,
    Checkpointed,
    Hints,
    Presentation,
    Promptable,
    Question,
    Segmentation,
    Segmenter,
    Side,
)
from fashquick_segmentation.refinement.finishing import with_quality_matte
from fashquick_segmentation.refinement.matting import foreground

MAX_CANDIDATES = 16
MAX_PROMPTS = 100  # On one stream, which holds its photo in memory.
MAX_MASK_BYTES = 1024 * 1024  # Of a prompt's coarse mask, which comes in one message: a PNG of 12 megapixels has 0.1.
_NO_MODELS = NoModels("it has no model store")
_EMBEDDED, _SAM2 = "embedded", "sam2"
_PRESENTATIONS = {
    pb.PRESENTATION_FLAT: Presentation.FLAT,
    pb.PRESENTATION_HANGER: Presentation.HANGER,
    pb.PRESENTATION_WORN: Presentation.WORN,
}
_SIDES = {
    Side.LEFT: pb.SIDE_LEFT,
    Side.TOP: pb.SIDE_TOP,
    Side.RIGHT: pb.SIDE_RIGHT,
    Side.BOTTOM: pb.SIDE_BOTTOM,
}
_BACKENDS = {pb.BACKEND_EMBEDDED: _EMBEDDED, pb.BACKEND_SAM2: _SAM2}


@dataclass(frozen=True, slots=True, eq=False)
class _Photo:
    """What a call is about.

    Attributes:
        image: The photo.
        hints: What the caller knows beside.
    """

    image: DecodedImage
    hints: Hints


@dataclass(frozen=True, slots=True)
class _Asked:
    """A prompt as it came, in pixels of the uploaded photo, and who answers it."""

    prompt: pb.Prompt
    segmenter: Promptable


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    """What was computed: the answer and, when asked for, the garment's own colours, HxWx3 uint8."""

    found: Segmentation
    foreground: NDArray[np.uint8] | None


class SegmentationServicer(segmentation_pb2_grpc.SegmentationServiceServicer):
    """Answers Segment with the backend asked for."""

    def __init__(self, kit: Kit, segmenters: Sequence[Segmenter], prompt_idle_s: float) -> None:
        """Make it for one server.

        Args:
            kit: What the server's calls share.
            segmenters: Backends that are ready, the default one first.
            prompt_idle_s: Seconds that a caller may take between two prompts.
        """
        self._kit = kit
        self._segmenters = segmenters
        self._prompt_idle_s = prompt_idle_s

    async def Segment(  # noqa: N802 - the contract's name
        self, requests: AsyncIterator[pb.SegmentRequest], context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[pb.SegmentResponse]:
        """Find the garment in one photo, or what the caller's prompts point at."""
        async with open_upload(requests, self._kit) as upload:
            header = upload.first.header
            segmenter = await self._with_checkpoint(self._chosen(header), header.sam2.checkpoint)
            blobs = await upload.blobs()
            # The end of the stream asks for the automatic mask.
            message = await upload.more()
            if message is not None:
                segmenter = self._for_prompts(segmenter, header)
            asked = _prompt_in(message, segmenter, 0)
            photo = await self._kit.decode(blobs.values(), lambda: self._read(header, blobs))
            blobs.clear()
            sent: list[blob_pb2.BlobHeader] = []
            while True:
                flag = self._kit.flag_for(context)
                find = await self._finding(segmenter, photo, asked, flag)
                work = _Work(find, header, photo.image.rgb, flag)
                made, seconds = await self._kit.computed(work, flag, upload.priority)
                number = asked.prompt.number if asked else 0
                result, parts = await self._kit.codec(_Encoding(segmenter, header, photo.image, made, number, seconds))
                del made, work, find
                # Inside, so that a slow reader's result counts against the byte budget.
                yield pb.SegmentResponse(result=result)
                for part in parts:
                    for response in _part(part):
                        yield response
                    sent.append(part.header)
                del parts
                if asked is None:
                    break
                asked = _prompt_in(await upload.more(self._prompt_idle_s), segmenter, asked.prompt.number)
                if asked is None:
                    break
            yield pb.SegmentResponse(summary=blob_pb2.Summary(blobs=sent))

    def _chosen(self, header: pb.SegmentHeader) -> Segmenter:
        """Return the backend that a header asks for, before its upload."""
        if header.max_candidates > MAX_CANDIDATES:
            raise BadField(
                f"max_candidates is {header.max_candidates}, at most {MAX_CANDIDATES} are returned",
                field="max_candidates",
            )
        default = self._segmenters[0]
        settings_of = header.WhichOneof("settings")
        backend = header.backend or (pb.BACKEND_SAM2 if settings_of == "sam2" else pb.BACKEND_UNSPECIFIED)
        if backend == pb.BACKEND_UNSPECIFIED:
            return default
        if backend not in _BACKENDS:
            raise NotBuilt(f"this server does not know backend {backend}")
        if settings_of not in (None, _BACKENDS[backend]):
            raise BadField(f"the settings are those of {settings_of!r}, the backend is another", field="settings")
        for segmenter in self._segmenters:
            if segmenter.name == _BACKENDS[backend]:
                return segmenter
        if backend == pb.BACKEND_EMBEDDED:
            return default  # What needs no weights is there under whatever name.
        raise ModelNotInstalled(
            f"the SAM 2 backend is not installed on this server; leave the backend unspecified for {default.name!r}"
        )

    def _for_prompts(self, segmenter: Segmenter, header: pb.SegmentHeader) -> Segmenter:
        """Return a backend that takes prompts where a header leaves the choice to the server and there is one."""
        if header.backend != pb.BACKEND_UNSPECIFIED or header.WhichOneof("settings") is not None:
            return segmenter
        return next((other for other in self._segmenters if isinstance(other, Promptable)), segmenter)

    async def _with_checkpoint(self, segmenter: Segmenter, checkpoint: str) -> Segmenter:
        """Return a backend with the checkpoint that a header asks for, before its upload; empty: the default one."""
        if not checkpoint:
            return segmenter
        if not isinstance(segmenter, Checkpointed):
            raise NotBuilt(f"the {segmenter.name} backend has one checkpoint alone; leave the field empty")
        return await self._kit.codec(lambda: segmenter.using(checkpoint))

    async def _finding(
        self, segmenter: Segmenter, photo: _Photo, asked: _Asked | None, flag: CancelFlag
    ) -> Callable[[], Segmentation]:
        """Return what finds the automatic mask, or what a prompt asks for."""
        pixels, hints = photo.image.rgb, photo.hints
        if asked is None:
            return partial(segmenter.segment, pixels, hints, flag)
        question = await self._question(asked.prompt, photo.image)
        return partial(asked.segmenter.answer, pixels, question, hints.presentation, flag)

    async def _question(self, prompt: pb.Prompt, image: DecodedImage) -> Question:
        """Return what a prompt asks; its mask at the size at which the photo is worked on."""
        mask = None
        if prompt.mask:
            blob = Blob(blob_pb2.BlobHeader(part="prompt.mask", size_bytes=len(prompt.mask)), prompt.mask)
            limits = self._kit.settings.image_limits
            mask = await self._kit.decode([blob], lambda: read_mask(blob, image, limits))
        corners = prompt.box if prompt.HasField("box") else None
        return Question(
            points=np.array([(point.x, point.y) for point in prompt.points], np.float32).reshape(-1, 2),
            on_garment=np.array([point.on_garment for point in prompt.points], bool),
            box=None if corners is None else (corners.left, corners.top, corners.right, corners.bottom),
            mask=mask,
            counted_in=(image.source_height, image.source_width),
        )

    def _read(self, header: pb.SegmentHeader, blobs: dict[str, Blob]) -> _Photo:
        limits = self._kit.settings.image_limits
        photo = read_photo(require_part(blobs, header.photo_part, "photo_part"), limits)
        presentation = _PRESENTATIONS.get(header.presentation, Presentation.UNKNOWN)
        if not header.mask_hint_part:
            return _Photo(photo, Hints(photo.alpha, presentation))
        mask = read_mask(require_part(blobs, header.mask_hint_part, "mask_hint_part"), photo, limits)
        return _Photo(photo, Hints(mask, presentation))


def _prompt_in(message: pb.SegmentRequest | None, segmenter: Segmenter, last: int) -> _Asked | None:
    """Return the prompt of a message after the upload; None at the end of the stream."""
    if message is None:
        return None
    if message.WhichOneof("message") != "prompt":
        raise UploadOutOfOrder(
            f"a {message.WhichOneof('message')} came after everything announced was complete; close the stream"
        )
    if not isinstance(segmenter, Promptable):
        raise NotBuilt(
            f"the {segmenter.name} backend takes no prompts; ask a server that has SAM 2, "
            "or close the stream after the upload for the automatic mask"
        )
    prompt = message.prompt
    if not last < prompt.number <= MAX_PROMPTS:
        raise BadField(
            f"a prompt has number {prompt.number} after {last}; numbers rise from 1 to at most {MAX_PROMPTS}",
            field="prompt.number",
        )
    if len(prompt.points) > MAX_POINTS:
        raise BadField(
            f"prompt {prompt.number} has {len(prompt.points)} points, at most {MAX_POINTS} are taken; send fewer",
            field="prompt.points",
        )
    if len(prompt.mask) > MAX_MASK_BYTES:
        raise BadField(
            f"prompt {prompt.number} has a mask of {len(prompt.mask)} bytes, at most {MAX_MASK_BYTES} are taken; "
            "send it as PNG in black and white",
            field="prompt.mask",
        )
    return _Asked(prompt, segmenter)


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """Computes one answer in the compute thread."""

    find: Callable[[], Segmentation]
    header: pb.SegmentHeader
    pixels: NDArray[np.uint8]
    flag: CancelFlag

    def __call__(self) -> _Made:
        found = self.find()
        if self.header.matting == pb.MATTING_QUALITY:
            found = with_quality_matte(self.pixels, found, self.flag)
        return _Made(found, foreground(self.pixels, found.alpha, self.flag) if self.header.foreground else None)


@dataclass(frozen=True, slots=True, eq=False)
class _Encoding:
    """Encodes one answer in the codec pool: the result and its parts."""

    segmenter: Segmenter
    header: pb.SegmentHeader
    image: DecodedImage
    made: _Made
    number: int
    seconds: float

    def __call__(self) -> tuple[pb.SegmentResult, list[Blob]]:
        found, colours = self.made.found, self.made.foreground
        prefix = f"{self.number}/" if self.number else ""
        # The first candidate is the answer itself.
        others = found.candidates[1 : self.header.max_candidates + 1]
        names = [f"{prefix}candidate/{index}" for index in range(len(others))]
        parts = [bits1_blob(f"{prefix}mask", found.mask), gray8_blob(f"{prefix}alpha", found.alpha)]
        parts += [bits1_blob(name, other.mask) for name, other in zip(names, others, strict=True)]
        if colours is not None:
            parts.append(rgb8_blob(f"{prefix}foreground", colours))
        quality = found.quality
        result = pb.SegmentResult(
            number=self.number,
            mask_part=parts[0].part,
            alpha_part=parts[1].part,
            width=found.mask.shape[1],
            height=found.mask.shape[0],
            quality=pb.MaskQuality(
                confidence=quality.confidence,
                coverage=quality.coverage,
                border_contact=quality.border_contact,
                fragments=quality.fragments,
                warnings=(*self.image.warnings, *quality.warnings),
                symmetry=quality.symmetry,
                boundary_confidence=quality.boundary_confidence,
                sharpness=quality.sharpness,
                lightness=quality.lightness,
                clipped=quality.clipped,
                cut_off=[_SIDES[side] for side in quality.cut_off],
            ),
            candidates=[_candidate(name, other) for name, other in zip(names, others, strict=True)],
            backend=self.segmenter.name,
            backend_digest=self.segmenter.digest,
            compute_seconds=self.seconds,
            version=service_version("segmentation"),
            foreground_part="" if colours is None else parts[-1].part,
        )
        return result, parts


def _candidate(part: str, other: Candidate) -> pb.Candidate:
    return pb.Candidate(
        mask_part=part,
        score=other.score,
        scores=pb.CandidateScores(**other.scores) if other.scores else None,
        source=other.source,
        other_garment=other.other_garment,
    )


def _part(part: Blob) -> Iterator[pb.SegmentResponse]:
    yield pb.SegmentResponse(blob=part.header)
    for chunk in chunks_of(part):
        yield pb.SegmentResponse(chunk=chunk)


def segmentation_service(
    kit: Kit,
    *segmenters: Segmenter,
    prompt_idle_s: float = 120.0,
    models: ModelManager = _NO_MODELS,
) -> Service:
    """Describe the service to the runtime.

    Args:
        kit: What the server's calls share.
        segmenters: Backends, the default one first.
        prompt_idle_s: Seconds that a caller may take between two prompts.
        models: The backends' weights in the model store.
    """
    servicer = SegmentationServicer(kit, segmenters, prompt_idle_s)
    return Service(
        name="segmentation",
        full_name=pb.DESCRIPTOR.services_by_name["SegmentationService"].full_name,
        register=lambda server: segmentation_pb2_grpc.add_SegmentationServiceServicer_to_server(servicer, server),
        backends=tuple(BackendInfo(segmenter.name, segmenter.digest) for segmenter in segmenters),
        warm_up=segmenters[0].warm_up,  # The others take memory only when somebody asks for them.
        models=models,
    )
