"""The command, against a real server with canned answers."""

import json
import subprocess
import sys

import pytest

from fashquick.generation.v1 import scene_pb2
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
            *("--resolution", "512x768", "--backend", "studio", "--category", "dress", "--body", "curvy"),
            *("--pose", "relaxed", "--timeout", "20", "--no-fidelity", "--fit", "slim", "--size", "xl"),
            *("--weight", "0.75", "--finish", "white", "--view", "back", "--framing", "upper"),
            *("--backdrop", "#ffffff:#102030"),
        )
        assert result.exit_code == 0, result.output
        (header,) = server.headers
        assert (header.options.width, header.options.height) == (512, 768)
        assert header.options.generation_backend == 1
        assert header.garments[0].category_hint == 8
        assert header.garments[0].fit == scene_pb2.FIT_SLIM
        assert (header.subject.body, header.subject.size, header.subject.finish) == ("curvy", "XL", "white")
        assert header.subject.phenotype == scene_pb2.Phenotype(weight=0.75)
        (view,) = header.views
        assert (view.pose, view.camera_yaw_degrees, view.framing) == ("relaxed", 180.0, scene_pb2.FRAMING_UPPER)
        backdrop = scene_pb2.Backdrop(kind=scene_pb2.BACKDROP_KIND_GRADIENT, top_srgb=0xFFFFFF, bottom_srgb=0x102030)
        assert header.options.backdrop == backdrop
        assert header.options.without_fidelity
        assert "Fidelity" not in result.stdout
        assert server.deadlines[0] < 21

    @pytest.mark.parametrize(
        ("args", "words"),
        [
            (["--resolution", "big"], "768x1152"),
            (["--resolution", "100x100"], "256 to 2048"),
            (["--resolution", "-5x300"], "768x1152"),
            (["--size", "512x768"], "--resolution"),
            (["--weight", "nan"], "--weight"),
            (["--view", "top"], "three-quarter"),
            (["--pose", "a", "--pose", "b", "--pose", "c", *["--view", "back"] * 3], "pictures"),
            (["--backdrop", "#ff"], "#d8cfc4"),
            (["--outputs", "picture"], "depth"),
            (["--turntable", "turn.gif"], ".webp"),
            (["--fit", "tight"], "slim"),
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

    def test_outfits_and_several_views_get_sensible_names(self, server, photo, tmp_path):
        coat = photo.with_name("coat.jpg")
        coat.write_bytes(b"a coat")
        result = fashquick(
            *("try-on", photo, f"{coat}:coat:oversize", "-o", tmp_path / "look.png", "--endpoint", server.endpoint),
            *("--pose", "walk", "--view", "front", "--view", "back", "--outputs", "depth", "--outputs", "keypoints"),
        )
        assert result.exit_code == 0, result.output
        (header,) = server.headers
        assert [garment.photos[0].part for garment in header.garments] == ["photo", "photo/1"]
        assert server.uploads[0]["photo/1"] == b"a coat"
        assert (header.garments[1].category_hint, header.garments[1].fit) == (6, scene_pb2.FIT_OVERSIZE)
        assert [(view.pose, view.camera_yaw_degrees) for view in header.views] == [("walk", 0.0), ("walk", 180.0)]
        written = {path.name for path in tmp_path.iterdir()} - {photo.name, coat.name}
        keypoints = {"look.front.keypoints.json", "look.back.keypoints.json"}
        assert written == {"look.front.png", "look.back.png", "look.front.depth.png"} | keypoints
        assert (tmp_path / "look.back.png").read_bytes() == server.picture + b"\0"
        assert json.loads((tmp_path / "look.front.keypoints.json").read_text()) == {"nose": [4.0, 1.5]}
        assert f"Fidelity of look.front.png, {photo.name}: close" in result.stdout

    def test_a_fit_is_said_of_one_garment(self, server, photo, tmp_path):
        result = fashquick("try-on", photo, f"{photo}:tight", "-o", tmp_path / "a.png", "--endpoint", server.endpoint)
        assert result.exit_code == 2
        assert "slim" in result.stderr
        result = fashquick("try-on", photo, photo, "--fit", "slim", "-o", tmp_path / "a.png")
        assert result.exit_code == 2
        assert "behind each photo" in result.stderr

    def test_transparency_needs_a_format_that_has_it(self, photo, tmp_path):
        result = fashquick("try-on", photo, "-o", tmp_path / "a.jpg", "--backdrop", "transparent")
        assert result.exit_code == 2
        assert ".webp" in result.stderr

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
