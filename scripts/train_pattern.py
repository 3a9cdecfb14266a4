"""Train what the pattern descriptor says of a garment's pattern, and how much it counts beside the recognition network.

    FASHQUICK_PHOTOS=DIR python scripts/train_pattern.py --masks DIR [--drawn N] [--keep DIR] [--check]

It learns from garments that `benchmarks/drawn` draws, whose patterns are known, and from photos (SET/FOLDER/ID.jpg)
with masks (SET__FOLDER__ID.png) and labels by eye (benchmarks/data/garment_labels.csv). Nothing is learned from the
set `garments` but the two powers of the pool; on its photos the accuracy is printed, against the labels of a second
person and cross-validated for the powers. Drawn test garments have seeds that are never trained on. Seeds are fixed.
--keep is a folder where descriptors of drawn garments are kept, so that the next run need not draw again; empty it when
the descriptor changes. --check only reports.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from recogniser.described import Described, HeldOut, Views, photographed, report, seen_by, stacked
from recogniser.ensembles import Training, best_powers, fit, pooled, predict
from recogniser.labels import ROOT
from sklearn.metrics import f1_score

sys.path.insert(0, str(ROOT))

from benchmarks.drawn import DrawnGarment, draw
from fashquick_common.garment import Category, PatternKind
from fashquick_features.passport import VIEW_PX
from fashquick_features.pattern.analysis import PATTERN_PX
from fashquick_features.pattern.correlation import likeness
from fashquick_features.pattern.descriptor import describe
from fashquick_features.pattern.flatten import flatten
from fashquick_features.pattern.recognise import MIN_SURE
from fashquick_features.recognition.network import Recogniser
from fashquick_features.shape import outline
from fashquick_features.shape.upright import upright_view

MODEL = ROOT / "services/features/src/fashquick_features/data/pattern.npz"
KINDS = tuple(kind.value for kind in PatternKind)
FOLDS = 5
TRAINING = Training(hidden=64, weight_decay=3.0, epochs=40, least_scale=0.01)
PHOTO_WEIGHT = 3.0  # of a photo, where a drawn garment counts 1
FIRST_TRAINED = 1_000_000  # seeds of drawn garments from here on are trained on, those below are for tests
TESTED = 400
TUNED = 200  # drawn garments, behind those for tests, on which the powers of the pool are chosen, with the photos
SIDES = (360, 420, 512)  # pixels of drawn pictures
SHAPES = (
    Category.T_SHIRT,
    Category.LONG_SLEEVE,
    Category.SLEEVELESS_TOP,
    Category.DRESS,
    Category.TROUSERS,
    Category.SHORTS,
    Category.SKIRT,
)


def drawn_garment(seed: int) -> DrawnGarment:
    """The garment of a seed: kinds in turn, silhouettes and sizes at random."""
    rng = np.random.default_rng([seed, 99])
    shape = SHAPES[int(rng.integers(len(SHAPES)))]
    side = int(rng.choice(SIDES))
    return draw(shape, seed, pattern=PatternKind(KINDS[seed % len(KINDS)]), photo_seed=seed, long_side=side)


def views_of(garment: DrawnGarment) -> Views:
    """A drawn garment upright."""
    shape = outline.trace(garment.alpha)
    frame = outline.upright_frame(shape)
    return lambda long_side: upright_view(garment.photo, garment.alpha, shape.points, frame, long_side)


def described(views: Views) -> npt.NDArray[np.float32]:
    """The descriptor as the service computes it."""
    flat = flatten(views(PATTERN_PX))
    return describe(flat, likeness(flat))


def drawn_to_learn(count: int, keep: Path | None) -> Described:
    """Descriptors of drawn garments to learn from."""
    seeds = range(FIRST_TRAINED, FIRST_TRAINED + count)
    kept = None if keep is None else keep / f"drawn_{seeds.start}_{seeds.stop}.npz"
    if kept is not None and kept.exists():
        with np.load(kept, allow_pickle=False) as arrays:
            return Described(arrays["x"], np.array([seed % len(KINDS) for seed in seeds], np.intp))
    rows = []
    for seed in seeds:
        garment = drawn_garment(seed)
        rows.append((described(views_of(garment)), seed % len(KINDS)))
    found = stacked(rows)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez(kept, x=found.x)
    return found


def drawn_to_test(seeds: range) -> HeldOut:
    """Drawn garments that nothing is learned from."""
    recogniser = Recogniser()
    rows, seen = [], []
    for seed in seeds:
        garment = drawn_garment(seed)
        views = views_of(garment)
        rows.append((described(views), seed % len(KINDS)))
        seen.append(seen_by(recogniser, views(VIEW_PX), "pattern"))
    return HeldOut(stacked(rows), np.array(seen))


def cross_validated(
    seen: npt.NDArray[np.float64], told: npt.NDArray[np.float64], label: npt.NDArray[np.intp]
) -> npt.NDArray[np.float64]:
    """The pool's probabilities, each fold with powers that the other folds chose."""
    fold, p = np.arange(len(label)) % FOLDS, np.zeros_like(seen)
    for part in range(FOLDS):
        powers = best_powers(seen[fold != part], told[fold != part], label[fold != part])
        p[fold == part] = pooled(seen[fold == part], told[fold == part], powers)
    return p


