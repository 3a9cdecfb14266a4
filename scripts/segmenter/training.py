"""One round of training: pictures from a generator, AdamW, a cosine schedule, a moving average of the weights."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from .network import GarmentNet
from .synthesis import Synthesis

BATCH = 16
MOST_KEPT = 0.998  # Of the average's weights, at each step.
WARM_UP_STEPS = 60
EDGE_PX = 7  # Errors within it of a label's outline count three times.
REPORT_STEPS = 50


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is trained when.

    Attributes:
        steps: Batches in all.
        sides: Side of the pictures in pixels and the share of the steps at it, in turn.
        rate: Highest learning rate.
        seed: Start of all random numbers.
    """

    steps: int
    sides: tuple[tuple[int, float], ...] = ((192, 0.4), (256, 0.6))
    rate: float = 2e-3
    seed: int = 0

    def side_at(self, step: int) -> int:
        """Side of the pictures of a step."""
        end = 0.0
        for side, share in self.sides:
            end += share * self.steps
            if step < end:
                return side
        return self.sides[-1][0]

    def rate_at(self, step: int) -> float:
        """Learning rate of a step."""
        falling = 0.5 + 0.5 * np.cos(np.pi * step / self.steps)
        return self.rate * min(1.0, (step + 1) / WARM_UP_STEPS) * (0.01 + 0.99 * float(falling))


class _Batches(IterableDataset[tuple[Tensor, Tensor]]):
    def __init__(self, synthesis: Synthesis, schedule: Schedule) -> None:
        self._synthesis = synthesis
        self._schedule = schedule

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        torch.set_num_threads(1)
        for step in range(self._schedule.steps):
            side = self._schedule.side_at(step)
            pictures = np.empty((BATCH, side, side, 3), np.uint8)
            labels = np.empty((BATCH, 1, side, side), np.float32)
            for index in range(BATCH):
                rng = np.random.default_rng((self._schedule.seed, step, index))
                pictures[index], labels[index, 0] = self._synthesis.sample(rng, side)
            yield torch.from_numpy(pictures), torch.from_numpy(labels)


def train(
    net: GarmentNet, synthesis: Synthesis, schedule: Schedule, on_report: Callable[[int, GarmentNet], None]
) -> GarmentNet:
    """Train a network; return the moving average of its weights.

    Args:
        net: Where to start; it is changed.
        synthesis: Makes the pictures.
        schedule: What is trained when.
        on_report: Told the step and the average so far, now and then.
    """
    torch.manual_seed(schedule.seed)
    net.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload] # lacks channels_last
    average = GarmentNet(net.width)
    average.load_state_dict(net.state_dict())
    average.eval()
    optimiser = torch.optim.AdamW(net.parameters(), lr=schedule.rate, weight_decay=1e-3, betas=(0.9, 0.98))
    began, losses = time.monotonic(), 0.0
    batches = DataLoader(_Batches(synthesis, schedule), batch_size=None, num_workers=1, prefetch_factor=6)
    for step, (pictures, labels) in enumerate(batches):
        for group in optimiser.param_groups:
            group["lr"] = schedule.rate_at(step)
        inputs = pictures.permute(0, 3, 1, 2).float().div(255).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            full, half, eighth = net(inputs)
        loss = _loss(full, labels)
        loss = loss + 0.4 * _loss(half, functional.avg_pool2d(labels, 2))
        loss = loss + 0.3 * _loss(eighth, functional.avg_pool2d(labels, 8))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimiser.step()
        follow(average, net, step, most=MOST_KEPT)
        losses += loss.item()
        if (step + 1) % REPORT_STEPS == 0:
            seconds = time.monotonic() - began
            print(f"{step + 1:6d} {seconds:7.0f} s  loss {losses / REPORT_STEPS:.4f}", flush=True)
            losses = 0.0
            on_report(step + 1, average)
    return average


def _loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy, weighted near outlines, and soft Jaccard (Rahman and Wang, ISVC 2016)."""
    logits = logits.float()
    probability = logits.sigmoid()
    entropy = functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    widest = functional.max_pool2d(labels, EDGE_PX, 1, EDGE_PX // 2)
    narrowest = -functional.max_pool2d(-labels, EDGE_PX, 1, EDGE_PX // 2)
    entropy = (entropy * (1 + 2 * (widest - narrowest))).mean()
    both = (probability * labels).sum((1, 2, 3))
    either = (probability + labels - probability * labels).sum((1, 2, 3))
    return entropy + 0.7 * (1 - (both + 1) / (either + 1)).mean()


def follow(average: GarmentNet, net: GarmentNet, step: int, *, most: float) -> None:
    """Bring a moving average of weights on by a step; it keeps at most the part `most` of itself."""
    keep = min(most, (step + 1) / (step + 21))
    with torch.no_grad():
        for mean, now in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(now, 1 - keep)
            else:
                mean.copy_(now)
