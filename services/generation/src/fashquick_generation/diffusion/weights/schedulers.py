"""Schedulers: how noise is taken away, step by step, always along the noise that Stable Diffusion 1.5 was taught with.

Configurations of a store are not read: the published ones say the same, and others would be wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from diffusers import DDIMScheduler, LCMScheduler, SchedulerMixin, UniPCMultistepScheduler

from fashquick_common.errors import NotFound
from fashquick_common.models.profiles import SchedulerName

# Rombach et al. (CVPR 2022), the repository's configs/stable-diffusion/v1-inference.yaml; the rest as diffusers
# publishes Stable Diffusion 1.5.
_NOISE: Mapping[str, Any] = MappingProxyType(
    {
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "num_train_timesteps": 1000,
        "prediction_type": "epsilon",
        "timestep_spacing": "leading",
        "steps_offset": 1,
    }
)
_MAKERS: Mapping[str, Callable[[], SchedulerMixin]] = MappingProxyType(
    {
        # Zhao et al., "UniPC", NeurIPS 2023: good pictures from 15 to 20 steps.
        SchedulerName.UNIPC: lambda: UniPCMultistepScheduler(**_NOISE),
        # Song et al., "Denoising diffusion implicit models", ICLR 2021.
        SchedulerName.DDIM: lambda: DDIMScheduler(**_NOISE, clip_sample=False, set_alpha_to_one=False),
        # Luo et al., "LCM-LoRA", 2023: four to eight steps, with weights that were taught so.
        SchedulerName.LCM: lambda: LCMScheduler(**_NOISE, clip_sample=False, set_alpha_to_one=False),
    }
)


def make_scheduler(name: str) -> SchedulerMixin:
    """Make a scheduler.

    Args:
        name: Of `SchedulerName`.

    Raises:
        NotFound: There is none of that name.
    """
    if name not in _MAKERS:
        raise NotFound(f"there is no scheduler {name[:80]!r}; choose of {', '.join(SchedulerName)}")
    return _MAKERS[name]()
