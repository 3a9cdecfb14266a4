"""Memory plans: the cheapest way to hold and run a profile's networks that fits in the memory that is free."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Offload(StrEnum):
    """Where weights wait that do not compute."""

    NONE = "none"
    """All stay on the device."""
    MODEL = "model"
    """Each network waits in main memory and comes as a whole when it is needed."""
    GROUP = "group"
    """Groups of layers come one after the other."""


class Weights(StrEnum):
    """How the UNet's and the ControlNets' weights are held."""

    PLAIN = "plain"
    """In the type of the computation."""
    FP8 = "fp8"
    """As float8_e4m3fn, each layer's cast for its turn."""
    INT8 = "int8"
    """As int8, weights only."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How networks are held and run; fixed when a profile is loaded.

    Attributes:
        name: For the manifest, such as "model-offload+fp8".
        offload: Where weights wait.
        weights: How they are held.
        tiled_vae: Whether pictures are encoded and decoded by tiles, and one at a time.
        max_rows: Most pictures that are denoised together, as far as the memory goes: at least 1.
        peak_bytes: What the device needs at most with one picture of the profile's working size, estimated.
    """

    name: str
    offload: Offload
    weights: Weights
    tiled_vae: bool
    max_rows: int
    peak_bytes: int
