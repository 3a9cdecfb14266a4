"""How a server runs diffusion: on which device, in which precision, with which profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from fashquick_common.errors import BadField, ModelNotInstalled
from fashquick_common.models import ModelStore, Profile, gaps, profiles
from fashquick_generation.diffusion.weights.registry import DiffusionRegistry

_PRECISIONS = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}


@dataclass(frozen=True, slots=True)
class DiffusionOptions:
    """How a server runs diffusion.

    Attributes:
        profile: Name of the profile to use when a call names none; None for the first of which the store has all that
            it needs, or where it has none the first.
        profiles_file: A file with further profiles; None for the packaged ones alone.
        device: "cpu", "cuda", or "auto" for a GPU where torch finds one.
        precision: "float16", "bfloat16", "float32", or "auto" for float16 on a GPU and float32 on a CPU.
        memory_bytes: Most bytes of the device's memory; None for all that is free.
    """

    profile: str | None
    profiles_file: Path | None
    device: str
    precision: str
    memory_bytes: int | None


def diffusion_registry(store: ModelStore, options: DiffusionOptions) -> DiffusionRegistry:
    """Make the registry of a server; no weights are read yet.

    Args:
        store: Where the weights are.
        options: How they are used.

    Raises:
        BadField: The file with further profiles is wrong, or a GPU is asked for and there is none.
        NotFound: The default profile is not among the profiles.
    """
    there = torch.cuda.is_available()
    if options.device == "cuda" and not there:
        raise BadField(
            "FASHQUICK_DIFFUSION_DEVICE is cuda, and torch finds no GPU; install a driver and a torch that has CUDA, "
            "or set it to auto",
            field="diffusion_device",
        )
    on_gpu = there and options.device != "cpu"
    usual = torch.float16 if on_gpu else torch.float32
    known = profiles(options.profiles_file)
    registry = DiffusionRegistry(
        store,
        known,
        default=_first_whole(known, store) if options.profile is None else options.profile,
        device=torch.device("cuda" if on_gpu else "cpu"),
        dtype=_PRECISIONS.get(options.precision, usual),
        budget_bytes=options.memory_bytes,
    )
    registry.profile(registry.default)
    return registry


def _first_whole(known: Mapping[str, Profile], store: ModelStore) -> str:
    try:
        stored = store.files()
    except ModelNotInstalled:
        stored = ()
    whole = (name for name, profile in known.items() if not gaps(profile.needed, stored))
    return next(whole, next(iter(known)))
