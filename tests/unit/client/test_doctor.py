"""`fashquick doctor` as a whole: what it prints, how it ends, and that it survives what it looks at."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from typer.testing import CliRunner

from fashquick_client.cli import app
from fashquick_client.doctor import examination, machine, ports, report
from fashquick_client.doctor.examination import guarded, in_thread
from fashquick_client.doctor.findings import Level, Topic, note, ok, one_line, problem
from fashquick_client.doctor.places import FirstPort
from fashquick_client.services import Service

ROOT = Path(__file__).resolve().parents[3]


def doctor(*args):
    return CliRunner().invoke(app, ["doctor", *map(str, args)])


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch):
    """No variable of whoever runs the tests is looked at."""
    for name in list(os.environ):
        if name.upper().startswith("FASHQUICK_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def _quiet_ports(monkeypatch, free_ports):
    """The usual ports are not looked at: another program may have them."""
    monkeypatch.setattr(examination, "first_port_of", lambda _: FirstPort("127.0.0.1", free_ports))
    monkeypatch.setattr("fashquick_client.doctor.places.DEFAULT_ENDPOINT", f"127.0.0.1:{free_ports}")


@pytest.fixture
def free_ports(monkeypatch):
    """A port that is free, as are the three after it and their admin ports."""
    for first in range(21_000, 30_000, 211):
        numbers = [first + service.port_offset + extra for service in Service for extra in (0, 100)]
        if all(ports.listening("127.0.0.1", number)[0] is ports.State.FREE for number in numbers):
            return first
    raise AssertionError("no ports are free")


@pytest.mark.usefixtures("_quiet_ports")
class TestOutput:
    def test_a_sound_installation_has_no_problem_and_ends_with_0(self):
        result = doctor()
        assert result.exit_code == 0, result.output
        assert "\nproblem" not in result.stdout
        assert "Nothing is wrong" in result.stdout

    def test_every_topic_has_a_line_that_starts_with_level_and_topic(self):
        lines = doctor().stdout.splitlines()
        for topic in Topic:
            assert any(re.match(rf"(ok|note|problem) +{topic} +\S", line) for line in lines), topic

    def test_outside_of_a_terminal_there_are_no_colours(self, monkeypatch):
        monkeypatch.setenv("FORCE_COLOR", "1")
        assert "\x1b" not in doctor().stdout

    def test_json_has_the_documented_members_and_says_the_same(self):
        result = doctor("--json")
        answer = json.loads(result.stdout)
        assert answer.keys() == {"version", "findings"}
        assert answer["version"] == importlib.metadata.version("fashquick-client")
        assert {finding["topic"] for finding in answer["findings"]} == {str(topic) for topic in Topic}
        for finding in answer["findings"]:
            assert finding.keys() == {"topic", "level", "found", "advice"}
            assert finding["level"] in {"ok", "note", "problem"}
            assert bool(finding["advice"]) == (finding["level"] != "ok")

    def test_a_problem_is_repeated_at_the_end_with_what_to_do_and_ends_with_1(self, monkeypatch, tmp_path):
        monkeypatch.setenv("FASHQUICK_MODELS", str(tmp_path / "none"))
        result = doctor()
        assert result.exit_code == 1
        head, _, tail = result.stdout.partition("What to do:")
        assert re.search(r"^problem  weights   the model store \S+/none cannot be read", head, re.MULTILINE)
        assert "/none cannot be read" in tail
        assert "unset it" in tail
        assert "unset it" not in head

    def test_a_name_that_would_steer_the_terminal_is_made_harmless(self, monkeypatch, tmp_path):
        monkeypatch.setenv("FASHQUICK_MODELS", str(tmp_path / "red\x1b[31m\nnext"))
        for args in ([], ["--json"]):
            result = doctor(*args)
            assert "\x1b" not in result.stdout
            assert "\\u001b" not in result.stdout
        monkeypatch.setenv("FASHQUICK_MODELS", os.fsdecode(bytes(tmp_path) + b"/\xff"))
        assert doctor().exit_code == 1

    def test_verify_is_passed_on(self, monkeypatch, tmp_path):
        (tmp_path / "a").write_bytes(b"changed")
        (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  a\n")
        monkeypatch.setenv("FASHQUICK_MODELS", str(tmp_path))
        assert doctor().exit_code == 0
        assert doctor("--verify").exit_code == 1

    @pytest.mark.parametrize(
        "args",
        [
            ["--endpoint", "nowhere"],
            ["--endpoint", "localhost:0"],
            ["--endpoint", "localhost:65536"],
            ["--features-endpoint", ":7402"],
            ["--generation-endpoint", "localhost:٧٤"],
            ["surplus"],
        ],
    )
    def test_a_wrong_command_line_ends_with_2(self, args):
        result = doctor(*args)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr


def test_on_a_terminal_topics_are_headings_and_the_gravest_stands_last(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    findings = [
        problem(Topic.SERVERS, "the sky falls [bold]", "Hold it. " + "Words go on. " * 10),
        note(Topic.SERVERS, "it is grey", "Take a coat."),
        ok(Topic.PYTHON, "it hisses"),
    ]
    report.print_report(findings, "9.9")
    shown = capsys.readouterr().out
    assert "\x1b[" in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert max(map(len, plain.splitlines())) <= 60
    assert plain.index("Python") < plain.index("it hisses") < plain.index("Servers")
    end = plain.partition("1 problem and 1 note. What to do:")[2]
    assert end.index("Take a coat.") < end.index("the sky falls [bold]") < end.index("Hold it.")


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ([Level.OK], "Nothing is wrong."),
        ([Level.NOTE, Level.NOTE], "Nothing is wrong; 2 notes. What to do:"),
        ([Level.PROBLEM, Level.OK], "1 problem. What to do:"),
    ],
)
def test_the_summary_counts(levels, words):
    findings = [
        {Level.OK: ok(Topic.PORTS, "x"), Level.NOTE: note(Topic.PORTS, "x", "y")}.get(
            level, problem(Topic.PORTS, "x", "y")
        )
        for level in levels
    ]
    assert report.summary(findings) == words


def test_one_line_keeps_words_and_cuts_what_never_ends():
    assert one_line(" two\nlines \u202eand\x00 ") == "two lines \ufffdand\ufffd"
    assert len(one_line("x" * 10_000_000)) == 400


class TestWhileLooking:
    async def test_a_check_that_fails_is_a_finding(self):
        def broken():
            raise ZeroDivisionError("inside")

        [finding] = await guarded(Topic.CACHES, in_thread(broken))
        assert (finding.topic, finding.level) == (Topic.CACHES, Level.PROBLEM)
        assert "ZeroDivisionError: inside" in finding.found

    async def test_a_check_that_hangs_is_a_finding_and_holds_nothing_up(self):
        release = threading.Event()

        def hanging():
            release.wait(30)
            return []

        try:
            [finding] = await guarded(Topic.WEIGHTS, in_thread(hanging), limit_s=0.05)
        finally:
            release.set()
        assert (finding.topic, finding.level) == (Topic.WEIGHTS, Level.PROBLEM)
        assert "within 0.05 seconds" in finding.found

    @pytest.mark.usefixtures("_quiet_ports")
    def test_a_topic_that_breaks_leaves_the_others(self, monkeypatch):
        def broken():
            raise RuntimeError("out of order")

        monkeypatch.setattr(machine, "check", broken)
        result = doctor()
        assert result.exit_code == 1
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert "RuntimeError: out of order" in result.stdout
        assert "ok       caches" in result.stdout


def run_alone(path, *, flags=(), **variables):
    """Run the command in a process of its own, with `path` before everything else."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PYTHONPATH": path, **variables}
    return subprocess.run(
        [sys.executable, "-P", *flags, "-m", "fashquick_client", "doctor"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_old_grpcio_is_told_in_words(tmp_path):
    (tmp_path / "grpc").mkdir()
    (tmp_path / "grpc" / "__init__.py").write_text("__version__ = '1.60.0'\n")
    old = tmp_path / "grpcio-1.60.0.dist-info"
    old.mkdir()
    (old / "METADATA").write_text("Metadata-Version: 2.1\nName: grpcio\nVersion: 1.60.0\n")
    done = run_alone(str(tmp_path))
    assert "Traceback" not in done.stderr + done.stdout
    assert done.returncode == 1
    assert "problem  python    grpcio 1.60.0 is too old for fashquick's stubs, which need 1.85" in done.stdout
    assert 'pip install "grpcio>=1.85' in done.stdout
    assert "note     servers   cannot be asked from here" in done.stdout


def test_a_grpcio_that_cannot_be_loaded_is_told_in_words(tmp_path):
    (tmp_path / "grpc").mkdir()
    (tmp_path / "grpc" / "__init__.py").write_text("raise ImportError('libstdc++.so.6: cannot open shared object')\n")
    done = run_alone(str(tmp_path))
    assert "Traceback" not in done.stderr + done.stdout
    assert done.returncode == 1
    assert "stubs cannot be loaded: ImportError: libstdc++.so.6" in done.stdout


def test_the_light_client_installation_lacks_nothing_that_it_needs(tmp_path):
    """Only fashquick-client without extras, and what it depends on, can be imported."""
    light_installation(tmp_path)
    done = run_alone(str(tmp_path), flags=["-S"])
    assert "Traceback" not in done.stderr + done.stdout
    lines = [line for line in done.stdout.splitlines() if not re.match(r"\w+ +ports", line)]
    assert [line for line in lines if line.startswith("problem")] == []
    for service in Service:
        assert any(f"{service} service is not installed here" in line for line in lines), done.stdout
    assert any("FASHQUICK_ variables were not checked" in line for line in lines)
    assert any(line.endswith(": protos, common, client installed") for line in lines)


def light_installation(folder):
    """Link what the client's distribution requires, and what that requires, into a folder."""
    wanted, done = ["fashquick-client"], set()
    while wanted:
        name = wanted.pop()
        if name in done:
            continue
        done.add(name)
        distribution = importlib.metadata.distribution(name)
        requirements = map(Requirement, distribution.requires or [])
        wanted += [each.name for each in requirements if each.marker is None or each.marker.evaluate({"extra": ""})]
        tops = {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}
        for top in tops:
            source = Path(distribution.locate_file(top))
            if source.suffix != ".pth" and not (folder / top).exists():
                (folder / top).symlink_to(source)
    # Editable installations have their packages elsewhere.
    for package in ("fashquick_client", "fashquick_common", "fashquick"):
        if not (folder / package).exists():
            module = __import__(package)
            (folder / package).symlink_to(next(iter(module.__path__)))


def test_help_documents_the_exit_codes_and_loads_nothing_heavy():
    result = CliRunner().invoke(app, ["doctor", "--help"], terminal_width=200)
    assert result.exit_code == 0
    for words in ("Exit codes", "--json", "--verify", "topic, level"):
        assert words in result.stdout
    code = (
        "import sys, fashquick_client.doctor.examination; "
        "print(*(name for name in ('grpc', 'google.protobuf', 'numpy', 'pydantic') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
