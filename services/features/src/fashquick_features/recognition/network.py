"""The recognition network, run by OpenCV's dnn module.

EfficientNet-Lite0 with a linear layer a question, fine-tuned by `scripts/train_recogniser.py`; see
`data/RECOGNISER.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from fashquick_common.garment import Category, Front, Neckline, PatternKind, SleeveLength, TextureClass
from fashquick_features.recognition.ensemble import softmax
from fashquick_features.recognition.packaged import PackagedNetwork
from fashquick_features.shape.outline import Plane
from fashquick_features.shape.upright import Upright

SIDE = 256  # pixels; what the network was trained on
GREY = 128  # of the ground that the garment is laid on
NETWORK_FILE: Final = "recogniser.onnx"
EMBEDDING = 1280  # numbers of the embedding

# The questions and their answers, in the order of the network's outputs.
QUESTIONS: Final[Mapping[str, tuple[StrEnum, ...]]] = {
    "kind": tuple(Category),
    "pattern": tuple(PatternKind),
    "texture": tuple(TextureClass),
    "sleeve": (SleeveLength.NONE, SleeveLength.SHORT, SleeveLength.THREE_QUARTER, SleeveLength.LONG),
    "neckline": tuple(neckline for neckline in Neckline if neckline is not Neckline.NOT_APPLICABLE),
    "front": (Front.CLOSED, Front.OPEN),
}

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Recognition:
    """What the network sees.

    Attributes:
        embedding: EMBEDDING float32, not negative: what the answers are read from.
        kind: Probability of every category; those of each question add up to 1.
        pattern: The same of the kinds of pattern.
        texture: The same of the classes of texture.
        sleeve: The same of the sleeve lengths; says nothing of garments for the legs.
        neckline: The same of the necklines; likewise.
        front: The same of the fronts; likewise.
    """

    embedding: Floats
    kind: Mapping[Category, float]
    pattern: Mapping[PatternKind, float]
    texture: Mapping[TextureClass, float]
    sleeve: Mapping[SleeveLength, float]
    neckline: Mapping[Neckline, float]
    front: Mapping[Front, float]


class Recogniser:
    """The trained network.

    Attributes:
        digest: SHA-256 of the network file in hexadecimal.
    """

    def __init__(self) -> None:
        """Read the network that comes with the distribution.

        Raises:
            ModelNotInstalled: The file is missing or is no network.
        """
        self._network = PackagedNetwork(NETWORK_FILE)
        self.digest = self._network.digest

    def look(self, view: Upright) -> Recognition:
        """Look at a garment.

        Args:
            view: The garment, upright; a longer side of SIDE pixels or more serves best.
        """
        rgb, alpha = square(view.rgb, view.alpha, SIDE)
        share = alpha[..., None].astype(np.float32) / 255
        picture = np.asarray(rgb * share + GREY * (1 - share), np.float32)
        one, two = (output.ravel() for output in self._network.run(picture))
        embedding, logits = (one, two) if len(one) == EMBEDDING else (two, one)
        return Recognition(embedding, **_answers(logits))


def square(rgb: Pixels, alpha: Plane, side: int) -> tuple[Pixels, Plane]:
    """Centre a picture and its mask on squares of grey and of nothing, `side` pixels wide; larger ones are reduced."""
    shrink = side / max(alpha.shape)
    if shrink < 1:
        size = (max(1, round(alpha.shape[1] * shrink)), max(1, round(alpha.shape[0] * shrink)))
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
        alpha = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.uint8)
    height, width = alpha.shape
    top, left = (side - height) // 2, (side - width) // 2
    picture, mask = np.full((side, side, 3), GREY, np.uint8), np.zeros((side, side), np.uint8)
    picture[top : top + height, left : left + width] = rgb
    mask[top : top + height, left : left + width] = alpha
    return picture, mask


def _answers(logits: Floats) -> dict[str, Any]:
    answers, first = {}, 0
    for question, known in QUESTIONS.items():
        shares = softmax(logits[first : first + len(known)].astype(np.float64))
        first += len(known)
        answers[question] = dict(zip(known, shares.tolist(), strict=True))
    return answers
