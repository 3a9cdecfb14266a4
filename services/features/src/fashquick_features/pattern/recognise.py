"""What kind of pattern is on the cloth: what the descriptor says and what the recognition network sees, pooled.

The descriptor's part is trained by `scripts/train_pattern.py`; see data/MODEL_CARD.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fashquick_common.garment import PatternGuess, PatternKind
from fashquick_features.pattern.descriptor import Vector
from fashquick_features.recognition.ensemble import Ensemble, read_weights
from fashquick_features.recognition.pooling import pooled

MIN_SURE = 0.5  # confidence below which the likeliest kind is not told: it is more often wrong than right
MIN_CONFIDENCE = 0.01  # less likely kinds are not worth naming
MODEL_FILE: Final = "pattern.npz"


class PatternModel:
    """Tells a pattern's kind."""

    def __init__(self, described: Ensemble, powers: tuple[float, float]) -> None:
        """Take the descriptor's networks, whose classes are kinds, and how much network and descriptor count."""
        self._described = described
        self._powers = powers

    def probabilities(self, descriptor: Vector, seen: Mapping[PatternKind, float]) -> dict[PatternKind, float]:
        """Calibrated probability of every kind.

        Args:
            descriptor: Result of `descriptor.describe`.
            seen: Probability of every kind by the recognition network.
        """
        named = {PatternKind(name): share for name, share in self._described.probabilities(descriptor).items()}
        return pooled(seen, named, self._powers)

    def guess(self, descriptor: Vector, seen: Mapping[PatternKind, float]) -> tuple[PatternGuess, ...]:
        """Tell what is on the cloth: `told` of `probabilities`."""
        return told(self.probabilities(descriptor, seen))


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
    return PatternModel(Ensemble(weights), (one, two)), digest
