"""Rows that take steps together: one pass through the ControlNets and the UNet for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fashquick_generation.diffusion.denoising.states import RowState
from fashquick_generation.diffusion.weights.networks import Condition, Networks


@dataclass(frozen=True, slots=True)
class _View:
    """What one ControlNet looks at.

    Attributes:
        entries: Which of the batch's entries, int64; None: all.
        hints: nx3xHxW.
        scales: nx1x1x1.
    """

    entries: Tensor | None
    hints: Tensor
    scales: Tensor

    def of(self, values: Tensor) -> Tensor:
        """The values of these entries."""
        return values if self.entries is None else values.index_select(0, self.entries)

    def spread(self, values: Tensor, entries: int) -> Tensor:
        """Values of these entries among all, 0 for the others."""
        if self.entries is None:
            return values
        return values.new_zeros(entries, *values.shape[1:]).index_copy(0, self.entries, values)


class Batch:
    """Rows that take steps together, as long as none leaves and none joins.

    The UNet sees an entry for each row's positive prompt, then one for the negative prompt of each row that has
    classifier-free guidance (Ho and Salimans, 2022).
    """

    def __init__(self, rows: Sequence[RowState], networks: Networks) -> None:
        """Put rows together.

        Args:
            rows: At least one; of one size, with prompts of one length, and for the same UNet.
            networks: The profile's.
        """
        self.rows = tuple(rows)
        self._networks = networks
        self._guided = [index for index, row in enumerate(rows) if row.row.guidance > 1]
        self._entries = [*range(len(rows)), *self._guided]
        self._device = networks.device
        dtype = rows[0].latents.dtype
        self._prompts = torch.cat([row.prompts[0] for row in rows] + [rows[i].prompts[1] for i in self._guided])
        self._guidance = torch.tensor(
            [rows[i].row.guidance for i in self._guided], device=self._device, dtype=dtype
        ).reshape(-1, 1, 1, 1)
        self._where = torch.tensor(self._guided, device=self._device, dtype=torch.int64)
        self._beside = self._inpaint_channels()
        self._views: dict[tuple[Condition, tuple[int, ...]], _View] = {}

    def predicted(self, latents: Tensor) -> Tensor:
        """The noise in latents, all guidance applied.

        Args:
            latents: One a row, Rx4xhxw.

        Returns:
            Of the same shape.
        """
        rows = self.rows
        scaled = torch.cat(
            [row.sampler.scaled(one, row.done) for row, one in zip(rows, latents.chunk(len(rows)), strict=True)]
        )
        sample = self._for_entries(scaled)
        timesteps = self._for_entries(torch.cat([row.timesteps[row.done : row.done + 1] for row in rows]))
        with torch.no_grad():  # where gradients are taken, what ControlNets add counts as given
            control = self._control(sample.detach(), timesteps)
        unet = self._networks.unet
        if self._beside is not None:
            unet = self._networks.inpaint_unet
            sample = torch.cat([sample, self._beside], dim=1)
        noise: Tensor = unet(
            sample,
            timesteps,
            encoder_hidden_states=self._prompts,
            down_block_additional_residuals=None if control is None else control[:-1],
            mid_block_additional_residual=None if control is None else control[-1],
            return_dict=False,
        )[0]
        return self._guide(noise)

    def _guide(self, noise: Tensor) -> Tensor:
        if not self._guided:
            return noise
        positive, negative = noise[: len(self.rows)], noise[len(self.rows) :]
        if len(self._guided) == len(self.rows):
            return negative + self._guidance * (positive - negative)
        some = positive.index_select(0, self._where)
        return positive.index_copy(0, self._where, negative + self._guidance * (some - negative))

    def _for_entries(self, values: Tensor) -> Tensor:
        if not self._guided:
            return values
        if len(self._guided) == len(self.rows):
            return torch.cat([values, values])
        return torch.cat([values, values.index_select(0, self._where)])

    def _inpaint_channels(self) -> Tensor | None:
        """What the UNet of 9 channels sees beside the latents, nx5xhxw."""
        kept = [row.inpainting for row in self.rows]
        channels = [torch.cat([one.mask, one.around], dim=1) for one in kept if one is not None and one.noise is None]
        return self._for_entries(torch.cat(channels)) if channels else None

    def _control(self, sample: Tensor, timesteps: Tensor) -> tuple[Tensor, ...] | None:
        """What the ControlNets add to the UNet, its middle last; None where none looks at this step."""
        total: tuple[Tensor, ...] | None = None
        for condition, network in self._networks.controls.items():
            watched = tuple(index for index, row in enumerate(self.rows) if row.shown(condition))
            if not watched:
                continue
            view = self._view(condition, watched)
            down, middle = network(
                view.of(sample),
                view.of(timesteps),
                encoder_hidden_states=view.of(self._prompts),
                controlnet_cond=view.hints,
                conditioning_scale=view.scales,
                return_dict=False,
            )
            spread = tuple(view.spread(values, len(self._entries)) for values in (*down, middle))
            total = spread if total is None else tuple(a + b for a, b in zip(total, spread, strict=True))
        return total

    def _view(self, condition: Condition, watched: tuple[int, ...]) -> _View:
        key = (condition, watched)
        if key not in self._views:
            seen = [(entry, self.rows[index]) for entry, index in enumerate(self._entries) if index in watched]
            scales = [row.row.hints[condition].scale for _, row in seen]
            self._views[key] = _View(
                entries=None
                if len(seen) == len(self._entries)
                else torch.tensor([entry for entry, _ in seen], device=self._device),
                hints=torch.cat([row.hints[condition] for _, row in seen]),
                scales=torch.tensor(scales, device=self._device, dtype=self._guidance.dtype).reshape(-1, 1, 1, 1),
            )
        return self._views[key]
