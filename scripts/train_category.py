"""Train what the outline says of a garment's kind, and how much it counts beside the recognition network.

    FASHQUICK_PHOTOS=DIR python scripts/train_category.py --masks DIR [--check]

The photos lie as SET/FOLDER/ID.jpg, FOLDER being one of the public "clothing dataset (small)" (CC0), their masks as
SET__FOLDER__ID.png; those that are missing are made with the embedded segmenter and kept there. Kinds come from
benchmarks/data/garment_labels.csv. Nothing is learned from the set `garments` but the two powers of the pool; on its
photos the accuracy is printed, against the labels of a second person. Seeds are fixed: the same photos and masks give
the same weights. --check only reports.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from recogniser.described import report, seen_by, stacked
from recogniser.ensembles import best_powers, fit, pooled, predict
from recogniser.garments import garments
from recogniser.labels import ROOT, read_labels, second_labels

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import FashquickError
from fashquick_common.garment import Category
from fashquick_common.image.decode import decode
from fashquick_features.passport import VIEW_PX
from fashquick_features.recognition.network import Recogniser
from fashquick_features.shape.descriptor import describe

MODEL = ROOT / "services/features/src/fashquick_features/data/category.npz"
KINDS = tuple(category.value for category in Category)


def make_masks(photos: Path, masks: Path) -> None:
    """Make the masks that are missing; an empty one where no garment is found."""
    missing = [label.photo for label in read_labels() if not _mask_path(masks, label.photo).exists()]
    if not missing:
        return
    # Imported late: with all masks there the script runs without the segmentation service.
    from fashquick_segmentation.embedded.segmenter import EmbeddedSegmenter  # noqa: PLC0415 - late, see above
    from fashquick_segmentation.engine import NO_HINTS  # noqa: PLC0415 - likewise

    segmenter = EmbeddedSegmenter()
    for name in missing:
        photo = decode((photos / f"{name}.jpg").read_bytes()).rgb
        try:
            alpha = segmenter.segment(photo, NO_HINTS, CancelFlag()).alpha
        except FashquickError as error:
            print(f"{name}: {error}")
            alpha = np.zeros(photo.shape[:2], np.uint8)
        cv2.imwrite(str(_mask_path(masks, name)), alpha)


def _mask_path(masks: Path, photo: str) -> Path:
    return masks / f"{photo.replace('/', '__')}.png"


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
    make_masks(Path(photos), arguments.masks)
    recogniser, second = Recogniser(), second_labels()
    rows: list[tuple[npt.NDArray[np.float32], int]] = []
    held: list[tuple[npt.NDArray[np.float32], int]] = []
    seen = []
    for garment in garments(Path(photos), arguments.masks, mirrored=True):
        answers = second.get(garment.label.photo, {}) if garment.label.held_out else garment.label.answers
        if answers.get("kind", -1) < 0:
            continue
        vector = describe(garment.photo, garment.outline, garment.frame)
        (held if garment.label.held_out else rows).append((vector, answers["kind"]))
        if garment.label.held_out:
            seen.append(seen_by(recogniser, garment.view(VIEW_PX), "kind"))
    learned, tested = stacked(rows), stacked(held)
    weights = fit(learned.x, learned.label, KINDS)
    outlined, network, right = predict(weights, tested.x, KINDS), np.array(seen), tested.label
    report("outline alone", KINDS, right, outlined, 0.0)
    report("network alone", KINDS, right, network, 0.0)
    powers = best_powers(network, outlined, right)
    report(f"pooled, powers {powers}", KINDS, right, pooled(network, outlined, powers), 0.0)
    if not arguments.check:
        np.savez_compressed(MODEL, **weights, powers=np.array(powers))
        print(f"{MODEL.name}: {MODEL.stat().st_size / 1024:.0f} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
