"""`fashquick models selftest`, against a real server with canned answers."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from PIL import Image

from fashquick.generation.v1 import diffusion_pb2
from fashquick_client.commands.selftest import StepTimes
from fashquick_client.doctor.backends import OPTIONAL
from fashquick_client.events import Progress, Stage, StageFinished
from fashquick_common.garment import FidelityGrade
from fashquick_common.garment_codec import fidelity_to_proto
from tests.support.command import fashquick
from tests.support.garments import STRIPED_REPORT
from tests.support.own_profiles import write_profiles


@pytest.fixture
def diffusion(server):
    """The fake server, as if diffusion had made the picture on a graphics card."""

    def spoil(messages):
        for message in messages:
            if message.HasField("manifest"):
                message.manifest.stages[0].backend = "diffusion"
                view = message.manifest.views[0]
                view.diffusion.MergeFrom(
                    diffusion_pb2.DiffusionRecord(profile="sd15-fast", device="cuda:0", plan="plain")
                )
                view.facts.update({"peak_device_bytes": 3.2e9, "peak_resident_bytes": 5.5e9})
        return messages

    server.spoil = spoil
    return server


def selftest(server, *args):
    return fashquick("models", "selftest", *args, "--endpoint", server.endpoint)


def test_a_good_picture_is_well(diffusion):
    result = selftest(diffusion, "sd15-fast")
    assert result.exit_code == 0, result.output
    words = " ".join(result.stdout.split())
    assert "Profile sd15-fast, made by diffusion on cuda:0, memory plan plain" in words
    assert "Making the picture 1.50 s" in words
    assert "Graphics memory, at most 3.20 GB" in words
    assert "Memory of the generation server, at most 5.50 GB" in words
    assert "Fidelity: close, 0.78 of 1" in words
    assert words.endswith("All is well.")


def test_the_known_garment_is_tried_on_by_diffusion_with_the_profile(diffusion):
    assert selftest(diffusion, "sd15-fast").exit_code == 0
    [header] = diffusion.headers
    assert header.options.generation_backend == 2
    assert (header.options.diffusion.profile, header.seed) == ("sd15-fast", 7)
    assert (header.options.width, header.options.height, header.options.max_repairs) == (512, 768, 0)
    [photo] = diffusion.uploads[0].values()
    image = Image.open(io.BytesIO(photo))
    assert (image.format, image.size) == ("JPEG", (640, 800))
    red, green, blue = image.resize((1, 1)).getpixel((0, 0))
    assert red > 1.3 * max(green, blue)


def test_without_a_name_it_is_the_servers_default_profile(diffusion):
    result = selftest(diffusion)
    assert diffusion.headers[0].options.diffusion.profile == ""
    assert result.stdout.startswith("Profile sd15-fast, made by diffusion"), "the server says which that is"


def test_steps_and_memory_for_programs(diffusion, out):
    result = selftest(diffusion, "--json", "-o", out / "picture.png")
    report = json.loads(result.stdout)
    assert (report["well"], report["faults"], report["grade"]) == (True, [], "close")
    assert report["memory_bytes"] == {"peak_device_bytes": 3_200_000_000, "peak_resident_bytes": 5_500_000_000}
    assert set(report["step_seconds"]) <= {"drape", "light"}
    assert (out / "picture.png").read_bytes() == diffusion.picture


def test_a_server_that_does_not_tell_its_memory(server):
    result = selftest(server)
    assert "not told" in result.stdout


def test_on_a_processor_no_graphics_memory_is_taken(server):
    def spoil(messages):
        for message in messages:
            if message.HasField("manifest"):
                message.manifest.views[0].diffusion.device = "cpu"
        return messages

    server.spoil = spoil
    assert "Graphics memory, at most none" in " ".join(selftest(server).stdout.split())


def test_a_picture_of_another_backend_is_not_well(server):
    result = selftest(server)
    assert result.exit_code == 1
    assert result.stdout.endswith("Not well: the picture was made by studio, not by diffusion.\n")


@pytest.mark.parametrize("grade", [FidelityGrade.ALTERED, FidelityGrade.LOST, None])
def test_a_garment_that_did_not_survive_is_not_well(diffusion, grade):
    diffusion.report = fidelity_to_proto(replace(STRIPED_REPORT, grade=grade))
    result = selftest(diffusion)
    assert result.exit_code == 1
    words = {
        FidelityGrade.ALTERED: "a buyer sees a difference",
        FidelityGrade.LOST: "it is another garment",
        None: "nothing is known",
    }
    assert f"{words[grade]}" in result.stdout.splitlines()[-1]
    assert result.stdout.splitlines()[-1].startswith("Not well: ")


def test_nothing_is_started_where_weights_are_missing(tmp_path, monkeypatch):
    write_profiles(tmp_path / "own.json")
    (tmp_path / "models").mkdir()
    monkeypatch.setenv("FASHQUICK_DIFFUSION_PROFILES", str(tmp_path / "own.json"))
    monkeypatch.setenv("FASHQUICK_MODELS", str(tmp_path / "models"))
    result = fashquick("models", "selftest")
    assert result.exit_code == 1
    assert "lacks 9 of 9 files of sd15-4gb" in result.stderr
    assert "fashquick models pull sd15-4gb" in result.stderr
    monkeypatch.setenv("FASHQUICK_DIFFUSION_PROFILE", "sd15-fast")
    assert "files of sd15-fast" in fashquick("models", "selftest").stderr, "that is the default then"
    monkeypatch.delenv("FASHQUICK_MODELS")
    assert fashquick("models", "selftest").exit_code == 2


def test_nothing_is_started_where_libraries_are_missing(monkeypatch):
    monkeypatch.setitem(OPTIONAL, "diffusion", ("torch", "no_such_library"))
    result = fashquick("models", "selftest")
    assert result.exit_code == 1
    assert "no_such_library" in result.stderr
    assert "scripts/install local --extra diffusion" in result.stderr


def test_mistakes_are_told_before_any_work(server, out):
    assert selftest(server, "-o", out).exit_code == 2
    assert fashquick("models", "selftest", "--endpoint", "127.0.0.1:1", "--timeout", "1").exit_code == 3
    assert server.headers == []


def test_steps_are_timed_by_when_their_progress_comes():
    moments = iter([0.0, 1.0, 1.5, 4.0, 9.0])
    times = StepTimes(lambda: next(moments))
    times.hear(Progress(Stage.GENERATION, "studio", 0.1))
    times.hear(Progress(Stage.GENERATION, "studio", 0.2))
    times.hear(Progress(Stage.GENERATION, "first pass", 0.3))
    times.hear(Progress(Stage.FIDELITY, "colours", 0.5))
    times.hear(Progress(Stage.GENERATION, "face", 0.6))
    times.hear(StageFinished(Stage.GENERATION, 9.0))
    assert times.seconds == {"studio": 1.5, "first pass": 2.5, "face": 5.0}
