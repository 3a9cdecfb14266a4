"""Train the features service's category classifier and report its cross-validated accuracy.

    FASHQUICK_PHOTOS=DIR python scripts/train_category.py --masks DIR [--check]

The photos lie as SET/KIND/ID.jpg, KIND being a folder of the public "clothing dataset (small)" (CC0). Garment
masks lie as SET__KIND__ID.png; those that are missing are made with the embedded segmenter and kept there. Finer
kinds come from benchmarks/data/garment_kinds.csv. Folds follow from the photo ids and seeds are fixed: the same
photos and masks give the same weights. --check only reports.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import FashquickError
from fashquick_common.garment import Category
from fashquick_common.image.decode import decode
from fashquick_features.shape import outline
from fashquick_features.shape.category import MAX_SIGMA, CategoryModel, Weights
from fashquick_features.shape.descriptor import describe

ROOT = Path(__file__).resolve().parent.parent
KINDS = ROOT / "benchmarks/data/garment_kinds.csv"
MODEL = ROOT / "services/features/src/fashquick_features/data/category.npz"
FOLDS = 5
SEEDS = (0, 1, 2)  # networks averaged
HIDDEN = 48
WEIGHT_DECAY = 3.0
EPOCHS = 40
FINE_C = 0.001  # inverse regularisation of the linear layer within a broad kind: some hundred photos each

# Folders of the data set and the categories that each may hold.
GROUPS: dict[str, tuple[Category, ...]] = {
    "dress": (Category.DRESS,),
    "longsleeve": (Category.LONG_SLEEVE, Category.SWEATER, Category.JACKET),
    "outwear": (Category.JACKET, Category.COAT, Category.VEST),
    "pants": (Category.TROUSERS,),
    "shirt": (Category.SHIRT,),
    "shorts": (Category.SHORTS,),
    "skirt": (Category.SKIRT,),
    "t-shirt": (Category.T_SHIRT, Category.SLEEVELESS_TOP),
}
COARSE = tuple(GROUPS)

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Samples:
    """Descriptors and labels, each photo once as it is and once mirrored.

    Attributes:
        x: NxLENGTH float32.
        coarse: N indices into COARSE.
        fine: N categories, "" where only the broad kind is known.
        fold: N fold numbers, the same for both copies of a photo.
        mirrored: N bool.
    """

    x: Floats
    coarse: npt.NDArray[np.intp]
    fine: npt.NDArray[np.str_]
    fold: npt.NDArray[np.intp]
    mirrored: npt.NDArray[np.bool_]

    def only(self, keep: npt.NDArray[np.bool_]) -> Samples:
        """The chosen samples."""
        return Samples(self.x[keep], self.coarse[keep], self.fine[keep], self.fold[keep], self.mirrored[keep])


def load(photos: Path, masks: Path) -> Samples:
    """Describe every photo below `photos`."""
    with KINDS.open(newline="") as stream:
        kinds = {row["photo"]: row["category"] for row in csv.DictReader(stream)}
    rows: list[tuple[Floats, int, str, int, bool]] = []
    for path in sorted(photos.glob("*/*/*.jpg")):
        kind = path.parent.name
        if kind not in GROUPS:
            continue
        photo = decode(path.read_bytes()).rgb
        alpha = mask_of(path, photo, masks)
        fold = int(hashlib.sha256(path.stem.encode()).hexdigest(), 16) % FOLDS
        fine = kinds.get(f"{path.parent.parent.name}/{kind}/{path.stem}", "")
        for mirrored in (False, True):
            step = -1 if mirrored else 1
            try:
                shape = outline.trace(np.ascontiguousarray(alpha[:, ::step]))
            except FashquickError as error:
                print(f"{path.name}: left out: {error}")
                break
            vector = describe(np.ascontiguousarray(photo[:, ::step]), shape, outline.upright_frame(shape))
            rows.append((vector, COARSE.index(kind), fine, fold, mirrored))
    x, coarse, fine_kind, folds, flips = zip(*rows, strict=True)
    return Samples(np.array(x), np.array(coarse), np.array(fine_kind), np.array(folds), np.array(flips))


def mask_of(path: Path, photo: npt.NDArray[np.uint8], masks: Path) -> npt.NDArray[np.uint8]:
    """Read the photo's mask, or make it; an empty one where no garment is found."""
    stored = masks / f"{path.parent.parent.name}__{path.parent.name}__{path.stem}.png"
    if not stored.exists():
        # Imported late: with all masks there the script runs without the segmentation service.
        from fashquick_segmentation.embedded.segmenter import EmbeddedSegmenter  # noqa: PLC0415 - late, see above
        from fashquick_segmentation.engine import NO_HINTS  # noqa: PLC0415 - likewise

        try:
            alpha = EmbeddedSegmenter().segment(photo, NO_HINTS, CancelFlag()).alpha
        except FashquickError as error:
            print(f"{path.name}: {error}")
            alpha = np.zeros(photo.shape[:2], np.uint8)
        cv2.imwrite(str(stored), alpha)
    found = cv2.imread(str(stored), cv2.IMREAD_GRAYSCALE)
    if found is None:
        raise OSError(f"{stored} is no picture")
    return np.asarray(cv2.resize(found, photo.shape[1::-1]), np.uint8)