def macro_f1(label: npt.NDArray[np.intp], p: npt.NDArray[np.float64]) -> float:
    """Mean over the kinds of their F1."""
    return float(f1_score(label, p.argmax(axis=1), average="macro"))


def main() -> int:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--masks", type=Path, required=True, help="folder of the photos' masks")
    parser.add_argument("--drawn", type=int, default=2400, help="how many drawn garments to learn from")
    parser.add_argument("--keep", type=Path, help="folder where descriptors are kept")
    parser.add_argument("--check", action="store_true", help="report only, write no model")
    arguments = parser.parse_args()
    photos = os.environ.get("FASHQUICK_PHOTOS")
    if not photos:
        print("set FASHQUICK_PHOTOS to the folder of photos", file=sys.stderr)
        return 2
    cv2.setNumThreads(1)
    learned, held = photographed(Path(photos), arguments.masks, "pattern", described, mirrored=False)
    both = learned.and_(drawn_to_learn(arguments.drawn, arguments.keep))
    weight = np.where(np.arange(len(both.label)) < len(learned.label), PHOTO_WEIGHT, 1.0)
    weights = fit(both.x, both.label, KINDS, TRAINING, weight / weight.mean())
    told, label = predict(weights, held.described.x, KINDS), held.described.label
    report("photos, descriptor alone", KINDS, label, told, MIN_SURE)
    report("photos, network alone", KINDS, label, held.seen, MIN_SURE)
    report("photos, pooled, cross-validated", KINDS, label, cross_validated(held.seen, told, label), MIN_SURE)
    tuned = drawn_to_test(range(TESTED, TESTED + TUNED))
    powers = best_powers(
        np.concatenate([held.seen, tuned.seen]),
        np.concatenate([told, predict(weights, tuned.described.x, KINDS)]),
        np.concatenate([label, tuned.described.label]),
    )
    report(f"photos, pooled, powers {powers}", KINDS, label, pooled(held.seen, told, powers), MIN_SURE)
    drawn = drawn_to_test(range(TESTED))
    alone = predict(weights, drawn.described.x, KINDS)
    p = pooled(drawn.seen, alone, powers)
    report(f"drawn, pooled, powers {powers}", KINDS, drawn.described.label, p, MIN_SURE)
    for what, shares in (("descriptor", alone), ("network", drawn.seen), ("pooled", p)):
        print(f"drawn, {what}: macro-F1 {macro_f1(drawn.described.label, shares):.3f}")
    if not arguments.check:
        np.savez_compressed(MODEL, **weights, powers=np.array(powers))
        print(f"{MODEL.name}: {MODEL.stat().st_size / 1024:.0f} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
