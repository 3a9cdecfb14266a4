"""The command, against a real server with canned answers."""

import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from fashquick_client.cli import app
from fashquick_common.errors import (
    BadField,
    CategoryNotSupported,
    ImageDamaged,
    InternalError,
    ModelNotInstalled,
    NoGarment,
    QueueFull,
)

PHOTO_SIZE = (160, 120)


def fashquick(*args):
    return CliRunner().invoke(app, [str(arg) for arg in args])


def picture_file(orientation=1, size=PHOTO_SIZE):
    """A JPEG whose left half is red and whose right half is blue."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[:, : size[0] // 2, 0] = 200
    pixels[:, size[0] // 2 :, 2] = 200
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=95, exif=exif)
    return out.getvalue()


@pytest.fixture
def shirts(tmp_path):
    """Three photos that can be decoded."""
    paths = []
    for name in ("one", "two", "three"):
        path = tmp_path / f"{name}.jpg"
        path.write_bytes(picture_file())
        paths.append(path)
    return paths


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


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


class TestSegment:
    def test_writes_mask_and_cutout_at_the_photos_size(self, server, shirts, out):
        result = fashquick("segment", shirts[0], "-o", out, "--endpoint", server.endpoint)
        assert result.exit_code == 0, result.output
        mask = Image.open(out / "one.mask.png")
        cutout = Image.open(out / "one.cutout.png")
        assert (mask.mode, mask.size) == ("L", PHOTO_SIZE)
        assert (cutout.mode, cutout.size) == ("RGBA", PHOTO_SIZE)
        pixels = np.asarray(mask)
        assert set(np.unique(pixels)) == {0, 255}
        assert (pixels[:, :75] == 255).all()
        assert (pixels[:, 85:] == 0).all()
        rgba = np.asarray(cutout)
        assert (rgba[rgba[..., 3] == 0] == 0).all()
        assert rgba[30, 10].tolist() == pytest.approx([200, 0, 0, 255], abs=6)

    def test_a_photo_on_its_side_gets_an_upright_mask(self, server, tmp_path, out):
        path = tmp_path / "side.jpg"
        path.write_bytes(picture_file(orientation=6))
        assert fashquick("segment", path, "-o", out, "--endpoint", server.endpoint).exit_code == 0
        assert Image.open(out / "side.mask.png").size == PHOTO_SIZE[::-1]
        assert Image.open(out / "side.cutout.png").size == PHOTO_SIZE[::-1]

    def test_one_bad_photo_does_not_stop_the_others(self, server, shirts, out):
        server.failures = [None, NoGarment("there is no garment"), None]
        result = fashquick("segment", *shirts, "-o", out, "--endpoint", server.endpoint)
        assert result.exit_code == 4
        assert f"{shirts[1]}: there is no garment" in result.stderr
        assert sorted(path.name for path in out.iterdir()) == [
            "one.cutout.png",
            "one.mask.png",
            "three.cutout.png",
            "three.mask.png",
        ]

    def test_colliding_stems_are_found_before_any_work(self, server, shirts, tmp_path, out):
        other = tmp_path / "one.png"
        other.write_bytes(b"x")
        result = fashquick("segment", shirts[0], other, "-o", out, "--endpoint", server.endpoint)
        assert result.exit_code == 2
        assert str(other) in result.stderr
        assert server.headers == []
        assert list(out.iterdir()) == []

    def test_without_the_extra_it_says_what_to_install(self, server, shirts, out, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
        result = fashquick("segment", shirts[0], "-o", out, "--endpoint", server.endpoint)
        assert result.exit_code == 3
        assert "fashquick-client[images]" in result.stderr
        assert server.headers == []

    def test_a_photo_is_never_overwritten(self, server, tmp_path):
        photo = tmp_path / "shirt.jpg"
        mask = tmp_path / "shirt.mask.png"
        for path in (photo, mask):
            path.write_bytes(picture_file())
        result = fashquick("segment", photo, mask, "-o", tmp_path, "--endpoint", server.endpoint)
        assert result.exit_code == 2
        assert mask.read_bytes() == picture_file()

    def test_folders_that_cannot_take_results(self, server, shirts, tmp_path):
        missing = fashquick("segment", shirts[0], "-o", tmp_path / "none", "--endpoint", server.endpoint)
        assert (missing.exit_code, "does not exist" in missing.stderr) == (2, True)
        a_file = fashquick("segment", shirts[0], "-o", shirts[1], "--endpoint", server.endpoint)
        assert (a_file.exit_code, "is not a folder" in a_file.stderr) == (2, True)

    def test_a_result_that_cannot_be_written_leaves_nothing_behind(self, server, shirts, out):
        (out / "one.mask.png").mkdir()
        result = fashquick("segment", *shirts[:2], "-o", out, "--endpoint", server.endpoint)
        assert result.exit_code == 1
        assert "cannot be written" in result.stderr
        assert sorted(path.name for path in out.iterdir()) == ["one.mask.png", "two.cutout.png", "two.mask.png"]


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


@pytest.mark.parametrize("command", [[], ["up"], ["try-on"], ["segment"], ["features"]])
def test_help(command):
    result = fashquick(*command, "--help")
    assert result.exit_code == 0
    assert "Exit codes" in result.stdout


@pytest.mark.parametrize("args", [["nonsense"], ["try-on"], ["segment", "a.jpg"], ["features"], ["up", "--port", "-1"]])
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
