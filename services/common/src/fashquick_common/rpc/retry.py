"""When a whole call may be made again, and after how long.

Only whoever holds the bytes retries: the client library, and the orchestrator for the stages.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from fashquick_common.errors import DataLossError, FashquickError, InternalError, RetryableError, UnavailableError

# Each pause is drawn at random up to this much beyond the server's wish; doubled with every attempt.
_FIRST_SPREAD_S = 0.2
_MOST_SPREAD_S = 2.0


@dataclass(frozen=True, slots=True)
class RetryRules:
    """How persistent a caller is.

    Attributes:
        attempts: Most attempts at a call that a busy or failing server refuses.
        patience_s: Seconds since the first attempt during which a call is made again, beyond `attempts`, to a
            service of which no server can be reached: they restart.
    """

    attempts: int
    patience_s: float = 0.0


class RetryBudget:
    """Bounds the retries of all calls to one service together, so that an overloaded one is not buried in them.

    A token bucket: a retry takes a token, a call brings a part of one.
    """

    def __init__(self, burst: int = 100, ratio: float = 0.2) -> None:
        """Make a full one.

        Args:
            burst: Retries allowed at once, such as those of all calls on a connection that broke.
            ratio: Retries allowed in the long run, for each call.
        """
        self._burst = burst
        self._ratio = ratio
        self._tokens = float(burst)

    def earn(self) -> None:
        """Count a call's first attempt."""
        self._tokens = min(float(self._burst), self._tokens + self._ratio)

    def spend(self) -> bool:
        """Take a retry; tell whether there was one to take."""
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Retries:
    """The attempts at one call."""

    def __init__(self, rules: RetryRules, deadline: float, budget: RetryBudget | None = None) -> None:
        """Begin the first attempt.

        Args:
            rules: How persistent to be.
            deadline: Moment in seconds of `time.monotonic()` after which no attempt begins.
            budget: What the calls to one service share; None: no bound.
        """
        self._rules = rules
        self._deadline = deadline
        self._budget = budget
        self._began = time.monotonic()
        self.attempt = 1
        if budget is not None:
            budget.earn()

    def pause_after(self, error: FashquickError) -> float | None:
        """Return the seconds to wait before the next attempt, which then counts, or None when it makes no sense.

        Args:
            error: Why the last attempt failed. Busy and unavailable servers are worth another one; lost bytes and
                bugs once: twice is no accident.
        """
        if not self._worth_it(error):
            return None
        least = error.retry_after_s if isinstance(error, RetryableError) else 0.0
        spread = min(_MOST_SPREAD_S, _FIRST_SPREAD_S * 2 ** (self.attempt - 1))
        pause = least + random.uniform(0, spread)  # noqa: S311 - spreads load, no secret
        if time.monotonic() + pause >= self._deadline:
            return None
        if self._budget is not None and not self._budget.spend():
            return None
        self.attempt += 1
        return pause

    def _worth_it(self, error: FashquickError) -> bool:
        if isinstance(error, (DataLossError, InternalError)):
            return self.attempt < min(self._rules.attempts, 2)
        if isinstance(error, UnavailableError) and time.monotonic() - self._began < self._rules.patience_s:
            return True
        return isinstance(error, RetryableError) and self.attempt < self._rules.attempts
