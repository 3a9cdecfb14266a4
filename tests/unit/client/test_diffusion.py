"""Pictures by diffusion in the client library and the command: wishes out, how they were made back."""

from __future__ import annotations

import json
import math

import pytest
from PIL import Image

from fashquick.generation.v1 import scene_pb2
from fashquick_client import Client, Diffusion, OutputKind, Region, RepairAttempt, Stage, StageFinished
from fashquick_common.errors import BadField, Draining
from fashquick_common.garment import FidelityGrade
from fashquick_common.image import read_digital_source_type
from tests.support.command import fashquick


async def test_wishes_reach_the_server_and_the_record_comes_back(server, photo):
    wishes = Diffusion(
        profile="sd15-4gb",
        steps=25,
        strength=0.0,
        guidance=6.0,
        control=0.75,
        extra_prompt="soft light",
        extra_negative_prompt="hat",
        prompt="a woman",
        negative_prompt="rain",
        veto=("logo", "red"),
        deterministic=True,
        previews=False,
        safety_check=True,
        colour_guidance=0.5,
        upscale=True,
    )
    async with Client(server.endpoint) as client:
        result = await client.try_on_result(photo, diffusion=wishes, fidelity_floor=0.5, max_repairs=3)

    (header,) = server.headers
    assert header.options.diffusion == scene_pb2.DiffusionSettings(
        profile="sd15-4gb",
        steps=25,
        strength=0.0,
        guidance=6.0,
        control=0.75,
        extra_prompt="soft light",
        extra_negative_prompt="hat",
        prompt="a woman",
        negative_prompt="rain",
        veto=["logo", "red"],
        deterministic=True,
        without_previews=True,
        safety_check=True,
        colour_guidance=0.5,
        upscale=True,
    )
    assert (header.options.fidelity_floor, header.options.max_repairs) == (0.5, 3)
    (view,) = result.views
    making = view.making
    assert (making.profile, making.seed, making.steps, making.strength) == ("sd15-4gb", 5, 20, 0.45)
    assert (making.plan, making.batch_size, making.device, making.precision) == (
        "model-offload",
        2,
        "cuda:0",
        "float16",
    )
    assert making.regions == (
        Region("face", "a face", 6, ""),
        Region("hand-left", "", None, "it is hidden"),
        Region("unknown", "", 8, ""),
    )
    (repair,) = view.repairs
    assert (repair.grade_before, repair.overall_before) == (FidelityGrade.LOST, 0.25)
    assert (repair.grade_after, repair.overall_after) == (FidelityGrade.CLOSE, 0.75)
    assert repair.attempts == (
        RepairAttempt(1, FidelityGrade.CLOSE, 0.75, kept=True, failure=""),
        RepairAttempt(2, None, 0.0, kept=False, failure="no room"),
    )


async def test_without_wishes_nothing_is_said_and_a_studio_has_no_record(server, photo):
    async with Client(server.endpoint) as client:
        result = await client.try_on_result(photo)

    options = server.headers[0].options
    assert not options.HasField("diffusion")
    assert not options.HasField("fidelity_floor")
    assert not options.HasField("max_repairs")
    assert result.views[0].making is None
    assert result.views[0].repairs == ()


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"diffusion": Diffusion(steps=0)}, "diffusion.steps"),
        ({"diffusion": Diffusion(steps=1000)}, "diffusion.steps"),
        ({"diffusion": Diffusion(steps=-1)}, "diffusion.steps"),
        ({"diffusion": Diffusion(strength=1.5)}, "diffusion.strength"),
        ({"diffusion": Diffusion(strength=math.nan)}, "diffusion.strength"),
        ({"diffusion": Diffusion(prompt="a" * 100_000)}, "diffusion.prompt"),
        ({"diffusion": Diffusion(extra_prompt="a\nb")}, "diffusion.extra_prompt"),
        ({"max_repairs": 5}, "max_repairs"),
        ({"fidelity_floor": math.nan}, "fidelity_floor"),
    ],
)
async def test_wishes_beyond_their_limits_are_not_sent(server, photo, options, field):
    async with Client(server.endpoint) as client:
        with pytest.raises(BadField) as refusal:
            await client.try_on_result(photo, **options)

    assert refusal.value.field == field
    assert server.headers == []


async def test_a_comparison_after_a_repair_is_told_and_a_second_attempt_tells_nothing_twice(server, photo):
    server.fail_after_progress = [Draining("going", retry_after_s=0.0)]
    async with Client(server.endpoint) as client:
        events = [event async for event in client.try_on(photo, diffusion=Diffusion())]

    finished = [event.stage for event in events if isinstance(event, StageFinished)]
    assert len(server.headers) == 2
    assert finished == [
        Stage.SEGMENTATION,
        Stage.FEATURES,
        Stage.GENERATION,
        Stage.FIDELITY,
        Stage.REPAIR,
        Stage.FIDELITY,
    ]


