"""What the doctor says about a model store: real files, damaged and hostile ones among them."""

import hashlib
import json
import os

import pytest

from fashquick_client.doctor import weights
from fashquick_client.doctor.findings import Level
from fashquick_client.doctor.weights import store_findings
from fashquick_common.models.sums import MAX_SUMS_BYTES, parse
from tests.support.own_profiles import PACKAGED, write_profiles, write_store

WEIGHTS = {"sam2/tiny.safetensors": b"tiny" * 1000, "sd15/unet.safetensors": b"unet" * 2000, "blank name.bin": b"b"}


@pytest.fixture
def store(tmp_path):
    """A model store that is complete and right."""
    folder = tmp_path / "models"
    lines = []
    for name, content in WEIGHTS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        lines.append(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
    (folder / "SHA256SUMS").write_text("".join(lines))
    return folder


def add_line(store, line):
    with (store / "SHA256SUMS").open("ab") as file:
        file.write(line)


def levels(store, *, verify=True):
    return [finding.level for finding in store_findings(store, verify=verify)]


def problems(store, *, verify=True):
    findings = store_findings(store, verify=verify)
    return [finding.found for finding in findings if finding.level is Level.PROBLEM]


def test_a_store_that_is_right(store):
    [finding] = store_findings(store, verify=True)
    assert finding.level is Level.OK
    assert finding.found.startswith(f"3 files of {store}, 0.0 MB, unchanged")
    [finding] = store_findings(store, verify=False)
    assert (finding.level, "--verify" in finding.found) == (Level.OK, True)


def test_no_store_is_fine(monkeypatch):
    monkeypatch.delenv("FASHQUICK_MODELS", raising=False)
    assert [finding.level for finding in weights.check(verify=True)] == [Level.OK]
    monkeypatch.setenv("FASHQUICK_MODELS", "")
    assert [finding.level for finding in weights.check(verify=True)] == [Level.OK]


def test_the_store_is_the_one_that_the_variable_names(monkeypatch, store):
    monkeypatch.setenv("FASHQUICK_MODELS", str(store))
    [finding] = weights.check(verify=False)
    assert str(store) in finding.found


def test_a_changed_file_is_found_only_with_verify(store):
    (store / "sd15/unet.safetensors").write_bytes(b"unex" * 2000)
    assert problems(store, verify=False) == []
    [found] = problems(store)
    assert found.startswith(f"{store}/sd15/unet.safetensors: its SHA-256 is ")
    assert store_findings(store, verify=True)[0].found.startswith("2 files of ")


def test_capital_digits_and_the_mark_of_binary_files_are_read(store):
    digest = hashlib.sha256(b"b").hexdigest().upper()
    (store / "SHA256SUMS").write_bytes(f"{digest} *blank name.bin\r\n\n".encode())
    assert problems(store) == []


def test_a_missing_file(store):
    (store / "blank name.bin").unlink()
    assert problems(store, verify=False) == [f"{store}/blank name.bin: No such file or directory"]


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "sam2/../../outside", "..", "/", "sam2/.."])
def test_a_name_that_leaves_the_store_is_a_problem_and_is_not_opened(store, name):
    secret = store.parent / "outside"
    secret.write_bytes(b"secret")
    add_line(store, f"{hashlib.sha256(b'secret').hexdigest()}  {name}\n".encode())
    [found] = problems(store)
    assert "line 4 names a file outside the store" in found
    assert "Permission" not in found


def test_a_link_that_leaves_the_store_is_a_problem(store):
    outside = store.parent / "outside.bin"
    outside.write_bytes(b"far")
    (store / "near.bin").symlink_to(outside)
    add_line(store, f"{hashlib.sha256(b'far').hexdigest()}  near.bin\n".encode())
    assert problems(store) == [f"{store}/near.bin: a link leads out of the store; put the file itself there"]


def test_a_link_within_the_store_is_followed(store):
    (store / "again.bin").symlink_to("blank name.bin")
    add_line(store, f"{hashlib.sha256(b'b').hexdigest()}  again.bin\n".encode())
    assert levels(store) == [Level.OK]


@pytest.mark.parametrize("kind", ["pipe", "folder", "loop"])
def test_what_is_no_file_does_not_hold_the_doctor(store, kind):
    path = store / "strange"
    {"pipe": lambda: os.mkfifo(path), "folder": path.mkdir, "loop": lambda: path.symlink_to("strange")}[kind]()
    add_line(store, b"0" * 64 + b"  strange\n")
    [found] = problems(store)
    assert found.startswith(f"{store}/strange: ")


@pytest.mark.parametrize(
    "line",
    [
        b"junk",
        b"0" * 63 + b"  short.bin",
        b"0" * 64 + b" one-blank.bin",
        b"0" * 64 + b"  ",
        b"\\" + b"0" * 64 + b"  escaped\\nname",
        b"0" * 64 + b"  nul\x00name",
        b"0" * 64 + b"  \xff\xfe.bin",
        b"0" * 64 + b"  " + b"n" * 5000,
        bytes(range(11, 256)),
        b"0" * 500_000,
    ],
)
def test_a_malformed_line_is_a_problem_with_its_number(store, line):
    add_line(store, line + b"\n")
    [found] = problems(store)
    assert "line 4 is not 64 hexadecimal digits, two blanks and a name" in found
    assert len(found) <= 400


def test_many_malformed_lines_are_one_short_problem(store):
    add_line(store, b"junk\n" * 1000)
    [found] = problems(store)
    assert "and 995 more" in found


