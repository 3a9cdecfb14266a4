"""Time of the texture analysers, and what they measure on drawn cloth of every class.

Run: python benchmarks/features_texture.py [--each N]. How often the class is right on real photos is reported by
`scripts/train_texture.py --check`.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.drawn import draw
from fashquick_common.cancel import CancelFlag
from fashquick_common.garment import Category, PatternKind, TextureClass
from fashquick_features.recognition.network import Recogniser
from fashquick_features.shape import outline
from fashquick_features.shape.upright import upright_view
from fashquick_features.texture.cloth import cloth_of
from fashquick_features.texture.descriptor import describe_cloth
from fashquick_features.texture.measures import measure
from fashquick_features.texture.model import load_model

VIEW_PX = 512


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=8, help="drawn garments of each class")
    each = parser.parse_args().each
    (model, _), recogniser = load_model(), Recogniser()
    steps: dict[str, list[float]] = {"flatten": [], "describe": [], "measure": [], "network and class": []}
    print("mean over drawn garments: coarseness, directionality, contrast, sheen; answers of the class")
    for texture in TextureClass:
        rows, answers = [], []
        for seed in range(each):
            drawn = draw(Category.T_SHIRT, 2000 + seed, pattern=PatternKind.SOLID, texture=texture, photo_seed=seed)
            shape = outline.trace(drawn.alpha)
            view = upright_view(drawn.photo, drawn.alpha, shape.points, outline.upright_frame(shape), VIEW_PX)
            times = [time.thread_time()]
            cloth = cloth_of(view)
            times.append(time.thread_time())
            vector = describe_cloth(cloth, CancelFlag())
            times.append(time.thread_time())
            found = measure(cloth, CancelFlag())
            times.append(time.thread_time())
            guesses = model.guess(vector, recogniser.look(view).texture)
            times.append(time.thread_time())
            for name, taken in zip(steps, np.diff(times), strict=True):
                steps[name].append(1e3 * float(taken))
            rows.append((found.coarseness, found.directionality, found.contrast, found.sheen))
            answers.append(guesses[0].texture_class.value if guesses else "-")
        means = ", ".join(f"{value:.2f}" for value in np.mean(rows, axis=0))
        print(f"{texture.value:9} {means}; {', '.join(answers)}")
    print("milliseconds of one core: " + ", ".join(f"{name} {median(taken):.0f}" for name, taken in steps.items()))


if __name__ == "__main__":
    main()
