"""Names of tensors as they are published, and what they are called in the networks that are built here.

Weights of Stable Diffusion 1.5 are about in two formats, each with variants: folders of diffusers, where older files
have names that diffusers and transformers have changed since, and single files with the names of the original code
(Rombach et al., github.com/CompVis/stable-diffusion).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from diffusers.loaders.single_file_utils import (
    convert_controlnet_checkpoint,
    convert_ldm_clip_checkpoint,
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
)
from torch import Tensor, nn

from fashquick_common.models.profiles import Role

Tensors = Mapping[str, Tensor]

# What VAEs called their attention before diffusers 0.15, as the repository of Stable Diffusion 1.5 still does.
_OLD_ATTENTION = MappingProxyType(
    {".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."}
)
# A constant that transformers saved until 4.31, and builds now.
_POSITIONS = "embeddings.position_ids"


def as_built(role: Role, network: nn.Module, found: Tensors) -> dict[str, Tensor]:
    """Bring a published file's tensors to the names of a network.

    Args:
        role: Which network it is.
        network: As it is built here.
        found: Tensors by name; of a whole pipeline's single file all of them. Its own values are not changed.

    Returns:
        Tensors by the names of the network's state dict, if the file is of that network. Otherwise anything: whoever
        uses them compares names and shapes.
    """
    return _READERS[role](network.config, found)


def _unet(config: Any, found: Tensors) -> dict[str, Tensor]:
    if any(name.startswith("model.diffusion_model.") for name in found):
        return _without_holes(convert_ldm_unet_checkpoint(dict(found), config))
    return dict(found)


def _control(config: Any, found: Tensors) -> dict[str, Tensor]:
    if "time_embed.0.weight" in found or any(name.startswith("control_model.") for name in found):
        return _without_holes(convert_controlnet_checkpoint(dict(found), config))
    return dict(found)


def _vae(config: Any, found: Tensors) -> dict[str, Tensor]:
    prefix = "first_stage_model." if any(name.startswith("first_stage_model.") for name in found) else ""
    if f"{prefix}encoder.mid.block_1.norm1.weight" in found:
        own = {name: tensor for name, tensor in found.items() if name.startswith(prefix)}
        return _without_holes(convert_ldm_vae_checkpoint(own, config))
    renamed = {}
    for name, tensor in found.items():
        new = name
        if ".attentions." in name:
            for old, today in _OLD_ATTENTION.items():
                new = new.replace(old, today)
        renamed[new] = tensor
    return renamed


def _text_encoder(_: Any, found: Tensors) -> dict[str, Tensor]:
    single = any(name.startswith("cond_stage_model.") for name in found)
    own = convert_ldm_clip_checkpoint(dict(found)) if single else found
    return _renamed(own, "text_model.", "")


def _safety(_: Any, found: Tensors) -> dict[str, Tensor]:
    return _renamed(found, "vision_model.vision_model.", "vision_model.")


def _preview(_: Any, found: Tensors) -> dict[str, Tensor]:
    return dict(found)


_READERS: Mapping[Role, Callable[[Any, Tensors], dict[str, Tensor]]] = MappingProxyType(
    {
        Role.UNET: _unet,
        Role.INPAINT_UNET: _unet,
        Role.CONTROL_POSE: _control,
        Role.CONTROL_DEPTH: _control,
        Role.VAE: _vae,
        Role.TEXT_ENCODER: _text_encoder,
        Role.SAFETY: _safety,
        Role.PREVIEW: _preview,
    }
)


def _renamed(found: Tensors, prefix: str, instead: str) -> dict[str, Tensor]:
    return {
        instead + name.removeprefix(prefix) if name.startswith(prefix) else name: tensor
        for name, tensor in found.items()
        if not name.endswith(_POSITIONS)
    }


def _without_holes(converted: Mapping[str, Tensor | None]) -> dict[str, Tensor]:
    """Conversions of ControlNets put None where a tensor is missing."""
    return {name: tensor for name, tensor in converted.items() if tensor is not None}
