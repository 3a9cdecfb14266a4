"""Small neural networks whose answers are averaged: what reads kinds, patterns and textures from descriptors."""

from __future__ import annotations

import hashlib
import io
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

MAX_SIGMA = 8.0  # odd inputs must not saturate the networks

Floats = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float32]
Weights = dict[str, npt.NDArray[Any]]


class Ensemble:
    """Networks with one hidden layer each, averaged; made by `scripts/recogniser/ensembles.py`.

    Attributes:
        length: Numbers of the vector that they take.
        classes: Names of what they tell apart.
    """

    def __init__(self, weights: Weights) -> None:
        """Take the weights."""
        self._mean, self._scale = weights["mean"], weights["scale"]
        self._nets = [
            tuple(weights[f"{name}_{index}"].astype(np.float32) for name in ("w1", "b1", "w2", "b2"))
            for index in range(int(weights["nets"]))
        ]
        self._temperature = float(weights["temperature"])
        self.length = len(self._mean)
        self.classes = tuple(str(name) for name in weights["classes"])

    def probabilities(self, vector: Vector) -> dict[str, float]:
        """Calibrated probabilities of the classes; they add up to 1.

        Raises:
            ValueError: The vector has another length, or holds a number that is not finite.
        """
        if vector.shape != (self.length,):
            raise ValueError(f"the vector has shape {vector.shape}; this model takes {self.length} numbers")
        if not np.isfinite(vector).all():
            raise ValueError("the vector holds NaN or infinity")
        normal = np.clip((vector - self._mean) / self._scale, -MAX_SIGMA, MAX_SIGMA).astype(np.float32)
        logits = np.mean([np.maximum(normal @ w1 + b1, 0) @ w2 + b2 for w1, b1, w2, b2 in self._nets], axis=0)
        shares = softmax(logits.astype(np.float64) / self._temperature)
        return dict(zip(self.classes, shares.tolist(), strict=True))


def softmax(logits: Floats) -> Floats:
    """Probabilities of a vector of logits."""
    raised = np.exp(logits - logits.max())
    return np.asarray(raised / raised.sum())


def read_weights(file_name: str) -> tuple[Weights, str]:
    """Read arrays that come with the distribution, never a pickle; and the SHA-256 of their file in hex."""
    content = (files("fashquick_features") / "data" / file_name).read_bytes()
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}, hashlib.sha256(content).hexdigest()
