"""In the place of SAM 2's decoder: knows the garment of one photo."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from fashquick_common.cancel import CancelFlag
from fashquick_segmentation.sam2.predictor import Answer, Embedding, Predictor
from fashquick_segmentation.sam2.question import Prompt
from tests.unit.segmentation.sam2_weights import SIDE


class Oracle:
    """Answers every prompt with a part of the garment, each prompt with another, the garment, and everything."""

    def __init__(self, truth: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[Prompt] = []
        self.side = SIDE // 4
        small = cv2.resize(truth.astype(np.float32), (self.side, self.side), interpolation=cv2.INTER_AREA)
        self.masks = np.stack([small, small, np.ones_like(small)]) * 20 - 10

        def decode(
            _: Predictor, embedding: Embedding, prompts: Sequence[Prompt], cancel: CancelFlag, *, multimask: bool = True
        ) -> list[Answer]:
            self.asked += prompts
            ious = np.array([0.95, 0.8, 0.9], np.float32)
            if multimask:
                cuts = [self.side * (number + 1) // (len(prompts) + 1) for number in range(len(prompts))]
                return [Answer(self._with_part(cut), ious, embedding.photo_size) for cut in cuts]
            return [Answer(self.masks[1:2].astype(np.float32), ious[1:2], embedding.photo_size) for _ in prompts]

        monkeypatch.setattr(Predictor, "decode", decode)

    def _with_part(self, cut: int) -> np.ndarray:
        masks = self.masks.astype(np.float32)
        masks[0, cut:] = -10
        return masks
