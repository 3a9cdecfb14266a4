"""A profile's networks in memory: shared by all jobs, and changed by none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import torch

from fashquick_common.models.profiles import Profile
from fashquick_generation.diffusion.weights.plan import Plan

if TYPE_CHECKING:
    from diffusers import AutoencoderKL, AutoencoderTiny, ControlNetModel, SchedulerMixin, UNet2DConditionModel
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    from transformers import CLIPTextModel, CLIPTokenizer


class Condition(StrEnum):
    """What a ControlNet looks at."""

    POSE = "pose"
    DEPTH = "depth"


@dataclass(frozen=True)
class Networks:
    """A profile's networks in memory. Whatever changes a module was done when they were loaded.

    Attributes:
        profile: Which.
        plan: How they are held and run.
        digest: SHA-256, in hexadecimal, over the digests of their files.
        unet: Denoises, 4 channels of latents in and out; with gradient checkpointing, for colour guidance.
        inpaint_unet: Denoises inside a mask, 9 channels in (latents, mask, masked picture's latents); None where the
            profile has none: then `unet` does it, and what is outside is put back at each step.
        vae: Between pixels and latents.
        text_encoder: Reads prompts.
        tokenizer: Cuts them into tokens.
        controls: ControlNets by what they look at.
        scheduler: Each row makes its own from its class and configuration; never stepped itself.
        device: Where they compute.
        dtype: Of the computation.
        preview: A small decoder for early looks; None where there is none.
        safety: Judges finished pictures; None where there is none.
    """

    profile: Profile
    plan: Plan
    digest: str
    unet: UNet2DConditionModel
    vae: AutoencoderKL
    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer
    scheduler: SchedulerMixin
    device: torch.device
    dtype: torch.dtype
    controls: Mapping[Condition, ControlNetModel] = field(default_factory=dict)
    inpaint_unet: UNet2DConditionModel | None = None
    preview: AutoencoderTiny | None = None
    safety: StableDiffusionSafetyChecker | None = None
