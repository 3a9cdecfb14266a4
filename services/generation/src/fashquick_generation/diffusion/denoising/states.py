"""A row on its way: what changes from step to step, and what is made ready for it once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fashquick_generation.diffusion.denoising.guidance import Aim, aim_at
from fashquick_generation.diffusion.denoising.latents import Posterior, at_latents, binary, noise_like, pixels
from fashquick_generation.diffusion.denoising.rows import Row
from fashquick_generation.diffusion.denoising.sampling import Sampler
from fashquick_generation.diffusion.weights.networks import Condition, Networks


@dataclass(frozen=True, slots=True)
class Inpainting:
    """How a row's surroundings are kept.

    Attributes:
        mask: 1x1xhxw, 1 where latents may change, else 0.
        around: 1x4xhxw: for the UNet of 9 channels the latents of the picture without what may change, for that of 4
            the picture's own, which are put back around the mask after each step.
        noise: 1x4xhxw, which they are put back with; None for the UNet of 9 channels, which puts nothing back.
    """

    mask: Tensor
    around: Tensor
    noise: Tensor | None


@dataclass(slots=True, eq=False)
class RowState:
    """A row on its way.

    Attributes:
        row: What is its own.
        place: Its place among the rows that were given.
        sampler: Its scheduler.
        generator: Its noise's source.
        timesteps: The sampler's, on the device.
        prompts: Positive and negative, each 1 x tokens x width.
        hints: What ControlNets that have an effect are shown, 1x3xHxW in 0 to 1.
        inpainting: How its surroundings are kept; None where all may change.
        aim: Where colours pull; None where they do not.
        latents: 1x4xhxw, now.
        done: Steps done.
        together: Most rows that shared one of its steps.
    """

    row: Row
    place: int
    sampler: Sampler
    generator: torch.Generator
    timesteps: Tensor
    prompts: tuple[Tensor, Tensor]
    hints: Mapping[Condition, Tensor]
    inpainting: Inpainting | None
    aim: Aim | None
    latents: Tensor
    done: int = 0
    together: int = 1

    @property
    def steps(self) -> int:
        """Steps that it takes in all."""
        return len(self.timesteps)

    @property
    def wants_look(self) -> bool:
        """Whether an early look is wanted after the step that comes; the last one's would be the picture itself."""
        every, done = self.row.preview_every, self.done + 1
        return every > 0 and done % every == 0 and done < self.steps

    def shown(self, condition: Condition) -> bool:
        """Whether the step that comes is under a ControlNet's eye."""
        return condition in self.hints and self.row.hints[condition].seen_at(self.done, self.steps)

    def clean(self, predicted: Tensor, latents: Tensor) -> Tensor:
        """The latents without noise that a prediction for the step that comes amounts to, 1x4xhxw float32."""
        clean = self.sampler.clean(predicted, latents, self.done)
        kept = self.inpainting
        if kept is None or kept.noise is None:
            return clean
        return (1 - kept.mask) * kept.around + kept.mask * clean

    def advance(self, predicted: Tensor, slope: Tensor | None) -> None:
        """Take a step.

        Args:
            predicted: 1x4xhxw, the noise in the latents.
            slope: Gradient of the colours' error, where they pull.
        """
        latents = self.sampler.stepped(predicted, self.latents, self.done, self.generator)
        if self.aim is not None and slope is not None:
            latents = self.aim.pulled(latents, self.latents, slope)
        self.done += 1
        kept = self.inpainting
        if kept is not None and kept.noise is not None:
            around = kept.around
            if self.done < self.steps:
                around = self.sampler.noised(around, kept.noise, self.done)
            latents = (1 - kept.mask) * around + kept.mask * latents
        self.latents = latents


def to_encode(row: Row, networks: Networks, dtype: torch.dtype) -> list[Tensor]:
    """The pictures that a row needs latents of, each 1x3xHxW in 0 to 1; what `begun` is given of them, in order."""
    picture = pixels(row.image, networks, dtype)
    if not _nine(row, networks):
        return [picture]
    assert row.mask is not None
    # -1 to 1 is what the VAE takes, and 0 there, the middle grey, is what stands for what may change.
    hole = binary(row.mask, networks, dtype)
    masked = picture * (1 - hole) + 0.5 * hole
    return [masked] if row.strength == 1 else [picture, masked]


def begun(row: Row, place: int, said: Sequence[Posterior], networks: Networks, dtype: torch.dtype) -> RowState:
    """Make a row ready for its first step; draws in the order of diffusers' pipelines.

    Args:
        row: Which.
        place: Its place.
        said: What the VAE says of the pictures of `to_encode`.
        networks: The profile's.
        dtype: Of the computation.

    Raises:
        BadField: The scheduler does not make that many steps.
    """
    sampler = Sampler(networks.scheduler, row.steps, row.strength)
    generator = torch.Generator().manual_seed(row.seed)
    factor = float(networks.vae.config.scaling_factor)
    nine, waiting = _nine(row, networks), list(said)
    # From nothing but noise the UNet of 9 channels needs no picture.
    picture = None if nine and row.strength == 1 else waiting.pop(0).drawn(generator, factor)
    noise = noise_like(said[0].mean, generator)
    inpainting = None
    if row.mask is not None:
        mask = at_latents(binary(row.mask, networks, dtype))
        # Diffusers draws for the masked picture with 4 channels too; schedulers that draw go on from there.
        hidden = waiting.pop(0).drawn(generator, factor) if nine else noise_like(noise, generator)
        inpainting = Inpainting(mask, hidden, None) if nine or picture is None else Inpainting(mask, picture, noise)
    if picture is None or (row.mask is not None and row.strength == 1):
        latents = noise * sampler.first_scale
    else:
        latents = sampler.noised(picture, noise, 0)
    return RowState(
        row=row,
        place=place,
        sampler=sampler,
        generator=generator,
        timesteps=sampler.timesteps.to(networks.device),
        prompts=(row.prompt.positive.to(networks.device, dtype), row.prompt.negative.to(networks.device, dtype)),
        hints={
            condition: pixels(hint.image, networks, dtype) for condition, hint in row.hints.items() if hint.scale != 0
        },
        inpainting=inpainting,
        aim=aim_at(row.colour, networks) if row.colour is not None and row.pulled else None,
        latents=latents,
    )


def _nine(row: Row, networks: Networks) -> bool:
    return row.mask is not None and networks.inpaint_unet is not None
