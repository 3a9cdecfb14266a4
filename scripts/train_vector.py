"""Train the projections of the features service's vector.

    FASHQUICK_PHOTOS=DIR python scripts/train_vector.py --masks DIR [--drawn N] [--real N] [--keep FILE] [--check]

Garments that `benchmarks/drawn` draws are shown in two photos each; real photos (of those that may be learned from, see
scripts/recogniser/labels.py) come once as they are and once changed: mirrored, turned, in other light, blurred. From
how the numbers differ within a pair and between garments follow, block by block, a principal component analysis and
the directions that tell garments apart best. A quarter of the pairs is kept back to choose the blocks' weights. The
benchmark, `benchmarks/features_retrieval.py`, draws other garments. --keep names a file where the numbers are kept
between runs; remove it when a descriptor changes. --check only reports.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from recogniser.garments import garments
from recogniser.labels import ROOT
from scipy.linalg import eigh

sys.path.insert(0, str(ROOT))

from benchmarks.features_retrieval import drawn_pair, numbers_of
from fashquick_common.errors import FashquickError
from fashquick_features.recognition.ensemble import Weights
from fashquick_features.recognition.network import Recogniser
from fashquick_features.vector import BLOCKS, MAX_SIGMA, VectorModel

MODEL = ROOT / "services/features/src/fashquick_features/data/vector.npz"
VERSION = "1"
FIRST_SEED = 3_000_000  # of drawn garments; the benchmark's are below
KEPT = 40  # numbers a block
PRINCIPAL = 120  # components from which they are made
SHRINKAGE = 0.1  # of the covariance within pairs towards its mean: some hundred pairs do not fill it
STEPS = (0.15, 0.3, 0.5, 0.8)  # weights that are tried, relative to each other

Floats = npt.NDArray[np.float32]
Pair = dict[str, tuple[Floats, Floats]]


def real_pairs(photos: Path, masks: Path, count: int, recogniser: Recogniser) -> Iterator[Pair]:
    """Numbers of real garments, and of the same photos changed."""
    taken = 0
    for index, garment in enumerate(garments(photos, masks, mirrored=False)):
        if taken == count:
            return
        if garment.label.held_out or index % 3:
            continue
        photo, alpha = changed(garment.photo, garment.alpha, np.random.default_rng(index))
        try:
            one, two = numbers_of(garment.photo, garment.alpha, recogniser), numbers_of(photo, alpha, recogniser)
        except FashquickError:
            continue
        taken += 1
        yield {name: (one[name], two[name]) for name in BLOCKS}


def changed(
    photo: npt.NDArray[np.uint8], alpha: npt.NDArray[np.uint8], rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """The photo taken again: mirrored, turned, smaller, in other light, blurred."""
    photo, alpha = np.ascontiguousarray(photo[:, ::-1]), np.ascontiguousarray(alpha[:, ::-1])
    height, width = alpha.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.normal(0, 6)), float(rng.uniform(0.8, 0.95)))
    photo = cv2.warpAffine(photo, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpAffine(alpha, turn, (width, height))
    lit = photo * np.exp(rng.normal(0, 0.04, 3) + rng.normal(0, 0.12)) + rng.normal(0, 2, photo.shape)
    blurred = cv2.GaussianBlur(lit.clip(0, 255).astype(np.uint8), (0, 0), float(rng.uniform(0.3, 1.0)))
    return np.asarray(blurred, np.uint8), np.asarray(alpha, np.uint8)


def fit_block(one: Floats, two: Floats) -> Weights:
    """Mean, scale and projection of a block from N pairs (NxL each)."""
    both = np.concatenate([one, two]).astype(np.float64)
    mean, scale = both.mean(axis=0), both.std(axis=0) + 0.02
    a, b = (np.clip((part - mean) / scale, -MAX_SIGMA, MAX_SIGMA) for part in (one, two))
    _, _, axes = np.linalg.svd(np.concatenate([a, b]), full_matrices=False)
    axes = axes[: min(PRINCIPAL, len(axes))].T
    a, b = a @ axes, b @ axes
    within = (a - b).T @ (a - b) / (2 * len(a))
    within += SHRINKAGE * np.trace(within) / len(within) * np.eye(len(within))
    middle = (a + b) / 2
    between = np.cov(middle.T)
    _, directions = eigh(between, within)
    projection = axes @ directions[:, ::-1][:, :KEPT]
    return {"mean": mean, "scale": scale, "projection": projection.astype(np.float32)}


def blocks_of(model: VectorModel, pairs: list[Pair], side: int) -> dict[str, Floats]:
    """Blocks (NxK, rows of length 1) of one side of the pairs."""
    vectors = [model.assemble({name: pair[name][side] for name in BLOCKS}) for pair in pairs]
    found = {}
    for place, name in enumerate(BLOCKS):
        block = vectors[0].blocks[place]
        rows = np.array([vector.values[block.offset : block.offset + block.length] for vector in vectors])
        found[name] = np.asarray(rows / block.weight, np.float32)
    return found


def recall(weights: dict[str, float], likeness: dict[str, Floats]) -> tuple[float, float]:
    """Recall at 1, and by how much the right garment is ahead of the best wrong one on average."""
    total = sum(weights[name] ** 2 * likeness[name] for name in BLOCKS)
    assert not isinstance(total, int)
    right = np.diag(total)
    wrong = np.where(np.eye(len(total), dtype=bool), -np.inf, total).max(axis=1)
    return float(np.mean(right > wrong)), float(np.mean(np.clip(right - wrong, -0.2, 0.2)))


def choose_weights(likeness: dict[str, Floats]) -> dict[str, float]:
    """The blocks' weights, whose squares add up to 1, with the best recall."""
    best, chosen = (-1.0, -1.0), dict.fromkeys(BLOCKS, 0.5)
    for steps in itertools.product(STEPS, repeat=len(BLOCKS)):
        norm = float(np.linalg.norm(steps))
        weights = {name: step / norm for name, step in zip(BLOCKS, steps, strict=True)}
        score = recall(weights, likeness)
        if score > best:
            best, chosen = score, weights
    return chosen


