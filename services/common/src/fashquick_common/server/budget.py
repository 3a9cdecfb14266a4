"""Bytes that calls may hold: reserved from the header, before a chunk is read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from fashquick_common.errors import BytesExhausted

_RETRY_S = 1.0  # About an upload's time.


class ByteBudget:
    """Bytes that all calls in progress may hold together. Used from the event loop only."""

    def __init__(self, total: int, purpose: str) -> None:
        """Make a budget of `total` bytes, none of them taken; `purpose` is for the refusal."""
        self.total = total
        self._purpose = purpose
        self.taken = 0

    @contextlib.contextmanager
    def reserve(self, size: int) -> Iterator[None]:
        """Hold `size` bytes for as long as the context lasts.

        Raises:
            BytesExhausted: Not that many are left.
        """
        if self.taken + size > self.total:
            raise BytesExhausted(
                f"{size} bytes are needed, {self.total - self.taken} of the server's {self.total} for {self._purpose} "
                f"are free; try again in {_RETRY_S:g} s or at another replica",
                retry_after_s=_RETRY_S,
            )
        self.taken += size
        try:
            yield
        finally:
            self.taken -= size
