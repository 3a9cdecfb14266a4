from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

from fashquick.tryon.v1 import try_on_pb2
from fashquick_common import errors
from fashquick_common.priority import Priority
from fashquick_common.rpc.blobs import make_blob
from fashquick_orchestrator.account import Listener
from fashquick_orchestrator.config import JobLimits
from fashquick_orchestrator.jobs import Job, JobStore
from fashquick_orchestrator.values import Progress, ResultPart, Stage, StageFinished, TryOnResult
from tests.support.waiting import eventually


def result(size: int = 1000) -> TryOnResult:
    part = ResultPart(try_on_pb2.OUTPUT_KIND_PICTURE, make_blob("picture", bytes(size)))
    return TryOnResult((part,), try_on_pb2.Manifest())


async def at_once(listener: Listener) -> TryOnResult:
    listener.passing(Progress(Stage.IMAGE, "start", 0.0))
    listener.lasting(StageFinished(Stage.IMAGE, 0.1))
    return result()


def store(max_jobs: int = 8, keep_s: float = 60.0, max_bytes: int = 10_000) -> JobStore:
    return JobStore(JobLimits(max_jobs, max_jobs, keep_s, max_bytes))


async def follow_to_the_end(jobs: JobStore, request_id: str) -> list[object]:
    return await events_of(jobs.start(request_id, b"digest", 1, Priority.INTERACTIVE, at_once))


async def events_of(job: Job) -> list[object]:
    async with job.followed() as events:
        return [event async for event in events]


async def forever(listener: Listener) -> TryOnResult:
    listener.passing(Progress(Stage.IMAGE, "start", 0.0))
    await asyncio.Event().wait()
    raise AssertionError


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    """What a cycle holds is freed at some time; what a server needs is freed at once."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def test_a_late_follower_gets_what_lasts_but_no_stale_progress() -> None:
    jobs = store()
    await follow_to_the_end(jobs, "a")
    job = jobs.find("a", b"digest")
    assert job is not None

    events = [type(event) for event in await events_of(job)]

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

    await eventually(lambda: jobs.find("a", b"digest") is None)
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
    job = jobs.start("a", b"digest", 1, Priority.INTERACTIVE, fail)
    with pytest.raises(errors.NoGarment):
        await events_of(job)

    assert jobs.find("a", b"digest") is None


async def test_the_last_follower_that_leaves_cancels_the_job() -> None:
    jobs = store(max_jobs=1)
    job = jobs.start("a", b"digest", 1, Priority.INTERACTIVE, forever)
    async with job.followed():
        async with job.followed() as events:
            assert await anext(events)
        await asyncio.sleep(0)
        assert job.running
        with pytest.raises(errors.QueueFull):
            jobs.check_room(Priority.INTERACTIVE)

    await eventually(lambda: not job.running)
    jobs.check_room(Priority.INTERACTIVE)


async def test_a_caller_that_leaves_before_the_first_event_cancels_its_job() -> None:
    jobs = store()
    job = jobs.start("a", b"digest", 1, Priority.INTERACTIVE, forever)
    async with job.followed():
        pass

    await eventually(lambda: not job.running)


async def test_a_job_that_everyone_has_left_does_not_answer_its_id() -> None:
    jobs, stopping = store(), asyncio.Event()

    async def slow_to_stop(listener: Listener) -> TryOnResult:
        try:
            return await forever(listener)
        finally:
            await stopping.wait()

    left = jobs.start("a", b"digest", 1, Priority.INTERACTIVE, slow_to_stop)
    async with left.followed() as events:
        assert await anext(events)
    assert left.running

    assert jobs.find("a", b"digest") is None
    again = jobs.start("a", b"digest", 1, Priority.INTERACTIVE, at_once)
    stopping.set()
    assert await events_of(again)
    await eventually(lambda: not left.running)
    assert jobs.find("a", b"digest") is again


async def test_a_job_still_counts_while_it_stops() -> None:
    jobs, stopping = store(max_jobs=1), asyncio.Event()

    async def slow_to_stop(listener: Listener) -> TryOnResult:
        try:
            return await forever(listener)
        finally:
            await stopping.wait()

    left = jobs.start("a", b"digest", 1, Priority.INTERACTIVE, slow_to_stop)
    async with left.followed() as events:
        assert await anext(events)

    with pytest.raises(errors.QueueFull):
        jobs.check_room(Priority.INTERACTIVE)
    stopping.set()
    await eventually(lambda: not left.running)
    jobs.check_room(Priority.INTERACTIVE)


async def test_results_are_forgotten_in_time_though_nobody_asks() -> None:
    jobs = store(keep_s=0.05)
    job = jobs.start("a", b"digest", 1, Priority.INTERACTIVE, at_once)
    await events_of(job)
    gone = weakref.ref(job)
    del job
    assert gone() is not None

    await eventually(lambda: gone() is None)


async def test_results_beyond_the_bytes_are_forgotten_though_nobody_asks() -> None:
    jobs = store(max_bytes=1500)
    first = jobs.start("a", b"digest", 1, Priority.INTERACTIVE, at_once)
    await events_of(first)
    gone = weakref.ref(first)
    del first

    await follow_to_the_end(jobs, "b")

    await eventually(lambda: gone() is None)


@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.parametrize("end", ["fails alone", "is cancelled"])
async def test_a_job_that_ends_early_frees_its_pixels_at_once(end: str) -> None:
    pixels: list[weakref.ref[np.ndarray]] = []
    failing = asyncio.Event()

    async def work(listener: Listener) -> TryOnResult:
        photo = np.zeros((100, 100, 3), np.uint8)
        pixels.append(weakref.ref(photo))
        listener.passing(Progress(Stage.IMAGE, "start", 0.0))
        await failing.wait()
        raise errors.PhotoNotUsable(f"a photo of {photo.shape}")

    jobs = store()
    job = jobs.start("a", b"digest", 1, Priority.INTERACTIVE, work)
    async with job.followed() as events:
        assert await anext(events)
        if end == "fails alone":
            failing.set()
    await eventually(lambda: not job.running)

    await eventually(lambda: pixels[0]() is None)
