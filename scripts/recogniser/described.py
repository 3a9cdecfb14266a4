"""Descriptors of many garments with their labels: what the small networks learn from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fashquick_features.passport import VIEW_PX
from fashquick_features.recognition.network import QUESTIONS, Recogniser
from fashquick_features.shape.upright import Upright

from .garments import garments
from .labels import second_labels

Views = Callable[[int], Upright]
"""The garment upright, its longer side of so many pixels."""
Describe = Callable[[Views], NDArray[np.float32]]
SECOND_QUESTIONS = ("kind", "pattern", "texture")


@dataclass(frozen=True, slots=True)
class Described:
    """Garments as their descriptors.

    Attributes:
        x: NxL float32.
        label: N indices of answers.
    """

    x: NDArray[np.float32]
    label: NDArray[np.intp]

    def and_(self, other: Described) -> Described:
        """Both."""
        return Described(np.concatenate([self.x, other.x]), np.concatenate([self.label, other.label]))


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Garments that nothing was learned from.

    Attributes:
        described: Their descriptors, and the labels of the second person.
        seen: NxK: the recognition network's probabilities of the answers.
    """

    described: Described
    seen: NDArray[np.float64]


def photographed(
    photos: Path, masks: Path, question: str, describe: Describe, *, mirrored: bool
) -> tuple[Described, HeldOut]:
    """Describe all photos whose answer is known: those that may be learned from, and those held out.

    Args:
        photos: Folder of the photos.
        masks: Folder of their masks.
        question: Of `QUESTIONS`.
        describe: Makes the descriptor.
        mirrored: Whether photos to learn from come once more, mirrored.
    """
    recogniser, second = Recogniser(), second_labels()
    learned: list[tuple[NDArray[np.float32], int]] = []
    held: list[tuple[NDArray[np.float32], int, list[float]]] = []
    for garment in garments(photos, masks, mirrored=mirrored):
        known = second.get(garment.label.photo, {}) if garment.label.held_out else garment.label.answers
        answer = known.get(question, -1)
        if answer < 0:
            continue
        if garment.label.held_out:
            held.append((describe(garment.view), answer, seen_by(recogniser, garment.view(VIEW_PX), question)))
        else:
            learned.append((describe(garment.view), answer))
    return stacked(learned), HeldOut(stacked((x, label) for x, label, _ in held), np.array([row[2] for row in held]))


def seen_by(recogniser: Recogniser, view: Upright, question: str) -> list[float]:
    """The network's probabilities of a question's answers, in their order."""
    answers: dict[StrEnum, float] = getattr(recogniser.look(view), question)
    return [answers[answer] for answer in QUESTIONS[question]]


def stacked(rows: Iterable[tuple[NDArray[np.float32], int]]) -> Described:
    """Rows of descriptor and label as arrays."""
    x, label = zip(*rows, strict=True)
    return Described(np.array(x, np.float32), np.array(label, np.intp))


def report(title: str, names: Sequence[str], truth: NDArray[np.intp], p: NDArray[np.float64], least: float) -> None:
    """Print accuracy, abstentions, confusions and calibration.

    Args:
        title: What was asked.
        names: Of the answers.
        truth: N indices of the right answers.
        p: NxK probabilities.
        least: Confidence from which on an answer is given.
    """
    guess, sure = p.argmax(axis=1), p.max(axis=1)
    right, told = guess == truth, sure >= least
    print(
        f"{title}: {len(truth)}, all answered: right {right.mean():.3f}; "
        f"abstained {np.mean(~told):.3f}, of the rest right {right[told].mean():.3f}"
    )
    for index, name in enumerate(names):
        own = truth == index
        if own.any():
            taken = {names[other]: int(n) for other, n in enumerate(np.bincount(guess[own])) if n}
            print(f"  {name:14} right {right[own].mean():.2f}  taken for {taken}")
    for low, high in ((0.0, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01)):
        among = (sure >= low) & (sure < high)
        if among.any():
            print(f"  confidence {low:.1f} to {min(high, 1):.1f}: {among.sum()}, right {right[among].mean():.3f}")
