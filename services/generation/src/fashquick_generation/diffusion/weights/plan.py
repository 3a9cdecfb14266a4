"""Memory plans: the cheapest way to hold and run a profile's networks that fits in the memory that is free.

What a plan needs is estimated before anything is loaded: the weights that lie on the device at the same time, and what
is computed with them. Both follow from the architecture; the constants are counted by benchmarks/diffusion_memory.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from fashquick_common.diffusion_limits import LATENT_PX
from fashquick_common.errors import BytesExhausted
from fashquick_common.models.profiles import Role

# Counted on networks of Stable Diffusion 1.5's size, for each byte of a number: storages alive at the same time while
# one row of latents goes through a ControlNet and the UNet, and while a picture goes through the VAE. Proportional to
# the size within 1 % from 256x256 to 768x1152.
UNET_BYTES_PER_LATENT_PIXEL = 10_880
"""Of one row. With a gradient through both, as colour guidance needs, and checkpoints in them it is 36,770."""
VAE_BYTES_PER_PIXEL = 770
"""Decoding; encoding takes 643."""
TILE_PIXELS = 512 * 512
"""What the VAE works on at a time by tiles: its own training size."""
ROWS_AT_MOST = 8
"""Pictures that are denoised together; more make each later and, on large GPUs, hardly all sooner."""
UNETS = (Role.UNET, Role.INPAINT_UNET)
CONTROLNETS = (Role.CONTROL_POSE, Role.CONTROL_DEPTH)
READERS = (Role.TEXT_ENCODER, Role.SAFETY)
"""Networks that take a turn before or after denoising, and no other then."""
RETRY_AFTER_S = 5.0
"""About a picture's time: then other calls may have ended, and what they took is free."""

# What cannot be counted: workspaces of kernels, and gaps between what an allocator has given out.
_SLACK = 1.15
_FIXED_BYTES = 128 * 1024 * 1024
_EVALUATIONS = 2  # Of each picture at each step: with its prompt and with its negative prompt.
_LAYERS_THERE = 3  # Of a network that comes by layers: one computes, one comes, one leaves.


class Offload(StrEnum):
    """Where weights wait that do not compute."""

    NONE = "none"
    """All stay on the device."""
    MODEL = "model"
    """Each network waits in main memory and comes as a whole when it is needed."""
    GROUP = "group"
    """The UNet's and the ControlNets' layers come one after the other; the others as above."""


class Weights(StrEnum):
    """How the UNet's and the ControlNets' weights are held."""

    PLAIN = "plain"
    """In the type of the computation."""
    FP8 = "fp8"
    """As float8_e4m3fn, each layer's cast for its turn."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How networks are held and run; fixed when a profile is loaded.

    Attributes:
        name: For the manifest, such as "model-offload+fp8".
        offload: Where weights wait.
        weights: How they are held.
        tiled_vae: Whether pictures are encoded and decoded by tiles, and one at a time.
        peak_bytes: What the device needs at most with one picture of the profile's working size, estimated.
        room_bytes: What it had for computing, beside the weights, when the plan was chosen; decides how many pictures
            of any size are denoised together.
    """

    name: str
    offload: Offload
    weights: Weights
    tiled_vae: bool
    peak_bytes: int
    room_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Footprint:
    """What decides how much memory a profile needs.

    Attributes:
        profile: Its name.
        elements: Numbers that each of its networks is made of; networks that are not loaded are left out.
        layer_elements: Numbers of the largest layer.
        controls_together: ControlNets that look at one step, 1 or 2.
        working_pixels: Most pixels of a picture that is denoised.
        element_bytes: Bytes of a number that is computed with: 2 or 4.
        on_gpu: Whether the device is a GPU, whose weights can wait in main memory.
    """

    profile: str
    elements: Mapping[Role, int]
    layer_elements: int
    controls_together: int
    working_pixels: int
    element_bytes: int
    on_gpu: bool


_ON_GPU = (
    ("resident", Offload.NONE, Weights.PLAIN, False),
    ("resident+tiled", Offload.NONE, Weights.PLAIN, True),
    ("model-offload", Offload.MODEL, Weights.PLAIN, True),
    ("model-offload+fp8", Offload.MODEL, Weights.FP8, True),
    ("group-offload", Offload.GROUP, Weights.PLAIN, True),
)
_ON_CPU = (
    ("resident", Offload.NONE, Weights.PLAIN, False),
    ("resident+tiled", Offload.NONE, Weights.PLAIN, True),
    ("resident+tiled+fp8", Offload.NONE, Weights.FP8, True),
)


def plans(need: Footprint) -> Iterator[Plan]:
    """Yield the plans for a profile, from that which costs least time to that which needs least memory.

    Args:
        need: Of the profile.

    Yields:
        Plans without `room_bytes`, which depend on what is free.
    """
    for name, offload, weights, tiled in _ON_GPU if need.on_gpu else _ON_CPU:
        plan = Plan(name, offload, weights, tiled, peak_bytes=0)
        yield replace(plan, peak_bytes=_peak_bytes(plan, need))


