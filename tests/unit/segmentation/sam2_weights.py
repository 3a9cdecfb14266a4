"""Random weights in SAM 2's file formats, a network small enough for tests, and photos to look at.

Each tensor follows from its name, so that a whole checkpoint and the part that pictures need agree.
"""

from __future__ import annotations

import hashlib
import math
import os
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fashquick_common.models import SUMS_FILE, ModelStore
from fashquick_segmentation.sam2.checkpoints import Architecture, Checkpoint
from fashquick_segmentation.sam2.network import empty_network

SMALL = Architecture(16, 1, blocks=(1, 1, 3, 1), global_blocks=(3,), width=32)
MINI = Checkpoint("sam2.1-mini", "sam2.1_mini", SMALL)
OTHER = Checkpoint("sam2.1-other", "sam2.1_other", Architecture(16, 1, (1, 1, 3, 1), (4,), width=32))
THIRD = Checkpoint("sam2.1-third", "sam2.1_third", Architecture(16, 1, (1, 1, 3, 1), (), width=32))
SIDE = 128  # pixels; the least that the network takes


def random_tensor(name: str, shape: tuple[int, ...], seed: int = 0) -> Tensor:
    """float32; sizes are such that activations neither vanish nor grow, and masks have edges."""
    rng = np.random.default_rng((seed, zlib.crc32(name.encode())))
    values = rng.standard_normal(shape)
    if "positional_encoding" in name or "embed" in name.rsplit(".", 2)[-1]:
        pass
    elif name.endswith("weight") and len(shape) == 1:
        values = 1 + 0.2 * values
    elif name.endswith("weight") and len(shape) > 1 and shape[0] > 1:
        values *= 1.4 / math.sqrt(math.prod(shape[1:]))
    else:
        values *= 0.2
    return torch.from_numpy(values.astype(np.float32))


def random_weights(architecture: Architecture, seed: int = 0) -> dict[str, Tensor]:
    """What pictures need of a checkpoint."""
    shapes = empty_network(architecture).state_dict()
    return {name: random_tensor(name, tuple(tensor.shape), seed) for name, tensor in shapes.items()}


def write_original(path: Path, weights: Mapping[str, Tensor], *, films: bool = True) -> Path:
    """Write a file as Meta's are, with some of what it has for films."""
    extra = {"memory_attention.norm.weight": torch.ones(8), "no_obj_ptr": torch.zeros(1, 8)} if films else {}
    torch.save({"model": {**weights, **extra}}, path)
    return path


class RunsWhenRead:
    """What a pickle can hide: reading it makes a folder."""

    def __init__(self, trace: Path) -> None:
        self._trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self._trace),)


def listed(root: Path) -> ModelStore:
    """Make a folder a model store: list all that it has."""
    names = sorted(path.name for path in root.iterdir() if path.name != SUMS_FILE)
    lines = [f"{hashlib.sha256((root / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (root / SUMS_FILE).write_text("".join(lines))
    return ModelStore(root)


def drawn_photo(height: int, width: int, shift: int = 0) -> NDArray[np.uint8]:
    """Stripes, a disc and grain, of whole numbers only; HxWx3 uint8."""
    y, x = np.mgrid[:height, :width].astype(np.int64)
    stripes = np.stack([(x * 3 + shift) % 256, (y * 2 + x) % 256, (x // 9 + y // 7 + shift) % 2 * 200], axis=-1)
    disc = (y - height // 2) ** 2 + (x - width // 2 - shift) ** 2 < (min(height, width) // 3) ** 2
    grain = (x * 7919 + y * 104_729 + shift * 31) % 13
    return (
        (np.where(disc[..., np.newaxis], (200, 40, 60), stripes) + grain[..., np.newaxis]).clip(0, 255).astype(np.uint8)
    )
