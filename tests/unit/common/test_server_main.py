from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fashquick_common.server import main
from fashquick_common.server.settings import ServerSettings


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("max 100000", 4), ("200000 100000", 2), ("150000 100000", 1), ("50000 100000", 1), ("900000 100000", 4), ("", 4)],
)
def test_threads_follow_the_cgroup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, quota: str, expected: int) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(quota)
    monkeypatch.setattr(main, "_CGROUP_QUOTA", file)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})

    assert main.available_cpus() == expected


def test_threads_that_the_operator_sets_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)

    main.limit_threads()

    assert os.environ["OMP_WAIT_POLICY"] == "passive"
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert int(os.environ["NUMBA_NUM_THREADS"]) == main.available_cpus()


@pytest.mark.parametrize(
    ("variable", "value"),
    [("FASHQUICK_PORT", "70000"), ("FASHQUICK_QUEUE_LENGTH", "-1"), ("FASHQUICK_LOG_FORMAT", "xml")],
)
def test_a_setting_outside_its_limits_ends_the_start_with_its_name(variable: str, value: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fashquick_orchestrator"],
        env=os.environ | {variable: value},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 2
    assert done.stderr.startswith(f"{variable}: ")
    assert value in done.stderr


def test_every_setting_says_what_it_is_for() -> None:
    assert all(field.description for field in ServerSettings.model_fields.values())


def test_the_largest_raw_picture_of_the_working_size_fits() -> None:
    settings = ServerSettings(working_side=4096)

    assert settings.blob_limits.max_part_bytes >= 3 * 4096 * 4096
