"""What went wrong, for people, for programs, and as an exit code."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from fashquick_client.local import LocalServersError
from fashquick_client.photos import printable
from fashquick_common import errors
from fashquick_common.errors import FashquickError, Status


class ExitCode(IntEnum):
    """Exit codes of the command."""

    FINE = 0
    FAILED = 1
    USAGE = 2
    UNAVAILABLE = 3
    REFUSED = 4


# With several files: trouble of the installation before trouble of the call before trouble of one photo.
_GRAVEST_FIRST = (ExitCode.UNAVAILABLE, ExitCode.FAILED, ExitCode.USAGE, ExitCode.REFUSED)

_ABOUT_THE_PHOTO = (
    errors.NotAnImage,
    errors.ImageDamaged,
    errors.ImageTooLarge,
    errors.ImageTooSmall,
    errors.ImageBlank,
    errors.BadMask,
)


class OutputError(Exception):
    """A result could not be written, in words for a person."""


EXPECTED_ERRORS = (FashquickError, OSError, OutputError, LocalServersError, ImportError)
"""What a command reports in one line; anything else is a bug and shows its traceback."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A failure as it is reported.

    Attributes:
        status: Name of the gRPC status, or its nearest for failures on this machine.
        reason: Name of the `fashquick.common.v1.Reason` without its prefix.
        message: Plain words.
        exit_code: What the command ends with if this is all that went wrong.
    """

    status: str
    reason: str
    message: str
    exit_code: ExitCode


def problem_of(error: Exception) -> Problem:
    """Describe one of `EXPECTED_ERRORS`."""
    match error:
        case FashquickError():
            return Problem(error.status.name, error.reason, error.message, _exit_code(error))
        case LocalServersError() | ImportError():
            return Problem(Status.UNAVAILABLE.name, "STAGE_UNREACHABLE", str(error), ExitCode.UNAVAILABLE)
        case OutputError():
            return Problem(Status.INTERNAL.name, "INTERNAL", str(error), ExitCode.FAILED)
        case FileNotFoundError():
            return Problem(Status.NOT_FOUND.name, "NOT_FOUND", _file_message(error), ExitCode.USAGE)
        case IsADirectoryError() | NotADirectoryError() | PermissionError():
            return Problem(Status.INVALID_ARGUMENT.name, "BAD_FIELD", _file_message(error), ExitCode.USAGE)
        case OSError():
            return Problem(Status.INTERNAL.name, "INTERNAL", _file_message(error), ExitCode.FAILED)
    raise error


def problem_report(file: str, problem: Problem) -> dict[str, Any]:
    """Return what the JSON of a command has in the place of a file's result."""
    error = {"status": problem.status, "reason": problem.reason, "message": problem.message}
    return {"file": printable(file), "ok": False, "error": error}


def gravest(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the exit code for several files: the first of 3, 1, 2, 4 that is among them, else 0."""
    present = set(codes)
    return next((code for code in _GRAVEST_FIRST if code in present), ExitCode.FINE)


def _exit_code(error: FashquickError) -> ExitCode:
    if isinstance(error, errors.RetryableError):
        return ExitCode.UNAVAILABLE
    if isinstance(error, (errors.ModelNotInstalled, errors.ModelInUse)):
        return ExitCode.FAILED  # Says nothing about the photo.
    if isinstance(error, (errors.FailedPreconditionError, *_ABOUT_THE_PHOTO)):
        return ExitCode.REFUSED
    if isinstance(error, errors.InvalidArgumentError):
        return ExitCode.USAGE
    return ExitCode.FAILED


def _file_message(error: OSError) -> str:
    if error.filename is None:
        return str(error)
    name = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else str(error.filename)
    match error:
        case FileNotFoundError():
            return f"there is no file {name}"
        case IsADirectoryError():
            return f"{name} is a folder; name a photo"
        case PermissionError():
            return f"{name} cannot be read: permission denied"
    return f"{name}: {error.strerror}"
