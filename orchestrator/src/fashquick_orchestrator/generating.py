"""What generation answers, message by message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from fashquick.generation.v1 import generation_pb2 as pb
from fashquick.generation.v1 import scene_pb2
from fashquick_common.rpc.blobs import Blob
from fashquick_orchestrator.peer import Parts


@dataclass(frozen=True, slots=True)
class GeneratedView:
    """A finished view.

    Attributes:
        index: Of the view.
        outputs: Parts by number of the `fashquick.generation.v1.OutputKind`.
        facts: Measures of the computation.
        keypoints: Of the figure, where they were asked for.
        backend: That made it.
    """

    index: int
    outputs: Mapping[int, Blob]
    facts: Mapping[str, float]
    keypoints: tuple[scene_pb2.Keypoint, ...]
    backend: str


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
    )
