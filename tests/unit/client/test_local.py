"""Servers as child processes: stand-ins for the services' modules, in processes of their own."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from fashquick_client import local
from fashquick_client.cli import app
from fashquick_client.local import LocalServersError, NotInstalledError, run_servers
from fashquick_client.services import Service
from fashquick_common.errors import StageUnreachable

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "tryon"

# Writes its environment and process id, becomes ready, and waits. Its ways to misbehave come in FAKE_<SERVICE>.
STAND_IN = """
import json, os, signal, sys, time
from pathlib import Path
service = __package__.removeprefix("fashquick_")
folder = Path(os.environ["FAKE_FOLDER"])
manner = os.environ.get("FAKE_" + service.upper(), "")
print("hello from", service, flush=True)
if manner == "die":
    sys.exit("no weights here")
def stop(number, frame):
    (folder / f"{service}.stopped").touch()
    if manner != "stubborn":
        sys.exit(0)
signal.signal(signal.SIGTERM, stop)
environment = {key: value for key, value in os.environ.items() if key.startswith(("FASHQUICK_", "MALLOC_"))}
(folder / f"{service}.json").write_text(json.dumps({"pid": os.getpid(), **environment}))
port = int(os.environ.get("FAKE_PORT") or os.environ["FASHQUICK_PORT"] or 1)
ready = Path(os.environ["FASHQUICK_READY_FILE"])
partial = ready.with_suffix(".partial")
partial.write_text(json.dumps({"service": service, "host": "127.0.0.1", "port": port}))
if manner != "slow":
    partial.replace(ready)
while not (manner == "die-later" and (folder / "die").exists()):
    time.sleep(0.01)
