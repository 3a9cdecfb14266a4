"""Fit how the scores of candidate masks are weighed: fashquick_segmentation.sam2.selection.Weights.

    FASHQUICK_PHOTOS=DIR python scripts/tune_selection.py [--masks DIR] [--check]

For every mask `<category>__<id>.png` whose photo is there (DIR/garments/<category>/<id>.jpg or
DIR/<category>/<id>.jpg), candidates are made and scored. A random search with a fixed seed then looks for the weights
under which the candidates that score best have the greatest intersection over union with the mask. --check measures
the committed weights only.

What the weights are worth. No SAM weights were at hand, so the candidates are not SAM's: they are readings of the
embedded network at several thresholds and sizes, cuts along colours, GrabCut from boxes, and mistakes of the kind
that SAM makes, made on purpose (one colour of a garment, one half of it, garment and ground together, the hull). The
model's own guess is here but the agreement with the prior once more, and stability says little about masks that were
cut; so both have weights that were set by hand, and only the other four are fitted, among each other. The 34 masks
were picked by eye between six such candidates a photo, then cleaned a little, so they lean towards them. They are of
photos on which these candidates differ most; the network was trained on none of them, and none is among the 86 of
benchmarks/data/masks. Once candidates of SAM itself can be made, all six want to be fitted again.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import astuple, fields
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fashquick_common.cancel import CancelFlag
from fashquick_segmentation.embedded.cut import cut
from fashquick_segmentation.embedded.network import GarmentNetwork
from fashquick_segmentation.embedded.segmenter import working_size
from fashquick_segmentation.embedded.views import look
from fashquick_segmentation.refinement.cleanup import clean
from fashquick_segmentation.refinement.hanger import without_hanger
from fashquick_segmentation.refinement.measures import intersection_over_union, lab_of
from fashquick_segmentation.refinement.quality import expected_iou
from fashquick_segmentation.sam2.selection import WEIGHTS, Proposal, Scene, Weights

MASKS = Path(__file__).resolve().parent.parent / "benchmarks" / "data" / "selection"
SIDES_PX = (192, 256, 320)  # of single views, which are rougher than all together
THRESHOLDS = (0.05, 0.25, 0.5, 0.75, 0.95)
BELIEVED = 1e-4  # probabilities are not taken closer to 0 or 1 than this
PER_PX = 0.7  # logits per pixel from the outline, for masks that come without: about what the network has
BOX_MARGINS = (0.0, 0.05)  # of the mask's box, for GrabCut
DRAWS = 10_000
SEED = 1
FOLDS = 17
FITTED = ("prior", "edges", "solidity", "border")
SHARPNESS = 100.0  # per score: candidates within 0.01 of the best count too, so that the fit does not hang on ties

Mask = NDArray[np.bool_]
Table = tuple[NDArray[np.float64], NDArray[np.float64]]  # N candidates: Nx6 scores, N true IoUs


def photo_of(folder: Path, mask: Path) -> Path | None:
    """The photo that a mask belongs to, if it is there."""
    category, name = mask.stem.split("__")
    places = (folder / "garments" / category / f"{name}.jpg", folder / category / f"{name}.jpg")
    return next((place for place in places if place.is_file()), None)


def prior_of(network: GarmentNetwork, photo: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The network's answer over all views, at the photo's size."""
    probability = look(network.probability, photo, CancelFlag()).probability
    return np.asarray(cv2.resize(probability, photo.shape[1::-1]), np.float32)


def candidates(
    network: GarmentNetwork, photo: NDArray[np.uint8], probability: NDArray[np.float32]
) -> Iterator[Proposal]:
    """All candidates of a photo at working size, HxWx3 uint8."""
    for threshold in THRESHOLDS:
        yield proposal(odds(probability) - odds(np.float32(threshold)), probability, f"views over {threshold}")
    for side in SIDES_PX:
        square = np.asarray(cv2.resize(photo, (side, side), interpolation=cv2.INTER_AREA), np.float32) / np.float32(255)
        one = np.asarray(cv2.resize(network.probability(square), photo.shape[1::-1]), np.float32)
        yield proposal(odds(one), probability, f"view of {side}")
    for name, mask in masks(photo, probability):
        yield proposal(logits_of(mask), probability, name)


