"""What a generator has made, as messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from fashquick.common.v1 import blob_pb2, progress_pb2
from fashquick.generation.v1 import generation_pb2 as pb
from fashquick.generation.v1 import scene_pb2
from fashquick_common.rpc.blobs import Blob, chunks_of, make_blob
from fashquick_common.server.pictures import gray8_blob, rgb8_blob, rgba8_blob, uv16_blob
from fashquick_generation.engine import Float32Array, Picture, Progress, Turntable, UInt8Array, Visibility
from fashquick_generation.messages.diffusion import record_to_proto
from fashquick_generation.messages.kinds import MAPS


class Answer:
    """The messages of one answer, and what its end must say of them."""

    def __init__(self, backend: str) -> None:
        """Begin the answer of a backend."""
        self._backend = backend
        self._outputs: list[pb.Output] = []
        self._headers: list[blob_pb2.BlobHeader] = []
        self._facts: dict[int, Mapping[str, float]] = {}
        self._previews = 0

    def progress(self, progress: Progress) -> Iterator[pb.GenerateResponse]:
        """Yield what tells a sign of life, and its preview."""
        yield pb.GenerateResponse(progress=progress_pb2.Progress(step=progress.step, fraction=progress.fraction))
        if progress.preview is not None:
            yield from _sent(rgb8_blob(f"preview/{self._previews}", progress.preview))
            self._previews += 1

    def view(self, view: pb.FinishedView, parts: list[Blob]) -> Iterator[pb.GenerateResponse]:
        """Yield what tells a finished view, and its parts."""
        self._outputs += view.outputs
        self._headers += (part.header for part in parts)
        self._facts[view.view] = view.facts
        view.backend = self._backend
        yield pb.GenerateResponse(view=view)
        for part in parts:
            yield from _sent(part)

    def output(self, output: pb.Output, part: Blob) -> Iterator[pb.GenerateResponse]:
        """Yield what tells something that belongs to no single view, and its part."""
        self._outputs.append(output)
        self._headers.append(part.header)
        yield pb.GenerateResponse(output=output)
        yield from _sent(part)

    def end(self, result: pb.GenerateResult) -> Iterator[pb.GenerateResponse]:
        """Yield the result, completed with all that was sent, and the summary."""
        result.outputs.extend(self._outputs)
        result.facts.update(self._facts.get(0, {}))
        yield pb.GenerateResponse(result=result)
        yield pb.GenerateResponse(summary=blob_pb2.Summary(blobs=self._headers))


def _sent(part: Blob) -> Iterator[pb.GenerateResponse]:
    yield pb.GenerateResponse(blob=part.header)
    for chunk in chunks_of(part):
        yield pb.GenerateResponse(chunk=chunk)


def finished_view(picture: Picture) -> tuple[pb.FinishedView, list[Blob]]:
    """Return the wire form of a picture, and its parts."""
    name = f"view/{picture.view}/"
    parts = [_picture_blob(f"{name}picture", picture)]
    outputs = [_output(scene_pb2.OUTPUT_KIND_PICTURE, parts[0], picture)]
    for kind, map_kind in MAPS.items():
        if map_kind in picture.maps:
            parts.append(_map_blob(name + map_kind.value, picture.maps[map_kind]))
            outputs.append(_output(kind, parts[-1], picture))
    points = [
        scene_pb2.Keypoint(name=point.name, x=point.x, y=point.y, visible=point.visibility is Visibility.VISIBLE)
        for point in picture.key_points
    ]
    view = pb.FinishedView(
        view=picture.view,
        outputs=outputs,
        facts=picture.facts,
        keypoints=points,
        diffusion=None if picture.making is None else record_to_proto(picture.making),
    )
    return view, parts


def finished_turntable(turntable: Turntable) -> tuple[pb.Output, Blob]:
    """Return the wire form of an animation, and its part."""
    part = make_blob("turntable", turntable.webp, media_type="image/webp")
    return pb.Output(kind=scene_pb2.OUTPUT_KIND_TURNTABLE, part=part.part), part


def _output(kind: scene_pb2.OutputKind.ValueType, part: Blob, picture: Picture) -> pb.Output:
    return pb.Output(kind=kind, part=part.part, view=picture.view)


def _picture_blob(part: str, picture: Picture) -> Blob:
    if picture.alpha is None:
        return rgb8_blob(part, picture.rgb)
    return rgba8_blob(part, np.dstack([picture.rgb, picture.alpha]))


def _map_blob(part: str, pixels: UInt8Array | Float32Array) -> Blob:
    if pixels.dtype == np.float32:
        return uv16_blob(part, pixels.astype(np.float32, copy=False))
    image = pixels.astype(np.uint8, copy=False)
    return gray8_blob(part, image) if image.ndim == 2 else rgb8_blob(part, image)
