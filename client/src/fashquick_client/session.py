"""Questions about one photo on one stream: the photo is uploaded and looked at once, further questions are cheap."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Unpack

from fashquick.segmentation.v1 import segmentation_pb2
from fashquick_client import request
from fashquick_client.answers import SegmentAnswer, cut_short
from fashquick_client.calls import Address, StreamCall, open_stream, retried
from fashquick_client.options import PromptOptions
from fashquick_client.results import Segmentation
from fashquick_common.errors import Cancelled, DeadlinePassed, FashquickError
from fashquick_common.rpc.blobs import Blob

_GOODBYE_S = 5.0  # For the summary of a server that has nothing left to compute.

Messages = AsyncIterator[segmentation_pb2.SegmentRequest]


class SegmentSession:
    """A photo about which one may ask again and again; `Client.segmenting` opens it.

    Questions are answered one after the other. One that fails, is cancelled or takes too long ends the session.
    """

    def __init__(
        self,
        header: segmentation_pb2.SegmentHeader,
        blobs: Sequence[Blob],
        call: Callable[[Messages], StreamCall[segmentation_pb2.SegmentResponse]],
        address: Address,
        timeout_s: float,
    ) -> None:
        """Make it; nothing is sent before the first question.

        Args:
            header: Header of the request.
            blobs: Its parts.
            call: Starts the call, given its messages.
            address: Where it goes.
            timeout_s: Seconds for each question, the first one's with the upload.
        """
        self._header = header
        self._blobs = blobs
        self._call = call
        self._address = address
        self._timeout_s = timeout_s
        self._turn = asyncio.Lock()
        self._number = 0
        self._prompt: segmentation_pb2.Prompt | None = None
        self._pending: asyncio.Task[Segmentation | None] | None = None
        self._closed = False
        # Nothing of an answer must come twice: only the first question is worth a second attempt.
        self._answers = retried(self._attempt, timeout_s=timeout_s, is_result=bool)

    async def ask(self, **prompt: Unpack[PromptOptions]) -> Segmentation:
        """Say where the garment is and is not; return what is found there.

        Each question stands for itself: repeat the points of the one before to refine its answer. A server gives a
        caller up who asks nothing for two minutes, and ours any session after ten.

        Args:
            **prompt: See `PromptOptions`.

        Raises:
            BadField: The prompt says nothing, and was not sent; or it makes no sense for the photo.
            Cancelled: The session has ended.
            NotBuilt: The backend takes no prompts.
            ModelNotInstalled: The server has no SAM 2.
        """
        async with self._turn:
            message = await asyncio.to_thread(request.prompt_message, self._number + 1, **prompt)
            if self._closed:
                raise _ended()
            self._prompt, self._number = message, message.number
            return await self._next(self._timeout_s)

    async def close(self) -> None:
        """End the stream; calling it again changes nothing.

        The server is told that nothing more is asked; what it may still complain about changes no answer. A question
        that is being answered is cancelled.
        """
        idle = self._number > 0 and self._pending is None
        if idle and not self._closed:
            self._closed, self._prompt = True, None
            with contextlib.suppress(FashquickError):
                await self._next(_GOODBYE_S)
        await self.cancel()

    async def cancel(self) -> None:
        """End the stream at once; calling it again changes nothing."""
        self._closed = True
        if self._pending is not None:
            self._pending.cancel()
            await asyncio.wait([self._pending])
        await self._answers.aclose()

    async def _next(self, timeout_s: float) -> Segmentation:
        # A task of its own, so that whoever closes the session can end it without ending the one that asks.
        self._pending = asyncio.create_task(_next_of(self._answers))
        try:
            async with asyncio.timeout(timeout_s):
                found = await self._pending
        except TimeoutError:
            raise DeadlinePassed() from None
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise _ended() from None
        finally:
            self._pending = None
        if found is None:
            raise _ended()
        return found

    async def _attempt(self, _: float) -> AsyncGenerator[Segmentation, None]:
        """One call: answers the prompt that is set, and again whenever it is resumed, until none is."""
        prompts: asyncio.Queue[segmentation_pb2.Prompt | None] = asyncio.Queue()
        answer = SegmentAnswer()
        try:
            async with aclosing(open_stream(self._call(self._messages(prompts)), self._address)) as responses:
                while self._prompt is not None:
                    answer.expect(self._prompt.number)
                    prompts.put_nowait(self._prompt)
                    yield await _result(answer, responses)
                prompts.put_nowait(None)
                async for response in responses:
                    answer.add(response)
        finally:
            prompts.put_nowait(None)  # Lets go of whoever still reads them for a call that has ended.

    async def _messages(self, prompts: asyncio.Queue[segmentation_pb2.Prompt | None]) -> Messages:
        for message in request.segment_messages(self._header, self._blobs):
            yield message
        while (prompt := await prompts.get()) is not None:
            yield segmentation_pb2.SegmentRequest(prompt=prompt)


async def _next_of(answers: AsyncGenerator[Segmentation, None]) -> Segmentation | None:
    return await anext(answers, None)


async def _result(answer: SegmentAnswer, responses: AsyncIterator[segmentation_pb2.SegmentResponse]) -> Segmentation:
    async for response in responses:
        found = answer.add(response)
        if found is not None:
            return found
    raise cut_short("Segment")


def _ended() -> Cancelled:
    return Cancelled("the session has ended; open another one to ask more about the photo")
