"""Finished pictures and maps on their way to the caller."""

from __future__ import annotations

import time

from fashquick.generation.v1 import scene_pb2
from fashquick.tryon.v1 import try_on_pb2 as pb
from fashquick_common.image import synthetic_media_xmp
from fashquick_common.rpc.blobs import Blob
from fashquick_common.server.kit import Kit
from fashquick_orchestrator.account import Account, Step
from fashquick_orchestrator.generating import GeneratedView
from fashquick_orchestrator.handover import encode_picture, encode_preview, mark_turntable
from fashquick_orchestrator.manifest import STUDIO, source_type_of
from fashquick_orchestrator.values import Preview, ResultPart, Stage, StageRun, TryOnJob

MAPS = {
    pb.OUTPUT_KIND_DEPTH: scene_pb2.OUTPUT_KIND_DEPTH,
    pb.OUTPUT_KIND_NORMAL: scene_pb2.OUTPUT_KIND_NORMAL,
    pb.OUTPUT_KIND_POSE: scene_pb2.OUTPUT_KIND_POSE,
    pb.OUTPUT_KIND_PARTS: scene_pb2.OUTPUT_KIND_PARTS,
    pb.OUTPUT_KIND_GARMENT_MASK: scene_pb2.OUTPUT_KIND_GARMENT_MASK,
    pb.OUTPUT_KIND_GARMENT_INDEX: scene_pb2.OUTPUT_KIND_GARMENT_INDEX,
    pb.OUTPUT_KIND_PROTECTED_MASK: scene_pb2.OUTPUT_KIND_PROTECTED_MASK,
    pb.OUTPUT_KIND_SHADOW: scene_pb2.OUTPUT_KIND_SHADOW,
    pb.OUTPUT_KIND_KEYPOINTS: scene_pb2.OUTPUT_KIND_KEYPOINTS,
    pb.OUTPUT_KIND_TURNTABLE: scene_pb2.OUTPUT_KIND_TURNTABLE,
    pb.OUTPUT_KIND_BASE: scene_pb2.OUTPUT_KIND_BASE,
}
"""Maps that generation makes, by what the caller asks for."""


class Telling:
    """Writes the pictures of one job and tells their parts."""

    def __init__(self, kit: Kit, job: TryOnJob, account: Account) -> None:
        """Make it.

        Args:
            kit: What the server's calls share.
            job: The job.
            account: Tells whoever listens.
        """
        self._kit = kit
        self._job = job
        self._account = account
        self._encoding_s = 0.0

    async def preview(self, blob: Blob) -> None:
        """Tell an early look at a picture."""
        self._account.listener.passing(Preview(await self._kit.codec(lambda: encode_preview(blob))))

    async def view(self, view: GeneratedView) -> None:
        """Write a view's picture and tell its parts."""
        started = time.monotonic()
        xmp = self._xmp(view.backend)
        drawn = view.outputs[scene_pb2.OUTPUT_KIND_PICTURE]
        name = f"view/{view.index}/"
        with self._account.blamed(Stage.ENCODING, {}):
            picture = await self._kit.codec(
                lambda: encode_picture(drawn, name + "picture", self._job.picture_format, xmp)
            )
        self._encoding_s += time.monotonic() - started
        self._account.part(ResultPart(pb.OUTPUT_KIND_PICTURE, picture, view=view.index))
        for kind, made in MAPS.items():
            if kind in self._job.outputs and made in view.outputs:
                self._account.part(ResultPart(kind, view.outputs[made], view=view.index))

    async def turntable(self, turntable: Blob) -> None:
        """Tell the animation, which the studio draws for every backend; a retry's, the same again, is told once."""
        if any(part.kind == pb.OUTPUT_KIND_TURNTABLE for part in self._account.parts):
            return
        with self._account.blamed(Stage.ENCODING, {}):
            marked = await self._kit.codec(lambda: mark_turntable(turntable, self._xmp(STUDIO)))
        self._account.part(ResultPart(pb.OUTPUT_KIND_TURNTABLE, marked))

    def finished(self) -> None:
        """Record that all pictures are written."""
        self._account.finished(Stage.ENCODING, Step(StageRun("", "", self._account.version, 0.0)), self._encoding_s)

    def _xmp(self, backend: str) -> bytes:
        """Return what a picture of a backend says of itself."""
        return synthetic_media_xmp(f"fashquick {self._account.version}", source_type_of(backend))
