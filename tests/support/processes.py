"""Servers as real processes, waited for by their ready files."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).parents[2]
STAGES = ("segmentation", "features", "generation")
READY_S = 120.0  # The first start after an installation may compile the studio's kernels.


@dataclass(frozen=True)
class ServerProcess:
    """One server process and where it listens."""

    service: str
    process: asyncio.subprocess.Process
    host: str
    port: int
    admin_port: int
    log: Path

    @property
    def target(self) -> str:
        return f"{self.host}:{self.port}"

    async def metrics(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """What the admin port says now: values by name and labels."""
        url = f"http://{self.host}:{self.admin_port}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            families = text_string_to_metric_families(await answer.text())
            return {
                (sample.name, frozenset(sample.labels.items())): sample.value
                for family in families
                for sample in family.samples
            }

    async def total(self, name: str, **labels: str) -> float:
        """Sum of a metric over all samples that have these labels."""
        return sum(
            value
            for (found, pairs), value in (await self.metrics()).items()
            if found == name and labels.items() <= pairs
        )

    def resident_bytes(self) -> int:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE")


@contextlib.asynccontextmanager
async def server_process(
    service: str, folder: Path, environment: Mapping[str, str], *, name: str = "", toy: bool = False
) -> AsyncIterator[ServerProcess]:
    """Start one server; yield it when it is ready; end it with the context.

    Args:
        service: Which.
        folder: For its ready file and its log.
        environment: Its settings.
        name: Tells it from others of its service in the folder.
        toy: Whether it has a toy engine; see `tests.support.toy_server`.
    """
    ready_file = folder / f"{name or service}.json"
    settings = {
        "FASHQUICK_PORT": "0",
        "FASHQUICK_ADMIN_PORT": "0",
        "FASHQUICK_READY_FILE": str(ready_file),
        "FASHQUICK_DRAIN_S": "2",
    }
    log_file = folder / f"{name or service}.log"
    module = ("tests.support.toy_server", service) if toy else (f"fashquick_{service}",)
    with log_file.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *module,
            cwd=ROOT,
            env={**os.environ, **settings, **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stderr=log,
        )
    try:
        async with asyncio.timeout(READY_S):
            while not ready_file.exists():
                assert process.returncode is None, log_file.read_text()
                await asyncio.sleep(0.02)
        ready = json.loads(ready_file.read_text())
        yield ServerProcess(service, process, ready["host"], ready["port"], ready["admin_port"], log_file)
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), 15)


@contextlib.asynccontextmanager
async def stack_of_processes(folder: Path, settings: Mapping[str, str]) -> AsyncIterator[dict[str, ServerProcess]]:
    """All four servers, the orchestrator pointed at the stages; the settings are of each."""
    async with contextlib.AsyncExitStack() as stack:
        starting = [
            asyncio.create_task(stack.enter_async_context(server_process(stage, folder, settings))) for stage in STAGES
        ]
        servers = {server.service: server for server in await asyncio.gather(*starting)}
        targets = {f"FASHQUICK_{stage.upper()}_TARGET": servers[stage].target for stage in STAGES}
        orchestrator = server_process("orchestrator", folder, {**settings, **targets})
        servers["orchestrator"] = await stack.enter_async_context(orchestrator)
        yield servers
