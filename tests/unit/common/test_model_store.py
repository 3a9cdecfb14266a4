"""The model store: no file is used that is not the listed one, whatever the list and the folder look like."""

from __future__ import annotations

import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import Cancelled, ModelNotInstalled
from fashquick_common.models import MAX_SUMS_BYTES, SUMS_FILE, ModelStore
from fashquick_common.models.sums import parse, stays_inside

WEIGHTS = b"weights" * 1000


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def store_with(root: Path, files: dict[str, bytes]) -> ModelStore:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    lines = [f"{digest(content)}  {name}\n" for name, content in files.items()]
    (root / SUMS_FILE).write_text("".join(lines))
    return ModelStore(root)


def test_a_listed_file_is_found_and_only_then_verified(tmp_path: Path) -> None:
    store = store_with(tmp_path, {"a.pt": WEIGHTS, "sam/b.safetensors": b"b"})
    assert [(file.name, file.size_bytes, file.verified) for file in store.files()] == [
        ("a.pt", len(WEIGHTS), False),
        ("sam/b.safetensors", 1, False),
    ]
    assert store.verified("sam/b.safetensors").read_bytes() == b"b"
    assert [file.verified for file in store.files()] == [False, True]
    found = store.find("sam/b.safetensors")
    assert found is not None
    assert (found.sha256, found.verified) == (digest(b"b"), True)
    assert store.find("c.pt") is None


def test_what_sha256sum_writes_is_read(tmp_path: Path) -> None:
    store = store_with(tmp_path, {"a.pt": WEIGHTS})
    (tmp_path / SUMS_FILE).write_bytes(f"\r\n{digest(WEIGHTS).upper()} *./a.pt\r\n\n".encode())
    assert store.verified("a.pt").read_bytes() == WEIGHTS


def test_a_changed_byte_is_refused_saying_what_to_do(tmp_path: Path) -> None:
    store = store_with(tmp_path, {"a.pt": WEIGHTS})
    (tmp_path / "a.pt").write_bytes(b"W" + WEIGHTS[1:])
    with pytest.raises(
        ModelNotInstalled, match=r"^a\.pt in the model store has SHA-256 .*listed is .*copy it into the store again"
    ):
        store.verified("a.pt")
    assert not store.files()[0].verified


def test_a_file_that_changes_after_it_was_verified_is_read_again(tmp_path: Path) -> None:
    store = store_with(tmp_path, {"a.pt": WEIGHTS})
    store.verified("a.pt")
    other = tmp_path / "new"
    other.write_bytes(WEIGHTS[::-1])
    other.replace(tmp_path / "a.pt")
    assert not store.files()[0].verified
    with pytest.raises(ModelNotInstalled, match="damaged"):
        store.verified("a.pt")


def test_a_new_list_counts_at_once(tmp_path: Path) -> None:
    store = store_with(tmp_path, {"a.pt": WEIGHTS})
    store.verified("a.pt")
    (tmp_path / SUMS_FILE).write_text(f"{digest(b'other')}  a.pt\n")
    with pytest.raises(ModelNotInstalled, match="damaged"):
        store.verified("a.pt")
    assert not store.files()[0].verified


def test_a_file_is_read_once_by_many_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = store_with(tmp_path, {"a.pt": WEIGHTS})
    digests: list[int] = []
    real = hashlib.sha256

    def counted(*arguments: Any) -> object:
        digests.append(threading.get_ident())
        return real(*arguments)

    monkeypatch.setattr("fashquick_common.models.store.hashlib.sha256", counted)
    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(lambda _: store.verified("a.pt"), range(32)))
    assert paths == {tmp_path / "a.pt"}
    assert len(digests) == 1


def test_a_file_is_read_anew_when_that_is_asked_for(tmp_path: Path) -> None:
    store = store_with(tmp_path, {"a.pt": WEIGHTS})
    store.verified("a.pt")
    seen = (tmp_path / "a.pt").stat()
    (tmp_path / "a.pt").write_bytes(WEIGHTS[::-1])
    os.utime(tmp_path / "a.pt", ns=(seen.st_atime_ns, seen.st_mtime_ns))
    store.verified("a.pt")
    with pytest.raises(ModelNotInstalled, match="damaged"):
        store.verified("a.pt", anew=True)
    assert not store.files()[0].verified


def test_reading_stops_between_steps_and_frees_its_turn(tmp_path: Path) -> None:
    store = store_with(tmp_path, {"a.pt": bytes(40 * 1024 * 1024)})
    flag = CancelFlag(on_step=lambda: flag.cancel() if flag.steps == 3 else None)
    with pytest.raises(Cancelled):
        store.verified("a.pt", flag)
    assert flag.steps == 3
    assert not store.files()[0].verified
    assert store.verified("a.pt", CancelFlag())


def test_who_waits_for_another_reader_can_leave(tmp_path: Path) -> None:
    store = store_with(tmp_path, {"a.pt": WEIGHTS})
    begun, gate = threading.Event(), threading.Event()

    def stand_still() -> None:
        begun.set()
        gate.wait(10)

    gone = CancelFlag()
    gone.cancel()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(store.verified, "a.pt", CancelFlag(on_step=stand_still))
        assert begun.wait(10)
        with pytest.raises(Cancelled):
            store.verified("a.pt", gone)
        gate.set()
        assert reading.result()


