"""Stage 3, initial generation: the whole picture from the studio's, by ControlNet and img2img, at the model's size.

Stable Diffusion 1.5 was trained at 512 pixels a side and repeats limbs in larger pictures; so the first pass makes a
smaller one, and the passes over regions bring back what it lacks.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fashquick_common.cancel import CancelFlag
from fashquick_common.models.profiles import Profile
from fashquick_generation.diffusion.choices import Choices
from fashquick_generation.diffusion.denoising.embeddings import Embedding
from fashquick_generation.diffusion.denoising.rows import ColourPull, Row
from fashquick_generation.diffusion.hints import hints_for
from fashquick_generation.diffusion.regions import returned
from fashquick_generation.diffusion.stages.conditions import Conditions, resized, working_size
from fashquick_generation.engine import UInt8Array


def first_row(
    conditions: Conditions,
    prompt: Embedding,
    profile: Profile,
    choices: Choices,
    *,
    seed: int,
    cancel: CancelFlag,
    on_step: Callable[[int, int, UInt8Array | None], None],
) -> Row:
    """Return what the first pass denoises.

    Args:
        conditions: Of the picture.
        prompt: Of the whole picture.
        profile: Says how large the first pass is and how the ControlNets look.
        choices: How it is denoised.
        seed: Of the noise.
        cancel: As in `Row`.
        on_step: Likewise.
    """
    small = resized(conditions, *working_size(*conditions.size, profile.working_pixels))
    pull = choices.colour_guidance
    return Row(
        image=small.base,
        mask=None,
        prompt=prompt,
        hints=hints_for(small.pose, small.depth, profile, choices.control, choices.steps_at(choices.strength)),
        seed=seed,
        steps=choices.steps,
        strength=choices.strength,
        guidance=choices.guidance,
        cancel=cancel,
        on_step=on_step,
        preview_every=choices.preview_every,
        colour=ColourPull(small.garment, small.base, pull) if pull else None,
    )


def enlarged(made: UInt8Array, conditions: Conditions) -> UInt8Array:
    """Return the first pass at the picture's own size; what it left as it was, as the studio has it.

    Args:
        made: height x width x 3 uint8, what was denoised.
        conditions: Of the picture, HxW.

    Returns:
        HxWx3 uint8.
    """
    return np.clip(np.rint(returned(conditions.base, made)), 0, 255).astype(np.uint8)
