"""Replicas that die, leave and come while calls run: none of the calls fails, and load finds the newcomers."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from fashquick_client import Client
from tests.support.load import Load, load
from tests.support.photos import plain_photo, png
from tests.support.processes import STAGES, ServerProcess
from tests.support.replicas import Cluster, cluster

CALLERS = 6
AGE_S = 1.5
SETTINGS = {"TOY_WORK_MS": "60", "FASHQUICK_MAX_CONNECTION_AGE_S": str(AGE_S), "FASHQUICK_DRAIN_S": "10"}
PHOTO = png(plain_photo())


async def try_on(client: Client) -> None:
    await client.try_on_result(PHOTO, size=(256, 384), timeout_s=20)


def why(record: Load) -> list[str]:
    return [f"{type(error).__name__}: {error.message}" for error in record.failures]


async def computed(server: ServerProcess) -> float:
    return await server.total("fashquick_compute_seconds_count")


async def until_computed(server: ServerProcess, count: float, seconds: float) -> None:
    """Wait until a server has done so many computations more."""
    before = await computed(server)
    async with asyncio.timeout(seconds):
        while await computed(server) < before + count:
            await asyncio.sleep(0.05)


async def start_all(some: Cluster, **replicas: int) -> None:
    await asyncio.gather(*(some.start(service) for service, count in replicas.items() for _ in range(count)))


async def test_no_call_fails_while_replicas_die_leave_and_come(tmp_path: Path) -> None:
    async with cluster(tmp_path, **SETTINGS) as some:
        await start_all(some, segmentation=2, features=2, generation=1)
        orchestrator = await some.start("orchestrator")
        async with Client(orchestrator.target) as client, load(lambda: try_on(client), CALLERS) as record:
            await record.more(30)
            both = [await computed(server) for server in some.members["segmentation"]]
            assert min(both) > 0.5 * max(both)  # Load is balanced.

            killed = some.members["segmentation"][0]
            killed.process.send_signal(signal.SIGKILL)
            await record.more(30)  # Its address is still listed: nobody has told the name server.
            some.unlist(killed)

            leaving, staying = some.members["features"]
            assert await some.drain(leaving) == 0
            await until_computed(staying, 20, seconds=10)

            newcomer = await some.start("segmentation")
            # Connections live up to a tenth longer than their age, and the name is asked for once a second at most.
            await until_computed(newcomer, 10, seconds=1.1 * AGE_S + 8)

        assert not record.failures, why(record)
        assert len(record.seconds) > 80
        assert await orchestrator.total("fashquick_stage_retries_total", stage="segmentation") > 0


async def test_a_rolling_restart_of_everything_fails_no_call(tmp_path: Path) -> None:
    async with cluster(tmp_path, **SETTINGS) as some:
        await start_all(some, segmentation=2, features=2, generation=2)
        await start_all(some, orchestrator=2)
        async with Client(some.target("orchestrator")) as client, load(lambda: try_on(client), CALLERS) as record:
            await record.more(30)
            for service, members in some.members.items():
                for old in list(members):
                    new = await some.start(service)
                    assert await some.drain(old) == 0
                    await record.more(10)
                    if service != "orchestrator":
                        await until_computed(new, 1, seconds=1.1 * AGE_S + 8)

        assert not record.failures, why(record)
        assert len(record.seconds) > 80


async def test_a_stage_with_one_replica_may_restart_within_the_patience(tmp_path: Path) -> None:
    async with cluster(tmp_path, **SETTINGS) as some:
        await start_all(some, segmentation=1, features=1, generation=1)
        orchestrator = await some.start("orchestrator")
        async with Client(orchestrator.target) as client:
            for service in STAGES:
                await try_on(client)
                [only] = some.members[service]
                only.process.send_signal(signal.SIGKILL)
                await only.process.wait()
                some.unlist(only)
                call = asyncio.create_task(try_on(client))
                async with asyncio.timeout(10):
                    while not await orchestrator.total("fashquick_stage_retries_total", stage=service):
                        await asyncio.sleep(0.05)
                await some.start(service)

                await call
