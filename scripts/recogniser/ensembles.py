"""Trains the small networks that `fashquick_features.recognition.ensemble` runs."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from fashquick_features.recognition.ensemble import MAX_SIGMA, Ensemble, Weights
from fashquick_features.recognition.pooling import LEAST

SEEDS = (0, 1, 2)  # networks averaged


@dataclass(frozen=True, slots=True)
class Training:
    """How networks are trained.

    Attributes:
        hidden: Units of the hidden layer.
        weight_decay: L2 penalty.
        epochs: Passes over the samples.
        least_scale: Added to the standard deviation of every number: those that hardly vary must not be blown up.
    """

    hidden: int = 48
    weight_decay: float = 3.0
    epochs: int = 40
    least_scale: float = 0.02


def fit(
    x: NDArray[np.float32],
    label: NDArray[np.intp],
    classes: tuple[str, ...],
    training: Training = Training(),
    weight: NDArray[np.float64] | None = None,
) -> Weights:
    """Train an ensemble; its temperature is 1.

    Args:
        x: NxL.
        label: N indices into `classes`; those that do not occur are left out of the ensemble.
        classes: Names.
        training: How.
        weight: How much each sample counts; None: all alike.
    """
    known = np.unique(label)
    mean, scale = x.mean(axis=0), x.std(axis=0) + training.least_scale
    normal = np.clip((x - mean) / scale, -MAX_SIGMA, MAX_SIGMA)
    weights: Weights = {"mean": mean.astype(np.float32), "scale": scale.astype(np.float32)}
    for place, seed in enumerate(SEEDS):
        net = MLPClassifier(
            (training.hidden,), alpha=training.weight_decay, max_iter=training.epochs, random_state=seed
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it is stopped early on purpose
            net.fit(normal, label, sample_weight=weight)
        for layer, (w, b) in enumerate(zip(net.coefs_, net.intercepts_, strict=True), 1):
            weights[f"w{layer}_{place}"] = w.astype(np.float16)
            weights[f"b{layer}_{place}"] = b.astype(np.float32)
    weights["classes"] = np.array([classes[index] for index in known])
    weights["nets"], weights["temperature"] = np.array(len(SEEDS)), np.array(1.0)
    return weights


def predict(weights: Weights, x: NDArray[np.float32], classes: tuple[str, ...]) -> NDArray[np.float64]:
    """Probabilities (NxK) of `classes`, as the service computes them."""
    model = Ensemble(weights)
    rows = [model.probabilities(vector) for vector in x]
    return np.array([[row.get(name, 0.0) for name in classes] for row in rows]).reshape(-1, len(classes))


def pooled(one: NDArray[np.float64], two: NDArray[np.float64], powers: tuple[float, float]) -> NDArray[np.float64]:
    """Log-linear pool of two opinions, NxK each, as `fashquick_features.recognition.pooling` does it."""
    logits = powers[0] * np.log(one + LEAST) + powers[1] * np.log(two + LEAST)
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def best_powers(one: NDArray[np.float64], two: NDArray[np.float64], label: NDArray[np.intp]) -> tuple[float, float]:
    """The powers with the least log loss."""
    candidates = [(a, b) for a in np.arange(0.0, 1.61, 0.1) for b in np.arange(0.0, 1.61, 0.1) if a or b]

    def loss(powers: tuple[float, float]) -> float:
        return -float(np.log(pooled(one, two, powers)[np.arange(len(label)), label] + 1e-9).mean())

    one_power, two_power = min(candidates, key=loss)
    return round(float(one_power), 2), round(float(two_power), 2)
