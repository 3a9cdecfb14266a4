"""Train what tells prints, logos and labels from folds, seams and patterns, and report how it does on held-out photos.

    FASHQUICK_PHOTOS=DIR python scripts/train_prints.py --masks DIR [--check]

The photos lie as SET/KIND/ID.jpg, their masks as SET__KIND__ID.png. benchmarks/data/print_boxes.csv has boxes that
were judged by eye: 1 a print, a logo or a label, 0 none, ? undecided. What the finder gathers on those photos is
labelled by these boxes. Folds follow from the photo ids and seeds are fixed: the same photos and masks give the same
weights. --check only reports.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import sys
import warnings
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import average_precision_score
from sklearn.neural_network import MLPClassifier

from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import Box
from fashquick_common.image.decode import decode
from fashquick_features.prints.boxes import MAX_SIGMA, PrintFinder, Weights, box_of
from fashquick_features.prints.ground import surface_of
from fashquick_features.prints.groups import Group, groups_of
from fashquick_features.shape import outline
from fashquick_features.shape.upright import upright_view

ROOT = Path(__file__).resolve().parent.parent
BOXES = ROOT / "benchmarks/data/print_boxes.csv"
MODEL = ROOT / "services/features/src/fashquick_features/data/prints.npz"
VIEW_PX = 768  # long side of the views; the finder brings them to its own size
FOLDS = 5
SEEDS = (0, 1, 2)  # networks averaged
HIDDEN = 16
WEIGHT_DECAY = 1.0
EPOCHS = 200
SAME = 0.6  # intersection over union from which on a group is what was judged
WIDER = 2.5  # times the area of a print: a group around it that is so much larger is a wrong box

Judged = list[tuple[Box, str]]


def label_of(box: Box, judged: Judged) -> bool | None:
    """Whether a group is a print; None where the judgements do not say."""
    if any(mark == "1" and _union(box, other) >= SAME for other, mark in judged):
        return True
    met = [(other, mark) for other, mark in judged if _common(box, other) > 0]
    if any(mark == "?" for _, mark in met):
        return None
    prints = [other for other, mark in met if mark == "1"]
    if prints:
        area = box.width * box.height
        around = [p for p in prints if _common(box, p) > 0.7 * p.width * p.height]
        return (
            False
            if any(area > WIDER * p.width * p.height and p.width * p.height > 0.01 * area for p in around)
            else None
        )
    if any(_union(box, other) >= SAME for other, _ in met):
        return False
    # Photos on which nothing was found to be a print were looked at as a whole.
    return None if any(mark != "0" for _, mark in judged) else False


def load(photos: Path, masks: Path) -> tuple[list[Group], npt.NDArray[np.bool_], npt.NDArray[np.intp]]:
    """Groups on the judged photos, whether they are prints, and their photos' folds."""
    judged: dict[str, Judged] = defaultdict(list)
    with BOXES.open(newline="") as stream:
        for row in csv.DictReader(stream):
            box = Box(*(float(row[name]) for name in ("x", "y", "width", "height")))
            judged[row["photo"]].append((box, row["print"]))
    groups: list[Group] = []
    labels: list[bool] = []
    folds: list[int] = []
    for name, known in sorted(judged.items()):
        photo = decode((photos / f"{name}.jpg").read_bytes()).rgb
        stored = cv2.imread(str(masks / f"{name.replace('/', '__')}.png"), cv2.IMREAD_GRAYSCALE)
        alpha = np.asarray(cv2.resize(np.asarray(stored, np.uint8), photo.shape[1::-1]), np.uint8)
        shape = outline.trace(alpha)
        view = upright_view(photo, alpha, shape.points, outline.upright_frame(shape), VIEW_PX)
        surface = surface_of(view, CancelFlag())
        for group in groups_of(surface, CancelFlag()):
            label = label_of(box_of(view, surface, group), known)
            if label is not None:
                groups.append(group)
                labels.append(label)
                folds.append(int(hashlib.sha256(Path(name).name.encode()).hexdigest(), 16) % FOLDS)
    return groups, np.array(labels), np.array(folds)


def fit(groups: list[Group], label: npt.NDArray[np.bool_]) -> Weights:
    """Train the networks."""
    x = np.array([group.looks for group in groups])
    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-3
    normal = np.clip((x - mean) / scale, -MAX_SIGMA, MAX_SIGMA)
    weights: Weights = {"mean": mean, "scale": scale, "nets": np.array(len(SEEDS))}
    for place, seed in enumerate(SEEDS):
        net = MLPClassifier((HIDDEN,), alpha=WEIGHT_DECAY, max_iter=EPOCHS, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it is stopped early on purpose
            net.fit(normal, label)
        for layer, (w, b) in enumerate(zip(net.coefs_, net.intercepts_, strict=True), 1):
            weights[f"w{layer}_{place}"], weights[f"b{layer}_{place}"] = w.astype(np.float32), b.astype(np.float32)
    return weights


def cross_validate(groups: list[Group], label: npt.NDArray[np.bool_], fold: npt.NDArray[np.intp]) -> None:
    """Print how well held-out groups are judged."""
    sure = np.zeros(len(groups))
    for part in range(FOLDS):
        finder = PrintFinder(fit([g for g, f in zip(groups, fold, strict=True) if f != part], label[fold != part]))
        for index in np.nonzero(fold == part)[0]:
            sure[index] = finder.confidence(groups[index])
    precision = average_precision_score(label, sure)
    print(f"{len(label)} groups, {label.sum()} of them prints; average precision {precision:.3f}")
    for limit in (0.35, 0.5, 0.7):
        said = sure >= limit
        print(f"from {limit} on: prints found {np.mean(said[label]):.2f}, right {np.mean(label[said]):.2f}")


def _common(one: Box, two: Box) -> float:
    across = min(one.x + one.width, two.x + two.width) - max(one.x, two.x)
    down = min(one.y + one.height, two.y + two.height) - max(one.y, two.y)
    return max(0.0, across) * max(0.0, down)


def _union(one: Box, two: Box) -> float:
    """Intersection over union."""
    common = _common(one, two)
    return common / (one.width * one.height + two.width * two.height - common)


def main() -> int:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--masks", type=Path, required=True, help="folder of masks")
    parser.add_argument("--check", action="store_true", help="report only, write no model")
    arguments = parser.parse_args()
    photos = os.environ.get("FASHQUICK_PHOTOS")
    if not photos:
        print("set FASHQUICK_PHOTOS to the folder of photos", file=sys.stderr)
        return 2
    cv2.setNumThreads(1)
    groups, label, fold = load(Path(photos), arguments.masks)
    cross_validate(groups, label, fold)
    if not arguments.check:
        np.savez_compressed(MODEL, **fit(groups, label))
        print(f"{MODEL.name}: {MODEL.stat().st_size / 1024:.0f} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
