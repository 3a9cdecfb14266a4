from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import structlog

from tests.support.processes import ServerProcess, stack_of_processes

DRAW_SAMPLES = Path(__file__).parents[1] / "scripts" / "draw_samples.py"
IMPATIENT = {"FASHQUICK_UPLOAD_IDLE_S": "1.5"}
"""So that nobody waits long for an upload to stall."""
# As in servers, see `fashquick_common.server.main.limit_threads`; here no library with OpenMP is imported yet.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of tests/conformance; here because pytest reads options from the tests' own root only."""
    group = parser.getgroup("conformance")
    group.addoption("--target", metavar="HOST:PORT", help="server to test; by default our own four are started")
    group.addoption("--service", metavar="NAME", help="its service, when it does not say so itself")


@pytest.fixture(scope="session", autouse=True)
def _quiet_logs() -> None:
    """Log lines of servers in the tests' own process are of no use; lines that a test wants it captures itself."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, ServerProcess]]:
    """All four real servers as four processes."""
    async with stack_of_processes(tmp_path_factory.mktemp("servers"), IMPATIENT) as running:
        yield running


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the drawn sample garments and their truth."""
    folder = tmp_path_factory.mktemp("samples")
    subprocess.run([sys.executable, str(DRAW_SAMPLES), str(folder)], check=True)
    return folder


@pytest.fixture(scope="session")
def small_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model store with the small diffusion networks; nobody may change it."""
    from scripts.small_diffusion import write_small_set  # noqa: PLC0415 - loads torch, which few tests need

    folder = tmp_path_factory.mktemp("small-diffusion")
    write_small_set(folder)
    return folder
