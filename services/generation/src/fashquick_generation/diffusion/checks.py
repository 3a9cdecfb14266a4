"""What a job must be before any work begins."""

from __future__ import annotations

import numpy as np

from fashquick_common.diffusion_limits import (
    MAX_RECORDED_BYTES,
    MAX_UPSCALED_HEIGHT_PX,
    MAX_UPSCALED_WIDTH_PX,
    NUMBERS,
    check_prompt,
)
from fashquick_common.errors import BadField
from fashquick_generation.diffusion.stages.conditions import check_size
from fashquick_generation.diffusion.stages.prompts import check_wishes, check_words
from fashquick_generation.engine import GenerationJob, MapKind, RepairJob
from fashquick_generation.wishes import DiffusionRecord, DiffusionWishes


def check(job: GenerationJob | RepairJob) -> None:
    """Refuse a job that cannot be done; what the studio or the conditions refuse is left to them.

    Raises:
        BadField: A size, number or text is outside its limits.
    """
    if isinstance(job, RepairJob):
        _check_repair(job)
    else:
        _check_numbers(job.diffusion)
        check_wishes(job.diffusion.prompt)
        check_size(job.width, job.height)
        if job.diffusion.upscale and (job.width > MAX_UPSCALED_WIDTH_PX or job.height > MAX_UPSCALED_HEIGHT_PX):
            raise BadField(
                f"a picture of {job.width} x {job.height} pixels cannot be made twice as large, one of at most "
                f"{MAX_UPSCALED_WIDTH_PX} x {MAX_UPSCALED_HEIGHT_PX} can; ask for a smaller one, or without upscale",
                field="diffusion.upscale",
            )


def _check_numbers(values: DiffusionWishes | DiffusionRecord) -> None:
    for name, (least, most) in NUMBERS.items():
        value = getattr(values, name, None)
        if value is not None and not least <= value <= most:
            raise BadField(f"{name} is {value}; give {least:g} to {most:g}", field=f"diffusion.{name}")


def _check_repair(job: RepairJob) -> None:
    picture, base = job.picture, job.maps.get(MapKind.BASE)
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise BadField(f"the picture is {picture.shape} {picture.dtype}; give HxWx3 uint8", field="picture")
    if base is not None and base.shape[:2] != picture.shape[:2]:
        raise BadField(
            f"the picture has {picture.shape[1]} x {picture.shape[0]} pixels, its maps {base.shape[1]} x "
            f"{base.shape[0]}; send the maps that came with it",
            field="conditions",
        )
    prior = job.prior
    _check_numbers(prior)
    for text in (prior.prompt, *prior.region_prompts.values()):
        check_prompt(text, "prior.prompt", MAX_RECORDED_BYTES)
        check_words(text, "prior.prompt")
    check_prompt(prior.negative_prompt, "prior.negative_prompt", MAX_RECORDED_BYTES)
