"""Every way a call can fail, one exception a cause.

    FashquickError
    ├── InvalidArgumentError                 INVALID_ARGUMENT
    │   ├── BadField                         BAD_FIELD
    │   ├── NotAnImage                       NOT_AN_IMAGE
    │   ├── ImageDamaged                     IMAGE_DAMAGED
    │   ├── ImageTooLarge                    IMAGE_TOO_LARGE
    │   ├── ImageTooSmall                    IMAGE_TOO_SMALL
    │   ├── ImageBlank                       IMAGE_BLANK
    │   ├── UploadOutOfOrder                 UPLOAD_OUT_OF_ORDER
    │   └── BadMask                          BAD_MASK
    ├── FailedPreconditionError              FAILED_PRECONDITION
    │   ├── NoGarment                        NO_GARMENT
    │   ├── PhotoNotUsable                   PHOTO_NOT_USABLE
    │   ├── CategoryNotSupported             CATEGORY_NOT_SUPPORTED
    │   ├── SimulationFailed                 SIMULATION_FAILED
    │   ├── PictureRefused                   PICTURE_REFUSED
    │   ├── ModelNotInstalled                MODEL_NOT_INSTALLED
    │   └── ModelInUse                       MODEL_IN_USE
    ├── DataLossError                        DATA_LOSS
    │   ├── SizeMismatch                     SIZE_MISMATCH
    │   └── DigestMismatch                   DIGEST_MISMATCH
    ├── NotFound                             NOT_FOUND
    ├── RequestIdTaken                       ALREADY_EXISTS, REQUEST_ID_TAKEN
    ├── NotBuilt                             UNIMPLEMENTED, NOT_BUILT
    ├── ResourceExhaustedError               RESOURCE_EXHAUSTED, with a delay after which to try again
    │   ├── QueueFull                        QUEUE_FULL
    │   └── BytesExhausted                   BYTES_EXHAUSTED
    ├── UnavailableError                     UNAVAILABLE, with a delay after which to try again
    │   ├── Loading                          LOADING
    │   ├── Draining                         DRAINING
    │   └── StageUnreachable                 STAGE_UNREACHABLE
    ├── DeadlineExceededError                DEADLINE_EXCEEDED
    │   ├── DeadlinePassed                   DEADLINE_PASSED
    │   └── UploadStalled                    UPLOAD_STALLED
    ├── Cancelled                            CANCELLED
    └── InternalError                        INTERNAL

Engines and image code raise these; `fashquick_common.server.interceptor` alone turns them into a gRPC status with
details (AIP-193), `fashquick_common.rpc.status` turns a status back into them. Anything else that escapes
a handler is a bug and reaches the caller as INTERNAL, without its text.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import ClassVar

# An error travels in gRPC trailers, the message three times, and 8 KiB of trailers is what every peer takes.
# Bytes of UTF-8: names that callers send are told back to them, however long.
MAX_MESSAGE_BYTES = 1000
MAX_FIELD_BYTES = 100
MAX_FACT_BYTES = 200
MAX_FACTS = 6


class Status(IntEnum):
    """gRPC status codes by their number on the wire, so that engines need no gRPC."""

    CANCELLED = 1
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15


def _cut(text: str, most_bytes: int) -> str:
    data = text.encode(errors="replace")
    if len(data) <= most_bytes:
        return text
    mark = "…"
    return data[: most_bytes - len(mark.encode())].decode(errors="ignore") + mark


def drop_frames(error: BaseException) -> None:
    """Let an exception that is kept go of the frames that it came through, and of the pictures in them.

    Frames that refer to what refers to the exception, such as a future, form a cycle that only a garbage
    collection would break.
    """
    error.__traceback__ = error.__context__ = error.__cause__ = None


class FashquickError(Exception):
    """Root of all failures that a caller hears about.

    Attributes:
        status: gRPC status of the answer.
        reason: Name of the `fashquick.common.v1.Reason`, without its prefix.
        message: Plain words: what was wrong, with which value, and what to do; cut to 1,000 bytes.
        metadata: Further facts for programs, such as the stage that failed; strings only. The first six travel.
    """

    status: ClassVar[Status] = Status.INTERNAL
    reason: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, *, metadata: Mapping[str, str] | None = None) -> None:
        """Make the error.

        Args:
            message: Plain words for the caller.
            metadata: Further facts for programs.
        """
        self.message = _cut(message, MAX_MESSAGE_BYTES)
        super().__init__(self.message)
        self.metadata: dict[str, str] = dict(metadata or {})

    def facts(self) -> dict[str, str]:
        """Return as much of `metadata` as may travel: six entries of at most 200 bytes, key and value together."""
        facts: dict[str, str] = {}
        for key, value in list(self.metadata.items())[:MAX_FACTS]:
            name = _cut(key, MAX_FACT_BYTES // 2)
            facts[name] = _cut(value, MAX_FACT_BYTES - len(name.encode(errors="replace")))
        return facts


class InvalidArgumentError(FashquickError):
    """The request is wrong and will stay wrong.

    Attributes:
        field: Path of the field or name of the part that is wrong; empty when it is the request as a whole.
    """

    status = Status.INVALID_ARGUMENT
    reason = "BAD_FIELD"

    def __init__(self, message: str, *, field: str = "", metadata: Mapping[str, str] | None = None) -> None:
        """Make the error; `field` says which part of the request is wrong."""
        super().__init__(message, metadata=metadata)
        self.field = _cut(field, MAX_FIELD_BYTES)


class BadField(InvalidArgumentError):
    """A field has a value outside its limits."""


class NotAnImage(InvalidArgumentError):
    """The bytes are not a picture in a format that is read here."""

    reason = "NOT_AN_IMAGE"


class ImageDamaged(InvalidArgumentError):
    """The picture is damaged or cut short."""

    reason = "IMAGE_DAMAGED"


class ImageTooLarge(InvalidArgumentError):
    """The picture has more pixels or bytes than the limits allow."""

    reason = "IMAGE_TOO_LARGE"


class ImageTooSmall(InvalidArgumentError):
    """The picture has fewer pixels than the limits allow."""

    reason = "IMAGE_TOO_SMALL"


class ImageBlank(InvalidArgumentError):
    """The picture is one colour or fully transparent."""

    reason = "IMAGE_BLANK"


class UploadOutOfOrder(InvalidArgumentError):
    """Stream messages came in an order the protocol does not allow."""

    reason = "UPLOAD_OUT_OF_ORDER"


class BadMask(InvalidArgumentError):
    """A mask is empty, full, or of another size than its photo."""

    reason = "BAD_MASK"


class FailedPreconditionError(FashquickError):
    """The request is well formed, but its content or this installation cannot serve it."""

    status = Status.FAILED_PRECONDITION
    reason = "PHOTO_NOT_USABLE"


class NoGarment(FailedPreconditionError):
    """No garment was found in the photo."""

    reason = "NO_GARMENT"


class PhotoNotUsable(FailedPreconditionError):
    """A garment is there, but this photo of it cannot be used."""


class CategoryNotSupported(FailedPreconditionError):
    """The backend has no renderer for this kind of garment."""

    reason = "CATEGORY_NOT_SUPPORTED"


class SimulationFailed(FailedPreconditionError):
    """The cloth simulation did not reach a usable result."""

    reason = "SIMULATION_FAILED"


class PictureRefused(FailedPreconditionError):
    """A safety checker, where it was asked for, refuses the picture that was made; metadata says in which region."""

    reason = "PICTURE_REFUSED"


class ModelNotInstalled(FailedPreconditionError):
    """A backend or its weights are not installed."""

    reason = "MODEL_NOT_INSTALLED"


class ModelInUse(FailedPreconditionError):
    """A model cannot be unloaded now: calls compute with it, or it is just being loaded."""

    reason = "MODEL_IN_USE"


class DataLossError(FashquickError):
    """The bytes that arrived are not those that were announced; sending them once more may help."""

    status = Status.DATA_LOSS
    reason = "SIZE_MISMATCH"


class SizeMismatch(DataLossError):
    """More or fewer bytes arrived than the header announced."""


class DigestMismatch(DataLossError):
    """The SHA-256 of the bytes is not the announced one."""

    reason = "DIGEST_MISMATCH"


class NotFound(FashquickError):
    """The thing asked for does not exist."""

    status = Status.NOT_FOUND
    reason = "NOT_FOUND"


class RequestIdTaken(FashquickError):
    """The request id was used before with another request."""

    status = Status.ALREADY_EXISTS
    reason = "REQUEST_ID_TAKEN"


class NotBuilt(FashquickError):
    """The contract has this feature, this server does not."""

    status = Status.UNIMPLEMENTED
    reason = "NOT_BUILT"


class RetryableError(FashquickError):
    """The same request may succeed later or elsewhere.

    Attributes:
        retry_after_s: Seconds to wait before trying again.
    """

    def __init__(self, message: str, *, retry_after_s: float, metadata: Mapping[str, str] | None = None) -> None:
        """Make the error; `retry_after_s` is sent as RetryInfo."""
        super().__init__(message, metadata=metadata)
        self.retry_after_s = retry_after_s


class ResourceExhaustedError(RetryableError):
    """The server has no room for this call now; another replica may."""

    status = Status.RESOURCE_EXHAUSTED
    reason = "QUEUE_FULL"


class QueueFull(ResourceExhaustedError):
    """The waiting line for the compute thread is full."""


class BytesExhausted(ResourceExhaustedError):
    """The bytes of all uploads in progress would exceed the server's budget."""

    reason = "BYTES_EXHAUSTED"


