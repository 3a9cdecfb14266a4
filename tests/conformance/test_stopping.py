"""Computing: a cancel and a deadline really stop it, and a line that is full refuses at once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from fashquick_common import errors
from tests.conformance.checks import check_answered, check_error
from tests.conformance.target import ANSWER_S, CALL_S, Call, Target, wait_until

MOST_CALLS = 9  # At a time: work for long enough to be seen, in lines of any length.
DEADLINE_S = 0.3
BEGIN_S = 20.0


@contextlib.contextmanager
def _calls(target: Target, count: int, timeout: float = CALL_S) -> Iterator[list[Call]]:
    """Calls at the same time; those that are left are cancelled in the end."""
    calls = [target.start(target.contract.request(), timeout) for _ in range(count)]
    try:
        yield calls
    finally:
        for call in calls:
            call.cancel()


def _enough(target: Target) -> int:
    return min(MOST_CALLS, target.limits.queue_length + 1) if target.contract.is_stage else 1


def test_cancel_stops_the_computation(target: Target) -> None:
    target.require_info()
    before = target.info().compute_steps
    with _calls(target, _enough(target)) as calls:
        # The orchestrator computes nothing itself.
        wait_until(
            lambda: target.info().compute_steps > before or (not target.contract.is_stage and bool(calls[0].answers)),
            "the computation to begin",
            BEGIN_S,
        )

    codes = [call.outcome(ANSWER_S).code.name for call in calls]
    if "CANCELLED" not in codes:
        pytest.skip("the server is too quick to be caught computing")
    assert set(codes) <= {"CANCELLED", "OK", "RESOURCE_EXHAUSTED"}
    target.check_computes_nothing()
    target.check_idle()
    target.check_works()


def test_a_deadline_stops_the_computation(target: Target) -> None:
    target.require_info()
    with _calls(target, _enough(target), DEADLINE_S) as calls:
        codes = [call.outcome(DEADLINE_S + ANSWER_S).code.name for call in calls]
    if "DEADLINE_EXCEEDED" not in codes:
        pytest.skip(f"the server answers {len(calls)} calls in {DEADLINE_S:g} s")

    assert set(codes) <= {"DEADLINE_EXCEEDED", "OK", "RESOURCE_EXHAUSTED"}
    target.check_computes_nothing()
    target.check_idle()
    target.check_works()


@pytest.mark.only("segmentation", "features", "generation")
def test_more_calls_than_there_is_room_for_are_refused_at_once_with_a_delay(target: Target) -> None:
    target.require_info()
    with _calls(target, target.limits.queue_length + 6) as calls:
        wait_until(lambda: any(call.ended for call in calls), "an answer or a refusal", CALL_S)
    outcomes = [call.outcome(ANSWER_S) for call in calls]
    refused = [outcome for outcome in outcomes if outcome.code.name not in {"OK", "CANCELLED"}]
    if not refused:
        pytest.skip(f"the server answers {len(calls)} calls more quickly than they can be sent")

    for outcome in refused:
        # Room in the line or for the bytes, whichever ends first.
        assert check_error(outcome).reason in {errors.QueueFull.reason, errors.BytesExhausted.reason}
    target.check_works()


def test_raw_pixels_are_taken_as_well_as_files(target: Target) -> None:
    call = target.start(target.contract.request(blobs=target.contract.raw_blobs()))

    # Progress is enough to see that they were read, and spares the time of a picture.
    wait_until(lambda: bool(call.answers) or call.ended, "an answer", CALL_S)
    call.cancel()

    outcome = call.outcome(ANSWER_S)
    if outcome.code.name != "CANCELLED":
        check_answered(outcome)
    target.check_works()
