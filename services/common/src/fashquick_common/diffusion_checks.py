"""What `fashquick.generation.v1.DiffusionSettings` may hold, for whoever receives it."""

from __future__ import annotations

from fashquick.generation.v1 import scene_pb2
from fashquick_common.diffusion_limits import (
    MAX_PROFILE_CHARS,
    MAX_UPSCALED_HEIGHT_PX,
    MAX_UPSCALED_WIDTH_PX,
    NUMBERS,
    check_prompt,
    check_vetoes,
)
from fashquick_common.errors import BadField
from fashquick_common.garment_codec import checks
from fashquick_common.scene_limits import DEFAULT_HEIGHT_PX, DEFAULT_WIDTH_PX, check_area

_PROMPTS = ("extra_prompt", "extra_negative_prompt", "prompt", "negative_prompt")


def check_diffusion(settings: scene_pb2.DiffusionSettings, field: str) -> None:
    """Return if settings of the diffusion backend are within their limits.

    Raises:
        BadField: A number is outside its limits or none at all, or a text is too long or has a control character.
    """
    checks.text(settings.profile, MAX_PROFILE_CHARS, f"{field}.profile")
    check_prompt(settings.profile, f"{field}.profile")
    for set_field, value in settings.ListFields():
        if set_field.name in NUMBERS:
            checks.number(value, *NUMBERS[set_field.name], f"{field}.{set_field.name}")
        elif set_field.name in _PROMPTS:
            check_prompt(value, f"{field}.{set_field.name}")
    check_vetoes(settings.veto, f"{field}.veto")


def check_upscale(width: int, height: int, views: int, field: str) -> None:
    """Return if pictures of this size may be made twice as large; 0 stands for the server's default.

    Args:
        width: Pixels of a picture as it is asked for.
        height: Likewise.
        views: How many there are.
        field: Path of the field that asks for it.

    Raises:
        BadField: They would be larger than pictures may be.
    """
    width, height = width or DEFAULT_WIDTH_PX, height or DEFAULT_HEIGHT_PX
    if width > MAX_UPSCALED_WIDTH_PX or height > MAX_UPSCALED_HEIGHT_PX:
        raise BadField(
            f"pictures of {width} x {height} cannot be made twice as large, at most {MAX_UPSCALED_WIDTH_PX} x "
            f"{MAX_UPSCALED_HEIGHT_PX} can; ask for a smaller size, or without upscale",
            field=field,
        )
    check_area(2 * width, 2 * height, views, field)
