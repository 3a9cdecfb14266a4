"""What holds of every refusal and of every result."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from google.protobuf import any_pb2
from google.rpc import error_details_pb2

from fashquick_common import errors
from fashquick_common.rpc.blobs import Blob, BlobLimits, BlobReader
from fashquick_common.rpc.status import DOMAIN, PUSHBACK_TRAILER, error_classes
from tests.conformance.target import Outcome

_READ_LIMITS = BlobLimits(max_part_bytes=256 * 1024 * 1024, max_parts=1000)
_LETTERS = {
    "accepted": "a",
    "blob": "b",
    "chunk": "c",
    "manifest": "m",
    "part": "b",
    "progress": "p",
    "result": "r",
    "stage_finished": "f",
    "summary": "s",
    "view": "v",
}


def check_refused(outcome: Outcome, expected: type[errors.FashquickError]) -> None:
    """The call was refused for this reason, in the form that docs/protocol.md promises."""
    info = check_error(outcome)
    assert (outcome.code.name, info.reason) == (expected.status.name, expected.reason), outcome.message


def check_error(outcome: Outcome) -> error_details_pb2.ErrorInfo:
    """The failure has the form of AIP-193 and its reason is one of its status; return its ErrorInfo."""
    status = outcome.status
    assert status.code == outcome.code.value[0]
    assert status.message == outcome.message
    assert outcome.message, f"{outcome.code.name} says nothing to people"
    kinds = [detail.TypeName() for detail in status.details]
    assert len(kinds) == len(set(kinds)), f"more than one detail of a kind: {kinds}"

    info = _detail(status.details, error_details_pb2.ErrorInfo)
    assert info.domain == DOMAIN
    assert info.reason in error_classes(), f"no reason of fashquick.common.v1.Reason: {info.reason!r}"
    assert error_classes()[info.reason].status.name == outcome.code.name, f"{info.reason} with {outcome.code.name}"

    match outcome.code.name:
        case "INVALID_ARGUMENT":
            request = _detail(status.details, error_details_pb2.BadRequest)
            assert all(violation.description for violation in request.field_violations)
            assert request.field_violations
        case "FAILED_PRECONDITION":
            assert _detail(status.details, error_details_pb2.PreconditionFailure).violations
        case "RESOURCE_EXHAUSTED" | "UNAVAILABLE":
            delay = _detail(status.details, error_details_pb2.RetryInfo).retry_delay.ToMilliseconds()
            assert delay > 0
            if outcome.code.name == "RESOURCE_EXHAUSTED":
                assert int(outcome.trailers[PUSHBACK_TRAILER]) == delay
    return info


def _detail(details: Any, kind: type[Any]) -> Any:
    packed: list[any_pb2.Any] = [detail for detail in details if detail.Is(kind.DESCRIPTOR)]
    assert packed, f"no {kind.DESCRIPTOR.name} among {[detail.TypeName() for detail in details]}"
    message = kind()
    assert packed[0].Unpack(message)
    return message


def check_answered(outcome: Outcome) -> list[Any]:
    """The call ended well; return its answers."""
    assert outcome.code.name == "OK", f"{outcome.code.name}: {outcome.message}"
    return outcome.answers


def order_of(answers: list[Any]) -> str:
    """The kinds of the answers, a letter each: a(ccepted), p(rogress), r(esult) and so on; b for a part's header."""
    return "".join(_LETTERS.get(answer.WhichOneof("message"), "") for answer in answers)


def check_parts(answers: list[Any], previews: Collection[str] = ()) -> dict[str, Blob]:
    """Every part is announced, has the bytes and the digest that its header says, and is in the summary; return them.

    Args:
        answers: All answers of a call.
        previews: Names of the parts that the summary leaves out.
    """
    reader, parts = BlobReader(_READ_LIMITS), {}
    for answer in answers:
        kind = answer.WhichOneof("message")
        if kind in ("part", "blob"):
            assert reader.complete, "a part is announced before the one before it is complete"
            reader.announce(answer.part.blob if kind == "part" else answer.blob)
        elif kind == "chunk":
            blob = reader.add(answer.chunk)
            if blob is not None:
                parts[blob.part] = blob
    reader.check_complete()
    result = {part: blob for part, blob in parts.items() if part not in previews}
    summary = list(answers[-1].summary.blobs)
    assert [header.part for header in summary] == list(result), "the summary lists other parts than were sent"
    assert summary == [blob.header for blob in result.values()], "the summary's headers are not those sent before"
    return result


def check_progress(progress: list[Any]) -> None:
    """Fractions lie in 0 to 1 and never fall."""
    fractions = [message.fraction for message in progress]
    assert fractions == sorted(fractions)
    assert all(0 <= fraction <= 1 for fraction in fractions)
    assert all(message.step for message in progress)


def check_maker(answer: Any) -> None:
    """A result says which backend of which version made it, and in which time."""
    assert answer.backend
    assert answer.version
    assert len(bytes.fromhex(answer.backend_digest)) == 32
    assert answer.compute_seconds >= 0
