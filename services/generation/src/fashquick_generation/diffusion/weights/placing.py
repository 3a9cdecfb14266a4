"""Networks brought to their device as a plan says, once, when they are loaded.

On a CPU there is nothing to offload to, and nothing is moved.
"""

from __future__ import annotations

from typing import Any

import torch
from accelerate.hooks import ModelHook, add_hook_to_module
from diffusers.hooks import apply_group_offloading
from torch import Tensor, nn

from fashquick_common.models.profiles import Role
from fashquick_generation.diffusion.weights.plan import CONTROLNETS, READERS, UNETS, Offload, Plan, Weights


class Turns:
    """Networks that wait in main memory and take turns on one device.

    Only one of them computes at a time. Their weights are never changed, so those in main memory, or in their files,
    stay the original, and leaving the device copies nothing.

    Attributes:
        device: The device.
    """

    def __init__(self, device: torch.device) -> None:
        """Make it without any."""
        self.device = device
        self._here: list[_Turn] = []

    def add(self, network: nn.Module, role: Role, controls_together: int) -> None:
        """Let a network take part.

        Args:
            network: Whose weights are in main memory.
            role: Decides who leaves when it comes: a UNet takes the place of the other, a ControlNet that of those
                beyond `controls_together`, the VAE and readers that of all ControlNets, and any that of a reader.
            controls_together: ControlNets that look at a step together.
        """
        add_hook_to_module(network, _Turn(self, network, role, controls_together))

    def come(self, turn: _Turn) -> None:
        """Bring a network to the device, after those that it takes the place of have left."""
        for other in [other for other in self._here if other is not turn and self._leaves(other, turn)]:
            self._here.remove(other)
            other.leave()
        if turn not in self._here:
            turn.enter(self.device)
            self._here.append(turn)

    def _leaves(self, other: _Turn, turn: _Turn) -> bool:
        """Whether one that is here must leave when another comes."""
        if other.role in CONTROLNETS and turn.role in CONTROLNETS:
            others = [one for one in self._here if one.role in CONTROLNETS and one is not turn]
            return others.index(other) <= len(others) - turn.controls_together
        if other.role in CONTROLNETS:
            return turn.role not in UNETS
        return other.role in READERS or (other.role in UNETS and turn.role in UNETS)


class _Turn(ModelHook):  # type: ignore[misc]  # accelerate has no types
    """A network's part in it. Called by accelerate before the network computes."""

    def __init__(self, turns: Turns, network: nn.Module, role: Role, controls_together: int) -> None:
        self._turns = turns
        self.role = role
        self.controls_together = controls_together
        self._kept: list[tuple[nn.Module, str, Tensor]] = [
            (layer, name, tensor)
            for layer in network.modules()
            for name, tensor in (*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False))
        ]

    def pre_forward(self, module: nn.Module, *args: Any, **kwargs: Any) -> tuple[Any, Any]:  # noqa: ARG002 - accelerate's
        """Come before computing."""
        self._turns.come(self)
        return args, kwargs

    def enter(self, device: torch.device) -> None:
        """Copy the weights to a device; where they do not fit, nothing has changed."""
        # Made under inference_mode, they could never take part in a gradient.
        with torch.inference_mode(mode=False):
            self._enter(device)

    def _enter(self, device: torch.device) -> None:
        copies = [tensor.to(device) for _, _, tensor in self._kept]
        for (layer, name, tensor), copy in zip(self._kept, copies, strict=True):
            weights = isinstance(tensor, nn.Parameter)
            setattr(layer, name, nn.Parameter(copy, requires_grad=False) if weights else copy)

    def leave(self) -> None:
        """Go back to the weights in main memory."""
        for layer, name, tensor in self._kept:
            setattr(layer, name, tensor)


def place(network: Any, role: Role, plan: Plan, turns: Turns, *, dtype: torch.dtype, controls_together: int) -> None:
    """Bring a network to its device as a plan says.

    Args:
        network: On the CPU, in the type of the computation.
        role: Which it is.
        plan: How it is held.
        turns: Of the device.
        dtype: Type of the computation.
        controls_together: ControlNets that look at one step.
    """
    if role == Role.VAE and plan.tiled_vae:
        network.enable_tiling()
        network.enable_slicing()
    denoises = role in (*UNETS, *CONTROLNETS)
    if denoises and plan.weights is Weights.FP8:
        network.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=dtype)
    if turns.device.type == "cpu":
        return
    if plan.offload is Offload.NONE or role == Role.PREVIEW:
        network.to(turns.device)
    elif denoises and plan.offload is Offload.GROUP:
        apply_group_offloading(network, onload_device=turns.device, offload_type="leaf_level", use_stream=True)
    else:
        turns.add(network, role, controls_together)
