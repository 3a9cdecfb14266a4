"""The diffusion backend: the studio's pictures made photographs of people, the garments kept."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from hashlib import sha256

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import FashquickError
from fashquick_generation.diffusion import checks
from fashquick_generation.diffusion.denoising.embeddings import PromptEncoder
from fashquick_generation.diffusion.session import Session
from fashquick_generation.diffusion.stages.repair import repaired
from fashquick_generation.diffusion.weights.networks import Networks
from fashquick_generation.diffusion.weights.registry import DiffusionRegistry
from fashquick_generation.engine import Event, GenerationJob, Generator, Outcome, RepairJob, Task

VERSION = "diffusion-1"
"""Counts up when the same job would give other pictures on the same plan and device."""


class DiffusionGenerator:
    """Stable Diffusion with ControlNets on the studio's pictures; see `CollectiveGenerator`.

    Attributes:
        digest: SHA-256, in hex, of the default profile's weights at the start, the studio's digest and the backend's
            version. What made a picture stands in its record.
    """

    name = "diffusion"

    def __init__(self, registry: DiffusionRegistry, studio: Generator) -> None:
        """Make it; no weights are read yet.

        Args:
            registry: Lends the networks.
            studio: Makes the pictures that diffusion starts from.

        Raises:
            ModelNotInstalled: The default profile's weights are not installed.
        """
        self._registry = registry
        self._studio = studio
        self._encoder = PromptEncoder()
        weights = registry.digest(registry.default)
        self.digest = sha256(f"{VERSION} {weights} {studio.digest}".encode()).hexdigest()

    def warm_up(self) -> None:
        """Warm the studio up and load the default profile."""
        self._studio.warm_up()
        with self._registry.use(self._registry.default):
            pass

    def generate(self, job: GenerationJob, hear: Callable[[Event], None], cancel: CancelFlag) -> Mapping[str, float]:
        """Make a picture of each view; see `Generator.generate`."""
        return self._done(Task(job, hear, cancel))

    def repair(self, job: RepairJob, hear: Callable[[Event], None], cancel: CancelFlag) -> Mapping[str, float]:
        """Make a region of a picture again; see `CollectiveGenerator.repair`."""
        return self._done(Task(job, hear, cancel))

    def together(self, job: GenerationJob | RepairJob) -> Hashable | None:
        """Kind of job, profile, size and steps; None for a deterministic one. See `CollectiveGenerator.together`."""
        alone = job.deterministic if isinstance(job, RepairJob) else job.diffusion.deterministic
        if alone:
            return None
        profile = _profile_of(job) or self._registry.default
        if isinstance(job, RepairJob):
            return "repair", profile, job.picture.shape, job.prior.steps
        return "create", profile, job.width, job.height, job.diffusion.steps

    def work_on(self, tasks: Sequence[Task], cancel: CancelFlag) -> Sequence[Outcome]:
        """Do the jobs of several calls side by side; see `CollectiveGenerator.work_on`."""
        return self._worked(tasks, cancel, alone=False)

    def _done(self, task: Task) -> Mapping[str, float]:
        [outcome] = self._worked([task], task.cancel, alone=self.together(task.job) is None)
        if isinstance(outcome, FashquickError):
            raise outcome
        return outcome

    def _worked(self, tasks: Sequence[Task], cancel: CancelFlag, *, alone: bool) -> list[Outcome]:
        """Do jobs of one profile, new pictures or repairs; those that cannot be done are refused each for itself."""
        outcomes: dict[int, Outcome] = {}
        good: list[int] = []
        for number, task in enumerate(tasks):
            try:
                checks.check(task.job)
                good.append(number)
            except FashquickError as error:
                outcomes[number] = error
        if good:
            chosen = [tasks[number] for number in good]
            with self._registry.use(_profile_of(chosen[0].job) or self._registry.default, cancel) as networks:
                outcomes.update(zip(good, self._computed(networks, chosen, alone=alone), strict=True))
        return [outcomes[number] for number in range(len(tasks))]

    def _computed(self, networks: Networks, tasks: Sequence[Task], *, alone: bool) -> list[Outcome]:
        repairs = [(task, task.job) for task in tasks if isinstance(task.job, RepairJob)]
        if repairs:
            return repaired(networks, self._encoder, repairs, alone=alone)
        created = [(task, task.job) for task in tasks if isinstance(task.job, GenerationJob)]
        return Session(networks, self._encoder, self._studio, alone=alone).run(created)


def _profile_of(job: GenerationJob | RepairJob) -> str:
    return job.prior.profile if isinstance(job, RepairJob) else job.diffusion.profile