sys.exit(7)
"""


@pytest.fixture
def stand_ins(tmp_path, monkeypatch):
    """Folder into which the stand-ins write what they see."""
    packages, folder = tmp_path / "packages", tmp_path / "seen"
    folder.mkdir()
    for service in Service:
        package = packages / service.module
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(STAND_IN)
    monkeypatch.setenv("PYTHONPATH", str(packages))
    monkeypatch.setenv("FAKE_FOLDER", str(folder))
    return folder


@pytest.fixture
def answering(stand_ins, server, monkeypatch):
    """The same folder; what the stand-ins say they serve is served by the fake server."""
    monkeypatch.setenv("FAKE_PORT", str(server.port))
    return stand_ins


def seen(folder: Path, service: str) -> dict[str, str]:
    return json.loads((folder / f"{service}.json").read_text())


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def eventually(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


async def test_all_start_and_all_stop(stand_ins):
    async with run_servers(tuple(Service)) as servers:
        assert set(servers.endpoints) == set(Service)
        pids = [seen(stand_ins, service)["pid"] for service in Service]
        assert len(set(pids)) == 4
        assert all(map(alive, pids))
    assert not any(map(alive, pids))
    assert len(list(stand_ins.glob("*.stopped"))) == 4


async def test_the_orchestrator_is_told_where_the_stages_are(stand_ins):
    async with run_servers(tuple(Service)) as servers:
        told = seen(stand_ins, "orchestrator")
        for stage in ("segmentation", "features", "generation"):
            assert told[f"FASHQUICK_{stage.upper()}_TARGET"] == servers.endpoints[stage]
        assert told["MALLOC_TOP_PAD_"] == "16777216"


async def test_a_fixed_layout(stand_ins):
    async with run_servers(tuple(Service), host="127.0.0.1", port=9400) as servers:
        assert servers.endpoints == {service: f"127.0.0.1:{9400 + service.port_offset}" for service in Service}
        assert seen(stand_ins, "features")["FASHQUICK_ADMIN_PORT"] == "9502"


async def test_settings_of_the_caller_stay(stand_ins, monkeypatch):
    monkeypatch.setenv("MALLOC_TOP_PAD_", "1")
    monkeypatch.setenv("FASHQUICK_LOG_FORMAT", "json")
    async with run_servers([Service.FEATURES]):
        told = seen(stand_ins, "features")
    assert (told["MALLOC_TOP_PAD_"], told["FASHQUICK_LOG_FORMAT"]) == ("1", "json")


async def test_a_server_that_dies_at_its_start_is_named_with_its_last_words(stand_ins, monkeypatch):
    monkeypatch.setenv("FAKE_FEATURES", "die")
    with pytest.raises(LocalServersError, match=r"features server ended with exit code 1(.|\n)*no weights here"):
        async with run_servers(tuple(Service)):
            pytest.fail("it must not get here")
    assert not any(alive(json.loads(path.read_text())["pid"]) for path in stand_ins.glob("*.json"))


@pytest.mark.usefixtures("stand_ins")
async def test_a_server_that_is_never_ready(monkeypatch):
    monkeypatch.setenv("FAKE_FEATURES", "slow")
    monkeypatch.setattr(local, "START_TIMEOUT_S", 1.0)
    with pytest.raises(LocalServersError, match="not ready"):
        async with run_servers([Service.FEATURES]):
            pytest.fail("it must not get here")


async def test_a_server_that_does_not_stop_is_killed(stand_ins, monkeypatch):
    monkeypatch.setenv("FAKE_FEATURES", "stubborn")
    monkeypatch.setattr(local, "STOP_TIMEOUT_S", 0.2)
    async with run_servers([Service.FEATURES]):
        pid = seen(stand_ins, "features")["pid"]
    assert not alive(pid)
    assert (stand_ins / "features.stopped").exists()


async def test_cancelling_stops_the_servers(stand_ins):
    started = asyncio.Event()

    async def work():
        async with run_servers([Service.FEATURES]):
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await started.wait()
    pid = seen(stand_ins, "features")["pid"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(pid)


@pytest.mark.usefixtures("stand_ins")
async def test_every_line_reaches_the_sink():
    lines = []
    async with run_servers([Service.FEATURES], sink=lambda service, line: lines.append((service, line))):
        pass
    assert (Service.FEATURES, "hello from features") in lines


async def test_missing_distributions_are_named(monkeypatch):
    monkeypatch.setattr(local.importlib.util, "find_spec", lambda name: None if "gen" in name else object())
    with pytest.raises(NotInstalledError, match=r"fashquick-generation; .*fashquick-client\[local\].*--endpoint"):
        async with run_servers(tuple(Service)):
            pytest.fail("it must not get here")


def test_commands_start_what_they_need_and_stop_it(answering, photo, tmp_path):
    described = CliRunner().invoke(app, ["features", str(photo), "--json"])
    assert described.exit_code == 0, described.output
    assert json.loads(described.stdout)[0]["ok"]
    assert {path.stem for path in answering.glob("*.stopped")} == {"features", "segmentation"}
    made = CliRunner().invoke(app, ["try-on", str(photo), "-o", str(tmp_path / "out.png")])
    assert made.exit_code == 0, made.output
    assert {path.stem for path in answering.glob("*.stopped")} == set(Service)


def test_the_script_shows_the_whole_way(answering, tmp_path):
    picture = tmp_path / "shirt.png"
    Image.linear_gradient("L").convert("RGB").save(picture)
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(picture), "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "Making the picture" in done.stdout
    assert re.search(r"In all +\d+\.\d\d s", done.stdout)
    for name in ("tryon.png", "tryon_sheet.png"):
        assert str(tmp_path / "out" / name) in done.stdout
        Image.open(tmp_path / "out" / name).verify()
    assert {path.stem for path in answering.glob("*.stopped")} == set(Service)


@pytest.mark.usefixtures("stand_ins")
def test_a_command_whose_servers_cannot_start_is_unavailable(photo, tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_GENERATION", "die")
    result = CliRunner().invoke(app, ["try-on", str(photo), "-o", str(tmp_path / "out.png")])
    assert result.exit_code == 3
    assert "generation server" in result.stderr
    assert "no weights here" in result.stderr


def test_a_server_that_dies_at_work_is_named_with_its_last_words(answering, server, photo, tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_GENERATION", "die-later")
    (answering / "die").touch()
    server.failures = [StageUnreachable("generation cannot be reached", retry_after_s=0.0)] * 3
    result = CliRunner().invoke(app, ["try-on", str(photo), "-o", str(tmp_path / "out.png")])
    assert result.exit_code == 3
    assert "the generation server ended with exit code 7 while working\n  hello from generation" in result.stderr


@pytest.fixture
def start():
    """Starts `fashquick` in processes of their own, which do not outlive the test."""
    started = []

    def begin(*args):
        started.append(Running(*args))
        return started[-1]

    yield begin
    for running in started:
        running.process.kill()
        running.process.communicate()


class Running:
    """One process of `fashquick`."""

    def __init__(self, *args):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fashquick_client", *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def until(self, words):
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if words in line:
                return lines
        pytest.fail(f"{words!r} never came: {lines} {self.process.stderr.read()}")

    def end(self):
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_runs_until_a_signal(start, stand_ins, number):
    running = start("up", "--port", "0")
    lines = running.until("Ctrl-C")
    assert any(line.startswith("features     | hello from features") for line in lines)
    pids = [seen(stand_ins, service)["pid"] for service in Service]
    running.process.send_signal(number)
    code, _, err = running.end()
    assert (code, err) == (0, "")
    assert not any(map(alive, pids))
    assert len(list(stand_ins.glob("*.stopped"))) == 4


def test_up_ends_when_a_server_dies_and_says_which(start, stand_ins, monkeypatch):
    monkeypatch.setenv("FAKE_GENERATION", "die-later")
    running = start("up", "--port", "0")
    running.until("Ctrl-C")
    pids = [seen(stand_ins, service)["pid"] for service in Service]
    (stand_ins / "die").touch()
    code, _, err = running.end()
    assert code == 1
    assert "the generation server ended with exit code 7" in err
    assert not any(map(alive, pids))


@pytest.mark.usefixtures("stand_ins")
def test_up_with_a_server_that_cannot_start(start, monkeypatch):
    monkeypatch.setenv("FAKE_GENERATION", "die")
    code, _, err = start("up", "--port", "0").end()
    assert code == 1
    assert "generation server ended with exit code 1 while starting" in err


def test_servers_die_with_a_parent_that_is_killed(start, stand_ins):
    running = start("up", "--port", "0")
    running.until("Ctrl-C")
    pids = [seen(stand_ins, service)["pid"] for service in Service]
    running.process.send_signal(signal.SIGKILL)
    running.end()
    eventually(lambda: not any(map(alive, pids)))


def test_an_interrupted_command_stops_its_servers_and_leaves_no_file(start, answering, server, photo, tmp_path):
    server.hold.clear()
    running = start("try-on", str(photo), "-o", str(tmp_path / "out.png"))
    assert server.begun.wait(20)
    pids = [seen(answering, service)["pid"] for service in Service]
    running.process.send_signal(signal.SIGINT)
    code, out, err = running.end()
    assert (code, out, err) == (130, "", "")
    assert not any(map(alive, pids))
    assert server.cancelled.wait(5)
    assert not (tmp_path / "out.png").exists()
    assert not list(tmp_path.glob(".*"))


def test_a_child_whose_parent_is_already_gone_ends_at_once(stand_ins):
    done = subprocess.run(
        [sys.executable, "-m", "fashquick_client.child", str(os.getpid() + 100_000), "fashquick_features"],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert done.returncode == 1
    assert "has ended" in done.stderr
    assert not (stand_ins / "features.json").exists()
