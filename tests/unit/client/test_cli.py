"""The command, against a real server with canned answers."""

import json
import os
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
        assert "The photo is dark." in result.stderr

    @pytest.mark.parametrize(("suffix", "picture_format"), [("png", 1), ("jpg", 2), ("JPEG", 2), ("webp", 3)])
    def test_the_suffix_chooses_the_format(self, server, photo, tmp_path, suffix, picture_format):
        fashquick("try-on", photo, "-o", tmp_path / f"out.{suffix}", "--endpoint", server.endpoint)
        assert server.headers[0].options.picture_format == picture_format

    def test_options_reach_the_server(self, server, photo, tmp_path):
        result = fashquick(
            *("try-on", photo, "-o", tmp_path / "out.png", "--endpoint", server.endpoint),
            *("--size", "512x768", "--backend", "studio", "--category", "dress", "--body", "curvy"),
            *("--pose", "relaxed", "--timeout", "20"),
        )
        assert result.exit_code == 0, result.output
        (header,) = server.headers
        assert (header.options.width, header.options.height) == (512, 768)
        assert header.options.generation_backend == 1
        assert header.garments[0].category_hint == 8
        assert header.subject.body == "curvy"
        assert header.views[0].pose == "relaxed"
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


class TestFeatures:
    def run(self, server, *args):
        endpoints = ("--endpoint", server.endpoint, "--segmentation-endpoint", server.endpoint)
        return fashquick("features", *args, *endpoints)

    def test_table_for_people(self, server, shirts):
        result = self.run(server, *shirts[:2])
        assert result.exit_code == 0, result.output
        for words in ("one.jpg", "two.jpg", "t-shirt 75%", "red #c81e28 75%", "white"):
            assert words in result.stdout

    def test_json_for_programs(self, server, shirts):
        server.failures = [None, None, NoGarment("there is no garment")]
        missing = shirts[0].with_name("none.jpg")
        result = self.run(server, shirts[0], shirts[1], missing, shirts[2], "--json")
        report = json.loads(result.stdout)
        assert [entry["file"] for entry in report] == [str(each) for each in (shirts[0], shirts[1], missing, shirts[2])]
        assert [entry["ok"] for entry in report] == [True, False, False, True]
        assert report[0].keys() == {"file", "ok", "passport"}
        assert report[0]["passport"]["categories"][0] == {"category": "CATEGORY_T_SHIRT", "confidence": 0.75}
        assert report[0]["passport"]["palette"]["colours"][0]["name"] == "red"
        assert report[1] == {
            "file": str(shirts[1]),
            "ok": False,
            "error": {"status": "FAILED_PRECONDITION", "reason": "NO_GARMENT", "message": "there is no garment"},
        }
        assert report[2]["error"] == {
            "status": "NOT_FOUND",
            "reason": "NOT_FOUND",
            "message": f"there is no file {missing}",
        }
        assert result.exit_code == 2

    def test_the_alpha_goes_from_one_service_to_the_other(self, server, shirts):
        self.run(server, shirts[0])
        assert list(server.uploads[1]) == ["photo", "alpha"]

    def test_all_failed(self, server, tmp_path):
        (tmp_path / "empty.jpg").touch()
        result = self.run(server, tmp_path / "empty.jpg", tmp_path, "--json")
        assert [entry["error"]["reason"] for entry in json.loads(result.stdout)] == ["NOT_AN_IMAGE", "BAD_FIELD"]
        assert result.exit_code == 2

    @pytest.mark.parametrize(
        ("failures", "code"),
        [
            ([NoGarment("x"), QueueFull("x", retry_after_s=1000), *[InternalError("x")] * 2], 3),
            ([NoGarment("x"), *[InternalError("x")] * 2, BadField("x")], 1),
            ([NoGarment("x"), BadField("x"), NoGarment("x")], 2),
            ([NoGarment("x"), NoGarment("x"), NoGarment("x")], 4),
        ],
    )
    def test_the_gravest_failure_is_the_exit_code(self, server, shirts, failures, code):
        server.failures = failures
        assert self.run(server, *shirts).exit_code == code

    def test_a_name_that_is_not_unicode(self, server, tmp_path):
        path = tmp_path / os.fsdecode(b"sh\xffirt.jpg")
        path.write_bytes(b"photo")
        result = self.run(server, path, "--json")
        assert json.loads(result.stdout)[0]["ok"], result.stderr


def test_version():
    result = fashquick("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("fashquick 0.")


MODELS = [["models"], *(["models", name] for name in ("list", "load", "unload", "verify"))]


@pytest.mark.parametrize("command", [[], ["up"], ["try-on"], ["segment"], ["features"], *MODELS])
def test_help(command):
    result = fashquick(*command, "--help")
    assert result.exit_code == 0
    assert "Exit codes" in result.stdout


@pytest.mark.parametrize(
    "args",
    [["nonsense"], ["try-on"], ["segment", "a.jpg"], ["features"], ["up", "--port", "-1"], ["models", "load"]],
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
