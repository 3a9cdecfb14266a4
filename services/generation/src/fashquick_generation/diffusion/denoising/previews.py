"""Early looks: predicted latents through a small decoder.

The decoder is TAESD (Ollin Boer Bohan, "Tiny AutoEncoder for Stable Diffusion"), which takes latents as the UNet does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn import functional

from fashquick_common.diffusion_limits import LATENT_PX
from fashquick_generation.diffusion.denoising.latents import as_bytes
from fashquick_generation.diffusion.denoising.rows import UInt8

if TYPE_CHECKING:
    from diffusers import AutoencoderTiny

MAX_SIDE_PX = 512


def look_size(height: int, width: int) -> tuple[int, int]:
    """Size in latents of a look at latents of a size: the same, or smaller so that it has at most 512 pixels a side."""
    shrink = min(1.0, MAX_SIDE_PX / LATENT_PX / max(height, width))
    return max(1, round(height * shrink)), max(1, round(width * shrink))


def seen(latents: Tensor, decoder: AutoencoderTiny) -> Tensor:
    """Decode latents without noise, 1x4xhxw, to 1x3xHxW in about 0 to 1, float32, at most 512 pixels a side."""
    size = look_size(*latents.shape[2:])
    if size != latents.shape[2:]:
        latents = functional.interpolate(latents, size=size, mode="area")
    values: Tensor = decoder.decode(latents.to(decoder.dtype), return_dict=False)[0]
    return values.float() * 0.5 + 0.5


def early_look(latents: Tensor, decoder: AutoencoderTiny) -> UInt8:
    """Decode latents without noise, 1x4xhxw, to HxWx3 uint8 of at most 512 pixels a side."""
    look: UInt8 = as_bytes(seen(latents, decoder))[0]
    return look
