"""One call from its first message to its end: time limits, failures as exceptions, whole calls tried again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

import grpc

from fashquick_client.services import Service
from fashquick_common.errors import (
    DeadlinePassed,
    FashquickError,
    NotBuilt,
    StageUnreachable,
)
from fashquick_common.rpc.ending import CallEnding
from fashquick_common.rpc.request_id import REQUEST_ID_KEY
from fashquick_common.rpc.retry import Retries, RetryRules
from fashquick_common.rpc.status import DETAILS_TRAILER, error_from_rpc

T = TypeVar("T")
Q = TypeVar("Q")
R_co = TypeVar("R_co", covariant=True)

DEFAULT_TIMEOUT_S = 120.0  # A picture takes seconds; a busy server with a line of eight, a minute or two.
INFO_TIMEOUT_S = 10.0

_RULES = RetryRules(attempts=3)
_UNREACHABLE_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class Address:
    """Where a call goes.

    Attributes:
        service: The service, for messages.
        endpoint: Its `host:port`.
    """

    service: Service
    endpoint: str


class _Call(Protocol):
    """Any call of grpc.aio."""

    def add_done_callback(self, callback: Callable[[Any], None]) -> None: ...

    def cancel(self) -> bool: ...


class StreamCall(_Call, Protocol[R_co]):
    """A call that answers with a stream."""

    def __aiter__(self) -> AsyncIterator[R_co]: ...


class SingleCall(_Call, Protocol[R_co]):
    """A call that answers with one message."""

    def __await__(self) -> Generator[Any, None, R_co]: ...


async def open_stream(call: StreamCall[R_co], address: Address) -> AsyncGenerator[R_co, None]:
    """Yield a call's responses; end the call when the generator is closed.

    Raises:
        FashquickError: The call failed.
    """
    ending = CallEnding(call)
    try:
        async for response in call:
            yield response
    except grpc.aio.AioRpcError as error:
        raise error_of(ending.error(error), address) from error
    finally:
        call.cancel()


async def only_response(call: SingleCall[R_co], address: Address) -> AsyncGenerator[R_co, None]:
    """Yield a call's response.

    Raises:
        FashquickError: The call failed.
    """
    ending = CallEnding(call)
    try:
        yield await call
    except grpc.aio.AioRpcError as error:
        raise error_of(ending.error(error), address) from error
    finally:
        call.cancel()


def error_of(error: grpc.aio.AioRpcError, address: Address) -> FashquickError:
    """Turn a call's failure into the server's exception; say where, when there was no server to say it."""
    # At run time these are pairs; their stub says otherwise.
    trailers = cast("Iterable[tuple[str, str | bytes]]", error.trailing_metadata() or ())
    said_by_server = any(key == DETAILS_TRAILER for key, _ in trailers)
    if error.code() is grpc.StatusCode.UNAVAILABLE and not said_by_server:
        # gRPC's text ends in what the operating system said; what comes before is its own doings.
        why = (error.details() or "no reason given").rpartition(": ")[2]
        return StageUnreachable(
            f"the {address.service} server at {address.endpoint} cannot be reached ({why}); "
            "check that it runs there, or start all servers with `fashquick up`",
            retry_after_s=_UNREACHABLE_PAUSE_S,
        )
    if error.code() is grpc.StatusCode.UNIMPLEMENTED and not said_by_server:
        return NotBuilt(
            f"the {address.service} server at {address.endpoint} does not have this call; "
            "see with `fashquick doctor` whether it is another server, or of another version"
        )
    return error_from_rpc(error)


def metadata_of(request_id: str) -> tuple[tuple[str, str], ...]:
    """Return the metadata that carries the id of a job."""
    return ((REQUEST_ID_KEY, request_id),)


async def messages_of(messages: Iterator[Q]) -> AsyncIterator[Q]:
    """Give a call its messages one at a time, so that at most one chunk is copied ahead."""
    for message in messages:
        yield message


async def retried(
    attempt: Callable[[float], AsyncGenerator[T, None]], *, timeout_s: float, is_result: Callable[[T], bool]
) -> AsyncGenerator[T, None]:
    """Run a whole call, and again when the server says that this may help.

    A call is tried at most three times, within one deadline over all attempts, and not at all after
    something of its result has been given out.

    Args:
        attempt: Starts the call, given the seconds that are left.
        timeout_s: Seconds for all attempts together.
        is_result: Whether something that was yielded must not be yielded twice.

    Raises:
        FashquickError: The last attempt's failure.
    """
    deadline = time.monotonic() + timeout_s
    retries = Retries(_RULES, deadline)
    while True:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise DeadlinePassed()
        given_out = False
        try:
            async with aclosing(attempt(remaining)) as responses:
                async for response in responses:
                    given_out = given_out or is_result(response)
                    yield response
            return
        except FashquickError as error:
            pause = None if given_out else retries.pause_after(error)
            if pause is None:
                raise
        await asyncio.sleep(pause)


async def only(answers: AsyncGenerator[T, None]) -> T:
    """Return the one thing that a call yields."""
    async with aclosing(answers):
        answer = await anext(answers)
        async for _ in answers:  # Read to the end, or the server would take the call for cancelled.
            pass
        return answer


async def answered(call: Callable[[float], SingleCall[T]], address: Address, timeout_s: float) -> T:
    """Return what a call answers with its one message, tried again as `retried` does.

    Args:
        call: Starts it, given the seconds that are left.
        address: Where it goes.
        timeout_s: Seconds for all attempts together.

    Raises:
        FashquickError: The last attempt's failure.
    """

    def attempt(seconds: float) -> AsyncGenerator[T, None]:
        return only_response(call(seconds), address)

    return await only(retried(attempt, timeout_s=timeout_s, is_result=bool))