def read_pairs(arguments: argparse.Namespace, photos: Path) -> list[Pair]:
    """Describe all pairs, or read what an earlier run has described."""
    if arguments.keep and arguments.keep.exists():
        with np.load(arguments.keep, allow_pickle=False) as stored:
            return [
                {name: (stored[name][index, 0], stored[name][index, 1]) for name in BLOCKS}
                for index in range(len(stored[BLOCKS[0]]))
            ]
    recogniser = Recogniser()
    pairs = [drawn_pair(FIRST_SEED + index, recogniser) for index in range(arguments.drawn)]
    pairs += list(real_pairs(photos, arguments.masks, arguments.real, recogniser))
    if arguments.keep:
        np.savez_compressed(arguments.keep, **{name: np.array([pair[name] for pair in pairs]) for name in BLOCKS})
    return pairs


def main() -> int:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--masks", type=Path, required=True, help="folder of masks")
    parser.add_argument("--drawn", type=int, default=600)
    parser.add_argument("--real", type=int, default=500)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--check", action="store_true", help="report only, write no model")
    arguments = parser.parse_args()
    photos = os.environ.get("FASHQUICK_PHOTOS")
    if not photos:
        print("set FASHQUICK_PHOTOS to the folder of photos", file=sys.stderr)
        return 2
    cv2.setNumThreads(1)
    pairs = read_pairs(arguments, Path(photos))
    test = pairs[::4]
    learned = [pair for index, pair in enumerate(pairs) if index % 4]
    weights: Weights = {"version": np.array(VERSION)}
    for name in BLOCKS:
        one, two = (np.stack([pair[name][side] for pair in learned]) for side in (0, 1))
        weights |= {f"{part}_{name}": array for part, array in fit_block(one, two).items()}
        weights[f"weight_{name}"] = np.array(0.5)
    model = VectorModel(weights)
    one, two = (blocks_of(model, test, side) for side in (0, 1))
    likeness = {name: one[name] @ two[name].T for name in BLOCKS}
    for name in BLOCKS:
        alone = {other: float(other == name) for other in BLOCKS}
        print(f"{name:8} alone: recall at 1 {recall(alone, likeness)[0]:.3f} of {len(test)}")
    chosen = choose_weights(likeness)
    print(f"weights {chosen}: recall at 1 {recall(chosen, likeness)[0]:.3f}")
    if not arguments.check:
        stored = {key: value.astype(np.float16) if "projection" in key else value for key, value in weights.items()}
        stored |= {f"weight_{name}": np.array(weight) for name, weight in chosen.items()}
        np.savez_compressed(MODEL, **stored)
        print(f"{MODEL.name}: {MODEL.stat().st_size / 1024:.0f} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
