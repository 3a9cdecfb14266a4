from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from fashquick_segmentation.sam2.checkpoints import TINY
from fashquick_segmentation.sam2.weights import load_network
from tests.unit.segmentation.sam2_weights import random_weights, write_original

SCRIPT = Path(__file__).parents[3] / "scripts" / "convert_checkpoint.py"


def run(*arguments: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_checkpoint_becomes_safetensors_that_load(tmp_path: Path) -> None:
    original = write_original(tmp_path / TINY.original, random_weights(TINY.architecture))

    done = run(original, tmp_path)

    assert done.returncode == 0, done.stderr
    assert load_network(tmp_path / TINY.converted, TINY.architecture)


def test_what_is_no_checkpoint_is_refused_in_words_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / TINY.original).write_bytes(b"PK\x03\x04 not a checkpoint")
    out = tmp_path / "out"
    out.mkdir()

    damaged, unknown = run(tmp_path / TINY.original, out), run(tmp_path / "other.pt", out)

    assert damaged.returncode == 1
    assert "Traceback" not in damaged.stderr
    assert len(damaged.stderr) > 20
    assert unknown.returncode == 2
    assert TINY.original in unknown.stderr
    assert not list(out.iterdir())
