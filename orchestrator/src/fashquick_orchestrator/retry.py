"""Retries of whole stage calls, within the deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from fashquick_common.errors import FashquickError
from fashquick_common.rpc.retry import pause_before_retry

T = TypeVar("T")

log = structlog.get_logger(__name__)


async def with_retries(
    call: Callable[[], Awaitable[T]], *, attempts: int, deadline: float, on_retry: Callable[[], None]
) -> tuple[T, int]:
    """Call until it succeeds; return the result and how many calls it took.

    Args:
        call: Makes one whole call.
        attempts: Most calls.
        deadline: Moment in seconds of `time.monotonic()` after which no new call begins.
        on_retry: Told before every further call.

    Raises:
        FashquickError: The last call's, when no further one is allowed.
    """
    attempt = 1
    while True:
        try:
            return await call(), attempt
        except FashquickError as error:
            pause = pause_before_retry(error, attempt, attempts)
            if pause is None or time.monotonic() + pause >= deadline:
                raise
            log.info("stage.retry", attempt=attempt, reason=error.reason, pause=round(pause, 3))
        on_retry()
        attempt += 1
        await asyncio.sleep(pause)
