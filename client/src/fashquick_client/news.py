"""What of a try-on's events a caller has not heard yet, when a call is tried again."""

from __future__ import annotations

from fashquick_client.events import Accepted, ConditionMap, Event, Finished, Picture, Progress, StageFinished, Turntable


class News:
    """Tells what a caller has not heard: a second attempt reports the same job from its beginning."""

    def __init__(self) -> None:
        """Begin with a caller who has heard nothing."""
        self._accepted = False
        self._finished: dict[str, set[tuple[int, int]]] = {}
        self._fractions: dict[str, float] = {}

    def has(self, event: Event) -> bool:
        """Tell whether an event is new, which it then is no more."""
        match event:
            case Accepted():
                known, self._accepted = self._accepted, True
                return not known
            case StageFinished(stage, _, garment, view):
                told = self._finished.setdefault(stage, set())
                known = (garment, view) in told
                told.add((garment, view))
                return not known
            case Progress(stage, _, fraction):
                if stage in self._finished or fraction < self._fractions.get(stage, 0.0):
                    return False
                self._fractions[stage] = fraction
        return True


def is_result(event: Event) -> bool:
    """Tell whether an event must not happen twice."""
    return isinstance(event, (Picture, ConditionMap, Turntable, Finished))
