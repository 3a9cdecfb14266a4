from __future__ import annotations

import asyncio
import gc

from fashquick_common import errors
from fashquick_common.server.latest import Done, Latest


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
