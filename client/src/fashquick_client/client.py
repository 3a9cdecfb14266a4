"""The asynchronous client."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Unpack

from fashquick.common.v1 import models_pb2, models_pb2_grpc, server_info_pb2, server_info_pb2_grpc
from fashquick.segmentation.v1 import segmentation_pb2_grpc
from fashquick.tryon.v1 import try_on_pb2, try_on_pb2_grpc
from fashquick_client import request
from fashquick_client.answers import SegmentAnswer, TryOnAnswer, cut_short
from fashquick_client.calls import (
    DEFAULT_TIMEOUT_S,
    INFO_TIMEOUT_S,
    Address,
    answered,
    messages_of,
    metadata_of,
    only,
    open_stream,
    retried,
)
from fashquick_client.collecting import Collector
from fashquick_client.events import Event
from fashquick_client.garment_calls import GarmentCalls
from fashquick_client.models import Model, ModelList, model_of
from fashquick_client.news import News, is_result
from fashquick_client.options import Garment, PriorityName, SegmentOptions, SegmentWishes, TryOnOptions
from fashquick_client.photos import PhotoSource
from fashquick_client.results import Segmentation, TryOnResult
from fashquick_client.services import DEFAULT_ENDPOINT, Service
from fashquick_client.session import SegmentSession
from fashquick_client.try_on_request import try_on_messages, try_on_request
from fashquick_common.errors import InternalError
from fashquick_common.rpc.blobs import Blob
from fashquick_common.rpc.request_id import check_request_id


class Client(GarmentCalls):
    """Calls fashquick servers. Use it within one event loop, as `async with Client(...) as client`.

    Connections are opened at the first call that needs them. Calls may run at the same time.

    Every call takes `timeout_s`, the seconds for all its attempts together, and `request_id`, its name in the
    servers' logs; without one the client makes one. Calls that the server cannot take now are tried up to three
    times within `timeout_s`; all attempts carry the same request id, so that a try-on goes on with the job that
    already runs. All calls raise `fashquick_common.errors.FashquickError`, and OSError for files.
    """

    def __init__(
        self,
        endpoint: str = DEFAULT_ENDPOINT,
        *,
        segmentation: str | None = None,
        features: str | None = None,
        generation: str | None = None,
        priority: PriorityName = "interactive",
    ) -> None:
        """Make a client that is not connected yet.

        Args:
            endpoint: `host:port` of the orchestrator, which makes pictures.
            segmentation: `host:port` of the segmentation service; by default where `fashquick up` puts it: on
                the orchestrator's host, one port up.
            features: `host:port` of the features service; by default two ports up.
            generation: `host:port` of the generation service, whose models can be managed; by default three ports up.
            priority: "interactive" where somebody waits for the answers; "bulk" for a whole catalogue, whose calls
                let interactive ones go first.

        Raises:
            BadField: The priority is none of these.
        """
        given = {Service.SEGMENTATION: segmentation, Service.FEATURES: features, Service.GENERATION: generation}
        super().__init__(endpoint, given, request.priority_of(priority))

    async def try_on(
        self,
        garments: PhotoSource | Garment | Sequence[PhotoSource | Garment],
        *,
        request_id: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        **options: Unpack[TryOnOptions],
    ) -> AsyncGenerator[Event, None]:
        """Picture a figure that wears garments; yield what happens, in order.

        Leaving the loop early cancels the job on the servers, at once if the generator is closed
        (`contextlib.aclosing`), else when Python collects it.

        Args:
            garments: What is worn, innermost first: photos, each a path or the bytes of an image file, or `Garment`s.
            request_id: Id of the job.
            timeout_s: Seconds for the whole job.
            **options: See `TryOnOptions`.

        Yields:
            `Accepted` first, then `Progress`, `StageFinished` and `Preview` as they come, and as soon as a view is
            finished its `Picture` and the `ConditionMap` of each output asked for, then `Finished`.
        """
        job = check_request_id(request_id or "")
        header, blobs = await asyncio.to_thread(try_on_request, garments, job, **options)
        header.priority = self._priority

        def attempt(seconds: float) -> AsyncGenerator[Event, None]:
            return self._try_on_once(header, blobs, seconds)

        news = News()
        async with aclosing(retried(attempt, timeout_s=timeout_s, is_result=is_result)) as events:
            async for event in events:
                if news.has(event):
                    yield event

    async def try_on_result(
        self,
        garments: PhotoSource | Garment | Sequence[PhotoSource | Garment],
        *,
        on_event: Callable[[Event], None] = lambda _: None,
        request_id: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        **options: Unpack[TryOnOptions],
    ) -> TryOnResult:
        """Picture a figure that wears garments; return the outcome.

        Args:
            garments: What is worn, innermost first: photos, each a path or the bytes of an image file, or `Garment`s.
            on_event: Told every event as it happens.
            request_id: Id of the job.
            timeout_s: Seconds for the whole job.
            **options: See `TryOnOptions`.
        """
        collector = Collector()
        async with aclosing(self.try_on(garments, request_id=request_id, timeout_s=timeout_s, **options)) as events:
            async for event in events:
                on_event(event)
                collector.add(event)
        if collector.result is not None:  # Read to the end, or the server would take the call for cancelled.
            return collector.result
        raise InternalError("the server's answer breaks the protocol: it has no manifest")

    async def segment(
        self,
        photo: PhotoSource,
        *,
        request_id: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        **options: Unpack[SegmentWishes],
    ) -> Segmentation:
        """Find the garment in a photo: by itself, or where points, a box or a coarse mask say that it is.

        Args:
            photo: Photo of the garment.
            request_id: Id of the job.
            timeout_s: Seconds for the whole job.
            **options: See `SegmentOptions` and `PromptOptions`.
        """
        job = check_request_id(request_id or "")
        prompts = await asyncio.to_thread(request.prompts_in, options)
        header, blobs = await asyncio.to_thread(request.segment_request, photo, job, prompted=bool(prompts), **options)
        header.priority = self._priority
        address = self._address(Service.SEGMENTATION)
        stub = segmentation_pb2_grpc.SegmentationServiceStub(self._channel(address))

        async def attempt(seconds: float) -> AsyncGenerator[Segmentation, None]:
            found: Segmentation | None = None
            answer = SegmentAnswer()
            answer.expect(prompts[0].number if prompts else 0)
            messages = messages_of(request.segment_messages(header, blobs, prompts))
            call = stub.Segment(messages, timeout=seconds, metadata=metadata_of(job))
            async with aclosing(open_stream(call, address)) as responses:
                async for response in responses:
                    found = answer.add(response) or found
            if found is None or not answer.complete:
                raise cut_short("Segment")
            yield found

        return await only(retried(attempt, timeout_s=timeout_s, is_result=bool))

    @contextlib.asynccontextmanager
    async def segmenting(
        self,
        photo: PhotoSource,
        *,
        request_id: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        **options: Unpack[SegmentOptions],
    ) -> AsyncIterator[SegmentSession]:
        """Upload a photo once and ask about it as often as needed, as long as the context lasts.

            async with client.segmenting("shirt.jpg") as session:
                first = await session.ask(points=[Point(300, 400)])
                better = await session.ask(points=[Point(300, 400), Point(40, 40, on_garment=False)])

        Args:
            photo: Photo of the garment.
            request_id: Id of the job.
            timeout_s: Seconds for each question, the first one's with the upload.
            **options: See `SegmentOptions`.

        Yields:
            What takes the questions.
        """
        job = check_request_id(request_id or "")
        header, blobs = await asyncio.to_thread(request.segment_request, photo, job, prompted=True, **options)
        header.priority = self._priority
        address = self._address(Service.SEGMENTATION)
        stub = segmentation_pb2_grpc.SegmentationServiceStub(self._channel(address))
        # No deadline: the caller may think as long as the server lets it.
        session = SegmentSession(
            header, blobs, lambda messages: stub.Segment(messages, metadata=metadata_of(job)), address, timeout_s
        )
        try:
            yield session
        except BaseException:
            await session.cancel()
            raise
        await session.close()

    async def server_info(
        self, service: Service | str = Service.ORCHESTRATOR, *, timeout_s: float = INFO_TIMEOUT_S
    ) -> server_info_pb2.GetServerInfoResponse:
        """Ask a server what it is, whether it is ready, and what it accepts.

        Args:
            service: Which server.
            timeout_s: Seconds for the call.
        """
        address = self._address(Service(service))
        stub = server_info_pb2_grpc.ServerInfoServiceStub(self._channel(address))

        wanted = server_info_pb2.GetServerInfoRequest()
        return await answered(lambda seconds: stub.GetServerInfo(wanted, timeout=seconds), address, timeout_s)

    async def list_models(
        self, service: Service | str = Service.SEGMENTATION, *, timeout_s: float = INFO_TIMEOUT_S
    ) -> ModelList:
        """Ask a server which weights it knows, and which of them are installed and loaded.

        Args:
            service: Which server.
            timeout_s: Seconds for the call.
        """
        address, stub = self._models(service)
        wanted = models_pb2.ListModelsRequest()
        answer = await answered(lambda seconds: stub.ListModels(wanted, timeout=seconds), address, timeout_s)
        return ModelList(tuple(map(model_of, answer.models)), answer.budget_bytes)

    async def load_model(
        self, name: str, service: Service | str = Service.SEGMENTATION, *, timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> Model:
        """Have a server verify and load weights, so that the next call need not wait for them.

        Args:
            name: Name of the model, as it is listed.
            service: Which server.
            timeout_s: Seconds for the call.
        """
        address, stub = self._models(service)
        wanted = models_pb2.LoadModelRequest(name=name)
        answer = await answered(lambda seconds: stub.LoadModel(wanted, timeout=seconds), address, timeout_s)
        return model_of(answer.model)

    async def unload_model(
        self, name: str, service: Service | str = Service.SEGMENTATION, *, timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> Model:
        """Have a server unload weights; raises `ModelInUse` while calls compute with them.

        Args:
            name: Name of the model, as it is listed.
            service: Which server.
            timeout_s: Seconds for the call.
        """
        address, stub = self._models(service)
        wanted = models_pb2.UnloadModelRequest(name=name)
        answer = await answered(lambda seconds: stub.UnloadModel(wanted, timeout=seconds), address, timeout_s)
        return model_of(answer.model)

    async def verify_model(
        self, name: str, service: Service | str = Service.SEGMENTATION, *, timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> Model:
        """Have a server compare the SHA-256 of weights with the listed one: some seconds a gigabyte.

        Args:
            name: Name of the model, as it is listed.
            service: Which server.
            timeout_s: Seconds for the call.
        """
        address, stub = self._models(service)
        wanted = models_pb2.VerifyModelRequest(name=name)
        answer = await answered(lambda seconds: stub.VerifyModel(wanted, timeout=seconds), address, timeout_s)
        return model_of(answer.model)

    async def _try_on_once(
        self, header: try_on_pb2.TryOnHeader, blobs: list[Blob], seconds: float
    ) -> AsyncGenerator[Event, None]:
        address = self._address(Service.ORCHESTRATOR)
        stub = try_on_pb2_grpc.TryOnServiceStub(self._channel(address))
        answer = TryOnAnswer()
        messages = messages_of(try_on_messages(header, blobs))
        call = stub.TryOn(messages, timeout=seconds, metadata=metadata_of(header.request_id))
        async with aclosing(open_stream(call, address)) as responses:
            async for response in responses:
                for event in answer.events(response):
                    yield event
        if not answer.complete:
            raise cut_short("TryOn")

    def _models(self, service: Service | str) -> tuple[Address, models_pb2_grpc.ModelServiceAsyncStub]:
        address = self._address(Service(service))
        return address, models_pb2_grpc.ModelServiceStub(self._channel(address))
