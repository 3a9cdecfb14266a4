"""When a whole call may be made again, and after how long.

Only whoever holds the bytes retries: the client library, and the orchestrator for the stages.
"""

from __future__ import annotations

import random

from fashquick_common.errors import DataLossError, FashquickError, InternalError, RetryableError

_FIRST_SPREAD_S = 0.2  # Doubled with every attempt; each pause is drawn at random up to this much beyond the server's.


def pause_before_retry(error: FashquickError, attempts: int, most: int) -> float | None:
    """Return the seconds to wait before the next attempt, or None when it makes no sense.

    Args:
        error: Why the last attempt failed. Busy and unavailable servers are worth another one; lost bytes and
            bugs once: twice is no accident.
        attempts: Attempts so far, 1 or more.
        most: Attempts in all.
    """
    if isinstance(error, (DataLossError, InternalError)):
        most = min(most, 2)
    elif not isinstance(error, RetryableError):
        return None
    if attempts >= most:
        return None
    least = error.retry_after_s if isinstance(error, RetryableError) else 0.0
    return least + random.uniform(0, _FIRST_SPREAD_S * 2 ** (attempts - 1))  # noqa: S311 - spreads load, no secret
