"""What every server says about itself."""

from __future__ import annotations

import re

from grpc_health.v1 import health_pb2

from tests.conformance.target import Target


def test_its_health_is_told_for_the_server_and_for_its_service(target: Target) -> None:
    for name in ("", target.contract.full_name):
        assert target.health(name) == health_pb2.HealthCheckResponse.SERVING


def test_it_says_what_it_is(target: Target) -> None:
    assert target.has_info, "the server does not have ServerInfoService, which every server must have"
    info = target.info()

    assert info.service == target.contract.service
    assert info.version
    assert info.process_id > 0
    assert info.ready
    assert info.instance_id
    assert info.instance_id == target.info().instance_id


def test_its_backends_are_named_with_their_digests(target: Target) -> None:
    target.require_info()
    backends = target.info().backends

    assert bool(backends) == target.contract.is_stage
    for backend in backends:
        assert backend.name
        assert backend.device
        assert re.fullmatch("[0-9a-f]{64}", backend.digest)


def test_its_limits_are_those_of_a_usable_server(target: Target) -> None:
    target.require_info()
    limits = target.info().limits

    assert 512 * 1024 <= limits.max_chunk_bytes <= 1024 * 1024
    assert limits.max_file_bytes >= limits.max_chunk_bytes
    assert limits.byte_budget >= limits.max_file_bytes
    assert limits.max_parts >= len(target.contract.rpc.parts)
    assert 0 < limits.min_side < limits.working_side
    assert limits.working_side**2 <= limits.max_pixels
    assert limits.upload_idle_seconds > 0
    assert limits.bulk_queue_length <= limits.queue_length


def test_nothing_is_in_progress_when_nobody_calls(target: Target) -> None:
    target.require_info()

    target.check_idle()
    target.check_computes_nothing()
