"""Reading networks: files are judged by the architecture, and never by what they say of themselves.

Weights of the type that is computed in stay where they are in the file; the kernel reads their pages when they are
first used, and several processes share them. Others are converted, a tensor at a time.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from fashquick_common.errors import ModelNotInstalled
from fashquick_common.models.profiles import Role
from fashquick_generation.diffusion.weights.architecture import empty_network
from fashquick_generation.diffusion.weights.lora import Lora
from fashquick_generation.diffusion.weights.published import as_built
from fashquick_generation.diffusion.weights.tensors import ADVICE, WeightsFile, read_tensors


def load_network(
    architecture: str,
    role: Role,
    files: Sequence[WeightsFile],
    dtype: torch.dtype,
    *,
    loras: Sequence[WeightsFile] = (),
) -> nn.Module:
    """Read a network, onto the CPU and for inference.

    Args:
        architecture: Name of a build.
        role: Which network.
        files: Those that its weights are in, of either published format, at least one.
        dtype: Type to compute in: float32, float16 or bfloat16.
        loras: Changes to add, of a UNet.

    Raises:
        NotFound: There is no such architecture.
        ModelNotInstalled: A file is missing, damaged, could hide code, or is of another network.
    """
    network = empty_network(architecture, role)
    wanted = network.state_dict()
    found: dict[str, Tensor] = {}
    for file in files:
        found.update(read_tensors(file))
    names = ", ".join(file.name for file in files)
    tensors = _of(names, role, network, found)
    _compare(names, f"{architecture} {role}", wanted, tensors)
    for file in loras:
        tensors = Lora(file).added(tensors)
    network.load_state_dict({name: tensors[name].to(dtype) for name in wanted}, assign=True)
    _fill_constants(network)
    return network.requires_grad_(False)


@functools.cache
def weight_elements(architecture: str, role: Role) -> int:
    """Return how many numbers a network is made of.

    Raises:
        NotFound: There is no such architecture.
    """
    return sum(tensor.numel() for tensor in empty_network(architecture, role).state_dict().values())


@functools.cache
def layer_elements(architecture: str) -> int:
    """Return how many numbers the UNet's largest layer is made of; raises as above."""
    sizes: list[int] = [tensor.numel() for tensor in empty_network(architecture, Role.UNET).state_dict().values()]
    return max(sizes)


def _of(files: str, role: Role, network: nn.Module, found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    try:
        return as_built(role, network, found)
    except Exception as error:
        # The conversion trusts names, and hostile ones make it raise nearly anything.
        raise ModelNotInstalled(
            f"the weights {files} have the names of a single file, but not those of {role}: "
            f"{type(error).__name__} {str(error)[:80]!r}; {ADVICE}"
        ) from error


def _compare(files: str, what: str, wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    """Return if files have the tensors that a network needs, and no others.

    Raises:
        ModelNotInstalled: They have not.
    """
    for name, tensor in wanted.items():
        if name not in found:
            raise ModelNotInstalled(f"the weights {files} lack {name}: they are not of {what}; {ADVICE}")
        have = found[name]
        if have.shape != tensor.shape:
            raise ModelNotInstalled(
                f"the weights {files} have {name} of shape {tuple(have.shape)} instead of {tuple(tensor.shape)}: "
                f"they are not of {what}; {ADVICE}"
            )
    odd = next((name for name in found if name not in wanted), None)
    if odd is not None:
        raise ModelNotInstalled(f"the weights {files} also have {odd[:80]!r}: they are not of {what}; {ADVICE}")


def _fill_constants(network: nn.Module) -> None:
    """Make what the network has beside its weights: the numbers of CLIP's positions."""
    for module in network.modules():
        for name, buffer in module.named_buffers(recurse=False):
            if buffer.is_meta:
                setattr(module, name, torch.arange(buffer.shape[-1]).expand(buffer.shape))
