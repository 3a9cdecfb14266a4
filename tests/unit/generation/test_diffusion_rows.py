"""Each row is its own: noise, steps, previews, cancel and error, whatever it comes with."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import (
    BadField,
    BadMask,
    Cancelled,
    DeadlinePassed,
    FashquickError,
    ModelNotInstalled,
    NotBuilt,
    QueueFull,
)
from fashquick_common.models.profiles import Role
from fashquick_generation.diffusion.denoising.loop import denoise
from fashquick_generation.diffusion.denoising.rows import ColourPull, Denoised, Hint, Row, UInt8
from fashquick_generation.diffusion.weights.architecture import random_network
from fashquick_generation.diffusion.weights.networks import Condition, Networks
from fashquick_generation.diffusion.weights.plan import Offload, Weights, vae_bytes
from fashquick_generation.diffusion.weights.schedulers import make_scheduler
from tests.support.diffusion import SMALL_PLAN, small_networks
from tests.support.rows import Watched, denoised, difference, disc, noise_picture, prompt, small_row

NEAR = 1  # levels of 255: several rows are summed in another order than one


def images(outcomes: list[Denoised | FashquickError]) -> list[UInt8]:
    assert all(isinstance(outcome, Denoised) for outcome in outcomes), outcomes
    return [outcome.image for outcome in outcomes if isinstance(outcome, Denoised)]


def mixture(networks: Networks) -> list[Row]:
    """Rows of several sizes, lengths of prompt, numbers of steps, guidances, masks and hints."""
    long = prompt(networks, ", ".join(["red dress"] * 40))
    pose, depth = Hint(noise_picture(20), 1.0, end=0.7), Hint(noise_picture(21), 0.4)
    return [
        small_row(networks, seed=1),
        small_row(networks, seed=2, guidance=1.0, hints={Condition.POSE: pose}),
        small_row(networks, seed=3, image=noise_picture(3, 32, 48)),
        small_row(networks, seed=4, steps=6, hints={Condition.POSE: pose, Condition.DEPTH: depth}),
        small_row(networks, seed=5, prompt=long),
        small_row(networks, seed=6, mask=disc(), guidance=2.0, hints={Condition.DEPTH: replace(depth, begin=0.3)}),
        small_row(networks, seed=7, strength=0.0),
    ]


@pytest.mark.parametrize("scheduler", ["ddim", "unipc"])
def test_a_batch_equals_single_rows(scheduler: str) -> None:
    networks = small_networks(scheduler=make_scheduler(scheduler))
    rows = mixture(networks)
    together = denoise(networks, rows)
    for row, image in zip(rows, images(together), strict=True):
        assert difference(image, denoised(networks, row).image) <= NEAR
    counts = [outcome.together for outcome in together if isinstance(outcome, Denoised)]
    assert counts == [4, 4, 1, 4, 1, 4, 1]


def test_masks_in_a_batch_go_through_the_inpainting_unet_and_the_others_do_not() -> None:
    plain, inpaint = Watched(small_networks().unet), Watched(random_network("small", Role.INPAINT_UNET, 5))
    networks = small_networks(unet=plain, inpaint_unet=inpaint)
    rows = [small_row(networks, seed=1), small_row(networks, seed=2, mask=disc()), small_row(networks, seed=3)]
    together = images(denoise(networks, rows))
    assert (plain.entries, inpaint.entries) == ([4, 4, 4], [2, 2, 2])
    for row, image in zip(rows, together, strict=True):
        assert difference(image, denoised(networks, row).image) <= NEAR


def test_alone_repeats_bit_for_bit_whatever_a_row_comes_with() -> None:
    networks = small_networks()
    rows = mixture(networks)[1:6:2]
    first = images(denoise(networks, rows, alone=True))
    again = images(denoise(networks, rows[::-1], alone=True))[::-1]
    for row, a, b in zip(rows, first, again, strict=True):
        assert np.array_equal(a, b)
        assert np.array_equal(a, denoised(networks, row, alone=True).image)


def test_the_seed_makes_the_picture() -> None:
    networks = small_networks()
    one, same, other = images(denoise(networks, [small_row(networks, seed=seed) for seed in (1, 1, 2)], alone=True))
    assert np.array_equal(one, same)
    assert difference(one, other) > 20


def test_without_strength_the_picture_comes_back_and_no_network_is_called() -> None:
    class Refusing(nn.Module):
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

    networks = small_networks()
    row = small_row(networks, strength=0.0)
    refusing = Refusing()
    image = denoised(replace(networks, unet=refusing, vae=refusing, controls={}), row).image
    assert np.array_equal(image, row.image)
    assert image is not row.image


def test_a_hint_without_scale_is_no_hint() -> None:
    networks = small_networks()
    watched = Watched(networks.controls[Condition.POSE])
    networks = small_networks(controls={Condition.POSE: watched})
    hint = Hint(noise_picture(2), 0.0)
    with_hint = denoised(networks, small_row(networks, hints={Condition.POSE: hint}))
    assert np.array_equal(with_hint.image, denoised(networks, small_row(networks)).image)
    assert watched.entries == []


def test_controlnets_are_called_for_the_rows_and_steps_that_they_look_at() -> None:
    watched = Watched(small_networks().controls[Condition.POSE])
    networks = small_networks(controls={Condition.POSE: watched})
    hint = Hint(noise_picture(2), 1.0, begin=0.25, end=0.75)
    rows = [
        small_row(networks, steps=4, strength=1.0, hints={Condition.POSE: hint}),
        small_row(networks, steps=4, strength=1.0, hints={Condition.POSE: replace(hint, end=0.5)}, guidance=1.0),
        small_row(networks, steps=4, strength=1.0),
    ]
    denoise(networks, rows)
    assert watched.entries == [3, 2]  # the first row has two entries, the second one; steps 1 and 2 of 0 to 3


def test_a_cancelled_row_leaves_at_the_next_step_and_the_others_go_on() -> None:
    watched = Watched(small_networks().unet)
    networks = small_networks(unet=watched)
    flag = CancelFlag()

    def after_one(done: int, _: int, __: UInt8 | None) -> None:
        if done == 1:
            flag.cancel()

    rows = [small_row(networks, seed=seed) for seed in (1, 2, 3)]
    rows[1] = replace(rows[1], cancel=flag, on_step=after_one)
    first, second, third = denoise(networks, rows)
    assert watched.entries == [6, 4, 4]
    assert isinstance(second, Cancelled)
    assert second.__traceback__ is None  # no frame keeps its latents
    assert flag.steps == 3  # encoding, a step, and the one that it left at
    for row, outcome in ((rows[0], first), (rows[2], third)):
        assert isinstance(outcome, Denoised)
        assert difference(outcome.image, denoised(networks, row).image) <= NEAR


def test_a_row_whose_time_is_over_is_not_begun() -> None:
    watched = Watched(small_networks().unet)
    networks = small_networks(unet=watched)
    (outcome,) = denoise(networks, [small_row(networks, cancel=CancelFlag(time.monotonic() - 1))])
    assert isinstance(outcome, DeadlinePassed)
    assert watched.entries == []


def test_no_more_rows_than_the_plan_allows_and_waiting_ones_come_in_when_others_leave() -> None:
    watched = Watched(small_networks().unet)
    networks = small_networks(
        unet=watched, plan=replace(SMALL_PLAN, room_bytes=vae_bytes(SMALL_PLAN, 4, 32 * 32, rows=2))
    )
    rows = [small_row(networks, seed=seed, steps=steps, guidance=1.0) for seed, steps in ((1, 2), (2, 4), (3, 2))]
    outcomes = denoise(networks, rows)
    assert watched.entries == [2, 2, 1]
    assert [outcome.together for outcome in outcomes if isinstance(outcome, Denoised)] == [2, 2, 2]


def test_progress_and_previews_are_each_rows_own() -> None:
    networks = small_networks()
    heard: dict[int, list[tuple[int, int, tuple[int, ...] | None]]] = {0: [], 1: []}

    def hearing(row: int) -> Any:
        return lambda done, steps, look: heard[row].append((done, steps, None if look is None else look.shape))

    wide = noise_picture(3, 16, 640)
    denoise(
        networks,
        [
            small_row(networks, on_step=hearing(0), preview_every=2, steps=5, strength=1.0),
            small_row(networks, on_step=hearing(1), preview_every=1, image=wide),
        ],
    )
    look = (32, 32, 3)
    assert heard[0] == [(1, 5, None), (2, 5, look), (3, 5, None), (4, 5, look), (5, 5, None)]
    assert heard[1] == [(1, 3, (16, 512, 3)), (2, 3, (16, 512, 3)), (3, 3, None)]


def test_without_a_preview_decoder_there_are_none() -> None:
    networks = small_networks(preview=None)
    looks: list[UInt8 | None] = []
    denoised(networks, small_row(networks, preview_every=1, on_step=lambda _, __, look: looks.append(look)))
    assert looks == [None] * 3


def test_an_error_of_a_callers_own_ends_its_row_alone() -> None:
    networks = small_networks()

    def refuse(_: int, __: int, ___: UInt8 | None) -> None:
        raise QueueFull("nobody listens", retry_after_s=1)

    bad, good = denoise(networks, [small_row(networks, on_step=refuse), small_row(networks)])
    assert isinstance(bad, QueueFull)
    assert isinstance(good, Denoised)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"image": noise_picture(1, 32, 30)}, BadField, "30x32 pixels"),
        ({"image": noise_picture(1, 0, 64)}, BadField, "64x0 pixels"),
        ({"steps": 0}, BadField, "0 denoising steps; take 1 to 100"),
        ({"steps": 1000}, BadField, "1000 denoising steps"),
        ({"strength": 1.01}, BadField, "strength 1.01"),
        ({"strength": -0.1}, BadField, "strength -0.1"),
        ({"strength": float("nan")}, BadField, "strength nan"),
        ({"guidance": float("inf")}, BadField, "guidance inf"),
        ({"mask": np.zeros((32, 32), np.uint8)}, BadMask, "empty"),
        ({"mask": disc(32, 40)}, BadMask, "(32, 40)"),
        ({"hints": {Condition.POSE: Hint(noise_picture(1, 32, 40), 1.0)}}, BadField, "pose map"),
        ({"hints": {Condition.POSE: Hint(noise_picture(1), 2.5)}}, BadField, "2.5"),
        ({"hints": {Condition.POSE: Hint(noise_picture(1), 1.0, 0.5, 0.2)}}, BadField, "0.5 to 0.2"),
        ({"hints": {Condition.DEPTH: Hint(noise_picture(1), 1.0)}}, ModelNotInstalled, "no ControlNet for depth"),
        ({"colour": ColourPull(disc(), noise_picture(1), 1.5)}, BadField, "1.5"),
        ({"colour": ColourPull(np.zeros((32, 32), np.uint8), noise_picture(1), 0.5)}, BadMask, "empty"),
        ({"colour": ColourPull(disc(), noise_picture(1, 8, 8), 0.5)}, BadField, "(8, 8, 3)"),
    ],
)
def test_a_row_that_is_not_possible_is_refused_in_words_and_the_others_go_on(
    changes: dict[str, Any], error: type[FashquickError], words: str
) -> None:
    networks = small_networks()
    networks = replace(networks, controls={Condition.POSE: networks.controls[Condition.POSE]})
    bad, good = denoise(networks, [small_row(networks, **changes), small_row(networks, steps=1)])
    assert type(bad) is error
    assert words in bad.message
    assert isinstance(good, Denoised)


def test_a_scheduler_that_does_not_make_so_many_steps_is_said_so() -> None:
    networks = small_networks(scheduler=make_scheduler("lcm"))
    (outcome,) = denoise(networks, [small_row(networks, steps=80)])
    assert isinstance(outcome, BadField)
    assert "80 steps" in outcome.message


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"preview": None}, ModelNotInstalled),
        ({"plan": replace(SMALL_PLAN, weights=Weights.FP8)}, NotBuilt),
        ({"plan": replace(SMALL_PLAN, offload=Offload.GROUP)}, NotBuilt),
    ],
)
def test_colour_guidance_that_is_not_possible_is_refused(changes: dict[str, Any], error: type[FashquickError]) -> None:
    networks = small_networks(**changes)
    (outcome,) = denoise(networks, [small_row(networks, colour=ColourPull(disc(), noise_picture(1), 0.5))])
    assert type(outcome) is error


def test_networks_and_torchs_own_state_stay_as_they_are() -> None:
    networks = small_networks(scheduler=make_scheduler("lcm"))

    def state() -> tuple[Any, ...]:
        modules = (networks.unet, networks.vae, *networks.controls.values())
        return (
            [(parameter.data_ptr(), parameter._version) for module in modules for parameter in module.parameters()],
            [(len(part._forward_hooks), part.training) for module in modules for part in module.modules()],
            torch.get_rng_state().tolist(),
            torch.get_default_dtype(),
            torch.is_grad_enabled(),
            torch.is_inference_mode_enabled(),
            vars(networks.scheduler).copy(),
        )

    before = state()
    hints = {Condition.POSE: Hint(noise_picture(2), 1.0)}
    colour = ColourPull(disc(), noise_picture(3), 0.5)
    denoise(networks, [small_row(networks, hints=hints, colour=colour), small_row(networks, mask=disc())])
    after = state()
    assert before[:-1] == after[:-1]
    assert before[-1].keys() == after[-1].keys()
    assert after[-1]["num_inference_steps"] is None


def test_two_threads_over_the_same_networks_give_what_one_gives() -> None:
    networks = small_networks(scheduler=make_scheduler("unipc"))
    lots = [[small_row(networks, seed=seed, steps=6), small_row(networks, seed=seed + 1)] for seed in (1, 11)]
    expected = [images(denoise(networks, lot)) for lot in lots]
    found: dict[int, list[UInt8]] = {}
    threads = [
        threading.Thread(target=lambda number=number: found.update({number: images(denoise(networks, lots[number]))}))
        for number in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(2):
        for a, b in zip(expected[number], found[number], strict=True):
            assert np.array_equal(a, b)
