"""Pictures straight from a generator."""

from __future__ import annotations

from fashquick_generation.engine import GenerationJob, Generator, Picture, generated


def pictured(generator: Generator, job: GenerationJob) -> Picture:
    """The picture of a job's only view."""
    (picture,) = generated(generator, job).pictures
    return picture
