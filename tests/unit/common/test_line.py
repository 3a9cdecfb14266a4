"""The line before the compute thread: whose turn it is, what is computed together, who is refused."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from fashquick_common import errors
from fashquick_common.cancel import CancelFlag
from fashquick_common.priority import Priority
from fashquick_common.server.line import ComputeLine, LineLimits
from tests.support.waiting import eventually


async def test_the_line_is_first_come_first_served() -> None:
    line = ComputeLine(LineLimits(5, 5))
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
    line = ComputeLine(LineLimits(1, 1))
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
    line = ComputeLine(LineLimits(1, 1))

    def fail() -> None:
        raise errors.PhotoNotUsable("too blurred")

    with pytest.raises(errors.PhotoNotUsable):
        await line.run(fail, CancelFlag())
    value, seconds = await line.run(lambda: 7, CancelFlag())
    assert value == 7
    assert 0 <= seconds < 5
    line.close()


async def test_work_whose_deadline_passed_in_the_line_is_not_begun() -> None:
    line, begun = ComputeLine(LineLimits(1, 1)), []
    with pytest.raises(errors.DeadlinePassed):
        await line.run(lambda: begun.append(1), CancelFlag(deadline=0.0))
    assert not begun
    line.close()


async def test_the_longer_the_line_the_longer_the_advised_wait() -> None:
    line = ComputeLine(LineLimits(2, 2))
    gate = threading.Event()
    tasks = [asyncio.create_task(line.run(lambda: gate.wait(5), CancelFlag())) for _ in range(3)]
    await eventually(lambda: line.waiting == 2)

    with pytest.raises(errors.QueueFull) as refusal:
        await line.run(lambda: None, CancelFlag())

    assert refusal.value.retry_after_s > 1.0
    gate.set()
    await asyncio.gather(*tasks)
    line.close()


class Gate:
    """Work that keeps the thread until the gate is opened."""

    def __init__(self, line: ComputeLine) -> None:
        self.opened = threading.Event()
        self.task = asyncio.create_task(line.run(lambda: self.opened.wait(10), CancelFlag()))


@pytest.fixture
async def make_line() -> AsyncIterator[Callable[..., ComputeLine]]:
    lines: list[ComputeLine] = []

    def make(*limits: float) -> ComputeLine:
        lines.append(ComputeLine(LineLimits(*limits)))  # type: ignore[arg-type]
        return lines[-1]

    yield make
    for line in lines:
        line.close()


async def test_interactive_calls_go_before_bulk_calls(make_line: Callable[..., ComputeLine]) -> None:
    line, order = make_line(6, 6), []
    gate = Gate(line)
    await eventually(lambda: line.computing == 1)
    rest = []
    for number, priority in enumerate([Priority.BULK, Priority.BULK, Priority.INTERACTIVE, Priority.INTERACTIVE]):
        rest.append(asyncio.create_task(line.run(lambda number=number: order.append(number), CancelFlag(), priority)))
        await eventually(lambda number=number: line.waiting == number + 1)

    gate.opened.set()
    await asyncio.gather(gate.task, *rest)

    assert order == [2, 3, 0, 1]


async def test_bulk_calls_leave_places_to_interactive_ones(make_line: Callable[..., ComputeLine]) -> None:
    line = make_line(3, 1)
    gate = Gate(line)
    await eventually(lambda: line.computing == 1)
    waiting = [asyncio.create_task(line.run(lambda: None, CancelFlag(), Priority.BULK))]
    await eventually(lambda: line.waiting == 1)

    with pytest.raises(errors.QueueFull, match="bulk"):
        await line.run(lambda: None, CancelFlag(), Priority.BULK)
    for number in (2, 3):
        waiting.append(asyncio.create_task(line.run(lambda: None, CancelFlag(), Priority.INTERACTIVE)))
        await eventually(lambda number=number: line.waiting == number)
    with pytest.raises(errors.QueueFull):
        await line.run(lambda: None, CancelFlag(), Priority.INTERACTIVE)

    gate.opened.set()
    await asyncio.gather(gate.task, *waiting)


async def test_a_bulk_call_computes_at_once_when_nothing_else_does(make_line: Callable[..., ComputeLine]) -> None:
    line = make_line(0, 0)

    assert (await line.run(lambda: 7, CancelFlag(), Priority.BULK))[0] == 7


async def test_a_caller_that_leaves_the_line_gives_its_place_back(make_line: Callable[..., ComputeLine]) -> None:
    line, begun = make_line(1, 1), []
    gate = Gate(line)
    await eventually(lambda: line.computing == 1)
    left = asyncio.create_task(line.run(lambda: begun.append("left"), CancelFlag()))
    await eventually(lambda: line.waiting == 1)
    left.cancel()
    await eventually(lambda: line.waiting == 0)

    stays = asyncio.create_task(line.run(lambda: begun.append("stays"), CancelFlag()))
    await eventually(lambda: line.waiting == 1)
    gate.opened.set()
    await asyncio.gather(gate.task, stays)

    assert begun == ["stays"]


class Doubler:
    """A toy engine that can compute several inputs of one shape together; "poison" fails whoever shares with it."""

    def __init__(self) -> None:
        self.batches: list[list[object]] = []
        self.flags: list[CancelFlag] = []

    def double(self, items: Sequence[str], flag: CancelFlag) -> Sequence[str]:
        self.batches.append(list(items))
        self.flags.append(flag)
        flag.check()
        if "poison" in items:
            raise ValueError("poison")
        if "short" in items and len(items) > 1:
            return []
        return [item * 2 for item in items]


def batched(
    line: ComputeLine, engine: Doubler, item: str, shape: object = None, flag: CancelFlag | None = None
) -> asyncio.Task[tuple[str, float]]:
    shape = len(item) if shape is None else shape
    return asyncio.create_task(line.run_batched(item, engine.double, shape, flag or CancelFlag()))


async def gathered(
    line: ComputeLine, engine: Doubler, *items: str, flags: Sequence[CancelFlag] = ()
) -> list[asyncio.Task[tuple[str, float]]]:
    """Calls that gather in the line while the thread is kept busy, then all compute."""
    gate = Gate(line)
    await eventually(lambda: line.computing == 1)
    tasks = []
    for number, item in enumerate(items):
        tasks.append(batched(line, engine, item, shape=1, flag=flags[number] if flags else None))
        await eventually(lambda number=number: line.waiting == number + 1)
    gate.opened.set()
    await gate.task
    return tasks


async def test_calls_of_one_shape_that_gathered_are_computed_together(make_line: Callable[..., ComputeLine]) -> None:
    line, engine = make_line(8, 8, 4), Doubler()

    tasks = await gathered(line, engine, "a", "b", "c", "d", "e")

    assert [(await task)[0] for task in tasks] == ["aa", "bb", "cc", "dd", "ee"]
    assert engine.batches == [["a", "b", "c", "d"], ["e"]]


async def test_calls_of_other_shapes_are_computed_by_themselves(make_line: Callable[..., ComputeLine]) -> None:
    line, engine = make_line(8, 8, 4), Doubler()
    gate = Gate(line)
    await eventually(lambda: line.computing == 1)
    tasks = [batched(line, engine, item) for item in ("a", "bb", "c")]
    await eventually(lambda: line.waiting == 3)
    gate.opened.set()
    await gate.task

    assert [(await task)[0] for task in tasks] == ["aa", "bbbb", "cc"]
    assert engine.batches == [["a", "c"], ["bb"]]


async def test_by_default_nothing_is_computed_together(make_line: Callable[..., ComputeLine]) -> None:
    line, engine = make_line(8, 8), Doubler()

    await asyncio.gather(*await gathered(line, engine, "a", "b"))

    assert engine.batches == [["a"], ["b"]]


async def test_an_idle_thread_waits_for_company_no_longer_than_the_window(
    make_line: Callable[..., ComputeLine],
) -> None:
    line, engine = make_line(8, 8, 2, 0.2), Doubler()
    first = batched(line, engine, "a")
    await eventually(lambda: line.waiting == 1)
    second = batched(line, engine, "b")  # Completes the batch before the window ends.
    assert await first
    assert await second
    assert engine.batches == [["a", "b"]]

    assert (await batched(line, engine, "c"))[0] == "cc"
    assert engine.batches == [["a", "b"], ["c"]]


async def test_a_thread_with_something_else_to_do_does_not_wait_for_company(
    make_line: Callable[..., ComputeLine],
) -> None:
    line, engine = make_line(8, 8, 4, 1.0), Doubler()
    lone = batched(line, engine, "a")
    await eventually(lambda: line.waiting == 1)

    await asyncio.wait_for(line.run(lambda: None, CancelFlag()), 0.9)

    assert lone.done()


async def test_a_batch_that_fails_is_computed_again_call_by_call(make_line: Callable[..., ComputeLine]) -> None:
    line, engine = make_line(8, 8, 4), Doubler()

    tasks = await gathered(line, engine, "a", "poison", "c")

    assert (await tasks[0])[0] == "aa"
    with pytest.raises(ValueError, match="poison"):
        await tasks[1]
    assert (await tasks[2])[0] == "cc"


async def test_an_engine_that_miscounts_its_results_mixes_up_no_callers(make_line: Callable[..., ComputeLine]) -> None:
    line, engine = make_line(8, 8, 4), Doubler()

    tasks = await gathered(line, engine, "short", "b")

    assert [(await task)[0] for task in tasks] == ["shortshort", "bb"]


async def test_a_caller_that_leaves_a_batch_does_not_stop_the_others(make_line: Callable[..., ComputeLine]) -> None:
    line, engine, flags = make_line(8, 8, 4), Doubler(), [CancelFlag(), CancelFlag()]
    entered, go_on = threading.Event(), threading.Event()

    def slowly(items: Sequence[str], flag: CancelFlag) -> Sequence[str]:
        entered.set()
        go_on.wait(10)
        return Doubler.double(engine, items, flag)

    engine.double = slowly  # type: ignore[method-assign]
    leaves, stays = await gathered(line, engine, "a", "b", flags=flags)
    await eventually(entered.is_set)
    leaves.cancel()
    await eventually(leaves.done)
    go_on.set()

    assert (await stays)[0] == "bb"
    assert flags[0].raised
    assert not flags[1].raised


async def test_a_batch_that_nobody_waits_for_any_more_is_stopped(make_line: Callable[..., ComputeLine]) -> None:
    line, engine, flags = make_line(8, 8, 4), Doubler(), [CancelFlag(), CancelFlag()]
    entered, stopped = threading.Event(), threading.Event()

    def until_stopped(items: Sequence[str], flag: CancelFlag) -> Sequence[str]:
        entered.set()
        try:
            while True:
                flag.check()
                threading.Event().wait(0.005)
        finally:
            stopped.set()

    engine.double = until_stopped  # type: ignore[method-assign]
    tasks = await gathered(line, engine, "a", "b", flags=flags)
    await eventually(entered.is_set)
    tasks[0].cancel()
    await eventually(tasks[0].done)
    assert not stopped.is_set()
    tasks[1].cancel()

    await eventually(stopped.is_set)
    await eventually(lambda: line.computing == 0)


async def test_a_call_past_its_deadline_is_left_out_of_its_batch(make_line: Callable[..., ComputeLine]) -> None:
    line, engine = make_line(8, 8, 4), Doubler()

    tasks = await gathered(line, engine, "a", "b", flags=[CancelFlag(deadline=0.0), CancelFlag()])

    with pytest.raises(errors.DeadlinePassed):
        await tasks[0]
    assert (await tasks[1])[0] == "bb"
    assert engine.batches == [["b"]]
