from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from fashquick_common import errors
from fashquick_common.rpc.retry import Retries, RetryBudget, RetryRules
from fashquick_orchestrator.deadlines import RESERVED, Deadlines
from fashquick_orchestrator.retry import with_retries
from fashquick_orchestrator.values import Stage


class Flaky:
    """Fails with each of the errors in turn, then succeeds."""

    def __init__(self, *failures: errors.FashquickError) -> None:
        self._failures: Iterator[errors.FashquickError] = iter(failures)
        self.retries = 0

    async def call(self) -> str:
        for failure in self._failures:
            raise failure
        return "answer"

    async def run(
        self, attempts: int = 3, seconds: float = 5.0, patience_s: float = 0.0, budget: RetryBudget | None = None
    ) -> Any:
        def count(_: errors.FashquickError) -> None:
            self.retries += 1

        retries = Retries(RetryRules(attempts, patience_s), time.monotonic() + seconds, budget)
        return await with_retries(self.call, retries, count)


def busy(delay: float = 0.01) -> errors.QueueFull:
    return errors.QueueFull("busy", retry_after_s=delay)


async def test_busy_and_unavailable_servers_are_called_again() -> None:
    flaky = Flaky(busy(), errors.Draining("going", retry_after_s=0.01))

    assert await flaky.run() == ("answer", 3)
    assert flaky.retries == 2


@pytest.mark.parametrize("error", [errors.DigestMismatch("x"), errors.SizeMismatch("x"), errors.InternalError("x")])
async def test_damage_and_bugs_are_retried_once(error: errors.FashquickError) -> None:
    assert await Flaky(error).run() == ("answer", 2)
    with pytest.raises(type(error)):
        await Flaky(error, error).run()


@pytest.mark.parametrize(
    "error",
    [errors.NoGarment("x"), errors.BadField("x"), errors.NotBuilt("x"), errors.Cancelled(), errors.DeadlinePassed()],
)
async def test_what_stays_wrong_is_not_retried(error: errors.FashquickError) -> None:
    flaky = Flaky(error)
    with pytest.raises(type(error)):
        await flaky.run()
    assert flaky.retries == 0


async def test_attempts_are_bounded() -> None:
    flaky = Flaky(*[busy()] * 9)
    with pytest.raises(errors.QueueFull):
        await flaky.run(attempts=4)
    assert flaky.retries == 3


async def test_no_call_begins_after_the_deadline() -> None:
    flaky = Flaky(busy(delay=30.0))
    with pytest.raises(errors.QueueFull):
        await flaky.run(seconds=1.0)
    assert flaky.retries == 0


def gone() -> errors.StageUnreachable:
    return errors.StageUnreachable("gone", retry_after_s=0.001)


async def test_a_service_that_restarts_is_called_until_patience_ends() -> None:
    flaky = Flaky(*[gone()] * 4)
    assert await flaky.run(attempts=1, patience_s=5.0) == ("answer", 5)

    with pytest.raises(errors.StageUnreachable):
        await Flaky(*[gone()] * 4).run(attempts=1, patience_s=0.0)


async def test_patience_is_not_for_servers_that_are_busy() -> None:
    with pytest.raises(errors.QueueFull):
        await Flaky(*[busy()] * 4).run(attempts=2, patience_s=5.0)


async def test_all_calls_together_retry_no_more_than_the_budget() -> None:
    budget = RetryBudget(burst=2, ratio=0.5)
    flaky = Flaky(*[gone()] * 9)
    with pytest.raises(errors.StageUnreachable):
        await flaky.run(patience_s=5.0, budget=budget)
    assert flaky.retries == 2

    for _ in range(2):  # Two calls that succeed at once bring one retry.
        assert await Flaky().run(budget=budget) == ("answer", 1)
    assert await Flaky(gone()).run(budget=budget) == ("answer", 2)


def test_a_stage_leaves_time_for_those_after_it() -> None:
    deadlines = Deadlines(100.0)
    ends = [deadlines.of(stage) for stage in RESERVED]

    assert ends == sorted(ends)
    assert ends[-1] == pytest.approx(deadlines.end)
    left_for_generation = deadlines.of(Stage.GENERATION) - deadlines.of(Stage.FEATURES)
    assert left_for_generation == pytest.approx(100 * RESERVED[Stage.GENERATION])
    assert deadlines.remaining(Stage.IMAGE) > 0
    assert Deadlines(0.0).remaining(Stage.GENERATION) == 0.0
