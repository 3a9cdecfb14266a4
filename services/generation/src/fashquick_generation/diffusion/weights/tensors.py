"""Tensors of safetensors files: memory-mapped, never running code that a file brings, and refused in words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from fashquick_common.errors import ModelNotInstalled

ADVICE = "get it again from where it came: fashquick models pull"
# A single file of Stable Diffusion 1.5 has 1,146, with averaged weights beside them 1,832.
MAX_TENSORS = 4096
_FLOATS = (torch.float16, torch.bfloat16, torch.float32)


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A file to read.

    Attributes:
        name: Its name in the model store; callers of a server hear it, never the path.
        path: Where it is. It must not be changed in place as long as something that was read from it lives.
    """

    name: str
    path: Path


def read_tensors(file: WeightsFile) -> dict[str, Tensor]:
    """Read a file's tensors without their content, which stays in the file until it is used.

    Args:
        file: A safetensors file.

    Returns:
        Plain tensors on the CPU of any floating type and shape, by name. Whole numbers and what else no network here
        is made of are left out.

    Raises:
        ModelNotInstalled: It is missing, no whole safetensors file, or has more tensors than any model known here.
    """
    if file.path.suffix != ".safetensors":
        raise ModelNotInstalled(
            f"the weights {file.name} are no safetensors file, and others can hide code that runs when they are read; "
            "get them as .safetensors"
        )
    try:
        with safe_open(file.path, framework="pt", device="cpu") as opened:
            names = list(opened.keys())
            if len(names) > MAX_TENSORS:
                raise ModelNotInstalled(
                    f"the weights {file.name} have {len(names)} tensors, more than {MAX_TENSORS}: they are of no "
                    f"network that is known here; {ADVICE}"
                )
            tensors = {name: opened.get_tensor(name) for name in names}
    except (SafetensorError, OSError) as error:
        why = str(error).partition("\n")[0].replace(str(file.path), file.name)[:200]
        raise ModelNotInstalled(f"the weights {file.name} are no whole safetensors file: {why}; {ADVICE}") from error
    return {name: tensor for name, tensor in tensors.items() if tensor.dtype in _FLOATS}