def masks(photo: NDArray[np.uint8], probability: NDArray[np.float32]) -> Iterator[tuple[str, Mask]]:
    """The candidates that come without logits."""
    middle = clean(probability > 0.5)
    for threshold in (0.25, 0.5, 0.75):
        found = clean(cut(photo, probability, clean(probability > threshold), CancelFlag()))
        yield f"cut from {threshold}", found
        if threshold == 0.5:
            yield "cut, no hanger", clean(without_hanger(photo, found))
    for margin in BOX_MARGINS:
        yield f"GrabCut, margin {margin}", clean(grabcut(photo, middle, margin))
    yield from mistakes(photo, middle)


def grabcut(photo: NDArray[np.uint8], mask: Mask, margin: float) -> Mask:
    """GrabCut from the box of a mask, widened by a share of its sides."""
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    rows, columns = mask.shape
    x, y = max(1, round(left - margin * width)), max(1, round(top - margin * height))
    right = min(columns - 1, round(left + width * (1 + margin)))
    bottom = min(rows - 1, round(top + height * (1 + margin)))
    labels = np.zeros(mask.shape, np.uint8)
    cv2.setRNGSeed(SEED)
    box = (x, y, max(1, right - x), max(1, bottom - y))
    cv2.grabCut(photo, labels, box, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_RECT)
    return (labels & cv2.GC_FGD) > 0