async def test_the_picture_before_diffusion_comes_when_asked_for(server, photo):
    async with Client(server.endpoint) as client:
        result = await client.try_on_result(photo, outputs=["base"])

    assert result.maps[OutputKind.BASE].array()[0, 0].tolist() == [200, 30, 40]


class TestCommand:
    def test_options_in_words_become_wishes(self, server, photo, tmp_path):
        result = fashquick(
            *("try-on", photo, "-o", tmp_path / "out.png", "--endpoint", server.endpoint),
            *("--profile", "sd15-fast", "--steps", 8, "--strength", 0.5, "--guidance", 2, "--control", 1.5),
            *("--prompt", "in a park", "--avoid", "hat", "--without-phrase", "logo", "--without-phrase", "red"),
            *("--whole-prompt", "a woman", "--whole-avoid", "rain", "--deterministic", "--safety-check"),
            *("--colour-pull", 0.25, "--upscale", "--floor", 0.8, "--repairs", 2),
        )

        assert result.exit_code == 0, result.output
        options = server.headers[0].options
        assert options.diffusion == scene_pb2.DiffusionSettings(
            profile="sd15-fast",
            steps=8,
            strength=0.5,
            guidance=2.0,
            control=1.5,
            extra_prompt="in a park",
            extra_negative_prompt="hat",
            prompt="a woman",
            negative_prompt="rain",
            veto=["logo", "red"],
            deterministic=True,
            without_previews=True,
            safety_check=True,
            colour_guidance=0.25,
            upscale=True,
        )
        assert (options.fidelity_floor, options.max_repairs) == (0.8, 2)

    def test_it_says_how_the_picture_was_made_and_repaired(self, server, photo, tmp_path):
        report = tmp_path / "report.json"
        result = fashquick(
            *("try-on", photo, "-o", tmp_path / "out.png", "--endpoint", server.endpoint),
            *("--backend", "diffusion", "--report", report, "--outputs", "base"),
        )

        assert result.exit_code == 0, result.output
        lines = result.stdout.splitlines()
        assert "Repair: was lost, 0.25 of 1, is close, 0.75 of 1 after 2 attempts" in lines
        [made] = [line for line in lines if line.startswith("Made with")]
        assert made.startswith("Made with sd15-4gb: 20 steps, strength 0.45")
        assert f"seed {json.loads(report.read_text())['seed']};" in made, "the one to give, not that of the first pass"
        assert "Prompt: a woman in a red t-shirt [2J" in lines, "what a server says cannot steer the terminal"
        assert "Avoided: blurry" in lines
        (view,) = json.loads(report.read_text())["views"]
        assert view["diffusion"]["plan"] == "model-offload"
        assert view["repairs"][0]["attempts"][0]["kept"]
        base = tmp_path / "out.base.png"
        assert Image.open(base).getpixel((0, 0)) == (200, 30, 40)
        assert read_digital_source_type(base.read_bytes()).endswith("/compositeSynthetic")

    def test_a_plain_try_on_wishes_nothing_of_diffusion(self, server, photo, tmp_path):
        result = fashquick("try-on", photo, "-o", tmp_path / "out.png", "--endpoint", server.endpoint)

        assert result.exit_code == 0, result.output
        assert not server.headers[0].options.HasField("diffusion")
        assert "Made with" not in result.stdout

    @pytest.mark.parametrize(
        ("args", "words"),
        [
            (["--steps", "0"], "--steps"),
            (["--steps", "1000"], "--steps"),
            (["--strength", "1.5"], "--strength"),
            (["--strength", "nan"], "--strength"),
            (["--guidance", "0"], "--guidance"),
            (["--control", "3"], "--control"),
            (["--colour-pull", "2"], "--colour-pull"),
            (["--prompt", "a" * 100_000], "--prompt"),
            (["--avoid", "a\x07b"], "--avoid"),
            (["--whole-prompt", "a\nb"], "one line"),
            (["--without-phrase", ""], "--without-phrase"),
            (["--profile", "p" * 65], "--profile"),
            (["--floor", "2"], "--floor"),
            (["--repairs", "5"], "--repairs"),
            (["--backend", "studio", "--prompt", "in a park"], "--backend diffusion"),
        ],
    )
    def test_wrong_options_are_usage_errors(self, server, photo, tmp_path, args, words):
        result = fashquick("try-on", photo, "-o", tmp_path / "out.png", "--endpoint", server.endpoint, *args)

        assert result.exit_code == 2
        assert words in result.stderr
        assert server.headers == []
