"""How the server ended a call, also while the caller was still sending.

A server may refuse an upload from its header. The chunk that is then on its way cannot be sent, and grpc.aio
(1.85.1, `_StreamRequestMixin._write`) puts INTERNAL in the place of the status that it has already received.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar, cast

import grpc

T = TypeVar("T")

_MADE_BY_GRPC = "Internal error from Core"


class _Call(Protocol):
    def add_done_callback(self, callback: Callable[[Any], None]) -> None: ...


class CallEnding:
    """Notes the first status of a call. Make it right after the call was started."""

    def __init__(self, call: _Call) -> None:
        """Watch a call of grpc.aio."""
        self._first: grpc.aio.AioRpcError | None = None
        call.add_done_callback(self._note)

    def error(self, raised: grpc.aio.AioRpcError) -> grpc.aio.AioRpcError:
        """Return what the server said, given what grpc.aio has raised."""
        return self._first if self._first is not None and raised.details() == _MADE_BY_GRPC else raised

    def _note(self, call: grpc.aio.Call) -> None:
        code = _at_once(call.code())
        if code is not grpc.StatusCode.OK:
            self._first = grpc.aio.AioRpcError(
                code,
                grpc.aio.Metadata(),
                _at_once(call.trailing_metadata()),
                _at_once(call.details()),
                "",
            )


def _at_once(answer: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that has nothing to wait for, as those of an ended call."""
    try:
        answer.send(None)
    except StopIteration as stop:
        return cast("T", stop.value)
    answer.close()
    raise RuntimeError("the call has not ended")
