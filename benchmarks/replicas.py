"""What a second replica brings, what four times too much load does to those served, what a thousand try-ons leave.

Run: python -m benchmarks.replicas. Real servers of the segmentation contract as processes, their engine replaced by
50 ms of waiting, so that the services are measured and not the two processors. One and two replicas run in turn.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from fashquick.common.v1 import priority_pb2
from fashquick_client import Client
from fashquick_common.rpc.channel import open_channel
from tests.support.load import try_on_often
from tests.support.offers import Record, again_and_again, offer, percentile
from tests.support.processes import STAGES, ServerProcess
from tests.support.replicas import Cluster, cluster

WORK_S = 0.05
QUEUE = 8
# Round robin deals calls out evenly, not to whoever is free: with few callers a replica now and then has none.
CALLERS = 8  # For each replica.
ROUNDS = 5
ROUND_S = 6.0
OVERLOAD_S = 30.0
WARM_UP, TRY_ONS = 200, 1000


async def rate(target: str, callers: int) -> float:
    """Measure calls a second that so many callers get served."""
    record = Record()
    async with open_channel(target) as channel:
        await asyncio.gather(*(again_and_again(channel, record, 1.0) for _ in range(callers)))
        record.served.clear()
        started = time.perf_counter()
        await asyncio.gather(*(again_and_again(channel, record, ROUND_S) for _ in range(callers)))
        seconds = time.perf_counter() - started
    if record.refused:
        raise RuntimeError(f"{len(record.refused)} calls failed: {record.refusals[0]}")
    return len(record.served) / seconds


async def compare(some: Cluster) -> None:
    """Print what the second replica brings."""
    single, _ = some.members["segmentation"]
    ones, twos = [], []
    for _ in range(ROUNDS):
        ones.append(await rate(single.target, CALLERS))
        twos.append(await rate(some.target("segmentation"), 2 * CALLERS))
    ratio = statistics.median(two / one for one, two in zip(ones, twos, strict=True))
    print(f"one replica            {statistics.median(ones):7.1f} calls/s   at most {1 / WORK_S:.0f}")
    print(f"two replicas           {statistics.median(twos):7.1f} calls/s   {ratio:.2f}x, goal: 1.8x")


async def overload(server: ServerProcess) -> None:
    """Print what four times the load does."""
    interactive = priority_pb2.PRIORITY_INTERACTIVE
    async with open_channel(server.target) as channel:
        full, record = Record(), Record()
        await asyncio.gather(*(again_and_again(channel, full, ROUND_S) for _ in range(QUEUE + 1)))
        before = server.resident_bytes()
        await offer(channel, {interactive: 4 / WORK_S}, OVERLOAD_S, {interactive: record})
        after = server.resident_bytes()
    for name, values in (("full line", full.served), ("4x load, served", record.served)):
        print(f"{name:<22} {statistics.median(values) * 1000:7.0f} ms   p95 {percentile(values, 0.95) * 1000:.0f} ms")
    refused = [seconds * 1000 for seconds in record.refused]
    print(
        f"4x load, refused       {statistics.median(refused):7.1f} ms   p95 {percentile(refused, 0.95):.1f} ms, "
        f"p99 {percentile(refused, 0.99):.1f} ms, goal: 50 ms"
    )
    print(f"4x load, served        {len(record.served) / OVERLOAD_S:7.1f} calls/s   of {1 / WORK_S:.0f}")
    print(f"4x load, memory        {before / 2**20:7.1f} MiB before, {after / 2**20:.1f} MiB after")


async def endurance(some: Cluster) -> None:
    """Print what a thousand try-ons leave in the orchestrator."""
    await asyncio.gather(*(some.start(service, TOY_WORK_MS="0") for service in STAGES))
    # A store that is full from the start: what it may hold is a setting.
    orchestrator = await some.start("orchestrator", FASHQUICK_RESULT_STORE_BYTES=str(256 * 1024))
    async with Client(orchestrator.target) as client:
        await try_on_often(client, WARM_UP)
        before = orchestrator.resident_bytes()
        await try_on_often(client, TRY_ONS)
        after = orchestrator.resident_bytes()
    print(f"{TRY_ONS:,} try-ons, memory  {before / 2**20:7.1f} MiB before, {after / 2**20:.1f} MiB after")


async def main() -> None:
    """Run the benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        async with cluster(Path(folder), TOY_WORK_MS=str(WORK_S * 1000)) as some:
            for _ in range(2):
                await some.start("segmentation", FASHQUICK_QUEUE_LENGTH=str(2 * CALLERS))
            await compare(some)
        async with cluster(Path(folder), TOY_WORK_MS=str(WORK_S * 1000)) as some:
            await overload(await some.start("segmentation", FASHQUICK_QUEUE_LENGTH=str(QUEUE)))
        async with cluster(Path(folder)) as some:
            await endurance(some)


if __name__ == "__main__":
    asyncio.run(main())
