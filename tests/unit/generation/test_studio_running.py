"""A call can be stopped, and leaves the rest of the process free to run."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import Cancelled, DeadlinePassed
from fashquick_generation.engine import Event, GenerationJob, Picture, Progress, View
from fashquick_generation.studio import StudioGenerator


@pytest.mark.parametrize("what", ["the cloth falls", "the second view is made"])
def test_cancel_from_another_thread_stops_the_work(generator: StudioGenerator, job: GenerationJob, what: str) -> None:
    flag, reached = CancelFlag(), threading.Event()
    ended: list[float] = []
    pictures: list[Picture] = []
    job = replace(job, views=(View(), View(yaw_degrees=180.0)))

    def hear(event: Event) -> None:
        if isinstance(event, Picture):
            pictures.append(event)
        elif isinstance(event, Progress) and (
            event.step == "drape" if what == "the cloth falls" else event.step == "render" and pictures
        ):
            reached.set()

    def work() -> None:
        with pytest.raises(Cancelled):
            generator.generate(job, hear, flag)
        ended.append(time.monotonic())

    thread = threading.Thread(target=work)
    thread.start()
    assert reached.wait(30)
    asked = time.monotonic()
    flag.cancel()
    thread.join(10)
    assert ended
    assert ended[0] - asked < 0.3
    steps = flag.steps
    time.sleep(0.1)
    assert flag.steps == steps


def test_a_passed_deadline_stops_the_work(generator: StudioGenerator, job: GenerationJob) -> None:
    seen: list[Event] = []
    with pytest.raises(DeadlinePassed):
        generator.generate(job, seen.append, CancelFlag(deadline=time.monotonic()))
    assert all(isinstance(event, Progress) and event.fraction < 0.1 for event in seen)


def test_a_deadline_stops_cloth_that_falls(generator: StudioGenerator, job: GenerationJob) -> None:
    seconds = generator.generate(job, lambda _: None, CancelFlag())
    deadline = time.monotonic() + seconds["pattern"] + 0.5 * seconds["drape"]
    seen: list[Event] = []
    with pytest.raises(DeadlinePassed):
        generator.generate(job, seen.append, CancelFlag(deadline))
    assert time.monotonic() - deadline < 0.3
    assert not any(isinstance(event, Picture) for event in seen)


def test_other_threads_keep_running_while_a_picture_is_made(generator: StudioGenerator, job: GenerationJob) -> None:
    stop, gaps = threading.Event(), []

    def tick() -> None:
        last = time.monotonic()
        while not stop.is_set():
            time.sleep(0.002)
            now = time.monotonic()
            gaps.append(now - last)
            last = now

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        generator.generate(job, lambda _: None, CancelFlag())
    finally:
        stop.set()
        thread.join()
    assert len(gaps) > 50
    assert sorted(gaps)[-3] < 0.1, "twice is the machine's doing, thrice is ours"
