"""One trace a try-on, a span a stage, over real gRPC; nothing at all when it is off."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator

import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from fashquick_common import errors
from fashquick_common.rpc.blobs import Blob
from fashquick_common.server.tracing import Tracing, tracing_to
from tests.contract.conftest import parts_for
from tests.support.calls import ALL, SEGMENT, TRY_ON, Rpc
from tests.support.servers import Stack, toy_stack
from tests.support.try_on import manifest_of, request, try_on

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
async def traced(exporter: InMemorySpanExporter) -> AsyncIterator[Stack]:
    """Four servers that all record into one exporter."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    async with toy_stack(tracing=Tracing(provider)) as stack:
        yield stack


def name_of(span: ReadableSpan) -> str:
    return span.name.rpartition(".")[2]


async def test_a_try_on_is_one_trace_with_a_span_a_stage(traced: Stack, exporter: InMemorySpanExporter) -> None:
    manifest = manifest_of(await try_on(traced, request()))
    await traced.servers["orchestrator"].stop()

    spans = {span.context.span_id: span for span in exporter.get_finished_spans()}
    assert len({span.context.trace_id for span in spans.values()}) == 1
    tree = {
        name_of(span): name_of(spans[span.parent.span_id]) if span.parent else None
        for span in spans.values()
        if span.name != "compute"
    }
    assert tree == {
        "TryOnService/TryOn": None,
        "image": "TryOnService/TryOn",
        "segmentation": "TryOnService/TryOn",
        "features": "TryOnService/TryOn",
        "generation": "TryOnService/TryOn",
        "encoding": "generation",
        "fidelity": "TryOnService/TryOn",
        "SegmentationService/Segment": "segmentation",
        "FeaturesService/ExtractFeatures": "features",
        "GenerationService/Generate": "generation",
        "FeaturesService/ScoreFidelity": "fidelity",
    }
    computed = [span for span in spans.values() if span.name == "compute"]
    assert len(computed) == 4
    for span in computed:
        assert spans[span.parent.span_id].kind is SpanKind.SERVER
        assert 0 < span.attributes["fashquick.compute_seconds"] < 10
    served = [span for span in spans.values() if span.kind is SpanKind.SERVER]
    assert {span.attributes["fashquick.request_id"] for span in served} == {manifest.request_id}
    assert {span.attributes["rpc.grpc.status_code"] for span in served} == {0}


@pytest.mark.parametrize("rpc", ALL, ids=lambda rpc: rpc.service)
async def test_a_callers_trace_goes_on(
    traced: Stack, exporter: InMemorySpanExporter, good_blobs: dict[str, Blob], rpc: Rpc
) -> None:
    metadata = (("traceparent", CALLER), ("tracestate", "x=y"), ("baggage", "secret=1"))
    await rpc.collect(traced.channels[rpc.service], rpc.messages(parts_for(rpc, good_blobs)), metadata=metadata)
    await traced.servers[rpc.service].stop()

    [span] = [span for span in exporter.get_finished_spans() if span.parent and span.parent.is_remote][-1:]
    assert f"{span.context.trace_id:032x}" == CALLER.split("-")[1]


@pytest.mark.parametrize("value", ["", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "x" * 4000])
async def test_a_trace_context_that_is_none_begins_a_new_trace(
    traced: Stack, exporter: InMemorySpanExporter, good_blobs: dict[str, Blob], value: str
) -> None:
    messages = SEGMENT.messages([good_blobs["photo"]])
    await SEGMENT.collect(traced.channels["segmentation"], messages, metadata=(("traceparent", value),))
    await traced.servers["segmentation"].stop()

    [span] = [span for span in exporter.get_finished_spans() if span.kind is SpanKind.SERVER]
    assert span.parent is None


async def test_a_failure_is_marked_in_the_stage_that_failed_and_above(
    traced: Stack, exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise errors.PhotoNotUsable("too blurred")

    monkeypatch.setattr(traced.analyser, "analyse", refuse)
    assert isinstance(await TRY_ON.failure(traced.channels["orchestrator"], request()), errors.PhotoNotUsable)
    await traced.servers["orchestrator"].stop()

    failed = {
        name_of(span): span.attributes["fashquick.reason"]
        for span in exporter.get_finished_spans()
        if span.status.status_code is StatusCode.ERROR
    }
    assert failed == dict.fromkeys(
        ("TryOnService/TryOn", "features", "FeaturesService/ExtractFeatures", "compute"), "PHOTO_NOT_USABLE"
    )
    assert "too blurred" not in json.dumps([dict(span.attributes) for span in exporter.get_finished_spans()])


async def test_log_lines_name_the_trace(traced: Stack, exporter: InMemorySpanExporter) -> None:
    captured = structlog.testing.LogCapture()
    quiet = structlog.get_config()
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, captured],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    try:
        await try_on(traced, request())
        await traced.servers["orchestrator"].stop()
    finally:
        structlog.configure(**quiet)

    done = [line for line in captured.entries if line["event"] == "call.done"]
    [trace_id] = {f"{span.context.trace_id:032x}" for span in exporter.get_finished_spans()}
    assert {line["trace_id"] for line in done} == {trace_id}


async def test_no_trace_context_is_sent_when_traces_are_off(stack: Stack) -> None:
    assert not stack.servers["orchestrator"].kit.tracing.on
    assert stack.servers["orchestrator"].kit.tracing.headers() == ()
    assert await try_on(stack, request())


async def test_a_collector_that_is_gone_stops_nothing(good_blobs: dict[str, Blob]) -> None:
    tracing = tracing_to("127.0.0.1:9", "segmentation", "0.1.0", 1.0)
    async with toy_stack(tracing=tracing) as stack:
        assert await SEGMENT.collect(stack.channels["segmentation"], SEGMENT.messages([good_blobs["photo"]]))
