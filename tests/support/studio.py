"""Pictures straight from a generator."""

from __future__ import annotations

from fashquick_generation.engine import GenerationJob, Generator, Picture, generated
from fashquick_generation.studio.figure.measures import Measures

SMALL = Measures(
    chest_girth_m=0.90,
    waist_girth_m=0.68,
    hip_girth_m=0.90,
    neck_girth_m=0.32,
    thigh_girth_m=0.54,
    knee_girth_m=0.37,
    ankle_girth_m=0.22,
    shoulder_width_m=0.37,
    arm_length_m=0.56,
    back_length_m=0.38,
    shoulder_height_m=1.44,
    waist_height_m=1.12,
    hip_height_m=0.95,
    crotch_height_m=0.84,
    knee_height_m=0.50,
    ankle_height_m=0.12,
)
"""A slim body."""


def pictured(generator: Generator, job: GenerationJob) -> Picture:
    """The picture of a job's only view."""
    (picture,) = generated(generator, job).pictures
    return picture
