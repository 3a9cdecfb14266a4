"""How diffusion made a picture and what of it was repaired, from their messages."""

from __future__ import annotations

from collections.abc import Iterable

from fashquick.garment.v1 import fidelity_pb2
from fashquick.generation.v1 import diffusion_pb2
from fashquick.tryon.v1 import try_on_pb2
from fashquick_client.results import Making, Region, Repair, RepairAttempt
from fashquick_common.garment import FidelityGrade
from fashquick_common.garment_codec import checks

_GRADES = checks.WireEnum(FidelityGrade, fidelity_pb2.FidelityGrade)
_PREFIX = "REGION_KIND_"


def making_of(record: try_on_pb2.ViewRecord) -> Making | None:
    """Return how diffusion made a view's picture; None from other backends."""
    if not record.HasField("diffusion"):
        return None
    told = record.diffusion
    prompts = {each.kind: each.prompt for each in told.region_prompts}
    return Making(
        profile=told.profile,
        weights=told.weights,
        prompt=told.prompt,
        negative_prompt=told.negative_prompt,
        seed=told.seed,
        steps=told.steps,
        strength=told.strength,
        guidance=told.guidance,
        control=told.control,
        scheduler=told.scheduler,
        plan=told.plan,
        batch_size=told.batch_size,
        device=told.device,
        precision=told.precision,
        regions=tuple(
            Region(
                _kind(region.kind),
                prompts.get(region.kind, ""),
                region.seed if region.HasField("seed") else None,
                region.note,
            )
            for region in told.regions
        ),
    )


def repairs_of(records: Iterable[try_on_pb2.RepairRecord]) -> tuple[Repair, ...]:
    """Return what was repaired."""
    return tuple(
        Repair(
            garment=told.garment,
            grade_before=_GRADES.value(told.grade_before),
            overall_before=told.overall_before,
            grade_after=_GRADES.value(told.grade_after),
            overall_after=told.overall_after,
            attempts=tuple(
                RepairAttempt(each.seed, _GRADES.value(each.grade), each.overall, each.kept, each.failure)
                for each in told.attempts
            ),
        )
        for told in records
    )


def _kind(number: diffusion_pb2.RegionKind.ValueType) -> str:
    if number not in diffusion_pb2.RegionKind.values() or number == diffusion_pb2.REGION_KIND_UNSPECIFIED:
        return "unknown"
    return diffusion_pb2.RegionKind.Name(number).removeprefix(_PREFIX).lower().replace("_", "-")
