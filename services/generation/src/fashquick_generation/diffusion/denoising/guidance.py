"""Colour guidance: latents are pulled towards what makes the picture's colours those of a target.

At each step the gradient of a colour loss, of the picture without noise that the prediction amounts to, goes through
the UNet back to the latents (Yu et al., "FreeDoM", ICCV 2023). The pull is as long as a share of the scheduler's own
step, so that it can never throw the latents off their way (as in Yang et al., "Guidance with spherical Gaussian
constraint", ICML 2024). Memory: a UNet with gradient checkpointing keeps one block's values at a time; that is a
module's property, without effect where no gradients are taken, and is set when it is loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from fashquick_common.diffusion_limits import LATENT_PX
from fashquick_generation.diffusion.denoising.latents import pixels
from fashquick_generation.diffusion.denoising.previews import look_size, seen
from fashquick_generation.diffusion.denoising.rows import ColourPull
from fashquick_generation.diffusion.weights.networks import Networks

if TYPE_CHECKING:
    from diffusers import AutoencoderTiny


@dataclass(frozen=True, slots=True)
class Aim:
    """A pull on the device; float32.

    Attributes:
        colours: 1x3xhxw, sRGB in 0 to 1, one a latent of the early look.
        weights: 1x1xhxw, the mask's share of each.
        reach: 1x1xhxw, the mask's share of each of the row's own latents: what is outside is not moved.
        strength: Above 0 to 1.
    """

    colours: Tensor
    weights: Tensor
    reach: Tensor
    strength: float

    def error(self, picture: Tensor) -> Tensor:
        """How far a look's colours are off: the weighted sum of squares of 8x8 pixels' means.

        A mean's gradient would be too small for float16, and its length does not matter.
        """
        cells = functional.avg_pool2d(picture, LATENT_PX)
        return ((cells - self.colours).square() * self.weights).sum()

    def pulled(self, after: Tensor, before: Tensor, gradient: Tensor) -> Tensor:
        """Latents after a step, pulled down the gradient.

        Args:
            after: 1x4xhxw.
            before: What the step began with.
            gradient: Of the error, by `before`.
        """
        slope = gradient.float() * self.reach
        steepness = (slope.square().sum() / (self.reach.sum() * slope.shape[1])).sqrt()
        length = (after.float() - before.float()).square().mean().sqrt()
        return after - (self.strength * length * slope / steepness.clamp_min(1e-12)).to(after.dtype)


def aim_at(pull: ColourPull, networks: Networks) -> Aim:
    """Bring a pull to the device."""
    height, width = (side // LATENT_PX for side in pull.mask.shape)
    size = look_size(height, width)
    mask = torch.tensor(pull.mask, device=networks.device)[None, None].float() / 255
    colours = functional.interpolate(pixels(pull.target, networks, torch.float32), size=size, mode="area")
    weights = functional.interpolate(mask, size=size, mode="area")
    return Aim(colours, weights, functional.interpolate(mask, size=(height, width), mode="area"), pull.strength)


def slope_of(
    aim: Aim,
    latents: Tensor,
    predict: Callable[[Tensor], Tensor],
    clean: Callable[[Tensor, Tensor], Tensor],
    decoder: AutoencoderTiny,
) -> tuple[Tensor, Tensor]:
    """The prediction for latents, and the gradient of the colours' error through it.

    Args:
        aim: Where to.
        latents: 1x4xhxw.
        predict: The noise in latents.
        clean: Of a prediction and latents, the latents without noise.
        decoder: What colours are seen through.

    Returns:
        Both of the latents' shape.
    """
    with torch.enable_grad():
        moving = latents.detach().clone().requires_grad_()
        predicted = predict(moving)
        error = aim.error(seen(clean(predicted, moving), decoder))
    (slope,) = torch.autograd.grad(error, moving)
    return predicted.detach(), slope
