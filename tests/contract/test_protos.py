"""The contracts themselves: buf's rules hold, and a removed field is noticed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROTOS = Path(__file__).parents[2] / "protos"
BUF = Path(sys.executable).parent / "buf"


def buf(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(BUF), *arguments], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROTOS, tmp_path / "protos", ignore=shutil.ignore_patterns("python")))


def edit(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / "fashquick" / name
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_the_contracts_are_clean_and_as_the_baseline(copy: Path) -> None:
    assert buf(copy, "lint").stdout == ""
    assert buf(copy, "breaking", "--against", "baseline.binpb").returncode == 0


def test_a_removed_field_is_caught(copy: Path) -> None:
    edit(copy, "common/v1/blob.proto", "  bytes sha256 = 8;\n", "")

    verdict = buf(copy, "breaking", "--against", "baseline.binpb")

    assert verdict.returncode != 0
    assert "sha256" in verdict.stdout


def test_a_changed_number_is_caught(copy: Path) -> None:
    edit(copy, "common/v1/error.proto", "REASON_NO_GARMENT = 9;", "REASON_NO_GARMENT = 99;")

    assert buf(copy, "breaking", "--against", "baseline.binpb").returncode != 0


def test_a_field_without_a_comment_is_caught(copy: Path) -> None:
    edit(copy, "common/v1/progress.proto", '  // What is being done, in one or two words such as "drape".\n', "")

    verdict = buf(copy, "lint")

    assert verdict.returncode != 0
    assert "comment" in verdict.stdout


def test_stubs_that_drift_are_caught(tmp_path: Path) -> None:
    root = PROTOS.parent
    work = tmp_path / "work"
    shutil.copytree(PROTOS, work / "protos")
    (work / "scripts").mkdir()
    shutil.copy(root / "scripts" / "protos", work / "scripts" / "protos")
    check = [sys.executable, str(work / "scripts" / "protos"), "--check"]
    assert subprocess.run(check, check=False).returncode == 0

    edit(work / "protos", "common/v1/progress.proto", "  float fraction = 2;\n", "  double fraction = 2;\n")

    verdict = subprocess.run(check, capture_output=True, text=True, check=False)
    assert verdict.returncode != 0
    assert "progress_pb2.py" in verdict.stderr
