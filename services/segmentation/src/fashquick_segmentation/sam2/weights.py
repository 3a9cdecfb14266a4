"""Reading SAM 2's weights: memory-mapped, never running code that a file brings, and refused in words.

Weights stay where they are in the file; the kernel reads their pages when they are first used, and several processes
share them.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from fashquick_common.errors import ModelNotInstalled
from fashquick_segmentation.sam2.checkpoints import Architecture, Checkpoint
from fashquick_segmentation.sam2.network import Sam2Network, empty_network

# What a checkpoint has for films alone.
FOR_FILMS = (
    "memory_attention.",
    "memory_encoder.",
    "maskmem_tpos_enc",
    "mask_downsample.",
    "no_mem_pos_enc",
    "no_obj_embed_spatial",
    "no_obj_ptr",
    "obj_ptr_proj.",
    "obj_ptr_tpos_proj.",
)
_ADVICE = "get it again from where it came"


def load_network(path: Path, architecture: Architecture, device: str = "cpu") -> Sam2Network:
    """Read a checkpoint.

    Args:
        path: A file of Meta's (`.pt`) or one that `convert` made (`.safetensors`). It must not be changed in place
            as long as the network lives.
        architecture: What it should be of.
        device: A device of torch's. On "cpu" the weights stay in the file.

    Raises:
        ModelNotInstalled: The file is missing, damaged, hides code, or is of another network.
    """
    network = empty_network(architecture)
    wanted = network.state_dict()
    found = _read(path)
    _compare(path, wanted, found)
    network.load_state_dict({name: found[name] for name in wanted}, assign=True)
    network.requires_grad_(False)
    return network if device == "cpu" else network.to(device)


def convert(original: Path, converted: Path, checkpoint: Checkpoint) -> None:
    """Write what pictures need of a checkpoint as safetensors.

    Args:
        original: A file of Meta's.
        converted: The file to write; it appears whole or not at all.
        checkpoint: Which it is.

    Raises:
        ModelNotInstalled: `original` is not that checkpoint.
        OSError: The file cannot be written.
    """
    network = load_network(original, checkpoint.architecture)
    about = {"format": "pt", "checkpoint": checkpoint.name}
    with tempfile.TemporaryDirectory(dir=converted.parent) as folder:
        written = Path(folder) / converted.name
        save_file(network.state_dict(), written, metadata=about)
        shutil.copymode(original, written)  # It is written for its owner alone.
        with written.open("rb") as file:
            os.fsync(file.fileno())
        written.replace(converted)


def _read(path: Path) -> dict[str, Tensor]:
    """Read a file's tensors without their content.

    Raises:
        ModelNotInstalled: It cannot be read.
    """
    read = _read_safetensors if path.suffix == ".safetensors" else _read_archive
    try:
        return read(path)
    except FileNotFoundError as error:
        raise ModelNotInstalled(f"there are no weights {path.name}; put them there") from error
    except ModelNotInstalled:
        raise
    except Exception as error:
        # Hostile bytes make torch's readers raise nearly anything. Callers hear of it, so the folder stays out.
        why = str(error).strip().partition("\n")[0].replace(str(path), path.name)[:200] or type(error).__name__
        raise ModelNotInstalled(f"the weights {path.name} cannot be read: {why}; {_ADVICE}") from error


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
    except SafetensorError as error:
        raise ModelNotInstalled(f"the weights {path.name} are no whole safetensors file: {error}; {_ADVICE}") from error


def _read_archive(path: Path) -> dict[str, Tensor]:
    # weights_only: a pickle may name tensors and containers, nothing that could run.
    content = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    model = content.get("model") if isinstance(content, Mapping) else None
    if not isinstance(model, Mapping):
        raise ModelNotInstalled(f"the weights {path.name} have no entry 'model', so they are not SAM 2's; {_ADVICE}")
    strange = [name for name, value in model.items() if not (isinstance(name, str) and isinstance(value, Tensor))]
    if strange:
        raise ModelNotInstalled(f"the weights {path.name} have an entry {strange[0]!r} that is no tensor; {_ADVICE}")
    return dict(model)


def _compare(path: Path, wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    """Return if a file has the tensors that a network needs.

    Raises:
        ModelNotInstalled: It has not, or others beside them.
    """
    for name, tensor in wanted.items():
        if name not in found:
            raise ModelNotInstalled(f"the weights {path.name} lack {name}: they are of another network; {_ADVICE}")
        have = found[name]
        if have.shape != tensor.shape:
            raise ModelNotInstalled(
                f"the weights {path.name} have {name} of shape {tuple(have.shape)} instead of {tuple(tensor.shape)}: "
                f"they are of another network; {_ADVICE}"
            )
        if not _is_plain(have):
            raise ModelNotInstalled(
                f"the weights {path.name} have {name} as {have.dtype} on {have.device}; plain float32 is needed; "
                f"{_ADVICE}"
            )
    odd = next((name for name in found if name not in wanted and not name.startswith(FOR_FILMS)), None)
    if odd is not None:
        raise ModelNotInstalled(f"the weights {path.name} also have {odd}: they are of another network; {_ADVICE}")


def _is_plain(tensor: Tensor) -> bool:
    kind = tensor.dtype, tensor.layout, tensor.device.type
    return kind == (torch.float32, torch.strided, "cpu") and tensor.is_contiguous()
