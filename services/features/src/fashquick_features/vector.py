"""The feature vector: what makes a garment findable in a catalogue.

Each block's numbers are centred, turned and weighted so that what differs between photos of one garment counts little
and what differs between garments counts much (within-class covariance normalisation: Hatch, Kajarekar, Stolcke,
"Within-class covariance normalization for SVM-based speaker recognition", Interspeech 2006). The projections are
learned by `scripts/train_vector.py`; see `data/VECTOR.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from fashquick_common.garment import FeatureVector, PaletteColour, VectorBlock
from fashquick_features.colour.descriptor import describe
from fashquick_features.recognition.ensemble import Weights, read_weights

MODEL_FILE: Final = "vector.npz"
MAX_SIGMA = 6.0  # odd garments must not drown all else in one number
BLOCKS: Final = ("colour", "pattern", "texture", "shape")

Floats = npt.NDArray[np.float32]


class VectorModel:
    """The trained projections.

    Attributes:
        version: Names the layout: vectors of different versions cannot be compared.
    """

    def __init__(self, weights: Weights) -> None:
        """Take the weights as `scripts/train_vector.py` writes them: per block mean, scale, projection and weight."""
        self.version = str(weights["version"])
        self._blocks = {
            name: tuple(weights[f"{part}_{name}"].astype(np.float32) for part in ("mean", "scale", "projection"))
            for name in BLOCKS
        }
        self._weight = {name: float(weights[f"weight_{name}"]) for name in BLOCKS}

    def assemble(self, numbers: Mapping[str, Floats]) -> FeatureVector:
        """Make the vector of a garment.

        Args:
            numbers: The blocks' raw numbers by name, each float32, finite, of the length that the weights are for.

        Returns:
            The vector, of length 1; each of its blocks has its weight as its norm.
        """
        values: list[float] = []
        blocks = []
        for name, (mean, scale, projection) in self._blocks.items():
            normal = np.clip((numbers[name] - mean) / scale, -MAX_SIGMA, MAX_SIGMA)
            part = (normal @ projection).astype(np.float64)
            length = float(np.linalg.norm(part))
            # A block without anything to tell points nowhere in particular, but has its weight like any other.
            unit = part / length if length > 0 else np.full(len(part), len(part) ** -0.5)
            blocks.append(VectorBlock(name, len(values), len(part), self._weight[name]))
            values += (self._weight[name] * unit).tolist()
        return FeatureVector(self.version, tuple(values), tuple(blocks))


def numbers(
    palette: Sequence[PaletteColour], pattern: Floats, texture: Floats, shape: Floats, embedding: Floats
) -> dict[str, Floats]:
    """What the blocks are made of.

    Args:
        palette: The garment's colours, at least one.
        pattern: Pattern descriptor.
        texture: Texture descriptor.
        shape: Shape descriptor.
        embedding: Of the recognition network.

    Returns:
        Raw float32 numbers by block.
    """
    return {
        "colour": describe(palette),
        "pattern": np.concatenate([pattern, embedding]),
        "texture": texture,
        "shape": shape,
    }


def load_model() -> tuple[VectorModel, str]:
    """Read the projections that come with the distribution, and the SHA-256 of their file in hex."""
    weights, digest = read_weights(MODEL_FILE)
    return VectorModel(weights), digest
