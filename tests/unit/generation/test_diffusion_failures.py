"""What fails in the middle of a batch: numbers, memory, the device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from fashquick_common.errors import BytesExhausted, InternalError
from fashquick_common.models.profiles import Role
from fashquick_generation.diffusion.denoising.loop import denoise
from fashquick_generation.diffusion.denoising.rows import Denoised, Hint
from fashquick_generation.diffusion.weights.architecture import random_network
from fashquick_generation.diffusion.weights.networks import Condition, Networks
from tests.support.diffusion import SMALL_PLAN, small_networks
from tests.support.rows import Watched, denoised, difference, disc, half_networks, noise_picture, small_row

NEAR = 1  # levels of 255: several rows are summed in another order than one
HALF = 6  # levels of 255 that weights rounded to float16 may make
ENTRIES = 2  # of a row with guidance


def spoiled(noise: Tensor, entry: int) -> Tensor:
    noise = noise.clone()
    noise[entry] = torch.nan
    return noise


def raising(error: Exception, *calls: int) -> Callable[[int, Tensor], Tensor]:
    """Have some calls fail."""

    def spoil(call: int, noise: Tensor) -> Tensor:
        if call in calls:
            raise error
        return noise

    return spoil


def failing_vae(networks: Networks, name: str, fails: Callable[[Tensor], bool], error: Exception) -> Any:
    """The VAE, one of whose methods fails for some of what it is given."""

    class Failing:
        config = networks.vae.config

        def __getattr__(self, called: str) -> Any:
            method = getattr(networks.vae, called)

            def guarded(values: Tensor, **named: Any) -> Any:
                if called == name and fails(values):
                    raise error
                return method(values, **named)

            return guarded

    return Failing()


def test_nan_in_float16_is_repeated_in_float32_and_only_that_row() -> None:
    half = half_networks(small_networks())
    watched = Watched(
        half["unet"],
        lambda call, noise: spoiled(noise, 1) if noise.dtype == torch.float16 and call == 1 else noise,
    )
    networks = small_networks(**half | {"unet": watched})
    hints = {Condition.POSE: Hint(noise_picture(2), 1.0)}
    told: list[int] = []
    rows = [
        small_row(networks, seed=1, hints=hints),
        small_row(networks, seed=2, hints=hints, on_step=lambda done, _, __: told.append(done), preview_every=1),
        small_row(networks, seed=3, hints=hints),
    ]
    outcomes = denoise(networks, rows)
    assert watched.entries == [6, 6, 4, 2, 2, 2]
    assert [outcome.precision for outcome in outcomes if isinstance(outcome, Denoised)] == [
        "float16",
        "float32",
        "float16",
    ]
    assert told == [1, 2, 3]
    for row, outcome in zip(rows, outcomes, strict=True):
        assert isinstance(outcome, Denoised)
        assert difference(outcome.image, denoised(small_networks(), row).image) <= HALF
    weights = {parameter.dtype for parameter in half["unet"].parameters()}
    assert weights == {torch.float16}


def test_nan_in_float32_too_ends_the_row_alone() -> None:
    watched = Watched(small_networks().unet, lambda call, noise: spoiled(noise, 0) if call == 1 else noise)
    networks = small_networks(unet=watched)
    first, second = denoise(networks, [small_row(networks, seed=1), small_row(networks, seed=2)])
    assert isinstance(first, InternalError)
    assert "NaN" in first.message
    assert "step 2 of 3" in first.message
    assert isinstance(second, Denoised)
    assert watched.entries == [4, 4, 2]


def test_nan_that_float32_gives_too_ends_the_repeated_row() -> None:
    half = half_networks(small_networks())
    networks = small_networks(**half | {"unet": Watched(half["unet"], lambda _, noise: spoiled(noise, 0))})
    (outcome,) = denoise(networks, [small_row(networks)])
    assert isinstance(outcome, InternalError)


def test_a_picture_that_the_vae_has_no_float16_for_is_decoded_in_float32() -> None:
    half = half_networks(small_networks())
    vae = half["vae"]
    decode = vae.decode

    def overflowing(latents: Tensor, **named: Any) -> Any:
        (picture,) = decode(latents, **named)
        return (picture * torch.nan if latents.dtype == torch.float16 else picture,)

    vae.decode = overflowing
    networks = small_networks(**half)
    row = small_row(networks)
    outcome = denoised(networks, row)
    assert outcome.precision == "float16"
    assert difference(outcome.image, denoised(small_networks(), row).image) <= HALF


def test_a_vae_without_numbers_is_an_error_in_words() -> None:
    half = half_networks(small_networks())
    with torch.no_grad():
        half["vae"].decoder.conv_out.bias.fill_(torch.nan)
    networks = small_networks(**half)
    (outcome,) = denoise(networks, [small_row(networks)])
    assert isinstance(outcome, InternalError)
    assert "VAE" in outcome.message


def test_a_full_device_halves_the_batch_once_and_the_pictures_are_the_same() -> None:
    full = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    watched = Watched(small_networks().unet, raising(full, 1))
    networks = small_networks(unet=watched)
    rows = [small_row(networks, seed=seed, mask=disc()) for seed in range(4)]
    outcomes = denoise(networks, rows)
    assert watched.entries == [8, 8, *[4] * 2, *[4] * 2]
    for row, outcome in zip(rows, outcomes, strict=True):
        assert isinstance(outcome, Denoised)
        assert outcome.together == 4
        assert difference(outcome.image, denoised(small_networks(), row).image) <= NEAR


def test_a_device_that_is_full_twice_ends_the_rows_of_that_batch() -> None:
    full = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    networks = small_networks(unet=Watched(small_networks().unet, raising(full, 0, 1)))
    outcomes = denoise(networks, [small_row(networks, seed=seed) for seed in range(4)])
    assert [type(outcome) for outcome in outcomes] == [BytesExhausted, BytesExhausted, Denoised, Denoised]
    assert isinstance(outcomes[0], BytesExhausted)
    assert "32x32" in outcomes[0].message


def test_a_single_row_that_does_not_fit_is_not_tried_again() -> None:
    watched = Watched(small_networks().unet, raising(RuntimeError("CUDA error: out of memory"), 0))
    networks = small_networks(unet=watched)
    (outcome,) = denoise(networks, [small_row(networks)])
    assert isinstance(outcome, BytesExhausted)
    assert watched.entries == [ENTRIES]


@pytest.mark.parametrize("method", ["encode", "decode"])
def test_a_vae_that_does_not_fit_takes_fewer_pictures(method: str) -> None:
    whole = small_networks()
    full = torch.OutOfMemoryError("CUDA out of memory.")
    rows = [small_row(whole, seed=seed) for seed in range(4)]
    networks = replace(whole, vae=failing_vae(whole, method, lambda values: len(values) > 2, full))
    assert [type(outcome) for outcome in denoise(networks, rows)] == [Denoised] * 4
    networks = replace(whole, vae=failing_vae(whole, method, lambda values: len(values) > 0, full))
    assert [type(outcome) for outcome in denoise(networks, rows)] == [BytesExhausted] * 4


def test_a_plan_with_tiles_has_the_vae_see_one_picture_at_a_time() -> None:
    inpaint = random_network("small", Role.INPAINT_UNET, 5)
    whole = small_networks(plan=replace(SMALL_PLAN, tiled_vae=True), inpaint_unet=inpaint)
    crowd = AssertionError("more than one")
    for method in ("encode", "decode"):
        networks = replace(whole, vae=failing_vae(whole, method, lambda values: len(values) > 1, crowd))
        rows = [small_row(whole, seed=1, mask=disc()), small_row(whole, seed=2)]
        assert [type(one) for one in denoise(networks, rows)] == [Denoised] * 2


@pytest.mark.parametrize(
    "error",
    [
        torch.AcceleratorError("CUDA error: unspecified launch failure"),
        RuntimeError("CUDA error: device-side assert triggered\nCompile with `TORCH_USE_CUDA_DSA`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
    ],
)
def test_a_lost_device_ends_all_rows_that_are_open_and_says_what_to_do(error: Exception) -> None:
    watched = Watched(small_networks().unet, raising(error, 1))
    networks = small_networks(unet=watched)
    unchanged, *rest = denoise(
        networks,
        [
            small_row(networks, strength=0.0),
            small_row(networks, seed=1),
            small_row(networks, seed=2, image=noise_picture(2, 32, 48)),
        ],
    )
    assert isinstance(unchanged, Denoised)
    for outcome in rest:
        assert isinstance(outcome, InternalError)
        assert "device cpu was lost" in outcome.message
        assert "restarted" in outcome.message
    assert len(watched.entries) == 2  # nothing more is asked of it


def test_a_bug_is_no_failure_of_the_device() -> None:
    networks = small_networks(unet=Watched(small_networks().unet, raising(RuntimeError("shapes differ"), 0)))
    with pytest.raises(RuntimeError, match="shapes differ"):
        denoise(networks, [small_row(networks)])


def test_an_early_look_that_does_not_fit_is_left_out() -> None:
    class Full:
        dtype = torch.float32

        def decode(self, latents: Tensor, **_: Any) -> Any:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    networks = small_networks(preview=Full())
    row = small_row(networks, preview_every=1)
    assert np.array_equal(
        denoised(networks, row).image, denoised(small_networks(), replace(row, preview_every=0)).image
    )
