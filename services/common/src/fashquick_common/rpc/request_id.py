"""Request ids: one job's name in every stage's metadata, log lines and traces."""

from __future__ import annotations

import re
import uuid

from fashquick_common.errors import BadField

REQUEST_ID_KEY = "x-request-id"
MAX_REQUEST_ID_CHARS = 128
_PRINTABLE = re.compile(rf"[\x21-\x7e]{{1,{MAX_REQUEST_ID_CHARS}}}")


def new_request_id() -> str:
    """Make an id that no other job has."""
    return uuid.uuid4().hex


def valid_request_id(value: str) -> bool:
    """Tell whether a text is 1 to 128 printable ASCII characters without spaces."""
    return _PRINTABLE.fullmatch(value) is not None


def check_request_id(value: str) -> str:
    """Return the id, or a new one when it is empty.

    Raises:
        BadField: It is too long or has characters that do not belong in a log line.
    """
    if not value:
        return new_request_id()
    if not valid_request_id(value):
        raise BadField(
            f"request_id {value[:MAX_REQUEST_ID_CHARS]!r} is not 1 to {MAX_REQUEST_ID_CHARS} printable ASCII "
            "characters without spaces",
            field="request_id",
        )
    return value
