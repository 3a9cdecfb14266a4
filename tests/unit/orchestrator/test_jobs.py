from __future__ import annotations

import asyncio

import pytest

from fashquick.tryon.v1 import try_on_pb2
from fashquick_common import errors
from fashquick_common.rpc.blobs import make_blob
from fashquick_orchestrator.jobs import JobStore
from fashquick_orchestrator.pipeline import Listener
from fashquick_orchestrator.values import Progress, ResultPart, Stage, StageFinished, TryOnResult


def result(size: int = 1000) -> TryOnResult:
    part = ResultPart(try_on_pb2.OUTPUT_KIND_PICTURE, make_blob("picture", bytes(size)))
    return TryOnResult((part,), try_on_pb2.Manifest())


async def at_once(listener: Listener) -> TryOnResult:
    listener.passing(Progress(Stage.IMAGE, "start", 0.0))
    listener.lasting(StageFinished(Stage.IMAGE, 0.1))
    return result()


def store(max_jobs: int = 8, keep_s: float = 60.0, max_bytes: int = 10_000) -> JobStore:
    return JobStore(max_jobs, keep_s, max_bytes)


async def follow_to_the_end(jobs: JobStore, request_id: str) -> list[object]:
    job = jobs.start(request_id, b"digest", 1, at_once)
    return [event async for event in job.follow()]


async def test_a_late_follower_gets_what_lasts_but_no_stale_progress() -> None:
    jobs = store()
    await follow_to_the_end(jobs, "a")
    job = jobs.find("a", b"digest")
    assert job is not None

    events = [type(event) async for event in job.follow()]

    assert events == [StageFinished, TryOnResult]


async def test_a_finished_job_is_forgotten_after_its_time() -> None:
    jobs = store(keep_s=0.0)
    await follow_to_the_end(jobs, "a")
    await asyncio.sleep(0.001)

    assert jobs.find("a", b"digest") is None


async def test_the_oldest_results_go_when_the_bytes_are_full() -> None:
    jobs = store(max_bytes=2500)
    for name in ("a", "b", "c"):
        await follow_to_the_end(jobs, name)

    assert jobs.find("a", b"digest") is None
    assert jobs.find("b", b"digest") is not None
    assert jobs.find("c", b"digest") is not None


async def test_an_id_belongs_to_one_request() -> None:
    jobs = store()
    await follow_to_the_end(jobs, "a")

    with pytest.raises(errors.RequestIdTaken, match="'a'"):
        jobs.find("a", b"another digest")


async def test_a_failed_job_is_forgotten_and_its_error_raised() -> None:
    async def fail(_: Listener) -> TryOnResult:
        raise errors.NoGarment("nothing here")

    jobs = store()
    job = jobs.start("a", b"digest", 1, fail)
    with pytest.raises(errors.NoGarment):
        [event async for event in job.follow()]

    assert jobs.find("a", b"digest") is None


async def test_the_last_follower_that_leaves_cancels_the_job() -> None:
    cancelled = asyncio.Event()

    async def forever(listener: Listener) -> TryOnResult:
        listener.passing(Progress(Stage.IMAGE, "start", 0.0))
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        raise AssertionError

    jobs = store(max_jobs=1)
    job = jobs.start("a", b"digest", 1, forever)
    one, two = job.follow(), job.follow()
    await anext(one)
    await anext(two)
    await one.aclose()
    await asyncio.sleep(0)
    assert job.running

    with pytest.raises(errors.QueueFull):
        jobs.check_room()
    await two.aclose()
    await asyncio.wait_for(cancelled.wait(), 1)
    jobs.check_room()
