"""LoRA: small changes of a UNet's layers, added to its weights once, when they are read.

W + alpha / rank * up @ down (Hu et al., "LoRA: Low-rank adaptation of large language models", ICLR 2022, section 4.1).
A UNet that has them added computes as fast as one without, and needs no further library.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from fashquick_common.errors import ModelNotInstalled
from fashquick_generation.diffusion.weights.tensors import ADVICE, WeightsFile, read_tensors

# Names as kohya's scripts write them (the LCM LoRA is published so), and as diffusers does, without and with peft.
_NAME = re.compile(
    r"(?:lora_unet_|unet\.)(?P<layer>[\w.]+?)\."
    r"(?:(?P<down>lora_down|lora\.down|lora_A)\.weight|(?P<up>lora_up|lora\.up|lora_B)\.weight|(?P<alpha>alpha))"
)


@dataclass(frozen=True, slots=True)
class _Change:
    """What is added to one layer.

    Attributes:
        down: rank x inputs, for a convolution rank x inputs x height x width.
        up: outputs x rank, for a convolution with two more axes of length 1.
        alpha: Scale times rank.
    """

    down: Tensor
    up: Tensor
    alpha: float

    def values(self) -> Tensor:
        """The sum's second half, outputs x inputs float32, what follows the inputs laid out in rows."""
        scale = self.alpha / self.down.shape[0]
        return scale * self.up.float().flatten(1) @ self.down.float().flatten(1)


class Lora:
    """A file of changes."""

    def __init__(self, file: WeightsFile) -> None:
        """Read it.

        Raises:
            ModelNotInstalled: It is no safetensors file, or no LoRA of a UNet alone.
        """
        self._name = file.name
        self._changes = _changes(file.name, read_tensors(file))

    def added(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Add the changes to a UNet's tensors.

        Args:
            tensors: By name, any floating type; not changed.

        Returns:
            All of them; those that were changed are float32 and in memory.

        Raises:
            ModelNotInstalled: A change is of a layer that the UNet does not have, or of another shape.
        """
        names = {name.removesuffix(".weight").replace(".", "_"): name for name in tensors if name.endswith(".weight")}
        result = dict(tensors)
        for layer, change in self._changes.items():
            if layer not in names:
                raise ModelNotInstalled(
                    f"the LoRA {self._name} changes {layer}, which the UNet does not have: it is of another network; "
                    f"{ADVICE}"
                )
            old = result[names[layer]]
            if change.up.shape[0] != old.shape[0] or change.down.shape[1:] != old.shape[1:]:
                raise ModelNotInstalled(
                    f"the LoRA {self._name} changes {layer} as if it were of {change.up.shape[0]} outputs and inputs "
                    f"{tuple(change.down.shape[1:])}; it has shape {tuple(old.shape)}; {ADVICE}"
                )
            result[names[layer]] = old.float() + change.values().reshape(old.shape)
        return result


def _changes(file: str, tensors: Mapping[str, Tensor]) -> dict[str, _Change]:
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        match = _NAME.fullmatch(name)
        if match is None:
            raise ModelNotInstalled(
                f"{file} has an entry {name[:80]!r}, so it is no LoRA of Stable Diffusion's UNet alone; {ADVICE}"
            )
        kind = next(kind for kind in ("down", "up", "alpha") if match[kind])
        parts.setdefault(match["layer"].replace(".", "_"), {})[kind] = tensor
    if not parts:
        raise ModelNotInstalled(f"the LoRA {file} is empty; {ADVICE}")
    return {layer: _change(file, layer, found) for layer, found in parts.items()}


def _change(file: str, layer: str, found: Mapping[str, Tensor]) -> _Change:
    down, up = found.get("down"), found.get("up")
    if down is None or up is None:
        raise ModelNotInstalled(f"the LoRA {file} has only half of what changes {layer}; {ADVICE}")
    rank = down.shape[0] if down.ndim else 0
    if rank == 0 or down.ndim < 2 or up.ndim < 2 or up.shape[1:].numel() != rank:
        raise ModelNotInstalled(
            f"the LoRA {file} changes {layer} by shapes {tuple(down.shape)} and {tuple(up.shape)}, which do not fit "
            f"each other; {ADVICE}"
        )
    alpha = found.get("alpha", torch.tensor(float(rank)))
    if alpha.numel() != 1 or not math.isfinite(alpha.item()):
        raise ModelNotInstalled(f"the LoRA {file} has no number as the scale of {layer}; {ADVICE}")
    return _Change(down, up, alpha.item())
