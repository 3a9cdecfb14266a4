"""Builds of the networks: what each is made of, so that files are judged by it and never by what they say themselves.

The configurations of "sd15" are those of Stable Diffusion 1.5 (Rombach et al., "High-resolution image synthesis with
latent diffusion models", CVPR 2022), ControlNet 1.1 (Zhang et al., ICCV 2023), TAESD and Stable Diffusion's safety
checker. "small" has the same classes with few channels, for tests: any weights do, and they are drawn by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
from diffusers import AutoencoderKL, AutoencoderTiny, ControlNetModel, UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from torch import nn
from transformers import CLIPConfig, CLIPTextConfig, CLIPTextModel

from fashquick_common.errors import NotFound
from fashquick_common.models.profiles import Role

_SD15_UNET: Mapping[str, Any] = {
    "sample_size": 64,
    "cross_attention_dim": 768,
    "attention_head_dim": 8,
    "block_out_channels": (320, 640, 1280, 1280),
}
_SMALL_UNET: Mapping[str, Any] = {
    "sample_size": 8,
    "cross_attention_dim": 32,
    "attention_head_dim": 4,
    "block_out_channels": (32, 64),
    "layers_per_block": 1,
    "norm_num_groups": 8,
    "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
}
_SMALL_UP: Mapping[str, Any] = {"up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D")}
_SMALL_HINT: Mapping[str, Any] = {"conditioning_embedding_out_channels": (8, 8, 16, 16)}
_FOUR_DOWN, _FOUR_UP = ("DownEncoderBlock2D",) * 4, ("UpDecoderBlock2D",) * 4

_CONFIGURATIONS: Mapping[str, Mapping[Role, Mapping[str, Any]]] = MappingProxyType(
    {
        "sd15": {
            Role.UNET: _SD15_UNET,
            Role.INPAINT_UNET: {**_SD15_UNET, "in_channels": 9},
            Role.CONTROL_POSE: {k: v for k, v in _SD15_UNET.items() if k != "sample_size"},
            Role.CONTROL_DEPTH: {k: v for k, v in _SD15_UNET.items() if k != "sample_size"},
            Role.VAE: {
                "sample_size": 512,
                "block_out_channels": (128, 256, 512, 512),
                "layers_per_block": 2,
                "down_block_types": _FOUR_DOWN,
                "up_block_types": _FOUR_UP,
            },
            Role.PREVIEW: {},
            Role.TEXT_ENCODER: {
                "vocab_size": 49408,
                "hidden_size": 768,
                "intermediate_size": 3072,
                "num_hidden_layers": 12,
                "num_attention_heads": 12,
                "projection_dim": 768,
                "hidden_act": "quick_gelu",
            },
            Role.SAFETY: {
                "projection_dim": 768,
                "vision_config": {
                    "hidden_size": 1024,
                    "intermediate_size": 4096,
                    "num_hidden_layers": 24,
                    "num_attention_heads": 16,
                    "patch_size": 14,
                    "image_size": 224,
                },
            },
        },
        "small": {
            Role.UNET: {**_SMALL_UNET, **_SMALL_UP},
            Role.INPAINT_UNET: {**_SMALL_UNET, **_SMALL_UP, "in_channels": 9},
            Role.CONTROL_POSE: {**{k: v for k, v in _SMALL_UNET.items() if k != "sample_size"}, **_SMALL_HINT},
            Role.CONTROL_DEPTH: {**{k: v for k, v in _SMALL_UNET.items() if k != "sample_size"}, **_SMALL_HINT},
            Role.VAE: {
                "sample_size": 64,
                "block_out_channels": (8, 16, 16, 16),
                "layers_per_block": 1,
                "norm_num_groups": 8,
                "down_block_types": _FOUR_DOWN,
                "up_block_types": _FOUR_UP,
            },
            Role.PREVIEW: {
                "encoder_block_out_channels": (8, 8, 8, 8),
                "decoder_block_out_channels": (8, 8, 8, 8),
                "num_encoder_blocks": (1, 1, 1, 1),
                "num_decoder_blocks": (1, 1, 1, 1),
            },
            Role.TEXT_ENCODER: {
                "vocab_size": 1024,
                "hidden_size": 32,
                "intermediate_size": 64,
                "num_hidden_layers": 2,
                "num_attention_heads": 4,
                "projection_dim": 32,
                "hidden_act": "quick_gelu",
                "bos_token_id": 1022,
                "eos_token_id": 1023,
                "pad_token_id": 1023,
            },
            Role.SAFETY: {
                "projection_dim": 32,
                "vision_config": {
                    "hidden_size": 32,
                    "intermediate_size": 64,
                    "num_hidden_layers": 2,
                    "num_attention_heads": 4,
                    "patch_size": 32,
                    "image_size": 224,
                },
            },
        },
    }
)
ARCHITECTURES = tuple(_CONFIGURATIONS)
"""Names of the builds."""
_MAKERS: Mapping[Role, Callable[[Mapping[str, Any]], nn.Module]] = {
    Role.UNET: lambda values: UNet2DConditionModel(**values),
    Role.INPAINT_UNET: lambda values: UNet2DConditionModel(**values),
    Role.CONTROL_POSE: lambda values: ControlNetModel(**values),
    Role.CONTROL_DEPTH: lambda values: ControlNetModel(**values),
    Role.VAE: lambda values: AutoencoderKL(**values),
    Role.PREVIEW: lambda values: AutoencoderTiny(**values),
    Role.TEXT_ENCODER: lambda values: CLIPTextModel(CLIPTextConfig(**values)),
    Role.SAFETY: lambda values: StableDiffusionSafetyChecker(CLIPConfig(**values)),
}
NETWORK_ROLES = tuple(_MAKERS)
"""Roles of files with a network's weights."""


def empty_network(architecture: str, role: Role) -> nn.Module:
    """Build a network without memory for its weights, on torch's meta device, for inference.

    Args:
        architecture: Name of a build, "sd15" or "small".
        role: Which network, of `NETWORK_ROLES`.

    Raises:
        NotFound: There is no build of that name.
    """
    with torch.device("meta"):
        return _built(architecture, role)


def random_network(architecture: str, role: Role, seed: int = 0) -> nn.Module:
    """Build a network with weights drawn by chance as its class draws them, float32 on the CPU; arguments as above."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = _built(architecture, role)
        if isinstance(network, ControlNetModel):
            # Its last layers are made zero, so that training begins without effect; here an effect is wanted.
            for layer in (*network.controlnet_down_blocks, network.controlnet_mid_block):
                nn.init.normal_(layer.weight, std=0.02)
        return network


def _built(architecture: str, role: Role) -> nn.Module:
    if architecture not in _CONFIGURATIONS:
        raise NotFound(f"there is no architecture {architecture[:80]!r}; known are {', '.join(_CONFIGURATIONS)}")
    network: nn.Module = _MAKERS[role](_CONFIGURATIONS[architecture][role])
    return network.eval().requires_grad_(False)
