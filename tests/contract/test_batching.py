"""Micro-batching over real gRPC: calls of one shape share a computation, each gets its own answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np
import pytest

from fashquick.segmentation.v1 import segmentation_pb2 as pb
from fashquick.segmentation.v1 import segmentation_pb2_grpc
from fashquick_common.cancel import CancelFlag
from fashquick_common.rpc.blobs import Blob, require_part
from fashquick_common.rpc.channel import open_channel
from fashquick_common.server.kit import Kit
from fashquick_common.server.pictures import read_photo, rgb8_blob
from fashquick_common.server.runtime import Service
from fashquick_common.server.settings import ServerSettings
from fashquick_common.server.upload import open_upload
from tests.support.calls import SEGMENT
from tests.support.servers import running
from tests.support.waiting import eventually


class CoverageEngine:
    """Measures how dark photos are, all photos of one size in one operation."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.gate = threading.Event()

    def measure(self, photos: Sequence[np.ndarray], cancel: CancelFlag) -> Sequence[float]:
        self.gate.wait(10)
        cancel.check()
        self.batches.append(len(photos))
        stacked = np.stack(photos)  # Fails when sizes differ.
        return [float(value) for value in 1 - stacked.mean(axis=(1, 2, 3)) / 255]


class CoverageServicer(segmentation_pb2_grpc.SegmentationServiceServicer):
    def __init__(self, kit: Kit, engine: CoverageEngine) -> None:
        self._kit = kit
        self._engine = engine

    async def Segment(self, requests: Any, context: Any) -> AsyncIterator[pb.SegmentResponse]:  # noqa: N802
        async with open_upload(requests, self._kit) as upload:
            blobs = await upload.blobs()
            await upload.end()
            photo = read_photo(require_part(blobs, "photo", "photo_part"), self._kit.settings.image_limits).rgb
            coverage, _ = await self._kit.computed_batched(
                photo, self._engine.measure, photo.shape, self._kit.flag_for(context), upload.priority
            )
            yield pb.SegmentResponse(result=pb.SegmentResult(quality=pb.MaskQuality(coverage=coverage)))


@pytest.fixture
def engine() -> CoverageEngine:
    return CoverageEngine()


def service(kit: Kit, engine: CoverageEngine) -> Service:
    servicer = CoverageServicer(kit, engine)
    return Service(
        name="segmentation",
        full_name="fashquick.segmentation.v1.SegmentationService",
        register=lambda server: segmentation_pb2_grpc.add_SegmentationServiceServicer_to_server(servicer, server),
    )


def photo(brightness: int, side: int = 100) -> Blob:
    return rgb8_blob("photo", np.full((side, side, 3), brightness, np.uint8))


@pytest.mark.parametrize(("batch_size", "batches"), [(1, [1] * 5), (4, [1, 4])], ids=["off", "on"])
async def test_calls_that_wait_are_computed_together_when_told_to(
    engine: CoverageEngine, batch_size: int, batches: list[int]
) -> None:
    settings = ServerSettings(port=0, admin_port=0, drain_s=1.0, batch_size=batch_size)
    async with (
        running(settings, lambda kit: service(kit, engine)) as server,
        open_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        compute, levels, calls = server.kit.compute, [10, 60, 110, 160, 210], []
        for waiting, level in enumerate(levels):
            calls.append(asyncio.create_task(SEGMENT.collect(channel, SEGMENT.messages([photo(level)]))))
            await eventually(lambda waiting=waiting: compute.computing == 1 and compute.waiting == waiting)
        engine.gate.set()
        answers = await asyncio.gather(*calls)
        metric = server.kit.metrics.registry.get_sample_value("fashquick_batch_calls_count")

    assert engine.batches == batches
    assert metric == len(batches)
    for level, [answer] in zip(levels, answers, strict=True):
        assert answer.result.quality.coverage == pytest.approx(1 - level / 255, abs=1e-6)


async def test_photos_of_other_sizes_are_not_computed_together(engine: CoverageEngine) -> None:
    settings = ServerSettings(port=0, admin_port=0, drain_s=1.0, batch_size=8, batch_window_s=0.2)
    engine.gate.set()
    async with (
        running(settings, lambda kit: service(kit, engine)) as server,
        open_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        sides = [100, 120, 100, 120]
        calls = [SEGMENT.collect(channel, SEGMENT.messages([photo(100, side)])) for side in sides]
        answers = await asyncio.gather(*calls)

    assert sum(engine.batches) == 4
    assert max(engine.batches) <= 2
    assert len(answers) == 4