@pytest.mark.parametrize("name", ["b.pt", "../a.pt", "", "sam"])
def test_what_is_not_listed_is_refused(tmp_path: Path, name: str) -> None:
    store = store_with(tmp_path, {"a.pt": WEIGHTS, "sam/c.pt": b"c"})
    (tmp_path / "b.pt").write_bytes(b"b")
    with pytest.raises(ModelNotInstalled, match="does not list"):
        store.verified(name)


def test_a_missing_file_is_refused_and_listed_without_a_size(tmp_path: Path) -> None:
    store = store_with(tmp_path, {"a.pt": WEIGHTS})
    (tmp_path / "a.pt").unlink()
    with pytest.raises(ModelNotInstalled, match="No such file"):
        store.verified("a.pt")
    assert store.files()[0].size_bytes is None


@pytest.mark.parametrize("root", ["absent", "empty"])
def test_no_store_is_refused_naming_the_variable(tmp_path: Path, root: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelNotInstalled, match="FASHQUICK_MODELS"):
        ModelStore(tmp_path / root).files()


def test_a_link_that_leads_out_is_refused_and_one_that_stays_is_not(tmp_path: Path) -> None:
    root = tmp_path / "store"
    root.mkdir()
    (tmp_path / "outside").write_bytes(WEIGHTS)
    store = store_with(root, {"a.pt": WEIGHTS, "b.pt": WEIGHTS, "c.pt": WEIGHTS})
    for name, target in {"b.pt": Path("a.pt"), "c.pt": tmp_path / "outside"}.items():
        (root / name).unlink()
        (root / name).symlink_to(target)
    assert store.verified("b.pt").read_bytes() == WEIGHTS
    with pytest.raises(ModelNotInstalled, match="leads out of the store"):
        store.verified("c.pt")
    (root / "a.pt").unlink()
    (root / "a.pt").symlink_to("b.pt")
    with pytest.raises(ModelNotInstalled, match=r"b\.pt"):
        store.verified("b.pt")


def test_pipes_folders_and_devices_never_block(tmp_path: Path) -> None:
    store = store_with(tmp_path, {"a.pt": WEIGHTS, "b.pt": WEIGHTS})
    for name in ("a.pt", "b.pt"):
        (tmp_path / name).unlink()
    os.mkfifo(tmp_path / "a.pt")
    (tmp_path / "b.pt").mkdir()
    for name in ("a.pt", "b.pt"):
        with pytest.raises(ModelNotInstalled, match="it is no file"):
            store.verified(name)
    (tmp_path / SUMS_FILE).unlink()
    os.mkfifo(tmp_path / SUMS_FILE)
    with pytest.raises(ModelNotInstalled, match="it is no file"):
        store.files()


HOSTILE = {
    "path escape": f"{digest(b'')}  ../a.pt".encode(),
    "absolute path": f"{digest(b'')}  /etc/passwd".encode(),
    "no name": f"{digest(b'')}  ".encode(),
    "short digest": b"abc  a.pt",
    "one blank": f"{digest(b'')} a.pt".encode(),
    "control characters": f"{digest(b'')}  a\x1b[2Jb".encode(),
    "not UTF-8": digest(b"").encode() + b"  \xff\xfe",
    "long name": f"{digest(b'')}  {'a' * 5000}".encode(),
    "random bytes": bytes(range(256)),
    "two digests of a file": f"{digest(b'')}  b\n{digest(b'x')}  b".encode(),
    "two digests of a file, written otherwise": f"{digest(b'')}  b\n{digest(b'x')}  ./b".encode(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_one_wrong_line_and_nothing_of_the_list_is_believed(tmp_path: Path, name: str) -> None:
    store = store_with(tmp_path, {"a.pt": WEIGHTS})
    with (tmp_path / SUMS_FILE).open("ab") as file:
        file.write(HOSTILE[name])
    with pytest.raises(ModelNotInstalled, match=r"line [23] .*get SHA256SUMS again"):
        store.verified("a.pt")


def test_an_endless_line_is_refused(tmp_path: Path) -> None:
    store = store_with(tmp_path, {"a.pt": WEIGHTS})
    (tmp_path / SUMS_FILE).write_bytes(b"0" * (MAX_SUMS_BYTES + 1))
    with pytest.raises(ModelNotInstalled, match="more than 1024 KiB"):
        store.files()


@given(st.binary(max_size=300) | st.from_regex(rb"([0-9a-f]{64}  [./a-z]{1,9}\n){1,4}", fullmatch=True))
def test_any_bytes_are_a_list_of_files_inside_or_mistakes(content: bytes) -> None:
    sums = parse(content)
    lines = sum(bool(line.removesuffix(b"\r")) for line in content.split(b"\n"))
    assert len(sums.entries) + len(sums.mistakes) <= lines
    assert all(stays_inside(entry.name) for entry in sums.entries)
    assert len({entry.name for entry in sums.entries}) == len(sums.entries)
