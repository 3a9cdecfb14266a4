"""Hundreds of try-ons leave the orchestrator as large as it was."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fashquick_client import Client
from tests.support.load import try_on_often
from tests.support.replicas import cluster

CALLS = 400
WARM_UP = 150


async def test_the_orchestrators_memory_is_flat_over_hundreds_of_calls(tmp_path: Path) -> None:
    # A store that is full from the start: what it may hold is a setting, what grows beyond it would be a leak.
    settings = {"TOY_WORK_MS": "0", "FASHQUICK_RESULT_STORE_BYTES": str(256 * 1024)}
    async with cluster(tmp_path, **settings) as some:
        await asyncio.gather(*(some.start(service) for service in ("segmentation", "features", "generation")))
        orchestrator = await some.start("orchestrator")
        async with Client(orchestrator.target) as client:
            await try_on_often(client, WARM_UP)
            before = orchestrator.resident_bytes()
            await try_on_often(client, CALLS)
            after = orchestrator.resident_bytes()

    assert after < 1.03 * before, f"{before >> 20} MiB, then {after >> 20} MiB"
