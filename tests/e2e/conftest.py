from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DRAW_SAMPLES = Path(__file__).parents[2] / "scripts" / "draw_samples.py"


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the drawn sample garments and their truth."""
    folder = tmp_path_factory.mktemp("samples")
    subprocess.run([sys.executable, str(DRAW_SAMPLES), str(folder)], check=True)
    return folder
