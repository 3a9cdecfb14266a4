#!/usr/bin/env python3
"""Trains the embedded segmenter's network and writes it as ONNX.

    python scripts/train_segmenter.py train PHOTOS LABELS OUT.safetensors [--start BEFORE.safetensors] [--steps N]
    python scripts/train_segmenter.py label IN.safetensors PHOTOS LABELS
    python scripts/train_segmenter.py export IN.safetensors OUT.onnx

PHOTOS has <category>/<id>.jpg, LABELS a mask <category>__<id>.pbm for each that is learned from; those of the last
round are in `segmenter/labels.tar.xz`, its network in `segmenter/checkpoint.safetensors`. `label` makes the labels of a
next round: in LABELS those that the network does not doubt, in LABELS/doubtful the others. Look at them before you
train: take out what is wrong, take in what is right. Needs torch, onnx, OpenCV and the segmentation service. The model
card says where the photos come from and in which rounds the network was made.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from segmenter.labelling import label_photo
from segmenter.labels import photos, read_label, write_label
from segmenter.network import GarmentNet, Probability, load
from segmenter.synthesis import Synthesis
from segmenter.training import Schedule, train

CPUS = 2


def save(net: GarmentNet, path: Path) -> None:
    """Write a checkpoint."""
    partial = path.with_suffix(".partial")
    save_file({name: weight.contiguous() for name, weight in net.state_dict().items()}, partial)
    partial.replace(path)


def run_training(arguments: argparse.Namespace) -> None:
    """Train and write the checkpoint, also on the way."""
    cv2.setNumThreads(1)  # The process that makes the pictures is forked; OpenCV's threads would be lost in it.
    torch.set_num_threads(CPUS)
    pictures = dict(photos(arguments.photos))
    read = {path.stem: read_label(path, pictures[path.stem]) for path in sorted(arguments.labels.glob("*.pbm"))}
    labels = {name: label for name, (label, _) in read.items()}
    cut = [name for name, (_, is_cut) in read.items() if is_cut]
    print(f"{len(pictures)} photos, {len(labels)} labels, a hanger cut from {len(cut)}", flush=True)
    net = load(arguments.start) if arguments.start else GarmentNet()
    schedule = Schedule(arguments.steps, rate=arguments.rate, seed=arguments.seed)
    average = train(net, Synthesis(pictures, labels, cut), schedule, lambda _, so_far: save(so_far, arguments.out))
    save(average, arguments.out)


def run_labelling(arguments: argparse.Namespace) -> None:
    """Write a mask for each photo."""
    net = load(arguments.checkpoint).eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload] # lacks channels_last
    torch.set_num_threads(1)
    cv2.setNumThreads(1)

    def probability(picture: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            inputs = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None]
            return np.asarray(net(inputs)[0].sigmoid()[0, 0].numpy(), np.float32)

    doubtful = arguments.labels / "doubtful"
    doubtful.mkdir(parents=True, exist_ok=True)
    kept = 0
    for path in sorted(arguments.photos.glob("*/*.jpg")):
        photo = np.asarray(cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB), np.uint8)
        found = label_photo(probability, photo)
        folder = arguments.labels if found.is_sure else doubtful
        write_label(folder / f"{path.parent.name}__{path.stem}.pbm", found.label)
        kept += found.is_sure
    print(f"{kept} labels without doubt")


def run_export(arguments: argparse.Namespace) -> None:
    """Write ONNX whose height and width are open."""
    torch.onnx.export(
        Probability(load(arguments.checkpoint)).eval(),
        (torch.rand(1, 3, 256, 256),),
        arguments.out,
        dynamo=False,
        opset_version=17,
        input_names=["x"],
        output_names=["p"],
        dynamic_axes={"x": {2: "h", 3: "w"}, "p": {2: "h", 3: "w"}},
    )


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    training = commands.add_parser("train")
    training.add_argument("photos", type=Path)
    training.add_argument("labels", type=Path)
    training.add_argument("out", type=Path)
    training.add_argument("--start", type=Path, help="checkpoint to go on from")
    training.add_argument("--steps", type=int, default=20_000, help="batches of 16 pictures")
    training.add_argument("--rate", type=float, default=2e-3, help="highest learning rate")
    training.add_argument("--seed", type=int, default=0)
    training.set_defaults(run=run_training)
    labelling = commands.add_parser("label")
    labelling.add_argument("checkpoint", type=Path)
    labelling.add_argument("photos", type=Path)
    labelling.add_argument("labels", type=Path)
    labelling.set_defaults(run=run_labelling)
    export = commands.add_parser("export")
    export.add_argument("checkpoint", type=Path)
    export.add_argument("out", type=Path)
    export.set_defaults(run=run_export)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
