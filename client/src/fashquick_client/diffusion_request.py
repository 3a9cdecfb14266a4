"""Wishes of a picture by diffusion, as the contract has them."""

from __future__ import annotations

from fashquick.generation.v1 import scene_pb2
from fashquick_client.options import Diffusion
from fashquick_client.parts import check_range
from fashquick_common.diffusion_checks import check_diffusion
from fashquick_common.diffusion_limits import MAX_STEPS


def diffusion_message(wishes: Diffusion | None) -> scene_pb2.DiffusionSettings | None:
    """Return the settings of the diffusion backend; None where nothing is wished.

    Raises:
        BadField: A wish is outside its limits.
    """
    if wishes is None:
        return None
    if wishes.steps is not None:
        check_range("diffusion.steps", wishes.steps, MAX_STEPS)
    settings = scene_pb2.DiffusionSettings(
        profile=wishes.profile,
        steps=wishes.steps,
        strength=wishes.strength,
        guidance=wishes.guidance,
        control=wishes.control,
        extra_prompt=wishes.extra_prompt,
        extra_negative_prompt=wishes.extra_negative_prompt,
        prompt=wishes.prompt,
        negative_prompt=wishes.negative_prompt,
        veto=wishes.veto,
        deterministic=wishes.deterministic,
        without_previews=not wishes.previews,
        safety_check=wishes.safety_check,
        colour_guidance=wishes.colour_guidance,
        upscale=wishes.upscale,
    )
    check_diffusion(settings, "diffusion")
    return settings
