"""What is refused of settings of the diffusion backend, and in which words."""

from __future__ import annotations

import math

import pytest

from fashquick.generation.v1 import scene_pb2
from fashquick_common.diffusion_checks import check_diffusion, check_upscale
from fashquick_common.errors import BadField

BAD = {
    "0 steps": ({"steps": 0}, "steps"),
    "1,000 steps": ({"steps": 1000}, "steps"),
    "a negative strength": ({"strength": -0.01}, "strength"),
    "a strength above 1": ({"strength": 1.01}, "strength"),
    "a strength that is no number": ({"strength": math.nan}, "strength"),
    "a guidance below none": ({"guidance": 0.5}, "guidance"),
    "an infinite guidance": ({"guidance": math.inf}, "guidance"),
    "a negative control": ({"control": -1.0}, "control"),
    "a control of 3": ({"control": 3.0}, "control"),
    "a colour guidance of 2": ({"colour_guidance": 2.0}, "colour_guidance"),
    "a colour guidance that is no number": ({"colour_guidance": math.nan}, "colour_guidance"),
    "a prompt of 100 KB": ({"prompt": "a" * 100_000}, "prompt"),
    "a negative prompt of 100 KB": ({"negative_prompt": "ü" * 50_000}, "negative_prompt"),
    "an addition of 2,001 bytes": ({"extra_prompt": "ü" * 1000 + "a"}, "extra_prompt"),
    "an addition with a bell": ({"extra_negative_prompt": "blurry\a"}, "extra_negative_prompt"),
    "a prompt with a null": ({"prompt": "a\0b"}, "prompt"),
    "a prompt of two lines": ({"prompt": "a\nb"}, "prompt"),
    "a prompt with an escape": ({"prompt": "\x1b[31mred"}, "prompt"),
    "a prompt of two paragraphs": ({"prompt": "a\u2029b"}, "prompt"),
    "a prompt that turns its direction": ({"prompt": "a\u202eb"}, "prompt"),
    "an addition with an invisible mark": ({"extra_prompt": "a\u200bb"}, "extra_prompt"),
    "33 vetoes": ({"veto": ["a"] * 33}, "veto"),
    "an empty veto": ({"veto": [" "]}, "veto"),
    "a long veto": ({"veto": ["a" * 201]}, "veto"),
    "a profile of 65 characters": ({"profile": "p" * 65}, "profile"),
    "a profile with a line break": ({"profile": "sd15\n"}, "profile"),
}


@pytest.mark.parametrize("case", BAD)
def test_settings_beyond_their_limits_are_named_with_their_value(case: str) -> None:
    fields, name = BAD[case]

    with pytest.raises(BadField) as refusal:
        check_diffusion(scene_pb2.DiffusionSettings(**fields), "diffusion")

    assert refusal.value.field == f"diffusion.{name}"
    assert len(refusal.value.message) < 300
    assert refusal.value.message.isprintable()


def test_settings_at_their_limits_pass() -> None:
    check_diffusion(scene_pb2.DiffusionSettings(), "diffusion")
    least = {"steps": 1, "strength": 0.0, "guidance": 1.0, "control": 0.0, "colour_guidance": 0.0}
    most = {"steps": 100, "strength": 1.0, "guidance": 20.0, "control": 2.0, "colour_guidance": 1.0}
    texts = {"prompt": "ü" * 1000, "veto": ["a" * 200] * 32, "profile": "p" * 64, "extra_prompt": "robe d'été, 👗"}
    for numbers in (least, most):
        check_diffusion(scene_pb2.DiffusionSettings(**numbers, **texts), "diffusion")


@pytest.mark.parametrize(("width", "height", "views"), [(1025, 1024, 1), (768, 1537, 1), (1024, 1536, 3), (0, 0, 4)])
def test_pictures_too_large_to_be_doubled_are_refused(width: int, height: int, views: int) -> None:
    with pytest.raises(BadField, match="smaller"):
        check_upscale(width, height, views, "upscale")


def test_the_usual_size_can_be_doubled() -> None:
    check_upscale(0, 0, 1, "upscale")
    check_upscale(1024, 1536, 2, "upscale")
