"""Adding to a model store's list: no line is lost, and readers never see half of it."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fashquick_common.errors import ModelNotInstalled
from fashquick_common.models.recording import record
from fashquick_common.models.sums import SUMS_FILE, Entry, parse


def listed(store: Path) -> dict[str, str]:
    sums = parse((store / SUMS_FILE).read_bytes())
    assert sums.mistakes == ()
    return {entry.name: entry.sha256 for entry in sums.entries}


def test_lines_are_added_and_replaced_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / SUMS_FILE).write_text(f"{'AA' * 32} *sam2/tiny.pt\n{'bb' * 32}  old.safetensors\n")
    record(tmp_path, [Entry("old.safetensors", "cc" * 32), Entry("new/unet.safetensors", "dd" * 32)])
    assert listed(tmp_path) == {
        "sam2/tiny.pt": "aa" * 32,
        "old.safetensors": "cc" * 32,
        "new/unet.safetensors": "dd" * 32,
    }


def test_no_line_is_lost_where_many_record_at_the_same_time(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: record(tmp_path, [Entry(f"{number}.bin", "ab" * 32)]), range(40)))
    assert len(listed(tmp_path)) == 40


def test_a_list_with_mistakes_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / SUMS_FILE).write_text("half a li")
    with pytest.raises(ModelNotInstalled, match="line 1"):
        record(tmp_path, [Entry("a.bin", "ab" * 32)])
    assert (tmp_path / SUMS_FILE).read_text() == "half a li"


def test_a_list_that_is_none_by_its_size_is_not_read(tmp_path: Path) -> None:
    line = f"{'ab' * 32}  a.bin\n"
    (tmp_path / SUMS_FILE).write_text(line * (2 * 1024 * 1024 // len(line)))
    with pytest.raises(ModelNotInstalled, match="more than 1024 KiB"):
        record(tmp_path, [Entry("b.bin", "ab" * 32)])


def test_the_old_list_stays_where_the_new_one_cannot_be_written(tmp_path: Path) -> None:
    record(tmp_path, [Entry("a.bin", "ab" * 32)])
    (tmp_path / f"{SUMS_FILE}.partial").mkdir()
    with pytest.raises(IsADirectoryError):
        record(tmp_path, [Entry("b.bin", "ab" * 32)])
    assert list(listed(tmp_path)) == ["a.bin"]


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / f".{SUMS_FILE}.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=os.strerror(40)):
        record(tmp_path, [Entry("a.bin", "ab" * 32)])
    assert not (tmp_path / "elsewhere").exists()
