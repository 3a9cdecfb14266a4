"""How a job's time is split over its stages.

A stage may use what is left, less what the stages after it usually need of the whole: a segmentation that hangs
then fails while there is still time to say so, and one that is merely slow borrows from nobody it starves.
"""

from __future__ import annotations

import time

from fashquick_orchestrator.values import Stage

# Shares of a job's time that are held back for each stage, in the order in which a job goes through them: about twice
# their measured shares on two cores, but for generation, which takes most of it.
RESERVED = {
    Stage.IMAGE: 0.05,
    Stage.SEGMENTATION: 0.10,
    Stage.FEATURES: 0.05,
    Stage.GENERATION: 0.50,
    Stage.REPAIR: 0.0,  # Not every job has one; it takes what is left.
    Stage.ENCODING: 0.05,
    Stage.FIDELITY: 0.10,
}
_ORDER = tuple(RESERVED)


class Deadlines:
    """The moments by which each stage must have ended, in seconds of `time.monotonic()`."""

    def __init__(self, seconds: float) -> None:
        """Begin a job that has so many seconds."""
        self._seconds = seconds
        self.end = time.monotonic() + seconds

    def of(self, stage: Stage) -> float:
        """Return the moment by which a stage must have ended."""
        later = sum(RESERVED[other] for other in _ORDER[_ORDER.index(stage) + 1 :])
        return self.end - later * self._seconds

    def remaining(self, stage: Stage) -> float:
        """Return the seconds that a stage has from now; at least 0."""
        return max(0.0, self.of(stage) - time.monotonic())
