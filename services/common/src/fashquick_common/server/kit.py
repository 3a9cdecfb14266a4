"""What a servicer works with: settings, admission, codecs, counters."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from functools import partial
from typing import Any, TypeVar

import grpc

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import Draining, ImageTooLarge, Loading
from fashquick_common.priority import Priority
from fashquick_common.rpc.blobs import Blob
from fashquick_common.server.budget import ByteBudget
from fashquick_common.server.line import BatchWork, ComputeLine
from fashquick_common.server.pictures import decode_bytes
from fashquick_common.server.settings import ServerSettings
from fashquick_common.server.telemetry import Metrics
from fashquick_common.server.tracing import Tracing

T = TypeVar("T")
Item = TypeVar("Item")
R = TypeVar("R")

_RETRY_S = 0.5


class State(Enum):
    """Where a server is in its life."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


class StepCounter:
    """Counts compute steps over all calls; thread-safe."""

    def __init__(self) -> None:
        """Start at 0."""
        self._lock = threading.Lock()
        self.total = 0

    def add(self) -> None:
        """Count one step."""
        with self._lock:
            self.total += 1


class Kit:
    """The parts that all calls of one server share. Made inside the event loop.

    Attributes:
        settings: The server's settings.
        metrics: Its metrics.
        budget: Bytes that uploads may take.
        decoding: Bytes that reading image files may take.
        compute: The compute thread and its line.
        tracing: Makes its spans.
        steps: Compute steps so far.
        state: Where the server is in its life.
    """

    def __init__(self, settings: ServerSettings, tracing: Tracing | None = None) -> None:
        """Start the compute thread and the codec pool; without `tracing` no spans are made."""
        self.settings = settings
        self.tracing = tracing or Tracing()
        self.metrics = Metrics()
        self.budget = ByteBudget(settings.byte_budget, "uploads")
        self.decoding = ByteBudget(settings.decode_budget, "reading pictures")
        self.compute = ComputeLine(
            settings.line_limits, self.metrics.compute_seconds.observe, self.metrics.batch_calls.observe
        )
        self.steps = StepCounter()
        self.state = State.STARTING
        self._active = 0
        self._codecs = ThreadPoolExecutor(max_workers=settings.codec_threads, thread_name_prefix="codec")
        for priority in Priority:
            self.metrics.waiting.labels(priority.name.lower()).set_function(
                partial(self.compute.waiting_with, priority)
            )
        self.metrics.bytes_taken.set_function(lambda: self.budget.taken)

    def check_accepting(self) -> None:
        """Return if new calls are accepted now.

        Raises:
            Loading: The server is starting.
            Draining: It is shutting down.
        """
        if self.state is State.STARTING:
            raise Loading("the server is starting; try again shortly", retry_after_s=_RETRY_S)
        if self.state is State.DRAINING:
            raise Draining("the server is shutting down; try another replica", retry_after_s=_RETRY_S)

    @property
    def active(self) -> int:
        """Calls being handled, those about the server itself left out."""
        return self._active

    @contextlib.contextmanager
    def handling(self) -> Iterator[None]:
        """Count a call as being handled as long as the context lasts."""
        self._active += 1
        try:
            yield
        finally:
            self._active -= 1

    def flag_for(self, context: grpc.aio.ServicerContext[Any, Any]) -> CancelFlag:
        """Make the cancel flag of a call, with the call's deadline."""
        return CancelFlag(deadline=time.monotonic() + self.seconds_left(context), on_step=self._step)

    def seconds_left(self, context: grpc.aio.ServicerContext[Any, Any], unset: float | None = None) -> float:
        """Return the seconds that a call has: its own deadline, at most `max_call_s`.

        Args:
            context: The call's.
            unset: Seconds for a call without a deadline; None for `max_call_s`.
        """
        remaining = context.time_remaining()
        if remaining is None:
            remaining = self.settings.max_call_s if unset is None else unset
        return min(remaining, self.settings.max_call_s)

    async def computed(self, work: Callable[[], T], flag: CancelFlag, priority: Priority) -> tuple[T, float]:
        """Do work in the compute thread, in its turn; return its result and the seconds that it computed.

        Raises:
            QueueFull: Too many calls are waiting.
        """
        return await self._traced(self.compute.run(work, flag, priority))

    async def computed_batched(
        self, item: Item, work: BatchWork[Item, R], shape: Hashable, flag: CancelFlag, priority: Priority
    ) -> tuple[R, float]:
        """Do work in the compute thread, perhaps together with calls of the same shape.

        See `ComputeLine.run_batched`.

        Raises:
            QueueFull: Too many calls are waiting.
        """
        return await self._traced(self.compute.run_batched(item, work, shape, flag, priority))

    async def _traced(self, computing: Awaitable[tuple[T, float]]) -> tuple[T, float]:
        with self.tracing.span("compute") as span:
            answer = await computing
            # The span includes the wait; what it computed stands beside it.
            span.set_attribute("fashquick.compute_seconds", answer[1])
            return answer

    async def codec(self, work: Callable[[], T]) -> T:
        """Encode or unpack pictures in the codec pool."""
        return await asyncio.get_running_loop().run_in_executor(self._codecs, work)

    async def decode(self, blobs: Iterable[Blob], work: Callable[[], T]) -> T:
        """Read image files in the codec pool, the memory that this takes reserved first.

        A small file may declare a large picture, so admission by the uploaded bytes alone would not bound it.

        Args:
            blobs: The pictures that `work` reads.
            work: Reads them.

        Raises:
            ImageTooLarge: Reading takes more than the server ever gives.
            BytesExhausted: It takes more than is free now.
            InvalidArgumentError: A picture is refused from its header.
        """
        limits = self.settings.image_limits
        size = await self.codec(lambda: sum(decode_bytes(blob, limits) for blob in blobs))
        if size > self.decoding.total:
            raise ImageTooLarge(
                f"reading this picture takes {size >> 20} MiB of memory, this server gives "
                f"{self.decoding.total >> 20}; send a smaller picture, or one as baseline JPEG"
            )
        reserved = contextlib.ExitStack()
        reserved.enter_context(self.decoding.reserve(size))
        loop = asyncio.get_running_loop()
        reading = self._codecs.submit(work)
        # A thread cannot be stopped: the memory is free when it has ended, not when its caller has left.
        reading.add_done_callback(lambda _: loop.call_soon_threadsafe(reserved.close))
        return await asyncio.wrap_future(reading)

    def _step(self) -> None:
        self.steps.add()
        self.metrics.compute_steps.inc()

    def close(self) -> None:
        """End all threads after what they are doing."""
        self.compute.close()
        self._codecs.shutdown(wait=True)
