"""The command, against a real server with canned answers."""

import json
import subprocess
import sys

import pytest

from fashquick_common.errors import (
    BadField,
    CategoryNotSupported,
    ImageDamaged,
    InternalError,
    ModelNotInstalled,
    NoGarment,
    QueueFull,
)
from tests.support.command import fashquick


class TestTryOn:
    def test_writes_picture_and_report(self, server, photo, tmp_path):
        target, report = tmp_path / "out.png", tmp_path / "report.json"
        result = fashquick(
            "try-on", photo, "-o", target, "--report", report, "--seed", 7, "--endpoint", server.endpoint
        )
        assert result.exit_code == 0, result.output
        assert target.read_bytes() == server.picture
        made = json.loads(report.read_text())
        assert made["seed"] == "7"
        assert made["inputs"][0]["sha256"] == server.headers[0].blobs[0].sha256.hex()
        assert made["outputs"][1]["size_bytes"] == str(len(server.picture))
        assert made["stages"][0] == {
            "stage": "STAGE_GENERATION",
            "backend": "studio",
            "backend_digest": "",
            "version": "",
            "seconds": 1.5,
            "compute_seconds": 0.0,
            "attempts": 0,
        }
        assert made["facts"] == {"stretch": 1.25}
        assert str(target) in result.stdout
        assert made["fidelity"]["grade"] == "FIDELITY_GRADE_CLOSE"
        assert "Fidelity: close, 0.78 of 1: a buyer who looks for it sees a difference\n" in result.stdout
        assert "The photo is dark." in result.stderr

    @pytest.mark.parametrize(("suffix", "picture_format"), [("png", 1), ("jpg", 2), ("JPEG", 2), ("webp", 3)])
    def test_the_suffix_chooses_the_format(self, server, photo, tmp_path, suffix, picture_format):
        fashquick("try-on", photo, "-o", tmp_path / f"out.{suffix}", "--endpoint", server.endpoint)
        assert server.headers[0].options.picture_format == picture_format

    def test_options_reach_the_server(self, server, photo, tmp_path):
        result = fashquick(
            *("try-on", photo, "-o", tmp_path / "out.png", "--endpoint", server.endpoint),
            *("--size", "512x768", "--backend", "studio", "--category", "dress", "--body", "curvy"),
            *("--pose", "relaxed", "--timeout", "20", "--no-fidelity"),
        )
        assert result.exit_code == 0, result.output
        (header,) = server.headers
        assert (header.options.width, header.options.height) == (512, 768)
        assert header.options.generation_backend == 1
        assert header.garments[0].category_hint == 8
        assert header.subject.body == "curvy"
        assert header.views[0].pose == "relaxed"
        assert header.options.without_fidelity
        assert "Fidelity" not in result.stdout
        assert server.deadlines[0] < 21

    @pytest.mark.parametrize(
        ("args", "words"),
        [
            (["--size", "big"], "768x1152"),
            (["--size", "100x100"], "256 to 2048"),
            (["--size", "-5x300"], "768x1152"),
            (["--seed", "-1"], "--seed"),
            (["--backend", "magic"], "magic"),
            (["--category", "hat"], "hat"),
            (["--body", "cat"], "cat"),
        ],
    )
    def test_wrong_options_are_usage_errors(self, server, photo, tmp_path, args, words):
        result = fashquick("try-on", photo, "-o", tmp_path / "out.png", "--endpoint", server.endpoint, *args)
        assert result.exit_code == 2
        assert words in result.stderr
        assert server.headers == []

    @pytest.mark.parametrize("name", ["out.gif", "out", "out.mask"])
    def test_unknown_suffix(self, photo, tmp_path, name):
        result = fashquick("try-on", photo, "-o", tmp_path / name)
        assert result.exit_code == 2
        assert ".webp" in result.stderr

    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (NoGarment("there is no garment in the photo"), 4),
            (ImageDamaged("the photo is cut short"), 4),
            (CategoryNotSupported("no coats yet"), 4),
            (BadField("no such pose", field="scene.pose"), 2),
            (ModelNotInstalled("diffusion is not installed"), 1),
            (InternalError("a bug"), 1),
            (QueueFull("try later", retry_after_s=1000), 3),
        ],
    )
    def test_failures_have_their_exit_code_and_one_line(self, server, photo, tmp_path, error, code):
        server.failures = [error] * 2
        result = fashquick("try-on", photo, "-o", tmp_path / "out.png", "--endpoint", server.endpoint)
        assert result.exit_code == code
        assert result.stderr == f"fashquick: {error.message}\n"
        assert result.stdout == ""
        assert not (tmp_path / "out.png").exists()

    def test_nobody_there(self, photo, tmp_path):
        result = fashquick("try-on", photo, "-o", tmp_path / "out.png", "--endpoint", "127.0.0.1:1")
        assert result.exit_code == 3
        assert "127.0.0.1:1" in result.stderr
        assert list(tmp_path.iterdir()) == [photo]

    def test_a_picture_that_cannot_be_written_leaves_nothing_behind(self, server, photo, tmp_path):
        target = tmp_path / "out.png"

        def take_its_place(messages):
            target.mkdir()
            return messages

        server.spoil = take_its_place
        result = fashquick("try-on", photo, "-o", target, "--endpoint", server.endpoint)
        assert result.exit_code == 1
        assert "cannot be written" in result.stderr
        assert sorted(tmp_path.iterdir()) == [target, photo]

    def test_files_are_checked_before_any_work(self, server, photo, tmp_path):
        def line(*args):
            result = fashquick("try-on", *args, "--endpoint", server.endpoint)
            assert result.exit_code == 2
            assert result.stderr.count("\n") == 1
            return result.stderr

        assert "there is no file" in line(tmp_path / "none.jpg", "-o", tmp_path / "out.png")
        assert "is a folder; name a photo" in line(tmp_path, "-o", tmp_path / "out.png")
        assert "does not exist" in line(photo, "-o", tmp_path / "none" / "out.png")
        assert "is not a folder" in line(photo, "-o", photo / "out.png")
        assert "does not exist" in line(photo, "-o", tmp_path / "out.png", "--report", tmp_path / "none" / "r.json")
        assert "different files" in line(photo, "-o", tmp_path / "." / "shirt.jpg")
        (tmp_path / "folder.png").mkdir()
        assert "is a folder" in line(photo, "-o", tmp_path / "folder.png")
        assert server.headers == []
        assert photo.read_bytes().startswith(b"\xff\xd8")


def test_version():
    result = fashquick("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("fashquick 0.")


MODELS = [["models"], *(["models", name] for name in ("list", "load", "unload", "verify"))]


@pytest.mark.parametrize("command", [[], ["up"], ["try-on"], ["segment"], ["features"], ["score"], *MODELS])
def test_help(command):
    result = fashquick(*command, "--help")
    assert result.exit_code == 0
    assert "Exit codes" in result.stdout


@pytest.mark.parametrize(
    "args",
    [
        ["nonsense"],
        ["try-on"],
        ["segment", "a.jpg"],
        ["features"],
        ["score", "a.png"],
        ["up", "--port", "-1"],
        ["models", "load"],
    ],
)
def test_usage_errors(args):
    assert fashquick(*args).exit_code == 2


def test_the_command_loads_nothing_heavy_before_it_works():
    heavy = ("asyncio", "grpc", "google.protobuf", "numpy", "PIL")
    code = f"import sys, fashquick_client.cli; print(*(name for name in {heavy} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_python_dash_m():
    done = subprocess.run(
        [sys.executable, "-m", "fashquick_client", "--version"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout[:10]) == (0, "fashquick ")
