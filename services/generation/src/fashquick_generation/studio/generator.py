"""The studio: photos of garments, worn by a figure, without any network's weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256

from fashquick_common.cancel import CancelFlag
from fashquick_generation.engine import Event, GenerationJob
from fashquick_generation.studio import checks
from fashquick_generation.studio.drape import dressing
from fashquick_generation.studio.figure import baked
from fashquick_generation.studio.sample import sample_job
from fashquick_generation.studio.session import Session

VERSION = "studio-3"
"""Counts up when the same job would give other bytes."""


class StudioGenerator:
    """Dresses a baked body by cloth simulation and photographs it in a virtual studio."""

    name = "studio"

    def __init__(self, effort: dressing.Effort | None = None) -> None:
        """Make a generator; it holds no state between jobs.

        Args:
            effort: How fine and long to simulate; by default as long as it takes to look right.
        """
        self._effort = effort or dressing.Effort()

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of the baked data, the backend's version and its settings."""
        return sha256(f"{VERSION} {baked.digest()} {self._effort}".encode()).hexdigest()

    def warm_up(self) -> None:
        """Load the figure and compile or load all kernels, by making a small picture of a drawn T-shirt."""
        quick = StudioGenerator(dressing.Effort(grid_m=0.03, sew=2, fall=2, move=2, settle=2, substeps=8))
        quick.generate(sample_job(), lambda _: None, CancelFlag())

    def generate(self, job: GenerationJob, hear: Callable[[Event], None], cancel: CancelFlag) -> Mapping[str, float]:
        """Make a picture of each view; see `Generator.generate`."""
        checks.check(job)
        return Session(job, self._effort, hear, cancel).run()
