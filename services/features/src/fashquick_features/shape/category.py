"""What kind of garment it is: a small neural network on the shape descriptor.

One hidden layer tells eight broad kinds apart; where a broad kind holds several categories (outerwear: jacket,
coat, vest), a linear layer divides its probability. Trained by `scripts/train_category.py`; see MODEL_CARD.md.
"""

from __future__ import annotations

import hashlib
import io
from importlib.resources import files
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fashquick_common.garment import Category, CategoryGuess
from fashquick_features.shape.descriptor import LENGTH, Vector

MIN_CONFIDENCE = 0.01  # less likely categories are not worth naming
MAX_SIGMA = 8.0  # odd shapes must not saturate the network
MODEL_FILE: Final = "category.npz"

Floats = npt.NDArray[np.float64]
Weights = dict[str, npt.NDArray[Any]]


class CategoryModel:
    """The trained classifier."""

    def __init__(self, weights: Weights) -> None:
        """Take the weights as `scripts/train_category.py` writes them.

        Raises:
            ValueError: They do not fit this version's descriptor.
        """
        if weights["mean"].shape != (LENGTH,):
            raise ValueError(f"the weights are for {weights['mean'].size} features, this version has {LENGTH}")
        self._mean, self._scale = weights["mean"], weights["scale"]
        self._nets = [
            tuple(weights[f"{name}_{index}"].astype(np.float32) for name in ("w1", "b1", "w2", "b2"))
            for index in range(int(weights["nets"]))
        ]
        self._temperature = float(weights["temperature"])
        self._fine_weights, self._fine_bias = weights["fine_w"].astype(np.float32), weights["fine_b"]
        self._fine_group = weights["fine_group"]
        self._fine_category = tuple(Category(str(name)) for name in weights["fine_category"])

    def coarse(self, descriptor: Vector) -> Floats:
        """Probabilities of the broad kinds."""
        normal = self._normal(descriptor)
        logits = [np.maximum(normal @ w1 + b1, 0) @ w2 + b2 for w1, b1, w2, b2 in self._nets]
        return softmax(np.mean(np.stack(logits), axis=0).astype(np.float64) / self._temperature)

    def guess(self, descriptor: Vector) -> tuple[CategoryGuess, ...]:
        """Classify a garment.

        Args:
            descriptor: Result of `descriptor.describe`.

        Returns:
            Guesses, likeliest first; confidences are calibrated probabilities.
        """
        fine = (self._normal(descriptor) @ self._fine_weights + self._fine_bias).astype(np.float64)
        share = dict.fromkeys(self._fine_category, 0.0)
        for group, probability in enumerate(self.coarse(descriptor)):
            members = np.nonzero(self._fine_group == group)[0]
            for member, part in zip(members, softmax(fine[members]), strict=True):
                share[self._fine_category[member]] += float(probability * part)
        ranked = sorted(share.items(), key=lambda item: (-item[1], item[0].value))
        return tuple(CategoryGuess(category, part) for category, part in ranked if part >= MIN_CONFIDENCE)

    def _normal(self, descriptor: Vector) -> Vector:
        return np.asarray(np.clip((descriptor - self._mean) / self._scale, -MAX_SIGMA, MAX_SIGMA), np.float32)


def load_model() -> tuple[CategoryModel, str]:
    """Read the classifier that comes with the distribution, and the SHA-256 of its file in hex."""
    content = (files("fashquick_features") / "data" / MODEL_FILE).read_bytes()
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        weights = {name: arrays[name] for name in arrays.files}
    return CategoryModel(weights), hashlib.sha256(content).hexdigest()


def softmax(logits: Floats) -> Floats:
    """Probabilities of a vector of logits."""
    raised = np.exp(logits - logits.max())
    return np.asarray(raised / raised.sum())
