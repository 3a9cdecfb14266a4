from __future__ import annotations

import asyncio
import gc
import threading

import pytest

from fashquick_common import errors
from fashquick_common.cancel import CancelFlag
from fashquick_common.server.admission import ByteBudget, ComputeLine
from fashquick_common.server.latest import Done, Latest
from tests.support.waiting import eventually


async def test_the_line_is_first_come_first_served() -> None:
    line = ComputeLine(queue_length=5)
    gate, order = threading.Event(), []
    first = asyncio.create_task(line.run(lambda: gate.wait(5), CancelFlag()))
    await eventually(lambda: line.computing == 1)
    rest = []
    for number in range(4):
        rest.append(asyncio.create_task(line.run(lambda number=number: order.append(number), CancelFlag())))
        await eventually(lambda number=number: line.waiting == number + 1)

    gate.set()
    await asyncio.gather(first, *rest)

    assert order == [0, 1, 2, 3]
    assert line.waiting == line.computing == 0
    line.close()


async def test_the_next_starts_only_when_a_cancelled_one_has_really_stopped() -> None:
    line = ComputeLine(queue_length=1)
    flag, released, overlapping = CancelFlag(), threading.Event(), []
    first = asyncio.create_task(line.run(lambda: released.wait(5), flag))
    await eventually(lambda: line.computing == 1)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert flag.raised

    second = asyncio.create_task(line.run(lambda: overlapping.append(released.is_set()), CancelFlag()))
    await eventually(lambda: line.waiting == 1)
    released.set()
    await second

    assert overlapping == [True]
    line.close()


async def test_work_that_fails_frees_the_thread() -> None:
    line = ComputeLine(queue_length=1)

    def fail() -> None:
        raise errors.PhotoNotUsable("too blurred")

    with pytest.raises(errors.PhotoNotUsable):
        await line.run(fail, CancelFlag())
    value, seconds = await line.run(lambda: 7, CancelFlag())
    assert value == 7
    assert 0 <= seconds < 5
    line.close()


async def test_work_whose_deadline_passed_in_the_line_is_not_begun() -> None:
    line, begun = ComputeLine(queue_length=1), []
    with pytest.raises(errors.DeadlinePassed):
        await line.run(lambda: begun.append(1), CancelFlag(deadline=0.0))
    assert not begun
    line.close()


async def test_the_line_is_full_also_in_the_moment_between_two_computations() -> None:
    late: list[asyncio.Task[None]] = []

    def arrive(_: float) -> None:
        if not late:
            late.append(asyncio.create_task(line.run(lambda: None, CancelFlag())))

    line = ComputeLine(queue_length=1, on_seconds=arrive)
    await asyncio.gather(*[line.run(lambda: None, CancelFlag()) for _ in range(2)])

    with pytest.raises(errors.QueueFull):
        await late[0]
    line.close()


async def test_the_longer_the_line_the_longer_the_advised_wait() -> None:
    line = ComputeLine(queue_length=2)
    gate = threading.Event()
    tasks = [asyncio.create_task(line.run(lambda: gate.wait(5), CancelFlag())) for _ in range(3)]
    await eventually(lambda: line.waiting == 2)

    with pytest.raises(errors.QueueFull) as refusal:
        await line.run(lambda: None, CancelFlag())

    assert refusal.value.retry_after_s > 1.0
    gate.set()
    await asyncio.gather(*tasks)
    line.close()


def test_bytes_come_back_however_the_call_ends() -> None:
    budget = ByteBudget(100, "tests")

    def fail_while_holding() -> None:
        with budget.reserve(60):
            with pytest.raises(errors.BytesExhausted, match="40"), budget.reserve(41):
                pass
            with budget.reserve(40):
                assert budget.taken == 100
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        fail_while_holding()
    assert budget.taken == 0


async def test_a_slow_reader_gets_the_newest_event_of_each_kind() -> None:
    latest: Latest[tuple[str, int]] = Latest()
    looked = asyncio.Event()

    async def work() -> str:
        for number in range(100):
            latest.put("progress", ("progress", number))
        latest.put("preview", ("preview", 0))
        await looked.wait()
        latest.put("progress", ("progress", 100))
        return "result"

    seen: list[object] = []
    async for event in latest.during(work()):
        seen.append(event.value if isinstance(event, Done) else event)
        looked.set()

    assert seen[0] == ("progress", 99)
    assert seen[-2:] == [("progress", 100), "result"]
    assert len(seen) <= 5


async def test_a_reader_that_leaves_need_not_hear_that_the_work_failed() -> None:
    latest: Latest[int] = Latest()
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["message"]))

    async def work() -> None:
        latest.put("progress", 1)
        await asyncio.sleep(0)
        raise errors.PhotoNotUsable("too blurred")

    events = latest.during(work())
    assert await anext(events) == 1
    await asyncio.sleep(0.01)  # The work fails meanwhile.
    await events.aclose()
    del events
    gc.collect()

    assert not reported


async def test_a_reader_that_leaves_cancels_the_work() -> None:
    latest: Latest[int] = Latest()
    cancelled = asyncio.Event()

    async def work() -> None:
        latest.put("progress", 1)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    events = latest.during(work())
    assert await anext(events) == 1
    await events.aclose()

    assert cancelled.is_set()
