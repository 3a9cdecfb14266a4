"""Reading a request stream: the header, then the announced parts, with every way it can go wrong.

Works for every request type of the contracts: messages with a oneof `message { header, chunk, ... }`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, Generic, Protocol, TypeVar

from google.protobuf.message import DecodeError

from fashquick.common.v1 import blob_pb2, priority_pb2
from fashquick_common.errors import FashquickError, UploadOutOfOrder, UploadStalled
from fashquick_common.priority import Priority, priority_from_proto
from fashquick_common.rpc.blobs import Blob, BlobReader
from fashquick_common.rpc.request_id import check_request_id
from fashquick_common.server.kit import Kit
from fashquick_common.server.telemetry import name_call

# A local upload ends well within it; a caller on a slow line is not kept from its refusal for long.
_LINGER_S = 0.5


class _Header(Protocol):
    @property
    def request_id(self) -> str: ...

    @property
    def blobs(self) -> Sequence[blob_pb2.BlobHeader]: ...

    @property
    def priority(self) -> priority_pb2.Priority.ValueType: ...


class RequestMessage(Protocol):
    """A message of a request stream: a oneof `message` of header, chunk and perhaps more."""

    @property
    def header(self) -> _Header:
        """The first message's header."""

    @property
    def chunk(self) -> blob_pb2.Chunk:
        """A later message's chunk."""

    def WhichOneof(self, oneof_group: Any) -> Any:  # noqa: N802 - protobuf's name; each message has literal types
        """Tell which field of a oneof is set."""


M = TypeVar("M", bound=RequestMessage)


class Upload(Generic[M]):
    """A request stream whose header has been read and whose bytes are reserved.

    Attributes:
        first: The first message; its header is set.
        priority: The call's priority.
    """

    def __init__(self, source: _Source[M], first: M, kit: Kit) -> None:
        """Use `open_upload` instead."""
        self.first = first
        self.priority: Priority = priority_from_proto(first.header.priority)
        self._source = source
        self._kit = kit
        self._reader = BlobReader(kit.settings.blob_limits)
        for header in first.header.blobs:
            self._reader.announce(header)

    @property
    def announced_bytes(self) -> int:
        """Bytes of all parts together."""
        return sum(header.size_bytes for header in self.first.header.blobs)

    async def blobs(self) -> dict[str, Blob]:
        """Read all announced parts.

        Raises:
            UploadStalled: No message came in time.
            UploadOutOfOrder: A message is not the chunk that must come next.
            BadField: A chunk is empty or too long.
            SizeMismatch: The stream ends early, or a part is longer than announced.
            DigestMismatch: A part has another SHA-256 than announced.
        """
        parts: dict[str, Blob] = {}
        while not self._reader.complete:
            message = await self._source.next()
            if message is None:
                self._reader.check_complete()
                break
            blob = self._reader.add(_chunk_of(message))
            if blob is not None:
                self._kit.metrics.upload_bytes.inc(len(blob.data))
                parts[blob.part] = blob
        return parts

    async def end(self) -> None:
        """Read the end of the stream.

        Raises:
            UploadOutOfOrder: Something came after the announced parts.
            UploadStalled: The client keeps its side open.
        """
        message = await self._source.next()
        if message is not None:
            raise UploadOutOfOrder(
                f"a {message.WhichOneof('message')} came after everything announced was complete; "
                "close the stream after the last chunk"
            )

    async def more(self, patience_s: float | None = None) -> M | None:
        """Read a message after the upload; None at the end of the stream.

        Args:
            patience_s: Seconds that the client may take; None: as between two chunks, within the upload's time.

        Raises:
            UploadStalled: No message came in time.
        """
        return await self._source.next(patience_s)


@contextlib.asynccontextmanager
async def open_upload(messages: AsyncIterator[M], kit: Kit) -> AsyncIterator[Upload[M]]:
    """Read the header of a request and reserve the bytes it announces, as long as the context lasts.

    Raises:
        Loading: The server is starting.
        Draining: It is shutting down.
        UploadOutOfOrder: The stream is empty or does not begin with a header.
        UploadStalled: No message came in time.
        BadField: The header's request id or the parts that it announces are not valid.
        QueueFull: Too many calls are waiting already.
        BytesExhausted: The server has no room for them.
    """
    source = _Source(messages, kit.settings.upload_idle_s, kit.settings.upload_s)
    try:
        kit.check_accepting()
        first = await source.next()
        if first is None:
            raise UploadOutOfOrder("the stream is empty; send a header first")
        kind = first.WhichOneof("message")
        if kind != "header":
            raise UploadOutOfOrder(f"the first message is a {kind or 'message without content'}; send a header first")
        if first.header.request_id:
            name_call(check_request_id(first.header.request_id))
        upload = Upload(source, first, kit)
        kit.compute.check_room(upload.priority)  # Before the upload, which would be in vain.
        with kit.budget.reserve(upload.announced_bytes):
            yield upload
    except UploadStalled:
        raise
    except FashquickError:
        await source.discard_rest()
        raise


class _Source(Generic[M]):
    """The messages of a request stream, with patience that ends."""

    def __init__(self, messages: AsyncIterator[M], idle_s: float, whole_s: float) -> None:
        self._messages = messages
        self._idle_s = idle_s
        self._whole_s = whole_s
        self._deadline = time.monotonic() + whole_s
        self._ended = False

    async def next(self, patience_s: float | None = None) -> M | None:
        """Read the next message; None at the end of the stream."""
        idle_s = self._idle_s if patience_s is None else patience_s
        left = max(0.0, self._deadline - time.monotonic()) if patience_s is None else idle_s
        try:
            # Not wait_for: in Python 3.11 it swallows a cancel that comes together with the message.
            async with asyncio.timeout(min(idle_s, left)):
                message = await anext(self._messages, None)
        except TimeoutError:
            if left < idle_s:
                raise UploadStalled(
                    f"the upload was not complete after {self._whole_s:g} s; send a smaller file, or over a faster line"
                ) from None
            raise UploadStalled(
                f"no message came for {idle_s:g} s; send the next one, or close the stream after the last one"
            ) from None
        except DecodeError:
            raise UploadOutOfOrder(
                "a message is not one of this call; send what its .proto file describes", field="message"
            ) from None
        self._ended = message is None
        return message

    async def discard_rest(self) -> None:
        """Let a refused client finish its upload, for a short while, and keep nothing of it.

        A Python asyncio client whose write meets a call that has just ended reports INTERNAL in place of the
        status that it was sent (grpc/grpc issue 36066).
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_S):
                while not self._ended:
                    with contextlib.suppress(DecodeError):
                        self._ended = await anext(self._messages, None) is None


def _chunk_of(message: RequestMessage) -> blob_pb2.Chunk:
    kind = message.WhichOneof("message")
    if kind == "chunk":
        return message.chunk
    if kind == "header":
        raise UploadOutOfOrder("a second header came; send it exactly once, as the first message")
    raise UploadOutOfOrder(f"a {kind or 'message without content'} came where a chunk was expected")