def choose(need: Footprint, free_bytes: int, shared_bytes: Callable[[Plan], int] = lambda _: 0) -> Plan:
    """Choose the first plan that fits, and note what it leaves for computing.

    Args:
        need: Of the profile.
        free_bytes: What is free on the device.
        shared_bytes: How much of a plan's weights is already there, since other profiles have the same.

    Raises:
        BytesExhausted: None fits.
    """
    least = 0
    for plan in plans(need):
        free = free_bytes + shared_bytes(plan)
        if plan.peak_bytes <= free:
            room = free - _FIXED_BYTES - _always_bytes(plan, need) - _control_bytes(plan, need)
            return replace(plan, room_bytes=room)
        least = plan.peak_bytes
    raise BytesExhausted(
        f"profile {need.profile} needs {least / 1e9:.2f} GB of memory with the thriftiest plan, and "
        f"{free_bytes / 1e9:.2f} GB are free for it; free some, ask for another profile or backend, or try again later",
        retry_after_s=RETRY_AFTER_S,
        metadata={"needed_bytes": str(least), "free_bytes": str(free_bytes)},
    )


def rows_that_fit(plan: Plan, element_bytes: int, width: int, height: int) -> int:
    """Return how many pictures of a size can be denoised together under a plan that was chosen, at least 1.

    Args:
        plan: As `choose` returned it.
        element_bytes: Bytes of a number that is computed with: 2 or 4.
        width: Pixels.
        height: Pixels.
    """
    pixels = width * height
    for rows in range(ROWS_AT_MOST, 1, -1):
        vae = 0 if plan.tiled_vae else vae_bytes(plan, element_bytes, pixels, rows)
        if max(vae, denoising_bytes(element_bytes, pixels, rows)) <= plan.room_bytes:
            return rows
    return 1


def denoising_bytes(element_bytes: int, pixels: int, rows: int) -> int:
    """Return what denoising takes beside the weights, in bytes.

    Args:
        element_bytes: Bytes of a number.
        pixels: Of each picture.
        rows: Pictures together.
    """
    latents = rows * _EVALUATIONS * pixels / LATENT_PX**2
    return int(_SLACK * element_bytes * UNET_BYTES_PER_LATENT_PIXEL * latents)


def vae_bytes(plan: Plan, element_bytes: int, pixels: int, rows: int) -> int:
    """Return what encoding and decoding take beside the weights, in bytes; arguments as above.

    Under a plan with tiles pictures go through one by one.
    """
    at_a_time = min(pixels, TILE_PIXELS) if plan.tiled_vae else rows * pixels
    return int(_SLACK * element_bytes * VAE_BYTES_PER_PIXEL * at_a_time)


def _peak_bytes(plan: Plan, need: Footprint) -> int:
    """What a plan needs with one picture: as much as the hungriest of its stages."""
    controls = _control_bytes(plan, need)
    denoising = controls + denoising_bytes(need.element_bytes, need.working_pixels, rows=1)
    vae = vae_bytes(plan, need.element_bytes, need.working_pixels, rows=1)
    if plan.offload is Offload.NONE:
        computing = max(denoising, controls + vae)
    else:  # ControlNets make place for the VAE and for readers, see `placing`.
        reading = max(need.elements.get(role, 0) for role in READERS) * need.element_bytes
        computing = max(denoising, vae, reading)
    return _FIXED_BYTES + _always_bytes(plan, need) + computing


def _always_bytes(plan: Plan, need: Footprint) -> int:
    """Weights that are on the device at all stages."""
    size = _sizes(plan, need)
    if plan.offload is Offload.NONE:
        return sum(bytes_ for role, bytes_ in size.items() if role not in CONTROLNETS)
    small = size.get(Role.VAE, 0) + size.get(Role.PREVIEW, 0)
    if plan.offload is Offload.GROUP:
        return small + _LAYERS_THERE * need.layer_elements * need.element_bytes
    return small + max(size.get(role, 0) for role in UNETS)


def _control_bytes(plan: Plan, need: Footprint) -> int:
    """Weights of the ControlNets that are on the device while rows are denoised."""
    if plan.offload is Offload.GROUP:
        return 0
    size = _sizes(plan, need)
    controls = sorted((size.get(role, 0) for role in CONTROLNETS), reverse=True)
    return sum(controls if plan.offload is Offload.NONE else controls[: need.controls_together])


def _sizes(plan: Plan, need: Footprint) -> dict[Role, int]:
    """Bytes of each network."""
    fp8 = (*UNETS, *CONTROLNETS) if plan.weights is Weights.FP8 else ()
    return {role: count * (1 if role in fp8 else need.element_bytes) for role, count in need.elements.items()}
