"""Whether pattern and texture are kept."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fashquick_common.garment import Pattern, Repeat
from fashquick_features.fidelity.reading import CannotTell

PERIOD_FREE = 0.15  # of a period: folds and perspective change it by as much
PERIOD_LOST = 0.9  # octaves from which on nothing of the period is kept
ANGLE_FREE_DEG = 12.0  # a worn garment hangs by as much askew
ANGLE_LOST_DEG = 50.0
REGULAR = 0.45  # strength from which on a repeat counts: weaker ones come and go with the folds
SAME_REPEAT = 0.5  # what is kept where another kind is told of cloth that repeats as before: stripes taken for a check
SURE_REPEAT = 0.7  # agreement of period and direction that is no accident
UNSEEN = 0.6  # what is kept of a regular pattern of the same kind whose repeat is not found


def pattern_kept(wanted: Pattern, shown: Pattern) -> float:
    """How much of a pattern is kept.

    Cosine between the guesses of both sides, times how far the strongest repeat kept its period and its direction.
    Cloth that repeats as before keeps at least `SAME_REPEAT`, whatever kind it is taken for.

    Args:
        wanted: The garment's pattern.
        shown: The picture's, measured at the same scale.

    Returns:
        0 (another pattern) to 1 (kept).

    Raises:
        CannotTell: It is not known what is on the garment.
    """
    if not wanted.guesses:
        raise CannotTell("what is on the garment's cloth could not be told")
    one = {guess.kind: guess.confidence for guess in wanted.guesses}
    two = {guess.kind: guess.confidence for guess in shown.guesses}
    lengths = float(np.hypot.reduce([*one.values(), 0.0])), float(np.hypot.reduce([*two.values(), 0.0]))
    alike = sum(value * two.get(kind, 0.0) for kind, value in one.items())
    kinds = alike / (lengths[0] * lengths[1]) if min(lengths) > 0 else 0.0
    repeats = [repeat for repeat in wanted.repeats if repeat.strength >= REGULAR]
    if not repeats:
        return float(np.clip(kinds, 0, 1))
    kept = max((_repeat_kept(repeats[0], other) for other in shown.repeats), default=UNSEEN)
    if shown.repeats and kept >= SURE_REPEAT:
        kinds = max(kinds, SAME_REPEAT)
    return float(np.clip(kinds * kept, 0, 1))


def _repeat_kept(wanted: Repeat, shown: Repeat) -> float:
    octaves = abs(float(np.log2(max(shown.period_share, 1e-6) / max(wanted.period_share, 1e-6))))
    free = float(np.log2(1 + PERIOD_FREE))
    period = 1 - np.clip((octaves - free) / (PERIOD_LOST - free), 0, 1)
    turn = abs(wanted.angle_deg - shown.angle_deg) % 180
    turn = min(turn, 180 - turn)
    angle = 1 - np.clip((turn - ANGLE_FREE_DEG) / (ANGLE_LOST_DEG - ANGLE_FREE_DEG), 0, 1)
    return float(np.sqrt(period * angle))


def texture_distance(wanted: npt.NDArray[np.float32], shown: npt.NDArray[np.float32]) -> float:
    """Root mean square difference of two standardised texture descriptors of the same length."""
    apart = wanted.astype(np.float64) - shown.astype(np.float64)
    return float(np.sqrt(np.mean(apart * apart)))