def fit(samples: Samples) -> Weights:
    """Train networks and linear layers; the temperature stays 1."""
    mean = samples.x.mean(axis=0)
    scale = samples.x.std(axis=0) + 0.02  # 0.02: cells that are nearly always empty must not be blown up
    normal = np.clip((samples.x - mean) / scale, -MAX_SIGMA, MAX_SIGMA)
    weights: Weights = {"mean": mean.astype(np.float32), "scale": scale.astype(np.float32)}
    for place, seed in enumerate(SEEDS):
        net = MLPClassifier((HIDDEN,), alpha=WEIGHT_DECAY, max_iter=EPOCHS, random_state=seed)
        net.fit(normal, samples.coarse)
        for layer, (w, b) in enumerate(zip(net.coefs_, net.intercepts_, strict=True), 1):
            weights[f"w{layer}_{place}"] = w.astype(np.float16)
            weights[f"b{layer}_{place}"] = b.astype(np.float32)
    fine_w, fine_b, group_of, category_of = [], [], [], []
    for group, (kind, categories) in enumerate(GROUPS.items()):
        known = (samples.coarse == COARSE.index(kind)) & np.isin(samples.fine, categories)
        layer_w, layer_b = fine_layer(normal[known], samples.fine[known], categories)
        fine_w.append(layer_w)
        fine_b.append(layer_b)
        group_of += [group] * len(categories)
        category_of += [category.value for category in categories]
    weights["fine_w"] = np.concatenate(fine_w, axis=1).astype(np.float16)
    weights["fine_b"] = np.concatenate(fine_b).astype(np.float32)
    weights["fine_group"], weights["fine_category"] = np.array(group_of), np.array(category_of)
    weights["temperature"], weights["nets"] = np.array(1.0), np.array(len(SEEDS))
    return weights


def fine_layer(x: Floats, labels: npt.NDArray[np.str_], categories: tuple[Category, ...]) -> tuple[Floats, Floats]:
    """Linear logits (LENGTH x K, K) of the categories within one broad kind."""
    if len(categories) == 1:
        return np.zeros((x.shape[1], 1), np.float32), np.zeros(1, np.float32)
    model = LogisticRegression(C=FINE_C, max_iter=500).fit(x, labels)
    w, b = np.zeros((x.shape[1], len(categories)), np.float32), np.full(len(categories), -8.0, np.float32)
    if len(model.classes_) == 2:
        first, second = (categories.index(Category(name)) for name in model.classes_)
        b[first], b[second], w[:, second] = 0.0, model.intercept_[0], model.coef_[0]
    else:
        for name, row, bias in zip(model.classes_, model.coef_, model.intercept_, strict=True):
            w[:, categories.index(Category(name))], b[categories.index(Category(name))] = row, bias
    return w, b


