"""Retries of whole stage calls, by the one who holds the bytes, within the deadline."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from fashquick_common.errors import (
    DataLossError,
    FashquickError,
    InternalError,
    RetryableError,
)

T = TypeVar("T")

log = structlog.get_logger(__name__)

_JITTER = 0.3  # Share of a delay by which callers spread out.
_MIN_DELAY_S = 0.05


def may_retry(error: FashquickError, attempt: int) -> bool:
    """Tell whether the same call may succeed: busy and unavailable servers always, damage and bugs once."""
    if isinstance(error, RetryableError):
        return True
    return isinstance(error, (DataLossError, InternalError)) and attempt == 1


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
    for attempt in range(1, attempts + 1):
        try:
            return await call(), attempt
        except FashquickError as error:
            wait = getattr(error, "retry_after_s", _MIN_DELAY_S)
            delay = max(_MIN_DELAY_S, wait) * (1 + random.uniform(0, _JITTER))  # noqa: S311 - spreads load, no secret
            if attempt == attempts or not may_retry(error, attempt) or time.monotonic() + delay >= deadline:
                raise
            log.info("stage.retry", attempt=attempt, reason=error.reason, delay=round(delay, 3))
        on_retry()
        await asyncio.sleep(delay)
    raise AssertionError("unreachable: the last attempt returns or raises")
