"""The safety checker says what it found and where, and leaves pictures as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from accelerate.hooks import ModelHook, add_hook_to_module
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from fashquick_common.errors import BytesExhausted, InternalError, ModelNotInstalled, PictureRefused
from fashquick_common.models.profiles import Role
from fashquick_generation.diffusion.safety import Finding, check_safety, findings
from fashquick_generation.diffusion.weights.architecture import random_network
from tests.support.diffusion import small_networks
from tests.support.rows import UInt8, noise_picture


def checker(**parameters: torch.Tensor) -> Any:
    """A checker with random concepts that nothing crosses, but for what is changed."""
    network: Any = random_network("small", Role.SAFETY, 3)
    draws = torch.Generator().manual_seed(3)
    values = {
        "concept_embeds": torch.randn(17, 32, generator=draws),
        "special_care_embeds": torch.randn(3, 32, generator=draws),
    }
    network.load_state_dict(values | parameters, strict=False)
    return network


def half_noise() -> UInt8:
    """A tall picture, grey above and noise below."""
    picture = np.full((96, 64, 3), 128, np.uint8)
    picture[48:] = noise_picture(1, 48, 64)
    return picture


def seen(network: Any, view: UInt8) -> torch.Tensor:
    """What the checker's own network makes of a square."""
    pixels = CLIPImageProcessorPil()(view, return_tensors="pt").pixel_values
    with torch.no_grad():
        found: torch.Tensor = network.visual_projection(network.vision_model(pixels)[1])[0]
    return found


def knowing(concept: int, view: UInt8, threshold: float) -> Any:
    """A checker with a concept that is exactly what a square looks like."""
    network = checker()
    with torch.no_grad():
        network.concept_embeds[concept] = seen(network, view)
        network.concept_embeds_weights[concept] = threshold
    return network


def test_a_picture_without_findings_passes() -> None:
    picture = half_noise()
    before = picture.copy()
    check_safety(picture, small_networks(safety=checker()))
    assert np.array_equal(picture, before)


def test_the_region_and_the_concept_are_told() -> None:
    picture = half_noise()
    before = picture.copy()
    network = knowing(11, picture[32:], 0.998)
    assert findings(picture, network) == (Finding(0, 32, 64, 96, (11,)),)
    with pytest.raises(PictureRefused, match=r"concepts 11 .* region 0,32 to 64,96") as refused:
        check_safety(picture, small_networks(safety=network))
    assert refused.value.facts() == {"region": "0,32 to 64,96", "concepts": "11"}
    assert np.array_equal(picture, before)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (96, 64), (64, 96), (64, 200), (300, 64)])
def test_squares_cover_every_pixel_and_one_is_the_middle(height: int, width: int) -> None:
    network = checker(concept_embeds_weights=torch.full((17,), -2.0))
    found = findings(noise_picture(1, height, width), network)
    covered = np.zeros((height, width), bool)
    for one in found:
        assert one.right - one.left == one.bottom - one.top == min(height, width)
        covered[one.top : one.bottom, one.left : one.right] = True
    assert covered.all()
    assert any(one.left + one.right in {width - 1, width, width + 1} for one in found)
    assert any(one.top + one.bottom in {height - 1, height, height + 1} for one in found)


@pytest.mark.parametrize("care", [False, True])
def test_it_judges_a_square_as_the_checkers_own_pass_does(care: bool) -> None:
    verdicts = set()
    for seed in range(4):
        picture = noise_picture(seed)
        network = knowing(2, noise_picture(0), 1.005)  # above any cosine, unless care lowers it
        if care:
            with torch.no_grad():
                network.special_care_embeds_weights.fill_(-1.5 if seed != 1 else 1.0)
        pixels = CLIPImageProcessorPil()(picture, return_tensors="pt").pixel_values
        _, theirs = network(clip_input=pixels, images=[np.zeros((1, 1, 3))])
        assert bool(findings(picture, network)) == theirs[0]
        verdicts.add(theirs[0])
    assert (True in verdicts) == care


def test_without_a_checker_that_was_asked_for_nothing_passes() -> None:
    with pytest.raises(ModelNotInstalled, match="fashquick models pull small"):
        check_safety(half_noise(), small_networks())


def test_a_checker_without_numbers_lets_nothing_pass() -> None:
    network = checker(concept_embeds=torch.full((17, 32), torch.nan))
    with pytest.raises(InternalError, match="NaN"):
        check_safety(half_noise(), small_networks(safety=network))


def test_a_checker_that_waits_in_main_memory_comes_before_it_looks() -> None:
    class Coming(ModelHook):
        calls = 0

        def pre_forward(self, module: Any, *args: Any, **named: Any) -> Any:
            self.calls += 1
            return args, named

    network, coming = checker(), Coming()
    add_hook_to_module(network, coming)
    findings(half_noise(), network)
    assert coming.calls == 1


def test_a_checker_that_does_not_fit_lets_nothing_pass() -> None:
    class Full(torch.nn.Module):
        def forward(self, pixels: torch.Tensor) -> Any:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    network = checker()
    network.vision_model = Full()
    with pytest.raises(BytesExhausted, match="cpu"):
        check_safety(half_noise(), small_networks(safety=network))


def test_a_checker_in_float16_sees_the_same() -> None:
    picture = half_noise()
    network = knowing(11, picture[32:], 0.99).to(torch.float16)
    assert any(11 in one.concepts for one in findings(picture, network))