def coarse_probabilities(weights: Weights, x: Floats) -> npt.NDArray[np.float64]:
    """Broad kinds' probabilities (NxK) as the service computes them."""
    return np.stack([CategoryModel(weights).coarse(vector) for vector in x])


def cross_validate(samples: Samples) -> float:
    """Print what held-out photos are taken for; return the temperature that calibrates best."""
    plain = samples.only(~samples.mirrored)
    held = [(fit(samples.only(samples.fold != fold)), plain.only(plain.fold == fold)) for fold in range(FOLDS)]

    def loss(temperature: float) -> float:
        total = 0.0
        for weights, test in held:
            weights["temperature"] = np.array(temperature)
            p = coarse_probabilities(weights, test.x)
            total -= float(np.log(p[np.arange(len(p)), test.coarse] + 1e-9).sum())
        return total

    temperature = float(min(np.arange(0.6, 3.01, 0.2), key=loss))
    loss(temperature)
    truth = np.concatenate([test.coarse for _, test in held])
    p = np.concatenate([coarse_probabilities(weights, test.x) for weights, test in held])
    report_coarse(truth, p, temperature)
    guesses = [CategoryModel(weights).guess(vector)[0].category for weights, test in held for vector in test.x]
    report_fine(np.concatenate([test.fine for _, test in held]), np.array([guess.value for guess in guesses]))
    return temperature


def report_coarse(truth: npt.NDArray[np.intp], p: npt.NDArray[np.float64], temperature: float) -> None:
    """Print accuracy, confusions and calibration of the broad kinds."""
    guess, sure = p.argmax(axis=1), p.max(axis=1)
    print(f"{len(truth)} photos, {FOLDS} folds, accuracy {np.mean(guess == truth):.3f}, temperature {temperature:.1f}")
    for index, kind in enumerate(COARSE):
        row = np.bincount(guess[truth == index], minlength=len(COARSE))
        print(f"{kind:11} right {row[index] / row.sum():.3f}  taken for {dict(zip(COARSE, row.tolist(), strict=True))}")
    shirt = COARSE.index("t-shirt")
    taken = np.mean(guess[truth != shirt] == shirt)
    print(f"T-shirts called T-shirt {np.mean(guess[truth == shirt] == shirt):.3f}, others {taken:.3f}")
    for low, high in ((0.0, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01)):
        among = (sure >= low) & (sure < high)
        right = np.mean((guess == truth)[among])
        print(f"confidence {low:.1f} to {min(high, 1):.1f}: {among.sum()} photos, right {right:.3f}")


def report_fine(truth: npt.NDArray[np.str_], guess: npt.NDArray[np.str_]) -> None:
    """Print accuracy per category among the photos whose finer kind is known."""
    for name in sorted(set(truth) - {""}):
        among = truth == name
        print(f"{name:15} {among.sum():4} photos, right {np.mean(guess[among] == name):.3f}")


def main() -> int:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--masks", type=Path, required=True, help="folder of masks, filled where incomplete")
    parser.add_argument("--check", action="store_true", help="report only, write no model")
    arguments = parser.parse_args()
    photos = os.environ.get("FASHQUICK_PHOTOS")
    if not photos:
        print("set FASHQUICK_PHOTOS to the folder of photos", file=sys.stderr)
        return 2
    cv2.setNumThreads(1)
    arguments.masks.mkdir(parents=True, exist_ok=True)
    samples = load(Path(photos), arguments.masks)
    temperature = cross_validate(samples)
    if not arguments.check:
        weights = fit(samples)
        weights["temperature"] = np.array(temperature)
        MODEL.parent.mkdir(exist_ok=True)
        np.savez_compressed(MODEL, **weights)
        print(f"{MODEL.name}: {MODEL.stat().st_size / 1024:.0f} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
