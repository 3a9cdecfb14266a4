"""Errors on the wire: exactly one ErrorInfo in the domain `fashquick`, and at most one of each other detail.

The details follow AIP-193 and travel as `google.rpc.Status` in the trailer `grpc-status-details-bin`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import cast

import grpc
from google.protobuf import duration_pb2
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

from fashquick_common import errors
from fashquick_common.errors import FashquickError

DOMAIN = "fashquick"
DETAILS_TRAILER = "grpc-status-details-bin"
PUSHBACK_TRAILER = "grpc-retry-pushback-ms"
_RECONNECT_S = 0.1  # Another replica may be at hand; each attempt adds a pause of its own.
_CODES = {code.value[0]: code for code in grpc.StatusCode}


def _subclasses(root: type[FashquickError]) -> Iterator[type[FashquickError]]:
    for child in root.__subclasses__():
        yield child
        yield from _subclasses(child)


def error_classes() -> dict[str, type[FashquickError]]:
    """Return the exception that stands for each reason."""
    tree = [cls for cls in _subclasses(FashquickError) if cls.__module__ == errors.__name__]
    parents = {parent for cls in tree for parent in cls.__bases__}
    return {cls.reason: cls for cls in tree if cls not in parents}


def code_of(error: FashquickError) -> grpc.StatusCode:
    """Return the gRPC status code of an error."""
    return _CODES[int(error.status)]


def trailers_of(error: FashquickError) -> tuple[tuple[str, str | bytes], ...]:
    """Return the trailing metadata that carries an error's details."""
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.facts()),
    ]
    trailers: list[tuple[str, str | bytes]] = []
    if isinstance(error, errors.InvalidArgumentError):
        violation = error_details_pb2.BadRequest.FieldViolation(field=error.field, description=error.message)
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if isinstance(error, errors.FailedPreconditionError):
        cause = error_details_pb2.PreconditionFailure.Violation(type=error.reason, description=error.message)
        details.append(error_details_pb2.PreconditionFailure(violations=[cause]))
    if isinstance(error, errors.RetryableError):
        milliseconds = round(error.retry_after_s * 1000)
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(milliseconds)
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
        if isinstance(error, errors.ResourceExhaustedError):
            trailers.append((PUSHBACK_TRAILER, str(milliseconds)))
    status = status_pb2.Status(code=int(error.status), message=error.message)
    for detail in details:
        status.details.add().Pack(detail)
    trailers.append((DETAILS_TRAILER, status.SerializeToString()))
    return tuple(trailers)


def error_from_rpc(call: grpc.RpcError) -> FashquickError:
    """Turn the failure of a call back into the exception that the server raised.

    A failure without our details (a peer that is not fashquick, a broken connection) becomes the closest
    exception: UNAVAILABLE is StageUnreachable, and so is CANCELLED, for a caller that cancels hears of it from its
    own side; an unknown status is InternalError.
    """
    code, text, trailers = _parts_of(call)
    status = _status_in(trailers)
    if status is None:
        return _without_details(code, text)
    info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    for detail in status.details:
        for message in (info, bad_request, retry):
            if detail.Is(message.DESCRIPTOR):
                detail.Unpack(message)
    cls = error_classes().get(info.reason)
    if info.domain != DOMAIN or cls is None:
        return _without_details(code, status.message or text)
    metadata = dict(info.metadata)
    if issubclass(cls, errors.RetryableError):
        return cls(status.message, retry_after_s=retry.retry_delay.ToMilliseconds() / 1000, metadata=metadata)
    if issubclass(cls, errors.InvalidArgumentError):
        field = bad_request.field_violations[0].field if bad_request.field_violations else ""
        return cls(status.message, field=field, metadata=metadata)
    return cls(status.message, metadata=metadata)


def _parts_of(call: grpc.RpcError) -> tuple[grpc.StatusCode, str, list[tuple[str, str | bytes]]]:
    if isinstance(call, (grpc.aio.AioRpcError, grpc.Call)):
        # grpc's types describe an entry as an object without iteration; it is a pair.
        trailers = list(cast("Iterable[tuple[str, str | bytes]]", call.trailing_metadata() or ()))
        return call.code() or grpc.StatusCode.UNKNOWN, call.details() or "", trailers
    return grpc.StatusCode.UNKNOWN, str(call), []


def _status_in(trailers: Sequence[tuple[str, str | bytes]]) -> status_pb2.Status | None:
    for key, value in trailers:
        if key == DETAILS_TRAILER and isinstance(value, bytes):
            status = status_pb2.Status()
            try:
                status.ParseFromString(value)
            except DecodeError:
                return None
            return status
    return None


def _without_details(code: grpc.StatusCode, text: str) -> FashquickError:
    make = _CLOSEST.get(code)
    return make(text) if make else errors.InternalError(f"the server failed with {code.name}: {text}")


_CLOSEST: dict[grpc.StatusCode, Callable[[str], FashquickError]] = {
    grpc.StatusCode.UNAVAILABLE: lambda text: errors.StageUnreachable(
        f"the server cannot be reached ({text or 'no cause given'}); check that it runs at the address given, "
        "then try again",
        retry_after_s=_RECONNECT_S,
    ),
    grpc.StatusCode.DEADLINE_EXCEEDED: lambda _: errors.DeadlinePassed(),
    grpc.StatusCode.CANCELLED: lambda text: errors.StageUnreachable(
        f"the server dropped the call ({text or 'no cause given'}), it may be ending; try again",
        retry_after_s=_RECONNECT_S,
    ),
    grpc.StatusCode.UNIMPLEMENTED: lambda text: errors.NotBuilt(text or "the server does not have this method"),
    grpc.StatusCode.RESOURCE_EXHAUSTED: lambda text: errors.QueueFull(text, retry_after_s=1.0),
    grpc.StatusCode.INVALID_ARGUMENT: errors.BadField,
}
