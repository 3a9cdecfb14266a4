"""Fine-tuning: AdamW, a cosine schedule, a moving average of the weights, one loss a question."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from .labels import QUESTIONS, Label, weights_of
from .network import FROZEN_BLOCKS, Recogniser
from .views import plain, varied

BATCH = 32
BODY_RATE = 4e-4
HEAD_RATE = 2e-3
WEIGHT_DECAY = 0.02
SMOOTHING = 0.08  # labels by eye are wrong in 3 % (kind) to 7 % (pattern) of photos
AVERAGE = 0.99  # of the weights, a step
# How much each question counts.
SHARE = {"kind": 1.0, "pattern": 0.8, "texture": 0.4, "sleeve": 0.3, "neckline": 0.4, "front": 0.2}


@dataclass(frozen=True, slots=True)
class Pictures:
    """Upright garments.

    Attributes:
        rgb: NxSxSx3 uint8.
        alpha: NxSxS uint8.
        labels: N labels.
    """

    rgb: NDArray[np.uint8]
    alpha: NDArray[np.uint8]
    labels: list[Label]

    def only(self, keep: NDArray[np.bool_]) -> Pictures:
        """The chosen pictures."""
        labels = [label for label, chosen in zip(self.labels, keep, strict=True) if chosen]
        return Pictures(self.rgb[keep], self.alpha[keep], labels)

    def with_more(self, other: Pictures) -> Pictures:
        """These pictures and others."""
        return Pictures(
            np.concatenate([self.rgb, other.rgb]),
            np.concatenate([self.alpha, other.alpha]),
            [*self.labels, *other.labels],
        )

    def answers(self, question: str) -> NDArray[np.intp]:
        """N indices of answers, -1 where not known."""
        return np.array([label.answers[question] for label in self.labels], np.intp)


def batch_of(pictures: list[NDArray[np.uint8]]) -> Tensor:
    """Nx3xSxS float32 from pictures SxSx3."""
    stacked = torch.from_numpy(np.stack(pictures).transpose(0, 3, 1, 2).astype(np.float32))
    return stacked.contiguous(memory_format=torch.channels_last)


def train(net: Recogniser, pictures: Pictures, epochs: int, seed: int = 0) -> Recogniser:
    """Teach the network; return it with the averaged weights."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    taught = [weight for name, weight in net.body.named_parameters() if not _is_early(name)]
    groups = [{"params": taught, "lr": BODY_RATE}, {"params": list(net.heads.parameters()), "lr": HEAD_RATE}]
    optimiser = torch.optim.AdamW(groups, weight_decay=WEIGHT_DECAY)
    steps = epochs * (len(pictures.labels) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [BODY_RATE, HEAD_RATE], total_steps=steps, pct_start=0.1, cycle_momentum=False
    )
    answers = {question: torch.from_numpy(pictures.answers(question)) for question in QUESTIONS}
    weights = {q: torch.from_numpy(weights_of(pictures.answers(q), len(known))) for q, known in QUESTIONS.items()}
    average, began, losses = copy.deepcopy(net), time.monotonic(), []
    net.train()
    step = 0
    for epoch in range(epochs):
        order = rng.permutation(len(pictures.labels))
        for first in range(0, len(order) - BATCH + 1, BATCH):
            chosen = order[first : first + BATCH]
            x = batch_of([varied(pictures.rgb[i], pictures.alpha[i], rng) for i in chosen])
            with torch.no_grad():
                early = net.early((x - 127) / 128)
            loss = _loss(net.answers(net.pooled(early)), {q: a[chosen] for q, a in answers.items()}, weights)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            step += 1
            _average(average, net, min(AVERAGE, step / (step + 10)))
            losses.append(float(loss.detach()))
        print(f"epoch {epoch + 1}: loss {np.mean(losses[-50:]):.3f}, {time.monotonic() - began:.0f} s", flush=True)
    return average.train(False)


@torch.inference_mode()
def look(net: Recogniser, pictures: Pictures) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Embeddings (NxC) and logits (NxK) of pictures, as in use."""
    embeddings, logits = [], []
    for first in range(0, len(pictures.labels), BATCH):
        part = range(first, min(first + BATCH, len(pictures.labels)))
        one, two = net(batch_of([plain(pictures.rgb[i], pictures.alpha[i]) for i in part]))
        embeddings.append(one.numpy())
        logits.append(two.numpy())
    return np.concatenate(embeddings), np.concatenate(logits)


def _is_early(name: str) -> bool:
    frozen = ("_conv_stem", "_bn0", *(f"_blocks.{index}." for index in range(FROZEN_BLOCKS)))
    return name.startswith(frozen)


def _loss(logits: dict[str, Tensor], answers: dict[str, Tensor], weights: dict[str, Tensor]) -> Tensor:
    total = torch.zeros(())
    for question, values in logits.items():
        known = answers[question] >= 0
        if bool(known.any()):
            loss = functional.cross_entropy(
                values[known], answers[question][known], weights[question], label_smoothing=SMOOTHING
            )
            total = total + SHARE[question] * loss
    return total


@torch.no_grad()
def _average(average: Recogniser, net: Recogniser, keep: float) -> None:
    for old, new in zip(average.parameters(), net.parameters(), strict=True):
        old.lerp_(new, 1 - keep)
