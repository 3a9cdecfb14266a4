"""Denoising gives what diffusers' pipelines give, row by row and together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    StableDiffusionControlNetImg2ImgPipeline,
    StableDiffusionControlNetInpaintPipeline,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionInpaintPipeline,
)
from PIL import Image

from fashquick_common.models.profiles import Role
from fashquick_generation.diffusion.denoising.rows import Hint, Row, UInt8
from fashquick_generation.diffusion.weights.architecture import random_network
from fashquick_generation.diffusion.weights.networks import Condition, Networks
from fashquick_generation.diffusion.weights.schedulers import make_scheduler
from tests.support.diffusion import small_networks
from tests.support.rows import denoised, difference, disc, noise_picture, small_row

NEAR = 1  # levels of 255: sums in another order, then rounded
BOTH = {Condition.POSE: 0.8, Condition.DEPTH: 1.2}


def nine_channels(**changes: Any) -> Networks:
    return small_networks(inpaint_unet=random_network("small", Role.INPAINT_UNET, 5), **changes)


def by_diffusers(networks: Networks, one: Row, nets: list[Condition]) -> UInt8:
    """The same row through diffusers' own pipeline."""
    masked = one.mask is not None
    unet = networks.inpaint_unet if masked and networks.inpaint_unet is not None else networks.unet
    kinds: dict[tuple[bool, bool], Any] = {
        (False, False): StableDiffusionImg2ImgPipeline,
        (True, False): StableDiffusionInpaintPipeline,
        (False, True): StableDiffusionControlNetImg2ImgPipeline,
        (True, True): StableDiffusionControlNetInpaintPipeline,
    }
    parts = {
        "vae": networks.vae,
        "text_encoder": networks.text_encoder,
        "tokenizer": networks.tokenizer,
        "unet": unet,
        "scheduler": type(networks.scheduler).from_config(networks.scheduler.config),
        "safety_checker": None,
        "feature_extractor": None,
        "requires_safety_checker": False,
    }
    inputs: dict[str, Any] = {
        "prompt_embeds": one.prompt.positive,
        "negative_prompt_embeds": one.prompt.negative,
        "image": Image.fromarray(one.image),
        "generator": torch.Generator().manual_seed(one.seed),
        "num_inference_steps": one.steps,
        "strength": one.strength,
        "guidance_scale": one.guidance,
        "output_type": "np",
    }
    if one.mask is not None:
        inputs |= {"mask_image": Image.fromarray(one.mask), "height": one.image.shape[0], "width": one.image.shape[1]}
    if nets:
        hints = [one.hints[condition] for condition in nets]
        parts["controlnet"] = [networks.controls[condition] for condition in nets]
        inputs |= {
            "control_image": [Image.fromarray(hint.image) for hint in hints],
            "controlnet_conditioning_scale": [hint.scale for hint in hints],
            "control_guidance_start": [hint.begin for hint in hints],
            "control_guidance_end": [hint.end for hint in hints],
        }
    pipeline = kinds[masked, bool(nets)](**parts)
    pipeline.set_progress_bar_config(disable=True)
    made = pipeline(**inputs).images[0]
    return np.asarray((made * 255).round().astype(np.uint8))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    ("scheduler", "scales"),
    [("ddim", {}), ("ddim", {Condition.POSE: 0.7}), ("ddim", BOTH), ("unipc", BOTH), ("lcm", BOTH)],
)
def test_a_row_is_what_diffusers_makes(scheduler: str, masked: bool, scales: Mapping[Condition, float]) -> None:
    networks = small_networks(scheduler=make_scheduler(scheduler))
    hints = {
        condition: Hint(noise_picture(30 + index), scale, begin=0.3 * index, end=1 - 0.3 * index)
        for index, (condition, scale) in enumerate(scales.items())
    }
    one = small_row(networks, mask=disc() if masked else None, hints=hints, steps=5)
    assert difference(denoised(networks, one).image, by_diffusers(networks, one, list(scales))) <= NEAR


@pytest.mark.parametrize("strength", [0.5, 1.0])
@pytest.mark.parametrize("nets", [[], [Condition.DEPTH]], ids=["none", "depth"])
def test_inpainting_with_nine_channels_is_what_diffusers_makes(strength: float, nets: list[Condition]) -> None:
    networks = nine_channels()
    hints = {condition: Hint(noise_picture(4), 1.0) for condition in nets}
    one = small_row(networks, mask=disc(), hints=hints, strength=strength)
    assert difference(denoised(networks, one).image, by_diffusers(networks, one, nets)) <= NEAR


@pytest.mark.parametrize("changes", [{"strength": 1.0}, {"strength": 1.0, "mask": disc()}, {"guidance": 1.0}])
def test_the_ends_of_the_ranges_are_what_diffusers_makes(changes: dict[str, Any]) -> None:
    networks = small_networks()
    one = small_row(networks, **changes)
    assert difference(denoised(networks, one).image, by_diffusers(networks, one, [])) <= NEAR
