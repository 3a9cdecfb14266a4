#!/usr/bin/env python3
"""Trains the network that tells a garment's inside from its outside, and writes it as ONNX.

    FASHQUICK_PHOTOS=DIR python scripts/train_inside.py train --masks DIR OUT.safetensors [--start BEFORE.safetensors]
    FASHQUICK_PHOTOS=DIR python scripts/train_inside.py check --masks DIR CHECKPOINT.safetensors
    python scripts/train_inside.py export CHECKPOINT.safetensors

Photos lie as SET/FOLDER/ID.jpg, masks as SET__FOLDER__ID.png (`scripts/train_category.py` makes them); areas outlined
by eye are in benchmarks/data/inside_areas.csv. Nothing is learned from the photos that the studio is judged on, nor, as
far as their kind has others, from those for development (`benchmarks/wardrobe/choice.py`); `check` prints how these are
answered. Training begins with the network of the embedded segmenter. Needs torch, onnx and the features service.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from inside.pictures import Labelled, labelled
from inside.training import train
from safetensors.torch import save_file
from segmenter.network import GarmentNet, Probability, load

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.wardrobe.choice import Share, chosen
from fashquick_common.garment import Category
from fashquick_features.shape.inside import HEIGHT, LIKELY, NETWORK_FILE, WIDTH, on_grey

ROOT = Path(__file__).resolve().parent.parent
START = ROOT / "scripts/segmenter/checkpoint.safetensors"
FILE = ROOT / "services/features/src/fashquick_features/data" / NETWORK_FILE
CPUS = 2
OPSET = 17
FEW = (Category.COAT, Category.VEST)
"""Kinds with no other photos than those for judging and development: the latter are learned from too."""
SMALL = 0.002
"""Of what is looked at: less inside than this, and it does not matter."""


def shares(photos: Path, garments: list[Labelled]) -> tuple[list[Labelled], dict[str, list[Labelled]]]:
    """What is learned from, and the development photos of each kind; judged ones are in neither."""
    judged: set[str] = set()
    kinds: dict[str, str] = {}
    for category in Category:
        judged |= {photo.name for photo in chosen(photos, category, Share.JUDGED)}
        kinds |= {photo.name: category.value for photo in chosen(photos, category, Share.DEVELOPMENT)}
    named = [(one.photo.rsplit("/", 1)[-1], one) for one in garments]
    held: dict[str, list[Labelled]] = {}
    for name, one in named:
        if name in kinds and name not in judged:
            held.setdefault(kinds[name], []).append(one)
    return [one for name, one in named if name not in judged and name not in kinds], held


def run_training(arguments: argparse.Namespace) -> None:
    """Train and write the checkpoint."""
    cv2.setNumThreads(1)  # The process that makes the pictures is forked; OpenCV's threads would be lost in it.
    torch.set_num_threads(CPUS)
    photos = Path(os.environ["FASHQUICK_PHOTOS"])
    learned, held = shares(photos, list(labelled(photos, arguments.masks)))
    learned += [one for kind in FEW for one in held.get(kind.value, [])]
    print(f"{len(learned)} photos, {sum(one.inside.any() for one in learned)} show their inside", flush=True)
    net = train(load(arguments.start), learned, arguments.steps, arguments.rate, arguments.seed)
    save_file({name: weight.contiguous() for name, weight in net.state_dict().items()}, arguments.checkpoint)


def run_check(arguments: argparse.Namespace) -> None:
    """Print how the photos for development are answered."""
    photos = Path(os.environ["FASHQUICK_PHOTOS"])
    _, held = shares(photos, list(labelled(photos, arguments.masks)))
    net = load(arguments.checkpoint).eval()
    print("kind, photos, found of those that show it, wrongly found of the others, median and 10 % overlap")
    for kind, garments in [*sorted(held.items()), ("all", [one for group in held.values() for one in group])]:
        found = [_overlap(net, one) for one in garments]
        overlaps = [overlap for shows, _, overlap in found if shows]
        hits = [overlap > 0.3 for overlap in overlaps]
        false = [answered for shows, answered, _ in found if not shows]
        low, middle = np.quantile(overlaps, (0.1, 0.5)) if overlaps else (np.nan, np.nan)
        print(f"{kind}, {len(found)}, {sum(hits)}/{len(hits)}, {sum(false)}/{len(false)}, {middle:.3f} {low:.3f}")


def _overlap(net: GarmentNet, one: Labelled) -> tuple[bool, bool, float]:
    """Whether a photo shows its inside, whether that is answered, and the intersection over union within it."""
    rgb, alpha, inside = (
        np.asarray(cv2.resize(plane, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)
        for plane in (one.rgb, one.alpha, one.inside)
    )
    picture = torch.from_numpy(on_grey(rgb, alpha))
    with torch.inference_mode():
        views = picture.permute(2, 0, 1)
        plain, mirrored = net(torch.stack([views, views.flip(2)]))[0].sigmoid()[:, 0]
    likely = (plain + mirrored.flip(1)).numpy() / 2 * (alpha / 255)
    told, true = likely > LIKELY, (inside > 127) & (alpha > 127)
    union = int((told | true).sum())
    shows, answered = (int(area.sum()) > SMALL * WIDTH * HEIGHT for area in (true, told))
    return shows, answered, float((told & true).sum() / union) if union else 1.0


def run_export(arguments: argparse.Namespace) -> None:
    """Write the ONNX file that comes with the features service."""
    torch.onnx.export(
        Probability(load(arguments.checkpoint)).eval(),
        (torch.rand(1, 3, HEIGHT, WIDTH),),
        FILE,
        dynamo=False,
        opset_version=OPSET,
        input_names=["picture"],
        output_names=["probability"],
    )
    print(f"{FILE.name}: {FILE.stat().st_size / 2**20:.1f} MiB")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, run in (("train", run_training), ("check", run_check), ("export", run_export)):
        command = commands.add_parser(name)
        command.set_defaults(run=run)
        if name != "export":
            command.add_argument("--masks", type=Path, required=True)
        if name == "train":
            command.add_argument("--start", type=Path, default=START)
            command.add_argument("--steps", type=int, default=900, help="batches of 16 pictures")
            command.add_argument("--rate", type=float, default=1e-3, help="highest learning rate")
            command.add_argument("--seed", type=int, default=0)
        command.add_argument("checkpoint", type=Path)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
