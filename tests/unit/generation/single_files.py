"""Tensors under the names of Stable Diffusion's original code, as single files have them.

The way back from what diffusers' conversion does, after scripts/convert_diffusers_to_original_stable_diffusion.py of
diffusers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_ENDS = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "controlnet_cond_embedding.conv_in": "input_hint_block.0",
    "controlnet_cond_embedding.conv_out": "input_hint_block.14",
    "controlnet_mid_block": "middle_block_out.0",
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
}


def unet_name(name: str, layers: int, attends: Sequence[bool]) -> str:
    """The original name of a UNet's or a ControlNet's tensor.

    Args:
        name: That of diffusers.
        layers: Per block, on the way down.
        attends: Whether each block on the way up has attention.
    """
    for ours, theirs in _ENDS.items():
        if name.startswith(f"{ours}."):
            return _inner(theirs + name.removeprefix(ours))

    def of_layer(found: re.Match[str]) -> str:
        way, block, kind, layer = found[1], int(found[2]), found[3], int(found[4])
        start = ("input", 1) if way == "down" else ("output", 0)
        return f"{start[0]}_blocks.{block * (layers + 1) + layer + start[1]}.{int(kind == 'attentions')}."

    def of_upsampler(found: re.Match[str]) -> str:
        block = int(found[1])
        return f"output_blocks.{block * (layers + 1) + layers}.{2 if attends[block] else 1}.conv."

    rules: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
        (r"(down|up)_blocks\.(\d+)\.(resnets|attentions)\.(\d+)\.", of_layer),
        (
            r"down_blocks\.(\d+)\.downsamplers\.0\.conv\.",
            lambda f: f"input_blocks.{(int(f[1]) + 1) * (layers + 1)}.0.op.",
        ),
        (r"up_blocks\.(\d+)\.upsamplers\.0\.conv\.", of_upsampler),
        (r"controlnet_cond_embedding\.blocks\.(\d+)\.", lambda f: f"input_hint_block.{2 * (int(f[1]) + 1)}."),
        (r"controlnet_down_blocks\.(\d+)\.", lambda f: f"zero_convs.{f[1]}.0."),
    )
    for pattern, new in rules:
        if found := re.match(pattern, name):
            return _inner(new(found) + name[found.end() :])
    raise AssertionError(name)


def _inner(name: str) -> str:
    for ours, theirs in _RESNET.items():
        name = re.sub(rf"^((?:input|output)_blocks\.\d+\.0|middle_block\.[02])\.{ours}\.", rf"\1.{theirs}.", name)
    return name


def vae_tensor(name: str, tensor: Tensor, blocks: int) -> tuple[str, Tensor]:
    """The original name and shape of a VAE's tensor.

    Args:
        name: That of diffusers.
        tensor: Its value.
        blocks: Number of blocks on the way down, and up.
    """
    new = re.sub(r"down_blocks\.(\d+)\.resnets\.", r"down.\1.block.", name)
    new = re.sub(r"down_blocks\.(\d+)\.downsamplers\.0\.", r"down.\1.downsample.", new)
    new = re.sub(r"up_blocks\.(\d+)\.resnets\.", lambda found: f"up.{blocks - 1 - int(found[1])}.block.", new)
    new = re.sub(r"up_blocks\.(\d+)\.upsamplers\.0\.", lambda found: f"up.{blocks - 1 - int(found[1])}.upsample.", new)
    new = re.sub(r"mid_block\.resnets\.(\d)\.", lambda found: f"mid.block_{int(found[1]) + 1}.", new)
    new = new.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
    if "mid_block.attentions.0." in new:
        new = new.replace("mid_block.attentions.0.", "mid.attn_1.").replace("group_norm", "norm")
        for ours, theirs in {"to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}.items():
            new = new.replace(f".{ours}.", f".{theirs}.")
        if tensor.ndim == 2:
            tensor = tensor[:, :, None, None]
    return new, tensor


def whole_file(
    unet: Mapping[str, Tensor], vae: Mapping[str, Tensor], text_encoder: Mapping[str, Tensor], layers: int, up: str
) -> dict[str, Tensor]:
    """All tensors of a single file.

    Args:
        unet: By diffusers' names.
        vae: Likewise, with four blocks.
        text_encoder: By transformers' names.
        layers: The UNet's, per block.
        up: For each block on the way up, "x" where it has attention, else ".".
    """
    attends = [letter == "x" for letter in up]
    return {
        **{f"model.diffusion_model.{unet_name(name, layers, attends)}": tensor for name, tensor in unet.items()},
        **{f"first_stage_model.{n}": t for n, t in (vae_tensor(name, tensor, 4) for name, tensor in vae.items())},
        **{f"cond_stage_model.transformer.text_model.{name}": tensor for name, tensor in text_encoder.items()},
    }
