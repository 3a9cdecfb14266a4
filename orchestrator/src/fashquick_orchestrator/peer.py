"""Streams to and from another service: chunks out, verified parts in, its failures as exceptions."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from typing import Any, TypeVar

import grpc

from fashquick.common.v1 import blob_pb2
from fashquick_common.errors import InternalError, InvalidArgumentError
from fashquick_common.rpc.blobs import Blob, BlobLimits, BlobReader, chunks_of
from fashquick_common.rpc.ending import CallEnding
from fashquick_common.rpc.status import error_from_rpc

# A picture of 2048 x 3072 has 18 MiB. Early looks are parts too: 8 views of 100 steps have hundreds.
_RESPONSE_LIMITS = BlobLimits(max_part_bytes=64 * 1024 * 1024, max_parts=4096)

M = TypeVar("M")


class Parts:
    """The parts of one response."""

    def __init__(self) -> None:
        """Begin with none."""
        self._reader = BlobReader(_RESPONSE_LIMITS)
        self._done: dict[str, Blob] = {}

    def announce(self, header: blob_pb2.BlobHeader) -> None:
        """Expect a part.

        Raises:
            InternalError: Its header breaks the contract.
        """
        with peer_errors():
            self._reader.announce(header)

    def add(self, chunk: blob_pb2.Chunk) -> str | None:
        """Take a chunk; return the name of its part when that is complete.

        Raises:
            InternalError: The chunk breaks the contract.
        """
        with peer_errors():
            blob = self._reader.add(chunk)
        if blob is None:
            return None
        self._done[blob.part] = blob
        return blob.part

    def have(self, parts: Iterable[str]) -> bool:
        """Whether all these parts are complete and not taken yet."""
        return all(part in self._done for part in parts)

    def take(self, part: str) -> Blob:
        """Return a complete part, which is then kept no longer.

        Raises:
            InternalError: It was not sent.
        """
        try:
            return self._done.pop(part)
        except KeyError:
            raise InternalError(f"the service announced part {part!r} and did not send it") from None


@contextlib.contextmanager
def peer_errors() -> Iterator[None]:
    """What is wrong with an answer is the service's fault, not that of whoever asked us.

    Raises:
        InternalError: In the place of any InvalidArgumentError.
    """
    try:
        yield
    except InvalidArgumentError as error:
        raise InternalError(
            f"the service answered against its contract, check that all services have one version: {error.message}"
        ) from None


async def stream(first: M, wrap: Callable[[blob_pb2.Chunk], M], blobs: Iterable[Blob]) -> AsyncIterator[M]:
    """Yield a request: its first message, then the chunks of its parts."""
    yield first
    for blob in blobs:
        for chunk in chunks_of(blob):
            yield wrap(chunk)


async def responses(call: grpc.aio.StreamStreamCall[Any, M]) -> AsyncGenerator[M, None]:
    """Yield a call's messages; cancel it when the reader stops early; raise its failure as an exception."""
    ending = CallEnding(call)
    try:
        async for message in call:
            yield message
    except grpc.aio.AioRpcError as error:
        raise error_from_rpc(ending.error(error)) from None
    finally:
        call.cancel()
