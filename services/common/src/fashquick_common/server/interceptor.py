"""What happens round every handler: request id, time limits, errors to statuses, metrics, log lines."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import structlog

from fashquick_common.errors import (
    Cancelled,
    DeadlineExceededError,
    DeadlinePassed,
    FashquickError,
    InternalError,
    drop_frames,
)
from fashquick_common.rpc.request_id import REQUEST_ID_KEY, new_request_id, valid_request_id
from fashquick_common.rpc.status import code_of, trailers_of
from fashquick_common.server.kit import Kit
from fashquick_common.server.telemetry import call_name
from fashquick_common.server.tracing import fail

log = structlog.get_logger(__name__)

# Requests and responses are of any message type here.
Context = grpc.aio.ServicerContext[Any, Any]
# grpc's types describe the synchronous handlers only.
Handler = Any

# Answered also while the server loads or drains: they are how callers learn that it does.
_ALWAYS = ("/grpc.health.v1.", "/grpc.reflection.", "/fashquick.common.v1.ServerInfoService/")

# Client and server measure the same deadline, each by its own clock and timer.
_DEADLINE_MARGIN_S = 0.05


class CallInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[type-arg] # not generic at run time
    """Wraps every handler of a server."""

    def __init__(self, kit: Kit) -> None:
        """Make it for one server."""
        self._kit = kit

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """Return the handler of a call, wrapped unless it is about the server itself."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or method.startswith(_ALWAYS):
            return handler
        if handler.stream_stream:
            return grpc.stream_stream_rpc_method_handler(
                self._streaming(handler.stream_stream, method),
                handler.request_deserializer,
                handler.response_serializer,
            )
        if handler.stream_unary:
            return grpc.stream_unary_rpc_method_handler(
                self._unary(handler.stream_unary, method), handler.request_deserializer, handler.response_serializer
            )
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(
                self._unary(handler.unary_unary, method), handler.request_deserializer, handler.response_serializer
            )
        raise TypeError(f"{method}: handlers of this kind are not wrapped yet")

    def _unary(self, behaviour: Callable[[Any, Context], Awaitable[Any]], method: str) -> Callable[..., Awaitable[Any]]:
        async def handle(request: Any, context: Context) -> Any:
            answer: list[Any] = []

            async def work() -> None:
                answer.append(await behaviour(request, context))

            await self._run(work, method, context)
            return answer[0]

        return handle

    def _streaming(
        self, behaviour: Callable[[Any, Context], AsyncGenerator[Any, None]], method: str
    ) -> Callable[..., Awaitable[None]]:
        async def handle(requests: Any, context: Context) -> None:
            async def work() -> None:
                async with contextlib.aclosing(behaviour(requests, context)) as messages:
                    async for message in messages:
                        await self._write(message, context)

            await self._run(work, method, context)

        return handle

    async def _run(self, work: Callable[[], Awaitable[None]], method: str, context: Context) -> None:
        failure = await self._failure_of(work, method, context)
        if failure is not None:
            # Nothing is held any more: to a client that does not read, this waits for as long as it does not.
            try:
                await context.abort(code_of(failure), failure.message, trailers_of(failure))
            except grpc.aio.InternalError:
                raise asyncio.CancelledError from None  # The client is gone, and there is nothing to return to it.

    async def _write(self, message: Any, context: Context) -> None:
        limit = self._kit.settings.write_idle_s
        try:
            async with asyncio.timeout(limit):
                await context.write(message)
        except TimeoutError:
            raise DeadlinePassed(
                f"the client took no message for {limit:g} s; the call was given up; read the answers as they come"
            ) from None
        except grpc.aio.BaseError:
            # What a write meets that was on its way when the client left.
            raise Cancelled() from None

    async def _failure_of(
        self, work: Callable[[], Awaitable[None]], method: str, context: Context
    ) -> FashquickError | None:
        """Do the work of a call; return why it failed, or None."""
        started = time.monotonic()
        failure: FashquickError | None = None
        in_progress = self._kit.metrics.calls_in_progress.labels(method)
        names = structlog.contextvars.bound_contextvars(request_id=_request_id(context), method=method)
        tracing = self._kit.tracing
        with (
            names,
            tracing.call(method, context.invocation_metadata() or ()) as span,
            self._kit.handling(),
            in_progress.track_inprogress(),
        ):
            if trace_id := tracing.trace_id():
                structlog.contextvars.bind_contextvars(trace_id=trace_id)
            try:
                async with self._time_limit(context):
                    await work()
            except FashquickError as error:
                failure = error
            except asyncio.CancelledError:
                failure = DeadlinePassed() if _at_its_deadline(context) else Cancelled()
                raise
            except Exception as bug:
                log.exception("call.crashed")
                drop_frames(bug)
                failure = InternalError("the server failed; its log has the cause under this request id")
            finally:
                self._record(method, failure, time.monotonic() - started)
                span.set_attribute("rpc.grpc.status_code", int(failure.status) if failure else 0)
                span.set_attribute("fashquick.request_id", call_name())
                if failure is not None:
                    fail(span, failure)
        if failure is not None:
            drop_frames(failure)  # grpc keeps the exception that ends a call.
        return failure

    @contextlib.asynccontextmanager
    async def _time_limit(self, context: Context) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._kit.seconds_left(context)) as scope:
                yield
        except TimeoutError:
            if scope.expired():
                raise DeadlinePassed() from None
            raise

    def _record(self, method: str, failure: FashquickError | None, seconds: float) -> None:
        status = failure.status.name if failure else "OK"
        reason = failure.reason if failure else ""
        self._kit.metrics.calls.labels(method, status, reason).inc()
        self._kit.metrics.call_seconds.labels(method).observe(seconds)
        if failure is None:
            log.info("call.done", seconds=round(seconds, 4))
        elif isinstance(failure, (Cancelled, DeadlineExceededError)):
            log.info("call.ended", status=status, reason=reason, seconds=round(seconds, 4))
        else:
            log.warning("call.failed", status=status, reason=reason, message=failure.message, seconds=round(seconds, 4))


def _at_its_deadline(context: Context) -> bool:
    """Tell whether a call ended because its time was up, though it was the client who noticed first."""
    remaining = context.time_remaining()
    return remaining is not None and remaining <= _DEADLINE_MARGIN_S


def _request_id(context: Context) -> str:
    for key, value in context.invocation_metadata() or ():
        if key == REQUEST_ID_KEY and isinstance(value, str) and valid_request_id(value):
            return value
    return new_request_id()
