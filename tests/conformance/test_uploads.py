"""Uploads: nothing is sent before they are complete, and every way they can go wrong has its refusal."""

from __future__ import annotations

from typing import Any

import pytest

from fashquick_common import errors
from fashquick_common.rpc.blobs import make_blob
from tests.conformance.checks import check_refused
from tests.conformance.target import ANSWER_S, HeldUpload, Target, wait_until
from tests.support.uploads import CASES

QUIET_S = 0.3  # In which a server that answers too early shows it.
LONG_IDLE_S = 5.0  # Nobody should wait for longer here.
GIVE_UP_S = 3.0  # Within which a server must notice that the idle limit has passed.
BUDGET = "more than the byte budget"  # How much that is, the server says.


def test_nothing_is_sent_before_the_upload_is_complete(target: Target) -> None:
    upload = HeldUpload(target.contract.request())
    call = target.start(upload)
    try:
        upload.wait_sent()
        target.health()  # What was sent before this has arrived.

        if call.begun.wait(min(QUIET_S, target.limits.upload_idle_seconds / 2)):
            assert call.ended, "the server answers before the client has closed its side"
            check_refused(call.outcome(), errors.UploadStalled)  # This machine was too slow to hold the upload open.
    finally:
        call.cancel()
        upload.release()
    target.check_works()


@pytest.mark.parametrize("case", [case for case in CASES if case != BUDGET])
def test_a_bad_upload_is_refused_and_the_next_is_read(target: Target, case: str) -> None:
    make, expected = CASES[case]
    if case == "a hundred parts" and target.limits.max_parts >= 100:
        pytest.skip(f"the server takes {target.limits.max_parts} parts")

    outcome = target.call(make(target.contract.rpc, target.contract.raw_blobs()), ANSWER_S)

    check_refused(outcome, expected)
    target.check_works()


def test_uploads_that_announce_more_than_the_byte_budget_are_refused_with_a_delay(target: Target) -> None:
    limits = target.limits
    if not limits.byte_budget:
        pytest.skip("the server does not say its byte budget")
    sizes = [limits.max_file_bytes] * limits.max_parts
    needed = limits.byte_budget // sum(sizes)
    if needed > 50:
        pytest.skip(f"the byte budget of {limits.byte_budget} takes {needed} uploads to fill")
    blobs = [make_blob(f"p{index}", b"x") for index in range(len(sizes))]
    for blob, size in zip(blobs, sizes, strict=True):
        blob.header.size_bytes = size
    header = target.contract.request(blobs=target.contract.blobs())[:1]
    del header[0].header.blobs[:]
    header[0].header.blobs.extend(blob.header for blob in blobs)
    holders = [HeldUpload(header) for _ in range(needed)]
    calls = [target.start(holder) for holder in holders]
    refusals = []

    def refused() -> bool:
        # It is known when a header was sent, not when it was read: a holder may be the one that is too much.
        ended = [target.call(header, ANSWER_S), *(call.outcome() for call in calls if call.ended)]
        refusals.extend(outcome for outcome in ended if outcome.code.name == "RESOURCE_EXHAUSTED")
        return bool(refusals)

    try:
        wait_until(refused, f"a refusal beyond {limits.byte_budget} announced bytes", 0.9 * limits.upload_idle_seconds)
    finally:
        for call, holder in zip(calls, holders, strict=True):
            call.cancel()
            holder.release()

    check_refused(refusals[0], errors.BytesExhausted)
    target.check_works()


def test_an_upload_that_stalls_is_given_up(target: Target) -> None:
    idle_s = target.limits.upload_idle_seconds
    if idle_s > LONG_IDLE_S:
        pytest.skip(f"the server waits {idle_s:g} s for the next message; give it a shorter limit to see this")
    messages = target.contract.request()
    uploads = {"after the header": HeldUpload(messages[:1]), "before the end": HeldUpload(messages)}
    calls = {name: target.start(upload) for name, upload in uploads.items()}
    try:
        for name, call in calls.items():
            try:
                check_refused(call.outcome(idle_s + GIVE_UP_S), errors.UploadStalled)
            except AssertionError as failure:
                raise AssertionError(f"stalled {name}: {failure}") from failure
    finally:
        for name, call in calls.items():
            call.cancel()
            uploads[name].release()
    target.check_works()


def test_a_client_that_leaves_its_upload_is_forgotten(target: Target) -> None:
    target.require_info()
    upload = HeldUpload(target.contract.request()[:1])
    call = target.start(upload)
    try:
        wait_until(lambda: target.info().calls_in_progress == 1, "the call to be in progress")
        call.cancel()

        wait_until(
            lambda: target.info().calls_in_progress == 0,
            "the call to be forgotten",
            min(ANSWER_S, 0.9 * target.limits.upload_idle_seconds),
        )
    finally:
        upload.release()
    target.check_works()


_BAD_IDS: dict[str, str] = {"a line break": 'x"\n{"level": "error"}', "no ASCII": "Größe", "129 characters": "x" * 129}


@pytest.mark.parametrize("case", _BAD_IDS)
def test_a_request_id_that_could_forge_log_lines_is_refused(target: Target, case: str) -> None:
    def name(header: Any) -> None:
        header.request_id = _BAD_IDS[case]

    outcome = target.call(target.contract.request(name), ANSWER_S)

    check_refused(outcome, errors.BadField)
    target.check_works()


def test_a_part_that_was_not_sent_is_not_looked_for_elsewhere(target: Target) -> None:
    [photo, *others] = target.contract.blobs()
    elsewhere = make_blob("elsewhere", photo.data)

    outcome = target.call(target.contract.rpc.messages([elsewhere, *others]), ANSWER_S)

    check_refused(outcome, errors.BadField)
    target.check_works()
