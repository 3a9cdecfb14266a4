"""The client's sessions against the real service with a toy that takes prompts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fashquick_client import Box, Client, Point
from fashquick_common import errors
from fashquick_common.server.runtime import Server
from fashquick_common.server.settings import ServerSettings
from fashquick_segmentation.servicer import segmentation_service
from tests.contract.test_prompts import ToyPromptable
from tests.support.photos import plain_photo, png
from tests.support.servers import running
from tests.support.toys import ToySegmenter
from tests.support.waiting import eventually

PHOTO = png(plain_photo())


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    settings = ServerSettings(port=0, admin_port=0, drain_s=1.0, upload_idle_s=1.0)
    toys = ToySegmenter(), ToyPromptable()
    async with running(settings, lambda kit: segmentation_service(kit, *toys, prompt_idle_s=0.5)) as started:
        yield started


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    async with Client(segmentation=f"127.0.0.1:{server.port}") as connected:
        yield connected


def calls(server: Server, status: str, reason: str) -> float:
    labels = {"method": "/fashquick.segmentation.v1.SegmentationService/Segment", "status": status, "reason": reason}
    return server.kit.metrics.registry.get_sample_value("fashquick_calls_total", labels) or 0.0


async def test_further_questions_go_to_the_same_call_which_ends_well(client: Client, server: Server) -> None:
    async with client.segmenting(PHOTO, foreground=True, max_candidates=1) as session:
        first = await session.ask(points=[Point(50, 60)])
        second = await session.ask(box=Box(10, 20, 110, 220))

    assert first.mask.array()[60, 50] == 255
    assert second.mask.array().sum() == 255 * 100 * 200
    assert second.backend == "sam2"
    assert second.foreground is not None
    assert second.foreground.array().shape == (240, 200, 3)
    assert len(second.candidates) == 1
    await eventually(lambda: calls(server, "OK", "") == 1)
    assert server.kit.budget.taken == 0


async def test_a_question_that_makes_no_sense_ends_the_call_and_frees_its_bytes(client: Client, server: Server) -> None:
    async with client.segmenting(PHOTO) as session:
        await session.ask(points=[Point(50, 60)])
        assert server.kit.budget.taken == len(PHOTO)
        with pytest.raises(errors.NotAnImage):
            await session.ask(coarse_mask=b"no picture " * 10)
        with pytest.raises(errors.Cancelled):
            await session.ask(points=[Point(50, 60)])
    await eventually(lambda: server.kit.budget.taken == 0)


async def test_whoever_thinks_too_long_is_told_at_the_next_question(client: Client, server: Server) -> None:
    async with client.segmenting(PHOTO) as session:
        await session.ask(points=[Point(50, 60)])
        await eventually(lambda: server.kit.active == 0)
        with pytest.raises(errors.UploadStalled, match=r"0\.5 s"):
            await session.ask(points=[Point(50, 60)])


async def test_a_backend_without_prompts_says_so(client: Client) -> None:
    with pytest.raises(errors.NotBuilt, match="no prompts"):
        await client.segment(PHOTO, points=[Point(50, 60)], backend="embedded")


async def test_one_question_with_the_photo(client: Client) -> None:
    found = await client.segment(PHOTO, points=[Point(50, 60), Point(150, 200, on_garment=False)])

    assert found.mask.array()[60, 50] == 255
