"""The whole way through four real processes with the real engines."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import time
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from PIL import Image

from fashquick_client import Client, OutputKind, StageFinished
from fashquick_common import errors
from fashquick_common.garment import Category, FidelityMeasure
from fashquick_common.image import read_digital_source_type
from fashquick_common.rpc.channel import open_channel
from fashquick_common.server.pictures import gray8_blob, rgb8_blob
from tests.support.calls import ALL
from tests.support.photos import plain_photo
from tests.support.processes import ServerProcess, server_process
from tests.support.uploads import CASES

pytestmark = pytest.mark.asyncio(loop_scope="session")

SAMPLE = "striped-emblem"
READY_LIMIT_S = 0.1

Servers = dict[str, ServerProcess]


async def test_four_services_are_four_processes(servers: Servers) -> None:
    reported = set()
    for server in servers.values():
        async with Client(server.target) as client:
            info = await client.server_info()
        assert info.service == server.service
        assert info.process_id == server.process.pid
        reported.add(info.process_id)
    assert len(reported) == 4
    assert os.getpid() not in reported


async def test_a_drawn_shirt_is_worn_in_its_own_colours(servers: Servers, samples: Path) -> None:
    truth = json.loads((samples / f"{SAMPLE}.json").read_text())
    async with Client(servers["orchestrator"].target) as client:
        result = await client.try_on_result(
            samples / f"{SAMPLE}.jpg", seed=7, outputs=[OutputKind.GARMENT_MASK, OutputKind.PHOTO_MASK]
        )

    picture = np.array(Image.open(io.BytesIO(result.picture)).convert("RGB"))
    assert picture.shape == (1152, 768, 3)
    assert read_digital_source_type(result.picture)
    worn = picture[result.maps[OutputKind.GARMENT_MASK].array() > 250]
    assert len(worn) > 0.05 * picture[..., 0].size
    # Every colour of the drawn garment is found on the figure, in about its share.
    for colour in truth["palette"]:
        near = np.abs(worn.astype(int) - colour["srgb"]).max(axis=1) < 60
        assert near.mean() > 0.4 * colour["share"], colour


async def test_the_events_tell_what_was_found(servers: Servers, samples: Path) -> None:
    async with Client(servers["orchestrator"].target) as client:
        finished = [
            event
            async for event in client.try_on(samples / "white-wordmark.jpg", seed=1, size=(256, 384))
            if isinstance(event, StageFinished)
        ]

    assert len(finished) == 6
    [report] = [event.fidelity for event in finished if event.fidelity is not None]
    assert report.grade is not None
    counted = {measurement.measure for measurement in report.measurements if measurement.counted}
    assert FidelityMeasure.ORIGINAL_PIXELS in counted  # the studio's UV map has arrived
    [passport] = [event.passport for event in finished if event.passport is not None]
    assert passport.category is Category.T_SHIRT
    assert passport.palette[0].name in {"white", "off-white", "ivory", "cream"}


async def test_the_request_id_is_in_every_servers_log_lines(servers: Servers, samples: Path) -> None:
    async with Client(servers["orchestrator"].target) as client:
        await client.try_on_result(samples / f"{SAMPLE}.jpg", seed=1, size=(256, 384), request_id="job-in-the-logs")

    for service, server in servers.items():
        lines = [json.loads(line) for line in server.log.read_text().splitlines()]
        done = [line for line in lines if line["event"] == "call.done"]
        assert any(line.get("request_id") == "job-in-the-logs" for line in done), service


async def test_the_same_request_gives_the_same_bytes(servers: Servers, samples: Path) -> None:
    async with Client(servers["orchestrator"].target) as client:
        first, second = [
            await client.try_on_result(samples / f"{SAMPLE}.jpg", seed=7, size=(256, 384)) for _ in range(2)
        ]

    assert first.picture == second.picture


async def test_cancel_stops_the_stage_that_computes(servers: Servers, samples: Path) -> None:
    async with Client(servers["orchestrator"].target) as client, Client(servers["generation"].target) as generation:

        async def steps() -> int:
            return int((await generation.server_info()).compute_steps)

        before = await steps()
        call = asyncio.create_task(client.try_on_result(samples / f"{SAMPLE}.jpg", size=(1024, 1536)))
        async with asyncio.timeout(20):
            while await steps() < before + 20:
                await asyncio.sleep(0.01)
        call.cancel()

        async with asyncio.timeout(5):
            while (await generation.server_info()).calls_in_progress:
                await asyncio.sleep(0.02)
        stopped = await steps()
        await asyncio.sleep(0.5)
        assert await steps() == stopped
        assert await client.try_on_result(samples / f"{SAMPLE}.jpg", size=(256, 384))


async def test_readyz_answers_while_a_picture_renders(servers: Servers, samples: Path) -> None:
    url = f"http://127.0.0.1:{servers['generation'].admin_port}/readyz"
    waits: list[float] = []
    async with Client(servers["orchestrator"].target) as client, aiohttp.ClientSession() as session:
        rendering = asyncio.create_task(client.try_on_result(samples / f"{SAMPLE}.jpg", seed=99))
        while not rendering.done():
            started = time.monotonic()
            async with session.get(url) as answer:
                assert answer.status == 200
            waits.append(time.monotonic() - started)
            await asyncio.sleep(0.02)
        await rendering

    assert len(waits) > 20
    # The promise is 100 ms; a machine that others use too may break it now and then, the server never does.
    assert float(np.percentile(waits, 90)) < READY_LIMIT_S


async def test_memory_is_as_before_after_200_hostile_calls(servers: Servers) -> None:
    photo = plain_photo()
    blobs = {"photo": rgb8_blob("photo", photo), "alpha": gray8_blob("alpha", (photo[..., 1] < 128) * np.uint8(255))}

    async def hostile(least: int) -> None:
        for rpc in ALL:
            async with open_channel(servers[rpc.service].target) as channel:
                count = 0
                while count < least:
                    for name, (make, _) in CASES.items():
                        if name != "more than the byte budget":  # The real budget is larger than this case.
                            await rpc.failure(channel, make(rpc, [blobs[part] for part in rpc.parts]))
                            count += 1

    await hostile(50)
    before = {service: server.resident_bytes() for service, server in servers.items()}
    await hostile(200)

    for service, server in servers.items():
        assert server.resident_bytes() < 1.05 * before[service], service


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty", b""),
        ("text", b"hello, I am a shirt"),
        ("a renamed PDF", b"%PDF-1.7\n" + bytes(1000)),
        ("a cut JPEG", b"\xff\xd8\xff\xe0" + bytes(200)),
    ],
)
async def test_files_that_are_no_photos_are_refused_with_advice(servers: Servers, name: str, data: bytes) -> None:
    async with Client(servers["orchestrator"].target) as client:
        with pytest.raises(errors.InvalidArgumentError) as refusal:
            await client.try_on_result(data)
    assert len(refusal.value.message) > 20


async def test_sigterm_ends_a_server_in_order(tmp_path: Path) -> None:
    async with server_process("features", tmp_path, {}) as server:
        server.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(server.process.wait(), 10) == 0
    log = server.log.read_text()
    assert "server.draining" in log
    assert "server.stopped" in log


async def test_a_setting_that_makes_no_sense_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="FASHQUICK_QUEUE_LENGTH"):
        async with server_process("features", tmp_path, {"FASHQUICK_QUEUE_LENGTH": "many"}):
            pass
