"""What kind of pattern is on the cloth: what the descriptor says and what the recognition network sees, pooled.

A placed print that was found speaks for a graphic, none against it, by how often either is found on each. The descriptor's part is trained by `scripts/train_pattern.py`; see data/MODEL_CARD.md.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from fashquick_common.garment import PatternGuess, PatternKind, Print
from fashquick_features.pattern.descriptor import Vector
from fashquick_features.recognition.ensemble import Ensemble, read_weights
from fashquick_features.recognition.pooling import pooled

MIN_SURE = 0.5  # confidence below which the likeliest kind is not told: it is more often wrong than right
MIN_CONFIDENCE = 0.01  # less likely kinds are not worth naming
PRINT_STEPS: Final = (0.0, 0.01, 0.5, 0.7, 0.9)  # least confidence of the surest print in each step
MODEL_FILE: Final = "pattern.npz"


class PatternModel:
    """Tells a pattern's kind."""

    def __init__(self, described: Ensemble, powers: tuple[float, float], print_ratios: Sequence[float]) -> None:
        """Make it.

        Args:
            described: The descriptor's networks, whose classes are kinds.
            powers: How much network and descriptor count.
            print_ratios: For the surest print in each of `PRINT_STEPS`: how much likelier it is on a graphic than on
                other cloth.
        """
        self._described = described
        self._powers = powers
        self._print_ratios = tuple(print_ratios)

    def probabilities(
        self, descriptor: Vector, seen: Mapping[PatternKind, float], prints: Iterable[Print] | None = None
    ) -> dict[PatternKind, float]:
        """Calibrated probability of every kind.

        Args:
            descriptor: Result of `descriptor.describe`.
            seen: Probability of every kind by the recognition network.
            prints: Placed prints that were found; None where nobody looked.
        """
        named = {PatternKind(name): share for name, share in self._described.probabilities(descriptor).items()}
        shares = pooled(seen, named, self._powers)
        if prints is None:
            return shares
        shares[PatternKind.GRAPHIC] *= self._print_ratios[print_step(item.confidence for item in prints)]
        total = sum(shares.values())
        return {kind: share / total for kind, share in shares.items()}


def print_step(confidences: Iterable[float]) -> int:
    """Index into `PRINT_STEPS` of the surest print; 0 where there is none."""
    return bisect.bisect_right(PRINT_STEPS, max(confidences, default=0.0)) - 1


def told(shares: Mapping[PatternKind, float]) -> tuple[PatternGuess, ...]:
    """Guesses, likeliest first; empty where the likeliest is below `MIN_SURE`.

    Args:
        shares: Calibrated probability of every kind.
    """
    ranked = sorted(shares.items(), key=lambda item: (-item[1], item[0].value))
    if ranked[0][1] < MIN_SURE:
        return ()
    return tuple(PatternGuess(kind, share) for kind, share in ranked if share >= MIN_CONFIDENCE)


def load_model() -> tuple[PatternModel, str]:
    """Read the model that comes with the distribution, and the SHA-256 of its file in hex."""
    weights, digest = read_weights(MODEL_FILE)
    one, two = (float(power) for power in weights["powers"])
    return PatternModel(Ensemble(weights), (one, two), weights["print_ratios"].tolist()), digest
