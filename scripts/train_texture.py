"""Train what the texture descriptor says of a cloth's class, and how much it counts beside the recognition network.

    FASHQUICK_PHOTOS=DIR python scripts/train_texture.py --masks DIR [--check]

The photos lie as SET/FOLDER/ID.jpg, their masks as SET__FOLDER__ID.png; what their cloth is like, by eye, stands in
benchmarks/data/garment_labels.csv. Classes with few photos get drawn garments beside them. Nothing is learned from the
set `garments` but the two powers of the pool and the confidence from which on each class is answered; what is printed
of it is cross-validated for these. Seeds are fixed. --check only reports.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from recogniser.described import Views, photographed, report, stacked
from recogniser.ensembles import Training, best_powers, fit, pooled, predict
from recogniser.labels import ROOT

sys.path.insert(0, str(ROOT))

from benchmarks.drawn import draw
from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import Category, PatternKind, TextureClass
from fashquick_features.passport import VIEW_PX
from fashquick_features.shape import outline
from fashquick_features.shape.upright import upright_view
from fashquick_features.texture.descriptor import describe

MODEL = ROOT / "services/features/src/fashquick_features/data/texture.npz"
CLASSES = tuple(texture.value for texture in TextureClass)
FOLDS = 5
TRAINING = Training(hidden=48, weight_decay=1.0, epochs=60, least_scale=1e-3)
# A class is answered from the confidence on at which this part of its answers on held-out photos is right ...
WANTED_PRECISION = 0.6
LEAST_CONFIDENCE = 0.5  # ... and never below this: what is as likely wrong as right is not said
LEAST_ANSWERS = 3  # ... counted over at least so many answers; a class that never gets there is never answered
NEVER = 2.0  # a confidence that none has
DRAWN_OF = (TextureClass.LEATHER, TextureClass.FLEECE, TextureClass.LACE, TextureClass.RIBBED, TextureClass.CORDUROY)
DRAWN_EACH = 60
DRAWN_CATEGORIES = (Category.T_SHIRT, Category.LONG_SLEEVE, Category.DRESS, Category.TROUSERS, Category.SKIRT)
DRAWN_WEIGHT = 0.3  # against a photo: drawn cloth is only like the real one

Floats = npt.NDArray[np.float64]


def described(views: Views) -> npt.NDArray[np.float32]:
    """The descriptor as the service computes it."""
    return describe(views(VIEW_PX), CancelFlag())


def drawn_rows() -> Iterator[tuple[npt.NDArray[np.float32], int]]:
    """Descriptor and class of drawn garments."""
    for texture in DRAWN_OF:
        for seed in range(DRAWN_EACH):
            category = DRAWN_CATEGORIES[seed % len(DRAWN_CATEGORIES)]
            drawn = draw(category, seed, pattern=PatternKind.SOLID, texture=texture, photo_seed=seed)
            shape = outline.trace(drawn.alpha)
            view = upright_view(drawn.photo, drawn.alpha, shape.points, outline.upright_frame(shape), VIEW_PX)
            yield describe(view, CancelFlag()), CLASSES.index(texture.value)


def thresholds(label: npt.NDArray[np.intp], p: Floats) -> Floats:
    """Confidence from which on each of CLASSES is answered."""
    guess, sure = p.argmax(axis=1), p.max(axis=1)
    least = np.full(len(CLASSES), NEVER)
    for index in range(len(CLASSES)):
        own = np.sort(sure[guess == index])
        for limit in own[: max(0, len(own) - LEAST_ANSWERS + 1)]:
            answered = (guess == index) & (sure >= limit)
            if np.mean(label[answered] == index) >= WANTED_PRECISION:
                least[index] = max(limit, LEAST_CONFIDENCE)
                break
    return least


def report_answers(label: npt.NDArray[np.intp], p: Floats) -> None:
    """Print recall and precision of what is answered, each fold with thresholds that the other folds chose."""
    guess, sure, fold = p.argmax(axis=1), p.max(axis=1), np.arange(len(label)) % FOLDS
    answered = np.zeros(len(label), np.bool_)
    for part in range(FOLDS):
        least = thresholds(label[fold != part], p[fold != part])
        answered[fold == part] = (sure >= least[guess])[fold == part]
    right = (guess == label) & answered
    print(
        f"with thresholds: abstained {np.mean(~answered):.3f}, answers right {right.sum() / max(1, answered.sum()):.3f}"
    )
    for index, name in enumerate(CLASSES):
        own, said = label == index, answered & (guess == index)
        if own.any() or said.any():
            precision = f"{np.mean(label[said] == index):.2f}" if said.any() else "-"
            recall = f"{right[own].mean():.2f}" if own.any() else "-"
            print(
                f"  {name:9} {own.sum():4} photos, answered right {recall}; said {said.sum()} times, right {precision}"
            )


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
    learned, held = photographed(Path(photos), arguments.masks, "texture", described, mirrored=False)
    drawn = stacked(drawn_rows())
    both = learned.and_(drawn)
    # Square root: rare classes count for more, and yet answers stay as rare as the classes are.
    often = np.sqrt(np.bincount(both.label, minlength=len(CLASSES)))[both.label]
    weight = np.where(np.arange(len(both.label)) < len(learned.label), 1.0, DRAWN_WEIGHT) / often
    weights = fit(both.x, both.label, CLASSES, TRAINING, weight / weight.mean())
    told, label = predict(weights, held.described.x, CLASSES), held.described.label
    report("descriptor alone", CLASSES, label, told, 0.0)
    report("network alone", CLASSES, label, held.seen, 0.0)
    powers = best_powers(held.seen, told, label)
    p = pooled(held.seen, told, powers)
    report(f"pooled, powers {powers}", CLASSES, label, p, 0.0)
    report_answers(label, p)
    if not arguments.check:
        np.savez_compressed(MODEL, **weights, powers=np.array(powers), least=thresholds(label, p))
        print(f"{MODEL.name}: {MODEL.stat().st_size / 1024:.0f} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
