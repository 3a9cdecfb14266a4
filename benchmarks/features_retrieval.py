"""Retrieval with the feature vector: is a garment found again by another photo of it?

Run: python -m benchmarks.features_retrieval [--garments N] [--long-side PX]. Each garment is drawn in two photos that
differ in place, turn, size, light, folds, ground, noise, blur and compression; the second is looked up among the first
ones of all. None of the garments was learned from.
"""

from __future__ import annotations

import argparse

import numpy as np
import numpy.typing as npt

from benchmarks.drawn import DrawnGarment, draw
from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import Category, PatternKind
from fashquick_features import vector
from fashquick_features.colour import light, palette
from fashquick_features.passport import VIEW_PX
from fashquick_features.pattern import descriptor as patterns
from fashquick_features.pattern.analysis import PATTERN_PX
from fashquick_features.pattern.correlation import likeness
from fashquick_features.pattern.flatten import flatten
from fashquick_features.recognition.network import Recogniser
from fashquick_features.shape import outline
from fashquick_features.shape.descriptor import describe
from fashquick_features.shape.upright import upright_view
from fashquick_features.texture.cloth import cloth_of
from fashquick_features.texture.descriptor import describe_cloth

LONG_SIDE = 384  # pixels of a drawn photo; about what shops send as thumbnails
FIRST_SEED = 500_000
CATEGORIES = (
    Category.T_SHIRT,
    Category.LONG_SLEEVE,
    Category.SLEEVELESS_TOP,
    Category.DRESS,
    Category.TROUSERS,
    Category.SHORTS,
    Category.SKIRT,
)
PATTERNS = tuple(PatternKind)

Floats = npt.NDArray[np.float32]


def drawn_photo(seed: int, photo: int, long_side: int = LONG_SIDE) -> DrawnGarment:
    """One of two photos of a garment."""
    category, pattern = CATEGORIES[seed % len(CATEGORIES)], PATTERNS[seed % len(PATTERNS)]
    return draw(category, seed, pattern=pattern, photo_seed=photo, long_side=long_side)


def numbers_of(photo: npt.NDArray[np.uint8], alpha: npt.NDArray[np.uint8], recogniser: Recogniser) -> dict[str, Floats]:
    """What the vector of a garment is made of, as the service computes it."""
    cancel = CancelFlag()
    shape = outline.trace(alpha)
    frame = outline.upright_frame(shape)
    view = upright_view(photo, alpha, shape.points, frame, VIEW_PX)
    flat = flatten(upright_view(photo, alpha, shape.points, frame, PATTERN_PX))
    colours = palette.extract(photo, alpha, light.estimate(photo, alpha, cancel), cancel)
    return vector.numbers(
        colours,
        patterns.describe(flat, likeness(flat)),
        describe_cloth(cloth_of(view), cancel),
        describe(photo, shape, frame),
        recogniser.look(view).embedding,
    )


def drawn_pair(seed: int, recogniser: Recogniser) -> dict[str, tuple[Floats, Floats]]:
    """Numbers of a drawn garment in two photos, by block."""
    one, two = (drawn_photo(seed, photo) for photo in (0, 1))
    first, second = (numbers_of(garment.photo, garment.alpha, recogniser) for garment in (one, two))
    return {name: (first[name], second[name]) for name in vector.BLOCKS}


def main() -> None:
    """Print recall."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--garments", type=int, default=1000)
    arguments = parser.parse_args()
    recogniser, (model, _) = Recogniser(), vector.load_model()
    found: tuple[list[vector.FeatureVector], list[vector.FeatureVector]] = ([], [])
    for index in range(arguments.garments):
        pair = drawn_pair(FIRST_SEED + index, recogniser)
        for side in (0, 1):
            found[side].append(model.assemble({name: pair[name][side] for name in vector.BLOCKS}))
    shelf, asked = (np.array([item.values for item in side], np.float32) for side in found)
    report("whole vector", shelf, asked)
    for block in found[0][0].blocks:
        part = slice(block.offset, block.offset + block.length)
        report(f"{block.name} alone", shelf[:, part], asked[:, part])
    print(f"{shelf.shape[1]} numbers a vector, version {model.version}")


def report(what: str, shelf: Floats, asked: Floats) -> None:
    """Print recall at 1 and at 5."""
    likeness_ = asked @ shelf.T
    rank = (likeness_ > np.diag(likeness_)[:, None]).sum(axis=1)
    print(f"{what:16} recall@1 {np.mean(rank < 1):.3f}  recall@5 {np.mean(rank < 5):.3f}  of {len(shelf)} garments")


if __name__ == "__main__":
    main()
