"""What kind of garment it is: what the network sees in the picture and what the outline says, pooled.

The outline's part is trained by `scripts/train_category.py`; see data/MODEL_CARD.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fashquick_common.garment import Category, CategoryGuess
from fashquick_features.recognition.ensemble import Ensemble, read_weights
from fashquick_features.recognition.pooling import pooled
from fashquick_features.shape.descriptor import Vector

MIN_CONFIDENCE = 0.01  # less likely categories are not worth naming
MODEL_FILE: Final = "category.npz"


class CategoryModel:
    """Tells a garment's kind.

    Attributes:
        powers: How much network and outline count.
    """

    def __init__(self, shapes: Ensemble, powers: tuple[float, float]) -> None:
        """Take the outline's networks, whose classes are categories, and the powers."""
        self._shapes = shapes
        self.powers = powers

    def guess(self, descriptor: Vector, seen: Mapping[Category, float]) -> tuple[CategoryGuess, ...]:
        """Classify a garment.

        Args:
            descriptor: Result of `descriptor.describe`.
            seen: Probability of every category by the recognition network.

        Returns:
            Guesses, likeliest first; confidences are calibrated probabilities.
        """
        outlined = {Category(name): share for name, share in self._shapes.probabilities(descriptor).items()}
        ranked = sorted(pooled(seen, outlined, self.powers).items(), key=lambda item: (-item[1], item[0].value))
        return tuple(CategoryGuess(category, share) for category, share in ranked if share >= MIN_CONFIDENCE)


def load_model() -> tuple[CategoryModel, str]:
    """Read the model that comes with the distribution, and the SHA-256 of its file in hex."""
    weights, digest = read_weights(MODEL_FILE)
    one, two = (float(power) for power in weights["powers"])
    return CategoryModel(Ensemble(weights), (one, two)), digest
