"""Small networks with random weights: what diffusion does with any weights can be tested with them."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch

from fashquick_common.models.profiles import Profile, Role
from fashquick_generation.diffusion.weights.architecture import random_network
from fashquick_generation.diffusion.weights.networks import Condition, Networks
from fashquick_generation.diffusion.weights.plan import Offload, Plan, Weights
from fashquick_generation.diffusion.weights.schedulers import make_scheduler
from scripts.small_diffusion import SMALL_PROFILE, small_tokenizer

# Networks this small gain nothing from a second thread, and lose much where cores are shared.
torch.set_num_threads(1)

SMALL_PLAN = Plan("plain", Offload.NONE, Weights.PLAIN, tiled_vae=False, peak_bytes=0, room_bytes=10**9)


def small_profile(**changes: Any) -> Profile:
    """A profile of the small networks, without files."""
    values = {"name": "small", "files": (), "optional": frozenset[Role](), **SMALL_PROFILE}
    return Profile(**(values | changes))


@cache
def _network(role: Role) -> Any:
    return random_network("small", role, seed=list(Role).index(role))


def small_networks(**changes: Any) -> Networks:
    """The small networks in memory, shared by all tests; `changes` replace fields of `Networks`."""
    values: dict[str, Any] = {
        "profile": small_profile(),
        "plan": SMALL_PLAN,
        "digest": "5" * 64,
        "unet": _network(Role.UNET),
        "vae": _network(Role.VAE),
        "text_encoder": _network(Role.TEXT_ENCODER),
        "tokenizer": small_tokenizer(),
        "scheduler": make_scheduler("ddim"),
        "device": torch.device("cpu"),
        "dtype": torch.float32,
        "controls": {
            Condition.POSE: _network(Role.CONTROL_POSE),
            Condition.DEPTH: _network(Role.CONTROL_DEPTH),
        },
        "preview": _network(Role.PREVIEW),
    }
    return Networks(**(values | changes))
