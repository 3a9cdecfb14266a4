"""`fashquick models pull`, against a host on loopback."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result

from fashquick_common.models import ModelStore
from tests.support.command import fashquick
from tests.support.own_profiles import PACKAGED, UNSTATED, content, write_profiles
from tests.support.weights_host import WeightsHost, weights_host


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WeightsHost]:
    """A host of the own profiles, and the environment that names both."""
    with weights_host() as running:
        running.files = write_profiles(tmp_path / "own.json")
        monkeypatch.setenv("FASHQUICK_DIFFUSION_PROFILES", str(tmp_path / "own.json"))
        monkeypatch.setenv("FASHQUICK_MODELS", str(tmp_path / "models"))
        monkeypatch.setenv("HF_ENDPOINT", running.address)
        monkeypatch.delenv("FASHQUICK_OFFLINE", raising=False)
        yield running


def pull(*args: object) -> Result:
    return fashquick("models", "pull", *args)


def test_all_that_a_profile_needs_comes_and_nothing_else(host: WeightsHost, tmp_path: Path) -> None:
    result = pull("mine", "--yes")
    assert result.exit_code == 0, result.output
    stored = ModelStore(tmp_path / "models")
    for file in PACKAGED.needed:
        assert stored.verified(f"mine/{file.name}").read_bytes() == content(file)
    assert len(host.asked) == len(PACKAGED.needed) == len(stored.files())
    assert "(9/9) mine/taesd/" in result.stderr


def test_licences_are_shown_before_anything_is_fetched(host: WeightsHost) -> None:
    result = pull("mine")
    assert result.exit_code == 2
    assert "licence: Ours, https://shop.example/l" in result.stdout
    assert "say --yes" in result.stderr
    assert host.asked == []


def test_what_is_there_and_right_is_not_fetched_again(host: WeightsHost, tmp_path: Path) -> None:
    assert pull("mine", "--yes").exit_code == 0
    host.asked.clear()
    result = pull("mine", "mine-too")  # Nothing to agree to.
    assert (result.exit_code, host.asked) == (0, [])
    damaged = tmp_path / "models/mine" / PACKAGED.files[0].name
    damaged.write_bytes(b"X" * damaged.stat().st_size)
    (tmp_path / "models/mine" / PACKAGED.files[1].name).unlink()
    assert pull("mine", "--yes").exit_code == 0
    assert len(host.asked) == 2
    assert damaged.read_bytes() == content(PACKAGED.files[0])


def test_optional_files_come_when_they_are_asked_for(host: WeightsHost, tmp_path: Path) -> None:
    assert pull("mine", "--optional", "--yes").exit_code == 0
    assert len(host.asked) == len(PACKAGED.files)


def test_a_digest_that_only_the_host_states_is_told(host: WeightsHost, tmp_path: Path) -> None:
    name = f"mine/{PACKAGED.files[UNSTATED].name}"
    result = pull("mine", "--yes")
    assert f"Note: {name} has the SHA-256 that the host states" in result.stdout
    stored = ModelStore(tmp_path / "models").find(name)
    assert stored is not None
    assert stored.sha256 == hashlib.sha256(content(PACKAGED.files[UNSTATED])).hexdigest()


def test_what_was_believed_once_must_come_again(host: WeightsHost, tmp_path: Path) -> None:
    assert pull("mine", "--yes").exit_code == 0
    path = tmp_path / "models/mine" / PACKAGED.files[UNSTATED].name
    path.unlink()
    url = f"shop/mine/resolve/main/{UNSTATED}/{PACKAGED.files[UNSTATED].path}"
    right = host.files[url]
    host.files[url] = right[::-1]
    result = pull("mine", "--yes")
    assert (result.exit_code, path.exists()) == (1, False)
    assert "the profile or SHA256SUMS says" in result.stderr
    host.files[url] = right
    result = pull("mine", "--yes")
    assert (result.exit_code, path.read_bytes()) == (0, right)
    assert "Note" not in result.stdout


def test_files_put_there_by_hand_are_listed_if_they_are_right(host: WeightsHost, tmp_path: Path) -> None:
    for file in PACKAGED.files[:2]:
        path = tmp_path / "models/mine" / file.name
        path.parent.mkdir(parents=True)
        path.write_bytes(content(file) if file is PACKAGED.files[0] else b"wrong")
    assert pull("mine", "--yes").exit_code == 0
    assert len(host.asked) == len(PACKAGED.needed) - 1
    assert ModelStore(tmp_path / "models").verified(f"mine/{PACKAGED.files[0].name}")


def test_offline_nothing_is_connected(host: WeightsHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASHQUICK_OFFLINE", "1")
    result = pull("mine", "--yes")
    assert result.exit_code == 1
    assert "9 files are missing" in result.stderr
    assert "FASHQUICK_OFFLINE forbids the network" in result.stderr
    assert (host.asked, host.tokens) == ([], {})
    monkeypatch.delenv("FASHQUICK_OFFLINE")
    assert pull("mine", "--yes").exit_code == 0
    monkeypatch.setenv("FASHQUICK_OFFLINE", "1")
    assert pull("mine").exit_code == 0


def test_what_came_before_a_failure_is_kept_and_listed(host: WeightsHost, tmp_path: Path) -> None:
    gone = f"shop/mine/resolve/main/4/{PACKAGED.files[4].path}"
    held = host.files.pop(gone)
    result = pull("mine", "--yes")
    assert result.exit_code == 1
    assert "correct the profile" in result.stderr
    assert len(ModelStore(tmp_path / "models").files()) == 4
    host.files[gone] = held
    host.asked.clear()
    assert pull("mine", "--yes").exit_code == 0
    assert len(host.asked) == len(PACKAGED.needed) - 4


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["nothing"], 1, "there is no profile 'nothing'; there are sd15-4gb, sd15-quality, sd15-fast, mine"),
        (["mine", "--store", "/dev/null/models"], 2, "/dev/null/models"),
        ([], 2, "PROFILE"),
    ],
)
def test_mistakes_are_told_in_a_line(args: list[str], code: int, words: str, host: WeightsHost) -> None:
    result = pull(*args)
    assert (result.exit_code, words in result.stderr) == (code, True)


def test_without_a_folder_it_says_how_to_name_one(host: WeightsHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FASHQUICK_MODELS")
    result = pull("mine")
    assert result.exit_code == 2
    assert "--store DIR, or FASHQUICK_MODELS" in result.stderr


def test_a_list_that_is_wrong_is_left_alone(host: WeightsHost, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/SHA256SUMS").write_text("junk\n")
    result = pull("mine", "--yes")
    assert result.exit_code == 1
    assert "line 1 is not 64 hexadecimal digits" in result.stderr
    assert (tmp_path / "models/SHA256SUMS").read_text() == "junk\n"
