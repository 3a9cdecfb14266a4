"""Retries of whole stage calls, within the deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from fashquick_common.errors import FashquickError
from fashquick_common.rpc.retry import Retries

T = TypeVar("T")

log = structlog.get_logger(__name__)


async def with_retries(
    call: Callable[[], Awaitable[T]], retries: Retries, on_retry: Callable[[FashquickError], None]
) -> tuple[T, int]:
    """Call until it succeeds; return the result and how many calls it took.

    Args:
        call: Makes one whole call.
        retries: When to call again.
        on_retry: Told before every further call why it is made.

    Raises:
        FashquickError: The last call's, when no further one is allowed.
    """
    while True:
        attempt = retries.attempt
        try:
            return await call(), attempt
        except FashquickError as error:
            pause = retries.pause_after(error)
            if pause is None:
                raise
            log.info("stage.retry", attempt=attempt, reason=error.reason, pause=round(pause, 3))
            on_retry(error)
        await asyncio.sleep(pause)
