"""Pictures by diffusion through real server processes, on a small set of random weights from a model store."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from PIL import Image

from fashquick.common.v1 import server_info_pb2, server_info_pb2_grpc
from fashquick_client import Client, Diffusion, Event, OutputKind, Preview, Progress, Stage, TryOnResult
from fashquick_common import errors
from fashquick_common.image import read_digital_source_type
from fashquick_common.rpc.channel import open_channel
from scripts.small_diffusion import PROFILES_FILE
from tests.support.processes import ServerProcess, server_process

pytestmark = pytest.mark.asyncio(loop_scope="session")

PHOTO = "striped-emblem.jpg"
SIZE = (256, 384)

Servers = dict[str, ServerProcess]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stack(servers: Servers, small_set: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    """The servers of all tests, but a generation with diffusion, and an orchestrator that knows it."""
    folder = tmp_path_factory.mktemp("diffusion")
    settings = {
        "FASHQUICK_MODELS": str(small_set),
        "FASHQUICK_DIFFUSION_PROFILES": str(small_set / PROFILES_FILE),
        "FASHQUICK_DIFFUSION_PROFILE": "small",
        "FASHQUICK_DIFFUSION_DEVICE": "cpu",
        "FASHQUICK_BATCH_SIZE": "4",
        "FASHQUICK_BATCH_WINDOW_S": "1",
    }
    async with server_process("generation", folder, settings) as generation:
        targets = {f"FASHQUICK_{name.upper()}_TARGET": servers[name].target for name in ("segmentation", "features")}
        targets["FASHQUICK_GENERATION_TARGET"] = generation.target
        async with server_process("orchestrator", folder, targets) as orchestrator:
            yield {"generation": generation, "orchestrator": orchestrator}


async def made(stack: Servers, photo: Path, events: list[Event] | None = None, **options: object) -> TryOnResult:
    async with Client(stack["orchestrator"].target) as client:
        return await client.try_on_result(
            photo,
            on_event=(events if events is not None else []).append,
            backend="diffusion",
            size=SIZE,
            **{"diffusion": Diffusion(steps=8), "seed": 3, "max_repairs": 0} | options,  # type: ignore[arg-type]
        )


async def test_a_picture_comes_with_progress_previews_and_the_record_of_its_making(
    stack: Servers, samples: Path
) -> None:
    events: list[Event] = []
    result = await made(stack, samples / PHOTO, events, outputs=[OutputKind.BASE, OutputKind.GARMENT_MASK])

    steps = [event.step for event in events if isinstance(event, Progress) and event.stage is Stage.GENERATION]
    assert {"studio", "initial"} <= set(steps)
    assert any(isinstance(event, Preview) for event in events)
    picture = np.array(Image.open(io.BytesIO(result.picture)).convert("RGB"))
    assert picture.shape == (*reversed(SIZE), 3)
    assert str(read_digital_source_type(result.picture)).endswith("compositeWithTrainedAlgorithmicMedia")
    base = result.maps[OutputKind.BASE].array().astype(int)
    garment = result.maps[OutputKind.GARMENT_MASK].array()
    # Random weights draw noise where no garment is; the garment keeps its colours.
    assert np.abs(picture - base)[garment == 0].mean() > 3
    inside = garment == 255
    assert np.abs(picture[inside].mean(axis=0) - base[inside].mean(axis=0)).max() < 6
    [view] = result.views
    assert view.making is not None
    assert (view.making.profile, view.making.device, view.making.steps) == ("small", "cpu", 8)
    assert "striped" in view.making.prompt or "stripes" in view.making.prompt
    assert {region.kind for region in view.making.regions} >= {"garment", "face"}
    assert view.repairs == ()
    assert view.fidelity[0].grade is not None


async def test_a_caller_who_leaves_stops_the_networks(stack: Servers, samples: Path) -> None:
    # That the server works on is seen by the tests after this one.
    async def steps() -> int:
        stub = server_info_pb2_grpc.ServerInfoServiceStub(channel)
        return int((await stub.GetServerInfo(server_info_pb2.GetServerInfoRequest())).compute_steps)

    async with open_channel(stack["generation"].target) as channel, Client(stack["orchestrator"].target) as client:
        call = client.try_on(
            samples / PHOTO, backend="diffusion", size=SIZE, diffusion=Diffusion(steps=100, strength=1.0)
        )
        async with aclosing(call) as events:
            async for event in events:
                if isinstance(event, Progress) and event.step == "initial":
                    break
        before = -1
        async with asyncio.timeout(20):
            while before != (before := await steps()):
                await asyncio.sleep(0.5)


async def test_a_garment_below_the_floor_is_made_again_and_the_answer_says_so(stack: Servers, samples: Path) -> None:
    result = await made(stack, samples / PHOTO, max_repairs=2, fidelity_floor=1.0)

    [view] = result.views
    [repair] = view.repairs
    assert len(repair.attempts) == 2
    assert len({attempt.seed for attempt in repair.attempts}) == 2
    assert all(not attempt.failure for attempt in repair.attempts)
    assert repair.overall_after >= repair.overall_before
    assert view.fidelity[0].overall == pytest.approx(repair.overall_after)


async def test_two_calls_are_denoised_together(stack: Servers, samples: Path) -> None:
    first, second = await asyncio.gather(*(made(stack, samples / PHOTO, seed=seed) for seed in (5, 6)))
    pictures = [result.views[0].making for result in (first, second)]
    assert [making.batch_size >= 2 for making in pictures if making is not None] == [True, True]
    assert first.picture != second.picture


async def test_an_unknown_profile_is_told_with_those_that_there_are(stack: Servers, samples: Path) -> None:
    with pytest.raises(errors.NotFound, match="small"):
        await made(stack, samples / PHOTO, diffusion=Diffusion(profile="sd99"))
