from __future__ import annotations

from dataclasses import replace

import pytest

from fashquick_generation.engine import GenerationJob, MapKind, Picture, View
from fashquick_generation.studio import StudioGenerator
from fashquick_generation.studio.drape.dressing import Effort
from fashquick_generation.studio.sample import sample_garment
from tests.support.studio import pictured

GARMENT_MAPS = frozenset({MapKind.GARMENT_MASK, MapKind.GARMENT_UV})
QUICK = Effort(grid_m=0.026, sew=8, fall=10, move=12, settle=8, substeps=8)


@pytest.fixture(scope="session")
def generator() -> StudioGenerator:
    return StudioGenerator(QUICK)


@pytest.fixture(scope="session")
def job() -> GenerationJob:
    return GenerationJob((sample_garment((180, 40, 50)),), width=256, height=384, seed=5)


@pytest.fixture(scope="session")
def picture(generator: StudioGenerator, job: GenerationJob) -> Picture:
    return pictured(generator, replace(job, maps=frozenset(MapKind)))


@pytest.fixture(scope="session")
def from_behind(generator: StudioGenerator, job: GenerationJob) -> Picture:
    return pictured(generator, replace(job, views=(View(yaw_degrees=180.0),), maps=GARMENT_MAPS))


@pytest.fixture(scope="session")
def printed_job(job: GenerationJob) -> GenerationJob:
    """A blue T-shirt with a yellow print that reaches farther to the wearer's right."""
    plain = sample_garment((60, 90, 160))
    photo = plain.photo.copy()
    photo[190:260, 150:230] = (250, 220, 40)
    return replace(job, garments=(replace(plain, photo=photo),), maps=GARMENT_MAPS)


@pytest.fixture(scope="session")
def printed(generator: StudioGenerator, printed_job: GenerationJob) -> Picture:
    return pictured(generator, printed_job)
