"""What class of cloth it is: what the descriptor says and what the recognition network sees, pooled; or no answer.

The descriptor's part is trained by `scripts/train_texture.py`; see data/MODEL_CARD.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fashquick_common.garment import TextureClass, TextureGuess
from fashquick_features.recognition.ensemble import Ensemble, Vector, read_weights
from fashquick_features.recognition.pooling import pooled

MIN_CONFIDENCE = 0.01  # less likely classes are not worth naming
MODEL_FILE: Final = "texture.npz"


class TextureModel:
    """Tells a cloth's class, or abstains."""

    def __init__(self, described: Ensemble, powers: tuple[float, float], least: Mapping[TextureClass, float]) -> None:
        """Make it.

        Args:
            described: The descriptor's networks, whose classes are texture classes.
            powers: How much network and descriptor count.
            least: Confidence from which on each class is answered; above 1: never.
        """
        self._described = described
        self._powers = powers
        self._least = least

    def guess(self, descriptor: Vector, seen: Mapping[TextureClass, float]) -> tuple[TextureGuess, ...]:
        """Classify a garment's cloth.

        Args:
            descriptor: Result of `descriptor.describe`.
            seen: Probability of every class by the recognition network.

        Returns:
            Guesses, likeliest first; confidences are calibrated probabilities. None where even the likeliest class
            is less sure than it has to be.
        """
        told = {TextureClass(name): share for name, share in self._described.probabilities(descriptor).items()}
        shares = pooled(seen, told, self._powers)
        ranked = sorted(shares.items(), key=lambda item: (-item[1], item[0].value))
        if ranked[0][1] < self._least[ranked[0][0]]:
            return ()
        return tuple(TextureGuess(name, share) for name, share in ranked if share >= MIN_CONFIDENCE)


def load_model() -> tuple[TextureModel, str]:
    """Read the model that comes with the distribution, and the SHA-256 of its file in hex."""
    weights, digest = read_weights(MODEL_FILE)
    one, two = (float(power) for power in weights["powers"])
    least = {name: float(limit) for name, limit in zip(TextureClass, weights["least"], strict=True)}
    return TextureModel(Ensemble(weights), (one, two), least), digest
