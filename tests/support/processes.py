"""The real servers as real processes, waited for by their ready files."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

STAGES = ("segmentation", "features", "generation")
READY_S = 120.0  # The first start after an installation may compile the studio's kernels.


@dataclass(frozen=True)
class ServerProcess:
    """One server process and where it listens."""

    service: str
    process: asyncio.subprocess.Process
    port: int
    admin_port: int
    log: Path

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    def resident_bytes(self) -> int:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE")


@contextlib.asynccontextmanager
async def server_process(service: str, folder: Path, environment: Mapping[str, str]) -> AsyncIterator[ServerProcess]:
    """Start one server; yield it when it is ready; end it with the context."""
    ready_file = folder / f"{service}.json"
    settings = {
        "FASHQUICK_PORT": "0",
        "FASHQUICK_ADMIN_PORT": "0",
        "FASHQUICK_READY_FILE": str(ready_file),
        "FASHQUICK_DRAIN_S": "2",
    }
    log_file = folder / f"{service}.log"
    with log_file.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            f"fashquick_{service}",
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
        yield ServerProcess(service, process, ready["port"], ready["admin_port"], log_file)
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), 15)


@contextlib.asynccontextmanager
async def stack_of_processes(folder: Path) -> AsyncIterator[dict[str, ServerProcess]]:
    """All four servers, the orchestrator pointed at the stages."""
    async with contextlib.AsyncExitStack() as stack:
        starting = [
            asyncio.create_task(stack.enter_async_context(server_process(stage, folder, {}))) for stage in STAGES
        ]
        servers = {server.service: server for server in await asyncio.gather(*starting)}
        targets = {f"FASHQUICK_{stage.upper()}_TARGET": servers[stage].target for stage in STAGES}
        servers["orchestrator"] = await stack.enter_async_context(server_process("orchestrator", folder, targets))
        yield servers
