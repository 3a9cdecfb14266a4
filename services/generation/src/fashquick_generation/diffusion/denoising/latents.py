"""Between pixels and latents: the VAE, and the noise that latents begin with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from fashquick_common.diffusion_limits import LATENT_PX
from fashquick_common.errors import InternalError
from fashquick_generation.diffusion.denoising.precision import computing_in
from fashquick_generation.diffusion.denoising.rows import UInt8
from fashquick_generation.diffusion.weights.networks import Networks


@dataclass(frozen=True, slots=True)
class Posterior:
    """What the VAE says that a picture's latents are: normally distributed, before its scaling.

    Attributes:
        mean: 1x4x(H/8)x(W/8).
        deviation: Of the same shape.
    """

    mean: Tensor
    deviation: Tensor

    def drawn(self, generator: torch.Generator, factor: float) -> Tensor:
        """Draw latents; `factor` is the VAE's."""
        return (self.mean + self.deviation * noise_like(self.mean, generator)) * factor


def noise_like(latents: Tensor, generator: torch.Generator) -> Tensor:
    """Draw normal noise of latents' shape, type and device; on the CPU, the same for every type and device."""
    return torch.randn(latents.shape, generator=generator).to(latents)


def pixels(image: UInt8, networks: Networks, dtype: torch.dtype) -> Tensor:
    """A picture as networks take it, HxWx3 uint8 as 1x3xHxW in 0 to 1, on the device."""
    there = torch.tensor(image, device=networks.device)  # bytes travel, a quarter of float32
    return (there.permute(2, 0, 1)[None].float() / 255).to(dtype)


def binary(mask: UInt8, networks: Networks, dtype: torch.dtype) -> Tensor:
    """A mask as 1x1xHxW, 0 or 1, on the device."""
    return (torch.tensor(mask, device=networks.device)[None, None] >= 128).to(dtype)


def at_latents(mask: Tensor) -> Tensor:
    """A mask at the latents' size, the nearest pixel's; as in diffusers' pipelines."""
    return functional.interpolate(mask, size=(mask.shape[2] // LATENT_PX, mask.shape[3] // LATENT_PX))


def encoded(pictures: Sequence[Tensor], networks: Networks) -> list[Posterior]:
    """Encode pictures of one size, each 1x3xHxW in 0 to 1, in one pass."""
    said = networks.vae.encode(torch.cat([2 * picture - 1 for picture in pictures])).latent_dist
    return [Posterior(mean, std) for mean, std in zip(said.mean.split(1), said.std.split(1), strict=True)]


def decoded(latents: Sequence[Tensor], networks: Networks) -> list[UInt8 | InternalError]:
    """Decode latents of one size in one pass, and those once more in float32 that the VAE's own type does not hold.

    Args:
        latents: Each 1x4xhxw, scaled.
        networks: Whose VAE.

    Returns:
        Each picture, HxWx3 uint8, or the error that float32 gave no number either.
    """
    pictures = _decoded(torch.cat(list(latents)), networks)
    return [
        picture if picture is not None else _decoded_wide(one, networks)
        for picture, one in zip(pictures, latents, strict=True)
    ]


def _decoded_wide(latents: Tensor, networks: Networks) -> UInt8 | InternalError:
    with computing_in(torch.float32, networks.dtype):
        (picture,) = _decoded(latents.float(), networks)
    if picture is None:
        return InternalError("the VAE gave no numbers, in float32 either; its weights may be damaged: verify them")
    return picture


def _decoded(latents: Tensor, networks: Networks) -> list[UInt8 | None]:
    vae = networks.vae
    values: Tensor = vae.decode(latents / vae.config.scaling_factor, return_dict=False)[0]
    sound = values.isfinite().flatten(1).all(1)
    whole = as_bytes(values * 0.5 + 0.5)
    return [picture if good else None for picture, good in zip(whole, sound.tolist(), strict=True)]


def as_bytes(values: Tensor) -> UInt8:
    """Pictures of Nx3xHxW in 0 to 1, what is outside cut off, as NxHxWx3 uint8 in main memory."""
    levels = (values.float().clamp(0, 1) * 255).round().to(torch.uint8)
    return np.asarray(levels.permute(0, 2, 3, 1).contiguous().cpu().numpy())
