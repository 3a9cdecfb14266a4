"""The client for programs without asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from fashquick_client.calls import DEFAULT_TIMEOUT_S, INFO_TIMEOUT_S
from fashquick_client.client import Client
from fashquick_client.events import Event
from fashquick_client.models import Model, ModelList
from fashquick_client.options import (
    Garment,
    PriorityName,
    PromptOptions,
    ReadTextName,
    SegmentOptions,
    SegmentWishes,
    TryOnOptions,
)
from fashquick_client.photos import PhotoSource
from fashquick_client.pixels import PixelMap
from fashquick_client.results import FidelityResult, Segmentation, TryOnResult
from fashquick_client.services import DEFAULT_ENDPOINT, Service
from fashquick_client.session import SegmentSession
from fashquick_common.garment import Category, KnownLength, Passport

if TYPE_CHECKING:
    from fashquick.common.v1 import server_info_pb2

T = TypeVar("T")


class SyncClient:
    """`Client` with plain methods, for any thread. Use it as `with SyncClient(...) as client`.

    Runs an event loop in a thread of its own. Several threads may call it at the same time.
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
        """Start the thread; arguments as for `Client`."""
        client = Client(
            endpoint, segmentation=segmentation, features=features, generation=generation, priority=priority
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fashquick-client", daemon=True)
        self._thread.start()
        self._client = client

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        self.close()

    def close(self) -> None:
        """End all calls, connections and the thread. Calling it again changes nothing."""
        if self._loop.is_closed():
            return
        self._wait(self._client.close())
        self._wait(self._loop.shutdown_asyncgens())
        self._wait(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def try_on(
        self,
        garments: PhotoSource | Garment | Sequence[PhotoSource | Garment],
        *,
        request_id: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        **options: Unpack[TryOnOptions],
    ) -> Generator[Event, None, None]:
        """Picture a figure that wears garments; see `Client.try_on`. Leaving the loop early cancels the job."""
        events = self._client.try_on(garments, request_id=request_id, timeout_s=timeout_s, **options)
        try:
            while (event := self._wait(_next(events))) is not None:
                yield event
        finally:
            if not self._loop.is_closed():  # Else closing the client has ended the job already.
                self._wait(events.aclose())

    def try_on_result(
        self,
        garments: PhotoSource | Garment | Sequence[PhotoSource | Garment],
        *,
        on_event: Callable[[Event], None] = lambda _: None,
        request_id: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        **options: Unpack[TryOnOptions],
    ) -> TryOnResult:
        """Picture a figure that wears garments; see `Client.try_on_result`.

        `on_event` is called in the thread of the event loop.
        """
        return self._wait(
            self._client.try_on_result(
                garments, on_event=on_event, request_id=request_id, timeout_s=timeout_s, **options
            )
        )

    def segment(
        self,
        photo: PhotoSource,
        *,
        request_id: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        **options: Unpack[SegmentWishes],
    ) -> Segmentation:
        """Find the garment in a photo; see `Client.segment`."""
        return self._wait(self._client.segment(photo, request_id=request_id, timeout_s=timeout_s, **options))

    @contextlib.contextmanager
    def segmenting(
        self,
        photo: PhotoSource,
        *,
        request_id: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        **options: Unpack[SegmentOptions],
    ) -> Iterator[SyncSegmentSession]:
        """Upload a photo once and ask about it as often as needed; see `Client.segmenting`."""
        opened = self._client.segmenting(photo, request_id=request_id, timeout_s=timeout_s, **options)
        session = self._wait(opened.__aenter__())
        raised: tuple[type[BaseException] | None, BaseException | None, TracebackType | None] = None, None, None
        try:
            yield SyncSegmentSession(session, self._wait)
        except BaseException as error:
            raised = type(error), error, error.__traceback__
            raise
        finally:
            if not self._loop.is_closed():  # Else closing the client has ended the session already.
                self._wait(opened.__aexit__(*raised))

    def extract_features(
        self,
        photo: PhotoSource,
        alpha: PixelMap | PhotoSource,
        *,
        category: Category | str | None = None,
        known_length: KnownLength | None = None,
        read_text: ReadTextName = "auto",
        request_id: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> Passport:
        """Describe a garment; see `Client.extract_features`."""
        return self._wait(
            self._client.extract_features(
                photo,
                alpha,
                category=category,
                known_length=known_length,
                read_text=read_text,
                request_id=request_id,
                timeout_s=timeout_s,
            )
        )

    def score_fidelity(
        self,
        photo: PhotoSource,
        alpha: PixelMap | PhotoSource,
        picture: PhotoSource,
        region: PixelMap | PhotoSource,
        *,
        uv: PixelMap | None = None,
        prior: PhotoSource | None = None,
        passport: Passport | None = None,
        read_text: ReadTextName = "auto",
        request_id: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> FidelityResult:
        """Say in numbers whether a garment survived in a picture; see `Client.score_fidelity`."""
        return self._wait(
            self._client.score_fidelity(
                photo,
                alpha,
                picture,
                region,
                uv=uv,
                prior=prior,
                passport=passport,
                read_text=read_text,
                request_id=request_id,
                timeout_s=timeout_s,
            )
        )

    def server_info(
        self, service: Service | str = Service.ORCHESTRATOR, *, timeout_s: float = INFO_TIMEOUT_S
    ) -> server_info_pb2.GetServerInfoResponse:
        """Ask a server what it is; see `Client.server_info`."""
        return self._wait(self._client.server_info(service, timeout_s=timeout_s))

    def list_models(
        self, service: Service | str = Service.SEGMENTATION, *, timeout_s: float = INFO_TIMEOUT_S
    ) -> ModelList:
        """Ask a server which weights it knows; see `Client.list_models`."""
        return self._wait(self._client.list_models(service, timeout_s=timeout_s))

    def load_model(
        self, name: str, service: Service | str = Service.SEGMENTATION, *, timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> Model:
        """Have a server load weights; see `Client.load_model`."""
        return self._wait(self._client.load_model(name, service, timeout_s=timeout_s))

    def unload_model(
        self, name: str, service: Service | str = Service.SEGMENTATION, *, timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> Model:
        """Have a server unload weights; see `Client.unload_model`."""
        return self._wait(self._client.unload_model(name, service, timeout_s=timeout_s))

    def verify_model(
        self, name: str, service: Service | str = Service.SEGMENTATION, *, timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> Model:
        """Have a server verify weights; see `Client.verify_model`."""
        return self._wait(self._client.verify_model(name, service, timeout_s=timeout_s))

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            # Also KeyboardInterrupt: what the caller no longer waits for must not go on computing.
            future.cancel()
            raise


class SyncSegmentSession:
    """A photo about which one may ask again and again, for any thread; `SyncClient.segmenting` opens it."""

    def __init__(
        self, session: SegmentSession, wait: Callable[[Coroutine[Any, Any, Segmentation]], Segmentation]
    ) -> None:
        """Make it of the asynchronous one and of what waits for its answers."""
        self._session = session
        self._wait = wait

    def ask(self, **prompt: Unpack[PromptOptions]) -> Segmentation:
        """Say where the garment is and is not; see `SegmentSession.ask`."""
        return self._wait(self._session.ask(**prompt))


async def _next(events: AsyncIterator[Event]) -> Event | None:
    return await anext(events, None)
