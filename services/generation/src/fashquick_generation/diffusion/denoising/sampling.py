"""A row's own scheduler: multistep schedulers keep what they have seen, so that none can be shared."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from fashquick_common.errors import BadField

if TYPE_CHECKING:
    from diffusers import SchedulerMixin


class Sampler:
    """The way of one row from noise to picture, the last share of a whole one.

    Its numbers stay on the CPU, so that none of its steps waits for the device.

    Attributes:
        timesteps: Those that are left to the row, in order; int64 on the CPU, at least one.
    """

    def __init__(self, template: SchedulerMixin, steps: int, strength: float) -> None:
        """Make a scheduler like another, which is not changed.

        Args:
            template: Whose class and configuration are taken.
            steps: Of a whole run.
            strength: Share of them that the row takes, above 0 to 1; as in diffusers it is rounded down, but one step
                is always left.

        Raises:
            BadField: The scheduler does not make that many steps.
        """
        self._scheduler = type(template).from_config(template.config)
        try:
            self._scheduler.set_timesteps(steps)
        except ValueError as error:
            raise BadField(f"the profile's scheduler does not make {steps} steps: {error}", field="steps") from error
        begin = (steps - max(int(steps * strength), 1)) * self._scheduler.order
        if hasattr(self._scheduler, "set_begin_index"):
            self._scheduler.set_begin_index(begin)
        self.timesteps: Tensor = self._scheduler.timesteps[begin:]
        self._draws = "generator" in inspect.signature(self._scheduler.step).parameters

    @property
    def first_scale(self) -> float:
        """What pure noise is multiplied with before the first of all steps."""
        return float(self._scheduler.init_noise_sigma)

    def noised(self, clean: Tensor, noise: Tensor, step: int) -> Tensor:
        """Latents as they are before a step, counted from 0 among the row's own."""
        noised: Tensor = self._scheduler.add_noise(clean, noise, self.timesteps[step : step + 1])
        return noised

    def scaled(self, latents: Tensor, step: int) -> Tensor:
        """Latents as the UNet takes them at a step."""
        scaled: Tensor = self._scheduler.scale_model_input(latents, self.timesteps[step])
        return scaled

    def stepped(self, predicted: Tensor, latents: Tensor, step: int, generator: torch.Generator) -> Tensor:
        """Latents after a step, which can be taken once.

        Args:
            predicted: The noise that the UNet sees.
            latents: Before the step; of the same shape.
            step: Which.
            generator: The row's own, for schedulers that draw.
        """
        drawing = {"generator": generator} if self._draws else {}
        result = self._scheduler.step(predicted, self.timesteps[step], latents, **drawing, return_dict=False)
        stepped: Tensor = result[0]
        return stepped

    def clean(self, predicted: Tensor, latents: Tensor, step: int) -> Tensor:
        """The latents without noise that a prediction amounts to, float32.

        DDIM's predicted x_0 (Song et al., "Denoising diffusion implicit models", ICLR 2021, equation 9), for networks
        that predict noise and schedulers that keep the variance.
        """
        share: Tensor = self._scheduler.alphas_cumprod[self.timesteps[step]]
        clean: Tensor = (latents.float() - (1 - share).sqrt() * predicted.float()) / share.sqrt()
        return clean
