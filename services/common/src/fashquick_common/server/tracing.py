"""Traces: OpenTelemetry spans of one server, sent to a collector when one is named, else not made at all.

The context of a trace travels between servers as W3C Trace Context (`traceparent`) in the metadata of calls, and
inside a server as asyncio carries context variables: a task belongs to the span in which it was created.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import NoOpTracer, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from fashquick_common.errors import FashquickError

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

_FLUSH_MS = 3000  # At the end of a server; a collector that is gone must not hold it up.
_NAME = "fashquick"
_PROPAGATOR = TraceContextTextMapPropagator()

Metadata = Iterable[tuple[str, str | bytes]]


class Tracing:
    """Makes the spans of one server. Without a provider all of it does nothing."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        """Make it for one server."""
        self._provider = provider
        self._tracer = NoOpTracer() if provider is None else provider.get_tracer(_NAME)

    @property
    def on(self) -> bool:
        """Whether spans are made."""
        return self._provider is not None

    @contextlib.contextmanager
    def call(self, method: str, metadata: Metadata) -> Iterator[Span]:
        """Make the span of a call that this server answers, below the caller's if it sent one.

        Args:
            method: Full name, such as "/fashquick.tryon.v1.TryOnService/TryOn".
            metadata: What came with the call.
        """
        service, _, name = method.lstrip("/").partition("/")
        attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name}
        with self._span(f"{service}/{name}", SpanKind.SERVER, attributes, self._parent_in(metadata)) as span:
            yield span

    @contextlib.contextmanager
    def span(self, name: str) -> Iterator[Span]:
        """Make the span of a part of the work; an error that leaves the context is recorded in it."""
        with self._span(name, SpanKind.INTERNAL, {}, None) as span:
            yield span

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return the metadata that puts a call to another server below the current span."""
        if not self.on:
            return ()
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier)
        return tuple(carrier.items())

    def trace_id(self) -> str | None:
        """Return the current trace's id in hexadecimal, or None."""
        found = trace.get_current_span().get_span_context()
        return f"{found.trace_id:032x}" if self.on and found.is_valid else None

    def close(self) -> None:
        """Send what has not been sent yet; gives up after three seconds. Blocks: call it in a thread."""
        if self._provider is not None:
            self._provider.force_flush(_FLUSH_MS)
            self._provider.shutdown()

    @contextlib.contextmanager
    def _span(self, name: str, kind: SpanKind, attributes: dict[str, str], parent: Context | None) -> Iterator[Span]:
        span = self._tracer.start_span(name, context=parent, kind=kind, attributes=attributes)
        # The message of an exception is for the log; a trace gets the reason.
        with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            try:
                yield span
            except FashquickError as error:
                fail(span, error)
                raise

    def _parent_in(self, metadata: Metadata) -> Context | None:
        if not self.on:
            return None
        # Of all that a caller may send only what names its span: no baggage.
        return _PROPAGATOR.extract({key: value for key, value in metadata if isinstance(value, str)})


def fail(span: Span, error: FashquickError) -> None:
    """Mark a span as failed, with the reason that the caller hears."""
    span.set_attribute("fashquick.reason", error.reason)
    span.set_status(Status(StatusCode.ERROR, error.message))


def tracing_to(endpoint: str, service: str, version: str, ratio: float) -> Tracing:
    """Return what sends spans to a collector over OTLP/gRPC, in batches from a thread of its own.

    Args:
        endpoint: `host:port` of the collector; without TLS. Empty: no spans are made.
        service: Short name of the server.
        version: Its version.
        ratio: Share of traces to record, 0 to 1, where the caller has not decided.
    """
    if not endpoint:
        return Tracing()
    # The SDK is loaded only where it is used: it takes a start 0.1 s.
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - see above

    return Tracing(make_provider(OTLPSpanExporter(endpoint=endpoint, insecure=True), service, version, ratio))


def make_provider(exporter: SpanExporter, service: str, version: str, ratio: float = 1.0) -> TracerProvider:
    """Return a provider whose spans name the server and go to an exporter; see `tracing_to`."""
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource  # noqa: PLC0415 - see above
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - see above
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - see above
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio  # noqa: PLC0415 - see above

    resource = Resource.create({SERVICE_NAME: f"{_NAME}-{service}", SERVICE_VERSION: version})
    provider = TracerProvider(sampler=ParentBasedTraceIdRatio(ratio), resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider
