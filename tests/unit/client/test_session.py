"""Questions about one photo on one stream, and every way in which that ends."""

import asyncio

import pytest

from fashquick_client import Box, Client, Point, SyncClient
from fashquick_common.errors import (
    BadField,
    Cancelled,
    DeadlinePassed,
    Draining,
    InternalError,
    NoGarment,
    QueueFull,
    StageUnreachable,
)
from tests.support.waiting import eventually

ON, OFF = Point(3, 2), Point(7.5, 2, on_garment=False)


async def ended(server, seconds=5.0):
    """Whether the server has seen the end of its call."""
    return await asyncio.to_thread(server.cancelled.wait, seconds)


@pytest.fixture(autouse=True)
async def nothing_leaks():
    before = asyncio.all_tasks()
    yield
    await eventually(lambda: asyncio.all_tasks() <= before | {asyncio.current_task()})


async def test_questions_are_answered_from_one_upload(client, server, photo):
    async with client.segmenting(photo, foreground=True, max_candidates=2, request_id="job-1") as session:
        first = await session.ask(points=[ON])
        second = await session.ask(points=[ON, OFF], box=Box(0, 1, 5, 6))
        third = await session.ask(coarse_mask=b"a mask file")
        assert server.clean_ends == 0

    assert [prompt.number for prompt in server.prompts] == [1, 2, 3]
    one, two, three = server.prompts
    assert [(point.x, point.y, point.on_garment) for point in two.points] == [(3, 2, True), (7.5, 2, False)]
    assert (two.box.left, two.box.top, two.box.right, two.box.bottom) == (0, 1, 5, 6)
    assert not one.HasField("box")
    assert three.mask == b"a mask file"
    [upload], [header] = server.uploads, server.headers
    assert upload == {"photo": photo.read_bytes()}
    assert (header.request_id, header.foreground, header.max_candidates) == ("job-1", True, 2)
    for found in (first, second, third):
        assert found.mask.array().tolist()[0] == [255] * 4 + [0] * 4
        assert found.foreground.array()[0, 0].tolist() == [200, 0, 0]
        assert len(found.candidates) == 2
    assert await ended(server)
    assert server.clean_ends == 1


async def test_the_call_has_no_deadline_but_each_question_has(client, server, photo):
    async with client.segmenting(photo, timeout_s=0.3) as session:
        await session.ask(points=[ON])
        assert server.deadlines[0] is None or server.deadlines[0] > 10_000
        server.hold.clear()
        with pytest.raises(DeadlinePassed):
            await session.ask(points=[OFF])
        assert await ended(server)
        with pytest.raises(Cancelled, match="another one"):
            await session.ask(points=[ON])


async def test_nothing_is_sent_for_a_session_without_questions(client, server, photo):
    async with client.segmenting(photo):
        pass
    assert server.metadata == []


async def test_questions_at_the_same_time_are_answered_in_turn(client, server, photo):
    async with client.segmenting(photo) as session:
        found = await asyncio.gather(*(session.ask(points=[ON]) for _ in range(3)))
    assert len(found) == 3
    assert [prompt.number for prompt in server.prompts] == [1, 2, 3]


async def test_a_question_that_says_nothing_costs_nothing(client, server, photo):
    async with client.segmenting(photo) as session:
        with pytest.raises(BadField, match="says nothing"):
            await session.ask()
        with pytest.raises(BadField, match="1048576"):
            await session.ask(coarse_mask=bytes(1024 * 1024 + 1))
        with pytest.raises(FileNotFoundError):
            await session.ask(coarse_mask=photo.with_name("none.png"))
        await session.ask(points=[ON])
    assert [prompt.number for prompt in server.prompts] == [1]


@pytest.mark.parametrize("before", [0, 1])
async def test_a_wrong_question_ends_the_session(client, server, photo, before):
    server.prompt_failures = [*[None] * before, BadField("the point is outside the photo", field="points")]
    async with client.segmenting(photo) as session:
        for _ in range(before):
            await session.ask(points=[ON])
        with pytest.raises(BadField, match="outside the photo") as caught:
            await session.ask(points=[Point(5000, 5)])
        assert caught.value.field == "points"
        with pytest.raises(Cancelled):
            await session.ask(points=[ON])
    assert len(server.prompts) == before + 1
    assert len(server.headers) == 1


async def test_an_error_leaves_the_context_as_it_came(client, server, photo):
    server.prompt_failures = [NoGarment("nothing there")]
    with pytest.raises(NoGarment):
        async with client.segmenting(photo) as session:
            await session.ask(points=[ON])
    server.cancelled.clear()

    async def stumble():
        async with client.segmenting(photo) as session:
            await session.ask(points=[ON])
            raise KeyError

    with pytest.raises(KeyError):
        await stumble()
    assert await ended(server)


async def test_the_first_question_is_asked_again_and_no_other(client, server, photo):
    server.failures = [QueueFull("full", retry_after_s=0.0)]
    server.prompt_failures = [Draining("going", retry_after_s=0.0), None, Draining("going", retry_after_s=0.0)]
    async with client.segmenting(photo) as session:
        await session.ask(points=[ON])
        assert len(server.headers) == 3
        with pytest.raises(Draining):
            await session.ask(points=[OFF])
    assert [prompt.number for prompt in server.prompts] == [1, 1, 2]
    assert len(server.headers) == 3
    assert len({header.request_id for header in server.headers}) == 1


async def test_cancelling_who_asks_ends_the_call(client, server, photo):
    server.hold.clear()
    async with client.segmenting(photo) as session:
        asking = asyncio.create_task(session.ask(points=[ON]))
        await eventually(lambda: bool(server.prompts))
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await ended(server)


async def test_leaving_ends_a_question_of_somebody_else(client, server, photo):
    server.hold.clear()
    async with client.segmenting(photo) as session:
        asking = asyncio.create_task(session.ask(points=[ON]))
        waiting = asyncio.create_task(session.ask(points=[OFF]))
        await eventually(lambda: bool(server.prompts))
    for task in (asking, waiting):
        with pytest.raises(Cancelled):
            await task
    assert await ended(server)
    assert len(server.prompts) == 1


async def test_leaving_by_a_cancel_waits_for_nobody(client, server, photo):
    asked = asyncio.Event()

    async def work():
        async with client.segmenting(photo) as session:
            await session.ask(points=[ON])
            asked.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await ended(server)
    assert server.clean_ends == 0


async def test_closing_the_client_ends_its_sessions(server, photo):
    async with Client(segmentation=server.endpoint) as client, client.segmenting(photo) as session:
        await session.ask(points=[ON])
        server.hold.clear()
        asking = asyncio.create_task(session.ask(points=[ON]))
        await eventually(lambda: len(server.prompts) == 2)
        await client.close()
        with pytest.raises(Cancelled):
            await asking
    assert await ended(server)


async def test_closing_the_client_between_questions_is_no_trouble(server, photo):
    client = Client(segmentation=server.endpoint)
    async with client.segmenting(photo) as session:
        await session.ask(points=[ON])
        await client.close()
    assert await ended(server)


def without_summary(messages):
    return [message for message in messages if message.WhichOneof("message") != "summary"]


async def test_a_bad_goodbye_changes_no_answer(client, server, photo):
    server.spoil = without_summary
    async with client.segmenting(photo) as session:
        found = await session.ask(points=[ON])
    assert found.mask.width == 8
    assert await ended(server)


def of_another_number(messages):
    messages[0].result.number = 7
    return messages


def twice(messages):
    return [messages[0], messages[0], *messages[1:]]


@pytest.mark.parametrize("spoil", [of_another_number, twice])
async def test_an_answer_to_something_else_breaks_the_protocol(client, server, photo, spoil):
    server.spoil = spoil
    with pytest.raises(InternalError, match="question"):
        async with client.segmenting(photo) as session:
            await session.ask(points=[ON])


async def test_an_unreachable_server_says_where_it_was_sought(photo):
    async with Client(segmentation="127.0.0.1:1") as client:
        with pytest.raises(StageUnreachable, match=r"segmentation server at 127\.0\.0\.1:1"):
            async with client.segmenting(photo) as session:
                await session.ask(points=[ON])


async def test_a_photo_that_cannot_be_read_is_told_on_entering(client, photo):
    with pytest.raises(FileNotFoundError):
        async with client.segmenting(photo.with_name("none.jpg")):
            raise AssertionError


def test_the_same_from_a_plain_thread(server, photo):
    with SyncClient(segmentation=server.endpoint) as client, client.segmenting(photo) as session:
        assert session.ask(points=[ON]).backend == "embedded"
        assert session.ask(points=[ON, OFF]).mask.width == 8
    assert server.cancelled.wait(5)
    assert server.clean_ends == 1


def test_errors_in_a_plain_thread(server, photo):
    def stumble(client):
        with client.segmenting(photo) as session:
            session.ask(points=[ON])
            raise ZeroDivisionError

    server.prompt_failures = [BadField("the point is outside the photo")]
    with SyncClient(segmentation=server.endpoint) as client:
        with pytest.raises(BadField, match="outside"), client.segmenting(photo) as session:
            session.ask(points=[ON])
        server.cancelled.clear()
        with pytest.raises(ZeroDivisionError):
            stumble(client)
        assert server.cancelled.wait(5)


def test_a_client_closed_before_its_session_is_no_trouble(server, photo):
    client = SyncClient(segmentation=server.endpoint)
    with client.segmenting(photo) as session:
        session.ask(points=[ON])
        client.close()
    assert server.cancelled.wait(5)
