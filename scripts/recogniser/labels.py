"""What is known about the training photos: labels by eye, and which photos are held out."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fashquick_features.recognition.network import QUESTIONS

ROOT = Path(__file__).resolve().parent.parent.parent
LABELS = ROOT / "benchmarks/data/garment_labels.csv"
SECOND_LABELS = ROOT / "benchmarks/data/garment_labels_second.csv"  # of the set that is held out, by another person
HELD_OUT = "garments"  # the set that nothing is trained on: what the figures in the documents are measured on

# What the folders of the data set may hold: where a label by eye disagrees, the photo teaches no kind.
FOLDERS: dict[str, frozenset[str]] = {
    "dress": frozenset({"dress"}),
    "longsleeve": frozenset({"long-sleeve", "sweater", "jacket", "shirt"}),
    "outwear": frozenset({"jacket", "coat", "vest", "sweater"}),
    "pants": frozenset({"trousers"}),
    "shirt": frozenset({"shirt"}),
    "shorts": frozenset({"shorts"}),
    "skirt": frozenset({"skirt"}),
    "t-shirt": frozenset({"t-shirt", "sleeveless-top"}),
}


@dataclass(frozen=True, slots=True)
class Label:
    """What one photo shows.

    Attributes:
        photo: set/folder/id.
        answers: Index of the answer by question; -1 where it is not known.
    """

    photo: str
    answers: dict[str, int]

    @property
    def held_out(self) -> bool:
        """Whether nothing may be learned from it."""
        return self.photo.split("/")[0] == HELD_OUT


def read_labels() -> list[Label]:
    """Read the labels by eye, in the order of the file."""
    with LABELS.open(newline="") as stream:
        return [_label(row) for row in csv.DictReader(stream)]


def second_labels() -> dict[str, dict[str, int]]:
    """Answers of another person for the photos held out, by photo and question: what accuracy is measured against."""
    with SECOND_LABELS.open(newline="") as stream:
        return {
            row["photo"]: {
                question: known.index(row[question]) if row[question] in known else -1
                for question, known in QUESTIONS.items()
                if question in row
            }
            for row in csv.DictReader(stream)
        }


def _label(row: dict[str, str]) -> Label:
    answers = {
        question: known.index(row[question]) if row[question] in known else -1 for question, known in QUESTIONS.items()
    }
    if row["kind"] not in FOLDERS[row["photo"].split("/")[1]]:
        answers["kind"] = -1
    return Label(row["photo"], answers)


def weights_of(answers: NDArray[np.intp], count: int) -> NDArray[np.float32]:
    """Weight of every answer in the loss: rare ones count more, by the root of how rare they are."""
    seen = np.bincount(answers[answers >= 0], minlength=count).astype(np.float64)
    weights = np.sqrt(seen.max() / np.maximum(seen, 1.0)).clip(1.0, 5.0)
    return np.asarray(weights * len(weights) / weights.sum(), np.float32)
