"""The asynchronous client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from types import TracebackType
from typing import Self, TypeVar, Unpack

import grpc

from fashquick.common.v1 import server_info_pb2, server_info_pb2_grpc
from fashquick.features.v1 import features_pb2, features_pb2_grpc
from fashquick.segmentation.v1 import segmentation_pb2_grpc
from fashquick.tryon.v1 import try_on_pb2, try_on_pb2_grpc
from fashquick_client import request
from fashquick_client.answers import SegmentAnswer, TryOnAnswer, cut_short, passport_of, stage_of
from fashquick_client.calls import Address, messages_of, metadata_of, only_response, open_stream, retried
from fashquick_client.events import (
    Accepted,
    ConditionMap,
    Event,
    Finished,
    Picture,
    Progress,
    StageFinished,
)
from fashquick_client.options import PriorityName, TryOnOptions
from fashquick_client.photos import PhotoSource
from fashquick_client.pixels import PixelMap
from fashquick_client.results import Segmentation, TryOnResult
from fashquick_client.services import DEFAULT_ENDPOINT, Service, beside
from fashquick_common.errors import InternalError
from fashquick_common.garment import Category, Passport
from fashquick_common.rpc.blobs import Blob
from fashquick_common.rpc.channel import open_channel
from fashquick_common.rpc.request_id import check_request_id

DEFAULT_TIMEOUT_S = 120.0  # A picture takes seconds; a busy server with a line of eight, a minute or two.
_INFO_TIMEOUT_S = 10.0

T = TypeVar("T")


class Client:
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
        priority: PriorityName = "interactive",
    ) -> None:
        """Make a client that is not connected yet.

        Args:
            endpoint: `host:port` of the orchestrator, which makes pictures.
            segmentation: `host:port` of the segmentation service; by default where `fashquick up` puts it: on
                the orchestrator's host, one port up.
            features: `host:port` of the features service; by default two ports up.
            priority: "interactive" where somebody waits for the answers; "bulk" for a whole catalogue, whose calls
                let interactive ones go first.

        Raises:
            BadField: The priority is none of these.
        """
        self._endpoint = endpoint
        self._priority = request.priority_of(priority)
        self._given = {
            Service.ORCHESTRATOR: endpoint,
            Service.SEGMENTATION: segmentation,
            Service.FEATURES: features,
        }
        self._channels: dict[str, grpc.aio.Channel] = {}

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        await self.close()

    async def close(self) -> None:
        """End all calls and connections."""
        channels, self._channels = self._channels, {}
        for channel in channels.values():
            await channel.close(grace=None)

    async def try_on(
        self,
        photo: PhotoSource,
        *,
        request_id: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        **options: Unpack[TryOnOptions],
    ) -> AsyncGenerator[Event, None]:
        """Picture a figure that wears the garment; yield what happens, in order.

        Leaving the loop early cancels the job on the servers, at once if the generator is closed
        (`contextlib.aclosing`), else when Python collects it.

        Args:
            photo: Photo of the garment, a path or the bytes of an image file.
            request_id: Id of the job.
            timeout_s: Seconds for the whole job.
            **options: See `TryOnOptions`.

        Yields:
            `Accepted` first, then `Progress`, `StageFinished` and `Preview` as they come, then `Picture` and the
            `ConditionMap` of each output asked for, then `Finished`.
        """
        job = check_request_id(request_id or "")
        header, blobs = await asyncio.to_thread(request.try_on_request, photo, job, **options)
        header.priority = self._priority

        def attempt(seconds: float) -> AsyncGenerator[Event, None]:
            return self._try_on_once(header, blobs, seconds)

        news = _News()
        async with aclosing(retried(attempt, timeout_s=timeout_s, is_result=_is_result)) as events:
            async for event in events:
                if news.has(event):
                    yield event

    async def try_on_result(
        self,
        photo: PhotoSource,
        *,
        on_event: Callable[[Event], None] = lambda _: None,
        request_id: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        **options: Unpack[TryOnOptions],
    ) -> TryOnResult:
        """Picture a figure that wears the garment; return the outcome.

        Args:
            photo: Photo of the garment, a path or the bytes of an image file.
            on_event: Told every event as it happens.
            request_id: Id of the job.
            timeout_s: Seconds for the whole job.
            **options: See `TryOnOptions`.
        """
        picture: Picture | None = None
        result: TryOnResult | None = None
        maps = {}
        async with aclosing(self.try_on(photo, request_id=request_id, timeout_s=timeout_s, **options)) as events:
            async for event in events:
                on_event(event)
                match event:
                    case Picture():
                        picture = event
                    case ConditionMap(kind, pixels):
                        maps[kind] = pixels
                    case Finished(manifest) if picture is not None:
                        seconds = {stage_of(record.stage): record.seconds for record in manifest.stages}
                        result = TryOnResult(picture.data, picture.media_type, maps, seconds, manifest)
        if result is not None:  # Read to the end, or the server would take the call for cancelled.
            return result
        raise InternalError("the server's answer breaks the protocol: it has no picture")

    async def segment(
        self,
        photo: PhotoSource,
        *,
        mask_hint: PhotoSource | None = None,
        max_candidates: int = 0,
        request_id: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> Segmentation:
        """Find the garment in a photo.

        Args:
            photo: Photo of the garment.
            mask_hint: A rough mask of the photo's size, 0 ground to 255 garment.
            max_candidates: Most other masks to return, 0 to 16.
            request_id: Id of the job.
            timeout_s: Seconds for the whole job.
        """
        job = check_request_id(request_id or "")
        header, blobs = await asyncio.to_thread(
            request.segment_request, photo, job, mask_hint=mask_hint, max_candidates=max_candidates
        )
        header.priority = self._priority
        address = self._address(Service.SEGMENTATION)
        stub = segmentation_pb2_grpc.SegmentationServiceStub(self._channel(address))

        async def attempt(seconds: float) -> AsyncGenerator[Segmentation, None]:
            answer = SegmentAnswer()
            messages = messages_of(request.segment_messages(header, blobs))
            call = stub.Segment(messages, timeout=seconds, metadata=metadata_of(job))
            async with aclosing(open_stream(call, address)) as responses:
                async for response in responses:
                    result = answer.add(response)
                    if result is not None:
                        yield result
                        return
            raise cut_short("Segment")

        return await _only(retried(attempt, timeout_s=timeout_s, is_result=bool))

    async def extract_features(
        self,
        photo: PhotoSource,
        alpha: PixelMap | PhotoSource,
        *,
        category: Category | str | None = None,
        request_id: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> Passport:
        """Describe a garment.

        Args:
            photo: Photo of the garment.
            alpha: The garment's soft mask: `Segmentation.alpha`, or an image file of the photo's size.
            category: Kind of garment if it is known; it is then not guessed.
            request_id: Id of the job.
            timeout_s: Seconds for the whole job.
        """
        job = check_request_id(request_id or "")
        header, blobs = await asyncio.to_thread(request.features_request, photo, alpha, job, category=category)
        header.priority = self._priority
        address = self._address(Service.FEATURES)
        stub = features_pb2_grpc.FeaturesServiceStub(self._channel(address))

        def attempt(seconds: float) -> AsyncGenerator[features_pb2.ExtractFeaturesResponse, None]:
            messages = messages_of(request.features_messages(header, blobs))
            call = stub.ExtractFeatures(messages, timeout=seconds, metadata=metadata_of(job))
            return only_response(call, address)

        response = await _only(retried(attempt, timeout_s=timeout_s, is_result=bool))
        return passport_of(response.passport)

    async def server_info(
        self, service: Service | str = Service.ORCHESTRATOR, *, timeout_s: float = _INFO_TIMEOUT_S
    ) -> server_info_pb2.GetServerInfoResponse:
        """Ask a server what it is, whether it is ready, and what it accepts.

        Args:
            service: Which server.
            timeout_s: Seconds for the call.
        """
        address = self._address(Service(service))
        stub = server_info_pb2_grpc.ServerInfoServiceStub(self._channel(address))

        def attempt(seconds: float) -> AsyncGenerator[server_info_pb2.GetServerInfoResponse, None]:
            call = stub.GetServerInfo(server_info_pb2.GetServerInfoRequest(), timeout=seconds)
            return only_response(call, address)

        return await _only(retried(attempt, timeout_s=timeout_s, is_result=bool))

    async def _try_on_once(
        self, header: try_on_pb2.TryOnHeader, blobs: list[Blob], seconds: float
    ) -> AsyncGenerator[Event, None]:
        address = self._address(Service.ORCHESTRATOR)
        stub = try_on_pb2_grpc.TryOnServiceStub(self._channel(address))
        answer = TryOnAnswer()
        messages = messages_of(request.try_on_messages(header, blobs))
        call = stub.TryOn(messages, timeout=seconds, metadata=metadata_of(header.request_id))
        async with aclosing(open_stream(call, address)) as responses:
            async for response in responses:
                for event in answer.events(response):
                    yield event
        if not answer.complete:
            raise cut_short("TryOn")

    def _address(self, service: Service) -> Address:
        return Address(service, self._given.get(service) or beside(self._endpoint, service))

    def _channel(self, address: Address) -> grpc.aio.Channel:
        channel = self._channels.get(address.endpoint)
        if channel is None:
            channel = self._channels[address.endpoint] = open_channel(address.endpoint)
        return channel


class _News:
    """Tells what a caller has not heard: a second attempt reports the same job from its beginning."""

    def __init__(self) -> None:
        self._accepted = False
        self._finished: set[str] = set()
        self._fractions: dict[str, float] = {}

    def has(self, event: Event) -> bool:
        match event:
            case Accepted():
                known, self._accepted = self._accepted, True
                return not known
            case StageFinished(stage):
                known = stage in self._finished
                self._finished.add(stage)
                return not known
            case Progress(stage, _, fraction):
                if stage in self._finished or fraction < self._fractions.get(stage, 0.0):
                    return False
                self._fractions[stage] = fraction
        return True


def _is_result(event: Event) -> bool:
    return isinstance(event, (Picture, ConditionMap, Finished))


async def _only(answers: AsyncGenerator[T, None]) -> T:
    async with aclosing(answers):
        answer = await anext(answers)
        async for _ in answers:  # Read to the end, or the server would take the call for cancelled.
            pass
        return answer
