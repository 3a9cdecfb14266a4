"""What a call hears of its job."""

from __future__ import annotations

import dataclasses

from fashquick_common.server.latest import Latest
from fashquick_generation.engine import Event, Picture, Progress, Turntable


class Hearing:
    """Passes events on from the compute thread, each thing once.

    A batch that fails is done again, call by call: what a caller has been told of it stays told, and progress does not
    fall.
    """

    def __init__(self, events: Latest[Event]) -> None:
        """Make it for one call; of progress and previews only the newest matters, every picture does."""
        self._events = events
        self._told: set[str] = set()
        self._fraction = 0.0

    def __call__(self, event: Event) -> None:
        """Hear an event. Called from the computing thread."""
        if isinstance(event, Progress):
            self._fraction = max(self._fraction, event.fraction)
            kind = "progress" if event.preview is None else "preview"
            self._events.put(kind, dataclasses.replace(event, fraction=self._fraction))
            return
        kind = _name(event)
        if kind not in self._told:
            self._told.add(kind)
            self._events.put(kind, event)


def _name(event: Picture | Turntable) -> str:
    return f"view {event.view}" if isinstance(event, Picture) else "turntable"
