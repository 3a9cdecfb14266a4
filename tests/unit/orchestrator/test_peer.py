"""Parts of a stage's answer."""

from __future__ import annotations

import pytest

from fashquick_common.errors import InternalError
from fashquick_common.rpc.blobs import chunks_of, make_blob
from fashquick_orchestrator.peer import Parts


def receive(parts: Parts, count: int) -> None:
    for number in range(count):
        blob = make_blob(f"preview/{number}", b"an early look", media_type="image/jpeg")
        parts.announce(blob.header)
        for chunk in chunks_of(blob):
            parts.add(chunk)
        parts.take(blob.part)


def test_eight_views_of_a_hundred_steps_may_send_an_early_look_at_each() -> None:
    receive(Parts(), 8 * 100 + 8 * 15)


def test_a_stage_that_sends_without_end_is_cut_off() -> None:
    with pytest.raises(InternalError, match="more than 4096 parts"):
        receive(Parts(), 5000)
