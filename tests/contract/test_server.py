"""What every server says about itself: ServerInfo, health, reflection, probes, metrics."""

from __future__ import annotations

import os

import aiohttp
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from fashquick.common.v1 import server_info_pb2, server_info_pb2_grpc
from fashquick_common.rpc.blobs import Blob
from fashquick_common.server.kit import State
from tests.support.calls import SEGMENT
from tests.support.servers import Stack

SERVICES = {
    "segmentation": "fashquick.segmentation.v1.SegmentationService",
    "features": "fashquick.features.v1.FeaturesService",
    "generation": "fashquick.generation.v1.GenerationService",
    "orchestrator": "fashquick.tryon.v1.TryOnService",
}


@pytest.mark.parametrize("service", SERVICES)
async def test_server_info_describes_the_server(stack: Stack, service: str) -> None:
    stub = server_info_pb2_grpc.ServerInfoServiceStub(stack.channels[service])

    info = await stub.GetServerInfo(server_info_pb2.GetServerInfoRequest())

    assert info.service == service
    assert info.process_id == os.getpid()
    assert info.ready
    assert info.version
    assert info.limits.max_chunk_bytes == 1024 * 1024
    assert info.limits.upload_idle_seconds == 1.0
    assert [len(backend.digest) for backend in info.backends] == ([] if service == "orchestrator" else [64])


@pytest.mark.parametrize("service", SERVICES)
async def test_health_follows_the_server(stack: Stack, service: str) -> None:
    stub = health_pb2_grpc.HealthStub(stack.channels[service])
    for name in ("", SERVICES[service]):
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize("service", SERVICES)
async def test_reflection_lists_the_service(stack: Stack, service: str) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(stack.channels[service])
    call = stub.ServerReflectionInfo()
    await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
    await call.done_writing()

    answer = await call.read()

    listed = {entry.name for entry in answer.list_services_response.service}
    assert {SERVICES[service], "fashquick.common.v1.ServerInfoService"} <= listed


async def _get(stack: Stack, path: str) -> tuple[int, str]:
    server = stack.servers["segmentation"]
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{server.admin_port}{path}") as answer:
        return answer.status, await answer.text()


@pytest.mark.parametrize(
    ("state", "live", "started", "ready"),
    [(State.STARTING, 200, 503, 503), (State.READY, 200, 200, 200), (State.DRAINING, 200, 200, 503)],
)
async def test_the_three_probes_mean_three_things(
    stack: Stack, state: State, live: int, started: int, ready: int
) -> None:
    stack.servers["segmentation"].kit.state = state

    assert (await _get(stack, "/livez"))[0] == live
    assert (await _get(stack, "/startupz"))[0] == started
    assert (await _get(stack, "/readyz"))[0] == ready


async def test_metrics_count_calls_by_status_and_reason(stack: Stack, good_blobs: dict[str, Blob]) -> None:
    channel = stack.channels["segmentation"]
    await SEGMENT.collect(channel, SEGMENT.messages([good_blobs["photo"]]))
    await SEGMENT.failure(channel, [])

    _, text = await _get(stack, "/metrics")

    method = 'method="/fashquick.segmentation.v1.SegmentationService/Segment"'
    assert f'fashquick_calls_total{{{method},reason="",status="OK"}} 1.0' in text
    assert f'fashquick_calls_total{{{method},reason="UPLOAD_OUT_OF_ORDER",status="INVALID_ARGUMENT"}} 1.0' in text
    assert "fashquick_compute_seconds_count 1.0" in text
    assert f"fashquick_upload_bytes_total {float(len(good_blobs['photo'].data))}" in text
