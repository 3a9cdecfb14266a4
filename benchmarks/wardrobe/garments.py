"""Photos through segmentation and features, kept in a folder so that the studio can be run again and again.

Run: FASHQUICK_PHOTOS=FOLDER python -m benchmarks.wardrobe.garments CACHE [--share judged] [--categories t-shirt ...]
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np

from benchmarks.wardrobe.choice import Photo, Share, chosen
from fashquick.garment.v1 import passport_pb2
from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import FashquickError
from fashquick_common.garment import Category
from fashquick_common.garment_codec import passport_from_proto, passport_to_proto
from fashquick_common.image import ImageLimits, decode
from fashquick_features.engine import Wishes
from fashquick_features.passport import PassportAnalyser
from fashquick_generation.engine import GarmentInput
from fashquick_orchestrator.handover import with_own_colours
from fashquick_segmentation.embedded import EmbeddedSegmenter
from fashquick_segmentation.engine import NO_HINTS
from fashquick_segmentation.refinement.matting import foreground


class Wardrobe:
    """The stages before generation, in this process."""

    def __init__(self, cache: Path) -> None:
        """Keep answers in `cache`; delete the folder after a change of either stage."""
        self._cache = cache
        self._segmenter = EmbeddedSegmenter()
        self._analyser = PassportAnalyser(1, None)
        cache.mkdir(parents=True, exist_ok=True)

    def garment(self, photo: Photo) -> GarmentInput:
        """What generation gets of a photo whose category the caller has stated.

        Raises:
            FashquickError: A stage refused the photo.
        """
        file = self._cache / f"{photo.category.value}__{photo.name}.npz"
        if not file.exists():
            self._fill(photo, file)
        with np.load(file) as kept:
            passport = passport_from_proto(passport_pb2.Passport.FromString(kept["passport"].tobytes()))
            return GarmentInput(kept["photo"], kept["alpha"], passport)

    def _fill(self, photo: Photo, file: Path) -> None:
        rgb = decode(photo.path.read_bytes(), ImageLimits()).rgb
        found = self._segmenter.segment(rgb, NO_HINTS, CancelFlag())
        passport = self._analyser.analyse(rgb, found.alpha, Wishes(category=photo.category), CancelFlag())
        clean = with_own_colours(rgb, found.alpha, foreground(rgb, found.alpha, CancelFlag()))
        wire = np.frombuffer(passport_to_proto(passport).SerializeToString(), np.uint8)
        np.savez_compressed(file, photo=clean, alpha=found.alpha, passport=wire)


def main() -> int:
    """Fill the cache."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--share", type=Share, default=Share.DEVELOPMENT)
    parser.add_argument("--categories", type=Category, nargs="+", default=list(Category))
    arguments = parser.parse_args()
    folder = os.environ.get("FASHQUICK_PHOTOS")
    if not folder:
        print("FASHQUICK_PHOTOS is not set: skipped")
        return 0
    wardrobe = Wardrobe(arguments.cache)
    for category in arguments.categories:
        for photo in chosen(Path(folder), category, arguments.share):
            try:
                wardrobe.garment(photo)
            except FashquickError as error:
                print(f"{category.value} {photo.name[:8]} {error.reason}: {error.message}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