def test_a_file_with_two_digests_is_a_problem(store):
    add_line(store, b"0" * 64 + b"  ./blank name.bin\n")
    [found] = problems(store)
    assert "line 4 gives blank name.bin another SHA-256" in found


def test_a_list_that_does_not_end_is_not_read(store):
    with (store / "SHA256SUMS").open("wb") as file:
        file.truncate(50 * 1024**3)  # Sparse: takes no space.
    [found] = problems(store)
    assert "more than 1024 KiB" in found


def test_a_list_as_long_as_allowed_is_read():
    line = b"0" * 64 + b"  %06d\n"
    content = b"".join(line % number for number in range(MAX_SUMS_BYTES // 73))
    assert len(parse(content).entries) == MAX_SUMS_BYTES // 73


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe"])
def test_without_a_list_nothing_can_be_said(store, kind):
    path = store / "SHA256SUMS"
    path.unlink()
    {"missing": lambda: None, "folder": path.mkdir, "pipe": lambda: os.mkfifo(path)}[kind]()
    [finding] = store_findings(store, verify=True)
    assert finding.level is Level.PROBLEM
    assert "SHA256SUMS cannot be read" in finding.found


def test_an_empty_list_is_a_note(store):
    (store / "SHA256SUMS").write_bytes(b"\n")
    assert set(levels(store)) == {Level.NOTE}


def test_files_that_are_not_listed_are_one_note(store):
    for number in range(8):
        (store / f"extra{number}.bin").touch()
    [note] = [finding for finding in store_findings(store, verify=True) if finding.level is Level.NOTE]
    assert "8 files that SHA256SUMS does not list: extra0.bin, " in note.found
    assert note.found.endswith("extra4.bin and 3 more")


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_a_store_that_is_no_folder_is_a_problem(tmp_path, kind):
    path = tmp_path / "models"
    if kind == "file":
        path.touch()
    [finding] = store_findings(path, verify=True)
    assert finding.level is Level.PROBLEM
    assert f"the model store {path} cannot be read" in finding.found


def test_a_folder_with_very_many_files_is_no_store(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "_MAX_ENTRIES", 3)
    for number in range(5):
        (tmp_path / str(number)).touch()
    [found] = problems(tmp_path)
    assert "no model store" in found


def found_with(store):
    return [(finding.level, finding.found) for finding in weights.profile_findings(store)]


def test_profiles_are_told_of_where_the_store_has_some_of_one(tmp_path, monkeypatch):
    write_profiles(tmp_path / "own.json")
    write_store(tmp_path / "models")
    monkeypatch.setenv("FASHQUICK_DIFFUSION_PROFILES", str(tmp_path / "own.json"))
    complete = [(Level.OK, f"the profile {name} is complete") for name in ("mine", "mine-too")]
    assert found_with(tmp_path / "models") == complete
    (tmp_path / "models/mine" / PACKAGED.files[0].name).unlink()
    first, second = weights.profile_findings(tmp_path / "models")
    assert first.level is second.level is Level.NOTE
    assert f"mine lacks 1 file: mine/{PACKAGED.files[0].name}" in first.found
    assert first.advice == "Run: fashquick models pull mine"


def test_own_profiles_that_lie_in_the_store_are_no_unlisted_weights(tmp_path, monkeypatch):
    write_store(tmp_path)
    write_profiles(tmp_path / "own.json")
    assert "own.json" in " ".join(finding.found for finding in weights.store_findings(tmp_path, verify=False))
    monkeypatch.setenv("FASHQUICK_DIFFUSION_PROFILES", str(tmp_path / "own.json"))
    assert "own.json" not in " ".join(finding.found for finding in weights.store_findings(tmp_path, verify=False))


def test_a_profile_that_lacks_more_is_no_trouble_where_another_is_complete(tmp_path, monkeypatch):
    write_profiles(tmp_path / "own.json")
    own = json.loads((tmp_path / "own.json").read_text())
    own["files"]["lora"] = {**own["files"]["file-0"], "role": "lora", "name": "mine/lora.safetensors"}
    own["profiles"][1]["files"].append("lora")
    (tmp_path / "own.json").write_text(json.dumps(own))
    write_store(tmp_path / "models")
    monkeypatch.setenv("FASHQUICK_DIFFUSION_PROFILES", str(tmp_path / "own.json"))
    assert found_with(tmp_path / "models") == [
        (Level.OK, "the profile mine is complete"),
        (Level.OK, "the profile mine-too lacks 1 file: mine/lora.safetensors"),
    ]


def test_a_store_of_other_weights_says_nothing_of_profiles(store, monkeypatch):
    monkeypatch.delenv("FASHQUICK_DIFFUSION_PROFILES", raising=False)
    assert found_with(store) == []
    (store / "SHA256SUMS").write_text("junk")
    assert found_with(store) == []


def test_own_profiles_that_are_wrong_are_a_problem(store, tmp_path, monkeypatch):
    (tmp_path / "own.json").write_text("{")
    monkeypatch.setenv("FASHQUICK_DIFFUSION_PROFILES", str(tmp_path / "own.json"))
    [(level, found)] = found_with(store)
    assert (level, "own.json is no JSON" in found) == (Level.PROBLEM, True)


def test_what_pull_leaves_behind_is_known(store):
    (store / ".SHA256SUMS.lock").touch()
    (store / "sd15/vae.safetensors.partial").write_bytes(b"half")
    [note] = [finding for finding in store_findings(store, verify=True) if finding.level is Level.NOTE]
    assert "1 file of which only a part came: sd15/vae.safetensors.partial" in note.found
