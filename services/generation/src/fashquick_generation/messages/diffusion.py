"""Settings of the diffusion backend to wishes, and the record of how a picture was made, to messages and back."""

from __future__ import annotations

from fashquick.generation.v1 import diffusion_pb2, scene_pb2
from fashquick_common.diffusion_limits import (
    MAX_CONTROL,
    MAX_GUIDANCE,
    MAX_PROFILE_CHARS,
    MAX_RECORDED_BYTES,
    MAX_STEPS,
    MIN_GUIDANCE,
    MIN_STEPS,
    check_prompt,
)
from fashquick_common.garment_codec import checks
from fashquick_generation.wishes import DiffusionRecord, DiffusionWishes, PromptWishes, RegionKind, RegionRecord

_MAX_REGIONS = 64  # Four, and each repair since.
_MAX_BATCH = 1024
_KINDS = checks.WireEnum(RegionKind, diffusion_pb2.RegionKind)


def wishes_of(settings: scene_pb2.DiffusionSettings) -> DiffusionWishes:
    """Return the wishes of checked settings."""

    def said(name: str) -> float | None:
        return getattr(settings, name) if name in given else None

    given = {field.name for field, _ in settings.ListFields()}
    return DiffusionWishes(
        profile=settings.profile,
        steps=settings.steps if "steps" in given else None,
        strength=said("strength"),
        guidance=said("guidance"),
        control=said("control"),
        prompt=PromptWishes(
            add=settings.extra_prompt,
            add_negative=settings.extra_negative_prompt,
            replace=settings.prompt,
            replace_negative=settings.negative_prompt,
            veto=tuple(settings.veto),
        ),
        deterministic=settings.deterministic,
        previews=not settings.without_previews,
        safety=settings.safety_check,
        colour_guidance=settings.colour_guidance,
        upscale=settings.upscale,
    )


def record_to_proto(record: DiffusionRecord) -> diffusion_pb2.DiffusionRecord:
    """Return the wire form of how a picture was made."""
    return diffusion_pb2.DiffusionRecord(
        profile=record.profile,
        weights=record.weights,
        prompt=record.prompt,
        negative_prompt=record.negative_prompt,
        region_prompts=[
            diffusion_pb2.RegionPrompt(kind=_KINDS.number(kind), prompt=prompt)
            for kind, prompt in record.region_prompts.items()
        ],
        seed=record.seed,
        steps=record.steps,
        strength=record.strength,
        guidance=record.guidance,
        control=record.control,
        scheduler=record.scheduler,
        plan=record.plan,
        batch_size=record.batch_size,
        device=record.device,
        precision=record.precision,
        regions=[
            diffusion_pb2.RegionRecord(kind=_KINDS.number(region.kind), seed=region.seed, note=region.note)
            for region in record.regions
        ],
    )


def record_from_proto(message: diffusion_pb2.DiffusionRecord, field: str) -> DiffusionRecord:
    """Return how a picture was made; regions that are not known here are left out.

    Args:
        message: As a caller returns it.
        field: Path of the field that has it.

    Raises:
        BadField: A number is outside its limits, a text too long or with control characters, or there are too many
            regions.
    """
    checks.text(message.profile, MAX_PROFILE_CHARS, f"{field}.profile")
    for name in ("profile", "weights", "prompt", "negative_prompt", "scheduler", "plan", "device", "precision"):
        check_prompt(getattr(message, name), f"{field}.{name}", MAX_RECORDED_BYTES)
    checks.count(message.regions, _MAX_REGIONS, f"{field}.regions")
    checks.count(message.region_prompts, _MAX_REGIONS, f"{field}.region_prompts")
    for region in message.regions:
        check_prompt(region.note, f"{field}.regions.note", MAX_RECORDED_BYTES)
    for each in message.region_prompts:
        check_prompt(each.prompt, f"{field}.region_prompts.prompt", MAX_RECORDED_BYTES)
    known = [(_KINDS.value(each.kind), each.prompt) for each in message.region_prompts]
    return DiffusionRecord(
        profile=message.profile,
        weights=message.weights,
        prompt=message.prompt,
        negative_prompt=message.negative_prompt,
        region_prompts={kind: prompt for kind, prompt in known if kind is not None},
        seed=message.seed,
        steps=int(checks.number(message.steps, MIN_STEPS, MAX_STEPS, f"{field}.steps")),
        strength=checks.number(message.strength, 0.0, 1.0, f"{field}.strength"),
        guidance=checks.number(message.guidance, MIN_GUIDANCE, MAX_GUIDANCE, f"{field}.guidance"),
        control=checks.number(message.control, 0.0, MAX_CONTROL, f"{field}.control"),
        scheduler=message.scheduler,
        plan=message.plan,
        batch_size=int(checks.number(message.batch_size, 0, _MAX_BATCH, f"{field}.batch_size")),
        device=message.device,
        precision=message.precision,
        regions=tuple(
            RegionRecord(kind, region.seed if region.HasField("seed") else None, region.note)
            for region in message.regions
            if (kind := _KINDS.value(region.kind)) is not None
        ),
    )
