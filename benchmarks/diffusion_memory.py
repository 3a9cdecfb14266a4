#!/usr/bin/env python3
"""Memory that Stable Diffusion computes with, counted; the constants of the memory plans follow from it.

Nothing is computed: the networks run on torch's fake tensors, which have sizes and no content, and a mode that sees
every operation counts the bytes of all storages that are alive at the same time, but for the weights. What kernels
need as workspace, and what an allocator loses in gaps, is not in it.

    .venv-full/bin/python benchmarks/diffusion_memory.py
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from fashquick_common.models.profiles import Role, profiles
from fashquick_generation.diffusion.weights.architecture import NETWORK_ROLES, random_network
from fashquick_generation.diffusion.weights.plan import (
    UNET_BYTES_PER_LATENT_PIXEL,
    VAE_BYTES_PER_PIXEL,
    Footprint,
    plans,
)
from fashquick_generation.diffusion.weights.reading import layer_elements, weight_elements

DTYPE = torch.float16
SIZES = ((256, 256), (512, 768), (768, 1152))
TOKENS, WIDTH = 77, 768


class Alive(TorchDispatchMode):
    """Counts the storages that operations make.

    Attributes:
        peak_bytes: The most that were alive at the same time.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        """Begin at zero; the weights of `networks` do not count."""
        super().__init__()
        self.peak_bytes = 0
        self._bytes = 0
        self._known = weakref.WeakSet(p.untyped_storage() for network in networks for p in network.parameters())

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Let an operation run, and see what it returns."""
        answer = func(*args, **(kwargs or {}))
        tree_map_only(Tensor, self._see, answer)
        return answer

    def _see(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage not in self._known:
            self._known.add(storage)
            self._bytes += storage.nbytes()
            self.peak_bytes = max(self.peak_bytes, self._bytes)
            weakref.finalize(storage, self._gone, storage.nbytes())

    def _gone(self, size: int) -> None:
        self._bytes -= size


@contextmanager
def counted(*roles: Role) -> Iterator[tuple[Alive, list[Any]]]:
    """Give networks without content, and the counter of what is done with them."""
    torch.set_default_dtype(DTYPE)
    try:
        with FakeTensorMode():
            networks = [random_network("sd15", role) for role in roles]
            with Alive(networks) as alive:
                yield alive, networks
    finally:
        torch.set_default_dtype(torch.float32)


def denoised(width: int, height: int, rows: int, *, pulled: bool = False) -> int:
    """Peak bytes of one step of `rows` latents through a ControlNet and the UNet."""
    with counted(Role.UNET, Role.CONTROL_POSE) as (alive, (unet, control)), torch.set_grad_enabled(pulled):
        if pulled:
            unet.enable_gradient_checkpointing()
            control.enable_gradient_checkpointing()
        latents = torch.empty(rows, 4, height // 8, width // 8, requires_grad=pulled)
        step, text = torch.empty(rows), torch.empty(rows, TOKENS, WIDTH)
        hint = torch.empty(rows, 3, height, width)
        down, middle = control(latents, step, text, controlnet_cond=hint, return_dict=False)
        noise = unet(
            latents, step, text, down_block_additional_residuals=down, mid_block_additional_residual=middle
        ).sample
        if pulled:
            torch.autograd.grad(noise.float().sum(), latents)
        return alive.peak_bytes


def coded(width: int, height: int, *, decoding: bool, tiled: bool) -> int:
    """Peak bytes of one picture through the VAE."""
    with counted(Role.VAE) as (alive, (vae,)), torch.no_grad():
        if tiled:
            vae.enable_tiling()
        if decoding:
            vae.decode(torch.empty(1, 4, height // 8, width // 8))
        else:
            vae.encode(torch.empty(1, 3, height, width)).latent_dist.mode()
        return alive.peak_bytes


def footprint(name: str, *, on_gpu: bool) -> Footprint:
    """What decides the memory of a profile that is installed as a whole."""
    profile = profiles()[name]
    roles = [role for role in NETWORK_ROLES if profile.of(role)]
    return Footprint(
        profile=name,
        elements={role: weight_elements("sd15", role) for role in roles},
        layer_elements=layer_elements("sd15"),
        controls_together=profile.controls_together,
        working_pixels=profile.working_pixels,
        element_bytes=2 if on_gpu else 4,
        on_gpu=on_gpu,
    )


def row(what: str, size: tuple[int, int], peak: int, ratio: float, constant: str) -> None:
    """Print a row of the table."""
    print(f"| {what} | {size[0]}x{size[1]} | {peak / 1e6:.0f} | {ratio:.0f} | {constant} |")


def main() -> None:
    """Print what is counted, the constants beside it, and what the plans of each profile need."""
    each = DTYPE.itemsize
    print("| step | picture | MB | bytes a (latent) pixel and byte of a number | constant |\n|---|---|---|---|---|")
    for width, height in SIZES:
        for pulled, constant in ((False, f"{UNET_BYTES_PER_LATENT_PIXEL}"), (True, "")):
            peak = denoised(width, height, 2, pulled=pulled)
            what = f"UNet and ControlNet{' with a gradient' * pulled}, two rows of latents"
            row(what, (width, height), peak, peak / (2 * each * width * height / 64), constant)
        for decoding in (False, True):
            for tiled in (False, True):
                peak = coded(width, height, decoding=decoding, tiled=tiled)
                what = f"VAE {'decodes' if decoding else 'encodes'}{' by tiles' * tiled}"
                row(what, (width, height), peak, peak / (each * width * height), f"{VAE_BYTES_PER_PIXEL}")
    print("\n| profile | device | plan | GB with one picture |\n|---|---|---|---|")
    for name in profiles():
        for on_gpu in (True, False):
            for plan in plans(footprint(name, on_gpu=on_gpu)):
                print(f"| {name} | {'GPU' if on_gpu else 'CPU'} | {plan.name} | {plan.peak_bytes / 1e9:.2f} |")


if __name__ == "__main__":
    main()
