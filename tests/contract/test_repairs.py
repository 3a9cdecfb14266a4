"""Repairs over real gRPC with toy engines: what comes back, and which requests are refused."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest

from fashquick.generation.v1 import generation_pb2 as pb
from fashquick.generation.v1 import scene_pb2
from fashquick.generation.v1.diffusion_pb2 import REGION_KIND_REPAIR, RegionPrompt, RegionRecord
from fashquick_common import errors
from fashquick_common.rpc.blobs import make_blob
from fashquick_common.server.pictures import bits1_blob, gray8_blob, rgb8_blob
from fashquick_generation.engine import MapKind
from tests.support.calls import GENERATE
from tests.support.photos import png
from tests.support.repairs import (
    HEIGHT,
    WIDTH,
    parts_of,
    pixels_of,
    region,
    repair_blobs,
    repair_messages,
    result_of,
    views_of,
)
from tests.support.servers import Stack, toy_stack
from tests.support.toys import GARMENT_RGB, LOST_RGB, toy_record
from tests.support.waiting import eventually


@pytest.fixture
async def diffusing() -> AsyncIterator[Stack]:
    async with toy_stack(has_diffusion=True) as running:
        yield running


async def repaired(stack: Stack, messages: list[Any]) -> list[Any]:
    return await GENERATE.collect(stack.channels["generation"], messages)


@pytest.mark.parametrize(
    "mask",
    [
        gray8_blob("region", region()),
        bits1_blob("region", region() > 0),
        make_blob("region", png(region())),
    ],
    ids=["GRAY8", "BITS1", "a file"],
)
async def test_a_region_is_made_again_and_all_else_stays(diffusing: Stack, mask: Any) -> None:
    answers = await repaired(diffusing, repair_messages(repair_blobs(region=mask), seed=9))

    [view] = views_of(answers)
    assert (view.view, view.backend, result_of(answers).seed) == (0, "diffusion", 9)
    picture = pixels_of(parts_of(answers)["view/0/picture"])
    inside = region() > 0
    assert (picture[inside] == GARMENT_RGB).all()
    assert (picture[~inside] == LOST_RGB).all()
    assert view.diffusion.regions[-1] == RegionRecord(kind=REGION_KIND_REPAIR, seed=9)
    [job] = diffusing.diffusion.repairs
    assert (job.region == region()).all()
    assert set(job.maps) == {MapKind.BASE, MapKind.DEPTH, MapKind.POSE, MapKind.GARMENT_MASK}
    assert job.prior == toy_record(5), "the record comes back as it was told"
    assert any(answer.HasField("progress") for answer in answers)
    assert "preview/0" in parts_of(answers)


async def test_a_repair_without_previews_sends_none(diffusing: Stack) -> None:
    def quiet(header: pb.GenerateHeader) -> None:
        header.diffusion.without_previews = True

    answers = await repaired(diffusing, repair_messages(repair_blobs(), quiet))

    assert list(parts_of(answers)) == ["view/0/picture"]


async def test_a_repair_can_be_checked_and_made_alone_as_its_picture_was(diffusing: Stack) -> None:
    def careful(header: pb.GenerateHeader) -> None:
        header.diffusion.safety_check = header.diffusion.deterministic = True

    await repaired(diffusing, repair_messages(repair_blobs(), careful))
    await repaired(diffusing, repair_messages(repair_blobs()))

    asked, plain = diffusing.diffusion.repairs
    assert (asked.safety, asked.deterministic) == (True, True)
    assert (plain.safety, plain.deterministic) == (False, False)


def _prior(**fields: Any) -> Callable[[pb.GenerateHeader], object]:
    def change(header: pb.GenerateHeader) -> None:
        for name, value in fields.items():
            if isinstance(value, list):
                getattr(header.repair.prior, name).extend(value)
            else:
                setattr(header.repair.prior, name, value)

    return change


FROM_THE_HEADER: dict[str, tuple[Callable[[pb.GenerateHeader], object], str]] = {
    "no prior": (lambda header: header.repair.ClearField("prior"), "repair.prior"),
    "no steps": (_prior(steps=0), "repair.prior.steps"),
    "a billion steps": (_prior(steps=10**9), "repair.prior.steps"),
    "a strength that is no number": (_prior(strength=math.nan), "repair.prior.strength"),
    "a guidance of infinity": (_prior(guidance=math.inf), "repair.prior.guidance"),
    "a negative control": (_prior(control=-1.0), "repair.prior.control"),
    "a batch of 2^32 - 1": (_prior(batch_size=2**32 - 1), "repair.prior.batch_size"),
    "a prompt of 100 KB": (_prior(prompt="a " * 50_000), "repair.prior.prompt"),
    "a negative prompt of 100 KB": (_prior(negative_prompt="a " * 50_000), "repair.prior.negative_prompt"),
    "a prompt with control characters": (_prior(prompt="a\0b"), "repair.prior.prompt"),
    "a region's prompt of 100 KB": (
        _prior(region_prompts=[RegionPrompt(kind=2, prompt="a " * 50_000)]),
        "repair.prior.region_prompts.prompt",
    ),
    "a profile that is a path with a line break": (_prior(profile="../../x\n"), "repair.prior.profile"),
    "a profile of 100 KB": (_prior(profile="p" * 100_000), "repair.prior.profile"),
    "a hundred thousand regions": (_prior(regions=[RegionRecord()] * 100_000), "repair.prior.regions"),
    "a note of 100 KB": (_prior(regions=[RegionRecord(note="n" * 100_000)]), "repair.prior.regions.note"),
    "no conditions": (lambda header: header.repair.ClearField("conditions"), "repair.conditions"),
    "no depth": (lambda header: header.repair.conditions.pop(1), "repair.conditions"),
    "two bases": (lambda header: header.repair.conditions.append(header.repair.conditions[0]), "repair.conditions"),
    "another map": (
        lambda header: header.repair.conditions.append(pb.Output(kind=scene_pb2.OUTPUT_KIND_NORMAL, part="pose")),
        "repair.conditions",
    ),
    "a thousand steps of settings": (lambda header: setattr(header.diffusion, "steps", 1000), "diffusion.steps"),
}


@pytest.mark.parametrize("case", FROM_THE_HEADER)
async def test_a_repair_beyond_the_limits_is_refused_from_the_header(diffusing: Stack, case: str) -> None:
    change, field = FROM_THE_HEADER[case]
    [header, *_] = repair_messages(repair_blobs(), change)

    error = await GENERATE.failure(diffusing.channels["generation"], [header])

    assert type(error) is errors.BadField, error.message
    assert error.field == field
    assert len(error.message) < 300


EMPTY = np.zeros((HEIGHT, WIDTH), np.uint8)
PARTS: dict[str, tuple[dict[str, Any], type[errors.FashquickError], str]] = {
    "an empty region": ({"region": gray8_blob("region", EMPTY)}, errors.BadMask, "repair.region_part"),
    "a region of everything": ({"region": gray8_blob("region", EMPTY + 255)}, errors.BadMask, "repair.region_part"),
    "a region of another size": ({"region": gray8_blob("region", EMPTY[1:])}, errors.BadMask, "repair.region_part"),
    "no region": ({"region": None}, errors.BadField, "repair.region_part"),
    "no picture": ({"picture": None}, errors.BadField, "repair.picture_part"),
    "a picture as a file": (
        {"picture": make_blob("picture", png(np.zeros((HEIGHT, WIDTH, 3), np.uint8)))},
        errors.BadField,
        "repair.picture_part",
    ),
    "a picture of 255 pixels": (
        {"picture": rgb8_blob("picture", np.zeros((HEIGHT, 255, 3), np.uint8))},
        errors.BadField,
        "repair.picture_part.width",
    ),
    "a depth that was not sent": ({"depth": None}, errors.BadField, "repair.conditions.part"),
    "a depth in colours": (
        {"depth": rgb8_blob("depth", np.zeros((HEIGHT, WIDTH, 3), np.uint8))},
        errors.BadField,
        "repair.conditions",
    ),
    "a base of another size": (
        {"base": rgb8_blob("base", np.zeros((HEIGHT, WIDTH + 1, 3), np.uint8))},
        errors.BadField,
        "repair.conditions",
    ),
    "an empty garment mask": ({"garment-mask": gray8_blob("garment-mask", EMPTY)}, errors.BadMask, "repair.conditions"),
}


@pytest.mark.parametrize("case", PARTS)
async def test_parts_that_are_no_picture_with_its_maps_are_refused(diffusing: Stack, case: str) -> None:
    replaced, expected, field = PARTS[case]

    error = await GENERATE.failure(diffusing.channels["generation"], repair_messages(repair_blobs(**replaced)))

    assert type(error) is expected, error.message
    assert error.field == field
    assert not diffusing.diffusion.repairs


async def test_a_server_that_repairs_nothing_says_so(stack: Stack, diffusing: Stack) -> None:
    def by(backend: int) -> Any:
        return repair_messages(repair_blobs(), lambda header: setattr(header, "backend", backend))[:1]

    channel = stack.channels["generation"]
    assert isinstance(await GENERATE.failure(channel, by(scene_pb2.BACKEND_UNSPECIFIED)), errors.NotBuilt)
    assert isinstance(await GENERATE.failure(channel, by(scene_pb2.BACKEND_STUDIO)), errors.NotBuilt)
    assert isinstance(await GENERATE.failure(channel, by(scene_pb2.BACKEND_DIFFUSION)), errors.ModelNotInstalled)
    channel = diffusing.channels["generation"]
    assert isinstance(await GENERATE.failure(channel, by(scene_pb2.BACKEND_STUDIO)), errors.NotBuilt)


async def test_a_repair_that_is_cancelled_stops(diffusing: Stack) -> None:
    pace = diffusing.diffusion.pace
    pace.steps = 100_000
    call = asyncio.create_task(repaired(diffusing, repair_messages(repair_blobs())))
    await eventually(pace.running.is_set)

    call.cancel()

    await eventually(lambda: not pace.running.is_set())
    pace.steps = 1
    assert await repaired(diffusing, repair_messages(repair_blobs()))


async def test_repairs_of_one_size_are_made_together() -> None:
    async with toy_stack(has_diffusion=True, batch_size=4, batch_window_s=1.0) as stack:
        calls = [repaired(stack, repair_messages(repair_blobs(), seed=seed)) for seed in range(4)]
        answers = await asyncio.gather(*calls)

        assert stack.diffusion.batches == [4]
        assert [result_of(answer).seed for answer in answers] == [0, 1, 2, 3]
        assert [views_of(answer)[0].diffusion.regions[-1].seed for answer in answers] == [0, 1, 2, 3]
