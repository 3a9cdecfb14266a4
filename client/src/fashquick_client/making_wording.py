"""How diffusion made a picture, and what was repaired, in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from fashquick_client.results import Making, Repair
from fashquick_client.wording import plain
from fashquick_common.garment import FidelityGrade


def making_lines(making: Making, seed: int) -> Iterator[str]:
    """Yield how a picture was made: profile and settings, then its prompts.

    Args:
        making: How.
        seed: The try-on's, from which those of its passes follow.
    """
    yield (
        f"Made with {plain(making.profile)}: {making.steps} steps, strength {making.strength:g}, guidance "
        f"{making.guidance:g}, control {making.control:g}, seed {seed}; {plain(making.scheduler)}, "
        f"{plain(making.plan)}, {plain(making.device)}, {plain(making.precision)}"
    )
    yield f"Prompt: {plain(making.prompt)}"
    yield f"Avoided: {plain(making.negative_prompt)}"


def repair_line(repair: Repair) -> str:
    """Return what became of a garment that was made again."""
    count = len(repair.attempts)
    tries = "1 attempt" if count == 1 else f"{count} attempts"
    before = _graded(repair.grade_before, repair.overall_before)
    if any(attempt.kept for attempt in repair.attempts):
        return f"was {before}, is {_graded(repair.grade_after, repair.overall_after)} after {tries}"
    failures = [attempt.failure for attempt in repair.attempts if attempt.failure]
    why = f": {plain(failures[-1])}" if failures else ""
    return f"was {before}, and {tries} made it no better{why}"


def _graded(grade: FidelityGrade | None, overall: float) -> str:
    return f"{grade}, {overall:.2f} of 1" if grade is not None else "not measured"
