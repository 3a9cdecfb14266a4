"""Every row of the table status <-> exception, there and back."""

from __future__ import annotations

import re
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from fashquick.common.v1 import error_pb2
from fashquick_common import errors
from fashquick_common.rpc.status import (
    DETAILS_TRAILER,
    PUSHBACK_TRAILER,
    code_of,
    error_classes,
    error_from_rpc,
    trailers_of,
)

CLASSES = error_classes()
ERROR_PROTO = Path(__file__).parents[3] / "protos/fashquick/common/v1/error.proto"


def make(cls: type[errors.FashquickError]) -> errors.FashquickError:
    metadata = {"stage": "features"}
    if issubclass(cls, errors.RetryableError):
        return cls("what to do", retry_after_s=1.5, metadata=metadata)
    if issubclass(cls, errors.InvalidArgumentError):
        return cls("what to do", field="garments.photos", metadata=metadata)
    return cls("what to do", metadata=metadata)


def as_rpc_error(error: errors.FashquickError) -> grpc.aio.AioRpcError:
    trailers = grpc.aio.Metadata(*trailers_of(error))
    return grpc.aio.AioRpcError(code_of(error), grpc.aio.Metadata(), trailers, details=error.message)


def details_of(error: errors.FashquickError) -> status_pb2.Status:
    [data] = [value for key, value in trailers_of(error) if key == DETAILS_TRAILER]
    assert isinstance(data, bytes)
    return status_pb2.Status.FromString(data)


@pytest.mark.parametrize("reason", CLASSES)
def test_an_error_survives_the_wire(reason: str) -> None:
    sent = make(CLASSES[reason])

    got = error_from_rpc(as_rpc_error(sent))

    assert type(got) is type(sent)
    assert (got.message, got.metadata) == ("what to do", {"stage": "features"})
    assert getattr(got, "field", None) == getattr(sent, "field", None)
    assert getattr(got, "retry_after_s", None) == getattr(sent, "retry_after_s", None)


@pytest.mark.parametrize("reason", CLASSES)
def test_there_is_one_error_info_and_at_most_one_of_each_other_detail(reason: str) -> None:
    details = [detail.TypeName() for detail in details_of(make(CLASSES[reason])).details]

    assert details.count("google.rpc.ErrorInfo") == 1
    assert len(details) == len(set(details))
    info = error_details_pb2.ErrorInfo()
    details_of(make(CLASSES[reason])).details[0].Unpack(info)
    assert (info.domain, info.reason) == ("fashquick", reason)


@pytest.mark.parametrize("reason", CLASSES)
def test_details_fit_the_status(reason: str) -> None:
    error = make(CLASSES[reason])
    details = {detail.TypeName() for detail in details_of(error).details}
    code = code_of(error)

    assert ("google.rpc.BadRequest" in details) == (code is grpc.StatusCode.INVALID_ARGUMENT)
    assert ("google.rpc.PreconditionFailure" in details) == (code is grpc.StatusCode.FAILED_PRECONDITION)
    retryable = code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert ("google.rpc.RetryInfo" in details) == retryable
    pushback = dict(trailers_of(error)).get(PUSHBACK_TRAILER)
    assert pushback == ("1500" if code is grpc.StatusCode.RESOURCE_EXHAUSTED else None)


def test_the_contract_names_every_reason_with_its_status() -> None:
    rows = re.findall(r"// .*?([A-Z_]+)\.\n  REASON_([A-Z_]+) = ", ERROR_PROTO.read_text())
    in_proto = {reason: status for status, reason in rows}

    assert in_proto == {reason: code_of(make(cls)).name for reason, cls in CLASSES.items()}
    assert set(error_pb2.Reason.keys()) == {f"REASON_{reason}" for reason in CLASSES} | {"REASON_UNSPECIFIED"}


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")

    def walk(root: type[errors.FashquickError]) -> list[str]:
        names = []
        # Engines may refine a cause for themselves.
        for child in (child for child in root.__subclasses__() if child.__module__ == errors.__name__):
            # RetryableError only carries a field for two branches; it is no cause.
            names += [*([] if child is errors.RetryableError else [child.__name__]), *walk(child)]
        return names

    assert drawn == walk(errors.FashquickError)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (grpc.StatusCode.UNAVAILABLE, errors.StageUnreachable),
        (grpc.StatusCode.DEADLINE_EXCEEDED, errors.DeadlinePassed),
        (grpc.StatusCode.CANCELLED, errors.StageUnreachable),
        (grpc.StatusCode.UNIMPLEMENTED, errors.NotBuilt),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, errors.QueueFull),
        (grpc.StatusCode.INVALID_ARGUMENT, errors.BadField),
        (grpc.StatusCode.UNKNOWN, errors.InternalError),
    ],
)
@pytest.mark.parametrize("trailer", [None, b"\xff\xff not a status", status_pb2.Status().SerializeToString()])
def test_a_strangers_failure_becomes_the_closest_error(
    code: grpc.StatusCode, expected: type[errors.FashquickError], trailer: bytes | None
) -> None:
    trailers = grpc.aio.Metadata() if trailer is None else grpc.aio.Metadata((DETAILS_TRAILER, trailer))
    failure = grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailers, details="text")

    error = error_from_rpc(failure)

    assert type(error) is expected
    assert expected is not errors.StageUnreachable or "try again" in error.message


@pytest.mark.parametrize("letter", ["x", "ü", "🧵", "\x00"])
@pytest.mark.parametrize("cls", [errors.BadField, errors.NoGarment, errors.QueueFull], ids=lambda cls: cls.__name__)
def test_an_error_fits_the_trailers_that_every_peer_takes(cls: type[errors.FashquickError], letter: str) -> None:
    endless = letter * 1_000_000
    more = {"field": endless} if cls is errors.BadField else {"retry_after_s": 1.0} if cls is errors.QueueFull else {}
    error = cls(endless, metadata={f"{number}{endless}": endless for number in range(100)}, **more)  # type: ignore[arg-type]

    on_the_wire = 3 * len(error.message.encode())  # Percent-encoded.
    for key, value in trailers_of(error):
        on_the_wire += 32 + len(key) + len(value) * 4 // 3  # RFC 7541 counts 32 an entry; base64.
    assert on_the_wire < 8 * 1024
    assert error.message.startswith(letter)
    assert code_of(error_from_rpc(as_rpc_error(error))) == code_of(error)
