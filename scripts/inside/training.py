"""Training of the network that tells a garment's inside from its outside."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch
from segmenter.network import GarmentNet
from segmenter.training import follow
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from fashquick_features.shape.inside import WIDTH

from .pictures import Labelled, varied

BATCH = 16
MOST_KEPT = 0.995
"""Of the average's weights, at each step: shorter trainings forget faster."""
WARM_UP_STEPS = 40
EDGE_PX = 7
EDGE_WEIGHT = 3.0
SHOWN_WEIGHT = 2.0
"""Of pixels that show the inside: missing some is worse than taking a little of the cloth along."""
FOR_LEGS = ("pants", "shorts", "skirt")
"""Folders of garments that hang from the waist, whose inside is a thin strip, and the part of the pictures that show
them."""
LEGS_SHARE = 0.35
GROUND_WEIGHT = 0.05
"""Of pixels outside of the garment, which nobody asks for."""
SHOWING = 0.75
"""Part of the pictures that show some of the inside."""
REPORT_STEPS = 25


class _Batches(IterableDataset[tuple[Tensor, Tensor, Tensor]]):
    def __init__(self, garments: list[Labelled], steps: int, seed: int) -> None:
        self._pools = {
            (legs, shows): [
                one
                for one in garments
                if (one.photo.split("/")[1] in FOR_LEGS) == legs and bool(one.inside.any()) == shows
            ]
            for legs in (True, False)
            for shows in (True, False)
        }
        self._steps, self._seed = steps, seed

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        torch.set_num_threads(1)
        for step in range(self._steps):
            rng = np.random.default_rng((self._seed, step))
            rows = []
            for _ in range(BATCH):
                pool = self._pools[bool(rng.random() < LEGS_SHARE), bool(rng.random() < SHOWING)]
                rows.append(varied(pool[int(rng.integers(len(pool)))], rng))
            rgb, alpha, inside = (torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True))
            yield rgb, alpha[:, None], inside[:, None]


def train(net: GarmentNet, garments: list[Labelled], steps: int, rate: float, seed: int) -> GarmentNet:
    """Train a network; return the moving average of its weights.

    Args:
        net: Where to start; it is changed.
        garments: What is learned from.
        steps: Batches of `BATCH` pictures.
        rate: Highest learning rate.
        seed: Start of all random numbers.
    """
    torch.manual_seed(seed)
    net.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload] # lacks channels_last
    average = GarmentNet(net.width)
    average.load_state_dict(net.state_dict())
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=1e-2, betas=(0.9, 0.98))
    began, losses = time.monotonic(), 0.0
    batches = DataLoader(_Batches(garments, steps, seed), batch_size=None, num_workers=1, prefetch_factor=6)
    for step, (rgb, alpha, inside) in enumerate(batches):
        for group in optimiser.param_groups:
            falling = 0.01 + 0.99 * (0.5 + 0.5 * np.cos(np.pi * step / steps))
            group["lr"] = rate * min(1.0, (step + 1) / WARM_UP_STEPS) * falling
        inputs = rgb.permute(0, 3, 1, 2).float().div(255).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            full, half, eighth = net(inputs)
        label, weight = inside.float().div(255), alpha.float().div(255).clamp(min=GROUND_WEIGHT)
        loss = _loss(full, label, weight)
        loss = loss + 0.4 * _loss(half, functional.avg_pool2d(label, 2), functional.avg_pool2d(weight, 2))
        loss = loss + 0.3 * _loss(eighth, functional.avg_pool2d(label, 8), functional.avg_pool2d(weight, 8))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimiser.step()
        follow(average, net, step, most=MOST_KEPT)
        losses += loss.item()
        if (step + 1) % REPORT_STEPS == 0:
            print(f"{step + 1:6d} {time.monotonic() - began:7.0f} s  loss {losses / REPORT_STEPS:.4f}", flush=True)
            losses = 0.0
    return average.eval()


def _loss(logits: Tensor, label: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy, weighted near edges, and soft Jaccard, both within the garment."""
    logits = logits.float()
    entropy = functional.binary_cross_entropy_with_logits(logits, label, reduction="none")
    widest = functional.max_pool2d(label, EDGE_PX, 1, EDGE_PX // 2)
    narrowest = -functional.max_pool2d(-label, EDGE_PX, 1, EDGE_PX // 2)
    entropy = (entropy * weight * (1 + (SHOWN_WEIGHT - 1) * label) * (1 + EDGE_WEIGHT * (widest - narrowest))).mean()
    probability = logits.sigmoid() * weight
    label = label * weight
    both = (probability * label).sum((1, 2, 3))
    either = (probability + label).sum((1, 2, 3)) - both
    scale = (WIDTH / logits.shape[3]) ** 2
    return entropy + 0.5 * (1 - (both + 10 / scale) / (either + 10 / scale)).mean()
