"""Colour guidance brings colours nearer to a target, through the UNet, in little memory, and changes nothing else."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fashquick_generation.diffusion.denoising.guidance import aim_at, slope_of
from fashquick_generation.diffusion.denoising.loop import denoise
from fashquick_generation.diffusion.denoising.rows import ColourPull, Denoised, Hint, UInt8
from fashquick_generation.diffusion.weights.networks import Condition, Networks
from fashquick_generation.diffusion.weights.schedulers import make_scheduler
from tests.support.diffusion import small_networks
from tests.support.rows import Watched, denoised, difference, disc, half_networks, noise_picture, small_row

NEAR = 1  # levels of 255


class SeenAlike(nn.Module):
    """A VAE that decodes as the preview decoder does, so that a result's colours are those that pulled."""

    def __init__(self, networks: Networks) -> None:
        super().__init__()
        self._vae, self._preview = networks.vae, networks.preview
        self.config = networks.vae.config

    def encode(self, pictures: Tensor) -> Any:
        return self._vae.encode(pictures)

    def decode(self, latents: Tensor, return_dict: bool) -> Any:
        return self._preview.decode(latents * self.config.scaling_factor, return_dict=return_dict)


def seeing(**changes: Any) -> Networks:
    networks = small_networks(**changes)
    return replace(networks, vae=SeenAlike(networks))


def checkpointed(networks: Networks) -> Networks:
    """With gradient checkpointing in the UNet, as weights are loaded."""
    unet = deepcopy(networks.unet)
    unet.enable_gradient_checkpointing()
    return replace(networks, unet=unet)


def reachable(networks: Networks) -> UInt8:
    """A target whose colours the decoder of random weights can show: another picture of its own."""
    return denoised(networks, small_row(networks, seed=99, image=noise_picture(9), strength=1.0)).image


def colour_error(image: UInt8, target: UInt8, mask: UInt8) -> float:
    """Root of the mean square of what 8x8 pixels' means are off inside a mask, in levels."""
    cells = [
        array.astype(float).reshape(4, 8, 4, 8, -1).mean((1, 3)).squeeze(-1 if array.ndim == 2 else ())
        for array in (image, target, mask)
    ]
    inside = cells[2] > 100
    return float(np.sqrt(np.square(cells[0] - cells[1])[inside].mean()))


@pytest.mark.parametrize("scheduler", ["ddim", "unipc"])
def test_the_pull_brings_the_masks_colours_nearer(scheduler: str) -> None:
    networks = seeing(scheduler=make_scheduler(scheduler))
    target, mask = reachable(networks), disc()
    row = small_row(networks, steps=5, strength=1.0)
    errors = [
        colour_error(denoised(networks, pulled).image, target, mask)
        for pulled in (row, *(replace(row, colour=ColourPull(mask, target, strength)) for strength in (0.25, 1.0)))
    ]
    assert errors[1] < 0.75 * errors[0]
    assert errors[2] < 0.75 * errors[0]


def test_it_pulls_in_float16_too() -> None:
    half = small_networks(**half_networks(small_networks()))
    networks = replace(half, vae=SeenAlike(half))
    target, mask = reachable(seeing()), disc()
    row = small_row(networks, steps=4, strength=1.0)
    pulled = denoised(networks, replace(row, colour=ColourPull(mask, target, 0.5)))
    assert pulled.precision == "float16"
    assert colour_error(pulled.image, target, mask) < 0.75 * colour_error(denoised(networks, row).image, target, mask)


def test_without_strength_it_changes_no_bit() -> None:
    networks = small_networks()
    row = small_row(networks)
    idle = replace(row, colour=ColourPull(disc(), noise_picture(3), 0.0))
    assert np.array_equal(denoised(networks, row).image, denoised(networks, idle).image)


def test_pulled_rows_take_their_steps_alone_and_the_others_are_as_without_them() -> None:
    watched = Watched(small_networks().unet)
    networks = small_networks(unet=watched)
    hints = {Condition.POSE: Hint(noise_picture(2), 1.0)}
    pull = ColourPull(disc(), noise_picture(3), 0.5)
    rows = [
        small_row(networks, seed=1, hints=hints),
        small_row(networks, seed=2, hints=hints, mask=disc(), colour=pull),
        small_row(networks, seed=3, guidance=1.0, colour=pull),
        small_row(networks, seed=4, hints=hints),
    ]
    outcomes = denoise(networks, rows)
    assert watched.entries == [4] * 3 + [2] * 3 + [1] * 3
    for row, outcome in zip(rows, outcomes, strict=True):
        assert isinstance(outcome, Denoised)
        assert difference(outcome.image, denoised(networks, row).image) <= NEAR
    assert np.array_equal(denoised(networks, rows[1]).image, denoised(networks, rows[1]).image)


@pytest.mark.parametrize("side", [64, 1024])
def test_the_error_is_of_the_masks_cells_at_the_looks_size(side: int) -> None:
    networks = small_networks()
    mask = np.zeros((side, side), np.uint8)
    mask[: side // 2] = 255
    target = np.full((side, side, 3), 51, np.uint8)
    aim = aim_at(ColourPull(mask, target, 1.0), networks)
    cells = min(side // 8, 64)
    picture = torch.full((1, 3, cells * 8, cells * 8), 0.2)
    assert float(aim.error(picture)) == pytest.approx(0, abs=1e-6)
    picture[:, :, : cells * 4] += 0.1  # in the mask
    picture[:, :, cells * 4 :] += 0.5  # outside
    assert float(aim.error(picture)) == pytest.approx(0.01 * 3 * cells * cells / 2, rel=1e-4)


def slope(networks: Networks, latents: Tensor) -> tuple[Tensor, int]:
    """The colours' slope through the UNet, and the most bytes that computing it held at once."""
    side = latents.shape[-1] * 8
    aim = aim_at(ColourPull(disc(side, side), noise_picture(3, side, side), 1.0), networks)
    prompt = small_row(networks).prompt.positive
    with torch.profiler.profile(profile_memory=True) as profile:
        _, found = slope_of(
            aim,
            latents,
            lambda moving: networks.unet(moving, torch.tensor([500]), prompt, return_dict=False)[0],
            lambda predicted, moving: moving - predicted,
            networks.preview,
        )
    held = most = 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    return found, most


def test_checkpointing_gives_the_same_slope_in_less_memory() -> None:
    networks = small_networks()
    latents = torch.randn(1, 4, 32, 32, generator=torch.Generator().manual_seed(1))
    plain, plain_bytes = slope(networks, latents)
    saving, saving_bytes = slope(checkpointed(networks), latents)
    assert torch.allclose(plain, saving, rtol=1e-4, atol=1e-6)
    assert plain.abs().max() > 0
    assert saving_bytes < 0.8 * plain_bytes


def test_checkpointing_in_the_loaded_network_changes_no_picture() -> None:
    networks = small_networks()
    row = small_row(networks, colour=ColourPull(disc(), noise_picture(3), 0.5))
    for one in (row, replace(row, colour=None)):
        assert difference(denoised(networks, one).image, denoised(checkpointed(networks), one).image) <= NEAR