def mistakes(photo: NDArray[np.uint8], mask: Mask) -> Iterator[tuple[str, Mask]]:
    """Masks of a part, of too much and of the wrong thing."""
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    for name, part in (
        ("upper half", np.s_[top + height // 2 :, :]),
        ("left half", np.s_[:, left + width // 2 :]),
        ("without top", np.s_[: top + height // 5, :]),
    ):
        half = mask.copy()
        half[part] = False
        yield name, half
    points = np.argwhere(mask)[:, ::-1].astype(np.int32)
    hull = np.zeros(mask.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.ascontiguousarray(points)), 1)
    yield "hull", hull > 0
    lab = lab_of(photo)
    inside, outside = colours(lab, mask), colours(lab, ~mask)
    yield from ((f"colour {number}", clean(part)) for number, part in enumerate(inside))
    yield from ((f"with ground {number}", clean(mask | part)) for number, part in enumerate(outside))
    for pixels in (5, 11):
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
        solid = mask.astype(np.uint8)
        yield f"grown {pixels}", np.asarray(cv2.dilate(solid, kernel)) > 0
        yield f"shrunk {pixels}", np.asarray(cv2.erode(solid, kernel)) > 0


def colours(lab: NDArray[np.float32], mask: Mask) -> Iterator[Mask]:
    """A mask taken apart into two groups of colours."""
    values = np.ascontiguousarray(lab[mask])
    if len(values) < 100:
        return
    cv2.setRNGSeed(SEED)
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 10, 1.0)
    _, labels, _ = cv2.kmeans(values, 2, np.zeros((0,), np.int32), stop, 1, cv2.KMEANS_PP_CENTERS)
    for number in range(2):
        part = np.zeros(mask.shape, np.bool_)
        part[mask] = np.asarray(labels)[:, 0] == number
        yield part


def odds(probability: NDArray[np.float32] | np.float32) -> NDArray[np.float32]:
    """Logits of probabilities."""
    kept = np.clip(probability, BELIEVED, 1 - BELIEVED)
    return np.asarray(np.log(kept / (1 - kept)), np.float32)


def logits_of(mask: Mask) -> NDArray[np.float32]:
    """Logits that rise with the distance from the outline."""
    inside = np.asarray(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5))
    outside = np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5))
    return np.asarray((inside - outside) * PER_PX, np.float32)


def proposal(logits: NDArray[np.float32], probability: NDArray[np.float32], name: str) -> Proposal:
    """A candidate; its own guess is what the network's probabilities let expect."""
    return Proposal(logits, expected_iou(logits > 0, probability), name)


def scored(network: GarmentNetwork, photo: NDArray[np.uint8], truth: Mask) -> Table:
    """All candidates of one photo with their scores and their true intersection over union."""
    small = working_size(photo)
    probability = prior_of(network, small)
    true = np.asarray(cv2.resize(truth.astype(np.float32), small.shape[1::-1], interpolation=cv2.INTER_AREA)) > 0.5
    scene = Scene(small, probability)
    rows, agreements = [], []
    for candidate in candidates(network, small, probability):
        fitted = scene.fit(candidate.logits)
        if 0 < (fitted > 0).mean() < 1:
            rows.append(astuple(scene.score(fitted, candidate.predicted_iou)))
            agreements.append(intersection_over_union(candidate.logits > 0, true))
    return np.array(rows), np.array(agreements)


def chosen(tables: list[Table], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """True intersection over union of each photo's first choice, for each of Kx6 weights: KxPHOTOS."""
    picks = [agreements[np.argmax(rows @ weights.T, axis=0)] for rows, agreements in tables]
    return np.stack(picks, axis=1)


def expected(tables: list[Table], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean true intersection over union if candidates are chosen the oftener the better they score: K values."""
    total = np.zeros(len(weights))
    for rows, agreements in tables:
        scores = rows @ weights.T
        chance = np.exp(SHARPNESS * (scores - scores.max(axis=0)))
        total += agreements @ chance / chance.sum(axis=0)
    return np.asarray(total / len(tables), np.float64)


def fit(tables: list[Table]) -> NDArray[np.float64]:
    """Search for the four weights that are fitted; 6, the other two 0."""
    names = [field.name for field in fields(Weights)]
    weights = np.zeros((DRAWS, len(names)))
    weights[:, [names.index(name) for name in FITTED]] = np.random.default_rng(SEED).dirichlet(
        np.ones(len(FITTED)), DRAWS
    )
    return np.asarray(weights[np.argmax(expected(tables, weights))], np.float64)


def report(name: str, agreements: NDArray[np.float64]) -> None:
    """Print a line about the first choices."""
    print(
        f"{name:22} mean IoU {agreements.mean():.4f}  5th percentile {np.percentile(agreements, 5):.3f}"
        f"  worst {agreements.min():.3f}"
    )


def main() -> int:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--masks", type=Path, default=MASKS, help="folder of 1-bit masks")
    parser.add_argument("--check", action="store_true", help="measure the committed weights, fit none")
    arguments = parser.parse_args()
    folder = os.environ.get("FASHQUICK_PHOTOS")
    pairs = [(mask, photo_of(Path(folder), mask)) for mask in sorted(arguments.masks.glob("*.png"))] if folder else []
    network = GarmentNetwork()
    tables = []
    for mask, photo in pairs:
        if photo is not None:
            with Image.open(photo) as picture, Image.open(mask) as truth:
                tables.append(scored(network, np.asarray(picture.convert("RGB")), np.asarray(truth.convert("L")) > 127))
    if not tables:
        print("set FASHQUICK_PHOTOS to the folder of the masks' photos", file=sys.stderr)
        return 2
    print(f"{len(tables)} photos, {sum(len(rows) for rows, _ in tables)} candidates")
    report("best candidate", np.array([agreements.max() for _, agreements in tables]))
    report("average candidate", np.array([agreements.mean() for _, agreements in tables]))
    start = np.array(astuple(WEIGHTS))
    for number, field in enumerate(fields(Weights)):
        report(f"{field.name} alone", chosen(tables, np.eye(len(start))[[number]])[0])
    report("committed weights", chosen(tables, start[np.newaxis])[0])
    if arguments.check:
        return 0
    held = np.concatenate(
        [
            chosen(tables[fold::FOLDS], fit([t for n, t in enumerate(tables) if n % FOLDS != fold])[np.newaxis])[0]
            for fold in range(FOLDS)
        ]
    )
    report(f"fitted, {FOLDS} folds", held)
    found = fit(tables)
    report("fitted on all", chosen(tables, found[np.newaxis])[0])
    by_hand = np.where(found > 0, 0, start)
    found = by_hand + (1 - by_hand.sum()) * found
    report("with those set by hand", chosen(tables, found[np.newaxis])[0])
    print(", ".join(f"{field.name}={value:.2f}" for field, value in zip(fields(Weights), found, strict=True)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
