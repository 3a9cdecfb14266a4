"""What of a try-on's events a caller has not heard yet, when a call is tried again."""

from __future__ import annotations

from collections import Counter

from fashquick_client.events import Accepted, ConditionMap, Event, Finished, Picture, Progress, StageFinished, Turntable


class News:
    """Tells what a caller has not heard: a second attempt reports the same job from its beginning."""

    def __init__(self) -> None:
        """Begin with a caller who has heard nothing."""
        self._accepted = False
        self._finished: Counter[tuple[str, int, int]] = Counter()
        self._again: Counter[tuple[str, int, int]] = Counter()  # The same, of the present attempt.
        self._ended: set[str] = set()
        self._fractions: dict[str, float] = {}

    def has(self, event: Event) -> bool:
        """Tell whether an event is new, which it then is no more."""
        match event:
            case Accepted():
                self._again.clear()
                known, self._accepted = self._accepted, True
                return not known
            case StageFinished(stage, _, garment, view):
                # A garment that is repaired is compared with its picture more than once.
                self._ended.add(stage)
                self._again[stage, garment, view] += 1
                known = self._again[stage, garment, view] <= self._finished[stage, garment, view]
                self._finished |= self._again
                return not known
            case Progress(stage, _, fraction):
                if stage in self._ended or fraction < self._fractions.get(stage, 0.0):
                    return False
                self._fractions[stage] = fraction
        return True


def is_result(event: Event) -> bool:
    """Tell whether an event must not happen twice."""
    return isinstance(event, (Picture, ConditionMap, Turntable, Finished))
