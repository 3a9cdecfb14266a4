"""ModelService: what weights a server has, for those who operate it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

import grpc

from fashquick.common.v1 import models_pb2 as pb
from fashquick.common.v1 import models_pb2_grpc
from fashquick_common.cancel import CancelFlag
from fashquick_common.models import ModelManager, ModelState
from fashquick_common.server.kit import Kit
from fashquick_common.server.line import ComputeLine, LineLimits

_WAITING_MAX = 8  # Calls of each kind that may wait: there are fewer operators.

T = TypeVar("T")
Context = grpc.aio.ServicerContext[Any, Any]


class ModelServicer(models_pb2_grpc.ModelServiceServicer):
    """Answers ModelService with the models of one server.

    However many calls come, they have two threads: one reads and loads files, the other only looks, so that a list
    never waits for a load. Neither is the compute thread; calls about photos go on meanwhile.
    """

    def __init__(self, kit: Kit, models: ModelManager) -> None:
        """Make it inside the event loop.

        Args:
            kit: What the server's calls share.
            models: What is asked and told.
        """
        self._kit = kit
        self._models = models
        limits = LineLimits(queue_length=_WAITING_MAX, bulk_queue_length=0)
        self._looking, self._changing = ComputeLine(limits), ComputeLine(limits)

    async def ListModels(  # noqa: N802 - the contract's name
        self,
        request: pb.ListModelsRequest,  # noqa: ARG002 - it has no fields
        context: Context,
    ) -> pb.ListModelsResponse:
        """List the models, in every state of the server."""
        states = await self._done(self._looking, lambda _: self._models.states(), context)
        return pb.ListModelsResponse(models=map(_message, states), budget_bytes=self._models.budget_bytes)

    async def LoadModel(  # noqa: N802 - likewise
        self, request: pb.LoadModelRequest, context: Context
    ) -> pb.LoadModelResponse:
        """Load a model."""
        model = await self._changed(lambda flag: self._models.load(request.name, flag), context)
        return pb.LoadModelResponse(model=model)

    async def UnloadModel(  # noqa: N802 - likewise
        self, request: pb.UnloadModelRequest, context: Context
    ) -> pb.UnloadModelResponse:
        """Unload a model that is not in use."""
        model = await self._changed(lambda _: self._models.unload(request.name), context)
        return pb.UnloadModelResponse(model=model)

    async def VerifyModel(  # noqa: N802 - likewise
        self, request: pb.VerifyModelRequest, context: Context
    ) -> pb.VerifyModelResponse:
        """Verify a model's file."""
        model = await self._changed(lambda flag: self._models.verify(request.name, flag), context)
        return pb.VerifyModelResponse(model=model)

    async def _changed(self, work: Callable[[CancelFlag], ModelState], context: Context) -> pb.Model:
        self._kit.check_accepting()
        return _message(await self._done(self._changing, work, context))

    async def _done(self, line: ComputeLine, work: Callable[[CancelFlag], T], context: Context) -> T:
        # No flag of the kit's, whose steps are those of computations.
        flag = CancelFlag(deadline=time.monotonic() + self._kit.seconds_left(context))
        answer, _ = await line.run(lambda: work(flag), flag)
        return answer

    async def close(self) -> None:
        """End both threads after what they are doing."""
        await asyncio.gather(*(asyncio.to_thread(line.close) for line in (self._looking, self._changing)))


def _message(state: ModelState) -> pb.Model:
    return pb.Model(
        name=state.name,
        backend=state.backend,
        file=state.file or "",
        sha256=state.sha256 or "",
        verified=state.verified,
        loaded=state.loaded,
        users=state.users,
        weight_bytes=state.weight_bytes,
        is_default=state.is_default,
    )
