"""Segment requests: the header, then the chunks of the parts that it announces, then prompts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Unpack

from fashquick.common.v1 import priority_pb2
from fashquick.segmentation.v1 import segmentation_pb2
from fashquick_client.options import PromptOptions, SegmentWishes
from fashquick_client.parts import MASK_PART, PHOTO_PART, check_range, choice, file_blob
from fashquick_client.photos import PhotoSource, read_photo
from fashquick_common.errors import BadField
from fashquick_common.rpc.blobs import Blob, chunks_of

_MAX_CANDIDATES = 16
_MAX_COARSE_MASK_BYTES = 1024 * 1024

_SEGMENTERS = {
    "auto": segmentation_pb2.BACKEND_UNSPECIFIED,
    "embedded": segmentation_pb2.BACKEND_EMBEDDED,
    "sam2": segmentation_pb2.BACKEND_SAM2,
}
_MATTINGS = {"fast": segmentation_pb2.MATTING_FAST, "quality": segmentation_pb2.MATTING_QUALITY}
_PRESENTATIONS = {
    "unknown": segmentation_pb2.PRESENTATION_UNSPECIFIED,
    "flat": segmentation_pb2.PRESENTATION_FLAT,
    "hanger": segmentation_pb2.PRESENTATION_HANGER,
    "worn": segmentation_pb2.PRESENTATION_WORN,
}
_PRIORITIES = {"interactive": priority_pb2.PRIORITY_INTERACTIVE, "bulk": priority_pb2.PRIORITY_BULK}


def segment_request(
    photo: PhotoSource, request_id: str, *, prompted: bool, **options: Unpack[SegmentWishes]
) -> tuple[segmentation_pb2.SegmentHeader, list[Blob]]:
    """Return the header and the parts of a Segment request.

    Args:
        photo: The photo.
        request_id: Id of the job.
        prompted: Whether prompts will follow, which not every backend takes.
        **options: Wishes; prompts among them are no part of it.

    Raises:
        BadField: An option has a value outside its limits, or two contradict each other.
        OSError: A file cannot be read.
        NotAnImage: A file is empty.
    """
    max_candidates = options.get("max_candidates", 0)
    check_range("max_candidates", max_candidates, _MAX_CANDIDATES)
    checkpoint, backend = options.get("checkpoint", ""), options.get("backend", "auto")
    if checkpoint and backend == "embedded":
        raise BadField(
            f"checkpoint is {checkpoint!r}, which the embedded backend does not have; leave it out, or use sam2",
            field="checkpoint",
        )
    if backend == "auto" and (prompted or checkpoint):
        backend = "sam2"
    blobs = [file_blob(PHOTO_PART, photo)]
    mask_hint = options.get("mask_hint")
    if mask_hint is not None:
        blobs.append(file_blob(MASK_PART, mask_hint))
    header = segmentation_pb2.SegmentHeader(
        request_id=request_id,
        blobs=[blob.header for blob in blobs],
        photo_part=PHOTO_PART,
        mask_hint_part=MASK_PART if mask_hint is not None else "",
        backend=choice("backend", backend, _SEGMENTERS),
        max_candidates=max_candidates,
        foreground=options.get("foreground", False),
        presentation=choice("presentation", options.get("presentation", "unknown"), _PRESENTATIONS),
    )
    if "matting" in options:
        header.matting = choice("matting", options["matting"], _MATTINGS)
    if checkpoint:
        header.sam2.checkpoint = checkpoint
    return header, blobs


def prompts_in(options: SegmentWishes) -> list[segmentation_pb2.Prompt]:
    """Return the one prompt of wishes that say where the garment is, else none; raises what `prompt_message` does."""
    points, box, coarse_mask = options.get("points", ()), options.get("box"), options.get("coarse_mask")
    if not points and box is None and coarse_mask is None:
        return []
    return [prompt_message(1, points=points, box=box, coarse_mask=coarse_mask)]


def prompt_message(number: int, **prompt: Unpack[PromptOptions]) -> segmentation_pb2.Prompt:
    """Return a prompt; what it says of the photo is for the server to judge.

    Args:
        number: Its number in the stream, from 1.
        **prompt: Where the garment is.

    Raises:
        BadField: It says nothing, or the coarse mask has more than 1 MiB.
        OSError: The coarse mask cannot be read.
        NotAnImage: The coarse mask is empty.
    """
    points, box, coarse_mask = prompt.get("points", ()), prompt.get("box"), prompt.get("coarse_mask")
    if not points and box is None and coarse_mask is None:
        raise BadField("the prompt says nothing; give points, a box or a coarse mask", field="prompt")
    message = segmentation_pb2.Prompt(
        number=number,
        points=[segmentation_pb2.Point(x=point.x, y=point.y, on_garment=point.on_garment) for point in points],
    )
    if box is not None:
        message.box.CopyFrom(segmentation_pb2.Box(left=box.left, top=box.top, right=box.right, bottom=box.bottom))
    if coarse_mask is not None:
        message.mask = read_photo(coarse_mask).data
        if len(message.mask) > _MAX_COARSE_MASK_BYTES:
            raise BadField(
                f"the coarse mask has {len(message.mask)} bytes, at most {_MAX_COARSE_MASK_BYTES} are taken; "
                "save it as a PNG in black and white",
                field="coarse_mask",
            )
    return message


def priority_of(name: str) -> priority_pb2.Priority.ValueType:
    """Return the wire form of a priority.

    Raises:
        BadField: It is none of them.
    """
    return choice("priority", name, _PRIORITIES)


def segment_messages(
    header: segmentation_pb2.SegmentHeader, blobs: Sequence[Blob], prompts: Iterable[segmentation_pb2.Prompt] = ()
) -> Iterator[segmentation_pb2.SegmentRequest]:
    """Return the messages of a Segment request in their order."""
    yield segmentation_pb2.SegmentRequest(header=header)
    for blob in blobs:
        for chunk in chunks_of(blob):
            yield segmentation_pb2.SegmentRequest(chunk=chunk)
    for prompt in prompts:
        yield segmentation_pb2.SegmentRequest(prompt=prompt)
