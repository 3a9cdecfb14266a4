"""Stage 6, check and repair: a region of a picture again, with other noise.

The orchestrator checks, because the features service scores; what it finds failing comes here with the maps that the
picture was returned with, so that nothing is simulated again and any replica can do it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from fashquick_generation.clock import Clock
from fashquick_generation.diffusion import regions, safety
from fashquick_generation.diffusion.choices import PREVIEW_EVERY, Choices
from fashquick_generation.diffusion.denoising.embeddings import PromptEncoder
from fashquick_generation.diffusion.regions import Region
from fashquick_generation.diffusion.stages import enhancement, inpainting
from fashquick_generation.diffusion.stages.conditions import Conditions, conditions_of_maps
from fashquick_generation.diffusion.stages.prompts import prompts_again
from fashquick_generation.diffusion.weights.memory import peaks
from fashquick_generation.diffusion.weights.networks import Networks
from fashquick_generation.diffusion.works import FINISHING_WORK, Batch, Work
from fashquick_generation.engine import Outcome, Picture, RepairJob, Task, UInt8Array
from fashquick_generation.wishes import RegionKind, RegionRecord


def repaired(
    networks: Networks, encoder: PromptEncoder, tasks: Sequence[tuple[Task, RepairJob]], *, alone: bool
) -> list[Outcome]:
    """Make regions of pictures again; each picture is heard as view 0.

    Args:
        networks: Of the profile that made all of them.
        encoder: Encodes prompts.
        tasks: The calls and their jobs.
        alone: Whether each row is computed by itself.

    Returns:
        What became of each.
    """
    profile = networks.profile
    batch = Batch(networks, "repair", alone=alone)
    works = [_begun(task, job, networks) for task, job in tasks]
    for work in works:
        with work.failing():
            job = work.job
            if job.safety:
                safety.require_checker(networks)
            conditions = conditions_of_maps(job.maps)
            region = regions.region_of_mask(job.region, conditions.size, profile.working_pixels)
            spot = inpainting.Spot(
                picture=job.picture,
                region=region,
                conditions=conditions,
                prompt=encoder.encode(*prompts_again(job.prior), networks).embedding,
                seed=job.seed,
                cancel=work.task.cancel,
                on_step=batch.hearing(work),
            )
            row = inpainting.row_of(spot, profile, work.choices)
            batch.add(work, row, partial(_finish, networks, work, conditions, region))
    batch.run()
    return [work.outcome for work in works]


def _begun(task: Task, job: RepairJob, networks: Networks) -> Work[RepairJob]:
    prior = job.prior
    choices = Choices(
        steps=prior.steps,
        strength=prior.strength,
        guidance=prior.guidance,
        control=prior.control,
        preview_every=PREVIEW_EVERY if job.previews else 0,
    )
    steps = choices.steps_at(inpainting.strength_of(RegionKind.REPAIR, networks.profile))
    return Work(task, job, choices, Clock(steps + FINISHING_WORK, task.hear))


def _finish(
    networks: Networks, work: Work[RepairJob], conditions: Conditions, region: Region, made: UInt8Array
) -> None:
    job = work.job
    with work.clock.timed("enhancement", FINISHING_WORK):
        pasted = regions.pasted(job.picture, made, region)
        share = region.mask[..., None].astype(np.float32) / 255
        changed = enhancement.enhanced(pasted, conditions, work.task.cancel).astype(np.float32) - job.picture
        picture = np.clip(np.rint(job.picture + share * changed), 0, 255).astype(np.uint8)
        if job.safety:
            safety.check_safety(picture, networks)
    others = "" if networks.digest == job.prior.weights else f"by other weights: {networks.digest}"
    making = replace(
        job.prior,
        batch_size=max(work.together, job.prior.batch_size),
        precision=work.precision,
        plan=networks.plan.name,
        device=str(networks.device),
        regions=(*job.prior.regions, RegionRecord(RegionKind.REPAIR, job.seed, others)),
    )
    work.task.hear(Picture(0, picture, {}, peaks(networks.device), making=making))
