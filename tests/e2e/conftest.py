from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.processes import ServerProcess, stack_of_processes

DRAW_SAMPLES = Path(__file__).parents[2] / "scripts" / "draw_samples.py"


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the drawn sample garments and their truth."""
    folder = tmp_path_factory.mktemp("samples")
    subprocess.run([sys.executable, str(DRAW_SAMPLES), str(folder)], check=True)
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, ServerProcess]]:
    """All four real servers as four processes."""
    async with stack_of_processes(tmp_path_factory.mktemp("servers")) as running:
        yield running