class UnavailableError(RetryableError):
    """The server cannot take calls now."""

    status = Status.UNAVAILABLE
    reason = "STAGE_UNREACHABLE"


class Loading(UnavailableError):
    """The server is starting and not ready yet."""

    reason = "LOADING"


class Draining(UnavailableError):
    """The server is shutting down and takes no new calls."""

    reason = "DRAINING"


class StageUnreachable(UnavailableError):
    """A stage service could not be reached."""


class DeadlineExceededError(FashquickError):
    """Time ran out; the computation was stopped."""

    status = Status.DEADLINE_EXCEEDED
    reason = "DEADLINE_PASSED"


class DeadlinePassed(DeadlineExceededError):
    """The call's deadline has passed."""

    def __init__(
        self,
        message: str = "the deadline passed; the computation was stopped; give the call more time",
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Make the error with its usual message."""
        super().__init__(message, metadata=metadata)


class UploadStalled(DeadlineExceededError):
    """No chunk came for longer than the upload's idle limit."""

    reason = "UPLOAD_STALLED"


class Cancelled(FashquickError):
    """The caller went away; the computation was stopped."""

    status = Status.CANCELLED
    reason = "CANCELLED"

    def __init__(
        self,
        message: str = "the call was cancelled; the computation was stopped",
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Make the error with its usual message."""
        super().__init__(message, metadata=metadata)


class InternalError(FashquickError):
    """A bug in the server; the log line with the same request id has the cause."""
