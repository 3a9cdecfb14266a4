"""Two opinions on one question made one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from fashquick_features.recognition.ensemble import softmax

LEAST = 1e-6  # probability under which an opinion counts no further: neither may veto the other

K = TypeVar("K")


def pooled(one: Mapping[K, float], two: Mapping[K, float], powers: tuple[float, float]) -> dict[K, float]:
    """Pool two opinions log-linearly (Genest and Zidek, "Combining probability distributions", 1986, section 3).

    Args:
        one: Probability of every answer.
        two: The same by another expert; an answer that it does not know counts as `LEAST`.
        powers: How much each counts; fitted on photos that neither has learned from.

    Returns:
        Probabilities of the answers of `one`, adding up to 1.
    """
    logits = [
        powers[0] * np.log(share + LEAST) + powers[1] * np.log(two.get(key, 0.0) + LEAST) for key, share in one.items()
    ]
    return dict(zip(one, softmax(np.array(logits)).tolist(), strict=True))
